//! Fields of SMTP and of mail (Suricata documentation: "SMTP Keywords", "Email Keywords").

use crate::app_layer::progress::{COMPLETE, STARTED};
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Reach};

const SMTP: &[AppProtocol] = &[AppProtocol::Smtp];
const COMMAND: Reach = Reach::to_server(STARTED);
const MAIL: Reach = Reach::to_server(COMPLETE);

fields! {
    /// What HELO or EHLO names.
    HELO = Field::bytes("smtp.helo", SMTP, COMMAND);
    /// The sender that MAIL FROM names.
    MAIL_FROM = Field::bytes("smtp.mail_from", SMTP, COMMAND);
    /// Each receiver that RCPT TO names.
    RCPT_TO = Field::many_bytes("smtp.rcpt_to", SMTP, COMMAND);
    /// The mail's `From`.
    EMAIL_FROM = Field::bytes("email.from", SMTP, MAIL);
    /// The mail's `To`.
    EMAIL_TO = Field::bytes("email.to", SMTP, MAIL);
    /// The mail's `Cc`.
    EMAIL_CC = Field::bytes("email.cc", SMTP, MAIL);
    /// The mail's `Subject`.
    EMAIL_SUBJECT = Field::bytes("email.subject", SMTP, MAIL);
    /// The mail's `Date`.
    EMAIL_DATE = Field::bytes("email.date", SMTP, MAIL);
    /// The mail's `Message-Id`.
    EMAIL_MESSAGE_ID = Field::bytes("email.message_id", SMTP, MAIL);
    /// The mail's `X-Mailer`.
    EMAIL_X_MAILER = Field::bytes("email.x_mailer", SMTP, MAIL);
    /// Each URL in the mail's text.
    EMAIL_URL = Field::many_bytes("email.url", SMTP, MAIL);
    /// Each `Received` of the mail.
    EMAIL_RECEIVED = Field::many_bytes("email.received", SMTP, MAIL);
    /// The MD5 of the mail's body, in hex.
    EMAIL_BODY_MD5 = Field::bytes("email.body_md5", SMTP, MAIL);
}
