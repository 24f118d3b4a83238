//! One handle on one interface: libpcap's ring, a gate before it, and what the kernel counts.

use super::config::{LiveConfig, TimestampSource};
use super::group::FanoutGroup;
use super::socket;
use crate::capture::frame::LinkType;
use crate::time::Timestamp;
use pcap::{Active, Capture, Precision, TimestampType};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Why a handle cannot be opened or read, in libpcap's or the system's words.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// libpcap says so.
    #[error(transparent)]
    Pcap(#[from] pcap::Error),
    /// The system says so.
    #[error("{option}: {source}")]
    Socket {
        /// What was set.
        option: &'static str,
        /// What is wrong.
        source: io::Error,
    },
}

/// What the kernel counted of one handle since it was asked last.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counted {
    /// Packets that came to the handle, those dropped included.
    pub(super) seen: u64,
    /// Packets for which the ring had no room.
    pub(super) dropped: u64,
}

/// A captured frame, its bytes in the ring.
#[derive(Debug)]
pub(super) struct Captured<'a> {
    pub(super) time: Timestamp,
    pub(super) wire_len: u32,
    pub(super) bytes: &'a [u8],
}

/// An open handle.
pub(super) struct Handle {
    capture: Capture<Active>,
    link: LinkType,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Handle {
    /// Opens the interface; nothing comes in until [`start`](Self::start).
    pub(super) fn open(interface: &str, config: &LiveConfig) -> Result<Self, HandleError> {
        let int = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let mut capture = Capture::from_device(interface)?
            .snaplen(int(config.snaplen))
            .promisc(config.promiscuous)
            .timeout(int(config.block_timeout_ms.max(1)))
            .buffer_size(int(config.ring_bytes))
            .precision(Precision::Nano);
        if config.timestamps == TimestampSource::Adapter {
            capture = capture.tstamp_type(TimestampType::Adapter);
        }
        let capture = capture.open()?.setnonblock()?;
        socket::shut(capture.as_fd()).map_err(of("SO_ATTACH_FILTER"))?;
        let link = LinkType::from_field(u32::try_from(capture.get_datalink().0).unwrap_or(u32::MAX));
        Ok(Self { capture, link })
    }

    /// Joins the other handles of the interface.
    pub(super) fn join(&self, group: &FanoutGroup) -> Result<(), HandleError> {
        group.join(self.capture.as_fd()).map_err(of("PACKET_FANOUT"))
    }

    /// Forgets what came before the gate was shut, and lets in what the filter lets through.
    pub(super) fn start(&mut self, filter: Option<&str>) -> Result<(), HandleError> {
        while self.capture.dispatch(None, |_| {})? > 0 {}
        self.counted()?;
        match filter {
            Some(expression) => self.capture.filter(expression, true)?,
            None => socket::unshut(self.capture.as_fd()).map_err(of("SO_DETACH_FILTER"))?,
        }
        Ok(())
    }

    /// Lets nothing more in. What is in the ring can still be read.
    pub(super) fn stop(&self) -> Result<(), HandleError> {
        socket::shut(self.capture.as_fd()).map_err(of("SO_ATTACH_FILTER"))
    }

    /// Lends out what is at hand, at most so many frames.
    pub(super) fn read(
        &mut self,
        frames: usize,
        mut each: impl FnMut(&Captured<'_>),
    ) -> Result<(), HandleError> {
        self.capture.dispatch(Some(frames), |packet| {
            let header = packet.header;
            let seconds = u64::try_from(header.ts.tv_sec).unwrap_or(0);
            // With nanosecond precision that is what libpcap keeps in `tv_usec`.
            let nanos = u64::try_from(header.ts.tv_usec).unwrap_or(0);
            let time = Timestamp::new(seconds, nanos);
            let wire_len = header.len.max(header.caplen);
            each(&Captured { time, wire_len, bytes: packet.data });
        })?;
        Ok(())
    }

    /// How frames begin.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// What the kernel has counted since the last call.
    pub(super) fn counted(&self) -> Result<Counted, HandleError> {
        let [seen, dropped] =
            socket::statistics(self.capture.as_fd()).map_err(of("PACKET_STATISTICS"))?.map(u64::from);
        Ok(Counted { seen, dropped })
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

fn of(option: &'static str) -> impl Fn(io::Error) -> HandleError {
    move |source| HandleError::Socket { option, source }
}
