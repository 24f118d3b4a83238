//! The hash of [`shard`](super::shard()) as a program for the kernel, so that it gives each worker the packets that
//! are its own (`PACKET_FANOUT_CBPF`, packet(7)).
//!
//! The kernel has taken the outermost VLAN tag off by then. What the program does not look into (ICMP errors, labels,
//! PPPoE, headers that are not in the packet's first memory) it gives to some worker, which hands it over.

use super::link::ethertype;
use super::shard::{MAX_TAGS, SPREAD};
use crate::capture::BpfInstruction;

/// Load 32 or 16 bits from a place of the packet into the accumulator.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
/// Jump forward; jump where the accumulator equals the operand.
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
/// Multiply by the operand, shift right by it, XOR with the index register.
const MULTIPLY: u16 = 0x24;
const SHIFT_RIGHT: u16 = 0x74;
const XOR_INDEX: u16 = 0xac;
/// Keep the accumulator in the index register.
const TO_INDEX: u16 = 0x07;
/// Leave with a constant, leave with the accumulator.
const RETURN: u16 = 0x06;
const RETURN_ACCUMULATOR: u16 = 0x16;

/// Where places relative to the network header begin (`SKF_NET_OFF`), and where the kernel keeps the protocol
/// (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
const NETWORK: u32 = -0x10_0000_i32 as u32;
const PROTOCOL: u32 = -0x1000_i32 as u32;

/// The 32-bit words of the two addresses, from the header's beginning.
const V4_WORDS: [u32; 2] = [12, 16];
const V6_WORDS: [u32; 8] = [8, 12, 16, 20, 24, 28, 32, 36];

const fn step(code: u16, k: u32) -> BpfInstruction {
    BpfInstruction { code, jt: 0, jf: 0, k }
}

/// Runs the next `then` instructions only where the accumulator equals `value`.
fn only_if(value: u16, then: usize) -> BpfInstruction {
    let jf = u8::try_from(then).expect("a branch is shorter than 256 instructions");
    BpfInstruction { code: JUMP_EQUAL, jt: 0, jf, k: value.into() }
}

/// The program that gives the number of the worker, of so many, that owns a packet.
pub fn shard_program(shards: u16) -> Vec<BpfInstruction> {
    let tags = [ethertype::VLAN, ethertype::SERVICE_VLAN, 0x9100];
    let mut program = vec![step(LOAD_HALF, PROTOCOL)];
    // Jumps to the end, whose distance is known once it is reached.
    let mut ends = Vec::new();
    for depth in 0..=MAX_TAGS as u32 {
        for (kind, words) in [(ethertype::IPV4, &V4_WORDS[..]), (ethertype::IPV6, &V6_WORDS)] {
            let fold = fold(depth * 4, words);
            program.push(only_if(kind, fold.len() + 1));
            program.extend(fold);
            ends.push(program.len());
            program.push(step(JUMP, 0));
        }
        for (at, tag) in (0..tags.len()).zip(tags) {
            let jt = (tags.len() - at) as u8;
            program.push(BpfInstruction { code: JUMP_EQUAL, jt, jf: 0, k: tag.into() });
        }
        program.push(step(RETURN, 0));
        program.push(step(LOAD_HALF, NETWORK.wrapping_add(depth * 4 + 2)));
    }
    program.push(step(RETURN, 0));
    for at in ends {
        program[at].k = u32::try_from(program.len() - at - 1).expect("the program is short");
    }
    program.extend([
        step(MULTIPLY, SPREAD),
        step(SHIFT_RIGHT, 16),
        step(MULTIPLY, shards.into()),
        step(SHIFT_RIGHT, 16),
        step(RETURN_ACCUMULATOR, 0),
    ]);
    program
}

/// The XOR of words of the IP header that begins at `offset`.
fn fold(offset: u32, words: &[u32]) -> Vec<BpfInstruction> {
    let mut steps = Vec::new();
    for (at, word) in words.iter().enumerate() {
        steps.push(step(LOAD_WORD, NETWORK.wrapping_add(offset + word)));
        if at > 0 {
            steps.push(step(XOR_INDEX, 0));
        }
        if at + 1 < words.len() {
            steps.push(step(TO_INDEX, 0));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{CaptureFiles, Filled, LinkType, PacketSource};
    use crate::decode::walk::{be16, be32};
    use crate::decode::{owner, shard};
    use crate::limits::CaptureLimits;

    /// Runs a program as the kernel does, on a frame whose outermost tag is taken off; a load beyond the frame ends it
    /// with 0.
    fn run(program: &[BpfInstruction], protocol: u16, network: &[u8]) -> u32 {
        let (mut accumulator, mut index, mut at) = (0u32, 0u32, 0);
        loop {
            let BpfInstruction { code, jt, jf, k } = program[at];
            at += 1;
            let place = k.wrapping_sub(NETWORK) as usize;
            match code {
                LOAD_HALF if k == PROTOCOL => accumulator = protocol.into(),
                LOAD_HALF if place + 2 <= network.len() => accumulator = be16(network, place).into(),
                LOAD_WORD if place + 4 <= network.len() => accumulator = be32(network, place),
                LOAD_HALF | LOAD_WORD => return 0,
                JUMP => at += k as usize,
                JUMP_EQUAL => at += usize::from(if accumulator == k { jt } else { jf }),
                MULTIPLY => accumulator = accumulator.wrapping_mul(k),
                SHIFT_RIGHT => accumulator >>= k,
                XOR_INDEX => accumulator ^= index,
                TO_INDEX => index = accumulator,
                RETURN => return k,
                RETURN_ACCUMULATOR => return accumulator,
                other => panic!("no instruction {other:#x}"),
            }
        }
    }

    /// What the kernel makes of an Ethernet frame before it asks: protocol, and what follows it.
    fn untagged(frame: &[u8]) -> Option<(u16, &[u8])> {
        let kind = be16(frame.get(12..14)?, 0);
        match kind {
            ethertype::VLAN | ethertype::SERVICE_VLAN => Some((be16(frame.get(16..18)?, 0), &frame[18..])),
            other => Some((other, &frame[14..])),
        }
    }

    #[test]
    fn the_kernel_and_the_sensor_agree_on_almost_every_packet() {
        const SHARDS: u16 = 7;
        let program = shard_program(SHARDS);
        let mut source = CaptureFiles::new(&fixtures::pcaps(), &CaptureLimits::default());
        let (mut same, mut of_ip, mut burst) = (0, 0, crate::capture::Burst::default());
        while let Ok(Filled::Frames) = source.fill(&mut burst, &|_, _| 0) {
            for frame in (0..burst.len()).map(|at| burst.frame(at)) {
                let Some((protocol, network)) = untagged(frame.bytes) else { continue };
                if frame.link != LinkType::ETHERNET || ![0x0800, 0x86dd].contains(&protocol) {
                    continue;
                }
                of_ip += 1;
                let ours = owner(shard(frame.bytes, frame.link), SHARDS);
                same += u32::from(run(&program, protocol, network) == u32::from(ours));
            }
        }
        assert!(of_ip > 1000, "{of_ip} packets are too few to tell");
        // ICMP errors belong to the packet that they quote, which the program does not look into.
        assert!(same * 100 >= of_ip * 97, "{same} of {of_ip}");
    }

    #[test]
    fn inner_tags_are_passed_over() {
        let mut network = vec![0, 5, 0x81, 0x00, 0, 6, 0x08, 0x00];
        let mut ip = vec![0x45; 20];
        ip[12..20].copy_from_slice(&[10, 0, 0, 1, 192, 0, 2, 77]);
        network.extend(&ip);
        let program = shard_program(1000);
        let tagged = run(&program, ethertype::VLAN, &network);
        assert_eq!(tagged, run(&program, ethertype::IPV4, &ip));
        assert_ne!(tagged, 0);
        assert_eq!(run(&program, 0x0806, &ip), 0, "no IP");
        assert_eq!(run(&program, ethertype::IPV4, &ip[..18]), 0, "cut");
    }

    #[test]
    fn every_jump_stays_within_the_program() {
        let program = shard_program(2);
        for (at, instruction) in program.iter().enumerate() {
            let furthest = match instruction.code {
                JUMP => instruction.k as usize,
                JUMP_EQUAL => usize::from(instruction.jt.max(instruction.jf)),
                _ => continue,
            };
            assert!(at + 1 + furthest < program.len(), "{at}: {instruction:?}");
        }
        assert!(program.len() < 4096, "the kernel takes no more");
    }
}
