//! A rule while its options are read, one after another: the one thing a keyword may write to.

use crate::content::Content;
use crate::dataset::Dataset;
use crate::diagnostic::Diagnostic;
use crate::effect::Effect;
use crate::header::protocol::{AppProtocol, PacketProtocol};
use crate::inspect::{MAX_VARIABLES, Step};
use crate::integer::IntegerMatch;
use crate::names::Names;
use crate::signature::{Absent, Condition, FlowOption, Meta, Source, Way};
use crate::text::Span;
use crate::threshold::Threshold;
use crate::transform::Transform;
use crate::vocabulary::{Field, FieldKind, Hook, Vocabulary, Word};

/// A step of a buffer, before it is compiled.
#[derive(Debug)]
pub enum DraftStep {
    /// A content, which modifiers after it may still change.
    Content(Content, Span),
    /// Anything else.
    Other(Box<dyn Step>, Span),
}

impl DraftStep {
    /// The option it comes from.
    pub fn span(&self) -> Span {
        match self {
            Self::Content(_, span) | Self::Other(_, span) => *span,
        }
    }

    /// The content, if it is one.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Content(content, _) => Some(content),
            Self::Other(..) => None,
        }
    }

    /// Whether it can hold in several places, so that something after it can be relative to it.
    pub fn repeats(&self) -> bool {
        match self {
            Self::Content(content, _) => !content.negated,
            Self::Other(step, _) => step.repeats(),
        }
    }

    /// Whether it begins where the step before it ended.
    pub fn is_relative(&self) -> bool {
        match self {
            Self::Content(content, _) => content.is_relative(),
            Self::Other(step, _) => step.relative(),
        }
    }
}

/// A buffer and what is asked of it so far.
#[derive(Debug)]
pub struct DraftBuffer {
    /// Where its bytes come from.
    pub source: Source,
    /// Which way of a transaction is meant, of a field that both have.
    pub way: Way,
    /// What is done to them first.
    pub transforms: Vec<Box<dyn Transform>>,
    /// What must hold.
    pub steps: Vec<DraftStep>,
    /// What it means when the buffer is missing.
    pub absent: Absent,
    /// The option that selected it.
    pub span: Span,
}

impl DraftBuffer {
    fn new(source: Source, span: Span) -> Self {
        Self {
            source,
            way: Way::Both,
            transforms: Vec::new(),
            steps: Vec::new(),
            absent: Absent::default(),
            span,
        }
    }

    fn serves(&self, other: &Self) -> bool {
        let many = matches!(
            self.source,
            Source::Field(Field { kind: FieldKind::ManyBytes | FieldKind::ManyNumbers { .. }, .. })
        );
        !many
            && self.source == other.source
            && self.way == other.way
            && self.transforms.len() == other.transforms.len()
            && self.transforms.iter().zip(&other.transforms).all(|(a, b)| a.same(&**b))
    }
}

/// A rule in the making.
#[derive(Debug)]
pub struct Draft<'a> {
    /// What it says about itself.
    pub meta: Meta,
    /// `priority`, when it is given.
    pub priority: Option<u32>,
    /// What `alert` or `noalert` says; nothing where the action decides.
    pub alerts: Option<bool>,
    /// The packets that the header names; nothing where it names an application protocol.
    pub packets: Option<PacketProtocol>,
    /// The protocol of the header, of a field or of a keyword; they must agree.
    pub app_protocol: Option<AppProtocol>,
    /// The state of the protocol at which the header asks to be evaluated.
    pub hook: Option<Hook>,
    /// What `flow` asks.
    pub flow: FlowOption,
    /// The way `flow` says; fields may narrow it later.
    pub way: Way,
    /// Conditions on packet and flow, in order.
    pub conditions: Vec<Box<dyn Condition>>,
    /// What `ip_proto` asked so far: each is a condition too.
    pub ip_protocols: Vec<IntegerMatch>,
    /// What a match leaves behind.
    pub effects: Vec<Effect>,
    /// Sets of values that it speaks of.
    pub datasets: Vec<Dataset>,
    /// How often it may alert.
    pub thresholds: Vec<Threshold>,
    /// Whether `app-layer-protocol` stands in the rule, and whether the last one is negated.
    pub asks_for_protocol: Option<bool>,
    /// Names that rules share.
    pub names: &'a Names,
    /// The words that rules may use.
    pub vocabulary: &'a Vocabulary,
    buffers: Vec<DraftBuffer>,
    /// Selected, and nothing asked of it yet.
    pending: Option<DraftBuffer>,
    /// Selected, and in `buffers`.
    current: Option<usize>,
    last_content: Option<(usize, usize)>,
    /// The buffer that the last step is asked of.
    last_buffer: Option<usize>,
    /// Whether something was decoded that `base64_data` can select.
    decoded: bool,
    variables: Vec<String>,
}

impl<'a> Draft<'a> {
    /// A rule of which nothing is known yet.
    pub fn new(names: &'a Names, vocabulary: &'a Vocabulary) -> Self {
        Self {
            meta: Meta { gid: 1, ..Meta::default() },
            priority: None,
            alerts: None,
            packets: None,
            app_protocol: None,
            hook: None,
            flow: FlowOption::default(),
            way: Way::Both,
            conditions: Vec::new(),
            ip_protocols: Vec::new(),
            effects: Vec::new(),
            datasets: Vec::new(),
            thresholds: Vec::new(),
            asks_for_protocol: None,
            names,
            vocabulary,
            buffers: Vec::new(),
            pending: None,
            current: None,
            last_content: None,
            last_buffer: None,
            decoded: false,
            variables: Vec::new(),
        }
    }

    /// Says whether a match alerts, whatever the action.
    ///
    /// # Errors
    ///
    /// When the rule said the contrary before.
    pub fn set_alerts(&mut self, alerts: bool, span: Span) -> Result<(), Diagnostic> {
        match self.alerts.replace(alerts) {
            Some(before) if before != alerts => {
                Err(Diagnostic::error("contradictory-alert", span, "this contradicts what stands before it")
                    .with_help("keep `alert` or `noalert`"))
            }
            _ => Ok(()),
        }
    }

    /// What follows is asked of that buffer.
    ///
    /// # Errors
    ///
    /// When nothing was asked of the buffer selected before.
    pub fn select(&mut self, source: Source, span: Span) -> Result<(), Diagnostic> {
        self.select_way(source, Way::Both, span)
    }

    /// What follows is asked of that buffer, of one way of the transaction alone.
    ///
    /// # Errors
    ///
    /// When nothing was asked of the buffer selected before.
    pub fn select_way(&mut self, source: Source, way: Way, span: Span) -> Result<(), Diagnostic> {
        self.check_pending()?;
        self.current = None;
        self.pending = Some(DraftBuffer { way, ..DraftBuffer::new(source, span) });
        Ok(())
    }

    /// What follows is asked of the payload.
    ///
    /// # Errors
    ///
    /// When nothing was asked of the buffer selected before.
    pub fn select_payload(&mut self) -> Result<(), Diagnostic> {
        self.check_pending()?;
        self.current = None;
        Ok(())
    }

    /// Asks a step that decodes bytes of the selected buffer for `base64_data`.
    pub fn push_decoder(&mut self, step: DraftStep) {
        self.push_step(step);
        self.decoded = true;
    }

    /// Whether something was decoded that `base64_data` can select.
    pub fn decodes(&self) -> bool {
        self.decoded
    }

    /// The buffer selected last, before anything was asked of it: transforms go there.
    pub fn pending(&mut self) -> Option<&mut DraftBuffer> {
        self.pending.as_mut()
    }

    /// The field that the older form of a keyword speaks of, the one after a content (`http_uri`).
    pub fn modifier(&self, name: &str) -> Option<&'static Field> {
        match self.vocabulary.word(name) {
            Some(Word::Modifier(field)) => Some(field),
            _ => None,
        }
    }

    /// Changes the buffer selected last before it is looked at. Where something was asked of it already, what follows
    /// is asked of it as changed.
    ///
    /// # Errors
    ///
    /// When no buffer is selected, or what is selected is changed and looked at already.
    pub fn transform(&mut self, transform: Box<dyn Transform>, span: Span) -> Result<(), Diagnostic> {
        if let (None, Some(current)) = (&self.pending, self.current) {
            let buffer = &self.buffers[current];
            if buffer.source != Source::Payload && buffer.transforms.is_empty() {
                let (source, way, span) = (buffer.source, buffer.way, buffer.span);
                self.pending = Some(DraftBuffer { way, ..DraftBuffer::new(source, span) });
            }
        }
        match &mut self.pending {
            Some(buffer) if !matches!(buffer.source, Source::Payload | Source::Base64) => {
                buffer.transforms.push(transform);
                Ok(())
            }
            _ => {
                let message = format!("`{}` does not stand right after a sticky buffer", transform.name());
                Err(Diagnostic::error("transform-without-buffer", span, message)
                    .with_help("select the buffer to change before it, as in `http.uri; to_lowercase;`"))
            }
        }
    }

    /// Where the bytes come from that the next step looks at.
    pub fn source(&self) -> Source {
        match (&self.pending, self.current) {
            (Some(pending), _) => pending.source,
            (None, Some(current)) => self.buffers[current].source,
            (None, None) => Source::Payload,
        }
    }

    /// The buffer selected last, with what is asked of it so far.
    pub fn buffer(&mut self) -> &mut DraftBuffer {
        let index = self.buffer_index();
        &mut self.buffers[index]
    }

    /// The index that this buffer will have among the signature's inspections.
    pub fn buffer_index(&mut self) -> usize {
        if let Some(pending) = self.pending.take() {
            self.current = Some(self.place(pending));
        }
        match self.current {
            Some(current) => current,
            None => {
                let index = self.place(DraftBuffer::new(Source::Payload, Span::new(0, 0)));
                self.current = Some(index);
                index
            }
        }
    }

    fn place(&mut self, wanted: DraftBuffer) -> usize {
        match self.buffers.iter().position(|buffer| buffer.serves(&wanted)) {
            Some(index) => index,
            None => {
                self.buffers.push(wanted);
                self.buffers.len() - 1
            }
        }
    }

    fn check_pending(&self) -> Result<(), Diagnostic> {
        match &self.pending {
            None => Ok(()),
            Some(pending) => {
                Err(Diagnostic::error("empty-buffer", pending.span, "nothing is asked of this buffer")
                    .with_help("put a `content` or the like after it, or take it out"))
            }
        }
    }

    /// Asks a step of the selected buffer.
    ///
    /// Where none is selected, a step that begins where the last one ended is asked of that one's buffer: the last one
    /// may have been moved there by an older modifier (`content:"x"; http_uri; isdataat:10,relative;`).
    pub fn push_step(&mut self, step: DraftStep) {
        let continues = matches!(&step, DraftStep::Other(step, _) if step.relative());
        let last = self.last_buffer.filter(|_| continues && self.source() == Source::Payload);
        let buffer = last.unwrap_or_else(|| self.buffer_index());
        self.push_step_into(buffer, step);
    }

    fn push_step_into(&mut self, buffer: usize, step: DraftStep) {
        self.last_buffer = Some(buffer);
        let steps = &mut self.buffers[buffer].steps;
        if step.content().is_some() {
            self.last_content = Some((buffer, steps.len()));
        }
        steps.push(step);
    }

    /// Asks a step of a buffer other than the selected one (a `pcre` with a buffer letter).
    pub fn push_step_at(&mut self, source: Source, step: DraftStep) {
        let buffer = self.place(DraftBuffer::new(source, step.span()));
        self.push_step_into(buffer, step);
    }

    /// The content that a modifier after it changes.
    pub fn last_content(&mut self) -> Option<&mut Content> {
        let (buffer, step) = self.last_content?;
        match &mut self.buffers[buffer].steps[step] {
            DraftStep::Content(content, _) => Some(content),
            DraftStep::Other(..) => None,
        }
    }

    /// Moves the last content to another buffer, as the older modifiers ask (`content:"x"; http_uri;`).
    ///
    /// # Errors
    ///
    /// When there is no content, or it stands in a buffer that was selected before it.
    pub fn move_last_content(&mut self, field: &'static Field, span: Span) -> Result<(), Diagnostic> {
        let Some((from, step)) = self.last_content else {
            return Err(no_content(field.modifier.unwrap_or(field.name), span));
        };
        if self.buffers[from].source != Source::Payload {
            return Err(Diagnostic::error(
                "modifier-after-sticky",
                span,
                "the content before this stands in a buffer that was selected already",
            )
            .with_help("take the modifier out, or use sticky buffers alone"));
        }
        let step = self.buffers[from].steps.remove(step);
        let to = self.place(DraftBuffer::new(Source::Field(field), span));
        self.push_step_into(to, step);
        Ok(())
    }

    /// Binds a variable, or finds it bound.
    ///
    /// # Errors
    ///
    /// When the rule binds more than there is room for.
    pub fn bind_variable(&mut self, name: &str, span: Span) -> Result<usize, Diagnostic> {
        if let Some(slot) = self.variable(name) {
            return Ok(slot);
        }
        if self.variables.len() == MAX_VARIABLES {
            return Err(Diagnostic::error(
                "too-many-variables",
                span,
                format!("a rule binds at most {MAX_VARIABLES} variables"),
            ));
        }
        self.variables.push(name.to_owned());
        Ok(self.variables.len() - 1)
    }

    /// The slot of a variable that was bound before.
    pub fn variable(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|known| known == name)
    }

    /// Says that the rule is about flows of that protocol.
    ///
    /// # Errors
    ///
    /// When it is about another already.
    pub fn need_protocol(&mut self, protocols: &[AppProtocol], span: Span) -> Result<(), Diagnostic> {
        match self.app_protocol {
            None => {
                self.app_protocol = common_protocol(protocols);
                Ok(())
            }
            Some(known) if protocols.iter().any(|&wanted| wanted.is(known) || known.is(wanted)) => Ok(()),
            Some(known) => {
                let wanted = protocols.first().map_or("another", |protocol| protocol.name());
                Err(Diagnostic::error(
                    "other-protocol",
                    span,
                    format!("this belongs to {wanted}, the rule to {}", known.name()),
                )
                .with_help(format!("write the rule for {wanted}, or take this out")))
            }
        }
    }

    /// The buffers, once all options are read, but for payload of which modifiers have moved every content.
    ///
    /// # Errors
    ///
    /// When nothing was asked of the buffer selected last, or something of one that must be absent.
    pub fn into_buffers(mut self) -> Result<Vec<DraftBuffer>, Diagnostic> {
        self.check_pending()?;
        self.buffers.retain(|buffer| buffer.source != Source::Payload || !buffer.steps.is_empty());
        match self.buffers.iter().find(|buffer| buffer.absent == Absent::Required && !buffer.steps.is_empty())
        {
            None => Ok(self.buffers),
            Some(buffer) => Err(Diagnostic::error(
                "absent-and-present",
                buffer.steps[0].span(),
                "this is asked of a buffer that must be absent",
            )
            .with_help("write `absent:or_else;` where either will do")),
        }
    }
}

/// The protocol that a field of several protocols makes a rule's: `http` for both its versions.
fn common_protocol(protocols: &[AppProtocol]) -> Option<AppProtocol> {
    match protocols {
        [one] => Some(*one),
        [AppProtocol::Http1 | AppProtocol::Http2, AppProtocol::Http1 | AppProtocol::Http2] => {
            Some(AppProtocol::Http)
        }
        _ => None,
    }
}

/// That a modifier has no content to modify.
pub fn no_content(keyword: &str, span: Span) -> Diagnostic {
    Diagnostic::error("no-content", span, format!("`{keyword}` stands after no `content`"))
        .with_help(format!("put a `content` before `{keyword}`"))
}
