//! What workers of a live capture give each other: frames that belong to another's shard, and DHCP messages.
//!
//! Nothing waits for room. Whoever has too much before it loses what comes then, and that is counted.

use crate::capture::{Burst, Waker};
use crate::worker::Letter;
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};

/// Something handed over.
#[derive(Debug)]
pub(super) enum Parcel {
    /// Frames of the receiver's shard.
    Frames(Burst),
    /// DHCP messages of transactions that are the receiver's.
    Letters(Vec<Letter>),
}

/// The way to one worker.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    frames: Sender<Burst>,
    letters: Sender<Vec<Letter>>,
    waker: Waker,
}

impl Peer {
    /// Hands frames over; whether there was room.
    pub(super) fn send_frames(&self, burst: Burst) -> bool {
        let sent = self.frames.try_send(burst).is_ok();
        self.waker.wake();
        sent
    }

    /// Hands messages over. They are few, and their number is bounded by that of the frames under way.
    pub(super) fn send_letters(&self, letters: Vec<Letter>) {
        // A worker that is gone has no transactions any more.
        let _ = self.letters.send(letters);
        self.waker.wake();
    }
}

/// One worker's own end.
#[derive(Debug)]
pub(super) struct Inbox {
    frames: Receiver<Burst>,
    letters: Receiver<Vec<Letter>>,
}

impl Inbox {
    /// What has come, if anything has.
    pub(super) fn take(&self) -> Option<Parcel> {
        let frames = || self.frames.try_recv().ok().map(Parcel::Frames);
        self.letters.try_recv().ok().map(Parcel::Letters).or_else(frames)
    }

    /// Waits for frames, until nobody can send any.
    pub(super) fn last_frames(&self) -> impl Iterator<Item = Burst> + '_ {
        self.frames.iter()
    }

    /// Waits for messages, until nobody can send any.
    pub(super) fn last_letters(&self) -> impl Iterator<Item = Vec<Letter>> + '_ {
        self.letters.iter()
    }
}

/// The ways from one worker to all, itself included.
#[derive(Debug)]
pub(super) struct Peers(Vec<Peer>);

impl Peers {
    pub(super) fn to(&self, worker: usize) -> &Peer {
        &self.0[worker]
    }

    /// Sends no more frames, and for the time being messages.
    pub(super) fn end_frames(self) -> LetterPeers {
        LetterPeers(self.0.into_iter().map(|peer| peer.letters).collect())
    }
}

/// The ways of messages alone.
#[derive(Debug)]
pub(super) struct LetterPeers(Vec<Sender<Vec<Letter>>>);

impl LetterPeers {
    pub(super) fn send(&self, worker: usize, letters: Vec<Letter>) {
        // As with `Peer::send_letters`.
        let _ = self.0[worker].send(letters);
    }
}

/// An inbox for each worker, with room for so many bursts, and the ways to them.
pub(super) fn exchange(wakers: &[Waker], room: usize) -> (Vec<Inbox>, Vec<Peers>) {
    let mut peers = Vec::new();
    let mut inboxes = Vec::new();
    for waker in wakers {
        let (frames, frames_in) = bounded(room.max(1));
        let (letters, letters_in) = unbounded();
        peers.push(Peer { frames, letters, waker: waker.clone() });
        inboxes.push(Inbox { frames: frames_in, letters: letters_in });
    }
    let all = wakers.iter().map(|_| Peers(peers.clone())).collect();
    (inboxes, all)
}
