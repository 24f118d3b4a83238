//! What stands before the network header: link headers, tags and labels.

pub(super) mod backbone;
pub(super) mod cisco_hdlc;
pub(super) mod etag;
pub(super) mod ethernet;
pub(super) mod fabricpath;
pub(super) mod mpls;
pub(super) mod null;
pub(super) mod ppp;
pub(super) mod pppoe;
pub(super) mod sll;
pub(super) mod vlan;
pub(super) mod vntag;

use super::walk::Header;
use crate::capture::LinkType;
use rules::view::DecodeEvent;

/// The events by which a frame is refused for its link header.
pub(super) const REFUSALS: [DecodeEvent; 8] = [
    DecodeEvent::EthernetPktTooSmall,
    DecodeEvent::SllPktTooSmall,
    DecodeEvent::Sll2PktTooSmall,
    DecodeEvent::LtnullPktTooSmall,
    DecodeEvent::LtnullUnsupportedType,
    DecodeEvent::IprawInvalidIpVersion,
    DecodeEvent::PppPktTooSmall,
    DecodeEvent::ChdlcPktTooSmall,
];

/// The header with which frames of that link type begin.
pub(super) fn first_header(link: LinkType) -> Option<Header> {
    Some(match link {
        LinkType::ETHERNET => Header::Ethernet,
        LinkType::RAW => Header::Ip,
        LinkType::IPV4 => Header::Ipv4,
        LinkType::IPV6 => Header::Ipv6,
        LinkType::NULL | LinkType::LOOP => Header::Null,
        LinkType::LINUX_SLL => Header::Sll,
        LinkType::LINUX_SLL2 => Header::Sll2,
        LinkType::PPP => Header::Ppp,
        LinkType::CISCO_HDLC => Header::CiscoHdlc,
        _ => return None,
    })
}

/// What an EtherType announces (IEEE 802 numbers, <https://www.iana.org/assignments/ieee-802-numbers>).
pub(super) mod ethertype {
    use super::Header;

    pub(in super::super) const IPV4: u16 = 0x0800;
    pub(in super::super) const ARP: u16 = 0x0806;
    pub(in super::super) const VLAN: u16 = 0x8100;
    pub(in super::super) const IPV6: u16 = 0x86dd;
    pub(in super::super) const TRANSPARENT_BRIDGING: u16 = 0x6558;
    pub(in super::super) const PPP: u16 = 0x880b;
    pub(in super::super) const ERSPAN2: u16 = 0x88be;
    pub(in super::super) const ERSPAN3: u16 = 0x22eb;
    pub(in super::super) const SERVICE_VLAN: u16 = 0x88a8;

    /// The header announced; nothing where it is none that the decoder reads, or a length (IEEE 802.3).
    #[inline]
    pub(in super::super) fn header(ethertype: u16) -> Option<Header> {
        Some(match ethertype {
            IPV4 => Header::Ipv4,
            IPV6 => Header::Ipv6,
            ARP => Header::Arp,
            VLAN | SERVICE_VLAN | 0x9100 => Header::Vlan,
            0x8847 | 0x8848 => Header::Mpls,
            0x8863 => Header::PppoeDiscovery,
            0x8864 => Header::PppoeSession,
            0x88e7 => Header::Backbone,
            0x8903 => Header::FabricPath,
            0x8926 => Header::VnTag,
            0x893f => Header::ETag,
            0x894f => Header::Nsh,
            TRANSPARENT_BRIDGING => Header::Ethernet,
            _ => return None,
        })
    }
}
