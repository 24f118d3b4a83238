//! Commands and replies (RFC 5321, section 4; RFC 3030 for BDAT; RFC 3207 for STARTTLS).

/// What a client's line asks for, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Command<'a> {
    /// HELO or EHLO with the name given.
    Hello(&'a [u8]),
    /// MAIL FROM with the path.
    MailFrom(&'a [u8]),
    /// RCPT TO with the path.
    RcptTo(&'a [u8]),
    Data,
    /// BDAT with the number of bytes that follow, and whether they are the last.
    Bdat {
        size: u64,
        last: bool,
    },
    Rset,
    Quit,
    StartTls,
    /// Anything else, such as the answers to AUTH.
    Other,
}

impl<'a> Command<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Self {
        let is = |word: &str| begins_with(line, word);
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b'h') if is("helo") => Self::Hello(argument(&line[4..])),
            Some(b'e') if is("ehlo") => Self::Hello(argument(&line[4..])),
            Some(b'm') if is("mail from") => Self::MailFrom(argument(&line[9..])),
            Some(b'r') if is("rcpt to") => Self::RcptTo(argument(&line[7..])),
            Some(b'r') if is("rset") => Self::Rset,
            Some(b'd') if is("data") => Self::Data,
            Some(b'b') if is("bdat") => chunk(&line[4..]).unwrap_or(Self::Other),
            Some(b'q') if is("quit") => Self::Quit,
            Some(b's') if is("starttls") => Self::StartTls,
            _ => Self::Other,
        }
    }

    /// Whether the line is one that RFC 5321 or its extensions know, by its first word.
    pub(super) fn is_known(line: &[u8]) -> bool {
        const WORDS: [&str; 14] = [
            "helo", "ehlo", "mail", "rcpt", "data", "bdat", "rset", "quit", "starttls", "noop", "vrfy",
            "expn", "help", "auth",
        ];
        WORDS.iter().any(|word| begins_with(line, word))
    }
}

/// Whether the line begins with these words, in any case.
fn begins_with(line: &[u8], words: &str) -> bool {
    line.split_at_checked(words.len()).is_some_and(|(begin, rest)| {
        begin.eq_ignore_ascii_case(words.as_bytes()) && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
    })
}

/// What stands behind the words: up to the parameters of extensions (RFC 5321, section 4.1.1.11).
fn argument(rest: &[u8]) -> &[u8] {
    let said = rest.get(1..).unwrap_or_default().trim_ascii_start();
    said.split(|&byte| byte == b' ').next().unwrap_or_default()
}

fn chunk(rest: &[u8]) -> Option<Command<'_>> {
    let mut words = rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let size = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"last") => true,
        Some(_) => return None,
    };
    Some(Command::Bdat { size, last }).filter(|_| words.next().is_none())
}

/// One line of a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reply<'a> {
    pub(super) code: u16,
    /// Whether more lines of it follow.
    pub(super) goes_on: bool,
    pub(super) text: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Reads a line; nothing if it does not begin with three digits (RFC 5321, section 4.2).
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let (code, rest) = line.split_first_chunk::<3>()?;
        if !code.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let goes_on = rest.starts_with(b"-");
        Some(Self { code, goes_on, text: rest.get(1..).unwrap_or_default() })
    }

    /// Whether the code is one that servers may give: 200 to 599, the second digit at most 5.
    pub(super) fn is_sound(&self) -> bool {
        (200..600).contains(&self.code) && self.code / 10 % 10 <= 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_rfc_5321() {
        for (line, command) in [
            ("EHLO bar.com", Command::Hello(b"bar.com")),
            ("helo  x", Command::Hello(b"x")),
            ("HELO", Command::Hello(b"")),
            ("EHLOX", Command::Other),
            ("MAIL FROM:<Smith@bar.com> SIZE=1", Command::MailFrom(b"<Smith@bar.com>")),
            ("mail from: <a@b>", Command::MailFrom(b"<a@b>")),
            ("RCPT TO:<Green@foo.com>", Command::RcptTo(b"<Green@foo.com>")),
            ("DATA", Command::Data),
            ("DATABASE", Command::Other),
            ("BDAT 86 LAST", Command::Bdat { size: 86, last: true }),
            ("bdat 100000", Command::Bdat { size: 100_000, last: false }),
            ("BDAT -1", Command::Other),
            ("BDAT 5 X", Command::Other),
            ("RSET", Command::Rset),
            ("quit", Command::Quit),
            ("STARTTLS", Command::StartTls),
            ("VXNlcm5hbWU6", Command::Other),
            ("", Command::Other),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), command, "{line}");
        }
    }

    #[test]
    fn replies_of_rfc_5321() {
        let reply = |line: &'static str| Reply::parse(line.as_bytes());
        assert_eq!(reply("250-SIZE"), Some(Reply { code: 250, goes_on: true, text: b"SIZE" }));
        assert_eq!(reply("354 go"), Some(Reply { code: 354, goes_on: false, text: b"go" }));
        assert_eq!(reply("221"), Some(Reply { code: 221, goes_on: false, text: b"" }));
        for line in ["", "25", "2x0 ok", "HTTP/1.1"] {
            assert_eq!(reply(line), None, "{line}");
        }
        for (line, sound) in
            [("250 ok", true), ("599 x", false), ("199 x", false), ("600 x", false), ("472", false)]
        {
            assert_eq!(reply(line).map(|reply| reply.is_sound()), Some(sound), "{line}");
        }
    }
}
