//! Packets in, bytes and events out.

use super::segment::{ACK, FIN, RST, SYN};
use super::*;
use crate::reassembly::OverlapPolicy;
use Direction::{ToClient, ToServer};
use rules::view::{StreamEvent, Tcp, Transport};

const PSH: u8 = 0x08;
/// Where each side's sequence numbers begin, close to where they wrap.
const ISN: [u32; 2] = [0xffff_fff0, 0xffff_ff00];

/// One side's packet: sequence and acknowledgement count from the byte after SYN.
#[derive(Clone, Copy, Debug)]
struct Sent<'a> {
    direction: Direction,
    flags: u8,
    sequence: i64,
    acknowledgement: i64,
    window: u16,
    options: &'a [u8],
    payload: &'a [u8],
    second: u64,
}

fn sent(direction: Direction, flags: u8, sequence: i64, acknowledgement: i64) -> Sent<'static> {
    Sent {
        direction,
        flags,
        sequence,
        acknowledgement,
        window: 65_535,
        options: &[],
        payload: &[],
        second: 1,
    }
}

impl<'a> Sent<'a> {
    fn with(self, payload: &'a [u8]) -> Self {
        Self { payload, ..self }
    }

    fn header(&self) -> Vec<u8> {
        let own = usize::from(self.direction == ToClient);
        let number = |isn: u32, offset: i64| isn.wrapping_add(1).wrapping_add(offset as u32);
        let acknowledgement =
            if self.flags & ACK == 0 { 0 } else { number(ISN[1 - own], self.acknowledgement) };
        let mut header = vec![0; 20];
        header[4..8].copy_from_slice(&number(ISN[own], self.sequence).to_be_bytes());
        header[8..12].copy_from_slice(&acknowledgement.to_be_bytes());
        header[13] = self.flags;
        header[14..16].copy_from_slice(&self.window.to_be_bytes());
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

    fn push(&mut self, sent: Sent<'_>) -> Followed {
        let header = sent.header();
        let tcp = Tcp::new(&header).expect("long enough");
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

    /// With the handshake done.
    fn open(mut self) -> Self {
        for it in [sent(ToServer, SYN, -1, 0), sent(ToClient, SYN | ACK, -1, 0), sent(ToServer, ACK, 0, 0)] {
            assert_eq!(names(&self.push(it)), "");
        }
        assert_eq!(self.session().state(), State::Established);
        self
    }

    fn session(&self) -> &Session {
        self.session.as_ref().expect("there is a session")
    }

    fn server(&self) -> &Side {
        self.session().side(ToServer)
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

fn names(followed: &Followed) -> String {
    followed.events.iter().map(StreamEvent::name).collect::<Vec<_>>().join(" ")
}

fn data(sequence: i64, payload: &[u8]) -> Sent<'_> {
    sent(ToServer, ACK | PSH, sequence, 0).with(payload)
}

fn ack(acknowledgement: i64) -> Sent<'static> {
    sent(ToClient, ACK, 0, acknowledgement)
}

#[test]
fn a_connection_from_syn_to_the_last_ack() {
    use crate::flow::Lifecycle::{Closed, Established, New};
    let mut bench = Bench::new();
    let course = [
        (sent(ToServer, SYN, -1, 0), State::SynSent, New, [false; 2], false),
        (sent(ToClient, SYN | ACK, -1, 0), State::SynReceived, New, [false; 2], false),
        (sent(ToServer, ACK, 0, 0), State::Established, Established, [false; 2], false),
        (data(0, b"GET /"), State::Established, Established, [false; 2], true),
        (ack(5), State::Established, Established, [true, false], true),
        (ack(5).with(b"200"), State::Established, Established, [false; 2], true),
        (sent(ToServer, ACK, 5, 3), State::Established, Established, [false, true], true),
        (sent(ToServer, ACK | FIN, 5, 3), State::CloseWait, Established, [false; 2], true),
        (sent(ToClient, ACK | FIN, 3, 6), State::LastAck, Closed, [false, true], true),
        (sent(ToServer, ACK, 6, 4), State::Closed, Closed, [false; 2], true),
    ];
    for (it, state, lifecycle, updated, established) in course {
        let followed = bench.push(it);
        assert_eq!(names(&followed), "", "{it:?}");
        assert_eq!(bench.session().state(), state, "{it:?}");
        assert_eq!(followed.lifecycle, Some(lifecycle), "{it:?}");
        assert_eq!(followed.updated, updated, "{it:?}");
        assert_eq!(followed.established, established, "{it:?}");
        assert_eq!(followed.stored, !it.payload.is_empty());
    }
    let (server, client) = (bench.server(), bench.session().side(ToClient));
    assert_eq!((server.acked(), client.acked()), (5, 3), "FIN is no data");
    assert_eq!((server.stream_len(), client.stream_len()), (7, 5), "SYN and FIN have numbers");
    assert!(server.fin_seen() && client.fin_seen());
    assert_eq!(bench.text(), "GET /");
}

#[test]
fn data_behind_a_hole_waits_for_it() {
    let mut bench = Bench::new().open();
    assert!(bench.push(data(4, b"EFGH")).stored);
    assert!(bench.push(data(2, b"CD")).stored);
    assert_eq!((bench.server().right_edge(), bench.server().usable_end()), (8, 0));
    assert_eq!(bench.text(), "..CDEFGH");
    bench.push(data(0, b"AB"));
    assert_eq!(bench.server().next_block(0).map(|block| block.bytes), Some(&b"ABCDEFGH"[..]));
    assert_eq!(bench.push(ack(8)).updated, [true, false]);
    assert_eq!(bench.server().usable_end(), 8);
}

#[test]
fn what_was_acknowledged_and_did_not_come_is_a_gap() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AB"));
    bench.push(data(4, b"EF"));
    bench.push(data(6, b"GH"));
    assert!(!bench.server().is_gap(2));
    let followed = bench.push(ack(6));
    assert_eq!(names(&followed), "reassembly_seq_gap");
    assert_eq!(followed.updated, [true, false]);
    let server = bench.server();
    assert!(server.is_gap(2) && server.is_gap(3) && !server.is_gap(1) && !server.is_gap(4));
    assert_eq!(server.next_block(2), Some(Block { offset: 4, bytes: b"EFGH" }));
    assert_eq!(bench.text(), "AB..EFGH");
    assert_eq!(bench.count(Counter::StreamGaps), 1);
    assert_eq!(names(&bench.push(sent(ToServer, SYN | ACK, -1, 0))), "", "muted after a loss");
}

#[test]
fn an_acknowledgement_captured_before_its_data_loses_nothing() {
    let mut bench = Bench::new().open();
    let followed = bench.push(ack(5));
    assert_eq!((names(&followed).as_str(), followed.updated), ("", [false; 2]));
    assert_eq!(bench.count(Counter::StreamAcksUnseen), 1);
    let followed = bench.push(data(0, b"HELLO"));
    assert_eq!((names(&followed).as_str(), followed.updated), ("", [true, false]));
    assert_eq!(bench.server().usable_end(), 5);
}

#[test]
fn a_reset_makes_its_senders_data_final_and_its_own_is_none_of_it() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"LET ME IN"));
    let followed = bench.push(sent(ToServer, RST, 9, 0).with(b"DENIED"));
    assert_eq!(followed.lifecycle, Some(Lifecycle::Reset));
    assert_eq!((followed.updated, followed.stored), ([true, false], false));
    assert_eq!(bench.server().usable_end(), 9);
    assert_eq!(bench.text(), "LET ME IN");
}

#[test]
fn whoever_goes_on_after_a_reset_did_not_send_it() {
    let mut bench = Bench::new().open();
    bench.push(sent(ToServer, RST | ACK, 0, 0));
    assert_eq!(bench.session().state(), State::Closed);
    let followed = bench.push(data(0, b"GET"));
    assert_eq!(names(&followed), "suspected_rst_inject");
    assert!(followed.stored);
    assert_eq!(followed.lifecycle, Some(Lifecycle::Established));
    assert_eq!(names(&bench.push(data(3, b" /"))), "");
    bench.push(ack(5));
    assert_eq!(bench.server().usable_end(), 5);
}

#[test]
fn a_segment_that_passes_the_depth_is_not_kept() {
    let config = StreamConfig { depth_bytes: 8, ..StreamConfig::default() };
    let mut bench = Bench::with(&config, &StreamLimits::default(), OverlapPolicy::Windows).open();
    assert!(bench.push(data(0, b"12345678")).stored);
    let followed = bench.push(data(8, b"9"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("reassembly_depth_reached", false));
    assert_eq!(names(&bench.push(data(9, b"0"))), "", "told once");
    bench.push(ack(10));
    assert!(bench.server().depth_reached());
    assert_eq!((bench.server().usable_end(), bench.server().is_gap(8)), (8, false));
}

#[test]
fn in_order_data_is_settled_and_early_data_goes_by_policy() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"GOOD"));
    let followed = bench.push(data(1, b"XXX"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("reassembly_overlap_different_data", true));
    assert_eq!(bench.text(), "GOOD");
    bench.push(data(6, b"CDE"));
    assert_eq!(names(&bench.push(data(5, b"bc"))), "reassembly_overlap_different_data");
    assert_eq!(names(&bench.push(data(7, b"D"))), "");
    assert_eq!(bench.text(), "GOOD.bcDE", "Windows prefers what begins before");
    bench.push(data(4, b"ABCD"));
    assert_eq!(bench.text(), "GOODABCDE");
}

#[test]
fn released_data_is_forgotten() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"ABCDEF"));
    bench.push(data(8, b"IJ"));
    bench.push(ack(10));
    let Bench { engine, session, .. } = &mut bench;
    let session = session.as_mut().unwrap();
    engine.release(session, ToServer, 4);
    assert_eq!(session.side(ToServer).next_block(0), Some(Block { offset: 4, bytes: b"EF" }));
    engine.release(session, ToServer, 6);
    assert_eq!(session.side(ToServer).next_block(0), Some(Block { offset: 8, bytes: b"IJ" }));
    engine.release(session, ToServer, 10);
    assert_eq!((session.side(ToServer).base(), session.side(ToServer).next_block(0)), (10, None));
    assert_eq!(engine.memory(), 0);
    let followed = bench.push(data(10, b"KL"));
    assert!(followed.stored);
    assert_eq!(bench.text(), "KL");
    bench.engine.end(bench.session.take().unwrap());
    assert_eq!((bench.engine.memory(), bench.engine.sessions()), (0, 0));
}

#[test]
fn the_end_takes_all_as_it_is() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AB"));
    bench.push(data(4, b"EF"));
    bench.push(data(6, b"GH"));
    let Bench { engine, session, .. } = &mut bench;
    engine.finish(session.as_mut().unwrap());
    let server = bench.server();
    assert_eq!((server.acked(), server.usable_end(), server.is_gap(2)), (8, 8, true));
    assert_eq!(server.next_block(2), Some(Block { offset: 4, bytes: b"EFGH" }));
}

#[test]
fn a_syn_with_another_number_reuses_what_is_over() {
    let mut bench = Bench::new().open();
    assert!(!bench.reuses(sent(ToServer, SYN, 4000, 0)));
    bench.push(sent(ToServer, RST, 0, 0));
    assert!(bench.reuses(sent(ToServer, SYN, 4000, 0)));
    assert!(!bench.reuses(sent(ToServer, SYN, -1, 0)), "a repetition");
    assert!(!bench.reuses(sent(ToServer, SYN | ACK, 4000, 0)));
}

#[test]
fn without_its_beginning_there_is_no_session() {
    let mut bench = Bench::new();
    assert_eq!(bench.push(data(0, b"GET")), Followed::default());
    assert_eq!(names(&bench.push(sent(ToServer, RST, 0, 0))), "rst_but_no_session");
    assert_eq!(names(&bench.push(sent(ToServer, FIN | ACK, 0, 0))), "fin_but_no_session");
    assert!(bench.session.is_none());
    let config = StreamConfig { midstream: true, ..StreamConfig::default() };
    let mut bench = Bench::with(&config, &StreamLimits::default(), OverlapPolicy::Windows);
    let followed = bench.push(data(0, b"GET"));
    assert_eq!((followed.lifecycle, followed.stored), (Some(Lifecycle::Established), true));
    assert!(bench.session().is_midstream());
    assert_eq!((names(&bench.push(ack(3))).as_str(), bench.server().usable_end()), ("", 3));
}
