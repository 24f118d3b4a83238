//! The words one engine knows: the keywords of the language, and the fields that protocols lend to it.

use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::header::protocol::AppProtocol;
use crate::keyword::{Argument, Example, KEYWORDS, Keyword, NOT_YET};
use std::collections::HashMap;
use std::fmt;

/// What a field of a protocol holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// Bytes: a sticky buffer.
    Bytes,
    /// Any number of byte strings, each looked at by itself: a sticky buffer of which one instance must match.
    ManyBytes,
    /// A number up to `max`, with names for some: `name:<integer form>`.
    Number {
        /// The largest value.
        max: u64,
        /// Names that rules may write instead.
        names: &'static [(&'static str, u64)],
    },
    /// Any number of numbers, one of which must match.
    ManyNumbers {
        /// The largest value.
        max: u64,
        /// Names that rules may write instead.
        names: &'static [(&'static str, u64)],
    },
    /// The bytes of a frame: part of what goes over the wire, and of no transaction.
    Frame(Carried),
}

/// Over what frames come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carried {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Either.
    Both,
}

/// Where in a transaction a field stands, on the way to the server and on the way to the client: the least progress
/// at which it can be known. Nothing where it does not occur that way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reach {
    /// Progress of the request at which it is known.
    pub to_server: Option<u8>,
    /// Progress of the response at which it is known.
    pub to_client: Option<u8>,
}

impl Reach {
    /// On the way to the server alone, once the request has come that far.
    pub const fn to_server(progress: u8) -> Self {
        Self { to_server: Some(progress), to_client: None }
    }

    /// On the way to the client alone, once the response has come that far.
    pub const fn to_client(progress: u8) -> Self {
        Self { to_server: None, to_client: Some(progress) }
    }

    /// Either way.
    pub const fn both(to_server: u8, to_client: u8) -> Self {
        Self { to_server: Some(to_server), to_client: Some(to_client) }
    }
}

/// A field of a protocol's transactions, as rules name it. A protocol lends a slice of these; each is a keyword.
#[derive(Debug)]
pub struct Field {
    /// The name in rules, a sticky buffer's or a number's.
    pub name: &'static str,
    /// Older names meaning the same.
    pub aliases: &'static [&'static str],
    /// The older form that stands after a `content` instead of before it.
    pub modifier: Option<&'static str>,
    /// Protocols whose transactions have it.
    pub protocols: &'static [AppProtocol],
    /// Where it stands.
    pub reach: Reach,
    /// What it holds.
    pub kind: FieldKind,
    /// One or two sentences for the user.
    pub doc: &'static str,
}

impl Field {
    const fn new(
        name: &'static str,
        protocols: &'static [AppProtocol],
        reach: Reach,
        kind: FieldKind,
    ) -> Self {
        Self { name, aliases: &[], modifier: None, protocols, reach, kind, doc: "" }
    }

    /// A sticky buffer.
    pub const fn bytes(name: &'static str, protocols: &'static [AppProtocol], reach: Reach) -> Self {
        Self::new(name, protocols, reach, FieldKind::Bytes)
    }

    /// A sticky buffer of any number of instances.
    pub const fn many_bytes(name: &'static str, protocols: &'static [AppProtocol], reach: Reach) -> Self {
        Self::new(name, protocols, reach, FieldKind::ManyBytes)
    }

    /// A number up to `max`.
    pub const fn number(
        name: &'static str,
        protocols: &'static [AppProtocol],
        reach: Reach,
        max: u64,
    ) -> Self {
        Self::new(name, protocols, reach, FieldKind::Number { max, names: &[] })
    }

    /// Any number of numbers up to `max`.
    pub const fn many_numbers(
        name: &'static str,
        protocols: &'static [AppProtocol],
        reach: Reach,
        max: u64,
    ) -> Self {
        Self::new(name, protocols, reach, FieldKind::ManyNumbers { max, names: &[] })
    }

    /// A frame, by its full name: `tls.pdu`.
    pub const fn frame(name: &'static str, protocols: &'static [AppProtocol], carried: Carried) -> Self {
        Self::new(name, protocols, Reach::both(0, 0), FieldKind::Frame(carried))
    }

    /// With older names meaning the same.
    #[must_use]
    pub const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// With the older form that stands after a `content`.
    #[must_use]
    pub const fn modifier(mut self, name: &'static str) -> Self {
        self.modifier = Some(name);
        self
    }

    /// With names for some of its numbers.
    #[must_use]
    pub const fn names(mut self, names: &'static [(&'static str, u64)]) -> Self {
        self.kind = match self.kind {
            FieldKind::Number { max, .. } => FieldKind::Number { max, names },
            FieldKind::ManyNumbers { max, .. } => FieldKind::ManyNumbers { max, names },
            bytes => bytes,
        };
        self
    }

    /// Whether it is a frame.
    pub const fn is_frame(&self) -> bool {
        matches!(self.kind, FieldKind::Frame(_))
    }

    /// With what to tell the user.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// A field is itself, not another that looks alike.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Field {}

/// A keyword that a protocol lends: one about its fields whose value has a form of its own.
#[derive(Debug)]
pub struct LentKeyword {
    /// The word.
    pub name: &'static str,
    /// Other words meaning the same.
    pub aliases: &'static [&'static str],
    /// One or two sentences for the user.
    pub doc: &'static str,
    /// Reads the option into the draft.
    pub read: fn(&Argument<'_>, &mut Draft<'_>) -> Result<(), Diagnostic>,
}

impl Keyword for LentKeyword {
    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    /// None: what shows it is a flow of the protocol, not a packet.
    fn examples(&self) -> Vec<Example> {
        Vec::new()
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        (self.read)(argument, draft)
    }
}

/// A state of a protocol at which a rule can ask to be evaluated, as in `tls:client_hello_done` (Suricata
/// documentation: "Firewall Mode Design", Explicit rule hook).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hook {
    /// The name after the protocol's.
    pub name: &'static str,
    /// Whether it is a state of the request.
    pub to_server: bool,
    /// The progress of the request or response at which it is reached.
    pub progress: u8,
}

impl Hook {
    /// A state of the request.
    pub const fn request(name: &'static str, progress: u8) -> Self {
        Self { name, to_server: true, progress }
    }

    /// A state of the response.
    pub const fn response(name: &'static str, progress: u8) -> Self {
        Self { name, to_server: false, progress }
    }
}

/// What one protocol lends to the language.
#[derive(Debug)]
pub struct Lexicon {
    /// The protocols that its rules name.
    pub protocols: &'static [AppProtocol],
    /// Its fields, each a keyword.
    pub fields: &'static [&'static Field],
    /// Keywords about its fields with values of their own form.
    pub keywords: &'static [LentKeyword],
    /// States that rule hooks and `app-layer-state` name.
    pub hooks: &'static [Hook],
    /// What can be wrong with its transactions: numbers with the names that `app-layer-event` uses.
    pub events: Option<&'static Field>,
    /// The frames that `frame` names.
    pub frames: &'static [Field],
}

/// What a word in a rule's options means.
#[derive(Clone, Copy)]
pub enum Word {
    /// A keyword of the language.
    Keyword(&'static dyn Keyword),
    /// A field of a protocol.
    Field(&'static Field),
    /// A field, written after the content it is for.
    Modifier(&'static Field),
    /// A word of the language that this sensor does not understand yet, with what it belongs to.
    NotYet(&'static str),
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword(keyword) => write!(f, "Keyword({})", keyword.name()),
            Self::Field(field) => write!(f, "Field({})", field.name),
            Self::Modifier(field) => write!(f, "Modifier({})", field.name),
            Self::NotYet(of) => write!(f, "NotYet({of})"),
        }
    }
}

/// All words, by name.
#[derive(Debug)]
pub struct Vocabulary {
    words: HashMap<&'static str, Word>,
    fields: Vec<&'static Field>,
    lent: &'static [&'static Lexicon],
}

impl Vocabulary {
    /// The language's own keywords, and what these protocols lend.
    pub fn new(lent: &'static [&'static Lexicon]) -> Self {
        let mut vocabulary = Self { words: HashMap::new(), fields: Vec::new(), lent };
        for &(of, names) in NOT_YET {
            vocabulary.words.extend(names.iter().map(|&name| (name, Word::NotYet(of))));
        }
        KEYWORDS.iter().for_each(|&keyword| vocabulary.add(keyword));
        for lexicon in lent {
            vocabulary.fields.extend(lexicon.fields);
            for &field in lexicon.fields {
                vocabulary.words.insert(field.name, Word::Field(field));
                vocabulary.words.extend(field.aliases.iter().map(|&alias| (alias, Word::Field(field))));
                vocabulary.words.extend(field.modifier.map(|name| (name, Word::Modifier(field))));
            }
            lexicon.keywords.iter().for_each(|keyword| vocabulary.add(keyword));
        }
        vocabulary
    }

    fn add(&mut self, keyword: &'static dyn Keyword) {
        self.words.insert(keyword.name(), Word::Keyword(keyword));
        self.words.extend(keyword.aliases().iter().map(|&alias| (alias, Word::Keyword(keyword))));
    }

    /// What `name` means.
    pub fn word(&self, name: &str) -> Option<Word> {
        self.words.get(name).copied()
    }

    /// Every name, in no order, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.words.keys().copied()
    }

    /// The fields of protocols, in their order.
    pub fn fields(&self) -> &[&'static Field] {
        &self.fields
    }

    /// The state of that name in a protocol.
    pub fn hook(&self, protocol: AppProtocol, name: &str) -> Option<Hook> {
        self.hooks(protocol).find(|hook| hook.name == name)
    }

    /// The states that rules of a protocol may name.
    pub fn hooks(&self, protocol: AppProtocol) -> impl Iterator<Item = Hook> + '_ {
        let lending = self.lent.iter().filter(move |lexicon| lexicon.protocols.contains(&protocol));
        lending.flat_map(|lexicon| lexicon.hooks.iter().copied())
    }

    /// The frames of protocols, in their order.
    pub fn frames(&self) -> impl Iterator<Item = &'static Field> + '_ {
        self.lent.iter().flat_map(|lexicon| lexicon.frames)
    }

    /// What can be wrong with a protocol's transactions.
    pub fn events(&self, protocol: AppProtocol) -> Option<&'static Field> {
        let lending = self.lent.iter().find(|lexicon| lexicon.protocols.contains(&protocol));
        lending.and_then(|lexicon| lexicon.events)
    }
}
