//! Rules on transactions: each alerts once for each way of each transaction, when all of its buffers have held, at
//! the latest when that way is complete. One on whole files alerts again on files that begin after it has, one on nothing
//! but a state with all that comes in that state.

use super::plan::{Plan, Row};
use super::{Match, Subject, Trial};
use crate::app_layer::conversation::{Conversation, ReaderPlace};
use crate::app_layer::file::Store;
use crate::app_layer::file::fields::{STORE, is_of_whole_files};
use crate::app_layer::file::transfer::Files;
use crate::app_layer::transaction::{Again, Due, Noted, Settled, Waiting};
use crate::event::Direction;
use rules::ruleset::{Candidates, SignatureId};
use rules::signature::{Absent, Inspection, Signature, Source};

/// One way of one transaction, to be looked at.
struct Look<'a> {
    plan: &'a Plan,
    conversation: &'a dyn Conversation,
    number: u64,
    direction: Direction,
    progress: u8,
    /// Nothing more comes this way of the transaction.
    complete: bool,
    /// How many files have begun this way.
    files: usize,
}

impl Look<'_> {
    fn to_server(&self) -> bool {
        self.direction == Direction::ToServer
    }

    /// A rule has alerted.
    fn settled(&self, rule: SignatureId, signature: &Signature) -> Settled {
        let state = signature.hook.filter(|_| signature.inspections.is_empty()).map(|hook| hook.progress);
        let again = match state {
            Some(state) => Again::While(state),
            None if signature.fields().any(is_of_whole_files) => Again::WithMoreFiles(self.files),
            None => Again::Never,
        };
        Settled { rule, again }
    }

    /// Whether a rule that has alerted is to be tried again.
    fn is_due(&self, settled: Settled) -> bool {
        match settled.again {
            Again::Never => false,
            Again::WithMoreFiles(files) => files < self.files,
            Again::While(state) => state == self.progress,
        }
    }

    /// A rule that has alerted on files before that one: all but files has held.
    fn anew(&self, rule: SignatureId, signature: &Signature, from_file: usize) -> Waiting {
        let of_files = signature.inspections.iter().map(|inspection| self.plan.is_of_files(inspection));
        let held = of_files.enumerate().filter(|&(_, of_files)| !of_files).map(|(at, _)| 1 << at).sum();
        Waiting { rule, held, from_file, file: None }
    }
}

enum Attempt {
    Matched,
    Waits,
    Failed,
}

/// Looks at every transaction going one way. `found` are rules that a pattern in payload or stream has found.
pub(super) fn inspect(
    trial: &mut Trial<'_>,
    candidates: &mut Candidates,
    plan: &Plan,
    conversation: &mut dyn Conversation,
    subject: &Subject<'_>,
    found: &[SignatureId],
) {
    let direction = subject.direction();
    if let Some(flow) = trial.flow {
        flow.end_transactions(|number| conversation.following(number) == Some(number));
    }
    let mut next = 0;
    while let Some(Due { number, progress, complete }) = conversation.due(next, direction, subject.ends) {
        next = number + 1;
        let mut noted = conversation.take_noted(number, direction).unwrap_or_default();
        trial.transaction = Some(number);
        trial.big_endian = conversation.is_big_endian(number, direction);
        let waits = |other: &Noted| !other.waiting.is_empty();
        let other = match conversation.noted(number, direction.opposite()).is_some_and(waits) {
            true => conversation.take_noted(number, direction.opposite()),
            false => None,
        };
        let others = other.as_ref().map_or(&[][..], |other| &other.waiting);
        conversation.prepare(number, direction);
        let files = conversation.files(number, direction).map_or(0, Files::len);
        let look = Look { plan, conversation, number, direction, progress, complete, files };
        gather(trial, candidates, &look, &noted, found);
        candidates.extend(
            others
                .iter()
                .map(|waiting| waiting.rule)
                .filter(|&rule| trial.rules.signature(rule).transactional),
        );
        for &rule in candidates.settle() {
            trial.measure(rule, |trial| try_rule(trial, &look, rule, &mut noted, others, subject));
        }
        noted.looked_below = progress.saturating_add(1);
        noted.unchanged = true;
        if complete {
            noted.finished = true;
            noted.settled.clear();
            noted.waiting.retain(|waiting| trial.rules.signature(waiting.rule).transactional);
        }
        if let Some(other) = other {
            conversation.put_noted(number, direction.opposite(), other);
        }
        conversation.put_noted(number, direction, noted);
        for store in trial.stores.drain(..) {
            conversation.store(number, direction, &store);
        }
        conversation.inspected(number, direction);
    }
    trial.transaction = None;
}

/// Rules to be tried: those that fields find which were not looked at yet, those that nothing finds, and those that
/// wait.
fn gather(
    trial: &mut Trial<'_>,
    candidates: &mut Candidates,
    look: &Look<'_>,
    noted: &Noted,
    found: &[SignatureId],
) {
    candidates.clear();
    candidates.extend(found.iter().copied());
    candidates.extend(noted.waiting.iter().map(|waiting| waiting.rule));
    candidates.extend(noted.settled.iter().filter(|one| look.is_due(**one)).map(|one| one.rule));
    let new = |progress: u8| progress >= noted.looked_below && progress <= look.progress;
    candidates.extend(look.plan.always.iter().filter(|&&(start, _)| new(start)).map(|&(_, rule)| rule));
    for engine in &look.plan.engines {
        if engine.progress > look.progress {
            break;
        }
        if !engine.streaming && engine.progress < noted.looked_below {
            continue;
        }
        let group = &trial.rules.fields()[engine.group];
        let rules = &group.ways[look.direction.index()];
        let transforms = group.transforms.map(|(rule, at)| &trial.rules.signature(rule).inspections[at]);
        look.conversation.read(look.number, engine.reader, look.direction, &mut |_, value| {
            match transforms {
                None => rules.find(value, candidates),
                Some(inspection) => inspection
                    .with_transformed(value, trial.scratch, |value, _| rules.find(value, candidates)),
            }
            false
        });
    }
}

fn try_rule(
    trial: &mut Trial<'_>,
    look: &Look<'_>,
    rule: SignatureId,
    noted: &mut Noted,
    others: &[Waiting],
    subject: &Subject<'_>,
) {
    let settled = noted.settled.iter().find(|one| one.rule == rule).copied();
    if settled.is_some_and(|settled| !look.is_due(settled)) {
        return;
    }
    let from_file = match settled.map(|settled| settled.again) {
        Some(Again::WithMoreFiles(files)) => Some(files),
        _ => None,
    };
    let waiting = noted.waiting.iter().position(|waiting| waiting.rule == rule);
    let signature = trial.rules.signature(rule);
    let mut state = match (waiting, from_file) {
        (Some(at), _) => noted.waiting[at],
        (None, Some(from_file)) => look.anew(rule, signature, from_file),
        (None, None) => Waiting { rule, held: 0, from_file: 0, file: None },
    };
    let other = others.iter().find(|waiting| signature.transactional && waiting.rule == rule);
    state.held |= other.map_or(0, |waiting| waiting.held);
    let begun = waiting.is_some() || from_file.is_some() || other.is_some();
    let captured = trial.scratch.captures.len();
    let attempt = if begun || trial.begins(rule, subject) {
        attempt(trial, look, signature, &mut state, subject)
    } else {
        Attempt::Failed
    };
    match (attempt, waiting) {
        (Attempt::Matched, _) => {
            noted.waiting.retain(|waiting| waiting.rule != rule);
            noted.settled.retain(|one| one.rule != rule);
            noted.settled.push(look.settled(rule, signature));
            trial.apply(signature);
            trial.stores.extend(state.file.and_then(|file| Store::by(signature, look.direction, file)));
            trial.matches.push(Match { signature: rule, transaction: Some(look.number) });
        }
        (Attempt::Waits, Some(at)) => noted.waiting[at] = state,
        (Attempt::Waits, None) => noted.waiting.push(state),
        (Attempt::Failed, _) => {
            trial.scratch.captures.truncate(captured);
            noted.waiting.retain(|waiting| waiting.rule != rule);
        }
    }
}

/// Tries the buffers that have not held yet.
fn attempt(
    trial: &mut Trial<'_>,
    look: &Look<'_>,
    signature: &Signature,
    state: &mut Waiting,
    subject: &Subject<'_>,
) -> Attempt {
    let mut waits = signature.hook.is_some_and(|hook| hook.progress > look.progress);
    for (at, inspection) in signature.inspections.iter().enumerate() {
        let bit = 1 << at;
        if state.held & bit != 0 {
            continue;
        }
        let (holds, more) = match inspection.source {
            Source::Field(field) => match look.plan.row(field) {
                None => (false, false),
                Some(Row { progress: None, .. }) => (false, signature.transactional),
                Some(_) if !inspection.way.goes(look.to_server()) => (false, signature.transactional),
                Some(Row { progress: Some(progress), .. }) if progress > look.progress => {
                    (false, !look.complete)
                }
                Some(row) => {
                    let holds = field_holds(trial, look, inspection, row, state, subject);
                    (holds, row.streaming && !look.complete)
                }
            },
            Source::Payload => (trial.payload_holds(signature, inspection, subject), !look.complete),
            Source::Header(_) | Source::Base64 => {
                (trial.with_view(subject, |view, scratch| inspection.holds(view, scratch)), false)
            }
        };
        if holds {
            state.held |= bit;
        } else if more {
            waits = true;
        } else {
            return Attempt::Failed;
        }
    }
    if waits { Attempt::Waits } else { Attempt::Matched }
}

/// Whether any value of a field holds; where there is none, whether the rule is content with that.
fn field_holds(
    trial: &mut Trial<'_>,
    look: &Look<'_>,
    inspection: &Inspection,
    row: Row,
    state: &mut Waiting,
    subject: &Subject<'_>,
) -> bool {
    trial.with_view(subject, |view, scratch| {
        let (mut any, mut holds) = (false, false);
        let mut visit = |offset, value: &[u8]| {
            any = true;
            holds = inspection.hold_on(value, offset, view, scratch);
            holds
        };
        // That there is a file says less about which is meant than what is asked of it.
        let weak = state.file.is_some() && inspection.source == Source::Field(&STORE);
        match row.reader {
            ReaderPlace::Files(reader) => {
                if let Some(files) = look.conversation.files(look.number, look.direction) {
                    files.show(reader, state.from_file, &mut |file, offset, value| {
                        let holds = visit(offset, value);
                        state.file = if holds && !weak { Some(file) } else { state.file };
                        holds
                    });
                }
            }
            reader => look.conversation.read(look.number, reader, look.direction, &mut visit),
        }
        let settled = !row.streaming || look.complete;
        holds || (!any && settled && inspection.absent != Absent::Fails)
    })
}
