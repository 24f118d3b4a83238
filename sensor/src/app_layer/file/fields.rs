//! Fields of files (Suricata documentation: "File Keywords").

use super::keywords;
use crate::app_layer::progress::STARTED;
use rules::field::ask_content;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, LentKeyword, Reach};

/// Protocols that carry files. HTTP stands first: files are its business before any other's.
const CARRIERS: &[AppProtocol] = &[
    AppProtocol::Http1,
    AppProtocol::Http2,
    AppProtocol::Smtp,
    AppProtocol::Ftp,
    AppProtocol::FtpData,
    AppProtocol::Smb,
    AppProtocol::Nfs,
];
const EITHER: Reach = Reach::both(STARTED, STARTED);

fields! {
    /// What each file holds, decoded; of HTTP the body.
    DATA = Field::many_bytes("file.data", CARRIERS, EITHER).alias(&["file_data"]);
    /// The name of each file.
    NAME = Field::many_bytes("file.name", CARRIERS, EITHER);
    /// What libmagic says of each file.
    MAGIC = Field::many_bytes("file.magic", CARRIERS, EITHER);
}

/// The size of each file so far, in bytes.
pub static SIZE: Field = Field::many_numbers("filesize", CARRIERS, EITHER, u64::MAX);
/// Keywords about these fields with values of their own form.
pub static KEYWORDS: &[LentKeyword] = &[
    LentKeyword {
        name: "filename",
        aliases: &[],
        doc: "Bytes that a file's name holds, in either case.",
        read: |argument, draft| ask_content(&NAME, argument, draft, |content| content.nocase = true),
    },
    LentKeyword {
        name: "fileext",
        aliases: &[],
        doc: "The extension of a file's name, in either case.",
        read: keywords::extension,
    },
    LentKeyword {
        name: "filemagic",
        aliases: &[],
        doc: "Bytes that libmagic's words about a file hold, in either case.",
        read: |argument, draft| ask_content(&MAGIC, argument, draft, |content| content.nocase = true),
    },
    LentKeyword {
        name: "filesize",
        aliases: &[],
        doc: "The size of a file: a number form, `KB`, `MB` or `GB` after each number.",
        read: keywords::size,
    },
    LentKeyword {
        name: "filestore",
        aliases: &[],
        doc: "The file is kept; perhaps with a direction and a scope: `filestore:both,file;`.",
        read: keywords::store,
    },
];
