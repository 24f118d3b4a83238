//! A parser with its transactions, whichever protocol it is of.

use super::file::kept::Kept;
use super::file::transfer::{Files, READERS as FILE_READERS};
use super::file::{Store, Wanted};
use super::frames;
use super::parser::{Expectation, HandedOver, Input, Malformed, Parser, Requests, VisitWindow};
use super::transaction::{Due, Noted, Transaction, Transactions};
use crate::event::{Direction, Http};
use crate::memory;
use rules::effect::StoreScope;
use rules::keyword::{REQUEST_PROGRESS, RESPONSE_PROGRESS, STREAM};
use rules::vocabulary::Field;
use std::fmt::Debug;
use std::ops::Range;

/// How a field is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReaderPlace {
    /// Its place among the protocol's readers.
    Protocol(usize),
    /// Its place among those of files.
    Files(usize),
    /// Not out of a transaction: frames of that kind are it.
    Frame(u8),
    /// What is wrong.
    Events,
    /// How far the transaction has come.
    Progress,
}

/// Which field is read how, as the rule set asks for it once, when it is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FieldRow {
    /// Which field.
    pub field: &'static Field,
    /// How it is read.
    pub reader: ReaderPlace,
    /// Whether it is shown in windows.
    pub streaming: bool,
}

/// What a flow says, parsed.
pub trait Conversation: Debug + Send {
    /// See [`Parser::parse`].
    ///
    /// # Errors
    ///
    /// When the parser cannot go on.
    fn parse(&mut self, input: &Input<'_>, requests: &mut Requests) -> Result<usize, Malformed>;

    /// See [`Parser::skip`].
    ///
    /// # Errors
    ///
    /// When the parser cannot go on.
    fn skip(&mut self, direction: Direction, bytes: u64) -> Result<(), Malformed>;

    /// Rules ask for this of files.
    fn set_wanted(&mut self, wanted: Wanted);

    /// See [`Parser::expected`].
    fn expected(&mut self, expectation: &Expectation);

    /// See [`Parser::hand_over`].
    fn hand_over(&self) -> Option<HandedOver>;

    /// See [`Parser::take_over`].
    fn take_over(&mut self, handed: &HandedOver);

    /// How much memory it takes up, in bytes; see [`memory::held`].
    fn held(&self) -> isize;

    /// From the number of the oldest transaction kept to that of the next one. Some in between may be gone.
    fn transactions(&self) -> Range<u64>;

    /// The number of the oldest transaction kept, of those from `number` on.
    fn following(&self, number: u64) -> Option<u64>;

    /// The oldest transaction from `number` on of which rules are to look at one way; with `ends`, nothing more comes that
    /// way.
    fn due(&mut self, number: u64, direction: Direction, ends: bool) -> Option<Due>;

    /// How many transactions were taken as complete for lack of room since this was last asked.
    fn take_cut_short(&mut self) -> u64;

    /// How many parts of transactions were not kept for lack of room since this was last asked.
    fn take_refused(&mut self) -> u64;

    /// How far a way of a transaction has come; nothing where it has not begun or there is no such way.
    fn progress(&self, transaction: u64, direction: Direction) -> Option<u8>;

    /// Whether a way of a transaction is complete, or does not exist.
    fn is_complete(&self, transaction: u64, direction: Direction) -> bool;

    /// Shows each value of a field with its offset.
    fn read(&self, transaction: u64, reader: ReaderPlace, direction: Direction, visit: &mut VisitWindow<'_>);

    /// Rules are about to look at a transaction one way.
    fn prepare(&mut self, transaction: u64, direction: Direction);

    /// The files that go one way within a transaction.
    fn files(&self, transaction: u64, direction: Direction) -> Option<&Files>;

    /// A rule that has matched on a transaction asks that files be stored.
    fn store(&mut self, transaction: u64, direction: Direction, store: &Store);

    /// Whether any file is to be stored.
    fn stores(&self) -> bool;

    /// Hands on files that are to be stored and have ended; those that go the way that is over have.
    fn take_stored(&mut self, over: Option<Direction>, take: &mut dyn FnMut(Kept));

    /// What is noted of a way of a transaction.
    fn noted(&self, transaction: u64, direction: Direction) -> Option<&Noted>;

    /// Takes out what is noted of a way of a transaction.
    fn take_noted(&mut self, transaction: u64, direction: Direction) -> Option<Noted>;

    /// Notes this of a way of a transaction, where nothing is any more.
    fn put_noted(&mut self, transaction: u64, direction: Direction, noted: Noted);

    /// Nothing of a way of a transaction is left to look at.
    fn finish(&mut self, transaction: u64, direction: Direction);

    /// See [`Parser::inspected`].
    fn inspected(&mut self, transaction: u64, direction: Direction);

    /// See [`Parser::is_big_endian`].
    fn is_big_endian(&self, transaction: u64, direction: Direction) -> bool;

    /// The number of the first transaction from `number` on that is over and of which no record was made; with `ends`, all
    /// are over.
    fn untold(&self, number: u64, ends: bool) -> Option<u64>;

    /// A record was made of a transaction.
    fn set_told(&mut self, transaction: u64);

    /// Lets go of transactions that are done with.
    fn release(&mut self);

    /// Lets go of transactions that are done with and of which a record was made.
    fn release_told(&mut self);

    /// What events tell of an HTTP transaction.
    fn http(&self, transaction: u64) -> Option<Http>;
}

impl dyn Conversation + '_ {
    /// The numbers of the transactions kept, the oldest first.
    pub fn kept(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::successors(self.following(0), |number| self.following(number + 1))
    }
}

/// The fields that a protocol's transactions have.
pub fn field_rows<P: Parser>() -> Vec<FieldRow> {
    let own = P::READERS.iter().enumerate().map(|(place, row)| FieldRow {
        field: row.field,
        reader: ReaderPlace::Protocol(place),
        streaming: row.is_streaming(),
    });
    let frames = (0..).zip(P::FRAMES).chain([(frames::STREAM, &STREAM)]);
    let frames = frames.map(|(kind, field)| (field, ReaderPlace::Frame(kind)));
    let growing = |(field, reader)| FieldRow { field, reader, streaming: true };
    let events = P::EVENTS.map(|field| (field, ReaderPlace::Events));
    let progress = [&REQUEST_PROGRESS, &RESPONSE_PROGRESS].map(|field| (field, ReaderPlace::Progress));
    let of_files = FILE_READERS.iter().enumerate().filter(|_| P::CARRIES_FILES);
    let of_files = of_files.map(|(place, &(field, _))| (field, ReaderPlace::Files(place)));
    own.chain(events.into_iter().chain(progress).chain(of_files).chain(frames).map(growing)).collect()
}

/// A flow of one protocol.
#[derive(Debug)]
struct Spoken<P: Parser> {
    parser: P,
    transactions: Transactions<P::Transaction>,
    /// See [`Conversation::held`].
    held: isize,
}

/// The parser of a flow, with its transactions.
pub fn begin<P: Parser>() -> Box<dyn Conversation> {
    let before = memory::held();
    let transactions = Transactions::new(P::COMPLETE);
    let mut begun = Box::new(Spoken { parser: P::default(), transactions, held: 0 });
    begun.held = memory::held() - before;
    begun
}

impl<P: Parser> Spoken<P> {
    fn get(&self, transaction: u64) -> Option<&Transaction<P::Transaction>> {
        self.transactions.get(transaction)
    }

    /// Does what may take up memory, or give it back.
    fn measured<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let before = memory::held();
        let done = work(self);
        self.held += memory::held() - before;
        done
    }
}

impl<P: Parser> Conversation for Spoken<P> {
    fn parse(&mut self, input: &Input<'_>, requests: &mut Requests) -> Result<usize, Malformed> {
        let parsed = self.measured(|this| this.parser.parse(input, &mut this.transactions, requests));
        self.held -= requests.memory().cast_signed();
        Ok(parsed?.min(input.bytes.len()))
    }

    fn skip(&mut self, direction: Direction, bytes: u64) -> Result<(), Malformed> {
        self.measured(|this| this.parser.skip(direction, bytes, &mut this.transactions))
    }

    fn set_wanted(&mut self, wanted: Wanted) {
        self.transactions.wanted = wanted;
    }

    fn expected(&mut self, expectation: &Expectation) {
        self.measured(|this| this.parser.expected(expectation));
    }

    fn hand_over(&self) -> Option<HandedOver> {
        self.parser.hand_over(&self.transactions)
    }

    fn take_over(&mut self, handed: &HandedOver) {
        self.measured(|this| this.parser.take_over(handed, &mut this.transactions));
    }

    fn held(&self) -> isize {
        self.held
    }

    fn transactions(&self) -> Range<u64> {
        self.transactions.numbers()
    }

    fn following(&self, number: u64) -> Option<u64> {
        self.transactions.following(number)
    }

    fn due(&mut self, number: u64, direction: Direction, ends: bool) -> Option<Due> {
        self.transactions.due(number, direction, ends)
    }

    fn take_cut_short(&mut self) -> u64 {
        std::mem::take(&mut self.transactions.cut_short)
    }

    fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.transactions.refused)
    }

    fn progress(&self, transaction: u64, direction: Direction) -> Option<u8> {
        self.get(transaction).filter(|one| one.goes(direction))?.progress(direction)
    }

    fn is_complete(&self, transaction: u64, direction: Direction) -> bool {
        self.get(transaction)
            .is_none_or(|one| !one.goes(direction) || self.transactions.is_complete(one, direction))
    }

    fn read(&self, number: u64, reader: ReaderPlace, direction: Direction, visit: &mut VisitWindow<'_>) {
        let Some(transaction) = self.get(number) else { return };
        let mut visit_number = |number: u8| visit(0, &u64::from(number).to_be_bytes());
        match reader {
            ReaderPlace::Protocol(place) => {
                if let Some(reader) = P::READERS.get(place) {
                    reader.show(&transaction.data, direction, visit);
                }
            }
            ReaderPlace::Files(place) => {
                if let Some(files) = P::files(&transaction.data, direction) {
                    files.show(place, 0, &mut |_, offset, value| visit(offset, value));
                }
            }
            ReaderPlace::Frame(_) => {}
            ReaderPlace::Events => {
                let _ = transaction.events().any(visit_number);
            }
            ReaderPlace::Progress => {
                let _ = transaction.progress(direction).is_some_and(&mut visit_number);
            }
        }
    }

    fn prepare(&mut self, transaction: u64, direction: Direction) {
        self.measured(|this| {
            let transaction = this.transactions.noted_mut(transaction);
            if let Some(files) = transaction.and_then(|one| P::files_mut(&mut one.data, direction)) {
                files.prepare();
            }
        });
    }

    fn files(&self, transaction: u64, direction: Direction) -> Option<&Files> {
        P::files(&self.get(transaction)?.data, direction)
    }

    fn store(&mut self, transaction: u64, direction: Direction, store: &Store) {
        let Some(one) = self.transactions.noted_mut(transaction) else { return };
        let add = |to: &mut [bool; 2]| to.iter_mut().zip(store.ways).for_each(|(all, way)| *all |= way);
        match store.scope {
            StoreScope::File if store.ways[direction.index()] => {
                if let Some(files) = P::files_mut(&mut one.data, direction) {
                    files.store(store.file);
                }
            }
            StoreScope::File => return,
            StoreScope::Transaction => add(&mut one.store),
            StoreScope::Flow => add(&mut self.transactions.store),
        }
        self.transactions.stores = true;
    }

    fn stores(&self) -> bool {
        self.transactions.stores
    }

    fn take_stored(&mut self, over: Option<Direction>, take: &mut dyn FnMut(Kept)) {
        if !self.transactions.stores {
            return;
        }
        let of_flow = self.transactions.store;
        for one in self.transactions.noted_iter_mut() {
            for way in Direction::ALL {
                let all = of_flow[way.index()] || one.store[way.index()];
                if let Some(files) = P::files_mut(&mut one.data, way) {
                    files.take_stored(all, over == Some(way), &mut |kept| {
                        self.held -= kept.memory().cast_signed();
                        take(kept);
                    });
                }
            }
        }
    }

    fn noted(&self, transaction: u64, direction: Direction) -> Option<&Noted> {
        Some(&self.get(transaction)?.noted[direction.index()])
    }

    fn take_noted(&mut self, transaction: u64, direction: Direction) -> Option<Noted> {
        let transaction = self.transactions.noted_mut(transaction)?;
        let noted = std::mem::take(&mut transaction.noted[direction.index()]);
        self.held -= noted.memory().cast_signed();
        Some(noted)
    }

    fn put_noted(&mut self, transaction: u64, direction: Direction, noted: Noted) {
        if let Some(transaction) = self.transactions.noted_mut(transaction) {
            self.held += noted.memory().cast_signed();
            transaction.noted[direction.index()] = noted;
        }
    }

    fn finish(&mut self, transaction: u64, direction: Direction) {
        if let Some(transaction) = self.transactions.noted_mut(transaction) {
            transaction.noted[direction.index()].finished = true;
        }
    }

    fn inspected(&mut self, transaction: u64, direction: Direction) {
        self.measured(|this| {
            if let Some(transaction) = this.transactions.noted_mut(transaction) {
                P::inspected(&mut transaction.data, direction);
                if let Some(files) = P::files_mut(&mut transaction.data, direction) {
                    files.inspected();
                }
            }
        });
    }

    fn is_big_endian(&self, transaction: u64, direction: Direction) -> bool {
        self.get(transaction).is_some_and(|one| P::is_big_endian(&one.data, direction))
    }

    fn untold(&self, number: u64, ends: bool) -> Option<u64> {
        self.transactions.untold(number, ends, P::tells_all)
    }

    fn set_told(&mut self, transaction: u64) {
        self.transactions.set_told(transaction);
    }

    fn release(&mut self) {
        self.measured(|this| this.transactions.release(false));
    }

    fn release_told(&mut self) {
        self.measured(|this| this.transactions.release(true));
    }

    fn http(&self, transaction: u64) -> Option<Http> {
        P::http(&self.get(transaction)?.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::parser::Reader;
    use crate::app_layer::testing::Dialogue;
    use crate::app_layer::transaction::MAX_OPEN;
    use rules::header::protocol::AppProtocol;
    use rules::vocabulary::Reach;

    static LINE: Field = Field::bytes("test.line", &[AppProtocol::Ftp], Reach::both(1, 1));

    /// A protocol of lines, each a transaction that goes one way.
    #[derive(Debug, Default)]
    struct Lines {
        /// Bytes known to hold no line end, by way.
        looked: [usize; 2],
    }

    impl Parser for Lines {
        type Transaction = Vec<u8>;
        const READERS: &'static [Reader<Vec<u8>>] = &[Reader::new(&LINE, |line, _, visit| {
            visit(line);
        })];
        const EVENTS: Option<&'static Field> = None;
        const COMPLETE: [u8; 2] = [1, 1];

        fn parse(
            &mut self,
            input: &Input<'_>,
            transactions: &mut Transactions<Vec<u8>>,
            _: &mut Requests,
        ) -> Result<usize, Malformed> {
            let mut consumed = 0;
            let looked = &mut self.looked[input.direction.index()];
            while let Some(at) = memchr::memchr(b'\n', &input.bytes[consumed + *looked..]) {
                let end = consumed + *looked + at;
                let (_, transaction) = transactions.begin_one_way(input.direction);
                transaction.data.extend_from_slice(&input.bytes[consumed..end]);
                transaction.advance(input.direction, 1);
                (consumed, *looked) = (end + 1, 0);
            }
            *looked = input.bytes.len() - consumed;
            Ok(consumed)
        }
    }

    #[test]
    fn any_pieces_make_the_same_transactions() {
        let said = b"one\ntwo\n\nthree\nfo";
        let whole = Dialogue::new::<Lines>().say(Direction::ToServer, said).lines::<Lines>();
        assert_eq!(whole.iter().filter(|line| line.contains("test.line")).count(), 4);
        for piece in 1..said.len() {
            let cut =
                Dialogue::new::<Lines>().say_in_pieces(Direction::ToServer, said, piece).lines::<Lines>();
            assert_eq!(cut, whole, "pieces of {piece}");
        }
    }

    #[test]
    fn open_transactions_are_bounded() {
        let mut dialogue = Dialogue::new::<Lines>();
        dialogue.say(Direction::ToClient, &b"x\n".repeat(MAX_OPEN + 9)).end(Direction::ToClient);
        assert_eq!(dialogue.conversation.transactions(), 9..9 + MAX_OPEN as u64);
        assert_eq!(dialogue.conversation.take_cut_short(), 9);
        assert!(dialogue.requests.is_empty() && !dialogue.malformed);
    }

    #[test]
    fn transactions_are_kept_until_both_ways_were_looked_at() {
        let mut conversation = begin::<Lines>();
        let input =
            Input { direction: Direction::ToServer, bytes: b"a\nb\n", end: false, time: Default::default() };
        assert_eq!(conversation.parse(&input, &mut Requests::default()), Ok(4));
        assert!(
            conversation.is_complete(0, Direction::ToServer)
                && conversation.is_complete(0, Direction::ToClient)
        );
        conversation.finish(1, Direction::ToServer);
        conversation.release();
        assert_eq!(conversation.transactions(), 0..2, "the first is not done with");
        assert_eq!((conversation.following(0), conversation.following(1)), (Some(0), None));
        assert!(conversation.noted(1, Direction::ToServer).is_none(), "the second was let go of");
        conversation.finish(0, Direction::ToServer);
        conversation.release();
        assert_eq!(conversation.transactions(), 2..2);
    }

    #[test]
    fn what_it_takes_up_is_what_it_gives_back() {
        use crate::app_layer::transaction::{Noted, Waiting};
        let mut dialogue = Dialogue::new::<Lines>();
        let empty = dialogue.conversation.held();
        dialogue.say(Direction::ToServer, format!("{}\nshort\n", "long".repeat(1000)).as_bytes());
        let conversation = &mut dialogue.conversation;
        let said = conversation.held();
        assert!(said >= empty + 4005, "{said}");
        let mut noted = conversation.take_noted(0, Direction::ToServer).expect("it is kept");
        noted.waiting.extend((0..100).map(|rule| Waiting { rule, held: 0, from_file: 0, file: None }));
        conversation.put_noted(0, Direction::ToServer, Noted { finished: true, ..noted });
        assert!(conversation.held() > said + 1000);
        conversation.finish(0, Direction::ToClient);
        conversation.release();
        assert!(conversation.held() <= said - 4000);
        conversation.put_noted(0, Direction::ToServer, Noted::default());
        let (account, before) = (conversation.held(), memory::held());
        drop(std::mem::replace(conversation, begin::<Lines>()));
        assert_eq!(before - memory::held() + empty, account);
    }
}
