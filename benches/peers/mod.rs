//! What real peers have said to each other, out of the fixtures' captures, and its way through a parser.

use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::identify::Speech;
use sensor::app_layer::parser::{Input, Requests};
use sensor::capture::{Burst, CaptureFiles, Filled, PacketSource};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::event::Direction;
use sensor::limits::Limits;
use sensor::time::Timestamp;
use std::hint::black_box;
use std::net::SocketAddr;

/// One flow. None of the captures in use holds bytes twice or out of order.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// All bytes, by way.
    said: [Vec<u8>; 2],
    /// Its packets: which way each goes, and to where its bytes reach there.
    packets: Vec<(Direction, usize)>,
}

/// The flows of a capture, in the order in which they begin.
pub(crate) fn flows(capture: &str) -> Vec<Flow> {
    let mut flows: Vec<([SocketAddr; 2], Flow)> = Vec::new();
    let mut source = CaptureFiles::new(&[fixtures::pcap(capture)], &Limits::default().capture);
    let mut burst = Burst::default();
    while let Ok(Filled::Frames) = source.fill(&mut burst, &|_, _| 0) {
        for at in 0..burst.len() {
            let frame = burst.frame(at);
            let mut packets = Vec::new();
            Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
            for packet in packets.iter().filter(|packet| !packet.payload.is_empty()) {
                let [from, to] =
                    [(packet.source, packet.source_port), (packet.destination, packet.destination_port)]
                        .map(SocketAddr::from);
                let known = flows.iter().position(|(peers, _)| [[from, to], [to, from]].contains(peers));
                let number = known.unwrap_or(flows.len());
                if known.is_none() {
                    flows.push(([from, to], Flow::default()));
                }
                let (peers, flow) = &mut flows[number];
                let way = if peers[0] == from { Direction::ToServer } else { Direction::ToClient };
                let said = &mut flow.said[way.index()];
                said.extend_from_slice(packet.payload);
                flow.packets.push((way, said.len()));
            }
        }
    }
    flows.into_iter().map(|(_, flow)| flow).collect()
}

impl Flow {
    /// Has it parsed packet by packet, and what is complete looked at and let go of, as a worker does. In a stream what
    /// was not consumed comes again.
    pub(crate) fn parse(&self, speech: &Speech, is_stream: bool) {
        let mut conversation = (speech.begin)();
        let mut consumed = [0; 2];
        for &(direction, end) in &self.packets {
            let way = direction.index();
            let bytes = black_box(&self.said[way][consumed[way]..end]);
            let taken = say(&mut *conversation, direction, bytes);
            consumed[way] = if is_stream { consumed[way] + taken } else { end };
            look(&mut *conversation, direction);
        }
        black_box(conversation);
    }
}

/// Has bytes parsed; tells how many were consumed.
pub(crate) fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) -> usize {
    let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
    conversation.parse(&input, &mut Requests::default()).expect("it is of the protocol")
}

/// Looks at one way of each transaction as far as it has come, and lets go of those that are over.
pub(crate) fn look(conversation: &mut dyn Conversation, direction: Direction) {
    let mut next = 0;
    while let Some(number) = conversation.following(next) {
        next = number + 1;
        let complete = conversation.is_complete(number, direction);
        conversation.prepare(number, direction);
        conversation.inspected(number, direction);
        if complete {
            conversation.finish(number, direction);
        }
    }
    conversation.release();
}
