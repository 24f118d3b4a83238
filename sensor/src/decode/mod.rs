//! From a frame's bytes to packets: headers checked once, in the order in which they stand.
//!
//! Knows wire formats and what can be wrong with them, and keeps no state between packets: fragments are put together
//! and flows followed elsewhere. Each header has a file; [`Decoder`] walks them in a loop (never by recursion), and a
//! tunnel adds a packet of its own after the one that carries it.
//!
//! The headers are sliced by hand because it was measured (`benches/decode.rs`, with other work on both cores, so that
//! the ratio counts): TCP over IPv4 with timestamps 60 ns, UDP over IPv4 48 ns, TCP over IPv6 56 ns, events and
//! counters included, where etherparse's slicing alone took 114, 125 and 161 ns. etherparse is the oracle in the tests.
//!
//! What a fault is called, and whether reading goes on after it, follows Suricata 8 (documentation: "Decode-event
//! keyword", and the rules it ships for these events).

pub mod checksum;
mod config;
mod link;
mod net;
mod quoted;
mod shard;
mod shard_program;
mod transport;
mod tunnel;
mod walk;

#[cfg(test)]
mod tests;

pub use config::{ChecksumMode, DecodeConfig};
pub use quoted::{Quoted, icmp_quoted};
pub(crate) use quoted::{quotes_v4, quotes_v6};
pub use shard::{owner, shard};
pub use shard_program::shard_program;
pub use tunnel::TunnelPorts;

use crate::capture::Frame;
use crate::counter::{Counter, Counters};
use crate::limits::DecodeLimits;
use rules::view::{DecodeEvent, Origin, Packet};
use walk::{Header, Next};

/// Turns frames into packets. Holds nothing but its settings.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    limits: DecodeLimits,
    ports: TunnelPorts,
}

impl Decoder {
    /// A decoder that keeps to `limits` and looks for tunnels over UDP on `ports`.
    pub fn new(limits: DecodeLimits, ports: TunnelPorts) -> Self {
        Self { limits, ports }
    }

    /// Appends the frame's packet, and after it each packet found in tunnels, outer ones first.
    ///
    /// The frame counts as exactly one of decoded, refused for its link type (then nothing is appended) and refused
    /// for its link header (then its packet is appended with the event that says why).
    pub fn decode<'a>(&self, frame: &Frame<'a>, counters: &mut Counters, out: &mut Vec<Packet<'a>>) {
        let Some(first) = link::first_header(frame.link) else {
            counters.increment(Counter::RefusedLinkType);
            return;
        };
        let at = out.len();
        out.push(Packet::EMPTY);
        self.walk(first, frame.bytes, counters, out);
        let refused = out[at].invalid && link::REFUSALS.iter().any(|&event| out[at].events.contains(event));
        counters.increment(if refused { Counter::RefusedLinkHeader } else { Counter::PacketsDecoded });
    }

    /// Decodes from an IP header on, for a datagram put together from fragments, and appends as [`Decoder::decode`]
    /// does. Ethernet header, VLAN tags and depth are those of `base`. The frame was counted with its last fragment.
    pub fn decode_ip<'a>(
        &self,
        bytes: &'a [u8],
        base: &Packet<'a>,
        origin: Origin,
        counters: &mut Counters,
        out: &mut Vec<Packet<'a>>,
    ) {
        out.push(Packet {
            ethernet: base.ethernet,
            vlans: base.vlans,
            depth: base.depth,
            origin,
            ..Packet::EMPTY
        });
        self.walk(Header::Ip, bytes, counters, out);
    }

    /// Fills in the last packet of `out`, and appends and fills those in tunnels.
    fn walk<'a>(&self, first: Header, bytes: &'a [u8], counters: &mut Counters, out: &mut Vec<Packet<'a>>) {
        let mut layers = 0;
        let mut next = (first, bytes);
        loop {
            let packet = out.last_mut().expect("the caller appended one");
            let inner = self.headers(packet, next, &mut layers);
            if !packet.events.is_empty() {
                counters.increment(Counter::PacketsAnomalous);
            }
            let Some((header, inner_bytes)) = inner else { return };
            if packet.depth >= self.limits.tunnel_depth {
                counters.increment(Counter::TunnelDepthRefused);
                return;
            }
            counters.increment(Counter::TunnelPackets);
            let inner = walk::inherit(packet, header);
            out.push(inner);
            next = (header, inner_bytes);
        }
    }

    /// Reads headers into `packet` until the last, or until a tunnel begins: then what is in it.
    #[inline]
    fn headers<'a>(
        &self,
        packet: &mut Packet<'a>,
        mut next: (Header, &'a [u8]),
        layers: &mut u8,
    ) -> Option<(Header, &'a [u8])> {
        loop {
            if *layers >= self.limits.layers {
                packet.refuse(DecodeEvent::TooManyLayers);
                return None;
            }
            *layers += 1;
            match self.header(packet, next.0, next.1) {
                Next::End => return None,
                Next::Header(header, bytes) => next = (header, bytes),
                Next::Tunnel(header, bytes) => return Some((header, bytes)),
            }
        }
    }

    #[inline]
    fn header<'a>(&self, packet: &mut Packet<'a>, header: Header, bytes: &'a [u8]) -> Next<'a> {
        match header {
            Header::Ethernet => link::ethernet::read(packet, bytes),
            Header::Ipv4 => net::ipv4::read(packet, bytes),
            Header::Tcp => transport::tcp::read(packet, bytes),
            Header::Udp => transport::udp::read(packet, bytes, &self.ports),
            Header::Ipv6 => net::ipv6::read(packet, bytes, self.limits.ipv6_extensions),
            Header::Icmpv4 => transport::icmpv4::read(packet, bytes),
            Header::Icmpv6 => transport::icmpv6::read(packet, bytes),
            Header::Vlan => link::vlan::read(packet, bytes),
            Header::Arp => net::arp::read(packet, bytes),
            Header::Ip => net::ip::read(packet, bytes),
            Header::Backbone => link::backbone::read(packet, bytes),
            Header::VnTag => link::vntag::read(packet, bytes),
            Header::ETag => link::etag::read(packet, bytes),
            Header::FabricPath => link::fabricpath::read(packet, bytes),
            Header::Mpls => link::mpls::read(packet, bytes),
            Header::PppoeDiscovery => link::pppoe::read_discovery(packet, bytes),
            Header::PppoeSession => link::pppoe::read_session(packet, bytes),
            Header::Ppp => link::ppp::read(packet, bytes),
            Header::CiscoHdlc => link::cisco_hdlc::read(packet, bytes),
            Header::Null => link::null::read(packet, bytes),
            Header::Sll => link::sll::read(packet, bytes),
            Header::Sll2 => link::sll::read_v2(packet, bytes),
            Header::Nsh => tunnel::nsh::read(packet, bytes),
            Header::Sctp => transport::sctp::read(packet, bytes),
            Header::Esp => transport::esp::read(packet, bytes),
            Header::Ah => transport::ah::read(packet, bytes),
            Header::Gre => tunnel::gre::read(packet, bytes),
            Header::Erspan2 => tunnel::erspan::read_v2(packet, bytes),
            Header::Erspan3 => tunnel::erspan::read_v3(packet, bytes),
        }
    }
}
