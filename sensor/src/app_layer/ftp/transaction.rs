//! What one transaction of the control connection says: a command and its reply.

use super::fields;
use super::wire::{self, Verb};
use crate::app_layer::parser::Reader;

/// The most lines of a reply that are kept, and the most bytes of them.
const MAX_REPLY_LINES: usize = 1024;
const MAX_REPLY_BYTES: usize = 64 << 10;

/// A command and its reply; a reply that nothing was asked for has no command.
#[derive(Debug, Default)]
pub struct Transaction {
    /// In upper case.
    pub(super) command: Vec<u8>,
    pub(super) argument: Vec<u8>,
    pub(super) verb: Verb,
    /// The port that it has agreed on for a data connection, and whether the client connects to it.
    pub(super) port: Option<(u16, bool)>,
    /// Whether there was a reply, once that is known.
    pub(super) replied: Option<bool>,
    reply: Vec<Line>,
    reply_bytes: usize,
}

#[derive(Debug)]
struct Line {
    /// Empty where there is none.
    code: Vec<u8>,
    text: Vec<u8>,
}

impl Transaction {
    /// Adds a line of the reply, as long as there is room.
    pub(super) fn add_line(&mut self, code: &[u8], text: &[u8]) {
        if self.reply.len() < MAX_REPLY_LINES && self.reply_bytes + text.len() <= MAX_REPLY_BYTES {
            self.reply_bytes += text.len();
            self.reply.push(Line { code: code.to_vec(), text: text.to_vec() });
        }
    }
}

/// How each field is read. What only the reply tells is looked for again until it is there.
pub(super) const READERS: &[Reader<Transaction>] = &[
    Reader::new(&fields::COMMAND, |transaction, _, visit| {
        if !transaction.command.is_empty() {
            visit(&transaction.command);
        }
    }),
    Reader::new(&fields::COMMAND_DATA, |transaction, _, visit| {
        if !transaction.argument.is_empty() {
            visit(&transaction.argument);
        }
    }),
    Reader::new(&fields::REPLY, |transaction, _, visit| {
        let _ = transaction.reply.iter().any(|line| visit(&line.text));
    }),
    Reader::new(&fields::COMPLETION_CODE, |transaction, _, visit| {
        let mut codes = transaction.reply.iter().map(|line| &line.code).filter(|code| !code.is_empty());
        let _ = codes.any(|code| visit(code));
    }),
    Reader::new(&fields::BOUNCE, |transaction, _, visit| {
        let named = Some(&transaction.argument).filter(|_| transaction.verb == Verb::Port);
        if let Some(address) = named.and_then(|argument| wire::address_of_numbers(argument)) {
            visit(&address.octets());
        }
    }),
    Reader::streaming(&fields::DYNAMIC_PORT, |transaction, _, visit| {
        if let Some((port, _)) = transaction.port {
            visit(0, &u64::from(port).to_be_bytes());
        }
    }),
    Reader::streaming(&fields::MODE, |transaction, _, visit| {
        if let Some((_, passive)) = transaction.port {
            visit(0, &u64::from(passive).to_be_bytes());
        }
    }),
    Reader::streaming(&fields::REPLY_RECEIVED, |transaction, _, visit| {
        if let Some(replied) = transaction.replied {
            visit(0, &u64::from(replied).to_be_bytes());
        }
    }),
];
