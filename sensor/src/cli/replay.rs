//! `sensor replay`: captures in, events out.

use super::delivery::DeliveryArgs;
use super::output::Output;
use super::progress::{self, Position};
use super::{Context, Exit, Failure, failure::Fault, load};
use crate::capture::{CaptureError, Interruptible, Progress};
use crate::decode::ChecksumMode;
use crate::detect::CutShort;
use crate::runtime::{self, AssemblyError, Replay, Replayed, RuleCounts, Summary};
use crate::sink::SinkError;
use crate::sink::storm::StormConfig;
use clap::builder::PossibleValue;
use rules::ruleset::RuleSet;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use toml::Value;

/// Arguments of `sensor replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures to read as one stream: pcap or pcapng files, plain or compressed with gzip or zstd; directories of
    /// them; `-` for standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Apply the rules in RULES, a file or a directory of `*.rules`; may be repeated.
    #[arg(short = 'S', long = "rules", value_name = "RULES")]
    rules: Vec<PathBuf>,
    /// Give classes of rules their description and priority as FILE says [default: the classification.config beside
    /// the rules].
    #[arg(long, value_name = "FILE")]
    classification: Option<PathBuf>,
    /// Refuse to begin if any rule is rejected.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: Output,
    /// Whether packets with bad checksums are passed over: always, never, or unless many are bad [default: auto].
    #[arg(short = 'k', long, value_enum, value_name = "MODE")]
    checksums: Option<ChecksumMode>,
    /// Inspect packets on N threads [default: one for each core]. The output does not depend on it.
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroU16>,
    /// Pass over packets that the BPF expression does not match, as in `tcp port 80`.
    #[arg(long, value_name = "BPF")]
    filter: Option<String>,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

impl clap::ValueEnum for ChecksumMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::All, Self::None]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Args {
    /// What the flags say about the configuration.
    fn flags(&self) -> Vec<(&'static str, &'static str, Value)> {
        let text = |path: &PathBuf| Value::String(path.to_string_lossy().into_owned());
        let rules = (!self.rules.is_empty()).then(|| Value::Array(self.rules.iter().map(text).collect()));
        let settings = [
            ("-S", "rules.files", rules),
            ("--classification", "rules.classification", self.classification.as_ref().map(text)),
            ("--strict", "rules.strict", self.strict.then_some(Value::Boolean(true))),
            ("-k", "decode.checksums", self.checksums.map(|mode| mode.name().into())),
            ("--workers", "runtime.workers", self.workers.map(|n| Value::Integer(n.get().into()))),
            ("--filter", "capture.filter", self.filter.clone().map(Value::String)),
        ];
        settings.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect()
    }
}

/// Runs the replay.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut config = context.configuration(args.flags())?.config;
    // A replay repeats what was, storms and all.
    config.delivery.storm = StormConfig::off();
    args.captures.iter().try_for_each(|path| check_there(path))?;
    let source = runtime::captures(&config, &args.captures)?;
    let rules = load::rules_to_apply(&config, Arc::default(), context)?;
    let workers = runtime::workers(&config);
    let thresholds = rules.threshold_table(config.limits.collect.thresholds);
    let collector = runtime::collector(&config, workers, thresholds)?;
    let counts = RuleCounts::of(&rules);
    let shared = runtime::shared_rules(&config, rules.set, &rules.memory);
    let set = shared.as_ref().map(|shared| Arc::clone(&shared.set));
    let (files, intake) = runtime::file_store(&config, true)?.unzip();
    let shards = runtime::shards(&config, workers, shared)?.with_file_intake(intake);
    let mut delivery = args.delivery.start(&config)?;
    // Last, since it empties the file: what was wrong until here leaves an earlier output alone.
    let sink = match &mut delivery {
        Some(delivery) => {
            let output = args.output.is_asked_for().then(|| args.output.open(context)).transpose()?;
            delivery.beside(output, &config.output.queue)?
        }
        None => args.output.open(context)?,
    };
    let (began, read) = (Instant::now(), source.progress());
    let checksums = config.decode.checksums;
    let stop = stop_when_told()?;
    let source = Box::new(Interruptible::new(source, Arc::clone(&stop)));
    let replay = Replay { source, shards, checksums, collector, sink };
    let mut replayed = progress::during(context, bar(&read), || position(&read, began), || replay.run());
    if let Some(files) = files {
        replayed.counters.merge(&files.finish());
    }
    let elapsed = began.elapsed();
    for fault in rules.saved_datasets.save(rules.memory.lists()) {
        tracing::warn!("{fault}");
    }
    let delivered = delivery.map_or(Ok(()), |delivery| delivery.finish(context));
    if let Some(set) = set {
        tell_cut_short(&replayed.cut_short, &set);
    }
    let interrupted = match stop.load(Ordering::Relaxed) {
        true => Err(Failure::new(Exit::Interrupted, "the replay was interrupted", INTERRUPTED)),
        false => Ok(()),
    };
    conclude(replayed, counts, elapsed, context).and(delivered).and(interrupted)
}

const INTERRUPTED: &str = "packets read until then were processed, and their events handed on";

/// A flag that SIGINT and SIGTERM set: the replay then ends as if the input had. Told again, the process ends at once.
fn stop_when_told() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let watch = |signal| {
        flag::register_conditional_shutdown(signal, Exit::Interrupted.code().into(), Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop)).map(drop)
    };
    [SIGINT, SIGTERM]
        .into_iter()
        .try_for_each(watch)
        .map_err(|error| Failure::new(Exit::Internal, "signals cannot be watched", error))?;
    Ok(stop)
}

/// The form of the progress bar; what comes from a pipe has no known end.
fn bar(read: &Progress) -> &'static str {
    match read.bytes_total() {
        Some(_) => "{bar:30} {bytes}/{total_bytes} {msg} {eta} left",
        None => "{spinner} {bytes} {msg}",
    }
}

fn position(read: &Progress, began: Instant) -> Position {
    let rate = read.packets_read() as f64 / began.elapsed().as_secs_f64();
    Position { done: read.bytes_read(), total: read.bytes_total(), message: format!("{rate:.0} packets/s") }
}

/// A missing input is told before anything is done.
fn check_there(path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let missing = |error| {
        Failure::new(Exit::MissingInput, format!("cannot read {}", path.display()), error)
            .help("name a capture, a directory of captures, or `-` for standard input")
    };
    fs::metadata(path).map(drop).map_err(missing)
}

/// The most rules that are told of one by one.
const CUT_SHORT_SHOWN: usize = 10;

/// Tells which rules cost more than one inspection may.
fn tell_cut_short(cut_short: &CutShort, set: &RuleSet) {
    let rules = cut_short.most_often();
    for &(rule, count) in rules.iter().take(CUT_SHORT_SHOWN) {
        let meta = &set.signature(rule).meta;
        tracing::warn!(
            "rule {}:{} was too much work {count} times and did not match there: {}",
            meta.gid,
            meta.sid,
            meta.message
        );
    }
    if rules.len() > CUT_SHORT_SHOWN {
        tracing::warn!("so were {} more rules", rules.len() - CUT_SHORT_SHOWN);
    }
}

/// Tells how the replay ended.
fn conclude(
    replayed: Replayed,
    rules: RuleCounts,
    elapsed: Duration,
    context: &Context,
) -> Result<(), Failure> {
    let Replayed { counters, faults, checksums_ignored, stopped, .. } = replayed;
    if let Some(SinkError::Closed) = stopped {
        return Err(Failure::Closed);
    }
    if checksums_ignored {
        tracing::warn!(
            "many checksums are bad, as where a network card computes them after the capture: they are ignored \
             (-k all to insist, -k none to say so)"
        );
    }
    let summary = Summary { counters, rules, elapsed };
    context.summarize(&summary);
    for law in summary.discrepancies() {
        tracing::error!("the summary does not add up: {law}");
    }
    if let Some(error) = stopped {
        return Err(error.into());
    }
    fault_of(&faults).map_or(Ok(()), Err)
}

/// The failure of inputs that could not be read, or not to their end.
fn fault_of(faults: &[CaptureError]) -> Option<Failure> {
    let missing = faults.iter().any(CaptureError::is_missing_input);
    let misconfigured = |fault: &CaptureError| matches!(fault, CaptureError::Filter { .. });
    let exit = match faults {
        [] => return None,
        _ if missing => Exit::MissingInput,
        _ if faults.iter().all(misconfigured) => Exit::Configuration,
        _ => Exit::CorruptInput,
    };
    Some(Failure::Fault(Fault {
        exit,
        tried: "the input could not be read in full; what was readable was processed".to_owned(),
        wrong: faults.iter().map(CaptureError::to_string).collect(),
        help: None,
    }))
}

impl From<AssemblyError> for Failure {
    fn from(error: AssemblyError) -> Self {
        match error {
            AssemblyError::FileStore { .. } => Self::new(Exit::CannotWrite, "cannot begin", error),
            AssemblyError::Random(_) => Self::new(Exit::Internal, "cannot begin", error),
            _ => Self::new(Exit::Configuration, "the configuration is wrong", error)
                .help("`sensor config show --origin` tells where each value comes from"),
        }
    }
}
