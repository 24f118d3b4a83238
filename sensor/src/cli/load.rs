//! Rules as the configuration names them, loaded.

use super::progress::{self, Position};
use super::{Context, Exit, Failure, rule_report};
use crate::app_layer;
use crate::config::Config;
use crate::runtime::{self, Lints, LoadProgress, LoadedRules, RuleFiles, load};
use ::rules::names::Names;
use std::sync::Arc;

/// Loads the rules of the configuration.
pub(super) fn rules(config: &Config, lints: Lints, context: &Context) -> Result<LoadedRules, Failure> {
    load_files(&runtime::rule_files(config, lints), config, context)
}

/// The same for a command that applies them, with what is wrong with the others told. `names` get their numbers.
pub(super) fn rules_to_apply(
    config: &Config,
    names: Arc<Names>,
    context: &Context,
) -> Result<LoadedRules, Failure> {
    let files = RuleFiles { names, ..runtime::rule_files(config, Lints::None) };
    let loaded = load_files(&files, config, context)?;
    rule_report::write(&loaded.findings, context);
    if !loaded.waiting.is_empty() {
        let each: Vec<String> =
            loaded.waiting.iter().map(|(what, count)| format!("{what} {count}")).collect();
        tracing::warn!("rules that cannot match yet, by what they wait for: {}", each.join(", "));
    }
    if config.rules.strict && loaded.rejected + loaded.unsupported > 0 {
        let wrong =
            format!("{} rules are rejected, {} not supported yet", loaded.rejected, loaded.unsupported);
        return Err(Failure::new(Exit::CorruptInput, "the rules are refused by --strict", wrong)
            .help("mend the rules named above, or leave --strict out"));
    }
    Ok(loaded)
}

fn load_files(files: &RuleFiles, config: &Config, context: &Context) -> Result<LoadedRules, Failure> {
    let variables = runtime::variables(config)?;
    let progress = LoadProgress::default();
    let position = || Position {
        done: progress.rules_compiled(),
        total: Some(progress.rules_found()),
        message: String::new(),
    };
    let work = || load(files, &app_layer::vocabulary(), &variables, &progress);
    progress::during(context, "{pos} of {len} rules {wide_bar} {eta} left", position, work).map_err(|error| {
        Failure::new(Exit::MissingInput, format!("cannot read {}", error.path.display()), error.source).help(
            "name a file that is there: of rules or a directory of `*.rules`, or of what belongs to them",
        )
    })
}
