//! `sensor dev`: trying things out without the world they are for.

use super::{Context, Exit, Failure};
use crate::dev::fake_aws::{FakeAws, FakeConfig, Script};
use crate::sink::kinesis::secret::ExternalId;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `sensor dev`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Stand in for STS and Kinesis on loopback, limits and faults included, until interrupted.
    FakeAws(FakeAwsArgs),
}

#[derive(Debug, clap::Args)]
struct FakeAwsArgs {
    /// The port to listen on; 0 for any free one.
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    port: u16,
    /// Speak TLS, and write the certificate authority to FILE for AWS_CA_BUNDLE.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Shards of the stream.
    #[arg(long, value_name = "N", default_value_t = 1)]
    shards: u32,
    /// Demand the external ID in FILE; by default any is let in.
    #[arg(long, value_name = "FILE")]
    external_id_file: Option<PathBuf>,
    /// Let shards take whatever comes.
    #[arg(long)]
    no_shard_limits: bool,
    /// Keep no records for reading back.
    #[arg(long)]
    keep_nothing: bool,
    /// Milliseconds before every answer.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// Fail as the script in FILE says (TOML, a [[fault]] table each).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

/// Does what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let Command::FakeAws(args) = &args.command;
    let config = fake_config(args)?;
    let aws = FakeAws::start(config)
        .map_err(|error| Failure::new(Exit::Unavailable, "the stand-in for AWS cannot be started", error))?;
    if let (Some(path), Some(ca)) = (&args.tls_ca, aws.ca()) {
        ca.write(path).map_err(|error| Failure::writing(path.display(), error))?;
    }
    context.print(directions(&aws, args).as_bytes())?;
    loop {
        std::thread::park();
    }
}

fn fake_config(args: &FakeAwsArgs) -> Result<FakeConfig, Failure> {
    let defaults = FakeConfig::default();
    Ok(FakeConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        tls: args.tls_ca.is_some(),
        shards: args.shards,
        external_id: args.external_id_file.as_deref().map(external_id).transpose()?,
        shard_limits: !args.no_shard_limits,
        keep_bytes: if args.keep_nothing { 0 } else { defaults.keep_bytes },
        latency: Duration::from_millis(args.latency_ms),
        script: args.script.as_deref().map(script).transpose()?.unwrap_or_default(),
        ..defaults
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::MissingInput, format!("cannot read {}", path.display()), error))
}

fn external_id(path: &Path) -> Result<String, Failure> {
    let external_id = ExternalId::new(&read(path)?);
    let external_id =
        external_id.map_err(|error| Failure::new(Exit::Usage, "the stand-in cannot be started", error))?;
    Ok(external_id.expose().to_owned())
}

fn script(path: &Path) -> Result<Script, Failure> {
    toml::from_str(&read(path)?)
        .map_err(|error| Failure::new(Exit::CorruptInput, format!("{} is no script", path.display()), error))
}

/// What to type to use it.
fn directions(aws: &FakeAws, args: &FakeAwsArgs) -> String {
    let config = aws.config();
    let mut variables = format!(
        "export AWS_ENDPOINT_URL={} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=secret AWS_REGION={}\n",
        aws.endpoint(),
        config.trusted_keys.join(" "),
        config.region
    );
    if let Some(path) = &args.tls_ca {
        variables.push_str(&format!("export AWS_CA_BUNDLE={}\n", path.display()));
    }
    format!(
        "{variables}# stream  {}\n# role    {}\n# stop with Ctrl-C\n",
        config.stream_arn(),
        config.role_arn()
    )
}
