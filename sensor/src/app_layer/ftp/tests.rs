use super::*;
use crate::app_layer::testing::{self, Dialogue};
use Direction::{ToClient, ToServer};
use proptest::prelude::*;

/// What the two say in turn, lines that begin with a digit or a space being the server's; each way in pieces of `piece`
/// bytes.
fn session(said: &str, piece: usize) -> Dialogue {
    let mut dialogue = Dialogue::new::<Ftp>();
    for line in said.lines() {
        let is_reply = line.starts_with(|c: char| c.is_ascii_digit() || c == ' ');
        let direction = if is_reply { ToClient } else { ToServer };
        dialogue.say_in_pieces(direction, format!("{line}\r\n").as_bytes(), piece);
    }
    dialogue
}

fn lines(said: &str) -> Vec<String> {
    session(said, usize::MAX).all_lines::<Ftp>()
}

fn owned<'a>(values: impl IntoIterator<Item = (u64, &'a str)>) -> Vec<(u64, String)> {
    values.into_iter().map(|(transaction, value)| (transaction, value.to_owned())).collect()
}

fn values(lines: &[String], direction: Direction, field: &str) -> Vec<(u64, String)> {
    testing::values(lines, direction, field)
}

fn events(said: &str) -> Vec<(u64, &'static str)> {
    testing::events(&lines(said), event::NAMES)
}

fn number(number: u64) -> String {
    number.to_be_bytes().escape_ascii().to_string()
}

const SESSION: &str = "\
220-welcome
 to all
220 ready
user anonymous
331 Please specify the password.
PASS a b
230 Login successful.
PASV
227 Entering Passive Mode (127,0,0,1,4,1).
RETR a.txt
150 Opening data connection.
226 Transfer complete.
EPSV
229 Entering Extended Passive Mode (|||2021|)
STOR b.txt
125 Ready.
226 Done.
FEAT
211-Features:
 SIZE
 123 files
211 End
QUIT
221 Goodbye.";

#[test]
fn each_command_is_a_transaction_with_its_reply() {
    let lines = lines(SESSION);
    let commands = ["USER", "PASS", "PASV", "RETR", "EPSV", "STOR", "FEAT", "QUIT"];
    assert_eq!(values(&lines, ToServer, "ftp.command"), owned((1..).zip(commands)));
    let arguments = [(1, "anonymous"), (2, "a b"), (4, "a.txt"), (6, "b.txt")];
    assert_eq!(values(&lines, ToServer, "ftp.command_data"), owned(arguments));
    let replies = values(&lines, ToClient, "ftp.reply");
    let of =
        |id| replies.iter().filter(|(of, _)| *of == id).map(|(_, text)| text.as_str()).collect::<Vec<_>>();
    assert_eq!(of(0), ["welcome", " to all", "ready"]);
    assert_eq!(of(4), ["Opening data connection.", "Transfer complete."]);
    assert_eq!(of(7), ["Features:", " SIZE", " 123 files", "End"]);
    let codes = values(&lines, ToClient, "ftp.completion_code");
    assert_eq!(codes[..4], owned([(0, "220"), (0, "220"), (1, "331"), (2, "230")]));
    let all = |value: &str| (0..9).map(|id| (id, value.to_owned())).collect::<Vec<_>>();
    assert_eq!(values(&lines, ToClient, "progress"), all("1"));
    assert_eq!(values(&lines, ToServer, "ftp.reply_received"), all(&number(1)));
    let ports = [(3, number(1025)), (5, number(2021))];
    assert_eq!(values(&lines, ToClient, "ftp.dynamic_port"), ports);
    assert_eq!(values(&lines, ToServer, "ftp.mode"), [(3, number(1)), (5, number(1))]);
}

#[test]
fn data_connections_are_announced() {
    let announced = |said: &str| {
        let requests = session(said, usize::MAX).requests;
        let expected = requests.into_iter().filter_map(|requests| requests.expect);
        expected.map(|e| (e.port, e.data, String::from_utf8(e.about).unwrap())).collect::<Vec<_>>()
    };
    let named = |name: &str| name.to_owned();
    assert_eq!(announced(SESSION), [(1025, ToClient, named("a.txt")), (2021, ToServer, named("b.txt"))]);
    let active = "220 ready\nPORT 10,0,0,1,8,1\n200 OK\nSTOR x y\n226 OK\nEPRT |2|::1|2050|\n200 OK\nRETR z\nRETR late";
    assert_eq!(announced(active), [(2049, ToServer, named("x y")), (2050, ToClient, named("z"))]);
    let lines = lines(active);
    assert_eq!(values(&lines, ToServer, "ftp.mode"), [(1, number(0)), (3, number(0))]);
    assert_eq!(announced("220 ready\nPASV\n421 no\nRETR x\nPORT 1,2\n501 no\nRETR y"), []);
}

#[test]
fn irregular_sessions_are_told() {
    let long = "x".repeat(2 * MAX_LINE);
    for (said, event) in [
        ("RETR x", "file_before_port"),
        ("RETR", "file_without_name"),
        (&format!("NOOP {long}"), "request_command_too_long"),
        (&format!("NOOP\n200 {long}"), "response_command_too_long"),
    ] {
        assert_eq!(events(said), [(0, event)], "{said:.99}");
    }
    assert_eq!(events(SESSION), []);
}

#[test]
fn tls_begins_when_the_server_agrees() {
    let mut dialogue = session("220 ready\nAUTH TLS\n234 go", usize::MAX);
    dialogue.say(ToServer, b"\x16\x03\x01\x00").say(ToClient, b"\x16\x03\x03");
    let change = dialogue.requests.last().and_then(|requests| requests.change);
    assert_eq!(change, Some(Change::To(AppProtocol::Tls)));
    assert_eq!((dialogue.left(ToServer), dialogue.left(ToClient)), (4, 3), "it is not consumed");
    let command = values(&dialogue.all_lines::<Ftp>(), ToServer, "ftp.command");
    assert_eq!(command, owned([(1, "AUTH TLS")]));
}

#[test]
fn what_is_not_answered_is_told_at_the_end() {
    let mut dialogue = session("220 ready\nNOOP\n200 OK\nQUIT", usize::MAX);
    let replied = |dialogue: &Dialogue| values(&dialogue.all_lines::<Ftp>(), ToServer, "ftp.reply_received");
    assert_eq!(replied(&dialogue), [(0, number(1)), (1, number(1))]);
    dialogue.end(ToClient);
    assert_eq!(replied(&dialogue), [(0, number(1)), (1, number(1)), (2, number(0))]);
}

#[test]
fn a_reply_that_never_ends_does_not_take_in_the_next() {
    let lines = lines("USER a\n331-more\nPASS b\n230 in\nQUIT\n221 bye");
    assert_eq!(values(&lines, ToClient, "ftp.reply"), owned([(0, "more"), (1, "in"), (2, "bye")]));
}

#[test]
fn commands_that_nobody_answers_are_bounded() {
    let mut dialogue = Dialogue::new::<Ftp>();
    dialogue.say(ToServer, &b"NOOP\r\n".repeat(3 * MAX_OPEN));
    let kept = dialogue.conversation.transactions();
    assert_eq!(kept, 2 * MAX_OPEN as u64..3 * MAX_OPEN as u64);
    let told = testing::events(&dialogue.all_lines::<Ftp>(), event::NAMES);
    assert!(told.len() == MAX_OPEN && told.iter().all(|&(_, event)| event == "too_many_transactions"));
    dialogue.say(ToClient, b"200 OK\r\n");
    assert_eq!(values(&dialogue.all_lines::<Ftp>(), ToClient, "ftp.reply"), owned([(kept.start, "OK")]));
}

#[test]
fn endless_lines_and_replies_are_not_kept() {
    let mut dialogue = session("USER a", usize::MAX);
    for _ in 0..200 {
        dialogue.say(ToClient, &b"230-".repeat(300)).say(ToServer, &[b'x'; 1500]);
        assert!(dialogue.left(ToClient) < MAX_LINE && dialogue.left(ToServer) < MAX_LINE);
    }
    dialogue.say(ToClient, b"\r\n").say(ToClient, &b"230-a line\r\n".repeat(10_000));
    let replies = values(&dialogue.all_lines::<Ftp>(), ToClient, "ftp.reply");
    assert_eq!(replies.len(), 1024);
    assert_eq!(dialogue.conversation.transactions(), 0..2);
}

#[test]
fn speakers_are_told_by_their_first_words() {
    for (bytes, client, server) in [
        (&b"USER x"[..], Likeness::Certain, Likeness::None),
        (b"feat\r\n", Likeness::Certain, Likeness::None),
        (b"PA", Likeness::Possible, Likeness::None),
        (b"PASV", Likeness::None, Likeness::None),
        (b"220 (vsFTPd)", Likeness::None, Likeness::Certain),
        (b"220 ready\r\n", Likeness::None, Likeness::None),
    ] {
        assert_eq!(likeness_anywhere(bytes, ToServer), client, "{}", bytes.escape_ascii());
        assert_eq!(likeness_anywhere(bytes, ToClient), server, "{}", bytes.escape_ascii());
    }
    assert_eq!(begins_with_welcome(b"220-ready\r\n", ToClient), Likeness::Certain);
    assert_eq!(begins_with_welcome(b"220 read", ToClient), Likeness::Possible);
    assert_eq!(begins_with_welcome(b"221 bye\r\n", ToClient), Likeness::None);
    assert_eq!(begins_with_welcome(b"220 ready\r\n", ToServer), Likeness::None);
}

/// A data connection that was announced by RETR or STOR, and what goes one way on it.
fn transfer(asked: Direction, goes: Direction, piece: usize) -> Vec<String> {
    let mut dialogue = Dialogue::new::<FtpData>();
    dialogue.conversation.expected(&Expectation {
        address: None,
        port: 2021,
        protocol: AppProtocol::FtpData,
        data: asked,
        about: b"a.txt".to_vec(),
    });
    dialogue.say_in_pieces(goes, b"some text", piece).end(goes.opposite()).end(goes);
    dialogue.all_lines::<FtpData>()
}

#[test]
fn a_file_goes_its_way_whoever_opened_the_connection() {
    for (asked, command) in [(ToClient, 0), (ToServer, 1)] {
        for goes in Direction::ALL {
            let lines = transfer(asked, goes, usize::MAX);
            assert_eq!(values(&lines, asked, "ftpdata_command"), [(0, number(command))]);
            assert_eq!(values(&lines, asked.opposite(), "ftpdata_command"), []);
            assert_eq!(values(&lines, goes, "file.data"), owned([(0, "some text")]));
            assert_eq!(values(&lines, goes, "file.name"), owned([(0, "a.txt")]));
            assert_eq!(values(&lines, goes, "filesize"), [(0, number(9))]);
            assert_eq!(values(&lines, goes.opposite(), "file.data"), []);
            assert_eq!(values(&lines, goes, "progress"), owned([(0, "1")]));
        }
    }
}

#[test]
fn an_empty_file_is_a_file() {
    let mut dialogue = Dialogue::new::<FtpData>();
    dialogue.end(ToServer);
    assert_eq!(values(&dialogue.all_lines::<FtpData>(), ToServer, "progress"), owned([(0, "1")]));
}

proptest! {
    #[test]
    fn any_pieces_make_the_same_transactions(piece in 1usize..60) {
        prop_assert_eq!(session(SESSION, piece).all_lines::<Ftp>(), lines(SESSION));
        let long = format!("NOOP {0}\n200-{0}\n200 OK", "x".repeat(5000));
        prop_assert_eq!(session(&long, piece).all_lines::<Ftp>(), lines(&long));
        prop_assert_eq!(transfer(ToClient, ToServer, piece), transfer(ToClient, ToServer, usize::MAX));
    }

    #[test]
    fn any_bytes_are_read(
        said in proptest::collection::vec(
            "(220|227|229|234|150|226)[ -]([(|1,]{0,12}|2,2,2,2,2,2)|(PORT|EPRT|PASV|EPSV|RETR|AUTH TLS)( [|0-9,]{0,9})?|[ a-z]{0,9}",
            0..30,
        ),
        piece in 1usize..9,
    ) {
        let said = said.join("\n");
        prop_assert_eq!(session(&said, piece).all_lines::<Ftp>(), lines(&said));
    }
}
