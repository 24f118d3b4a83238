//! Lines of the control connection (RFC 959, sections 4.2 and 5.3), and the ports in them (RFC 2428).

use std::net::Ipv4Addr;

/// A command with what stands behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Command<'a> {
    /// As it was sent.
    pub(super) name: &'a [u8],
    pub(super) argument: &'a [u8],
    pub(super) verb: Verb,
}

/// What a command asks for, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Verb {
    /// AUTH, with any mechanism.
    Auth,
    /// PORT and EPRT: the server connects.
    Port,
    Eprt,
    /// PASV and EPSV: the client connects.
    Pasv,
    Epsv,
    Retr,
    Stor,
    #[default]
    Other,
}

impl<'a> Command<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Self {
        let end = match line.split_at_checked(AUTH_TLS.len()) {
            Some((begin, rest))
                if begin.eq_ignore_ascii_case(AUTH_TLS) && rest.first().is_none_or(|b| *b == b' ') =>
            {
                AUTH_TLS.len()
            }
            _ => memchr::memchr(b' ', line).unwrap_or(line.len()),
        };
        let (name, rest) = line.split_at(end);
        Self { name, argument: rest.get(1..).unwrap_or_default(), verb: Verb::of(name) }
    }
}

/// The one command whose name has two words (Suricata documentation: "EVE JSON Output", ftp).
const AUTH_TLS: &[u8] = b"AUTH TLS";

impl Verb {
    fn of(name: &[u8]) -> Self {
        let mut upper = [0; 8];
        let Some(upper) = upper.get_mut(..name.len()) else { return Self::Other };
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        match &*upper {
            b"AUTH" | b"AUTH TLS" => Self::Auth,
            b"PORT" => Self::Port,
            b"EPRT" => Self::Eprt,
            b"PASV" => Self::Pasv,
            b"EPSV" => Self::Epsv,
            b"RETR" => Self::Retr,
            b"STOR" => Self::Stor,
            _ => Self::Other,
        }
    }
}

/// One line of a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ReplyLine<'a> {
    /// Three digits; of a line without a code nothing.
    pub(super) code: &'a [u8],
    /// What stands behind the code and what separates it.
    pub(super) text: &'a [u8],
    /// Whether the code says that more lines follow.
    pub(super) goes_on: bool,
}

impl<'a> ReplyLine<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Self {
        match line.split_at_checked(3) {
            Some((code, rest)) if code.iter().all(u8::is_ascii_digit) => {
                Self { code, text: rest.get(1..).unwrap_or_default(), goes_on: rest.starts_with(b"-") }
            }
            _ => Self { code: &[], text: line, goes_on: false },
        }
    }
}

/// The address in `h1,h2,h3,h4,p1,p2`: of PORT's argument.
pub(super) fn address_of_numbers(text: &[u8]) -> Option<Ipv4Addr> {
    let [address @ .., _, _] = six_numbers(text.trim_ascii())?;
    Some(address.into())
}

/// The port in `h1,h2,h3,h4,p1,p2`: of PORT's argument, or anywhere in PASV's reply, which has no fixed form.
pub(super) fn port_of_numbers(text: &[u8]) -> Option<u16> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b',';
    let runs = text.split(|byte| !is_part(byte));
    runs.filter_map(six_numbers)
        .map(|[.., high, low]| u16::from_be_bytes([high, low]))
        .find(|&port| port != 0)
}

fn six_numbers(run: &[u8]) -> Option<[u8; 6]> {
    let mut numbers = [0; 6];
    let mut parts = std::str::from_utf8(run).ok()?.split(',');
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The port in `|protocol|address|port|`, with any character in place of the bars: of EPRT's argument.
pub(super) fn port_of_address(text: &[u8]) -> Option<u16> {
    let (&bar, rest) = text.split_first()?;
    let mut parts = rest.split(|&byte| byte == bar);
    number(parts.nth(2)?)
}

/// The port in `(|||port|)`, with any character in place of the bars: of EPSV's reply.
pub(super) fn port_in_parentheses(text: &[u8]) -> Option<u16> {
    let at = memchr::memchr(b'(', text)?;
    let &[bar, second, third, ref rest @ ..] = &text[at + 1..] else { return None };
    let end = memchr::memchr(bar, rest)?;
    number(&rest[..end]).filter(|_| second == bar && third == bar)
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|&port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> (&str, &str, Verb) {
        let Command { name, argument, verb } = Command::parse(line.as_bytes());
        (std::str::from_utf8(name).unwrap(), std::str::from_utf8(argument).unwrap(), verb)
    }

    #[test]
    fn commands_have_a_name_and_an_argument() {
        assert_eq!(command("USER anonymous"), ("USER", "anonymous", Verb::Other));
        assert_eq!(command("pasv"), ("pasv", "", Verb::Pasv));
        assert_eq!(command("RETR a b"), ("RETR", "a b", Verb::Retr));
        assert_eq!(command("AUTH TLS"), ("AUTH TLS", "", Verb::Auth));
        assert_eq!(command("AUTH TLSX"), ("AUTH", "TLSX", Verb::Auth));
        assert_eq!(command(""), ("", "", Verb::Other));
    }

    #[test]
    fn replies_have_a_code_or_none() {
        let line = |line: &'static str| {
            let ReplyLine { code, text, goes_on } = ReplyLine::parse(line.as_bytes());
            (code.escape_ascii().to_string(), text.escape_ascii().to_string(), goes_on)
        };
        let expected = |code: &str, text: &str, goes_on| (code.to_owned(), text.to_owned(), goes_on);
        assert_eq!(line("220 ready"), expected("220", "ready", false));
        assert_eq!(line("211-Features:"), expected("211", "Features:", true));
        assert_eq!(line("226"), expected("226", "", false));
        assert_eq!(line(" SIZE"), expected("", " SIZE", false));
        assert_eq!(line("22"), expected("", "22", false));
    }

    #[test]
    fn ports_of_rfc_959() {
        for (text, port) in [
            ("192,168,0,13,234,10", Some(59914)),
            ("Entering Passive Mode (127,0,0,1,4,1).", Some(1025)),
            ("Entering Passive Mode 127,0,0,1,4,1", Some(1025)),
            ("127,0,0,1,4", None),
            ("127,0,0,1,4,256", None),
            ("127,0,0,1,4,1,1", None),
            ("127,0,0,1,0,0", None),
        ] {
            assert_eq!(port_of_numbers(text.as_bytes()), port, "{text}");
        }
    }

    #[test]
    fn addresses_of_rfc_959() {
        assert_eq!(address_of_numbers(b"192,168,0,13,234,10"), Some(Ipv4Addr::new(192, 168, 0, 13)));
        assert_eq!(address_of_numbers(b"192,168,0,13,234"), None);
        assert_eq!(address_of_numbers(b"to 192,168,0,13,234,10"), None);
    }

    #[test]
    fn ports_of_rfc_2428() {
        for (text, port) in [
            ("|1|132.235.1.2|6275|", Some(6275)),
            ("|2|1080::8:800:200C:417A|5282|", Some(5282)),
            ("!2!::1!5282!", Some(5282)),
            ("|1|132.235.1.2|65536|", None),
            ("|1|6275|", None),
            ("", None),
        ] {
            assert_eq!(port_of_address(text.as_bytes()), port, "{text}");
        }
        for (text, port) in [
            ("Entering Extended Passive Mode (|||6446|)", Some(6446)),
            ("(!!!6446!)", Some(6446)),
            ("(|||6446)", None),
            ("(||1|6446|)", None),
            ("|||6446|", None),
        ] {
            assert_eq!(port_in_parentheses(text.as_bytes()), port, "{text}");
        }
    }
}
