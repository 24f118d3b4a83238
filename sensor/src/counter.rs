//! What is counted, as rows of one table: never a log line per packet.
//!
//! A [`Counters`] belongs to one thread and is plain memory; whoever wants a total adds them up.

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One thing that is counted.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Counter { $($(#[doc = $doc])+ $variant,)+ }

        impl Counter {
            /// Every counter, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name under which statistics and metrics show it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it counts, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

counters! {
    /// Packets that came to the sensor's interfaces, by the kernel's count.
    PacketsSeen = "packets_seen",
    /// Packets dropped by an interface itself, before the kernel.
    PacketsDroppedInterface = "packets_dropped_interface",
    /// Packets for which the ring between kernel and sensor had no room.
    PacketsDroppedKernel = "packets_dropped_kernel",
    /// Packets taken out of the rings.
    PacketsReceived = "packets_received",
    /// Packets received by one worker and handed to the one that owns their flow.
    PacketsHandedOver = "packets_handed_over",
    /// Packets taken over from another worker.
    PacketsTakenOver = "packets_taken_over",
    /// Packets dropped because the worker that owns their flow had too many waiting.
    PacketsDroppedHandover = "packets_dropped_handover",
    /// Packets read from the capture.
    PacketsRead = "packets_read",
    /// Bytes of those packets on the wire.
    BytesRead = "bytes_read",
    /// Packets of which the capture holds less than was on the wire.
    PacketsTruncated = "packets_truncated",
    /// Packets decoded as far as their own protocol, anomalous ones too.
    PacketsDecoded = "packets_decoded",
    /// Packets whose link type the sensor does not read.
    RefusedLinkType = "refused_link_type",
    /// Packets too short or too odd for their link header.
    RefusedLinkHeader = "refused_link_header",
    /// Packets found inside tunnels, besides the outer ones.
    TunnelPackets = "tunnel_packets",
    /// Tunnels nested deeper than the limit, left unopened.
    TunnelDepthRefused = "tunnel_depth_refused",
    /// Packets with at least one decoder event.
    PacketsAnomalous = "packets_anomalous",
    /// Packets with a bad checksum in the IP, TCP, UDP or ICMP header.
    ChecksumBad = "checksum_bad",
    /// IP fragments seen.
    Fragments = "fragments",
    /// Fragments not used: too long, contradicting others, or one too many.
    FragmentsRefused = "fragments_refused",
    /// Packets put together from fragments.
    FragmentsReassembled = "fragments_reassembled",
    /// Fragmented packets given up: time, memory, count or a hole that stayed.
    FragmentsDropped = "fragments_dropped",
    /// Holes in streams that protocol parsers came upon.
    AppGaps = "app_gaps",
    /// Flows whose parser gave up on what it read.
    AppMalformed = "app_malformed",
    /// Flows whose parser was given up because those of all flows together kept too much.
    AppMemoryRefused = "app_memory_refused",
    /// Transactions taken as complete because a flow had too many open.
    TransactionsCutShort = "transactions_cut_short",
    /// Parts of transactions that were not kept for lack of room.
    TransactionPartsRefused = "transaction_parts_refused",
    /// Frames that rules were not shown for lack of room.
    FramesRefused = "frames_refused",
    /// Connections announced by another that were forgotten for lack of room.
    ExpectationsRefused = "expectations_refused",
    /// Flows created.
    FlowsCreated = "flows_created",
    /// Flows ended because nothing came any more.
    FlowsTimeout = "flows_timeout",
    /// Flows ended by FIN in both directions.
    FlowsClosed = "flows_closed",
    /// Flows ended by RST.
    FlowsReset = "flows_reset",
    /// Flows put out because the table was full.
    FlowsEvicted = "flows_evicted",
    /// Flows still open when the sensor stopped.
    FlowsShutdown = "flows_shutdown",
    /// TCP flows ended, whatever ended them.
    FlowsTcpEnded = "flows_tcp_ended",
    /// TCP flows of several packets that were seen in one direction only.
    FlowsOneSided = "flows_one_sided",
    /// TCP flows whose two directions carried different VLAN tags.
    FlowsHalfTagged = "flows_half_tagged",
    /// Packets that found no place in the flow table.
    FlowsRefused = "flows_refused",
    /// TCP sessions followed.
    StreamSessions = "stream_sessions",
    /// TCP sessions followed whose handshake was not seen.
    StreamMidstream = "stream_midstream",
    /// TCP sessions not followed because there was no memory for more.
    StreamSessionsRefused = "stream_sessions_refused",
    /// TCP segments not used: their numbers, flags or timestamps are not what their receiver would take.
    StreamSegmentsInvalid = "stream_segments_invalid",
    /// TCP segments whose data was not kept: too much memory, or too many waiting behind a hole.
    StreamSegmentsRefused = "stream_segments_refused",
    /// Acknowledgements of TCP data that was not seen before.
    StreamAcksUnseen = "stream_acks_unseen",
    /// Holes in TCP streams that were given up.
    StreamGaps = "stream_gaps",
    /// TCP segments that say something else than an earlier one where they overlap.
    StreamOverlapsDifferent = "stream_overlaps_different",
    /// Directions of TCP sessions that went on beyond the depth to which they are put together.
    StreamDepthReached = "stream_depth_reached",
    /// DHCPv4 messages parsed.
    DhcpMessages = "dhcp_messages",
    /// Datagrams on the DHCP ports that are no DHCPv4 message.
    DhcpMalformed = "dhcp_malformed",
    /// DHCP transactions put out because the table was full.
    DhcpEvicted = "dhcp_evicted",
    /// Packets marked by a rule with `tag`: those that follow its match. They are counted and no more, since there is no
    /// event for a packet.
    PacketsTagged = "packets_tagged",
    /// Tags of addresses not kept because the table was full.
    TagsRefused = "tags_refused",
    /// Bits of addresses, pairs and transactions (`xbits`, `hostbits`) not set because the table was full.
    AddressBitsRefused = "address_bits_refused",
    /// Inspections of a buffer ended because they tried too many steps. They do not hold.
    InspectionsCutShort = "inspections_cut_short",
    /// Calls of `pcre` ended because they took too much work. They do not hold.
    PcreCutShort = "pcre_cut_short",
    /// Values captured by `pcre` and not kept for lack of room.
    CapturesRefused = "captures_refused",
    /// Values that were to join a data set and found no room.
    DatasetValuesRefused = "dataset_values_refused",
    /// Findings handed by workers to the collector.
    FindingsHandedOver = "findings_handed_over",
    /// Findings that the collector took over.
    FindingsTakenOver = "findings_taken_over",
    /// Findings dropped because too many waited for the collector.
    FindingsDropped = "findings_dropped",
    /// Panics of workers, each of which cost the inspection of one flow.
    WorkerPanics = "worker_panics",
    /// Detections by rules, before thresholds and the limit per packet.
    Detections = "detections",
    /// Detections held back by threshold, detection_filter or suppress.
    DetectionsSuppressed = "detections_suppressed",
    /// Detections beyond the limit per packet.
    DetectionsOverLimit = "detections_over_limit",
    /// Thresholds forgotten because the table was full.
    ThresholdsEvicted = "thresholds_evicted",
    /// Alerts sent before their flow ended because too many waited for that.
    AlertsNotHeld = "alerts_not_held",
    /// Files stored that rules asked for.
    FilesStored = "files_stored",
    /// Files among them of which only the first part is there: something was not seen, or they are too long.
    FilesStoredCut = "files_stored_cut",
    /// Files that were not stored again, since the directory had them.
    FilesStoredBefore = "files_stored_before",
    /// Files not stored because memory for files was full.
    FilesRefusedMemory = "files_refused_memory",
    /// Files not stored because too many waited to be written.
    FilesRefusedQueue = "files_refused_queue",
    /// Files not stored because the directory was as full as it may be.
    FilesRefusedDirectory = "files_refused_directory",
    /// Files not stored because the disk did not take them.
    FilesRefusedDisk = "files_refused_disk",
    /// Alert events created.
    Alerts = "alerts",
    /// DHCP events created.
    DhcpEvents = "dhcp_events",
    /// Records of transactions and flows made.
    ActivityRecords = "activity_records",
    /// Events written to the output.
    EventsWritten = "events_written",
    /// Events dropped because the output was gone.
    EventsDroppedOutput = "events_dropped_output",
    /// Events with fields cut to stay within the size of an event.
    EventsCut = "events_cut",
}

/// The counts of one thread.
#[derive(Clone, Debug)]
pub struct Counters([u64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; Counter::ALL.len()])
    }
}

impl Counters {
    /// Counts one.
    #[inline]
    pub fn increment(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts several.
    #[inline]
    pub fn add(&mut self, counter: Counter, amount: u64) {
        self.0[counter as usize] += amount;
    }

    /// How many so far.
    #[inline]
    pub fn value(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// What was counted since these were `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (mine, theirs) in since.0.iter_mut().zip(&earlier.0) {
            *mine = mine.saturating_sub(*theirs);
        }
        since
    }

    /// Adds another thread's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// Every counter with its value, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        Counter::ALL.iter().map(|&counter| (counter, self.value(counter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_documented() {
        let names: HashSet<_> = Counter::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), Counter::ALL.len());
        assert!(Counter::ALL.iter().all(|c| c.doc().ends_with('.')));
    }

    #[test]
    fn merging_adds() {
        let mut a = Counters::default();
        let mut b = Counters::default();
        a.increment(Counter::Alerts);
        b.add(Counter::Alerts, 2);
        a.merge(&b);
        assert_eq!(a.value(Counter::Alerts), 3);
    }
}
