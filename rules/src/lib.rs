//! The rule language: reading, checking, compiling and matching Suricata-format rules.
//!
//! Pure: no I/O, no clock, no threads. File contents come in as bytes, packets as [`view::Packet`].
//!
//! What a rule says is an [`ast::Rule`]; what it means is a [`signature::Signature`], made by [`compile::compile`] with
//! the words of a [`vocabulary::Vocabulary`].

pub mod ast;
mod base64;
pub mod classification;
pub mod companion;
pub mod compile;
pub mod content;
pub mod dataset;
pub mod diagnostic;
pub mod draft;
pub mod effect;
pub mod field;
pub mod header;
pub mod inspect;
pub mod integer;
pub mod keyword;
pub mod lint;
pub mod names;
pub mod parse;
pub mod prefilter;
pub mod protocol;
pub mod ruleset;
pub mod signature;
pub mod text;
pub mod threshold;
pub mod transform;
pub mod view;
pub mod vocabulary;
