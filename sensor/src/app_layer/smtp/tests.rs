use super::*;
use crate::app_layer::file::Wanted;
use crate::app_layer::testing::{self, Dialogue};
use Direction::{ToClient, ToServer};
use proptest::prelude::*;

/// A session of which rules ask for all there is.
fn begin_dialogue() -> Dialogue {
    let mut dialogue = Dialogue::new::<Smtp>();
    dialogue.conversation.set_wanted(Wanted { body_md5: true, ..Wanted::default() });
    dialogue
}

/// What the two say in turn, lines that begin with a digit being the server's; each way in pieces of `piece` bytes.
fn session(said: &str, piece: usize) -> Dialogue {
    let mut dialogue = begin_dialogue();
    for line in said.lines() {
        let direction = if line.starts_with(|c: char| c.is_ascii_digit()) { ToClient } else { ToServer };
        dialogue.say_in_pieces(direction, format!("{line}\r\n").as_bytes(), piece);
    }
    dialogue
}

fn lines(said: &str) -> Vec<String> {
    session(said, usize::MAX).all_lines::<Smtp>()
}

/// The values of a field on the way to the server, by transaction.
fn values(lines: &[String], field: &str) -> Vec<(u64, String)> {
    testing::values(lines, ToServer, field)
}

fn events(lines: &[String]) -> Vec<(u64, &'static str)> {
    testing::events(lines, event::NAMES)
}

const MAIL: &str = "\
220 foo.com Simple Mail Transfer Service Ready
EHLO bar.com
250-foo.com greets bar.com
250-8BITMIME
250 HELP
MAIL FROM:<Smith@bar.com>
250 OK
RCPT TO:<Jones@foo.com>
250 OK
RCPT TO:<Green@foo.com>
550 No such user here
RCPT TO:<Brown@foo.com>
250 OK
DATA
354 Start mail input; end with <CRLF>.<CRLF>
From: Smith <Smith@bar.com>
To: Jones@foo.com
Cc: Brown@foo.com
Subject: a mail
Date: Mon, 5 Oct 2009 11:36:07 +0530
Message-ID: <1@bar.com>
X-Mailer: hand
Content-Type: text/plain; name=\"a.txt\"

..Blah blah blah... http://blah.example/
...etc. etc. etc.
.
250 OK
QUIT
221 foo.com Service closing transmission channel";

#[test]
fn a_typical_session_of_rfc_5321() {
    let lines = lines(MAIL);
    for (field, value) in [
        ("progress", "1"),
        ("smtp.helo", "bar.com"),
        ("smtp.mail_from", "<Smith@bar.com>"),
        ("email.from", "Smith <Smith@bar.com>"),
        ("email.to", "Jones@foo.com"),
        ("email.cc", "Brown@foo.com"),
        ("email.subject", "a mail"),
        ("email.date", "Mon, 5 Oct 2009 11:36:07 +0530"),
        ("email.message_id", "<1@bar.com>"),
        ("email.x_mailer", "hand"),
        ("email.url", "blah.example/"),
        ("email.body_md5", "bf1b33bff0c5a98523d064cd4dbb0ce3"),
        ("file.name", "a.txt"),
        ("file.data", r".Blah blah blah... http://blah.example/\r\n..etc. etc. etc."),
        ("filesize", r"\x00\x00\x00\x00\x00\x00\x009"),
    ] {
        assert_eq!(values(&lines, field), [(0, value.to_owned())], "{field}");
    }
    let receivers = ["<Jones@foo.com>", "<Green@foo.com>", "<Brown@foo.com>"];
    assert_eq!(values(&lines, "smtp.rcpt_to"), receivers.map(|path| (0, path.to_owned())));
    assert_eq!(events(&lines), []);
}

#[test]
fn each_mail_is_a_transaction() {
    let mail = "MAIL FROM:<a@b>\n250 OK\nDATA\n354 go\n\nx\n.\n250 OK";
    let said = format!("220 ready\nEHLO me\n250 OK\n{mail}\n{mail}\nRSET\n250 OK\n{mail}\nQUIT\n221 bye");
    let lines = lines(&said);
    assert_eq!(values(&lines, "smtp.mail_from"), [0, 1, 2].map(|id| (id, "<a@b>".to_owned())));
    assert_eq!(values(&lines, "smtp.helo"), [0, 1, 2].map(|id| (id, "me".to_owned())));
    assert_eq!(values(&lines, "progress"), [0, 1, 2].map(|id| (id, "1".to_owned())));
    assert_eq!(events(&lines), []);
}

#[test]
fn reset_ends_a_transaction() {
    let said = "220 ready\nHELO me\n250 OK\nMAIL FROM:<a@b>\n250 OK\nRSET\n250 OK\nMAIL FROM:<c@d>\n250 OK";
    let lines = lines(said);
    let senders = [(0, "<a@b>".to_owned()), (1, "<c@d>".to_owned())];
    assert_eq!(values(&lines, "smtp.mail_from"), senders);
    assert_eq!(values(&lines, "progress"), [(0, "1".to_owned()), (1, "0".to_owned())]);
}

#[test]
fn a_mail_may_be_refused_and_sent_again() {
    let said = "220 ready\nHELO me\n250 OK\nDATA\n503 no\nDATA\n354 go\nSubject: s\n\n.\n250 OK";
    let lines = lines(said);
    assert_eq!(values(&lines, "email.subject"), [(0, "s".to_owned())]);
    assert_eq!(events(&lines), [(0, "data_command_rejected")]);
}

#[test]
fn commands_need_not_wait_where_the_server_says_so() {
    let said = "220 ready\nEHLO me\n250-x\n250-PIPELINING\n250 HELP\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n\
                Subject: s\n\n.\nQUIT\n250 OK\n250 OK\n354 go\n250 OK\n221 bye";
    let lines = lines(said);
    assert_eq!(values(&lines, "email.subject"), [(0, "s".to_owned())]);
    assert_eq!(values(&lines, "progress"), [(0, "1".to_owned())]);
    assert_eq!(events(&lines), []);
}

#[test]
fn a_mail_may_come_before_the_server_agrees() {
    let said =
        "220 ready\nHELO me\nMAIL FROM:<a@b>\nDATA\nSubject: s\n\n.\nQUIT\n250 OK\n250 OK\n354 go\n250 OK";
    let lines = lines(said);
    assert_eq!(values(&lines, "email.subject"), [(0, "s".to_owned())]);
    assert_eq!(values(&lines, "progress"), [(0, "1".to_owned())]);
    assert_eq!(events(&lines), [(0, "invalid_pipelined_sequence")]);
}

#[test]
fn a_reply_that_never_ends_does_not_hide_a_mail() {
    let said = "220 ready\nEHLO me\n250-x\nMAIL FROM:<a@b>\n250 OK\nDATA\n354 go\nSubject: s\n\n.\n250 OK";
    assert_eq!(values(&lines(said), "email.subject"), [(0, "s".to_owned())]);
}

/// Chunks do not end at line ends.
const CHUNKS: &[(Direction, &str)] = &[
    (ToClient, "220 ready\r\n"),
    (ToServer, "EHLO me\r\n"),
    (ToClient, "250 OK\r\n"),
    (ToServer, "MAIL FROM:<a@b>\r\nBDAT 12\r\nSubject: sub"),
    (ToServer, "BDAT 7\r\nj\r\n\r\n.\rBDAT 2 LAST\r\n\nx"),
    (ToServer, "QUIT\r\n"),
    (ToClient, "250 OK\r\n250 OK\r\n250 OK\r\n250 OK\r\n221 bye\r\n"),
];

fn chunks(piece: usize) -> Vec<String> {
    let mut dialogue = begin_dialogue();
    for (direction, said) in CHUNKS {
        dialogue.say_in_pieces(*direction, said.as_bytes(), piece);
    }
    dialogue.all_lines::<Smtp>()
}

#[test]
fn chunks_of_rfc_3030() {
    let lines = chunks(usize::MAX);
    assert_eq!(values(&lines, "email.subject"), [(0, "subj".to_owned())]);
    assert_eq!(values(&lines, "progress"), [(0, "1".to_owned())]);
    assert_eq!(values(&lines, "email.body_md5"), [(0, "fc5f076dbc327cbd6829941c8abbc52f".to_owned())]);
    assert_eq!(events(&lines), []);
}

#[test]
fn more_than_a_chunk_should_hold_is_told() {
    let mut dialogue = begin_dialogue();
    dialogue.say(ToClient, b"220 ready\r\n").say(ToServer, b"BDAT 4\r\nSubject: s\r\n");
    assert_eq!(events(&dialogue.all_lines::<Smtp>()), [(0, "bdat_chunk_len_exceeded")]);
}

#[test]
fn tls_begins_when_the_server_agrees() {
    let mut dialogue = session("220 ready\nEHLO me\n250-x\n250 STARTTLS\nSTARTTLS", usize::MAX);
    dialogue.say(ToClient, b"220 go\r\n\x16\x03\x03").say(ToServer, b"\x16\x03\x01\x00");
    let lines = dialogue.all_lines::<Smtp>();
    let change = dialogue.requests.last().and_then(|requests| requests.change);
    assert_eq!(change, Some(Change::To(AppProtocol::Tls)));
    assert_eq!((dialogue.left(ToClient), dialogue.left(ToServer)), (3, 4), "it is not consumed");
    assert_eq!(values(&lines, "progress"), [(0, "1".to_owned())]);
    assert_eq!(events(&lines), []);
}

#[test]
fn irregular_sessions_are_told() {
    let long = "x".repeat(2 * MAX_LINE);
    for (said, event) in [
        ("220 ready\nHELO me\nHELO you", "duplicate_fields"),
        ("220 ready\nMAIL FROM:<a@b>\nMAIL FROM:<c@d>", "duplicate_fields"),
        ("220 ready\nBDAT 0\nDATA", "unparsable_content"),
        ("220 ready\nDATA\nSubject: s", "invalid_pipelined_sequence"),
        ("220 ready\nSTARTTLS\nNOOP", "invalid_pipelined_sequence"),
        ("220 ready\nSTARTTLS\n454 no", "tls_rejected"),
        ("220 ready\nNOOP\n250 OK\n250 OK", "unable_to_match_reply_with_request"),
        ("HELO me\n250 OK", "no_server_welcome_message"),
        ("220 ready\nNOOP\n2x0 what", "invalid_reply"),
        ("220 ready\nNOOP\n472 what", "invalid_reply"),
        (&format!("220 ready\nNOOP {long}"), "max_command_line_len_exceeded"),
        (&format!("220 ready\nNOOP\n250 {long}"), "max_reply_line_len_exceeded"),
        ("220 ready\nDATA\n354 go\nContent-Transfer-Encoding: base64\n\n*\n.", "mime_invalid_base64"),
    ] {
        assert_eq!(events(&lines(said)), [(0, event)], "{said:.99}");
    }
    assert_eq!(
        events(&lines("220 ready\nDATA\nDATA")),
        [(0, "invalid_pipelined_sequence"), (0, "unparsable_content")]
    );
    assert!(session("220 ready\nNOOP\n2x0 what", usize::MAX).malformed);
    assert_eq!(events(&lines("HELO me\n220 a welcome that was read late\n250 OK")), []);
    assert_eq!(events(&lines("220 ready\nNOOP\n250 OK\n421 time out")), []);
}

#[test]
fn what_breaks_off_is_looked_at_as_far_as_it_came() {
    let said = "220 ready\nDATA\n354 go\nContent-Type: a/b; name=x\n\nhalf";
    let mut dialogue = session(said, usize::MAX);
    dialogue.say(ToServer, b"line").end(ToServer);
    let lines = dialogue.all_lines::<Smtp>();
    assert_eq!(values(&lines, "file.data"), [(0, r"half\r\nline".to_owned())]);
    assert_eq!(values(&lines, "progress"), [(0, "0".to_owned())]);
}

#[test]
fn endless_lines_are_not_kept() {
    for said in ["220 ready", "220 ready\nDATA\n354 go", "220 ready\nDATA\n354 go\nSubject: a\n\nb"] {
        let mut dialogue = session(said, usize::MAX);
        for direction in Direction::ALL {
            for _ in 0..1000 {
                dialogue.say(direction, &[b'2'; 1500]);
                assert!(dialogue.left(direction) < MAX_LINE);
            }
        }
        assert_eq!(dialogue.conversation.transactions(), 0..1);
    }
}

#[test]
fn commands_that_nobody_answers_are_bounded() {
    let mut dialogue = begin_dialogue();
    dialogue.say(ToServer, &b"NOOP\r\n".repeat(awaited::MAX_AWAITED));
    assert!(!dialogue.malformed);
    assert!(dialogue.say(ToServer, b"NOOP\r\n").malformed);
}

#[test]
fn receivers_are_bounded_and_not_all_shown_again() {
    let said = format!("220 ready\nHELO me\n250 OK{}", "\nRCPT TO:<a@b>".repeat(2 * 1024));
    let mut dialogue = session(&said, usize::MAX);
    assert_eq!(values(&dialogue.all_lines::<Smtp>(), "smtp.rcpt_to").len(), 1024);
    dialogue.conversation.inspected(0, ToServer);
    assert_eq!(values(&dialogue.all_lines::<Smtp>(), "smtp.rcpt_to").len(), 128);
}

#[test]
fn speakers_are_told_by_their_first_words() {
    for (bytes, client, server) in [
        (&b"EHLO x"[..], Likeness::Certain, Likeness::None),
        (b"helo", Likeness::Certain, Likeness::None),
        (b"he", Likeness::Possible, Likeness::None),
        (b"220 a ESMTP\r\n", Likeness::None, Likeness::Certain),
        (b"220-a", Likeness::None, Likeness::Possible),
        (b"220x", Likeness::None, Likeness::None),
        (b"GET /", Likeness::None, Likeness::None),
    ] {
        assert_eq!(client_likeness(bytes, ToServer), client, "{}", bytes.escape_ascii());
        assert_eq!(begins_with_welcome(bytes, ToClient), server, "{}", bytes.escape_ascii());
        assert_eq!(client_likeness(bytes, ToClient), Likeness::None);
        assert_eq!(begins_with_welcome(bytes, ToServer), Likeness::None);
    }
}

proptest! {
    #[test]
    fn any_pieces_make_the_same_transactions(piece in 1usize..90) {
        prop_assert_eq!(session(MAIL, piece).all_lines::<Smtp>(), lines(MAIL));
        prop_assert_eq!(chunks(piece), chunks(usize::MAX));
        let long = format!("{MAIL}\nNOOP {0}\nDATA\n354 go\n\n{0}\n.", "x".repeat(5000));
        prop_assert_eq!(session(&long, piece).all_lines::<Smtp>(), lines(&long));
    }

    #[test]
    fn any_bytes_are_read(
        said in proptest::collection::vec(
            "(220|250|354|25) ?[a-z-]{0,4}|(DATA|BDAT [0-9]{1,2}( LAST)?|RSET|STARTTLS|EHLO x|\\.|--b)|Content-Type: multipart/x; boundary=b|[a-z:=. \r\n]{0,20}",
            0..40,
        ),
        piece in 1usize..20,
    ) {
        let said = said.join("\n");
        let (whole, cut) = (session(&said, usize::MAX), session(&said, piece));
        prop_assert_eq!(whole.malformed, cut.malformed);
        if !whole.malformed {
            prop_assert_eq!(whole.all_lines::<Smtp>(), cut.all_lines::<Smtp>());
        }
    }
}
