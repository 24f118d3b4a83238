//! Fields of FTP (Suricata documentation: "FTP/FTP-DATA Keywords").

use crate::app_layer::progress::{COMPLETE, STARTED};
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{NumberStep, ask};
use rules::header::protocol::AppProtocol;
use rules::inspect::{Cursor, Outcome, Resume, Step};
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::vocabulary::{Field, LentKeyword, Reach};
use std::net::{IpAddr, Ipv4Addr};

const FTP: &[AppProtocol] = &[AppProtocol::Ftp];
const FTP_DATA: &[AppProtocol] = &[AppProtocol::FtpData];
const REQUEST: Reach = Reach::to_server(STARTED);
const RESPONSE: Reach = Reach::to_client(COMPLETE);
const EITHER: Reach = Reach::both(STARTED, COMPLETE);

fields! {
    /// The command.
    COMMAND = Field::bytes("ftp.command", FTP, REQUEST);
    /// What stands after the command.
    COMMAND_DATA = Field::bytes("ftp.command_data", FTP, REQUEST);
    /// Each line of the reply, without its code.
    REPLY = Field::many_bytes("ftp.reply", FTP, RESPONSE);
    /// The code of each line of the reply.
    COMPLETION_CODE = Field::many_bytes("ftp.completion_code", FTP, RESPONSE);
    /// The port agreed on for the data connection.
    DYNAMIC_PORT = Field::number("ftp.dynamic_port", FTP, EITHER, 65_535);
    /// Who opens the data connection: the client (`passive`) or the server (`active`).
    MODE = Field::number("ftp.mode", FTP, EITHER, 1).names(&[("active", 0), ("passive", 1)]);
    /// Whether the command was answered.
    REPLY_RECEIVED = Field::number("ftp.reply_received", FTP, EITHER, 1).names(&[
        ("no", 0), ("off", 0), ("false", 0), ("yes", 1), ("on", 1), ("true", 1),
    ]);
}

/// The address that a PORT command names, 4 bytes.
pub static BOUNCE: Field = Field::bytes("ftpbounce", FTP, REQUEST);
/// The command that opened a data connection: 0 RETR, 1 STOR.
pub static DATA_COMMAND: Field = Field::number("ftpdata_command", FTP_DATA, Reach::both(STARTED, STARTED), 1);

/// Keywords of the control connection with values of their own form.
pub static KEYWORDS: &[LentKeyword] = &[LentKeyword {
    name: "ftpbounce",
    aliases: &[],
    doc: "A PORT command names an address that is not the client's.",
    read: |argument, draft| {
        argument.none()?;
        ask(&BOUNCE, Box::new(BounceStep), argument, draft)
    },
}];

/// Keywords of data connections with values of their own form.
pub static DATA_KEYWORDS: &[LentKeyword] = &[LentKeyword {
    name: "ftpdata_command",
    aliases: &["ftpdata.command"],
    doc: "The command that opened the data connection: `retr` or `stor`.",
    read: data_command,
}];

/// Holds on an address that is not that of the packet's sender, who has sent the command.
#[derive(Debug)]
struct BounceStep;

impl Step for BounceStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let named = <[u8; 4]>::try_from(cursor.bytes).map(Ipv4Addr::from);
        match (named, cursor.view.packet.source) {
            (Ok(named), IpAddr::V4(client)) if named != client => Outcome::Holds,
            _ => Outcome::FailsForGood,
        }
    }

    fn explain(&self) -> String {
        "is not the client's".to_owned()
    }
}

fn data_command(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let command = match argument.string()?.to_ascii_lowercase().as_str() {
        "retr" => 0,
        "stor" => 1,
        other => {
            let message = format!("`{other}` opens no data connection");
            return Err(argument.error("unknown-word", message).with_help("write `retr` or `stor`"));
        }
    };
    ask(&DATA_COMMAND, Box::new(NumberStep { form: IntegerMatch::Equal(command) }), argument, draft)
}
