//! Fields of protocols as keywords: sticky buffers and numbers, and what keywords about them are made of.

use crate::compile::supported;
use crate::content::Content;
use crate::dataset::DatasetKind;
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::integer::IntegerMatch;
use crate::keyword::Argument;
use crate::keyword::dataset::in_list;
use crate::signature::{Source, Way};
use crate::vocabulary::{Field, FieldKind};

/// Reads an option that names a field.
pub(crate) fn select(
    field: &'static Field,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    match field.kind {
        FieldKind::Bytes | FieldKind::ManyBytes | FieldKind::Frame(_) => {
            belongs(field, argument, draft)?;
            let way = one_way(field, argument)?;
            draft.select_way(Source::Field(field), way, argument.span())
        }
        FieldKind::Number { max, names } | FieldKind::ManyNumbers { max, names } => {
            let named = |word: &str| {
                names.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, value)| value)
            };
            let form = argument.integer_named(max, &named)?;
            ask(field, Box::new(NumberStep { form }), argument, draft)
        }
    }
}

/// The way that is meant of a field that both ways of a transaction have, as rules of whole transactions may say
/// (Suricata documentation: "Rules Format", transactional rules).
fn one_way(field: &Field, argument: &Argument<'_>) -> Result<Way, Diagnostic> {
    let both = field.reach.to_server.is_some() && field.reach.to_client.is_some();
    match argument.optional().map(|value| value.text().trim()) {
        Some(way) if both && way.as_bytes() == b"to_server" => Ok(Way::ToServer),
        Some(way) if both && way.as_bytes() == b"to_client" => Ok(Way::ToClient),
        _ => argument.none().map(|()| Way::Both),
    }
}

/// That the rule may look at the field.
fn belongs(field: &Field, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    if let Some(&first) = field.protocols.first() {
        supported(first, argument.span())?;
    }
    draft.need_protocol(field.protocols, argument.span())
}

/// Asks a step of a field, whichever buffer is selected.
///
/// # Errors
///
/// When the rule is about another protocol.
pub fn ask(
    field: &'static Field,
    step: Box<dyn Step>,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    belongs(field, argument, draft)?;
    draft.push_step_at(Source::Field(field), DraftStep::Other(step, argument.span()));
    Ok(())
}

/// Looks for the option's value in a field, as a `content` would; `adjust` sets what the keyword implies.
///
/// # Errors
///
/// When the rule is about another protocol, or the value is no content.
pub fn ask_content(
    field: &'static Field,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
    adjust: impl FnOnce(&mut Content),
) -> Result<(), Diagnostic> {
    belongs(field, argument, draft)?;
    let mut content = argument.content()?;
    adjust(&mut content);
    draft.push_step_at(Source::Field(field), DraftStep::Content(content, argument.span()));
    Ok(())
}

/// Asks whether a hash is in the list that the option's file holds, or with `!` is not: `[!]file`.
///
/// # Errors
///
/// When the rule is about another protocol, or the value is no path below the rules.
pub fn ask_list(
    field: &'static Field,
    kind: DatasetKind,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<(), Diagnostic> {
    let step = in_list(kind, argument, draft)?;
    ask(field, step, argument, draft)
}

/// Compares a number field, which comes as eight bytes, most significant first.
#[derive(Debug)]
pub struct NumberStep {
    /// With what.
    pub form: IntegerMatch,
}

impl Step for NumberStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Ok(bytes) = <[u8; 8]>::try_from(cursor.bytes) else { return Outcome::FailsForGood };
        if self.form.holds(u64::from_be_bytes(bytes)) { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        format!("is {}", self.form)
    }
}

/// Compares a number field with several forms, of which one must hold.
#[derive(Debug)]
pub struct AnyNumberStep {
    /// With what.
    pub forms: Vec<IntegerMatch>,
}

impl Step for AnyNumberStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Ok(bytes) = <[u8; 8]>::try_from(cursor.bytes) else { return Outcome::FailsForGood };
        let value = u64::from_be_bytes(bytes);
        if self.forms.iter().any(|form| form.holds(value)) { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        let forms: Vec<String> = self.forms.iter().map(ToString::to_string).collect();
        format!("is {}", forms.join(" or "))
    }
}

/// Compares the length of a field.
#[derive(Debug)]
pub struct LengthStep {
    /// With what, in bytes.
    pub form: IntegerMatch,
}

impl Step for LengthStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        if self.form.holds(cursor.bytes.len() as u64) { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn buffer_len(&self) -> Option<(u64, u64)> {
        Some(self.form.bounds(u64::MAX))
    }

    fn explain(&self) -> String {
        format!("its length is {}", self.form)
    }
}

/// Holds wherever the field is there at all.
#[derive(Debug)]
pub struct PresentStep;

impl Step for PresentStep {
    fn check(&self, _: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        Outcome::Holds
    }

    fn explain(&self) -> String {
        "is there".to_owned()
    }
}
