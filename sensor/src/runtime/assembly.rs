//! From a configuration to the parts that it configures.

use super::rules::{Lints, ListFiles, RuleFiles};
use crate::app_layer::record::Records;
use crate::capture::{self, CaptureError, CaptureFiles, FilterError, FrameFilter, LiveCapture, LiveSetup};
use crate::collect::{CollectConfig, Collector, ThresholdTable};
use crate::config::{AlertFlow, Config};
use crate::decode;
use crate::detect::{SharedMemory, Turns};
use crate::event::cloudevents::Encoder;
use crate::event::{ActivityKind, EncoderConfigError};
use crate::flow::HashKey;
use crate::sink::file_store::{FileIntake, FileStore};
use crate::worker::{AlertTexts, ShardConfig, SharedRules};
use ::rules::diagnostic::Diagnostic;
use ::rules::header::variable::Variables;
use ::rules::ruleset::RuleSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// A configuration whose values each have their type, but make no sense where they are used.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// A variable of rules is no group of addresses or ports.
    #[error("variables.{key}: column {column}: {message}")]
    Variable {
        /// `addresses.NAME` or `ports.NAME`.
        key: String,
        /// Where in the value, in characters from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The filter is no BPF expression.
    #[error("capture.filter: {0}")]
    Filter(#[from] FilterError),
    /// No valid event could come from it.
    #[error(transparent)]
    Events(#[from] EncoderConfigError),
    /// Files cannot be stored.
    #[error("file_store.directory: {}: {source}", .path.display())]
    FileStore {
        /// As it is configured.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The system has no random numbers for the flow tables' hash.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The number of workers: one for each core unless configured.
pub fn workers(config: &Config) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    config.runtime.workers.map_or_else(cores, |workers| workers.get().into())
}

/// The values of the variables that rules name.
pub fn variables(config: &Config) -> Result<Variables, AssemblyError> {
    let mut variables = Variables::none();
    for (name, group) in &config.variables.addresses {
        let outcome = variables.set_addresses(name, group.as_str());
        outcome.map_err(|fault| variable_fault(format!("addresses.{name}"), group.as_str(), fault))?;
    }
    for (name, group) in &config.variables.ports {
        let outcome = variables.set_ports(name, group.as_str());
        outcome.map_err(|fault| variable_fault(format!("ports.{name}"), group.as_str(), fault))?;
    }
    Ok(variables)
}

fn variable_fault(key: String, value: &str, fault: Diagnostic) -> AssemblyError {
    let before = value.get(..fault.span.start as usize).unwrap_or(value);
    AssemblyError::Variable { key, column: before.chars().count() + 1, message: fault.message }
}

/// Which rules the configuration names, and what belongs to them.
pub fn rule_files(config: &Config, lints: Lints) -> RuleFiles {
    RuleFiles {
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
        names: Arc::default(),
        lints,
        try_all: !config.detect.prefilter,
    }
}

/// The interfaces of the configuration, opened once for each of so many workers.
///
/// # Errors
///
/// When one cannot be opened.
pub fn live_captures(config: &Config, workers: usize) -> Result<Vec<LiveCapture>, CaptureError> {
    let setup = LiveSetup {
        live: config.capture.live.clone(),
        filter: config.capture.filter.clone(),
        program: decode::shard_program(u16::try_from(workers).unwrap_or(u16::MAX)),
        limits: config.limits.capture.clone(),
    };
    capture::open_live(&setup, workers)
}

/// The captures at `paths`, filtered as configured.
pub fn captures(config: &Config, paths: &[PathBuf]) -> Result<CaptureFiles, AssemblyError> {
    let files = CaptureFiles::new(paths, &config.limits.capture);
    match &config.capture.filter {
        Some(expression) => Ok(files.with_filter(FrameFilter::compile(expression)?)),
        None => Ok(files),
    }
}

/// Rules and what they remember, as all workers share them: none where there is no rule to apply, nor a record to make
/// of what flows say.
pub fn shared_rules(config: &Config, set: RuleSet, memory: &Arc<SharedMemory>) -> Option<SharedRules> {
    let some = !set.signatures().is_empty() || !config.events.records.is_empty();
    some.then(|| share(set, memory))
}

/// These rules and what they remember, as all workers share them.
pub(super) fn share(set: RuleSet, memory: &Arc<SharedMemory>) -> SharedRules {
    SharedRules { texts: AlertTexts::new(&set), set: Arc::new(set), memory: Arc::clone(memory) }
}

/// What so many workers of a replay are made with.
pub fn shards(
    config: &Config,
    workers: usize,
    rules: Option<SharedRules>,
) -> Result<ShardConfig, AssemblyError> {
    let changes = rules.as_ref().is_some_and(|rules| rules.memory.changes());
    let turns = if workers > 1 && changes { Turns::new(workers) } else { Turns::none() };
    Ok(ShardConfig {
        shards: workers,
        limits: config.limits.clone(),
        tunnels: config.decode.tunnel_ports.clone(),
        flow: config.flow.clone(),
        hash_key: HashKey::random()?,
        network: config.network.uuid,
        stream: config.stream.clone(),
        host_policies: config.reassembly.host_policies.clone(),
        records: Records::new(&config.events.records),
        flow_records: config.events.records.contains(&ActivityKind::Flow),
        tell_flow_ends: config.events.alert_flow == AlertFlow::Final,
        rules,
        profile_every: None,
        file_intake: None,
        file_stream_depth: config.file_store.stream_depth_bytes,
        turns: Arc::new(turns),
    })
}

/// What stores files, where that is configured. Workers wait for it in a replay, and do not where packets come live.
///
/// # Errors
///
/// When the directory cannot be made or read.
pub fn file_store(config: &Config, waits: bool) -> Result<Option<(FileStore, FileIntake)>, AssemblyError> {
    let Some(directory) = &config.file_store.directory else { return Ok(None) };
    let opened = FileStore::open(directory, &config.limits.file_store, waits);
    opened.map(Some).map_err(|source| AssemblyError::FileStore { path: directory.clone(), source })
}

/// What joins the findings of so many workers, and holds back what `thresholds` say.
pub fn collector(
    config: &Config,
    workers: usize,
    thresholds: ThresholdTable,
) -> Result<Collector, AssemblyError> {
    let encoder = Encoder::new(config.encoder())?;
    let wait = Duration::from_secs(config.events.alert_flow_wait_s.into());
    let collect = CollectConfig {
        thresholds,
        alerts_per_packet: config.detect.max_alerts_per_packet.into(),
        hold: (config.events.alert_flow == AlertFlow::Final).then_some(wait),
    };
    Ok(Collector::new(workers, encoder, collect, &config.limits.collect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn config(set: &str) -> Config {
        Sources { set: vec![set.to_owned()], ..Sources::default() }.load().expect("valid by itself").config
    }

    #[test]
    fn the_defaults_fit_together() {
        let config = Config::default();
        variables(&config).expect("the groups are well formed");
        collector(&config, 1, ThresholdTable::default()).expect("events can be made");
        assert!(workers(&config) >= 1);
    }

    #[test]
    fn a_variable_that_is_no_group_is_named_with_the_column() {
        let error =
            variables(&config("variables.addresses.HOME_NET=[10.0.0.0/8,x]")).expect_err("no address");
        let text = error.to_string();
        assert!(text.starts_with("variables.addresses.HOME_NET: column 13: "), "{text}");
    }

    #[test]
    fn an_expression_that_libpcap_refuses_is_named() {
        let error = captures(&config("capture.filter=tcp prot 80"), &[]).expect_err("no expression");
        assert!(error.to_string().starts_with("capture.filter: "), "{error}");
    }
}
