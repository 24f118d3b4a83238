//! How rules read a message: every one is a transaction of its own that goes one way.

use super::wire::{Message, Section};
use super::{fields, mdns};
use crate::app_layer::parser::{Reader, Visit, visit_number};
use crate::event::Direction;

/// Of DNS.
pub(super) const DNS: &[Reader<Message>] = &[
    Reader::new(&fields::QUERY, questions),
    Reader::new(&fields::QUERY_NAME, questions),
    Reader::new(&fields::ANSWER_NAME, answers),
    Reader::new(&fields::AUTHORITY_NAME, authorities),
    Reader::new(&fields::ADDITIONAL_NAME, additionals),
    Reader::new(&fields::RESPONSE_NAME, names),
    Reader::new(&fields::OPCODE, |message, _, visit| {
        visit_number(visit, u64::from(message.header.opcode()));
    }),
    Reader::new(&fields::RCODE, |message, _, visit| {
        visit_number(visit, u64::from(message.header.rcode()));
    }),
    Reader::new(&fields::RRTYPE, types),
];

/// Of multicast DNS.
pub(super) const MDNS: &[Reader<Message>] = &[
    Reader::new(&mdns::QUERY_NAME, questions),
    Reader::new(&mdns::ANSWER_NAME, answers),
    Reader::new(&mdns::AUTHORITY_NAME, authorities),
    Reader::new(&mdns::ADDITIONAL_NAME, additionals),
    Reader::new(&mdns::RESPONSE_NAME, |message, way, visit| {
        if message.header.is_response() {
            names(message, way, visit);
        }
    }),
];

fn questions(message: &Message, _: Direction, visit: &mut Visit<'_>) {
    owners(message, Section::Questions, visit);
}

fn answers(message: &Message, _: Direction, visit: &mut Visit<'_>) {
    owners(message, Section::Answers, visit);
}

fn authorities(message: &Message, _: Direction, visit: &mut Visit<'_>) {
    owners(message, Section::Authorities, visit);
}

fn additionals(message: &Message, _: Direction, visit: &mut Visit<'_>) {
    owners(message, Section::Additionals, visit);
}

/// The names that a section is about; says whether they were enough.
fn owners(message: &Message, section: Section, visit: &mut Visit<'_>) -> bool {
    message.records(section).any(|record| message.show_owner(&record, visit))
}

/// All names: of questions, and of records those they are about and those they point to.
fn names(message: &Message, _: Direction, visit: &mut Visit<'_>) {
    let _ = owners(message, Section::Questions, visit)
        || Section::RECORDS.into_iter().any(|section| {
            message
                .records(section)
                .any(|record| message.show_owner(&record, visit) || message.show_target(&record, visit))
        });
}

/// The types that are asked for in requests, those of the answers in responses.
fn types(message: &Message, way: Direction, visit: &mut Visit<'_>) {
    let section = match way {
        Direction::ToServer => Section::Questions,
        Direction::ToClient => Section::Answers,
    };
    let _ = message.records(section).any(|record| visit_number(visit, u64::from(record.kind)));
}
