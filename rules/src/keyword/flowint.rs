//! `flowint`: counters of a flow.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::effect::{Effect, IntChange, IntValue};
use crate::names::NameKind;
use crate::signature::{Condition, Scope};
use crate::text::Text;
use crate::view::View;

/// `flowint` (Suricata documentation: "Flow Keywords", flowint).
#[derive(Debug)]
pub(super) struct Flowint;

impl Keyword for Flowint {
    fn name(&self) -> &'static str {
        "flowint"
    }

    fn doc(&self) -> &'static str {
        "Numbers of a flow, by name: set (`=`), add to (`+`) or subtract from (`-`) one when the rule matches, \
         compare it (`==`, `!=`, `<`, `<=`, `>`, `>=`), or ask whether it `isset` or `isnotset`. The other side is a \
         number or another name."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert tcp any any -> any any (flowint:logins,>=,3; sid:1;)",
                |stage| stage.flowints.push(("logins", 3)),
                |stage| stage.flowints.push(("logins", 2)),
            ),
            Example::staged(
                "alert tcp any any -> any any (flowint:count, isset; flowint:count, ==, most; sid:1;)",
                |stage| stage.flowints.extend([("count", 6), ("most", 6)]),
                |stage| stage.flowints.push(("most", 6)),
            ),
            Example::staged(
                "alert tcp any any -> any any (flowint:count,notset; flowint:count,=,1; sid:1;)",
                |_| {},
                |stage| stage.flowints.push(("count", 0)),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "flowint",
            "flowint:a",
            "flowint:a,+",
            "flowint:a,*,1",
            "flowint:a,isset,1",
            "flowint:a,+,4294967296",
            "flowint:a,+,-1",
            "flowint:a,+,1,2",
            "flowint:a b,+,1",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let (name, modifier, value) = match parts.as_slice() {
            [name, modifier] => (name, modifier, None),
            [name, modifier, value] => (name, modifier, Some(value)),
            _ => return Err(bad_form(argument)),
        };
        let id = variable(name, draft)?;
        let name = name.to_str_lossy().into_owned();
        let modifier_text = modifier.to_str_lossy();
        if let "isset" | "notset" | "isnotset" = &*modifier_text {
            if let Some(value) = value {
                return Err(Diagnostic::error("unexpected-value", value.span(), "this asks for no number")
                    .with_help("take the number out"));
            }
            draft.conditions.push(Box::new(IsSet { id, set: modifier_text == "isset", name }));
            return Ok(());
        }
        let text = value.filter(|value| !value.is_empty()).ok_or_else(|| bad_form(argument))?;
        let value = match text.iter().all(u8::is_ascii_digit) {
            true => IntValue::Literal(text.to_str_lossy().parse().map_err(|_| too_large(text))?),
            false => IntValue::Variable(variable(text, draft)?),
        };
        let relation = match &*modifier_text {
            "=" => return change(draft, id, IntChange::Set, value),
            "+" => return change(draft, id, IntChange::Add, value),
            "-" => return change(draft, id, IntChange::Subtract, value),
            "==" => Relation::Equal,
            "!=" => Relation::NotEqual,
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterOrEqual,
            other => {
                let message = format!("`flowint` has no `{other}`");
                return Err(Diagnostic::error("unknown-flowint-modifier", modifier.span(), message)
                    .with_help("the signs are = + - == != < <= > >=, the words isset and isnotset"));
            }
        };
        let with = text.to_str_lossy().into_owned();
        draft.conditions.push(Box::new(Compare { id, relation, value, words: [name, with] }));
        Ok(())
    }
}

fn change(draft: &mut Draft<'_>, id: u32, change: IntChange, value: IntValue) -> Result<(), Diagnostic> {
    draft.effects.push(Effect::Flowint { id, change, value });
    Ok(())
}

fn bad_form(argument: &Argument<'_>) -> Diagnostic {
    argument
        .error("bad-flowint", "this is a name, a modifier and a number")
        .with_help("write `flowint:<name>,+,1`, `flowint:<name>,>,5` or `flowint:<name>,isset`")
}

fn too_large(text: &Text) -> Diagnostic {
    Diagnostic::error("number-out-of-range", text.span(), "the number is larger than 4294967295")
        .with_help("write a number up to 4294967295")
}

fn variable(name: &Text, draft: &Draft<'_>) -> Result<u32, Diagnostic> {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let named = name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(letters);
    match named {
        true => Ok(draft.names.id(NameKind::Flowint, &name.to_str_lossy())),
        false => Err(Diagnostic::error("bad-flowint-name", name.span(), "this is no name of a number")
            .with_help("a name begins with a letter and holds letters, digits, `.`, `_` and `-`")),
    }
}

#[derive(Debug)]
struct IsSet {
    id: u32,
    set: bool,
    name: String,
}

impl Condition for IsSet {
    fn holds(&self, view: &View<'_>) -> bool {
        view.flow.is_some() && view.memory.flowint(self.id).is_some() == self.set
    }

    fn scope(&self) -> Scope {
        Scope::Flow
    }

    fn reads(&self) -> Option<NameKind> {
        Some(NameKind::Flowint)
    }

    fn explain(&self) -> String {
        format!("the number {} of the flow is {}set", self.name, if self.set { "" } else { "not " })
    }
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Equal => "is",
            Self::NotEqual => "is not",
            Self::Less => "is less than",
            Self::LessOrEqual => "is at most",
            Self::Greater => "is more than",
            Self::GreaterOrEqual => "is at least",
        }
    }
}

#[derive(Debug)]
struct Compare {
    id: u32,
    relation: Relation,
    value: IntValue,
    /// The two sides, as the rule has them.
    words: [String; 2],
}

impl Condition for Compare {
    /// A number that was never set compares with nothing.
    fn holds(&self, view: &View<'_>) -> bool {
        let right = match self.value {
            IntValue::Literal(value) => Some(value),
            IntValue::Variable(id) => view.memory.flowint(id),
        };
        let left = view.memory.flowint(self.id);
        left.zip(right).is_some_and(|(left, right)| self.relation.holds(left, right))
    }

    fn scope(&self) -> Scope {
        Scope::Flow
    }

    fn reads(&self) -> Option<NameKind> {
        Some(NameKind::Flowint)
    }

    fn explain(&self) -> String {
        let [left, right] = &self.words;
        format!("the number {left} of the flow {} {right}", self.relation.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    #[test]
    fn a_match_counts() {
        let rule = "alert tcp any any -> any any (flowint:a,+,1; flowint: b , = , a; flowint:a,-,2; sid:1;)";
        let signature = compiled(rule, &Names::default()).expect("sound");
        let effect = |id, change, value| Effect::Flowint { id, change, value };
        let expected = [
            effect(0, IntChange::Add, IntValue::Literal(1)),
            effect(1, IntChange::Set, IntValue::Variable(0)),
            effect(0, IntChange::Subtract, IntValue::Literal(2)),
        ];
        assert_eq!(signature.effects, expected);
    }
}
