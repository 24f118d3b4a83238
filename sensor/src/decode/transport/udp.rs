//! UDP (RFC 768), and the tunnels that announce themselves by their port.

use crate::decode::tunnel::{TunnelPorts, geneve, teredo, vxlan};
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet, Transport, Udp};

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8], ports: &TunnelPorts) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(Udp::MIN_LEN) else {
        return refuse(packet, DecodeEvent::UdpHlenTooSmall);
    };
    let Some(payload_len) = usize::from(be16(header, 4)).checked_sub(Udp::MIN_LEN) else {
        return refuse(packet, DecodeEvent::UdpLenInvalid);
    };
    let Some(payload) = rest.get(..payload_len) else {
        return refuse(packet, DecodeEvent::UdpPktTooSmall);
    };
    packet.transport = Udp::new(header).map_or(Transport::None, Transport::Udp);
    packet.source_port = be16(header, 0);
    packet.destination_port = be16(header, 2);
    packet.payload = payload;
    if ports.may_be_tunnel(packet.source_port, packet.destination_port) {
        return tunnel(packet, payload, ports);
    }
    Next::End
}

#[cold]
fn tunnel<'a>(packet: &mut Packet<'a>, payload: &'a [u8], ports: &TunnelPorts) -> Next<'a> {
    if ports.vxlan.contains(&packet.destination_port) {
        return vxlan::read(packet, payload);
    }
    if ports.geneve.contains(&packet.destination_port) {
        return geneve::read(packet, payload);
    }
    teredo::read(payload)
}
