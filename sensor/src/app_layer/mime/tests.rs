use super::*;
use crate::app_layer::file::Wanted;
use crate::app_layer::file::fields as file;
use proptest::prelude::*;

/// Reads a mail whose lines end in LF as if they ended in CR LF, long ones in pieces of `piece` bytes.
fn read_in_pieces(text: &str, piece: usize) -> Mail {
    let mut mail = Mail::new(Wanted { body_md5: true, ..Wanted::default() });
    for line in text.lines() {
        let mut pieces: Vec<&[u8]> = line.as_bytes().chunks(piece).collect();
        if pieces.is_empty() {
            pieces.push(b"");
        }
        let last = pieces.len() - 1;
        for (index, &text) in pieces.iter().enumerate() {
            let ending: &[u8] = if index == last { b"\r\n" } else { b"" };
            mail.push(Line { text, ending, begins: index == 0 });
        }
    }
    mail.end();
    mail
}

fn read(text: &str) -> Mail {
    read_in_pieces(text, usize::MAX)
}

fn values(mail: &Mail, field: &rules::vocabulary::Field) -> Vec<String> {
    mail.files().values(field).iter().map(|value| value.escape_ascii().to_string()).collect()
}

fn names(mail: &Mail) -> Vec<String> {
    values(mail, &file::NAME)
}

fn contents(mail: &Mail) -> Vec<String> {
    values(mail, &file::DATA)
}

fn urls(mail: &Mail) -> Vec<String> {
    mail.urls().map(|url| url.escape_ascii().to_string()).collect()
}

fn text(value: &Option<Vec<u8>>) -> Option<&str> {
    value.as_deref().map(|value| std::str::from_utf8(value).unwrap())
}

const ALL: [Anomaly; 10] = [
    Anomaly::InvalidBase64,
    Anomaly::InvalidQuotedPrintable,
    Anomaly::LongBoundary,
    Anomaly::LongEncodedLine,
    Anomaly::LongFileName,
    Anomaly::LongFieldName,
    Anomaly::LongFieldValue,
    Anomaly::LongLine,
    Anomaly::Malformed,
    Anomaly::TooDeep,
];

fn anomalies(mail: &Mail) -> Vec<Anomaly> {
    ALL.into_iter().filter(|&anomaly| mail.has(anomaly)).collect()
}

const NESTED: &str = "\
Received: from a.example (a.example [192.0.2.1])
	by b.example with ESMTP;
 Thu, 10 Apr 2025 12:00:00 -0000
RECEIVED: second
from: One <one@example.com>
From: Two
Subject:  folded
  subject
Content-Type: multipart/mixed; boundary=\"outer\"

preamble http://ignored.example/
--outer
Content-Type: multipart/alternative;
	boundary=inner

--inner
Content-Type: text/plain

plain http://plain.example/a text
--inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<a href=3D\"http://html.exam=
ple/b\">=20</a>
--inner--
epilogue
--outer
Content-Type: application/octet-stream; name=\"ignored\"
Content-Disposition: attachment; filename=\"a.bin\"
Content-Transfer-Encoding: base64

QUJD
RA==
--outer
Content-Disposition: attachment; filename=\"b.txt\"

--inner
line
last

--outer
Content-Type: message/rfc822

From: inner
Content-Type: application/x-thing
Content-Disposition: attachment; filename*=utf-8''c%2Eexe

MZ
--outer--
";

#[test]
fn parts_lie_one_in_the_other() {
    let mail = read(NESTED);
    assert_eq!(names(&mail), ["ignored", "b.txt", "c.exe"]);
    assert_eq!(contents(&mail), ["ABCD", r"--inner\r\nline\r\nlast\r\n", "MZ"]);
    assert_eq!(urls(&mail), ["plain.example/a", "html.example/b"]);
    assert_eq!(anomalies(&mail), []);
}

#[test]
fn header_fields_are_unfolded_and_those_of_parts_left_out() {
    let mail = read(NESTED);
    let fields = mail.fields();
    assert_eq!(text(&fields.from), Some("One <one@example.com>"));
    assert_eq!(text(&fields.subject), Some("foldedsubject"));
    assert_eq!(text(&fields.to), None);
    let received: Vec<_> = fields.received.iter().map(|value| value.escape_ascii().to_string()).collect();
    let first =
        "from a.example (a.example [192.0.2.1])by b.example with ESMTP;Thu, 10 Apr 2025 12:00:00 -0000";
    assert_eq!(received, [first, "second"]);
}

#[test]
fn a_mail_can_be_a_file() {
    let mail = read("Content-Disposition: attachment; filename=\"x.exe\"\n\nTEST\nMORE\n");
    assert_eq!((names(&mail), contents(&mail)), (vec!["x.exe".to_owned()], vec![r"TEST\r\nMORE".to_owned()]));
    assert_eq!(mail.body_md5(), Some(Md5::digest(b"TEST\r\nMORE\r\n").into()));
    assert_eq!(read("Subject: nothing\n").body_md5(), None);
}

#[test]
fn what_is_wrong_is_told() {
    let long = "x".repeat(2001);
    for (said, expected) in [
        ("Content-Transfer-Encoding: base64\n\nQU*JD\n".to_owned(), Anomaly::InvalidBase64),
        ("Content-Transfer-Encoding: quoted-printable\n\n=zz\n".to_owned(), Anomaly::InvalidQuotedPrintable),
        (format!("Content-Transfer-Encoding: base64\n\n{}\n", &long[..77]), Anomaly::LongEncodedLine),
        (format!("{}: x\n\n", &long[..76]), Anomaly::LongFieldName),
        (format!("Content-Type: a/b; name={}\n\n", &long[..256]), Anomaly::LongFileName),
        (format!("\n{}\n", &long[..999]), Anomaly::LongLine),
        ("no colon\n\n".to_owned(), Anomaly::Malformed),
        ("From: broken off\n".to_owned(), Anomaly::Malformed),
        ("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n".to_owned(), Anomaly::Malformed),
    ] {
        assert_eq!(anomalies(&read(&said)), [expected], "{said}");
    }
    let boundary = format!("Content-Type: multipart/mixed; boundary={0}\n\n--{0}--\n", &long[..255]);
    assert_eq!(anomalies(&read(&boundary)), [Anomaly::LongBoundary]);
    let value = read(&format!("Subject: {long}\n\n"));
    assert_eq!(anomalies(&value), [Anomaly::LongFieldValue, Anomaly::LongLine]);
    assert_eq!(value.fields().subject.as_ref().map(Vec::len), Some(MAX_FIELD_VALUE));
}

#[test]
fn depth_is_bounded() {
    let mut mail = Mail::default();
    let line = |text: &[u8], mail: &mut Mail| mail.push(Line { text, ending: b"\r\n", begins: true });
    for depth in 0..1000 {
        line(format!("Content-Type: multipart/mixed; boundary=b{depth}").as_bytes(), &mut mail);
        line(b"", &mut mail);
        line(format!("--b{depth}").as_bytes(), &mut mail);
    }
    assert_eq!(mail.boundaries.len(), MAX_DEPTH);
    assert!(mail.has(Anomaly::TooDeep));
}

#[test]
fn what_breaks_off_is_looked_at_as_far_as_it_came() {
    let mail = read("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: a/b; name=y\n\nhalf");
    assert_eq!((names(&mail), contents(&mail)), (vec!["y".to_owned()], vec!["half".to_owned()]));
}

proptest! {
    #[test]
    fn pieces_of_long_lines_make_the_same_mail(piece in 60usize..200) {
        let said = NESTED.replace("line\n", &"line =3D ".repeat(40).replace("D  ", "D "));
        let (whole, cut) = (read(&said), read_in_pieces(&said, piece));
        prop_assert_eq!(contents(&whole), contents(&cut));
        prop_assert_eq!(urls(&whole), urls(&cut));
        prop_assert_eq!(whole.body_md5(), cut.body_md5());
        prop_assert_eq!(anomalies(&whole), anomalies(&cut));
    }

    #[test]
    fn any_lines_are_read(lines in proptest::collection::vec("(--)?[a-c:=; \"*]{0,12}|Content-Type: multipart/mixed; boundary=[ab]|Content-Transfer-Encoding: (base64|quoted-printable)", 0..40)) {
        let mail = read(&lines.join("\n"));
        prop_assert!(mail.boundaries.len() <= MAX_DEPTH);
    }
}
