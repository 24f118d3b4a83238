//! Checksums, computed for those who ask.

pub use rules::view::checksum::{ChecksumState, Checksums, header_checksum, ipv4, transport, verify};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::decode::tests::decode;
    use etherparse::PacketBuilder;

    fn sums(bytes: &[u8]) -> Checksums {
        verify(&decode(LinkType::RAW, bytes)[0])
    }

    fn udp_v4(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .udp(1000, 2000)
            .write(&mut bytes, payload)
            .unwrap();
        bytes
    }

    #[test]
    fn every_transport_over_both_families() {
        let (a4, b4, a6, b6) = ([10, 0, 0, 1], [10, 0, 0, 2], [1; 16], [2; 16]);
        let payload = b"odd length!";
        let mut packets = vec![Vec::new(); 6];
        PacketBuilder::ipv4(a4, b4, 64).tcp(1, 2, 3, 4).write(&mut packets[0], payload).unwrap();
        PacketBuilder::ipv4(a4, b4, 64).udp(1, 2).write(&mut packets[1], payload).unwrap();
        PacketBuilder::ipv4(a4, b4, 64).icmpv4_echo_request(1, 2).write(&mut packets[2], payload).unwrap();
        PacketBuilder::ipv6(a6, b6, 64).tcp(1, 2, 3, 4).write(&mut packets[3], payload).unwrap();
        PacketBuilder::ipv6(a6, b6, 64).udp(1, 2).write(&mut packets[4], payload).unwrap();
        PacketBuilder::ipv6(a6, b6, 64).icmpv6_echo_request(1, 2).write(&mut packets[5], payload).unwrap();
        for mut bytes in packets {
            let is_v4 = bytes[0] >> 4 == 4;
            let ipv4 = if is_v4 { ChecksumState::Valid } else { ChecksumState::Absent };
            assert_eq!(sums(&bytes), Checksums { ipv4, transport: ChecksumState::Valid });
            *bytes.last_mut().unwrap() ^= 1;
            assert_eq!(sums(&bytes), Checksums { ipv4, transport: ChecksumState::Invalid });
            assert!(sums(&bytes).any_invalid());
        }
    }

    #[test]
    fn a_damaged_ipv4_header_shows() {
        let mut bytes = udp_v4(b"x");
        bytes[8] -= 1;
        assert_eq!(sums(&bytes), Checksums { ipv4: ChecksumState::Invalid, transport: ChecksumState::Valid });
    }

    #[test]
    fn udp_may_go_without_over_ipv4_alone() {
        let mut bytes = udp_v4(b"x");
        bytes[26..28].fill(0);
        assert_eq!(sums(&bytes).transport, ChecksumState::Absent);
        let mut bytes = Vec::new();
        PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(1, 2).write(&mut bytes, b"x").unwrap();
        bytes[46..48].fill(0);
        assert_eq!(sums(&bytes).transport, ChecksumState::Invalid);
    }
}
