//! Fields of HTTP/2's frames (Suricata documentation: "HTTP2 Keywords"; names of RFC 9113, sections 6, 6.5.2 and 7).

use crate::app_layer::http::progress::{HEADERS, STARTED};
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{NumberStep, ask};
use rules::header::protocol::AppProtocol;
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::vocabulary::{Field, LentKeyword, Reach};

const HTTP2: &[AppProtocol] = &[AppProtocol::Http2];
const EITHER: Reach = Reach::both(STARTED, STARTED);
const U32: u64 = u32::MAX as u64;

fields! {
    /// The types of a transaction's frames.
    FRAME_TYPE = Field::many_numbers("http2.frametype", HTTP2, EITHER, 255).names(&[
        ("DATA", 0), ("HEADERS", 1), ("PRIORITY", 2), ("RSTSTREAM", 3), ("SETTINGS", 4), ("PUSHPROMISE", 5),
        ("PING", 6), ("GOAWAY", 7), ("WINDOWUPDATE", 8), ("CONTINUATION", 9),
    ]);
    /// The error codes of RST_STREAM and GOAWAY frames.
    ERROR_CODE = Field::many_numbers("http2.errorcode", HTTP2, EITHER, U32).names(&[
        ("NO_ERROR", 0), ("PROTOCOL_ERROR", 1), ("INTERNAL_ERROR", 2), ("FLOW_CONTROL_ERROR", 3),
        ("SETTINGS_TIMEOUT", 4), ("STREAM_CLOSED", 5), ("FRAME_SIZE_ERROR", 6), ("REFUSED_STREAM", 7),
        ("CANCEL", 8), ("COMPRESSION_ERROR", 9), ("CONNECT_ERROR", 10), ("ENHANCE_YOUR_CALM", 11),
        ("INADEQUATE_SECURITY", 12), ("HTTP_1_1_REQUIRED", 13),
    ]);
    /// The priorities of PRIORITY and HEADERS frames.
    PRIORITY = Field::many_numbers("http2.priority", HTTP2, EITHER, 255);
    /// The increments of WINDOW_UPDATE frames.
    WINDOW = Field::many_numbers("http2.window", HTTP2, EITHER, U32);
    /// The sizes that header blocks set for the dynamic table.
    SIZE_UPDATE = Field::many_numbers("http2.size_update", HTTP2, EITHER, u64::MAX);
    /// The name of each header field.
    HEADER_NAME = Field::many_bytes("http2.header_name", HTTP2, Reach::both(HEADERS, HEADERS));
}

/// The settings of SETTINGS frames, by identifier from 1 (RFC 9113, section 6.5.2): one field each.
pub static SETTINGS: [Field; 6] = [
    Field::many_numbers("SETTINGS_HEADER_TABLE_SIZE", HTTP2, EITHER, U32),
    Field::many_numbers("SETTINGS_ENABLE_PUSH", HTTP2, EITHER, U32),
    Field::many_numbers("SETTINGS_MAX_CONCURRENT_STREAMS", HTTP2, EITHER, U32),
    Field::many_numbers("SETTINGS_INITIAL_WINDOW_SIZE", HTTP2, EITHER, U32),
    Field::many_numbers("SETTINGS_MAX_FRAME_SIZE", HTTP2, EITHER, U32),
    Field::many_numbers("SETTINGS_MAX_HEADER_LIST_SIZE", HTTP2, EITHER, U32),
];

/// Keywords about these fields with values of their own form.
pub static KEYWORDS: &[LentKeyword] = &[LentKeyword {
    name: "http2.settings",
    aliases: &[],
    doc: "A setting by name, compared with a number: `http2.settings:SETTINGS_MAX_FRAME_SIZE>16384;`.",
    read: settings,
}];

fn settings(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let text = argument.string()?;
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, form) = text.split_at(end);
    let Some(field) = SETTINGS.iter().find(|field| field.name == name) else {
        let names: Vec<&str> = SETTINGS.iter().map(|field| field.name).collect();
        return Err(argument
            .error("unknown-setting", format!("HTTP/2 has no setting `{name}`"))
            .with_help(format!("the settings are {}", names.join(", "))));
    };
    let form =
        IntegerMatch::parse(form, U32).map_err(|error| argument.error("bad-number", error.to_string()))?;
    ask(field, Box::new(NumberStep { form }), argument, draft)
}
