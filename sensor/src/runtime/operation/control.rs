//! The control socket: a line of JSON in, a line of JSON out. The socket is its owner's alone.

use super::{Operation, Scope, Statistics};
use crate::counter::Counter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as Client;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

/// What can be asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Configuration and rules are loaded again.
    Reload {
        /// Rules alone.
        #[serde(default)]
        rules: bool,
    },
    /// Everything that is counted.
    Stats,
    /// Flows, by worker and by how they ended.
    Flows,
    /// The sensor stops once everything under way is done.
    Drain,
    /// Whether the sensor is ready, and what it says for itself.
    Status,
}

/// The longest request, and how long its sender may take.
const REQUEST_BYTES: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves one socket.
#[derive(Debug)]
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    drain: Arc<Notify>,
}

impl ControlServer {
    /// Opens the socket, in place of one that nobody serves any more. `drain` is told of a request to stop.
    ///
    /// # Errors
    ///
    /// When something else is there, another sensor serves it, or the system says no.
    pub fn bind(path: &Path, drain: Arc<Notify>) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is no socket"));
            }
            Ok(_) if Client::connect(path).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another sensor serves it"));
            }
            Ok(_) => fs::remove_file(path)?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned(), drain })
    }

    /// Answers, for ever.
    pub async fn serve(self, operation: Arc<Operation>) {
        loop {
            // What fails is one connection; the next may not.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (operation, drain) = (Arc::clone(&operation), Arc::clone(&self.drain));
            tokio::spawn(async move {
                if let Err(error) = converse(stream, operation, &drain).await {
                    tracing::debug!(%error, "a conversation on the control socket broke off");
                }
            });
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // A socket that is gone already is what is wanted.
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, operation: Arc<Operation>, drain: &Notify) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = AsyncReader::new(reader.take(REQUEST_BYTES));
    tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(Request::Drain) => {
            drain.notify_one();
            json!({ "ok": true, "draining": true })
        }
        // Loading rules takes its time, and others want answers meanwhile.
        Ok(request) => tokio::task::spawn_blocking(move || answer(request, &operation)).await?,
        Err(error) => json!({ "ok": false, "error": format!("no request: {error}") }),
    };
    writer.write_all(format!("{answer}\n").as_bytes()).await
}

fn answer(request: Request, operation: &Operation) -> Value {
    match request {
        Request::Reload { rules } => match operation.reload(if rules { Scope::Rules } else { Scope::All }) {
            Ok(rules) => json!({ "ok": true, "rules": rules }),
            Err(error) => json!({ "ok": false, "error": error.to_string() }),
        },
        Request::Stats => with_ok(operation.statistics().to_json()),
        Request::Flows => with_ok(flows(&operation.statistics())),
        Request::Status | Request::Drain => with_ok(status(operation)),
    }
}

fn with_ok(mut value: Value) -> Value {
    value["ok"] = true.into();
    value
}

fn flows(statistics: &Statistics) -> Value {
    let value = |counter| statistics.snapshot.counters.value(counter);
    json!({
        "now": statistics.snapshot.flows.iter().sum::<usize>(),
        "by_worker": statistics.snapshot.flows,
        "created": value(Counter::FlowsCreated),
        "ended": {
            "timeout": value(Counter::FlowsTimeout),
            "closed": value(Counter::FlowsClosed),
            "reset": value(Counter::FlowsReset),
            "evicted": value(Counter::FlowsEvicted),
            "shutdown": value(Counter::FlowsShutdown),
        },
        "refused": value(Counter::FlowsRefused),
        "one_sided": value(Counter::FlowsOneSided),
        "half_tagged": value(Counter::FlowsHalfTagged),
        "midstream": value(Counter::StreamMidstream),
        "gaps": value(Counter::StreamGaps),
    })
}

fn status(operation: &Operation) -> Value {
    let statistics = operation.statistics();
    let (reloads, refused) = operation.reloads();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "ready": statistics.unready.is_empty(),
        "not_ready_because": statistics.unready,
        "findings": statistics.findings,
        "rules": { "generation": statistics.rules.0, "loaded": statistics.rules.1 },
        "reloads": reloads,
        "reloads_refused": refused,
        "line": statistics.to_string(),
    })
}

/// Asks the sensor that serves a socket.
///
/// # Errors
///
/// When there is none, or it says nothing sensible within `within`.
pub fn ask(socket: &Path, request: Request, within: Duration) -> io::Result<Value> {
    let mut stream = Client::connect(socket)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{}\n", serde_json::to_string(&request)?).as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
