//! Other rules for a running sensor: loaded beside those in use, refused where that makes less of them.

use crate::app_layer;
use crate::config::Config;
use crate::detect::SharedMemory;
use crate::runtime::assembly::share;
use crate::runtime::{
    Lints, LoadProgress, LoadedRules, RuleCounts, SavedDatasets, load, rule_files, shared_rules, variables,
};
use crate::worker::SharedRules;
use ::rules::diagnostic::{Diagnostic, Severity};
use ::rules::names::Names;
use std::sync::Arc;

/// How long workers may take to be between two bursts.
pub(super) const TAKE_UP_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// What is kept of the rules in use.
#[derive(Debug)]
pub struct RulesInUse {
    /// What they were loaded by.
    pub config: Config,
    /// The numbers of names, which flows remember.
    pub names: Arc<Names>,
    /// What rules remember.
    pub memory: Arc<SharedMemory>,
    /// Sets that are saved in the end.
    pub saved_datasets: SavedDatasets,
    /// What became of each rule.
    pub counts: RuleCounts,
    /// How many sets came before.
    pub generation: u64,
}

impl RulesInUse {
    /// The first rules.
    pub fn first(config: Config, names: Arc<Names>, loaded: LoadedRules) -> (Self, Option<SharedRules>) {
        let counts = RuleCounts::of(&loaded);
        let LoadedRules { set, memory, saved_datasets, .. } = loaded;
        let rules = shared_rules(&config, set, &memory);
        (Self { config, names, memory, saved_datasets, counts, generation: 0 }, rules)
    }
}

/// Rules that can take the place of those in use.
pub(super) struct Successor {
    pub(super) rules: SharedRules,
    pub(super) thresholds: crate::collect::ThresholdTable,
    pub(super) in_use: RulesInUse,
}

/// Why other rules were refused. Those in use stay.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration cannot be read.
    #[error("the configuration is refused: {0}")]
    Config(String),
    /// A file cannot be read.
    #[error("{0}")]
    Read(String),
    /// Nothing would be left.
    #[error("no rule would be left")]
    NoRules,
    /// More rules are wrong than among those in use, or with `rules.strict` any.
    #[error("{rejected} rules are wrong, {before} were before; the first: {first}")]
    Rejected {
        /// How many are wrong,
        rejected: u64,
        /// how many were,
        before: u64,
        /// and one of them.
        first: String,
    },
    /// A worker did not come to the end of its burst.
    #[error("not every worker has taken the new rules up yet")]
    NotTakenUp,
}

/// Loads what `config` names.
pub(super) fn prepare(config: &Config, before: &RulesInUse) -> Result<Successor, ReloadError> {
    let variables = variables(config).map_err(|fault| ReloadError::Config(fault.to_string()))?;
    let mut files = rule_files(config, Lints::None);
    files.names = Arc::clone(&before.names);
    let loaded = load(&files, &app_layer::vocabulary(), &variables, &LoadProgress::default())
        .map_err(|fault| ReloadError::Read(format!("{}: {}", fault.path.display(), fault.source)))?;
    let counts = RuleCounts::of(&loaded);
    let accepted = if config.rules.strict { 0 } else { before.counts.rejected() };
    if counts.rejected() > accepted {
        let first = first_error(&loaded).unwrap_or_default();
        return Err(ReloadError::Rejected { rejected: counts.rejected(), before: accepted, first });
    }
    let thresholds = loaded.threshold_table(config.limits.collect.thresholds);
    let LoadedRules { set, memory, saved_datasets, .. } = loaded;
    if set.signatures().is_empty() {
        return Err(ReloadError::NoRules);
    }
    let memory = Arc::into_inner(memory).expect("nobody else has it yet").after(&before.memory);
    let memory = Arc::new(memory);
    let rules = share(set, &memory);
    let in_use = RulesInUse {
        config: config.clone(),
        names: Arc::clone(&before.names),
        memory,
        saved_datasets,
        counts,
        generation: before.generation + 1,
    };
    Ok(Successor { rules, thresholds, in_use })
}

/// Where the first rule is wrong, and how.
fn first_error(loaded: &LoadedRules) -> Option<String> {
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    loaded.findings.iter().find_map(|found| {
        let wrong = found.diagnostics.iter().find(is_error)?;
        let place = found.source.location(wrong.span.start);
        Some(format!("{}:{}:{}: {}", found.source.name(), place.line, place.column, wrong.message))
    })
}
