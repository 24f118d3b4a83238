//! What to look at in transactions of one protocol going one way: worked out once from the rule set.

use crate::app_layer::conversation::{FieldRow, ReaderPlace};
use crate::app_layer::identify::Speech;
use crate::event::Direction;
use rules::header::protocol::AppProtocol;
use rules::ruleset::{FieldGroup, RuleSet, SignatureId};
use rules::signature::{Inspection, Signature, Source};
use rules::vocabulary::Field;

/// A field whose values find rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Engine {
    /// From which progress on it is there.
    pub(super) progress: u8,
    /// How it is read.
    pub(super) reader: ReaderPlace,
    /// Whether it is shown in windows.
    pub(super) streaming: bool,
    /// Its place among [`RuleSet::fields`].
    pub(super) group: usize,
}

/// A field as one way of a transaction has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) reader: ReaderPlace,
    pub(super) streaming: bool,
    /// From which progress on it is there; nothing where it does not occur this way.
    pub(super) progress: Option<u8>,
}

/// The plan of one protocol and way.
#[derive(Debug)]
pub(super) struct Plan {
    protocol: AppProtocol,
    /// In the order of progress.
    pub(super) engines: Vec<Engine>,
    /// Kinds of frames, each with the place among [`RuleSet::fields`] of rules that they find.
    pub(super) frames: Vec<(u8, usize)>,
    /// Rules that no field finds, with the progress from which on they can be tried, in the order of progress.
    pub(super) always: Vec<(u8, SignatureId)>,
    /// In the order of the fields' addresses.
    rows: Vec<(&'static Field, Row)>,
}

/// The plans of all protocols.
#[derive(Debug)]
pub(super) struct Plans(Vec<[Plan; 2]>);

impl Plans {
    pub(super) fn new(rules: &RuleSet, speeches: &[&'static Speech]) -> Self {
        let of = |speech: &&'static Speech| {
            let fields = (speech.fields)();
            Direction::ALL.map(|direction| Plan::new(rules, speech.protocol, &fields, direction))
        };
        Self(speeches.iter().map(of).collect())
    }

    pub(super) fn of(&self, protocol: AppProtocol, direction: Direction) -> Option<&Plan> {
        self.0.iter().map(|ways| &ways[direction.index()]).find(|plan| plan.protocol == protocol)
    }
}

/// A field is itself, wherever it is named.
fn address(field: &'static Field) -> usize {
    std::ptr::from_ref(field).addr()
}

/// From which progress on a field is there.
fn reach(field: &Field, direction: Direction) -> Option<u8> {
    match direction {
        Direction::ToServer => field.reach.to_server,
        Direction::ToClient => field.reach.to_client,
    }
}

impl Plan {
    fn new(rules: &RuleSet, protocol: AppProtocol, fields: &[FieldRow], direction: Direction) -> Self {
        let mut rows: Vec<_> = fields
            .iter()
            .map(|row| {
                let FieldRow { field, reader, streaming } = *row;
                let progress = reach(field, direction);
                (field, Row { reader, streaming, progress })
            })
            .collect();
        rows.sort_unstable_by_key(|&(field, _)| address(field));
        let mut plan = Self { protocol, engines: Vec::new(), frames: Vec::new(), always: Vec::new(), rows };
        plan.engines = plan.engines(rules, direction);
        plan.frames = plan.frames(rules, direction);
        plan.always = plan.always(rules, direction);
        plan
    }

    fn engines(&self, rules: &RuleSet, direction: Direction) -> Vec<Engine> {
        let engine = |(group, found): (usize, &FieldGroup)| {
            let Row { reader, streaming, progress } = self.row(found.field)?;
            if matches!(reader, ReaderPlace::Frame(_)) {
                return None;
            }
            let progress = progress.filter(|_| !found.ways[direction.index()].is_empty())?;
            Some(Engine { progress, reader, streaming, group })
        };
        let mut engines: Vec<_> = rules.fields().iter().enumerate().filter_map(engine).collect();
        engines.sort_by_key(|engine| engine.progress);
        engines
    }

    fn frames(&self, rules: &RuleSet, direction: Direction) -> Vec<(u8, usize)> {
        let groups = rules.fields().iter().enumerate();
        let groups = groups.filter(|(_, found)| !found.ways[direction.index()].is_empty());
        let of_frames = |(group, found): (usize, &FieldGroup)| match self.row(found.field)?.reader {
            ReaderPlace::Frame(kind) => Some((kind, group)),
            _ => None,
        };
        groups.filter_map(of_frames).collect()
    }

    fn always(&self, rules: &RuleSet, direction: Direction) -> Vec<(u8, SignatureId)> {
        let unfound = rules.unfound(direction == Direction::ToServer).iter();
        let mut always: Vec<_> = unfound
            .filter_map(|&id| {
                let signature = rules.signature(id);
                let fits = signature.app_protocol.is_none_or(|wanted| self.protocol.is(wanted));
                Some((self.start(signature)?, id)).filter(|_| fits)
            })
            .collect();
        always.sort_unstable();
        always
    }

    /// The progress from which on a rule can be tried; nothing when it asks for what these transactions do not have.
    fn start(&self, signature: &Signature) -> Option<u8> {
        if let Some(hook) = signature.hook {
            return Some(hook.progress);
        }
        let mut start = None;
        for inspection in &signature.inspections {
            let Source::Field(field) = inspection.source else { continue };
            let progress = self.row(field)?.progress;
            start = match (start, progress) {
                (Some(start), Some(progress)) => Some(u8::min(start, progress)),
                (start, progress) => start.or(progress),
            };
        }
        Some(start.unwrap_or(0))
    }

    /// Whether an inspection is of files.
    pub(super) fn is_of_files(&self, inspection: &Inspection) -> bool {
        let Source::Field(field) = inspection.source else { return false };
        self.row(field).is_some_and(|row| matches!(row.reader, ReaderPlace::Files(_)))
    }

    /// How a field is read, if transactions of the protocol have it at all.
    pub(super) fn row(&self, field: &'static Field) -> Option<Row> {
        let at = self.rows.binary_search_by_key(&address(field), |&(known, _)| address(known)).ok()?;
        Some(self.rows[at].1)
    }
}
