//! Threads: the only place that joins sources, workers, collector and sinks.

mod assembly;
mod checksum;
pub mod doctor;
mod live;
pub mod operation;
mod output;
mod replay;
mod rules;
pub mod sandbox;
pub mod service;
mod summary;

pub use self::rules::{
    Findings, Lints, ListFiles, LoadProgress, LoadedRules, ReadError, RuleFiles, SaveError, SavedDatasets,
    load,
};
pub use assembly::{
    AssemblyError, captures, collector, file_store, live_captures, rule_files, shards, shared_rules,
    variables, workers,
};
pub use live::{Live, LiveParts, Snapshot};
pub use replay::{Replay, Replayed};
pub use summary::{RuleCounts, Summary};
