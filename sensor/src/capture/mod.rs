//! Where packets come from. Knows files and interfaces, nothing of what is inside a packet.
//!
//! [`CaptureFiles`] reads paths in turn as one stream: `input` lists and opens them, `compressed` unpacks,
//! `pcap_file` and `pcapng` find frames in place, `reader` moves bytes into a [`Burst`], and `clock` says when
//! timers run. [`LiveCapture`] reads interfaces. [`FrameFilter`] holds back what a BPF expression does not match.

mod clock;
mod compressed;
mod error;
mod filter;
mod format;
mod frame;
mod input;
mod interrupted;
mod live;
mod pcap_file;
mod pcapng;
mod progress;
mod reader;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use compressed::Compression;
pub use error::{CaptureError, FormatFault, Position};
pub use filter::{FilterError, FrameFilter};
pub use frame::{Burst, Frame, LinkType, Tick};
pub use interrupted::Interruptible;
pub use live::{
    BpfInstruction, Fanout, HandleError, LinkState, LiveCapture, LiveConfig, LiveSetup, Offloads,
    TimestampSource, Waker, offloads, open as open_live,
};
pub use progress::Progress;
pub use source::{CaptureFiles, Filled, PacketSource, ShardOf};
