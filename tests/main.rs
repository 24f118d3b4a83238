//! The sensor's tests that need the whole: its library, its executable, its captures.

#![allow(clippy::unwrap_used, reason = "a test may panic, helpers of tests too")]

mod allocations;
mod app_layer;
mod attacks;
mod captures;
mod cases;
mod cli;
mod conformance;
mod corpora;
mod counting;
mod decode;
mod delivery;
mod dhcp;
mod et_open;
mod events;
mod file_store;
mod floors;
mod frames;
mod keywords_doc;
mod live;
mod memory;
mod records;
mod replay;
mod rules_verdicts;
mod schema;
mod streams;
mod transactions;
mod worker;
mod worst_cases;
