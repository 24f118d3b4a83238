//! Application protocols: what they lend to the rule language, and the parsers that fill it.
//!
//! A protocol is a folder and a row of [`PROTOCOLS`]; whatever else names a protocol is looked up there.

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident = $field:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub static $name: Field = $field.doc(concat!($($doc),+).trim_ascii());
        )+

        /// The fields that rules can name.
        pub static FIELDS: &[&Field] = &[$(&$name),+];
    };
}

macro_rules! events {
    ($protocols:expr; $($variant:ident = $name:literal,)+) => {
        /// What can be wrong with a transaction, by the names of the language.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Event {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        /// The names with the numbers that stand for them.
        pub const NAMES: &[(&str, u64)] = &[$(($name, Event::$variant as u64)),+];

        /// The events of a transaction, as rules ask for them.
        pub static EVENTS: Field = $crate::app_layer::events_of($protocols, NAMES);
    };
}

macro_rules! frames {
    ($protocols:expr, $carried:expr; $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// The kinds of frames, by the names of the language.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Frame { $($(#[doc = $doc])+ $variant,)+ }

        /// The kinds as rules ask for them, each at its number.
        pub static FRAMES: [Field; [$($name),+].len()] =
            [$(Field::frame($name, $protocols, $carried).doc(concat!($($doc),+).trim_ascii())),+];
    };
}

pub mod account;
pub mod application;
pub mod bounded;
pub mod conversation;
pub mod dcerpc;
pub mod dhcp;
pub mod dns;
pub mod file;
pub mod frames;
pub mod ftp;
mod hex;
pub mod http;
pub mod http2;
pub mod identify;
pub mod line;
pub mod mime;
pub mod parser;
pub mod progress;
pub mod record;
pub mod smb;
pub mod smtp;
mod spoken;
pub mod ssh;
pub mod tls;
pub mod transaction;

pub use spoken::Spoken;

use identify::Speech;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon, Reach, Vocabulary};

/// What each protocol lends to rules.
pub static PROTOCOLS: &[&Lexicon] = &[
    &http::LEXICON,
    &http2::LEXICON,
    &dns::LEXICON,
    &dns::MDNS,
    &tls::LEXICON,
    &ssh::LEXICON,
    &smtp::LEXICON,
    &ftp::LEXICON,
    &ftp::DATA,
    &smb::LEXICON,
    &dcerpc::LEXICON,
    &file::LEXICON,
];

/// The protocols that flows can be found to speak, in the order in which they are tried.
pub static SPEECHES: &[&Speech] = &[
    &http::SPEECH,
    &http2::SPEECH,
    &http2::DOH_SPEECH,
    &tls::SPEECH,
    &tls::DTLS_SPEECH,
    &ssh::SPEECH,
    &dns::SPEECH,
    &dns::TCP_SPEECH,
    &dns::MDNS_SPEECH,
    &smtp::SPEECH,
    &ftp::SPEECH,
    &ftp::DATA_SPEECH,
    &smb::SPEECH,
    &dcerpc::SPEECH,
    &dcerpc::UDP_SPEECH,
];

/// How flows of a protocol are parsed, if they are.
pub fn speech_of(protocol: AppProtocol) -> Option<&'static Speech> {
    SPEECHES.iter().copied().find(|speech| speech.protocol == protocol)
}

/// What can be wrong with transactions of some protocols, wherever they stand.
const fn events_of(protocols: &'static [AppProtocol], names: &'static [(&'static str, u64)]) -> Field {
    Field::many_numbers("app-layer-event", protocols, Reach::both(0, 0), u8::MAX as u64)
        .names(names)
        .doc("What was wrong with the transaction.")
}

/// The rule language as this sensor understands it.
pub fn vocabulary() -> Vocabulary {
    Vocabulary::new(PROTOCOLS)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
