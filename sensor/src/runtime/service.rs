//! The main thread of a running sensor: signals, the control socket, metrics, a line of statistics now and then, and
//! the service manager.

use super::Snapshot;
use super::operation::{ControlServer, MetricsServer, Operation, Scope};
use crate::config::OperationConfig;
use sd_notify::NotifyState;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Why the sensor cannot be asked or told anything.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The control socket cannot be opened.
    #[error("control socket {}: {source}", .path.display())]
    Control {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The metrics' address is none, or in use.
    #[error("metrics at {address}: {reason}")]
    Metrics {
        /// As it is configured.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The system has no room for it.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The control socket's path.
pub fn control_socket(config: &OperationConfig, state_dir: &Path) -> PathBuf {
    config.control_socket.clone().unwrap_or_else(|| state_dir.join("control.sock"))
}

/// What a running sensor listens to.
#[derive(Debug)]
pub struct Service {
    runtime: Runtime,
    control: ControlServer,
    metrics: Option<MetricsServer>,
    drain: Arc<Notify>,
    signals: Signals,
    statistics_every: Option<u32>,
    drain_within: Duration,
}

#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    statistics: Signal,
    rules: Signal,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended<C> {
    /// In order.
    Drained {
        /// What was counted.
        snapshot: Box<Snapshot>,
        /// Whether everything under way was done in time.
        done: bool,
        /// What closing the outputs came to.
        closed: C,
    },
    /// A second SIGINT: whatever is still under way is left as it is.
    AtOnce,
}

impl Service {
    /// Opens what it listens to. From here on signals no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// When a socket cannot be opened.
    pub fn bind(config: &OperationConfig, state_dir: &Path) -> Result<Self, ServiceError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _within = runtime.enter();
        let drain = Arc::new(Notify::new());
        let path = control_socket(config, state_dir);
        let control = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| ControlServer::bind(&path, Arc::clone(&drain)))
            .map_err(|source| ServiceError::Control { path, source })?;
        let metrics =
            Some(config.metrics.as_str()).filter(|address| !address.is_empty()).map(metrics).transpose()?;
        let signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            statistics: signal(SignalKind::user_defined1())?,
            rules: signal(SignalKind::user_defined2())?,
        };
        drop(_within);
        Ok(Self {
            runtime,
            control,
            metrics,
            drain,
            signals,
            statistics_every: Some(config.statistics_every_s).filter(|&every| every > 0),
            drain_within: Duration::from_secs(config.drain_within_s.into()),
        })
    }

    /// Serves until told to stop, then ends the capture and has its outputs closed, in the time that is left for that.
    pub fn run<C: Send + 'static>(
        self,
        operation: Operation,
        close: impl FnOnce(Duration) -> C + Send + 'static,
    ) -> Ended<C> {
        let Self { runtime, control, metrics, drain, signals, statistics_every, drain_within } = self;
        let operation = Arc::new(operation);
        let ended = runtime.block_on(async {
            let control = tokio::spawn(control.serve(Arc::clone(&operation)));
            if let Some(metrics) = metrics {
                tokio::spawn(metrics.serve(Arc::clone(&operation)));
            }
            let mut watch = Watch { operation, signals, drain, statistics_every };
            watch.until_told_to_stop().await;
            notify(&[NotifyState::Stopping]);
            let ended = watch.finish(drain_within, close).await;
            control.abort();
            // It takes its socket along.
            let _ = control.await;
            ended
        });
        runtime.shutdown_background();
        ended
    }
}

fn metrics(address: &str) -> Result<MetricsServer, ServiceError> {
    let fault = |reason: String| ServiceError::Metrics { address: address.to_owned(), reason };
    let parsed: SocketAddr = address.parse().map_err(|error| fault(format!("{error}")))?;
    MetricsServer::bind(parsed).map_err(|error| fault(error.to_string()))
}

/// What is done while the sensor runs.
struct Watch {
    operation: Arc<Operation>,
    signals: Signals,
    drain: Arc<Notify>,
    statistics_every: Option<u32>,
}

impl Watch {
    async fn until_told_to_stop(&mut self) {
        let mut seconds = every_second();
        let (mut since_line, mut ready) = (0, false);
        loop {
            tokio::select! {
                _ = seconds.tick() => {
                    self.operation.tick();
                    self.manage(&mut ready);
                    since_line += 1;
                    if self.statistics_every.is_some_and(|every| since_line >= every) {
                        since_line = 0;
                        self.say();
                    }
                }
                _ = self.signals.statistics.recv() => self.say(),
                _ = self.signals.hang_up.recv() => self.reload(Scope::All),
                _ = self.signals.rules.recv() => self.reload(Scope::Rules),
                _ = self.signals.terminate.recv() => return,
                _ = self.signals.interrupt.recv() => return,
                () = self.drain.notified() => return,
            }
            if self.operation.has_failed() {
                tracing::error!("a thread has ended by a fault of its own: the sensor stops");
                return;
            }
        }
    }

    /// One line of statistics, and what it means.
    fn say(&self) {
        let statistics = self.operation.statistics();
        tracing::info!(target: "sensor::statistics", "{statistics}");
        for finding in &statistics.findings {
            tracing::warn!("{finding}");
        }
        for law in statistics.snapshot.discrepancies() {
            tracing::error!("the counts do not add up: {law}");
        }
    }

    /// Tells the service manager that all is well: readiness once, and that the sensor is alive.
    fn manage(&self, ready: &mut bool) {
        if !*ready && self.operation.unready().is_empty() {
            *ready = true;
            notify(&[NotifyState::Ready]);
        }
        if self.operation.is_healthy() {
            notify(&[NotifyState::Watchdog]);
        }
    }

    /// Loads rules on a thread of its own: signals are heard meanwhile.
    fn reload(&self, scope: Scope) {
        let operation = Arc::clone(&self.operation);
        tokio::task::spawn_blocking(move || {
            let states = NotifyState::monotonic_usec_now().map(|now| [NotifyState::Reloading, now]);
            states.iter().for_each(|states| notify(states));
            match operation.reload(scope) {
                Ok(rules) => tracing::warn!(rules, "rules are loaded again"),
                Err(fault) => tracing::error!(%fault, "the rules in use stay"),
            }
            notify(&[NotifyState::Ready]);
        });
    }

    /// Ends the capture and closes its outputs, unless a second SIGINT comes.
    async fn finish<C: Send + 'static>(
        &mut self,
        within: Duration,
        close: impl FnOnce(Duration) -> C + Send + 'static,
    ) -> Ended<C> {
        let (operation, until) = (Arc::clone(&self.operation), Instant::now() + within);
        let finish = tokio::task::spawn_blocking(move || {
            let (snapshot, done) = operation.finish(within);
            let closed = close(until.saturating_duration_since(Instant::now()));
            Ended::Drained { snapshot: Box::new(snapshot), done, closed }
        });
        tokio::select! {
            finished = finish => finished.unwrap_or_else(|fault| resume_unwind(fault.into_panic())),
            _ = self.signals.interrupt.recv() => Ended::AtOnce,
        }
    }
}

fn every_second() -> Interval {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    seconds
}

/// Tells the service manager, where there is one (sd_notify(3)).
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
