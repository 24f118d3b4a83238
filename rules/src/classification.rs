//! classification.config: the classes of attack, with their descriptions and priorities.

use crate::diagnostic::Diagnostic;
use crate::text::Source;
use std::collections::HashMap;

/// A class of attack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Class {
    /// What alerts of it say as their category.
    pub description: String,
    /// 1 is the most severe.
    pub priority: u32,
}

/// Classes by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Classes {
    known: HashMap<String, Class>,
}

impl Classes {
    /// Reads lines of the form `config classification: name,description,priority`; of a class given twice the first
    /// counts.
    pub fn parse(source: &Source) -> (Self, Vec<Diagnostic>) {
        let mut classes = Self::default();
        let mut faults = Vec::new();
        let whole = source.text();
        let mut start = 0;
        for line in source.bytes().split(|&byte| byte == b'\n') {
            let text = whole.slice(start..start + line.len()).trim();
            start += line.len() + 1;
            if text.is_empty() || text.first() == Some(&b'#') {
                continue;
            }
            match class(&text.to_str_lossy()) {
                Some((name, class)) => {
                    classes.known.entry(name).or_insert(class);
                }
                None => faults.push(
                    Diagnostic::error("bad-class", text.span(), "this line is no class")
                        .with_help("write `config classification: name,description,priority`"),
                ),
            }
        }
        (classes, faults)
    }

    /// The class of that name, in any case.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.known.get(&name.to_ascii_lowercase())
    }
}

fn class(line: &str) -> Option<(String, Class)> {
    let rest = line.strip_prefix("config")?.trim_start().strip_prefix("classification:")?;
    let (name, rest) = rest.split_once(',')?;
    let (description, priority) = rest.rsplit_once(',')?;
    let class = Class { description: description.trim().to_owned(), priority: priority.trim().parse().ok()? };
    let name = name.trim();
    (!name.is_empty()).then(|| (name.to_ascii_lowercase(), class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_and_reports_the_rest() {
        let text = "# comment\nconfig classification: trojan-activity,A Network Trojan was detected,1\r\n\nnonsense\n";
        let source = Source::new("classification.config", text).expect("small");
        let (classes, faults) = Classes::parse(&source);
        let class = classes.class("Trojan-Activity").expect("known");
        assert_eq!((class.description.as_str(), class.priority), ("A Network Trojan was detected", 1));
        assert_eq!(faults.len(), 1);
        assert_eq!(source.location(faults[0].span.start).line, 4);
    }
}
