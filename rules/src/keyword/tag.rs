//! `tag`: packets that follow a match are marked.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::effect::{Effect, TagMetric, TagScope};

/// How many packets are marked, unless the rule says otherwise.
const DEFAULT_PACKETS: u32 = 256;

/// `tag` (Suricata documentation: "Tag").
#[derive(Debug)]
pub(super) struct Tag;

impl Keyword for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn doc(&self) -> &'static str {
        "Packets after a match are marked: of the flow (`session`), or of one of its addresses (`host`, with `src` or \
         `dst` at the end), for so many `packets`, `seconds` or `bytes`. Marked packets are counted; there is no event \
         for a packet."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"x"; tag:host,60,seconds,src; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "tag",
            "tag:flow",
            "tag:session,5",
            "tag:session,0,packets",
            "tag:session,5,minutes",
            "tag:host,5,packets,up",
            "tag:host,5,packets,src,dst",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let words: Vec<_> = parts.iter().map(|part| part.to_str_lossy()).collect();
        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
        let (scope, rest) = words.split_first().expect("a value has a part");
        let effect = scope_of(scope, rest.get(2).copied()).zip(metric_of(rest));
        let (scope, metric) = effect.ok_or_else(|| {
            argument
                .error("bad-tag", "this doesn't say what is marked")
                .with_help("write `tag:session`, `tag:session,10,packets` or `tag:host,60,seconds,src`")
        })?;
        draft.effects.push(Effect::Tag { scope, metric });
        Ok(())
    }
}

fn scope_of(scope: &str, way: Option<&str>) -> Option<TagScope> {
    match (scope, way) {
        ("session", None | Some("src" | "dst")) => Some(TagScope::Session),
        ("host", Some("src")) => Some(TagScope::Source),
        ("host", None | Some("dst")) => Some(TagScope::Destination),
        _ => None,
    }
}

fn metric_of(rest: &[&str]) -> Option<TagMetric> {
    let (count, metric) = match rest {
        [] => return Some(TagMetric::Packets(DEFAULT_PACKETS)),
        [count, metric] | [count, metric, _] => (count.parse().ok().filter(|&count| count > 0)?, metric),
        _ => return None,
    };
    match *metric {
        "packets" => Some(TagMetric::Packets(count)),
        "seconds" => Some(TagMetric::Seconds(count)),
        "bytes" => Some(TagMetric::Bytes(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    #[test]
    fn what_is_left_out_has_a_default() {
        let tag = |option: &str| {
            let rule = format!("alert tcp any any -> any any ({option}; sid:1;)");
            let effects = compiled(&rule, &Names::default()).expect("sound").effects;
            effects.into_iter().next().expect("one")
        };
        let expected = |scope, metric| Effect::Tag { scope, metric };
        assert_eq!(tag("tag:session"), expected(TagScope::Session, TagMetric::Packets(256)));
        assert_eq!(tag("tag:session, 20, packets"), expected(TagScope::Session, TagMetric::Packets(20)));
        assert_eq!(tag("tag:host,9,bytes"), expected(TagScope::Destination, TagMetric::Bytes(9)));
        assert_eq!(tag("tag:host,9,seconds,src"), expected(TagScope::Source, TagMetric::Seconds(9)));
    }
}
