//! The loop of one worker: its rings, its shard, and what others hand it.

use super::board::Slate;
use super::exchange::{Inbox, LetterPeers, Parcel, Peers};
use super::findings::FindingsSender;
use super::orders::Orders;
use crate::capture::{Burst, CaptureError, Filled, LiveCapture, PacketSource};
use crate::collect::{Found, Order};
use crate::counter::{Counter, Counters};
use crate::decode;
use crate::runtime::checksum::ChecksumWatch;
use crate::worker::{Assignment, Letter, Shard};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// How long a worker sleeps where nothing comes: until the next tick of its clock, more or less.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// Parcels of others taken up between two looks at the rings.
const PARCELS: usize = 4;

/// Everything of one worker.
pub(super) struct LiveWorker {
    pub(super) number: usize,
    pub(super) shards: u16,
    pub(super) source: LiveCapture,
    pub(super) shard: Shard,
    pub(super) watch: ChecksumWatch,
    pub(super) inbox: Inbox,
    pub(super) findings: FindingsSender,
    pub(super) slate: Arc<Slate>,
    pub(super) orders: Arc<Orders>,
    /// What is counted here, besides what shard and source count.
    pub(super) counters: Counters,
    /// What was found and not handed to the collector yet.
    pub(super) found: Vec<(Order, Found)>,
    /// The rule set in use.
    pub(super) generation: u64,
}

impl LiveWorker {
    /// Works until told to stop; then on what the rings hold, and on what others still hand over.
    pub(super) fn run(mut self, peers: Peers) {
        let mut burst = Arc::new(Burst::default());
        let shards = self.shards;
        let shard_of = move |link, bytes: &[u8]| decode::owner(decode::shard(bytes, link), shards);
        let mut number = 0;
        loop {
            if self.orders.stopping() {
                self.source.stop();
            }
            self.follow_rules();
            let room = Arc::get_mut(&mut burst).expect("whoever worked on it is done");
            let filled = self.source.fill(room, &shard_of);
            match &filled {
                Ok(Filled::Ended) => break,
                Ok(Filled::Frames | Filled::Idle) => {}
                Err(fault) => self.tell(fault),
            }
            let verify_before = self.watch.verify_before(&burst);
            self.work(&Assignment { number, burst: Arc::clone(&burst), verify_before });
            number += 1;
            let mut parcels = 0;
            while parcels < PARCELS
                && let Some(parcel) = self.inbox.take()
            {
                self.open(parcel);
                parcels += 1;
            }
            self.post(|worker, letters| peers.to(worker).send_letters(letters));
            self.publish(|this| this.hand_over(&burst, &peers));
            if parcels == 0 && !matches!(filled, Ok(Filled::Frames)) {
                self.source.wait(LONGEST_WAIT);
            }
        }
        self.finish(peers.end_frames(), number);
    }

    /// Takes up another rule set, if there is one.
    fn follow_rules(&mut self) {
        if let Some((generation, rules)) = self.orders.newer_rules(self.generation) {
            self.shard.adopt(rules);
            self.generation = generation;
            self.slate.set_generation(generation);
        }
    }

    fn tell(&self, fault: &CaptureError) {
        tracing::warn!(worker = self.number, %fault, "packets are missed until it is back");
    }

    /// Hands the frames of other shards to their owners.
    fn hand_over(&mut self, burst: &Burst, peers: &Peers) {
        if self.shards == 1 {
            return;
        }
        let mut others: Vec<Burst> = Vec::new();
        for index in 0..burst.len() {
            let owner = usize::from(burst.shard(index));
            if owner == self.number {
                continue;
            }
            if others.is_empty() {
                others.resize_with(self.shards.into(), Burst::default);
            }
            let frame = burst.frame(index);
            others[owner].push(frame.time, frame.wire_len, frame.link, burst.shard(index), frame.bytes);
        }
        for (owner, frames) in others.into_iter().enumerate().filter(|(_, frames)| !frames.is_empty()) {
            let count = frames.len() as u64;
            let sent = peers.to(owner).send_frames(frames);
            let counter = if sent { Counter::PacketsHandedOver } else { Counter::PacketsDroppedHandover };
            self.counters.add(counter, count);
        }
    }

    /// Works through the frames of a burst that are the worker's own.
    fn work(&mut self, assignment: &Assignment) {
        let Self { shard, .. } = self;
        match catch_unwind(AssertUnwindSafe(|| shard.run(assignment))) {
            Ok(report) => self.found.extend(report.found),
            Err(_) => self.counters.increment(Counter::WorkerPanics),
        }
    }

    fn open(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Frames(burst) => self.take_over(burst),
            Parcel::Letters(letters) => self.read(&letters),
        }
    }

    fn take_over(&mut self, burst: Burst) {
        self.counters.add(Counter::PacketsTakenOver, burst.len() as u64);
        let verify_before = if self.watch.found_offload() { 0 } else { u64::MAX };
        self.work(&Assignment { number: 0, burst: Arc::new(burst), verify_before });
    }

    fn read(&mut self, letters: &[Letter]) {
        let found = self.shard.read_letters(letters);
        self.found.extend(found);
    }

    /// Posts what the shard has for others, and reads what it has for itself.
    fn post(&mut self, send: impl Fn(usize, Vec<Letter>)) {
        let mut own = Vec::new();
        for (worker, mail) in self.shard.outgoing(0).enumerate().filter(|(_, mail)| !mail.letters.is_empty())
        {
            if worker == self.number {
                own = mail.letters;
            } else {
                send(worker, mail.letters);
            }
        }
        if !own.is_empty() {
            self.read(&own);
        }
    }

    /// Hands over what is for others, and shows what was counted, at one moment.
    fn publish(&mut self, hand_over: impl FnOnce(&mut Self)) {
        let slate = Arc::clone(&self.slate);
        let held = slate.hold();
        hand_over(self);
        let found = std::mem::take(&mut self.found);
        self.findings.send(found, &mut self.counters);
        held.show(&[&self.counters, self.shard.counters(), self.source.counters()]);
        slate.set_flows(self.shard.flows(), self.shard.app_layer_bytes());
    }

    /// Takes what others still hand over, and ends all flows.
    fn finish(mut self, peers: LetterPeers, number: u64) {
        let frames: Vec<_> = self.inbox.last_frames().collect();
        for burst in frames {
            self.take_over(burst);
            self.post(|worker, letters| peers.send(worker, letters));
        }
        drop(peers);
        let letters: Vec<_> = self.inbox.last_letters().collect();
        letters.iter().for_each(|letters| self.read(letters));
        let report = self.shard.finish(number, 0);
        self.found.extend(report.found);
        self.publish(|_| {});
    }
}
