//! One interface as one worker has it: open, or waiting to be opened again.

use super::LiveSetup;
use super::group::FanoutGroup;
use super::handle::{Captured, Counted, Handle, HandleError};
use crate::capture::error::CaptureError;
use crate::capture::frame::LinkType;
use crate::counter::{Counter, Counters};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long it takes until an interface is tried again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Whether a worker has an interface, to be looked at from other threads.
#[derive(Debug)]
pub struct LinkState {
    /// The interface.
    pub interface: String,
    open: AtomicBool,
}

impl LinkState {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }
}

/// One interface.
#[derive(Debug)]
pub(super) struct Port {
    group: Arc<FanoutGroup>,
    state: Arc<LinkState>,
    handle: Option<Handle>,
    next_try: Instant,
    wait: Duration,
    /// What handles that are closed had counted.
    past: Counted,
    drops: Option<InterfaceDrops>,
}

impl Port {
    /// Opens the interface and joins the group; nothing comes in until [`start`](Self::start).
    pub(super) fn open(
        interface: &str,
        group: Arc<FanoutGroup>,
        setup: &LiveSetup,
        counts_drops: bool,
    ) -> Result<Self, CaptureError> {
        let fault = |fault| CaptureError::Interface { interface: interface.to_owned(), fault };
        let handle = Handle::open(interface, &setup.live).map_err(fault)?;
        handle.join(&group).map_err(fault)?;
        let state = LinkState { interface: interface.to_owned(), open: AtomicBool::new(true) };
        Ok(Self {
            group,
            state: Arc::new(state),
            handle: Some(handle),
            next_try: Instant::now(),
            wait: FIRST_WAIT,
            past: Counted::default(),
            drops: counts_drops.then(InterfaceDrops::new),
        })
    }

    pub(super) fn start(&mut self, setup: &LiveSetup) -> Result<(), CaptureError> {
        let Some(handle) = &mut self.handle else { return Ok(()) };
        handle
            .start(setup.filter.as_deref())
            .map_err(|fault| CaptureError::Interface { interface: self.state.interface.clone(), fault })
    }

    pub(super) fn stop(&mut self) {
        if let Some(handle) = &self.handle
            && let Err(fault) = handle.stop()
        {
            tracing::warn!(interface = self.state.interface, %fault, "packets still come in");
        }
    }

    /// The handle, while it is open.
    pub(super) fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    pub(super) fn state(&self) -> &Arc<LinkState> {
        &self.state
    }

    /// Tries to open an interface that went away, once it is time for that.
    pub(super) fn reopen(&mut self, setup: &LiveSetup) {
        if self.handle.is_some() || Instant::now() < self.next_try {
            return;
        }
        match self.try_open(setup) {
            Ok(handle) => {
                self.handle = Some(handle);
                self.wait = FIRST_WAIT;
                self.state.open.store(true, Ordering::Relaxed);
                tracing::warn!(interface = self.state.interface, "the interface is back");
            }
            Err(fault) => {
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                self.next_try = Instant::now() + self.wait;
                tracing::debug!(interface = self.state.interface, %fault, wait = ?self.wait, "still away");
            }
        }
    }

    fn try_open(&self, setup: &LiveSetup) -> Result<Handle, HandleError> {
        let mut handle = Handle::open(&self.state.interface, &setup.live)?;
        handle.join(&self.group)?;
        handle.start(setup.filter.as_deref())?;
        Ok(handle)
    }

    /// Lends out what is at hand, at most so many frames. An interface that went away is told, once.
    pub(super) fn read(
        &mut self,
        frames: usize,
        mut each: impl FnMut(LinkType, &Captured<'_>),
    ) -> Result<(), CaptureError> {
        let Some(handle) = &mut self.handle else { return Ok(()) };
        let link = handle.link();
        handle.read(frames, |frame| each(link, frame)).map_err(|fault| self.lose(fault))
    }

    fn lose(&mut self, fault: HandleError) -> CaptureError {
        if let Some(handle) = self.handle.take()
            && let Ok(last) = handle.counted()
        {
            self.past.seen += last.seen;
            self.past.dropped += last.dropped;
        }
        self.state.open.store(false, Ordering::Relaxed);
        self.next_try = Instant::now() + self.wait;
        CaptureError::Interface { interface: self.state.interface.clone(), fault }
    }

    /// Adds what the kernel has counted since the last call.
    pub(super) fn count(&mut self, counters: &mut Counters) {
        let mut counted = std::mem::take(&mut self.past);
        if let Some(Ok(since)) = self.handle.as_ref().map(Handle::counted) {
            counted.seen += since.seen;
            counted.dropped += since.dropped;
        }
        counters.add(Counter::PacketsSeen, counted.seen);
        counters.add(Counter::PacketsDroppedKernel, counted.dropped);
        if let Some(drops) = &mut self.drops {
            counters.add(Counter::PacketsDroppedInterface, drops.since_last(&self.state.interface));
        }
    }
}

/// What the interface itself drops, before any socket is asked; one worker of all counts it.
#[derive(Debug)]
struct InterfaceDrops {
    last: Option<u64>,
    next: Instant,
}

impl InterfaceDrops {
    fn new() -> Self {
        Self { last: None, next: Instant::now() }
    }

    /// How many there were since the last look, of which there is one a second.
    fn since_last(&mut self, interface: &str) -> u64 {
        if Instant::now() < self.next {
            return 0;
        }
        self.next = Instant::now() + Duration::from_secs(1);
        let now = STATISTICS.iter().filter_map(|name| statistic(interface, name)).sum();
        // An interface that was made anew counts from 0.
        self.last.replace(now).map_or(0, |last| now.saturating_sub(last))
    }
}

/// What a card counts where it has no room (`Documentation/ABI/testing/sysfs-class-net-statistics`).
const STATISTICS: &[&str] = &["rx_missed_errors", "rx_fifo_errors"];

fn statistic(interface: &str, name: &str) -> Option<u64> {
    let path = Path::new("/sys/class/net").join(interface).join("statistics").join(name);
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
