//! `sensor siem`: the integration with a Kinesis stream, from setting it up to deleting it.

use super::{Context, Exit, Failure};
use crate::config::Config;
use crate::counter::Counters;
use crate::event::Event;
use crate::event::cloudevents::Encoder;
use crate::sink::accounting::{DropReason, Ledger};
use crate::sink::kinesis::SetupError;
use crate::sink::kinesis::answer::{Fault, FaultKind};
use crate::sink::kinesis::arn::{RoleArn, StreamArn};
use crate::sink::kinesis::integration::{Integration, Store, StoreError};
use crate::sink::kinesis::secret::{ExternalId, RECOMMENDED_LENGTH, forbid_dumps};
use crate::sink::kinesis::setup::Setup;
use crate::sink::kinesis::status::Status;
use crate::sink::spool::{Spool, SpoolError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Arguments of `sensor siem`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the sensor keeps what must survive a restart.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SENSOR_STATE_DIR",
        default_value = "/var/lib/sensor"
    )]
    state_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Store the integration, in place of any other; what waits in the spool is kept for it.
    Set(SetArgs),
    /// Show the integration, its status and what became of the events.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put a test event into the stream at once, past whatever is queued.
    Test,
    /// Delete the integration; what waits for it is discarded, and the gap is not filled later.
    Delete {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("secret").required(true))]
struct SetArgs {
    /// The stream: arn:aws:kinesis:region:account-id:stream/stream-name.
    #[arg(long, value_name = "ARN")]
    stream_arn: StreamArn,
    /// The role to assume: arn:aws:iam::account-id:role/role-name.
    #[arg(long, value_name = "ARN")]
    role_arn: RoleArn,
    /// Read the external ID from FILE, or from standard input for `-`. It is a secret, so never an argument.
    #[arg(long, value_name = "FILE", group = "secret")]
    external_id_file: Option<PathBuf>,
    /// Read the external ID from the systemd credential NAME.
    #[arg(long, value_name = "NAME", group = "secret")]
    external_id_credential: Option<String>,
    /// Make a new external ID and show it, this once.
    #[arg(long, group = "secret")]
    generate_external_id: bool,
    /// Do not ask AWS whether role, external ID and permission are right.
    #[arg(long)]
    no_check: bool,
}

/// Does what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    forbid_dumps();
    let store = Store::new(&args.state_dir);
    match &args.command {
        Command::Set(set_args) => set(set_args, &store, context),
        Command::Status { json } => status(&store, *json, context),
        Command::Test => test(&store, context),
        Command::Delete { yes } => delete(&store, *yes, context),
    }
}

fn set(args: &SetArgs, store: &Store, context: &Context) -> Result<(), Failure> {
    let config = context.configuration(Vec::new())?.config;
    let external_id = external_id(args)?;
    if args.stream_arn.partition != args.role_arn.partition {
        let wrong = "stream and role are in different partitions of AWS";
        return Err(Failure::new(Exit::Usage, "the integration cannot be set", wrong));
    }
    let before = store.load()?;
    let now = SystemTime::now();
    let (stream, role) = (args.stream_arn.clone(), args.role_arn.clone());
    let integration = Integration::new(stream, role, external_id, before.as_ref(), now);
    store.save(&integration)?;
    store.save_status(&Status::fresh(now))?;
    let mut said = String::new();
    let verb = if before.is_some() { "replaced" } else { "set" };
    let _ = writeln!(said, "The integration with {} is {verb}.", integration.stream_arn);
    if args.generate_external_id {
        let _ =
            writeln!(said, "External ID, for the role's trust policy: {}", integration.external_id.expose());
    } else if !integration.external_id.is_long_enough() {
        let _ = writeln!(
            said,
            "warning: the external ID is shorter than the {RECOMMENDED_LENGTH} characters advised"
        );
    }
    context.print(said.as_bytes())?;
    // The role cannot know an external ID that was made this moment.
    if !args.no_check && !args.generate_external_id {
        context.print(check(&config, &integration, store)?.as_bytes())?;
    }
    offer_test(store, context)
}

fn external_id(args: &SetArgs) -> Result<ExternalId, Failure> {
    let unreadable = |name: &Path, error: io::Error| {
        Failure::new(
            Exit::MissingInput,
            format!("cannot read the external ID from {}", name.display()),
            error,
        )
    };
    let text = match (&args.external_id_file, &args.external_id_credential) {
        (Some(path), _) if path == Path::new("-") => {
            bounded(io::stdin().lock()).map_err(|e| unreadable(path, e))?
        }
        (Some(path), _) => std::fs::File::open(path).and_then(bounded).map_err(|e| unreadable(path, e))?,
        (None, Some(name)) => {
            let directory = std::env::var_os("CREDENTIALS_DIRECTORY").unwrap_or_default();
            let path = Path::new(&directory).join(name);
            std::fs::File::open(&path).and_then(bounded).map_err(|e| unreadable(&path, e))?
        }
        (None, None) => {
            let made = ExternalId::generate();
            return made
                .map_err(|error| Failure::new(Exit::Unavailable, "no external ID can be made", error));
        }
    };
    ExternalId::new(&text).map_err(|error| Failure::new(Exit::Usage, "the integration cannot be set", error))
}

/// Far more than an external ID may have.
fn bounded(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(64 << 10).read_to_string(&mut text)?;
    Ok(text)
}

/// Whether a put would be allowed, and whether the trust policy does its part: told, not enforced.
fn check(config: &Config, integration: &Integration, store: &Store) -> Result<String, Failure> {
    let setup = Setup::new(&config.delivery.kinesis, integration, &session_name(config))?;
    let mut said = String::new();
    let tried = setup.dry_run()?;
    let (mut status, now) = (store.status(), SystemTime::now());
    status.set_clock(setup.clock_ahead_s(), now);
    match tried {
        Ok(()) => {
            status.permitted(now);
            said.push_str("Role and permission are proven.\n");
        }
        Err(fault) => {
            status.failed(&fault, now);
            let _ = writeln!(said, "warning: {fault}");
        }
    }
    store.save_status(&status)?;
    if let Ok(found) = setup.check_trust()?
        && let Some(warning) = found.warning()
    {
        let _ = writeln!(said, "warning: {warning}");
    }
    if let Some(warning) = setup.clock_warning() {
        let _ = writeln!(said, "warning: {warning}");
    }
    Ok(said)
}

fn offer_test(store: &Store, context: &Context) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return context.print(b"`sensor siem test` sends a test event.\n");
    }
    if confirmed(context, "Send a test event now?")? { test(store, context) } else { Ok(()) }
}

fn confirmed(context: &Context, question: &str) -> Result<bool, Failure> {
    let mut out = context.beside_bar(io::stderr());
    write!(out, "{question} [y/N] ").map_err(|error| Failure::writing("standard error", error))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(Exit::MissingInput, "cannot read the answer", error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn status(store: &Store, as_json: bool, context: &Context) -> Result<(), Failure> {
    let Some(integration) = store.load()? else {
        let said = if as_json { "{\"set\": false}\n" } else { "No SIEM integration is set.\n" };
        return context.print(said.as_bytes());
    };
    let status = store.status();
    let account = store.account();
    if as_json {
        let shown = json!({
            "set": true,
            "stream_arn": integration.stream_arn,
            "role_arn": integration.role_arn,
            "set_at": integration.set_at,
            "external_id_rotated_at": integration.rotated_at,
            "status": status,
            "process": account,
        });
        return context.print(format!("{shown:#}\n").as_bytes());
    }
    let mut said = format!("{:?}", status.state);
    if let Some(detail) = &status.detail {
        let _ = write!(said, " - {}", detail.strip_prefix("Unauthorized - ").unwrap_or(detail));
    }
    let never = || "never".to_owned();
    let _ = write!(
        said,
        "\n  last update    {}\n  last delivery  {}\n  stream         {}\n  role           {}\n  external ID    last rotated {}\n",
        status.last_update,
        status.last_delivery.clone().unwrap_or_else(never),
        integration.stream_arn,
        integration.role_arn,
        integration.rotated_at,
    );
    if let Some(account) = account {
        said.push_str(&account_lines(&account));
    }
    context.print(said.as_bytes())
}

fn account_lines(file: &Value) -> String {
    let account = &file["account"];
    let count = |name: &str| account[name].as_u64().unwrap_or(0);
    let mut said = format!("  as of          {}\n", file["updated"].as_str().unwrap_or("unknown"));
    for name in ["created", "recovered", "delivered", "queued", "in_flight", "spooled"] {
        let _ = writeln!(said, "    {name:<12} {}", count(name));
    }
    let dropped = account["dropped"].as_object().into_iter().flatten();
    for (reason, events) in dropped.filter(|(_, events)| events.as_u64() != Some(0)) {
        let _ = writeln!(said, "    dropped      {events} ({reason})");
    }
    said
}

fn test(store: &Store, context: &Context) -> Result<(), Failure> {
    let config = context.configuration(Vec::new())?.config;
    let integration = stored(store)?;
    let wrong =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Configuration, "no event can be written", error);
    let mut encoder = Encoder::new(config.encoder()).map_err(|error| wrong(&error))?;
    let mut json = Vec::new();
    let event = Event::test(config.encoder().network, SystemTime::now().into());
    let id = encoder.encode(&event, &mut json, &mut Counters::default());
    let setup = Setup::new(&config.delivery.kinesis, &integration, &session_name(&config))?;
    let mut status = store.status();
    match setup.send(&id.to_string(), &json)? {
        Ok(receipt) => {
            status.set_clock(setup.clock_ahead_s(), SystemTime::now());
            status.delivered(SystemTime::now());
            store.save_status(&status)?;
            let mut said = format!(
                "Delivered: shard {}, sequence number {}, {} ms, id {id}\n",
                receipt.shard,
                receipt.sequence_number,
                receipt.took.as_millis()
            );
            if let Some(warning) = setup.clock_warning() {
                let _ = writeln!(said, "warning: {warning}");
            }
            context.print(said.as_bytes())
        }
        Err(fault) => {
            status.failed(&fault, SystemTime::now());
            store.save_status(&status)?;
            Err(refused("the test event was not delivered", &fault))
        }
    }
}

/// 77 where somebody refuses, 69 where nobody answers.
fn refused(tried: &str, fault: &Fault) -> Failure {
    let refusal = fault.kind.is_refusal() || fault.kind == FaultKind::StreamMissing;
    Failure::new(if refusal { Exit::Refused } else { Exit::Unavailable }, tried, fault)
}

/// As the customer's CloudTrail shows the sessions.
fn session_name(config: &Config) -> String {
    format!("sensor-{}", config.network.uuid)
}

fn stored(store: &Store) -> Result<Integration, Failure> {
    store.load()?.ok_or_else(|| {
        Failure::new(Exit::Configuration, "no SIEM integration is set", "there is nothing to deliver to")
            .help("`sensor siem set` stores one")
    })
}

fn delete(store: &Store, yes: bool, context: &Context) -> Result<(), Failure> {
    stored(store)?;
    if !yes && !confirmed(context, "Are you sure you want to delete this SIEM integration?")? {
        return context.print(b"Nothing was deleted.\n");
    }
    store.remove()?;
    let discarded = discard(store, &context.configuration(Vec::new())?.config)?;
    let said = match discarded {
        Some(events) => {
            format!("The integration is deleted. {events} events that waited for it were discarded.\n")
        }
        None => {
            "The integration is deleted. The running sensor has not said yet how many events it discarded.\n"
                .to_owned()
        }
    };
    context.print(said.as_bytes())
}

/// Discards what waits, or lets the running sensor do that and asks it how much it was.
fn discard(store: &Store, config: &Config) -> Result<Option<u64>, Failure> {
    match Spool::open(&store.spool_directory(), config.delivery.spool.clone(), Ledger::new()) {
        Ok((mut spool, _)) => Ok(Some(spool.discard())),
        Err(SpoolError::Busy(_)) => Ok(discarded_by_the_sensor(store)),
        Err(error) => Err(Failure::new(Exit::CannotWrite, "what waits cannot be discarded", error)),
    }
}

fn discarded_by_the_sensor(store: &Store) -> Option<u64> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        let Some(file) = store.account() else { continue };
        let account = &file["account"];
        let waiting: u64 =
            ["queued", "in_flight", "spooled"].iter().filter_map(|name| account[name].as_u64()).sum();
        if waiting == 0 {
            return account["dropped"][DropReason::Deleted.name()].as_u64();
        }
    }
    None
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::CannotWrite, "the state directory cannot be used", error)
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::new(Exit::Configuration, "AWS cannot be asked", error)
    }
}
