//! What `pcre` captured: `flowvar`, `pktvar`.

use super::{Argument, Example, Keyword};
use crate::ast::Value;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::names::NameKind;
use crate::signature::{Condition, Scope};
use crate::view::View;
use memchr::memmem::Finder;
use std::fmt;

/// A keyword that asks for bytes in a captured value: `<name>,"<content>"`.
pub(super) struct VariableKeyword {
    name: &'static str,
    doc: &'static str,
    /// What `pcre` puts before the names of these variables.
    kind: &'static str,
    whose: Whose,
    examples: fn() -> Vec<Example>,
    refused: &'static [&'static str],
}

/// What keeps a value.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Flow,
    Packet,
}

/// `flowvar` (Suricata documentation: "Payload Keywords", pcre, capture into variables).
pub(super) static FLOWVAR: VariableKeyword = VariableKeyword {
    name: "flowvar",
    doc: "What a `pcre` captured on the flow under that name contains these bytes.",
    kind: "flow",
    whose: Whose::Flow,
    examples: || {
        vec![Example::staged(
            r#"alert tcp any any -> any any (flowvar:user,"ro|6f|t"; sid:1;)"#,
            |stage| stage.variables.push(("flow:user", b"the root user".to_vec())),
            |stage| stage.variables.push(("pkt:user", b"the root user".to_vec())),
        )]
    },
    refused: &["flowvar", "flowvar:user", r#"flowvar:,"a""#, r#"flowvar:user,"""#, r#"flowvar:user,"|4""#],
};

/// `pktvar` (Suricata documentation: "Payload Keywords", pcre, capture into variables).
pub(super) static PKTVAR: VariableKeyword = VariableKeyword {
    name: "pktvar",
    doc: "What a `pcre` captured on this packet under that name contains these bytes.",
    kind: "pkt",
    whose: Whose::Packet,
    examples: || {
        vec![Example::staged(
            r#"alert tcp any any -> any any (pktvar:user,root; sid:1;)"#,
            |stage| stage.variables.push(("pkt:user", b"root".to_vec())),
            |stage| stage.variables.push(("pkt:user", b"guest".to_vec())),
        )]
    },
    refused: &["pktvar", "pktvar:user", r#"pktvar:user,"|zz|""#],
};

impl fmt::Debug for VariableKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Keyword for VariableKeyword {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        (self.examples)()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.text()?;
        let comma = text.iter().position(|&byte| byte == b',').filter(|&at| at > 0).ok_or_else(|| {
            argument
                .error("no-variable", format!("`{}` takes a name and bytes", self.name))
                .with_help(format!("write `{}:name,\"bytes\"`", self.name))
        })?;
        let (variable, value) = (text.slice(0..comma).trim(), text.slice(comma + 1..text.len()).trim());
        let quoted = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
        let inner = if quoted { value.slice(1..value.len() - 1) } else { value.clone() };
        let bytes = Value::new(inner, quoted, false, value.span()).content()?;
        let variable = variable.to_str_lossy().into_owned();
        let id = draft.names.id(NameKind::Capture, &format!("{}:{variable}", self.kind));
        let finder = Finder::new(&bytes).into_owned();
        draft.conditions.push(Box::new(Contains { variable, id, whose: self.whose, finder }));
        Ok(())
    }
}

#[derive(Debug)]
struct Contains {
    variable: String,
    id: u32,
    whose: Whose,
    finder: Finder<'static>,
}

impl Condition for Contains {
    fn holds(&self, view: &View<'_>) -> bool {
        let value = match self.whose {
            Whose::Flow => view.memory.flow_variable(self.id),
            Whose::Packet => view.memory.packet_variable(self.id),
        };
        value.is_some_and(|value| self.finder.find(value).is_some())
    }

    fn scope(&self) -> Scope {
        match self.whose {
            Whose::Flow => Scope::Flow,
            Whose::Packet => Scope::Packet,
        }
    }

    fn reads(&self) -> Option<NameKind> {
        Some(NameKind::Capture)
    }

    fn explain(&self) -> String {
        format!("`{}` was captured and contains \"{}\"", self.variable, self.finder.needle().escape_ascii())
    }
}
