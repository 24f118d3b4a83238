//! Network headers, and the way from an IP protocol number to the header that follows.

pub(super) mod arp;
pub(super) mod ip;
pub(super) mod ipv4;
mod ipv4_option;
pub(super) mod ipv6;
mod ipv6_extension;

/// IP protocol numbers (<https://www.iana.org/assignments/protocol-numbers>).
pub(super) mod protocol {
    pub(in super::super) const HOP_BY_HOP: u8 = 0;
    pub(in super::super) const ICMPV4: u8 = 1;
    pub(in super::super) const IPV4: u8 = 4;
    pub(in super::super) const TCP: u8 = 6;
    pub(in super::super) const UDP: u8 = 17;
    pub(in super::super) const IPV6: u8 = 41;
    pub(in super::super) const ROUTING: u8 = 43;
    pub(in super::super) const FRAGMENT: u8 = 44;
    pub(in super::super) const GRE: u8 = 47;
    pub(in super::super) const ESP: u8 = 50;
    pub(in super::super) const AH: u8 = 51;
    pub(in super::super) const ICMPV6: u8 = 58;
    pub(in super::super) const NONE: u8 = 59;
    pub(in super::super) const DESTINATION: u8 = 60;
    pub(in super::super) const SCTP: u8 = 132;
    pub(in super::super) const MOBILITY: u8 = 135;
    pub(in super::super) const HIP: u8 = 139;
    pub(in super::super) const SHIM6: u8 = 140;
}
