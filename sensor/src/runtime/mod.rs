//! Threads: the only place that joins sources, workers, collector and sinks.

mod assembly;
mod checksum;
mod replay;
mod rules;
mod summary;

pub use self::rules::{
    Findings, Lints, ListFiles, LoadProgress, LoadedRules, ReadError, RuleFiles, SaveError, SavedDatasets,
    load,
};
pub use assembly::{AssemblyError, captures, collector, shards, shared_rules, variables, workers};
pub use replay::{Replay, Replayed};
pub use summary::{RuleCounts, Summary};
