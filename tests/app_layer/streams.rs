//! The conversations of a protocol over TCP in a capture.

use fixtures::TimedFrame;
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::identify::{Likeness, Speech};
use sensor::app_layer::parser::{Input, Requests};
use sensor::capture::{Frame, LinkType};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::event::Direction;
use sensor::reassembly::HostPolicies;
use sensor::reassembly::stream::{Session, StreamConfig, StreamEngine, StreamLimits};
use sensor::time::Timestamp;
use std::collections::HashMap;
use std::net::SocketAddr;

/// Client and server.
pub(super) type Peers = (SocketAddr, SocketAddr);

#[derive(Default)]
struct Flow {
    session: Option<Box<Session>>,
    conversation: Option<Box<dyn Conversation>>,
    consumed: [u64; 2],
    is_malformed: bool,
}

/// What came of the first connection between any two peers that spoke the protocol, by its bytes alone, and was well
/// formed as far as it went.
pub(super) fn conversations(frames: &[TimedFrame], speech: &Speech) -> HashMap<Peers, Box<dyn Conversation>> {
    let config = StreamConfig { midstream: true, ..StreamConfig::default() };
    let mut engine = StreamEngine::new(&config, &StreamLimits::default(), HostPolicies::default());
    let mut flows: HashMap<Peers, Flow> = HashMap::new();
    let mut heard = HashMap::new();
    for (time, bytes) in frames {
        let frame = Frame {
            ordinal: 0,
            time: Timestamp::from_nanos(*time),
            wire_len: bytes.len() as u32,
            link: LinkType::ETHERNET,
            bytes,
        };
        let mut packets = Vec::new();
        Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
        let [packet] = &packets[..] else { continue };
        let (peers, direction) = place(packet, &flows);
        let flow = flows.entry(peers).or_default();
        if flow.session.as_ref().is_some_and(|session| engine.reuses(session, packet, direction)) {
            std::mem::take(flow).end(peers, &mut heard);
        }
        engine.follow(&mut flow.session, packet, direction, frame.time, &mut Counters::default());
        for way in Direction::ALL {
            flow.listen(speech, way, frame.time);
        }
    }
    for (peers, flow) in flows {
        flow.end(peers, &mut heard);
    }
    heard
}

/// Whose packet it is: whoever sent the first is the client.
fn place(packet: &Packet<'_>, flows: &HashMap<Peers, Flow>) -> (Peers, Direction) {
    let source = SocketAddr::new(packet.source, packet.source_port);
    let destination = SocketAddr::new(packet.destination, packet.destination_port);
    match flows.contains_key(&(destination, source)) {
        true => ((destination, source), Direction::ToClient),
        false => ((source, destination), Direction::ToServer),
    }
}

impl Flow {
    fn end(self, peers: Peers, heard: &mut HashMap<Peers, Box<dyn Conversation>>) {
        if let Some(conversation) = self.conversation.filter(|_| !self.is_malformed) {
            heard.entry(peers).or_insert(conversation);
        }
    }

    /// Hands on what has come without a gap, acknowledged or not.
    fn listen(&mut self, speech: &Speech, direction: Direction, time: Timestamp) {
        let Some(session) = &self.session else { return };
        let consumed = &mut self.consumed[direction.index()];
        let side = session.side(direction);
        let Some(block) = side.next_block(*consumed).filter(|block| block.offset == *consumed) else {
            return;
        };
        let bytes = block.bytes;
        let mut probes = speech.probes.iter();
        if self.conversation.is_none()
            && probes.any(|probe| (probe.likeness)(bytes, direction) == Likeness::Certain)
        {
            self.conversation = Some((speech.begin)());
        }
        let Some(conversation) = self.conversation.as_mut().filter(|_| !self.is_malformed) else { return };
        let input = Input { direction, bytes, end: false, time };
        match conversation.parse(&input, &mut Requests::default()) {
            Ok(taken) => *consumed += taken as u64,
            Err(_) => self.is_malformed = true,
        }
    }
}
