//! Records at places that never move, and lists threaded through them. Knows nothing of flows.
//!
//! Memory comes in chunks, so that growing never copies a record: a table of millions grows without a pause.

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Records in a chunk.
const CHUNK: usize = 4096;

#[derive(Debug)]
enum Slot<T> {
    Used(T),
    /// Followed by the next free place.
    Free(u32),
}

/// Records, each at a place that is its own until it is removed.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: u32,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, len: 0 }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that one record takes.
    pub(super) const fn record_bytes() -> usize {
        size_of::<Slot<T>>()
    }

    /// Puts a record into a free place.
    ///
    /// The caller keeps the number of records below [`NONE`].
    pub(super) fn insert(&mut self, record: T) -> u32 {
        self.len += 1;
        if self.free != NONE {
            let at = self.free;
            let slot = self.slot_mut(at);
            let Slot::Free(next) = std::mem::replace(slot, Slot::Used(record)) else {
                unreachable!("the free list holds free places")
            };
            self.free = next;
            return at;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("a chunk with room was just ensured");
        chunk.push(Slot::Used(record));
        u32::try_from(before + chunk.len() - 1).expect("the caller bounds the number of records")
    }

    /// Takes the record out.
    pub(super) fn remove(&mut self, at: u32) -> T {
        let free = self.free;
        let Slot::Used(record) = std::mem::replace(self.slot_mut(at), Slot::Free(free)) else {
            unreachable!("only used places are removed")
        };
        self.free = at;
        self.len -= 1;
        record
    }

    /// The places in use, in no order that means anything.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> + '_ {
        let slots = self.chunks.iter().flatten();
        (0..).zip(slots).filter(|(_, slot)| matches!(slot, Slot::Used(_))).map(|(at, _)| at)
    }

    #[inline]
    pub(super) fn record(&self, at: u32) -> &T {
        match &self.chunks[at as usize / CHUNK][at as usize % CHUNK] {
            Slot::Used(record) => record,
            Slot::Free(_) => unreachable!("places are given up before their records are removed"),
        }
    }

    #[inline]
    pub(super) fn record_mut(&mut self, at: u32) -> &mut T {
        match self.slot_mut(at) {
            Slot::Used(record) => record,
            Slot::Free(_) => unreachable!("places are given up before their records are removed"),
        }
    }

    /// Begins loading what lies at the place, whatever it is.
    #[inline]
    pub(super) fn prefetch(&self, at: u32) {
        super::prefetch::prefetch(&self.chunks[at as usize / CHUNK][at as usize % CHUNK]);
    }

    #[inline]
    fn slot_mut(&mut self, at: u32) -> &mut Slot<T> {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }
}

/// A record's neighbours in one list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    prev: u32,
    next: u32,
}

impl Link {
    /// In no list.
    pub(super) const LOOSE: Self = Self { prev: NONE, next: NONE };
}

/// A record that can be in the list `L`.
pub(super) trait Linked<const L: usize> {
    fn link(&mut self) -> &mut Link;
}

/// A list threaded through records of a slab.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<const L: usize> {
    head: u32,
    tail: u32,
}

impl<const L: usize> List<L> {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE };

    /// The first record's place.
    pub(super) fn first(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }

    pub(super) fn push_back<T: Linked<L>>(&mut self, slab: &mut Slab<T>, at: u32) {
        *slab.record_mut(at).link() = Link { prev: self.tail, next: NONE };
        match self.tail {
            NONE => self.head = at,
            tail => slab.record_mut(tail).link().next = at,
        }
        self.tail = at;
    }

    pub(super) fn remove<T: Linked<L>>(&mut self, slab: &mut Slab<T>, at: u32) {
        let Link { prev, next } = std::mem::replace(slab.record_mut(at).link(), Link::LOOSE);
        match prev {
            NONE => self.head = next,
            prev => slab.record_mut(prev).link().next = next,
        }
        match next {
            NONE => self.tail = prev,
            next => slab.record_mut(next).link().prev = prev,
        }
    }

    /// Moves all of `other` to the end.
    pub(super) fn append<T: Linked<L>>(&mut self, slab: &mut Slab<T>, other: &mut Self) {
        if other.head == NONE {
            return;
        }
        match self.tail {
            NONE => self.head = other.head,
            tail => {
                slab.record_mut(tail).link().next = other.head;
                slab.record_mut(other.head).link().prev = tail;
            }
        }
        self.tail = other.tail;
        *other = Self::EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Node(Link);

    impl Linked<0> for Node {
        fn link(&mut self) -> &mut Link {
            &mut self.0
        }
    }

    fn places(list: List<0>, slab: &mut Slab<Node>) -> Vec<u32> {
        let mut found = Vec::new();
        let mut at = list.head;
        while at != NONE {
            found.push(at);
            at = slab.record_mut(at).0.next;
        }
        found
    }

    #[test]
    fn a_place_is_used_again_and_others_stay() {
        let mut slab = Slab::new();
        let places: Vec<u32> = (0..CHUNK as u32 + 2).map(|n| slab.insert(n)).collect();
        assert_eq!(slab.remove(places[7]), 7);
        assert_eq!(slab.places().count(), CHUNK + 1);
        assert_eq!(slab.insert(99), places[7]);
        assert_eq!(*slab.record(places[7]), 99);
        assert_eq!(*slab.record(places[CHUNK]), CHUNK as u32);
        assert_eq!(slab.len(), CHUNK + 2);
    }

    #[test]
    fn lists_keep_order_through_removal_and_joining() {
        let mut slab = Slab::new();
        let mut one = List::EMPTY;
        let mut two = List::EMPTY;
        for n in 0..6 {
            let at = slab.insert(Node(Link::LOOSE));
            if n < 4 { &mut one } else { &mut two }.push_back(&mut slab, at);
        }
        one.remove(&mut slab, 0);
        one.remove(&mut slab, 2);
        one.append(&mut slab, &mut two);
        assert_eq!(places(one, &mut slab), [1, 3, 4, 5]);
        one.remove(&mut slab, 5);
        one.push_back(&mut slab, 0);
        assert_eq!(places(one, &mut slab), [1, 3, 4, 0]);
        assert_eq!(two.first(), None);
        two.append(&mut slab, &mut one);
        assert_eq!((two.first(), one.first()), (Some(1), None));
    }
}
