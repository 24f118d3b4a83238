//! What one transaction of SMTP says: the envelope, and the mail in it.

use super::event::Event;
use super::fields;
use crate::app_layer::mime::{self, Anomaly, Mail};
use crate::app_layer::parser::{Reader, Visit, VisitWindow};
use crate::app_layer::transaction;
use crate::event::Direction;

/// The most receivers of one mail that are kept, and the most bytes of their paths.
const MAX_RECEIVERS: usize = 1024;
const MAX_RECEIVER_BYTES: usize = 64 << 10;
/// How many of the latest receivers are shown again when rules look once more, besides those that are new.
const SHOWN_AGAIN: usize = 128;

/// From the first command to the mail's end, or to RSET.
#[derive(Debug, Default)]
pub struct Transaction {
    /// What the session's HELO or EHLO named; empty before it.
    pub(super) helo: Vec<u8>,
    /// The sender's path; empty before MAIL.
    pub(super) mail_from: Vec<u8>,
    receivers: Receivers,
    /// Begun by DATA or BDAT.
    pub(super) mail: Option<Box<Mail>>,
}

#[derive(Debug, Default)]
struct Receivers {
    paths: Vec<Vec<u8>>,
    bytes: usize,
    /// How many of them rules have looked at.
    looked_at: usize,
}

impl Transaction {
    /// Adds a receiver, as long as there is room.
    pub(super) fn add_receiver(&mut self, path: &[u8]) {
        let Receivers { paths, bytes, .. } = &mut self.receivers;
        if paths.len() < MAX_RECEIVERS && *bytes + path.len() <= MAX_RECEIVER_BYTES {
            *bytes += path.len();
            paths.push(path.to_vec());
        }
    }

    /// Rules have looked at the way to the server.
    pub(super) fn inspected(&mut self) {
        self.receivers.looked_at = self.receivers.paths.len();
    }

    fn receivers(&self) -> &[Vec<u8>] {
        let Receivers { paths, looked_at, .. } = &self.receivers;
        &paths[paths.len().saturating_sub(SHOWN_AGAIN).min(*looked_at)..]
    }

    /// The mail, on the way that mail goes.
    pub(super) fn mail(&self, direction: Direction) -> Option<&Mail> {
        self.mail.as_deref().filter(|_| direction == Direction::ToServer)
    }
}

/// Notes what is wrong with the transaction's mail.
pub(super) fn note_anomalies(transaction: &mut transaction::Transaction<Transaction>) {
    const EVENTS: [(Anomaly, Event); 10] = [
        (Anomaly::InvalidBase64, Event::MimeInvalidBase64),
        (Anomaly::InvalidQuotedPrintable, Event::MimeInvalidQp),
        (Anomaly::LongBoundary, Event::MimeLongBoundary),
        (Anomaly::LongEncodedLine, Event::MimeLongEncLine),
        (Anomaly::LongFileName, Event::MimeLongFilename),
        (Anomaly::LongFieldName, Event::MimeLongHeaderName),
        (Anomaly::LongFieldValue, Event::MimeLongHeaderValue),
        (Anomaly::LongLine, Event::MimeLongLine),
        (Anomaly::Malformed, Event::MimeMalformedMsg),
        (Anomaly::TooDeep, Event::MimeParseFailed),
    ];
    let Some(mail) = &transaction.data.mail else { return };
    let found = EVENTS.map(|(anomaly, event)| mail.has(anomaly).then_some(event));
    found.into_iter().flatten().for_each(|event| transaction.event(event as u8));
}

/// Shows a value unless it is empty.
fn show(value: &[u8], visit: &mut VisitWindow<'_>) {
    if !value.is_empty() {
        visit(0, value);
    }
}

/// Shows one of the mail's header fields.
fn show_field(
    transaction: &Transaction,
    visit: &mut Visit<'_>,
    field: fn(&mime::Fields) -> Option<&Vec<u8>>,
) {
    if let Some(value) = transaction.mail.as_ref().and_then(|mail| field(mail.fields())) {
        visit(value);
    }
}

/// How each field is read.
pub(super) const READERS: &[Reader<Transaction>] = &[
    Reader::streaming(&fields::HELO, |transaction, _, visit| show(&transaction.helo, visit)),
    Reader::streaming(&fields::MAIL_FROM, |transaction, _, visit| show(&transaction.mail_from, visit)),
    Reader::streaming(&fields::RCPT_TO, |transaction, _, visit| {
        let _ = transaction.receivers().iter().any(|path| visit(0, path));
    }),
    Reader::new(&fields::EMAIL_FROM, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.from.as_ref());
    }),
    Reader::new(&fields::EMAIL_TO, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.to.as_ref());
    }),
    Reader::new(&fields::EMAIL_CC, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.cc.as_ref());
    }),
    Reader::new(&fields::EMAIL_SUBJECT, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.subject.as_ref());
    }),
    Reader::new(&fields::EMAIL_DATE, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.date.as_ref());
    }),
    Reader::new(&fields::EMAIL_MESSAGE_ID, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.message_id.as_ref());
    }),
    Reader::new(&fields::EMAIL_X_MAILER, |transaction, _, visit| {
        show_field(transaction, visit, |fields| fields.x_mailer.as_ref());
    }),
    Reader::new(&fields::EMAIL_URL, |transaction, direction, visit| {
        let _ = transaction.mail(direction).is_some_and(|mail| mail.urls().any(&mut *visit));
    }),
    Reader::new(&fields::EMAIL_RECEIVED, |transaction, direction, visit| {
        let mail = transaction.mail(direction);
        let _ = mail.is_some_and(|mail| mail.fields().received.iter().any(|value| visit(value)));
    }),
    Reader::new(&fields::EMAIL_BODY_MD5, |transaction, direction, visit| {
        if let Some(md5) = transaction.mail(direction).and_then(Mail::body_md5) {
            visit(&hex(md5));
        }
    }),
];

/// In lower-case digits.
fn hex(bytes: [u8; 16]) -> [u8; 32] {
    let digits = b"0123456789abcdef";
    std::array::from_fn(|at| {
        let byte = bytes[at / 2];
        digits[usize::from(if at % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}
