//! What can be wrong with a packet's headers, its place in a stream or its flow's protocol, under the names that
//! `decode-event`, `stream-event` and `app-layer-event` rules use (Suricata documentation: "Decode-event keyword", "Stream-event keyword").

macro_rules! events {
    ($(#[$meta:meta])* $event:ident, $(#[$set_meta:meta])* $set:ident; $($variant:ident = $name:literal,)+) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $event {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl $event {
            /// Every event, by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in rules and statistics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The event of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|event| event.name() == name)
            }
        }

        $(#[$set_meta])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $set([u64; Self::WORDS]);

        impl $set {
            const WORDS: usize = $event::ALL.len().div_ceil(64);

            /// Nothing wrong.
            pub const NONE: Self = Self([0; Self::WORDS]);

            /// Adds an event.
            #[inline]
            pub fn insert(&mut self, event: $event) {
                let bit = event as usize;
                self.0[bit / 64] |= 1 << (bit % 64);
            }

            /// Whether the event is among them.
            #[inline]
            pub fn contains(&self, event: $event) -> bool {
                let bit = event as usize;
                self.0[bit / 64] & (1 << (bit % 64)) != 0
            }

            /// Whether nothing is wrong.
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.0 == [0; Self::WORDS]
            }

            /// The events, in the order of their table.
            pub fn iter(&self) -> impl Iterator<Item = $event> + '_ {
                $event::ALL.iter().copied().filter(|&event| self.contains(event))
            }
        }
    };
}

events! {
    /// A fault in a packet's headers, or between its fragments.
    DecodeEvent,
    /// The decoder events of one packet.
    DecodeEvents;
    AfpacketTruncPkt = "afpacket.trunc_pkt",
    ArpInvalidHardwareSize = "arp.invalid_hardware_size",
    ArpInvalidProtocolSize = "arp.invalid_protocol_size",
    ArpPktTooSmall = "arp.pkt_too_small",
    ArpUnsupportedHardware = "arp.unsupported_hardware",
    ArpUnsupportedOpcode = "arp.unsupported_opcode",
    ArpUnsupportedProtocol = "arp.unsupported_protocol",
    ChdlcPktTooSmall = "chdlc.pkt_too_small",
    DcePktTooSmall = "dce.pkt_too_small",
    ErspanHeaderTooSmall = "erspan.header_too_small",
    ErspanTooManyVlanLayers = "erspan.too_many_vlan_layers",
    ErspanUnsupportedVersion = "erspan.unsupported_version",
    EspPktTooSmall = "esp.pkt_too_small",
    EtagHeaderTooSmall = "etag.header_too_small",
    EtagUnknownType = "etag.unknown_type",
    EthernetPktTooSmall = "ethernet.pkt_too_small",
    EthernetUnknownEthertype = "ethernet.unknown_ethertype",
    GeneveUnknownPayloadType = "geneve.unknown_payload_type",
    GrePktTooSmall = "gre.pkt_too_small",
    GreVersion0Flags = "gre.version0_flags",
    GreVersion0HdrTooBig = "gre.version0_hdr_too_big",
    GreVersion0Recur = "gre.version0_recur",
    GreVersion1Chksum = "gre.version1_chksum",
    GreVersion1Flags = "gre.version1_flags",
    GreVersion1HdrTooBig = "gre.version1_hdr_too_big",
    GreVersion1MalformedSreHdr = "gre.version1_malformed_sre_hdr",
    GreVersion1NoKey = "gre.version1_no_key",
    GreVersion1Recur = "gre.version1_recur",
    GreVersion1Route = "gre.version1_route",
    GreVersion1Ssr = "gre.version1_ssr",
    GreVersion1WrongProtocol = "gre.version1_wrong_protocol",
    GreWrongVersion = "gre.wrong_version",
    Icmpv4Ipv4TruncPkt = "icmpv4.ipv4_trunc_pkt",
    Icmpv4Ipv4UnknownVer = "icmpv4.ipv4_unknown_ver",
    Icmpv4PktTooSmall = "icmpv4.pkt_too_small",
    Icmpv4UnknownCode = "icmpv4.unknown_code",
    Icmpv4UnknownType = "icmpv4.unknown_type",
    Icmpv6ExperimentationType = "icmpv6.experimentation_type",
    Icmpv6Ipv6TruncPkt = "icmpv6.ipv6_trunc_pkt",
    Icmpv6Ipv6UnknownVersion = "icmpv6.ipv6_unknown_version",
    Icmpv6MldMessageWithInvalidHl = "icmpv6.mld_message_with_invalid_hl",
    Icmpv6PktTooSmall = "icmpv6.pkt_too_small",
    Icmpv6UnassignedType = "icmpv6.unassigned_type",
    Icmpv6UnknownCode = "icmpv6.unknown_code",
    Icmpv6UnknownType = "icmpv6.unknown_type",
    Ieee8021ahHeaderTooSmall = "ieee8021ah.header_too_small",
    IprawInvalidIpVersion = "ipraw.invalid_ip_version",
    Ipv4FragIgnored = "ipv4.frag_ignored",
    Ipv4FragOverlap = "ipv4.frag_overlap",
    Ipv4FragPktTooLarge = "ipv4.frag_pkt_too_large",
    Ipv4HlenTooSmall = "ipv4.hlen_too_small",
    Ipv4Icmpv6 = "ipv4.icmpv6",
    Ipv4IplenSmallerThanHlen = "ipv4.iplen_smaller_than_hlen",
    Ipv4OptDuplicate = "ipv4.opt_duplicate",
    Ipv4OptEolRequired = "ipv4.opt_eol_required",
    Ipv4OptInvalid = "ipv4.opt_invalid",
    Ipv4OptInvalidLen = "ipv4.opt_invalid_len",
    Ipv4OptMalformed = "ipv4.opt_malformed",
    Ipv4OptPadRequired = "ipv4.opt_pad_required",
    Ipv4OptUnknown = "ipv4.opt_unknown",
    Ipv4PktTooSmall = "ipv4.pkt_too_small",
    Ipv4TruncPkt = "ipv4.trunc_pkt",
    Ipv4WrongIpVersion = "ipv4.wrong_ip_version",
    Ipv6DataAfterNoneHeader = "ipv6.data_after_none_header",
    Ipv6DstoptsOnlyPadding = "ipv6.dstopts_only_padding",
    Ipv6DstoptsUnknownOpt = "ipv6.dstopts_unknown_opt",
    Ipv6ExthdrAhResNotNull = "ipv6.exthdr_ah_res_not_null",
    Ipv6ExthdrDuplAh = "ipv6.exthdr_dupl_ah",
    Ipv6ExthdrDuplDh = "ipv6.exthdr_dupl_dh",
    Ipv6ExthdrDuplEh = "ipv6.exthdr_dupl_eh",
    Ipv6ExthdrDuplFh = "ipv6.exthdr_dupl_fh",
    Ipv6ExthdrDuplHh = "ipv6.exthdr_dupl_hh",
    Ipv6ExthdrDuplRh = "ipv6.exthdr_dupl_rh",
    Ipv6ExthdrInvalidOptlen = "ipv6.exthdr_invalid_optlen",
    Ipv6ExthdrUselessFh = "ipv6.exthdr_useless_fh",
    Ipv6FhNonZeroReservedField = "ipv6.fh_non_zero_reserved_field",
    Ipv6FragIgnored = "ipv6.frag_ignored",
    Ipv6FragInvalidLength = "ipv6.frag_invalid_length",
    Ipv6FragOverlap = "ipv6.frag_overlap",
    Ipv6FragPktTooLarge = "ipv6.frag_pkt_too_large",
    Ipv6HopoptsOnlyPadding = "ipv6.hopopts_only_padding",
    Ipv6HopoptsUnknownOpt = "ipv6.hopopts_unknown_opt",
    Ipv6Icmpv4 = "ipv6.icmpv4",
    Ipv6Ipv4InIpv6TooSmall = "ipv6.ipv4_in_ipv6_too_small",
    Ipv6Ipv4InIpv6WrongVersion = "ipv6.ipv4_in_ipv6_wrong_version",
    Ipv6Ipv6InIpv6TooSmall = "ipv6.ipv6_in_ipv6_too_small",
    Ipv6Ipv6InIpv6WrongVersion = "ipv6.ipv6_in_ipv6_wrong_version",
    Ipv6PktTooSmall = "ipv6.pkt_too_small",
    Ipv6RhType0 = "ipv6.rh_type_0",
    Ipv6TruncExthdr = "ipv6.trunc_exthdr",
    Ipv6TruncPkt = "ipv6.trunc_pkt",
    Ipv6UnknownNextHeader = "ipv6.unknown_next_header",
    Ipv6WrongIpVersion = "ipv6.wrong_ip_version",
    Ipv6ZeroLenPadn = "ipv6.zero_len_padn",
    LtnullPktTooSmall = "ltnull.pkt_too_small",
    LtnullUnsupportedType = "ltnull.unsupported_type",
    MplsBadLabelImplicitNull = "mpls.bad_label_implicit_null",
    MplsBadLabelReserved = "mpls.bad_label_reserved",
    MplsBadLabelRouterAlert = "mpls.bad_label_router_alert",
    MplsHeaderTooSmall = "mpls.header_too_small",
    MplsPktTooSmall = "mpls.pkt_too_small",
    MplsUnknownPayloadType = "mpls.unknown_payload_type",
    NshBadHeaderLength = "nsh.bad_header_length",
    NshHeaderTooSmall = "nsh.header_too_small",
    NshReservedType = "nsh.reserved_type",
    NshUnknownPayload = "nsh.unknown_payload",
    NshUnsupportedType = "nsh.unsupported_type",
    NshUnsupportedVersion = "nsh.unsupported_version",
    PppIp4PktTooSmall = "ppp.ip4_pkt_too_small",
    PppIp6PktTooSmall = "ppp.ip6_pkt_too_small",
    PppPktTooSmall = "ppp.pkt_too_small",
    PppUnsupProto = "ppp.unsup_proto",
    PppVjuPktTooSmall = "ppp.vju_pkt_too_small",
    PppWrongType = "ppp.wrong_type",
    PppoeMalformedTags = "pppoe.malformed_tags",
    PppoePktTooSmall = "pppoe.pkt_too_small",
    PppoeWrongCode = "pppoe.wrong_code",
    SctpPktTooSmall = "sctp.pkt_too_small",
    SllPktTooSmall = "sll.pkt_too_small",
    Sll2PktTooSmall = "sll2.pkt_too_small",
    TcpHlenTooSmall = "tcp.hlen_too_small",
    TcpInvalidOptlen = "tcp.invalid_optlen",
    TcpOptDuplicate = "tcp.opt_duplicate",
    TcpOptInvalidLen = "tcp.opt_invalid_len",
    TcpPktTooSmall = "tcp.pkt_too_small",
    TooManyLayers = "too_many_layers",
    UdpHlenTooSmall = "udp.hlen_too_small",
    UdpLenInvalid = "udp.len_invalid",
    UdpPktTooSmall = "udp.pkt_too_small",
    VlanHeaderTooSmall = "vlan.header_too_small",
    VlanTooManyLayers = "vlan.too_many_layers",
    VlanUnknownType = "vlan.unknown_type",
    VntagHeaderTooSmall = "vntag.header_too_small",
    VntagUnknownType = "vntag.unknown_type",
    VxlanUnknownPayloadType = "vxlan.unknown_payload_type",
}

events! {
    /// An irregularity of a TCP session.
    StreamEvent,
    /// The stream events of one packet.
    StreamEvents;
    ThreewhsAckDataInject = "3whs_ack_data_inject",
    ThreewhsAckInWrongDir = "3whs_ack_in_wrong_dir",
    ThreewhsAsyncWrongSeq = "3whs_async_wrong_seq",
    ThreewhsRightSeqWrongAckEvasion = "3whs_right_seq_wrong_ack_evasion",
    ThreewhsSynFlood = "3whs_syn_flood",
    ThreewhsSynResendDiffSeqOnSynRecv = "3whs_syn_resend_diff_seq_on_syn_recv",
    ThreewhsSynToclientOnSynRecv = "3whs_syn_toclient_on_syn_recv",
    ThreewhsSynackFlood = "3whs_synack_flood",
    ThreewhsSynackInWrongDirection = "3whs_synack_in_wrong_direction",
    ThreewhsSynackResendWithDiffSeq = "3whs_synack_resend_with_diff_seq",
    ThreewhsSynackResendWithDifferentAck = "3whs_synack_resend_with_different_ack",
    ThreewhsSynackTfoDataIgnored = "3whs_synack_tfo_data_ignored",
    ThreewhsSynackToserverOnSynRecv = "3whs_synack_toserver_on_syn_recv",
    ThreewhsSynackWithWrongAck = "3whs_synack_with_wrong_ack",
    ThreewhsWrongSeqWrongAck = "3whs_wrong_seq_wrong_ack",
    FourwhsInvalidAck = "4whs_invalid_ack",
    FourwhsSynackWithWrongAck = "4whs_synack_with_wrong_ack",
    FourwhsSynackWithWrongSyn = "4whs_synack_with_wrong_syn",
    FourwhsWrongSeq = "4whs_wrong_seq",
    ClosewaitAckOutOfWindow = "closewait_ack_out_of_window",
    ClosewaitFinOutOfWindow = "closewait_fin_out_of_window",
    ClosewaitInvalidAck = "closewait_invalid_ack",
    ClosewaitPktBeforeLastAck = "closewait_pkt_before_last_ack",
    ClosingAckWrongSeq = "closing_ack_wrong_seq",
    ClosingInvalidAck = "closing_invalid_ack",
    EstInvalidAck = "est_invalid_ack",
    EstPacketOutOfWindow = "est_packet_out_of_window",
    EstPktBeforeLastAck = "est_pkt_before_last_ack",
    EstSynResend = "est_syn_resend",
    EstSynResendDiffSeq = "est_syn_resend_diff_seq",
    EstSynToclient = "est_syn_toclient",
    EstSynackResend = "est_synack_resend",
    EstSynackResendWithDiffSeq = "est_synack_resend_with_diff_seq",
    EstSynackResendWithDifferentAck = "est_synack_resend_with_different_ack",
    EstSynackToserver = "est_synack_toserver",
    Fin1AckWrongSeq = "fin1_ack_wrong_seq",
    Fin1FinWrongSeq = "fin1_fin_wrong_seq",
    Fin1InvalidAck = "fin1_invalid_ack",
    Fin2AckWrongSeq = "fin2_ack_wrong_seq",
    Fin2FinWrongSeq = "fin2_fin_wrong_seq",
    Fin2InvalidAck = "fin2_invalid_ack",
    FinButNoSession = "fin_but_no_session",
    FinInvalidAck = "fin_invalid_ack",
    FinOutOfWindow = "fin_out_of_window",
    FinSyn = "fin_syn",
    LastackAckWrongSeq = "lastack_ack_wrong_seq",
    LastackInvalidAck = "lastack_invalid_ack",
    PktBadWindowUpdate = "pkt_bad_window_update",
    PktBrokenAck = "pkt_broken_ack",
    PktInvalidAck = "pkt_invalid_ack",
    PktInvalidTimestamp = "pkt_invalid_timestamp",
    PktRetransmission = "pkt_retransmission",
    PktSpuriousRetransmission = "pkt_spurious_retransmission",
    ReassemblyDepthReached = "reassembly_depth_reached",
    ReassemblyOverlapDifferentData = "reassembly_overlap_different_data",
    ReassemblySegmentBeforeBaseSeq = "reassembly_segment_before_base_seq",
    ReassemblySeqGap = "reassembly_seq_gap",
    ReassemblyUrgentOobLimitReached = "reassembly_urgent_oob_limit_reached",
    RstButNoSession = "rst_but_no_session",
    RstInvalidAck = "rst_invalid_ack",
    ShutdownSynResend = "shutdown_syn_resend",
    SuspectedRstInject = "suspected_rst_inject",
    TimewaitAckWrongSeq = "timewait_ack_wrong_seq",
    TimewaitInvalidAck = "timewait_invalid_ack",
    WrongThread = "wrong_thread",
}

events! {
    /// Something odd about how a flow's application protocol was found (Suricata documentation: "Generic App Layer
    /// Keywords", app-layer-event).
    AppEvent,
    /// The events of one packet about its flow's protocol.
    AppEvents;
    DetectProtocolOnlyOneDirection = "applayer_detect_protocol_only_one_direction",
    MismatchProtocolBothDirections = "applayer_mismatch_protocol_both_directions",
    NoTlsAfterStarttls = "applayer_no_tls_after_starttls",
    ProtoDetectionSkipped = "applayer_proto_detection_skipped",
    UnexpectedProtocol = "applayer_unexpected_protocol",
    WrongDirectionFirstData = "applayer_wrong_direction_first_data",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_event() {
        assert!(DecodeEvent::ALL.iter().all(|&event| DecodeEvent::from_name(event.name()) == Some(event)));
        assert!(StreamEvent::ALL.iter().all(|&event| StreamEvent::from_name(event.name()) == Some(event)));
        assert_eq!(DecodeEvent::from_name("no.such_event"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = DecodeEvents::NONE;
        assert!(set.is_empty());
        for &event in DecodeEvent::ALL {
            assert!(!set.contains(event));
            set.insert(event);
            assert!(set.contains(event));
        }
        assert_eq!(set.iter().count(), DecodeEvent::ALL.len());
    }
}
