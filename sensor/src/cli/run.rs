//! `sensor run`: interfaces in, events out, until told to stop.

use super::delivery::{self, DeliveryArgs};
use super::live_output::LiveOutput;
use super::{Context, Exit, Failure, load};
use crate::capture::CaptureError;
use crate::config::{CommandDefaults, Config, Sources};
use crate::decode::ChecksumMode;
use crate::runtime::operation::{Configure, Operation, RulesInUse};
use crate::runtime::sandbox;
use crate::runtime::service::{self, Ended, Service};
use crate::runtime::{self, Live, LiveParts, RuleCounts, Snapshot, Summary};
use ::rules::names::Names;
use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};
use toml::Value;

/// Arguments of `sensor run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Capture from the interface; may be repeated.
    #[arg(short, long = "interface", value_name = "IF")]
    interfaces: Vec<String>,
    /// Apply the rules in RULES, a file or a directory of `*.rules`; may be repeated.
    #[arg(short = 'S', long = "rules", value_name = "RULES")]
    rules: Vec<PathBuf>,
    /// Refuse to begin, and any reload, if any rule is rejected.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: LiveOutput,
    /// Whether packets with bad checksums are passed over: always, never, or unless many are bad [default: auto].
    #[arg(short = 'k', long, value_enum, value_name = "MODE")]
    checksums: Option<ChecksumMode>,
    /// Inspect packets on N threads [default: one for each core].
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroU16>,
    /// Pass over packets that the BPF expression does not match, as in `tcp port 80`.
    #[arg(long, value_name = "BPF")]
    filter: Option<String>,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// What `sensor run` does by default where a replay keeps to Suricata's defaults: a mirror port often shows one
/// direction, or tags one direction only, and connections are older than the sensor; and nothing may wait for events.
pub(super) const DEFAULTS: CommandDefaults = CommandDefaults {
    command: "sensor run",
    values: &[
        ("stream.midstream", "true"),
        ("stream.one_sided", "true"),
        ("flow.vlan_use", "false"),
        ("delivery.queue.when_full", "drop"),
        ("output.queue.when_full", "drop"),
    ],
};

impl Args {
    /// What the flags say about the configuration.
    fn flags(&self) -> Vec<(&'static str, &'static str, Value)> {
        let list = |values: Vec<String>| {
            (!values.is_empty()).then(|| Value::Array(values.into_iter().map(Value::String).collect()))
        };
        let rules = self.rules.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let settings = [
            ("-i", "capture.live.interfaces", list(self.interfaces.clone())),
            ("-S", "rules.files", list(rules)),
            ("--strict", "rules.strict", self.strict.then_some(Value::Boolean(true))),
            ("-k", "decode.checksums", self.checksums.map(|mode| mode.name().into())),
            ("--workers", "runtime.workers", self.workers.map(|n| Value::Integer(n.get().into()))),
            ("--filter", "capture.filter", self.filter.clone().map(Value::String)),
        ];
        settings.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect()
    }
}

/// Runs until told to stop.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let sources = context.sources(Some(DEFAULTS), args.flags());
    let config = sources.load()?.config;
    check(&config)?;
    let names = Arc::new(Names::default());
    let loaded = load::rules_to_apply(&config, Arc::clone(&names), context)?;
    let workers = runtime::workers(&config);
    let captures = runtime::live_captures(&config, workers).map_err(cannot_capture)?;
    give_up_privileges(&config, args, context)?;
    let service = Service::bind(&config.operation, args.delivery.state_dir())?;
    let thresholds = loaded.threshold_table(config.limits.collect.thresholds);
    let collector = runtime::collector(&config, workers, thresholds)?;
    let (in_use, rules) = RulesInUse::first(config.clone(), names, loaded);
    let counts = in_use.counts;
    let (files, intake) = runtime::file_store(&config, false)?.unzip();
    let shards = runtime::shards(&config, workers, rules)?.without_turns().with_file_intake(intake);
    let mut delivery = args.delivery.start(&config)?;
    let mut outputs = args.output.open(&config, delivery.as_mut(), context)?;
    let began = Instant::now();
    let parts = LiveParts {
        sources: captures,
        shards,
        files,
        checksums: config.decode.checksums,
        collector,
        sink: outputs.fan_out(),
        pin: config.capture.live.pin_workers,
    };
    let live = Live::start(parts).map_err(|error| Failure::new(Exit::Internal, "cannot begin", error))?;
    let operation = Operation::new(live, in_use, outputs.ledgers(), outputs.files(), configure(sources));
    say_what_is_followed(&config);
    let close = move |within| {
        let until = Instant::now() + within;
        let written = outputs.close(within);
        let left = until.saturating_duration_since(Instant::now());
        (written, delivery.map(|delivery| delivery.stop(left)))
    };
    let Ended::Drained { snapshot, done, closed: (written, delivered) } = service.run(operation, close)
    else {
        process::exit(Exit::Interrupted.code().into());
    };
    conclude(&snapshot, counts, began.elapsed(), context);
    if !done || !written {
        tracing::error!("not everything could be done in the time given (operation.drain_within_s)");
    }
    delivered.map_or(Ok(()), |account| delivery::said(&account, context))
}

/// What must be there before anything is opened.
fn check(config: &Config) -> Result<(), Failure> {
    if config.capture.live.interfaces.is_empty() {
        return Err(Failure::new(Exit::Usage, "cannot capture", "no interface is named")
            .help("name one with -i, or in `capture.live.interfaces`"));
    }
    Ok(())
}

fn cannot_capture(fault: CaptureError) -> Failure {
    let interfaces = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut names: Vec<_> =
        interfaces.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    Failure::new(Exit::MissingInput, "cannot capture", fault).help(format!(
        "capturing takes the capability cap_net_raw; `sensor doctor -i IF` tells what is missing. Interfaces: {}",
        names.join(" ")
    ))
}

/// Variables that name files which delivery reads.
const FILES_OF_AWS: &[&str] = &[
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "SSL_CERT_FILE",
];

/// Keeps what files are needed for, and gives up the rest.
fn give_up_privileges(config: &Config, args: &Args, context: &Context) -> Result<(), Failure> {
    let tried = "cannot give up privileges";
    let state_dir = args.delivery.state_dir();
    fs::create_dir_all(state_dir).map_err(|error| Failure::writing(state_dir.display(), error))?;
    let mut reach = sandbox::Reach::default();
    let read = config.rules.files.iter().chain(&config.reputation.categories).chain(&config.reputation.files);
    let read = read.chain(&config.geoip.database).chain(&config.rules.classification);
    let read = read.chain(&config.rules.reference).chain(&config.rules.threshold);
    // What stands beside a file belongs to it, and a file that is replaced by another of its name is another one.
    reach.read.extend(read.chain(&context.global.config).map(|path| directory_of(path)));
    reach.read.extend(std::env::home_dir().map(|home| home.join(".aws")));
    let named = FILES_OF_AWS.iter().filter_map(std::env::var_os);
    reach.read.extend(named.map(|path| directory_of(Path::new(&path))));
    reach.write.push(state_dir.to_owned());
    reach.write.extend(args.output.file().map(|path| directory_of(path)));
    reach.write.push(config.datasets.directory.clone());
    if let Some(directory) = &config.file_store.directory {
        // What is not there cannot be reached later.
        fs::create_dir_all(directory).map_err(|error| Failure::writing(directory.display(), error))?;
        reach.write.push(directory.clone());
    }
    reach.write.extend(config.operation.control_socket.as_deref().map(directory_of));
    let confined = sandbox::confine(&config.privileges, &reach).map_err(|error| {
        Failure::new(Exit::Refused, tried, error).help("the section `privileges` says which")
    })?;
    tracing::info!(landlock = confined.files, seccomp = confined.system_calls, "privileges are given up");
    Ok(())
}

/// The directory itself, or that of a file.
fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        _ if path.is_dir() => path.to_owned(),
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// How the configuration is read again.
fn configure(sources: Sources) -> Configure {
    Box::new(move || sources.load().map(|loaded| loaded.config).map_err(|error| error.to_string()))
}

fn say_what_is_followed(config: &Config) {
    let followed = [
        (config.stream.midstream, "connections whose beginning was not seen"),
        (config.stream.one_sided, "connections of which one direction is seen"),
        (!config.flow.vlan_use, "connections whose directions carry different VLAN tags"),
    ];
    let followed: Vec<_> = followed.iter().filter(|(on, _)| *on).map(|(_, what)| *what).collect();
    if !followed.is_empty() {
        tracing::info!("followed, too: {}", followed.join(", "));
    }
}

fn conclude(snapshot: &Snapshot, rules: RuleCounts, elapsed: Duration, context: &Context) {
    for law in snapshot.discrepancies() {
        tracing::error!("the counts do not add up: {law}");
    }
    context.summarize(&Summary { counters: snapshot.counters.clone(), rules, elapsed });
}

impl From<service::ServiceError> for Failure {
    fn from(error: service::ServiceError) -> Self {
        Self::new(Exit::Configuration, "cannot serve", error)
            .help("`operation.metrics` and `operation.control_socket` say where")
    }
}
