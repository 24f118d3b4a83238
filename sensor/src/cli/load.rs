//! Rules as the configuration names them, loaded.

use super::progress::{self, Position};
use super::{Context, Exit, Failure};
use crate::app_layer;
use crate::config::Config;
use crate::runtime::{self, Lints, ListFiles, LoadProgress, LoadedRules, RuleFiles, load};

/// Loads the rules of the configuration.
pub(super) fn rules(config: &Config, lints: Lints, context: &Context) -> Result<LoadedRules, Failure> {
    let files = RuleFiles {
        rules: config.rules.files.clone(),
        classification: config.rules.classification.clone(),
        reference: config.rules.reference.clone(),
        threshold: config.rules.threshold.clone(),
        lists: ListFiles {
            datasets: config.datasets.clone(),
            reputation: config.reputation.clone(),
            geoip: config.geoip.clone(),
            limits: config.limits.memory.clone(),
        },
        lints,
        try_all: !config.detect.prefilter,
    };
    let variables = runtime::variables(config)?;
    let progress = LoadProgress::default();
    let position = || Position {
        done: progress.rules_compiled(),
        total: Some(progress.rules_found()),
        message: String::new(),
    };
    let work = || load(&files, &app_layer::vocabulary(), &variables, &progress);
    progress::during(context, "{pos} of {len} rules {wide_bar} {eta} left", position, work).map_err(|error| {
        Failure::new(Exit::MissingInput, format!("cannot read {}", error.path.display()), error.source).help(
            "name a file that is there: of rules or a directory of `*.rules`, or of what belongs to them",
        )
    })
}
