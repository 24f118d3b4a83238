//! Transport headers, and IPsec's.

pub(super) mod ah;
pub(super) mod esp;
pub(super) mod icmpv4;
pub(super) mod icmpv6;
pub(super) mod sctp;
pub(super) mod tcp;
pub(super) mod udp;
