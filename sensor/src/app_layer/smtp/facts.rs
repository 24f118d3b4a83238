//! What a record tells of a mail.

use super::fields;
use crate::app_layer::file;
use crate::app_layer::record::{RecordType, Teller};
use crate::event::ActivityKind;
use crate::event::Direction::ToServer;
use rules::header::protocol::AppProtocol;

/// The records of SMTP.
pub(in crate::app_layer) static RECORD: RecordType =
    RecordType { kind: ActivityKind::Smtp, protocols: &[AppProtocol::Smtp], tell };

fn tell(teller: &mut Teller<'_>) {
    teller.text("helo", &fields::HELO, ToServer);
    teller.text("mail_from", &fields::MAIL_FROM, ToServer);
    teller.texts("rcpt_to", &fields::RCPT_TO, ToServer);
    teller.text("from", &fields::EMAIL_FROM, ToServer);
    teller.text("to", &fields::EMAIL_TO, ToServer);
    teller.text("cc", &fields::EMAIL_CC, ToServer);
    teller.text("subject", &fields::EMAIL_SUBJECT, ToServer);
    teller.text("date", &fields::EMAIL_DATE, ToServer);
    teller.text("message_id", &fields::EMAIL_MESSAGE_ID, ToServer);
    teller.texts("files", &file::fields::NAME, ToServer);
}
