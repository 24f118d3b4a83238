//! `sensor rules profile`: what rules cost on a capture.

use crate::capture::PacketSource;
use crate::cli::{Context, Failure, load};
use crate::detect::{Cost, Profile};
use crate::runtime::{self, Replay};
use crate::sink::{Record, Sink, SinkError};
use rules::ruleset::RuleSet;
use std::fmt::Write;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::sync::Arc;
use toml::Value;

/// Arguments of `sensor rules profile`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures to try the rules on, as for `sensor replay`.
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// The rules, a file or a directory of `*.rules`; may be repeated.
    #[arg(short = 'S', long = "rules", required = true, value_name = "RULES")]
    rules: Vec<PathBuf>,
    /// Measure on every N-th packet.
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::MIN)]
    every: NonZeroU32,
    /// Show the N most expensive rules.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Inspect packets on N threads [default: one for each core].
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroU16>,
}

/// Takes events and keeps none.
struct Nowhere;

impl Sink for Nowhere {
    fn accept(&mut self, _: &[Record]) -> Result<(), SinkError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Replays the captures, and prints what each rule cost.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let paths = args.rules.iter().map(|path| Value::String(path.to_string_lossy().into_owned()));
    let mut flags = vec![("-S", "rules.files", Value::Array(paths.collect()))];
    flags.extend(args.workers.map(|n| ("--workers", "runtime.workers", Value::Integer(n.get().into()))));
    let config = context.configuration(flags)?.config;
    let source: Box<dyn PacketSource + Send> = Box::new(runtime::captures(&config, &args.captures)?);
    let loaded = load::rules_to_apply(&config, Arc::default(), context)?;
    let workers = runtime::workers(&config);
    let thresholds = loaded.threshold_table(config.limits.collect.thresholds);
    let collector = runtime::collector(&config, workers, thresholds)?;
    let rules = runtime::shared_rules(&config, loaded.set, &loaded.memory);
    let set = rules.as_ref().map(|rules| Arc::clone(&rules.set));
    let shards = runtime::shards(&config, workers, rules)?.with_profile(args.every);
    let checksums = config.decode.checksums;
    let replayed = Replay { source, shards, checksums, collector, sink: Box::new(Nowhere) }.run();
    replayed.faults.iter().for_each(|fault| tracing::warn!("{fault}"));
    match (&replayed.profile, set) {
        (Some(profile), Some(set)) => context.print(table(profile, &set, args.top).as_bytes()),
        _ => context.print(b"no rule was tried\n"),
    }
}

fn table(profile: &Profile, set: &RuleSet, top: usize) -> String {
    let dearest = profile.dearest();
    let all_ns: u128 = dearest.iter().map(|(_, cost)| cost.time.as_nanos()).sum();
    let mut text = format!(
        "{} rules tried on {} packets, {:.3} s\n{:>10} {:>10} {:>10} {:>10} {:>6}  signature\n",
        dearest.len(),
        profile.sampled(),
        all_ns as f64 * 1e-9,
        "sid",
        "tried",
        "matched",
        "ns/try",
        "share"
    );
    for (rule, Cost { tried, matched, time }) in dearest.into_iter().take(top) {
        let meta = &set.signature(rule).meta;
        let each = time.as_nanos() / u128::from(tried.max(1));
        let share = time.as_nanos() as f64 * 100.0 / all_ns.max(1) as f64;
        writeln!(
            text,
            "{:>10} {tried:>10} {matched:>10} {each:>10} {share:>5.1}%  {}",
            meta.sid, meta.message
        )
        .expect("writing to memory does not fail");
    }
    text
}
