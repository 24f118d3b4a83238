//! Fields of files (Suricata documentation: "File Keywords").

use super::keywords;
use crate::app_layer::progress::STARTED;
use rules::dataset::DatasetKind;
use rules::field::{ask_content, ask_list};
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
/// The MD5 of each file that was seen whole, 16 bytes.
pub static MD5: Field = Field::many_bytes("filemd5", CARRIERS, EITHER);
/// The SHA-1 of each file that was seen whole, 20 bytes.
pub static SHA1: Field = Field::many_bytes("filesha1", CARRIERS, EITHER);
/// The SHA-256 of each file that was seen whole, 32 bytes.
pub static SHA256: Field = Field::many_bytes("filesha256", CARRIERS, EITHER);
/// Every file, of which rules may ask that it be kept.
pub static STORE: Field = Field::many_bytes("filestore", CARRIERS, EITHER);

/// Whether a rule that asks for the field alerts again with each file that begins later in the transaction. One that
/// asks for names and contents alone alerts once, and may find each in another file.
pub fn is_of_whole_files(field: &Field) -> bool {
    [&SIZE, &MD5, &SHA1, &SHA256, &STORE].contains(&field)
}

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
        name: "filemd5",
        aliases: &[],
        doc: "The MD5 of a file is in a list, or with `!` is not: a file below the rules, with a hash at the start of \
              each line.",
        read: |argument, draft| ask_list(&MD5, DatasetKind::Md5, argument, draft),
    },
    LentKeyword {
        name: "filesha1",
        aliases: &[],
        doc: "The same with the SHA-1 of a file.",
        read: |argument, draft| ask_list(&SHA1, DatasetKind::Sha1, argument, draft),
    },
    LentKeyword {
        name: "filesha256",
        aliases: &[],
        doc: "The same with the SHA-256 of a file.",
        read: |argument, draft| ask_list(&SHA256, DatasetKind::Sha256, argument, draft),
    },
    LentKeyword {
        name: "filestore",
        aliases: &[],
        doc: "The file is kept; perhaps with a direction and a scope: `filestore:both,file;`.",
        read: keywords::store,
    },
];
