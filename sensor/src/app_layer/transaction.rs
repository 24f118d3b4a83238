//! The transactions of one flow: numbered, bounded, and kept until both ways are complete and were looked at.

use super::file::Wanted;
use crate::event::Direction;
use std::collections::VecDeque;
use std::ops::Range;

/// The most transactions of one flow that are open at once. One more, and the oldest is taken as complete (Suricata:
/// `app-layer.protocols.http.libhtp.default-config.max-tx`, 512).
pub const MAX_OPEN: usize = 512;

/// A rule that has begun to match a transaction and waits for more of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// Which rule of the set.
    pub rule: u32,
    /// Which of its inspections have held, a bit each.
    pub held: u64,
    /// It has alerted on files before this one.
    pub from_file: usize,
    /// The file on which an inspection of files has held last.
    pub file: Option<usize>,
}

/// A rule that has alerted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settled {
    /// Which rule of the set.
    pub rule: u32,
    /// When it is tried again.
    pub again: Again,
}

/// When a rule that has alerted on one way of a transaction is tried there again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Again {
    /// It is not.
    Never,
    /// Once there are more files than so many.
    WithMoreFiles(usize),
    /// As often as something comes while that way has come so far and no further.
    While(u8),
}

/// What whoever inspects has noted of one way of a transaction.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// Fields of a lower progress were looked at.
    pub looked_below: u8,
    /// Rules that wait for more, ascending.
    pub waiting: Vec<Waiting>,
    /// Rules that are settled, of those alone that could be tried again.
    pub settled: Vec<Settled>,
    /// There is nothing left to look at.
    pub finished: bool,
    /// The transaction is as it was when rules looked: they look again once its parser has gone on with it, or at its
    /// end, as Suricata does.
    pub unchanged: bool,
}

impl Noted {
    /// How much memory it takes up beside itself, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>() + self.settled.capacity() * size_of::<Settled>()
    }
}

/// One transaction.
#[derive(Debug, Default)]
pub struct Transaction<T> {
    number: u64,
    /// What rules ask of its files.
    pub wanted: Wanted,
    /// All files are to be stored, by the way that they go.
    pub(super) store: [bool; 2],
    /// What the protocol says.
    pub data: T,
    /// How far request and response have come; nothing before the first byte.
    progress: [Option<u8>; 2],
    /// Ways that it does not have.
    without: [bool; 2],
    events: u128,
    /// A record was made of it.
    told: bool,
    /// What whoever inspects has noted, by way.
    pub noted: [Noted; 2],
}

/// A way of a transaction at which rules are to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Due {
    /// Which transaction.
    pub number: u64,
    /// How far the way has come.
    pub progress: u8,
    /// Whether nothing more comes.
    pub complete: bool,
}

impl<T> Transaction<T> {
    /// Notes that the request or response has come so far; it never goes back.
    pub fn advance(&mut self, direction: Direction, progress: u8) {
        let now = &mut self.progress[direction.index()];
        *now = (*now).max(Some(progress));
    }

    /// How far the request or response has come; nothing before its first byte.
    pub fn progress(&self, direction: Direction) -> Option<u8> {
        self.progress[direction.index()]
    }

    /// Notes that something is wrong: a number of the protocol's events, below 128.
    pub fn event(&mut self, number: u8) {
        self.events |= 1u128.checked_shl(u32::from(number)).unwrap_or(0);
    }

    /// The numbers of what is wrong.
    pub fn events(&self) -> impl Iterator<Item = u8> + '_ {
        (0..128).filter(|&number| self.events & (1 << number) != 0)
    }

    /// Whether something is wrong.
    pub fn has_events(&self) -> bool {
        self.events != 0
    }

    /// Whether it has a way at all: some are only requests, or only responses.
    pub fn goes(&self, direction: Direction) -> bool {
        !self.without[direction.index()]
    }

    /// Its parser goes on with it.
    fn changing(&mut self) -> &mut Self {
        self.noted.iter_mut().for_each(|noted| noted.unchanged = false);
        self
    }

    fn is_over(&self) -> bool {
        Direction::ALL.iter().all(|&way| !self.goes(way) || self.noted[way.index()].finished)
    }
}

/// The transactions of one flow, the oldest first. Each is let go of by itself: one that stays open, such as a stream of
/// HTTP/2, holds up none of those behind it.
#[derive(Debug, Default)]
pub struct Transactions<T> {
    /// The number of the next one.
    next: u64,
    open: VecDeque<Transaction<T>>,
    complete: [u8; 2],
    /// Transactions taken as complete for lack of room.
    pub cut_short: u64,
    /// Parts of transactions that were not kept for lack of room.
    pub refused: u64,
    /// What rules ask of files.
    pub wanted: Wanted,
    /// Some file is to be stored.
    pub(super) stores: bool,
    /// All files are, by the way that they go.
    pub(super) store: [bool; 2],
}

impl<T: Default> Transactions<T> {
    pub(super) fn new(complete: [u8; 2]) -> Self {
        Self { complete, ..Self::default() }
    }

    /// Whether one more cuts the oldest short.
    pub fn is_full(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }

    /// A new transaction with its number.
    pub fn begin(&mut self) -> (u64, &mut Transaction<T>) {
        if self.is_full() {
            // Whoever inspects had its chance at it with every packet so far.
            self.open.pop_front();
            self.cut_short += 1;
        }
        if self.open.capacity() == 0 {
            // Most flows have one at a time.
            self.open.reserve_exact(1);
        }
        let number = self.next;
        self.next += 1;
        self.open.push_back(Transaction { number, wanted: self.wanted.clone(), ..Transaction::default() });
        (number, self.open.back_mut().expect("one was just put in"))
    }

    /// A new transaction that goes one way alone, with its number.
    pub fn begin_one_way(&mut self, direction: Direction) -> (u64, &mut Transaction<T>) {
        let (id, transaction) = self.begin();
        transaction.without[direction.opposite().index()] = true;
        (id, transaction)
    }

    /// The transaction of that number, as long as it is kept, for its parser to go on with.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Transaction<T>> {
        self.noted_mut(id).map(Transaction::changing)
    }

    /// The transaction of that number, as long as it is kept, for whoever inspects.
    pub(super) fn noted_mut(&mut self, id: u64) -> Option<&mut Transaction<T>> {
        let place = self.place(id)?;
        self.open.get_mut(place)
    }

    /// The transaction of that number, as long as it is kept.
    pub fn get(&self, id: u64) -> Option<&Transaction<T>> {
        self.open.get(self.place(id)?)
    }

    fn place(&self, id: u64) -> Option<usize> {
        let from_first = usize::try_from(id.checked_sub(self.open.front()?.number)?).ok()?;
        // Mostly none is missing in between.
        match self.open.get(from_first) {
            Some(one) if one.number == id => Some(from_first),
            _ => self.open.binary_search_by_key(&id, |one| one.number).ok(),
        }
    }

    /// Where the oldest is that is kept, of those from `id` on.
    fn place_from(&self, id: u64) -> usize {
        self.place(id).unwrap_or_else(|| self.open.partition_point(|one| one.number < id))
    }

    /// The number of the oldest that is kept, of those from `id` on.
    pub fn following(&self, id: u64) -> Option<u64> {
        Some(self.open.get(self.place_from(id))?.number)
    }

    /// The oldest from `id` on of which rules are to look at one way; with `ends`, nothing more comes that way.
    pub(super) fn due(&mut self, id: u64, direction: Direction, ends: bool) -> Option<Due> {
        let (from, enough) = (self.place_from(id), self.complete[direction.index()]);
        for one in self.open.range_mut(from..) {
            let progress = one.progress(direction).filter(|_| one.goes(direction));
            let complete = ends || !one.goes(direction) || progress.is_some_and(|now| now >= enough);
            let noted = &mut one.noted[direction.index()];
            if noted.finished || noted.unchanged && !complete {
                continue;
            }
            match progress {
                Some(progress) => return Some(Due { number: one.number, progress, complete }),
                None => noted.finished = complete,
            }
        }
        None
    }

    /// The newest.
    pub fn last_mut(&mut self) -> Option<&mut Transaction<T>> {
        self.open.back_mut().map(Transaction::changing)
    }

    /// Those kept, the oldest first, for their parser to go on with.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Transaction<T>> {
        self.open.iter_mut().map(Transaction::changing)
    }

    /// The same, for whoever inspects.
    pub(super) fn noted_iter_mut(&mut self) -> impl Iterator<Item = &mut Transaction<T>> {
        self.open.iter_mut()
    }

    /// Those kept, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Transaction<T>> {
        self.open.iter()
    }

    /// From the number of the oldest that is kept to that of the next one.
    pub fn numbers(&self) -> Range<u64> {
        self.open.front().map_or(self.next, |oldest| oldest.number)..self.next
    }

    /// Whether a way of a transaction is complete.
    pub fn is_complete(&self, transaction: &Transaction<T>, direction: Direction) -> bool {
        transaction.progress(direction).is_some_and(|now| now >= self.complete[direction.index()])
    }

    /// The number of the first from `id` on of which no record was made, and that is complete or, as `enough` says, tells
    /// all that it ever will; of any with `ends`.
    pub(super) fn untold(&self, id: u64, ends: bool, enough: impl Fn(&T) -> bool) -> Option<u64> {
        let over = |one: &&Transaction<T>| {
            let complete = |&way: &Direction| !one.goes(way) || self.is_complete(one, way);
            one.number >= id
                && !one.told
                && (ends || enough(&one.data) || Direction::ALL.iter().all(complete))
        };
        Some(self.open.iter().find(over)?.number)
    }

    /// A record was made of a transaction.
    pub(super) fn set_told(&mut self, id: u64) {
        if let Some(transaction) = self.noted_mut(id) {
            transaction.told = true;
        }
    }

    /// Lets go of those of which both ways are done with, as far as a record was made of them or none is wanted.
    pub(super) fn release(&mut self, records: bool) {
        let done = |one: &Transaction<T>| one.is_over() && (one.told || !records);
        let first = self.open.iter().take_while(|one| done(one)).count();
        self.open.drain(..first);
        if self.open.iter().any(done) {
            self.open.retain(|one| !done(one));
        }
    }
}

/// The one transaction of a connection that has no more.
#[derive(Debug, Default)]
pub struct Sole(Option<u64>);

impl Sole {
    /// The transaction, begun when it is asked for first; nothing once it was let go of.
    pub fn get_mut<'t, T: Default>(
        &mut self,
        transactions: &'t mut Transactions<T>,
    ) -> Option<&'t mut Transaction<T>> {
        let number = *self.0.get_or_insert_with(|| transactions.begin().0);
        transactions.get_mut(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_look_at_what_has_begun_and_changed_or_is_complete() {
        const WAY: Direction = Direction::ToServer;
        let mut transactions = Transactions::<()>::new([2; 2]);
        let [still, begun, other, looked] = [0; 4].map(|_| transactions.begin().0);
        transactions.get_mut(begun).expect("it is kept").advance(WAY, 1);
        transactions.get_mut(other).expect("it is kept").without[WAY.index()] = true;
        transactions.get_mut(looked).expect("it is kept").advance(WAY, 1);
        transactions.noted_mut(looked).expect("it is kept").noted[WAY.index()].unchanged = true;
        let due = |number, complete| Some(Due { number, progress: 1, complete });
        assert_eq!(transactions.due(still, WAY, false), due(begun, false));
        assert_eq!(transactions.due(other, WAY, false), None);
        assert_eq!(transactions.due(other, WAY, true), due(looked, true), "nothing more comes");
        let finished = [still, begun, other]
            .map(|number| transactions.noted_mut(number).expect("it is kept").noted[WAY.index()].finished);
        assert_eq!(
            finished,
            [false, false, true],
            "there is nothing to look at in a way that it does not have"
        );
    }

    #[test]
    fn a_transaction_is_unchanged_until_its_parser_goes_on_with_it() {
        let mut transactions = Transactions::<()>::new([1; 2]);
        let [first, second] = [0; 2].map(|_| transactions.begin().0);
        let unchanged = |transactions: &mut Transactions<()>, look: bool| {
            [first, second].map(|number| {
                let noted = &mut transactions.noted_mut(number).expect("it is kept").noted[0];
                noted.unchanged |= look;
                noted.unchanged
            })
        };
        assert_eq!(unchanged(&mut transactions, false), [false; 2], "nobody has looked yet");
        assert_eq!(unchanged(&mut transactions, true), [true; 2]);
        transactions.get_mut(first).expect("it is kept").advance(Direction::ToServer, 1);
        assert_eq!(unchanged(&mut transactions, false), [false, true]);
        assert_eq!(transactions.iter().count(), 2);
        assert_eq!(unchanged(&mut transactions, false), [false, true], "counting changes nothing");
    }
}
