//! Packets in, bytes and events out.

mod bytes;
mod events;
mod handshakes;
mod limits;
mod properties;

use super::segment::{ACK, FIN, RST, SYN};
use super::*;
use crate::reassembly::OverlapPolicy;
use Direction::{ToClient, ToServer};
use rules::view::{StreamEvent, Tcp, Transport};

const URG: u8 = 0x20;
/// Where each side's sequence numbers begin, close to where they wrap.
const ISN: [u32; 2] = [0xffff_fff0, 0xffff_ff00];

/// A packet of a session: sequence and acknowledgement count from the byte after SYN.
#[derive(Clone, Copy, Debug)]
struct Sent<'a> {
    direction: Direction,
    flags: u8,
    sequence: i64,
    acknowledgement: i64,
    window: u16,
    urgent: u16,
    options: &'a [u8],
    payload: &'a [u8],
    second: u64,
}

const fn sent(direction: Direction, flags: u8, sequence: i64, acknowledgement: i64) -> Sent<'static> {
    Sent {
        direction,
        flags,
        sequence,
        acknowledgement,
        window: 65_535,
        urgent: 0,
        options: &[],
        payload: &[],
        second: 1,
    }
}

/// A packet to the server.
const fn client(flags: u8, sequence: i64, acknowledgement: i64) -> Sent<'static> {
    sent(ToServer, flags, sequence, acknowledgement)
}

/// A packet to the client.
const fn server(flags: u8, sequence: i64, acknowledgement: i64) -> Sent<'static> {
    sent(ToClient, flags, sequence, acknowledgement)
}

/// Data to the server.
fn data(sequence: i64, payload: &[u8]) -> Sent<'_> {
    client(ACK, sequence, 0).with(payload)
}

/// The server's acknowledgement.
fn ack(acknowledgement: i64) -> Sent<'static> {
    server(ACK, 0, acknowledgement)
}

impl<'a> Sent<'a> {
    fn with(self, payload: &'a [u8]) -> Self {
        Self { payload, ..self }
    }

    fn options(self, options: &'a [u8]) -> Self {
        Self { options, ..self }
    }

    fn header(&self) -> Vec<u8> {
        let own = index(self.direction);
        let number = |isn: u32, offset: i64| isn.wrapping_add(1).wrapping_add(offset as u32);
        let mut header = vec![0; 20];
        header[4..8].copy_from_slice(&number(ISN[own], self.sequence).to_be_bytes());
        if self.flags & ACK != 0 {
            header[8..12].copy_from_slice(&number(ISN[1 - own], self.acknowledgement).to_be_bytes());
        }
        header[13] = self.flags;
        header[14..16].copy_from_slice(&self.window.to_be_bytes());
        header[18..20].copy_from_slice(&self.urgent.to_be_bytes());
        header.extend_from_slice(self.options);
        header
    }
}

/// An engine with one session.
struct Bench {
    engine: StreamEngine,
    session: Option<Box<Session>>,
    counters: Counters,
}

impl Bench {
    fn with(config: &StreamConfig, limits: &StreamLimits, policy: OverlapPolicy) -> Self {
        let engine = StreamEngine::new(config, limits, HostPolicies::all(policy));
        Self { engine, session: None, counters: Counters::default() }
    }

    fn new() -> Self {
        Self::with(&StreamConfig::default(), &StreamLimits::default(), OverlapPolicy::Windows)
    }

    fn policy(policy: OverlapPolicy) -> Self {
        Self::with(&StreamConfig::default(), &StreamLimits::default(), policy)
    }

    fn config(config: &StreamConfig) -> Self {
        Self::with(config, &StreamLimits::default(), OverlapPolicy::Windows)
    }

    fn push(&mut self, sent: Sent<'_>) -> Followed {
        self.push_header(&sent.header(), sent)
    }

    fn push_header(&mut self, header: &[u8], sent: Sent<'_>) -> Followed {
        let tcp = Tcp::new(header).expect("long enough");
        let packet = Packet { transport: Transport::Tcp(tcp), payload: sent.payload, ..Packet::EMPTY };
        let time = Timestamp::new(sent.second, 0);
        self.engine.follow(&mut self.session, &packet, sent.direction, time, &mut self.counters)
    }

    fn reuses(&self, sent: Sent<'_>) -> bool {
        let header = sent.header();
        let tcp = Tcp::new(&header).expect("long enough");
        let packet = Packet { transport: Transport::Tcp(tcp), ..Packet::EMPTY };
        self.engine.reuses(self.session(), &packet, sent.direction)
    }

    /// After packets with which nothing is wrong.
    fn after(mut self, packets: &[Sent<'_>]) -> Self {
        for it in packets {
            assert_eq!(names(&self.push(*it)), "", "{it:?}");
        }
        self
    }

    /// With the handshake done.
    fn open(self) -> Self {
        let bench = self.after(&HANDSHAKE);
        assert_eq!(bench.session().state(), State::Established);
        bench
    }

    fn session(&self) -> &Session {
        self.session.as_ref().expect("there is a session")
    }

    /// The data to the server.
    fn server(&self) -> &Side {
        self.session().side(ToServer)
    }

    fn release(&mut self, below: u64) {
        let session = self.session.as_mut().expect("there is a session");
        self.engine.release(session, ToServer, below);
    }

    /// The data to the server from the first byte kept, holes as dots.
    fn text(&self) -> String {
        let mut text = String::new();
        let side = self.server();
        let mut at = side.base();
        while let Some(block) = side.next_block(at) {
            text.extend((at..block.offset).map(|_| '.'));
            text.push_str(std::str::from_utf8(block.bytes).expect("letters"));
            at = block.offset + block.bytes.len() as u64;
        }
        text
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.value(counter)
    }
}

const HANDSHAKE: [Sent<'static>; 3] = [client(SYN, -1, 0), server(SYN | ACK, -1, 0), client(ACK, 0, 0)];

/// The events of a packet, by name.
fn names(followed: &Followed) -> String {
    followed.events.iter().map(StreamEvent::name).collect::<Vec<_>>().join(" ")
}
