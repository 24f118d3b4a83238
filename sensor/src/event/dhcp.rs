//! A DHCPv4 message, as its event tells it.

use crate::time::Timestamp;
use std::net::Ipv4Addr;

/// The message type of option 53 (RFC 2132 §9.6), as far as events name it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DhcpKind {
    /// Any other type, or plain BOOTP.
    Unspecified,
    /// DHCPDISCOVER.
    Discover,
    /// DHCPOFFER.
    Offer,
    /// DHCPREQUEST.
    Request,
    /// DHCPDECLINE.
    Decline,
    /// DHCPACK.
    Ack,
    /// DHCPNAK.
    Nack,
    /// DHCPRELEASE.
    Release,
    /// DHCPINFORM.
    Inform,
}

impl DhcpKind {
    /// From the value of option 53.
    pub fn from_message_type(message_type: u8) -> Self {
        match message_type {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nack,
            7 => Self::Release,
            8 => Self::Inform,
            _ => Self::Unspecified,
        }
    }

    /// The name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "PACKET_UNSPECIFIED",
            Self::Discover => "PACKET_DISCOVER",
            Self::Offer => "PACKET_OFFER",
            Self::Request => "PACKET_REQUEST",
            Self::Decline => "PACKET_DECLINE",
            Self::Ack => "PACKET_ACK",
            Self::Nack => "PACKET_NACK",
            Self::Release => "PACKET_RELEASE",
            Self::Inform => "PACKET_INFORM",
        }
    }
}

/// A client's hardware address: `chaddr`, as far as `hlen` says it goes (RFC 2131 §2).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct HardwareAddress {
    bytes: [u8; 16],
    len: u8,
}

impl HardwareAddress {
    /// The first `len` of `bytes`, all of them when it says more than there are.
    pub fn new(bytes: [u8; 16], len: u8) -> Self {
        let len = len.min(16);
        let mut kept = [0; 16];
        kept[..usize::from(len)].copy_from_slice(&bytes[..usize::from(len)]);
        Self { bytes: kept, len }
    }

    /// The address as Ethernet has it; nothing when it is not six bytes long.
    pub fn mac(&self) -> Option<[u8; 6]> {
        let (mac, _) = self.bytes.split_first_chunk()?;
        (self.len == 6).then_some(*mac)
    }

    /// How many bytes it has, at most 16.
    pub fn len(&self) -> u8 {
        self.len
    }

    /// Whether it has none, as with hardware that has no addresses.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All 16 bytes, those past the length being zero.
    pub fn padded(&self) -> &[u8; 16] {
        &self.bytes
    }
}

/// One DHCPv4 message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dhcp {
    /// The packet's time.
    pub time: Timestamp,
    /// Message type.
    pub kind: DhcpKind,
    /// Transaction id.
    pub transaction_id: u32,
    /// The client's hardware address; events tell it when it is a MAC.
    pub client: HardwareAddress,
    /// The address assigned to or requested by the client.
    pub client_ip: Option<Ipv4Addr>,
    /// giaddr, unless 0.0.0.0.
    pub relay_ip: Option<Ipv4Addr>,
    /// The innermost VLAN id.
    pub vlan_id: Option<u16>,
    /// Position among the messages of the transaction, in packet order.
    pub ordinal: u32,
}

impl Dhcp {
    /// A number for the transaction, see [`transaction_key`].
    pub fn transaction_key(&self) -> u64 {
        transaction_key(&self.client, self.transaction_id)
    }
}

/// A number that all messages of a transaction share, the same in every run: it picks the shard and keeps the
/// messages in order on their way out.
///
/// FNV-1a of 64 bits over the address, its length and the transaction id, then the finaliser of MurmurHash3, so
/// that low bits may be used by themselves. Clients can make keys collide; nothing but the share of table and
/// queue they get depends on it.
pub fn transaction_key(client: &HardwareAddress, transaction_id: u32) -> u64 {
    let bytes = client.bytes.iter().chain([&client.len]).copied().chain(transaction_id.to_be_bytes());
    let mut key = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |key, byte| (key ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    key = (key ^ (key >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    key = (key ^ (key >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ (key >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_bytes_are_a_mac() {
        let bytes: [u8; 16] = std::array::from_fn(|at| at as u8 + 1);
        assert_eq!(HardwareAddress::new(bytes, 6).mac(), Some([1, 2, 3, 4, 5, 6]));
        for len in [0, 5, 7, 16, 255] {
            assert_eq!(HardwareAddress::new(bytes, len).mac(), None);
        }
        assert_eq!(HardwareAddress::new(bytes, 255).padded(), &bytes);
        assert_eq!(HardwareAddress::new(bytes, 2).padded()[..3], [1, 2, 0]);
    }

    #[test]
    fn bytes_past_the_length_do_not_tell_clients_apart() {
        let (one, other) = (HardwareAddress::new([7; 16], 6), HardwareAddress::new([7; 16], 16));
        let mut cut = [0; 16];
        cut[..6].fill(7);
        assert_eq!(one, HardwareAddress::new(cut, 6));
        assert_ne!(transaction_key(&one, 1), transaction_key(&other, 1));
        assert_ne!(transaction_key(&one, 1), transaction_key(&one, 2));
    }
}
