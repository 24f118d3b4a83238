//! Fields of SSH (Suricata documentation: "SSH Keywords").

use super::progress::BANNER;
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{ask, ask_content};
use rules::header::protocol::AppProtocol;
use rules::inspect::{Cursor, Outcome, Resume, Step};
use rules::keyword::Argument;
use rules::vocabulary::{Field, LentKeyword, Reach};

const SSH: &[AppProtocol] = &[AppProtocol::Ssh];
const EITHER_BANNER: Reach = Reach::both(BANNER, BANNER);

fields! {
    /// The protocol version of the banner: `2.0`.
    PROTO = Field::bytes("ssh.proto", SSH, EITHER_BANNER).alias(&["ssh_proto"]);
    /// The software of the banner: `OpenSSH_9.6`.
    SOFTWARE = Field::bytes("ssh.software", SSH, EITHER_BANNER).alias(&["ssh_software"]);
    /// HASSH of the client: the MD5 of its algorithms, in hex.
    HASSH = Field::bytes("ssh.hassh", SSH, Reach::to_server(BANNER));
    /// The client's algorithms, before they are hashed.
    HASSH_STRING = Field::bytes("ssh.hassh.string", SSH, Reach::to_server(BANNER));
    /// HASSH of the server.
    HASSH_SERVER = Field::bytes("ssh.hassh.server", SSH, Reach::to_client(BANNER));
    /// The server's algorithms, before they are hashed.
    HASSH_SERVER_STRING = Field::bytes("ssh.hassh.server.string", SSH, Reach::to_client(BANNER));
}

/// Older keywords about these fields.
pub static KEYWORDS: &[LentKeyword] = &[
    LentKeyword {
        name: "ssh.protoversion",
        aliases: &[],
        doc: "The protocol version of the banner, or `2_compat` for all that speak version 2.",
        read: protoversion,
    },
    LentKeyword {
        name: "ssh.softwareversion",
        aliases: &[],
        doc: "Bytes that the software of the banner holds.",
        read: |argument, draft| ask_content(&SOFTWARE, argument, draft, |_| {}),
    },
];

fn protoversion(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let text = argument.string()?;
    let wanted = text.trim_matches('"').to_owned();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if wanted.is_empty() || !wanted.chars().all(known) {
        return Err(argument
            .error("bad-version", format!("`{wanted}` is no version of SSH"))
            .with_help("write 1.5, 1.99, 2.0 or 2_compat"));
    }
    ask(&PROTO, Box::new(VersionStep { wanted }), argument, draft)
}

/// Compares the version as a whole; `2_compat` means 2 and 1.99 (RFC 4253, section 5.1).
#[derive(Debug)]
struct VersionStep {
    wanted: String,
}

impl Step for VersionStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let holds = match self.wanted.as_str() {
            "2_compat" => cursor.bytes.starts_with(b"2") || cursor.bytes == b"1.99",
            wanted => cursor.bytes == wanted.as_bytes(),
        };
        if holds { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        format!("is version {}", self.wanted)
    }
}
