//! Whether an interface and this machine are fit for a capture: each check with its verdict, and what mends it.

mod host;
mod sample;

use crate::capture::LinkType;
use crate::config::Config;
use crate::runtime;
use crate::sink::kinesis::integration::Store;
use sample::Sample;
use std::path::Path;
use std::time::Duration;

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// All is well.
    Pass,
    /// A capture works, and misses something.
    Warn,
    /// A capture does not work.
    Fail,
}

impl Verdict {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// How it ended.
    pub verdict: Verdict,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    fn pass(subject: &'static str, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, subject, found: found.into(), fix: None }
    }

    fn warn(subject: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, subject, found: found.into(), fix: Some(fix.into()) }
    }

    fn fail(subject: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, subject, found: found.into(), fix: Some(fix.into()) }
    }

    /// Passes where `good`, warns otherwise.
    fn expect(good: bool, subject: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        if good { Self::pass(subject, found) } else { Self::warn(subject, found, fix) }
    }
}

/// Looks at the interface that `config` names first, and at its traffic for so long.
pub fn examine(config: &Config, state_dir: &Path, listen: Duration) -> Vec<Check> {
    let Some(interface) = config.capture.live.interfaces.first() else { return Vec::new() };
    let mut checks = host::interface(config, interface);
    if checks.iter().any(|check| check.verdict == Verdict::Fail) {
        return checks;
    }
    let mut one = config.clone();
    one.capture.live.interfaces.truncate(1);
    match runtime::live_captures(&one, 1) {
        Err(fault) => {
            let fix = "start it as root, or: setcap cap_net_raw=ep $(command -v sensor)";
            checks.push(Check::fail("capture", fault.to_string(), fix));
        }
        Ok(captures) => {
            checks.push(Check::pass("capture", "the interface can be opened"));
            checks.push(host::promiscuous(interface));
            for capture in captures {
                let sample = Sample::take(capture, &one, listen);
                checks.extend(sample.checks(interface, host::mtu(interface)));
            }
        }
    }
    checks.push(host::disk(config, state_dir));
    checks.push(delivery(&Store::new(state_dir)));
    checks
}

fn delivery(store: &Store) -> Check {
    const SUBJECT: &str = "delivery";
    match store.load() {
        Ok(Some(integration)) => Check::pass(SUBJECT, format!("to {}", integration.stream_arn)),
        Ok(None) => {
            Check::warn(SUBJECT, "no stream is set", "`sensor siem set`, where events are to be delivered")
        }
        Err(error) => {
            Check::warn(SUBJECT, error.to_string(), "`sensor siem set` stores the integration anew")
        }
    }
}

/// Whether frames of a link type have Ethernet headers.
fn is_ethernet(link: LinkType) -> bool {
    link == LinkType::ETHERNET
}
