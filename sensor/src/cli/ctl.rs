//! `sensor ctl`: asks a running sensor through its control socket.

use super::{Context, Exit, Failure};
use crate::runtime::operation::{Request, ask};
use crate::runtime::service;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `sensor ctl`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sensor's socket [default: the configured one, else control.sock in the state directory].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The sensor's state directory.
    #[arg(long, value_name = "DIR", env = "SENSOR_STATE_DIR", default_value = "/var/lib/sensor")]
    state_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Load configuration and rules again; they are refused, and those in use stay, where they are wrong.
    Reload {
        /// Load the rules alone.
        #[arg(long)]
        rules: bool,
    },
    /// Everything that is counted.
    Stats,
    /// Flows, by worker and by how they ended.
    Flows,
    /// Stop, once everything under way is done.
    Drain,
    /// Whether the sensor is ready, and what it says for itself.
    Status,
}

impl Command {
    fn request(&self) -> Request {
        match self {
            Self::Reload { rules } => Request::Reload { rules: *rules },
            Self::Stats => Request::Stats,
            Self::Flows => Request::Flows,
            Self::Drain => Request::Drain,
            Self::Status => Request::Status,
        }
    }
}

/// How long a sensor may take to answer: loading many rules takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks, and prints the answer.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let socket = match &args.socket {
        Some(socket) => socket.clone(),
        None => {
            let config = context.configuration(Vec::new())?.config;
            service::control_socket(&config.operation, &args.state_dir)
        }
    };
    let answer = ask(&socket, args.command.request(), PATIENCE).map_err(|error| {
        Failure::new(Exit::Unavailable, format!("no sensor answers at {}", socket.display()), error)
            .help("is it running, and as you? --socket or --state-dir name another one")
    })?;
    context.print(format!("{answer:#}\n").as_bytes())?;
    match answer.get("error").and_then(Value::as_str) {
        None => Ok(()),
        Some(error) => Err(Failure::new(Exit::Findings, "the sensor refuses", error)),
    }
}
