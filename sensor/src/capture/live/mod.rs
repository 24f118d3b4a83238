//! Packets from interfaces: `AF_PACKET` through libpcap, a handle for each interface and worker.
//!
//! [`open`] gives each worker a [`LiveCapture`], which is its [`PacketSource`]. The handles of an interface share its
//! packets out among themselves ([`group`]). An interface that goes away is told once and opened again when it is
//! there, ever more patiently.

mod config;
mod group;
mod handle;
mod port;
mod socket;
mod wake;

pub use config::{Fanout, LiveConfig, TimestampSource};
pub use handle::HandleError;
pub use port::LinkState;
pub use socket::{BpfInstruction, Offloads, offloads};
pub use wake::Waker;

use super::clock::Clock;
use super::error::CaptureError;
use super::frame::Burst;
use super::source::{Filled, PacketSource, ShardOf};
use crate::counter::{Counter, Counters};
use crate::limits::CaptureLimits;
use crate::time::Timestamp;
use group::FanoutGroup;
use port::Port;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smallvec::SmallVec;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Everything that all workers' captures have in common.
#[derive(Clone, Debug)]
pub struct LiveSetup {
    /// Interfaces and rings.
    pub live: LiveConfig,
    /// A BPF expression; packets that it does not match never leave the kernel.
    pub filter: Option<String>,
    /// The program by which the kernel chooses a worker, as [`Fanout::Addresses`] asks for it.
    pub program: Vec<BpfInstruction>,
    /// How much is read at a time.
    pub limits: CaptureLimits,
}

/// Opens every interface once for each worker. No packet is taken before all handles are there, and from then on each
/// exactly once.
///
/// # Errors
///
/// When an interface cannot be opened, or there is none.
pub fn open(setup: &LiveSetup, workers: usize) -> Result<Vec<LiveCapture>, CaptureError> {
    let setup = Arc::new(setup.clone());
    let groups: Vec<_> = setup
        .live
        .interfaces
        .iter()
        .map(|name| (name.clone(), Arc::new(FanoutGroup::new(setup.live.fanout, &setup.program))))
        .collect();
    let captures = (0..workers).map(|worker| LiveCapture::open(&setup, &groups, worker == 0));
    let mut captures = captures.collect::<Result<Vec<_>, _>>()?;
    captures.iter_mut().try_for_each(LiveCapture::start)?;
    Ok(captures)
}

/// One worker's share of what interfaces see.
#[derive(Debug)]
pub struct LiveCapture {
    setup: Arc<LiveSetup>,
    ports: Vec<Port>,
    clock: LiveClock,
    next_ordinal: u64,
    counters: Counters,
    waker: Waker,
    stopped: Option<Instant>,
    /// An interface that went away while the burst held frames.
    fault: Option<CaptureError>,
}

impl LiveCapture {
    fn open(
        setup: &Arc<LiveSetup>,
        groups: &[(String, Arc<FanoutGroup>)],
        counts_drops: bool,
    ) -> Result<Self, CaptureError> {
        let waker = Waker::new().map_err(|source| CaptureError::Open { path: "eventfd".into(), source })?;
        let ports =
            groups.iter().map(|(name, group)| Port::open(name, Arc::clone(group), setup, counts_drops));
        Ok(Self {
            setup: Arc::clone(setup),
            ports: ports.collect::<Result<_, _>>()?,
            clock: LiveClock::new(),
            next_ordinal: 0,
            counters: Counters::default(),
            waker,
            stopped: None,
            fault: None,
        })
    }

    fn start(&mut self) -> Result<(), CaptureError> {
        self.ports.iter_mut().try_for_each(|port| port.start(&self.setup))
    }

    /// What ends a [`wait`](Self::wait) from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Waits until there are packets, somebody calls, or so much time has passed.
    pub fn wait(&self, at_most: Duration) {
        let mut fds: SmallVec<[PollFd<'_>; 8]> = SmallVec::new();
        fds.push(PollFd::new(&self.waker, PollFlags::IN));
        fds.extend(
            self.ports
                .iter()
                .filter_map(Port::handle)
                .map(|handle| PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)),
        );
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: at_most.subsec_nanos().into(),
        };
        // A signal ends the wait early, which does no harm.
        let _ = poll(&mut fds, Some(&timeout));
        self.waker.clear();
    }

    /// Lets nothing more in: [`PacketSource::fill`] goes on with what the rings hold, and then ends.
    pub fn stop(&mut self) {
        if self.stopped.is_none() {
            self.stopped = Some(Instant::now());
            self.ports.iter_mut().for_each(Port::stop);
        }
    }

    /// Whether all that came in was read. What came last is in a part of the ring that the kernel still holds, for as
    /// long as it may.
    fn is_drained(&mut self, since: Instant) -> bool {
        let counters = self.counters();
        let read = counters.value(Counter::PacketsDroppedKernel) + counters.value(Counter::PacketsReceived);
        read >= counters.value(Counter::PacketsSeen) || since.elapsed() > LAST_BLOCK
    }

    /// What was counted here, up to now: packets seen, dropped and received.
    pub fn counters(&mut self) -> &Counters {
        for port in &mut self.ports {
            port.count(&mut self.counters);
        }
        &self.counters
    }

    /// The state of each interface, to be looked at from other threads.
    pub fn links(&self) -> impl Iterator<Item = &Arc<LinkState>> {
        self.ports.iter().map(Port::state)
    }
}

impl PacketSource for LiveCapture {
    fn fill(&mut self, burst: &mut Burst, shard_of: &ShardOf<'_>) -> Result<Filled, CaptureError> {
        burst.restart(self.next_ordinal);
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let frames = (self.setup.limits.burst_frames as usize).max(1);
        let bytes = self.setup.limits.burst_bytes as usize;
        for at in 0..self.ports.len() {
            let port = &mut self.ports[at];
            if self.stopped.is_none() {
                port.reopen(&self.setup);
            }
            let clock = &mut self.clock;
            let room = frames.saturating_sub(burst.len());
            // Frames are read in portions, so that long ones do not swell a burst.
            let mut left = room;
            while left > 0 && burst.byte_len() < bytes {
                let portion = left.min(PORTION_FRAMES);
                let mut read = 0;
                let outcome = port.read(portion, |link, frame| {
                    if clock.moves(frame.time) {
                        burst.tick(frame.time);
                    }
                    burst.push(frame.time, frame.wire_len, link, shard_of(link, frame.bytes), frame.bytes);
                    read += 1;
                });
                self.counters.add(Counter::PacketsReceived, read as u64);
                if let Err(fault) = outcome {
                    self.fault = Some(fault);
                }
                if read == 0 {
                    break;
                }
                left -= read.min(left);
            }
        }
        // Each interface is first in its turn, and none starves another.
        let turn = usize::from(self.ports.len() > 1);
        self.ports.rotate_left(turn);
        if let Some(now) = self.clock.passes() {
            burst.tick(now);
        }
        self.next_ordinal = burst.end_ordinal();
        if burst.is_empty()
            && let Some(fault) = self.fault.take()
        {
            return Err(fault);
        }
        Ok(match (burst.is_empty(), self.stopped) {
            (false, _) => Filled::Frames,
            (true, Some(since)) if self.is_drained(since) => Filled::Ended,
            (true, _) => Filled::Idle,
        })
    }
}

/// How long the kernel may take, at most, to give out the last part of a ring.
const LAST_BLOCK: Duration = Duration::from_secs(3);

/// Frames read from a ring at once.
const PORTION_FRAMES: usize = 256;

/// Moves with the packets and, where none come, with time itself. It never runs backwards: where the system's clock is
/// set back, it goes on by itself.
#[derive(Debug)]
struct LiveClock {
    ticks: Clock,
    latest: Timestamp,
    /// When that was the time.
    since: Instant,
}

impl LiveClock {
    fn new() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { ticks: Clock::new(), latest: Timestamp::ZERO.after(wall), since: Instant::now() }
    }

    /// Whether a packet of that time moves the clock into a new second.
    #[inline]
    fn moves(&mut self, time: Timestamp) -> bool {
        let moves = self.ticks.moves(time);
        if moves && time > self.latest {
            (self.latest, self.since) = (time, Instant::now());
        }
        moves
    }

    /// The time, if it has moved into a new second without a packet.
    fn passes(&mut self) -> Option<Timestamp> {
        let now = self.latest.after(self.since.elapsed());
        self.ticks.moves(now).then_some(now)
    }
}
