//! What parsers give to rules: a rule that asks for more loads, and waits.

use super::SPEECHES;
use super::file::fields::MAGIC;
use super::file::magic;
use rules::header::protocol::AppProtocol;
use rules::signature::Signature;
use rules::vocabulary::Field;
use std::collections::HashSet;

/// The protocols that are parsed, each with the fields that its parser fills.
#[derive(Debug)]
pub struct Spoken(Vec<(AppProtocol, HashSet<*const Field>)>);

impl Default for Spoken {
    /// Those of [`SPEECHES`].
    fn default() -> Self {
        let filled = |fields: fn() -> Vec<super::conversation::FieldRow>| {
            fields().into_iter().map(|row| std::ptr::from_ref(row.field)).collect()
        };
        Self(SPEECHES.iter().map(|speech| (speech.protocol, filled(speech.fields))).collect())
    }
}

impl Spoken {
    /// What has to be parsed before a rule can match: a protocol, or a field of a protocol that is parsed.
    pub fn waits_for(&self, signature: &Signature) -> Option<&'static str> {
        let wanted = signature.app_protocol;
        let protocol = wanted.filter(|&wanted| !self.parses(wanted)).map(AppProtocol::name);
        let unfilled = || signature.fields().find(|&field| !self.fills(field, wanted));
        let nameless = || signature.fields().any(|field| field == &MAGIC) && !magic::is_there();
        let unfilled = protocol.or_else(|| {
            unfilled().map(|field| match field.protocols.first() {
                Some(&first) if !self.parses(first) => first.name(),
                _ => field.name,
            })
        });
        unfilled.or_else(|| nameless().then_some("libmagic's database"))
    }

    fn parses(&self, wanted: AppProtocol) -> bool {
        self.0.iter().any(|(protocol, _)| protocol.is(wanted))
    }

    /// Whether some protocol that a rule means has values for the field.
    fn fills(&self, field: &'static Field, wanted: Option<AppProtocol>) -> bool {
        let fitting = self.0.iter().filter(|(protocol, _)| wanted.is_none_or(|wanted| protocol.is(wanted)));
        fitting.into_iter().any(|(_, filled)| filled.contains(&std::ptr::from_ref(field)))
    }
}
