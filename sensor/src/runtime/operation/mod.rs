//! A sensor that runs as a service: what it says about itself, and what it can be told.
//!
//! [`Operation`] is shared by whoever asks: signals, the control socket, the metrics' server.

mod control;
mod http;
mod metrics;
mod reload;
mod statistics;
mod windows;

pub use control::{ControlServer, Request, ask};
pub use http::MetricsServer;
pub use reload::{ReloadError, RulesInUse};
pub use statistics::Statistics;
pub use windows::{Counted, Window};

use crate::config::Config;
use crate::counter::Counter;
use crate::runtime::{Live, Snapshot};
use crate::sink::accounting::Ledger;
use crate::sink::file::Reopen;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use windows::Windows;

/// How the configuration is read again.
pub type Configure = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// A running sensor.
pub struct Operation {
    live: Live,
    windows: Mutex<Windows>,
    rules: Mutex<RulesInUse>,
    sinks: Vec<(&'static str, Ledger)>,
    files: Vec<Reopen>,
    configure: Configure,
    state: Mutex<State>,
}

/// What changes from moment to moment.
#[derive(Debug, Default)]
struct State {
    draining: bool,
    reloads: u64,
    reloads_refused: u64,
    rules: (u64, u64),
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("live", &self.live)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// What is loaded again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Configuration and rules; files are opened anew.
    All,
    /// Rules alone.
    Rules,
}

/// Traffic below which nothing is said about its kind.
const ENOUGH_PACKETS: u64 = 1000;
const ENOUGH_FLOWS: u64 = 100;

impl Operation {
    /// Of a live capture that has begun.
    pub fn new(
        live: Live,
        rules: RulesInUse,
        sinks: Vec<(&'static str, Ledger)>,
        files: Vec<Reopen>,
        configure: Configure,
    ) -> Self {
        let state = State { rules: (0, rules.counts.loaded()), ..State::default() };
        Self {
            live,
            windows: Mutex::new(Windows::new(Instant::now())),
            rules: Mutex::new(rules),
            sinks,
            files,
            configure,
            state: Mutex::new(state),
        }
    }

    /// To be called once a second.
    pub fn tick(&self) {
        lock(&self.windows).note(Instant::now(), self.live.snapshot().counters);
    }

    /// Everything the sensor says about itself at this moment.
    pub fn statistics(&self) -> Statistics {
        let (snapshot, now) = (self.live.snapshot(), Instant::now());
        let windows = lock(&self.windows);
        Statistics {
            windows: Window::ALL.map(|window| (window, windows.counted(window, now, &snapshot.counters))),
            sinks: self.sinks.iter().map(|(name, ledger)| (*name, ledger.snapshot())).collect(),
            unready: self.unready(),
            findings: findings(&snapshot),
            rules: lock(&self.state).rules,
            memory_bytes: resident_bytes(),
            snapshot,
        }
    }

    /// Why the sensor is not ready; nothing where it is.
    pub fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for link in self.live.links().iter().filter(|link| !link.is_open()) {
            let reason = format!("interface {} is away", link.interface);
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if self.live.has_failed() {
            reasons.push("a thread has ended".to_owned());
        }
        if let Some(worker) = self.live.stuck_worker() {
            reasons.push(format!("worker {worker} hangs"));
        }
        if lock(&self.state).draining {
            reasons.push("the sensor is stopping".to_owned());
        }
        reasons
    }

    /// Whether all threads are at work.
    pub fn is_healthy(&self) -> bool {
        !self.live.has_failed() && self.live.stuck_worker().is_none()
    }

    /// Whether a thread has ended though nobody stopped it.
    pub fn has_failed(&self) -> bool {
        self.live.has_failed()
    }

    /// How many reloads took place, and how many were refused.
    pub fn reloads(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.reloads, state.reloads_refused)
    }

    /// Loads rules again and has each worker take them up between two bursts; the number of rules. No packet and no
    /// flow is lost over it. One reload waits for another.
    ///
    /// # Errors
    ///
    /// When the new rules are refused: then those in use stay.
    pub fn reload(&self, scope: Scope) -> Result<u64, ReloadError> {
        if scope == Scope::All {
            self.files.iter().for_each(Reopen::ask);
        }
        let outcome = self.try_reload(scope);
        let mut state = lock(&self.state);
        match &outcome {
            Ok(rules) => {
                state.reloads += 1;
                state.rules = (state.rules.0 + 1, *rules);
            }
            Err(_) => state.reloads_refused += 1,
        }
        outcome
    }

    fn try_reload(&self, scope: Scope) -> Result<u64, ReloadError> {
        let mut in_use = lock(&self.rules);
        let config = match scope {
            Scope::All => (self.configure)().map_err(ReloadError::Config)?,
            Scope::Rules => in_use.config.clone(),
        };
        // Without rules there is nothing to load, and that is no change.
        if config.rules.files.is_empty() && in_use.counts.loaded() == 0 {
            return Ok(0);
        }
        let successor = reload::prepare(&config, &in_use)?;
        let taken_up = self.live.adopt(successor.rules, successor.thresholds, reload::TAKE_UP_WITHIN);
        let before = std::mem::replace(&mut *in_use, successor.in_use);
        for fault in before.saved_datasets.save(before.memory.lists()) {
            tracing::warn!("{fault}");
        }
        if taken_up { Ok(in_use.counts.loaded()) } else { Err(ReloadError::NotTakenUp) }
    }

    /// Lets no packet in any more.
    pub fn stop(&self) {
        lock(&self.state).draining = true;
        self.live.stop();
    }

    /// Ends the capture and saves what rules remember, for at most `within`: what was counted, and whether all was done
    /// by then.
    pub fn finish(&self, within: Duration) -> (Snapshot, bool) {
        self.stop();
        let finished = self.live.finish(within);
        let rules = lock(&self.rules);
        for fault in rules.saved_datasets.save(rules.memory.lists()) {
            tracing::warn!("{fault}");
        }
        finished
    }
}

/// What silences an intrusion detection, as far as it shows in the traffic.
fn findings(snapshot: &Snapshot) -> Vec<String> {
    let value = |counter| snapshot.counters.value(counter);
    let percent = |part: u64, whole: u64| (part * 100).checked_div(whole).unwrap_or(0);
    let ended = value(Counter::FlowsTcpEnded);
    let sessions = value(Counter::StreamSessions);
    let (seen, lost) = (
        value(Counter::PacketsSeen),
        value(Counter::PacketsDroppedKernel) + value(Counter::PacketsDroppedHandover),
    );
    let shares = [
        (
            seen > ENOUGH_PACKETS,
            percent(lost, seen),
            1,
            "of the packets are dropped: the sensor is overloaded",
        ),
        (
            ended > ENOUGH_FLOWS,
            percent(value(Counter::FlowsOneSided), ended),
            20,
            "of the TCP connections are seen in one direction only: does the mirror send both?",
        ),
        (
            ended > ENOUGH_FLOWS,
            percent(value(Counter::FlowsHalfTagged), ended),
            5,
            "of the TCP connections carry another VLAN tag in each direction",
        ),
        (
            sessions > ENOUGH_FLOWS,
            percent(value(Counter::StreamMidstream), sessions),
            20,
            "of the TCP sessions were begun before the sensor saw them",
        ),
        (
            sessions > ENOUGH_FLOWS,
            percent(value(Counter::StreamGaps), sessions),
            10,
            "holes in streams for each TCP session: segments never reach the sensor",
        ),
    ];
    let named = shares.iter().filter(|&&(enough, share, from, _)| enough && share >= from);
    named.map(|(_, share, _, what)| format!("{share} % {what}")).collect()
}

/// Memory of this process, in bytes (proc_pid_statm(5)).
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()));
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
