//! What is marked by `tag`: packets that follow a match (Suricata documentation: "Tag").

use crate::time::Timestamp;
use papaya::HashMap;
use rules::effect::TagMetric;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How much is still to be marked. Several tags on the same count side by side: a packet is marked while one lasts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tag {
    packets: u64,
    bytes: u64,
    until: Timestamp,
}

impl Tag {
    /// What follows is marked to that extent, or further where it was already.
    pub(super) fn extend(&mut self, metric: TagMetric, now: Timestamp) {
        match metric {
            TagMetric::Packets(count) => self.packets = self.packets.max(count.into()),
            TagMetric::Bytes(count) => self.bytes = self.bytes.max(count.into()),
            TagMetric::Seconds(count) => {
                self.until = self.until.max(now.after(Duration::from_secs(count.into())));
            }
        }
    }

    /// Whether a packet is marked; takes it off what is still to be.
    pub(super) fn mark(&mut self, now: Timestamp, wire_len: u32) -> bool {
        let marked = self.lasts(now);
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(wire_len.into());
        marked
    }

    fn lasts(&self, now: Timestamp) -> bool {
        self.packets > 0 || self.bytes > 0 || self.until >= now && self.until > Timestamp::ZERO
    }
}

/// A tag that several workers hold.
#[derive(Debug, Default)]
struct SharedTag {
    packets: AtomicU64,
    bytes: AtomicU64,
    until: AtomicU64,
}

impl SharedTag {
    fn load(&self) -> Tag {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let until = Timestamp::from_nanos(read(&self.until));
        Tag { packets: read(&self.packets), bytes: read(&self.bytes), until }
    }

    fn store(&self, tag: Tag) {
        self.packets.store(tag.packets, Ordering::Relaxed);
        self.bytes.store(tag.bytes, Ordering::Relaxed);
        self.until.store(tag.until.as_nanos(), Ordering::Relaxed);
    }
}

/// The tags of addresses, shared by all workers without a lock.
#[derive(Debug)]
pub(super) struct HostTags {
    hosts: HashMap<IpAddr, SharedTag>,
    capacity: usize,
}

impl HostTags {
    /// Room for so many addresses.
    pub(super) fn new(capacity: usize) -> Self {
        Self { hosts: HashMap::new(), capacity }
    }

    /// Marks what follows of an address; whether there was room.
    pub(super) fn extend(&self, address: IpAddr, metric: TagMetric, now: Timestamp) -> bool {
        let hosts = self.hosts.pin();
        let known = hosts.contains_key(&address);
        if !known && hosts.len() >= self.capacity {
            return false;
        }
        let shared = hosts.get_or_insert_with(address, SharedTag::default);
        let mut tag = shared.load();
        tag.extend(metric, now);
        shared.store(tag);
        true
    }

    /// Whether a packet between two addresses is marked by one of them; takes it off what is still to be.
    pub(super) fn mark(&self, one: IpAddr, other: IpAddr, now: Timestamp, wire_len: u32) -> bool {
        let hosts = self.hosts.pin();
        let mark = |address: IpAddr| {
            let Some(shared) = hosts.get(&address) else { return false };
            let mut tag = shared.load();
            let marked = tag.mark(now, wire_len);
            if tag.lasts(now) {
                shared.store(tag);
            } else {
                hosts.remove(&address);
            }
            marked
        };
        let first = mark(one);
        first | (one != other && mark(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds, 0)
    }

    /// Which of packets of 100 bytes, one each second, are marked.
    fn marked(metrics: &[TagMetric]) -> Vec<u64> {
        let mut tag = Tag::default();
        metrics.iter().for_each(|&metric| tag.extend(metric, at(0)));
        (1..10).filter(|&second| tag.mark(at(second), 100)).collect()
    }

    #[test]
    fn so_many_packets_bytes_or_seconds_are_marked() {
        assert_eq!(marked(&[TagMetric::Packets(3)]), [1, 2, 3]);
        assert_eq!(marked(&[TagMetric::Seconds(4)]), [1, 2, 3, 4]);
        assert_eq!(marked(&[TagMetric::Bytes(250)]), [1, 2, 3]);
        assert_eq!(marked(&[TagMetric::Packets(1), TagMetric::Bytes(200)]), [1, 2]);
        assert_eq!(marked(&[]), Vec::<u64>::new());
    }

    #[test]
    fn the_packets_of_a_host_are_marked_whichever_way_they_go() {
        let (one, other, third) =
            (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]), IpAddr::from([10, 0, 0, 3]));
        let tags = HostTags::new(1);
        assert!(tags.extend(one, TagMetric::Packets(2), at(0)));
        assert!(!tags.extend(other, TagMetric::Packets(2), at(0)), "there is room for one");
        assert!(tags.mark(one, other, at(1), 60));
        assert!(!tags.mark(other, third, at(1), 60));
        assert!(tags.mark(third, one, at(2), 60));
        assert!(!tags.mark(one, one, at(3), 60));
        assert!(tags.extend(other, TagMetric::Packets(2), at(4)), "what is done makes room");
    }
}
