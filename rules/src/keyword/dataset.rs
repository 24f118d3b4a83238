//! `dataset` and `datarep`: whether a buffer is a value of a set (Suricata documentation: "Datasets").

use super::{Argument, Example, Keyword};
use crate::dataset::{Dataset, DatasetFormat, DatasetKind};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::integer::parse_u64;
use crate::names::NameKind;
use crate::signature::Source;
use crate::text::Text;

/// The longest name of a set, as in Suricata.
const MAX_NAME: usize = 63;

const OPTIONS: &str =
    "type, load, save, state, memcap, hashsize, format, value_key, array_key, context_key, remove_key";

/// `dataset`.
#[derive(Debug)]
pub(super) struct DatasetKeyword;

impl Keyword for DatasetKeyword {
    fn name(&self) -> &'static str {
        "dataset"
    }

    fn doc(&self) -> &'static str {
        "The buffer is a value of a set (`isset`) or is none (`isnotset`), or becomes one (`set`) or no longer is one \
         (`unset`): `command,name` and then `type string|md5|sha256|ipv4|ipv6|ip`, `load file`, `save file`, \
         `state file`, `memcap`, `hashsize`, `format csv|json|ndjson`. A set changes as soon as this is looked at, \
         whether or not the rest of the rule matches."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert dns any any -> any any (dns.query; dataset:set,seen,type string; sid:1;)",
                |stage| stage.fields.push(("dns.query", b"a.test".to_vec())),
                |stage| {
                    stage.fields.push(("dns.query", b"a.test".to_vec()));
                    stage.datasets.push(("seen", b"a.test".to_vec(), 0));
                },
            ),
            Example::staged(
                "alert dns any any -> any any (dns.query; dataset:unset,left,type string; sid:1;)",
                |stage| {
                    stage.fields.push(("dns.query", b"a.test".to_vec()));
                    stage.datasets.push(("left", b"a.test".to_vec(), 0));
                },
                |stage| stage.fields.push(("dns.query", b"a.test".to_vec())),
            ),
            Example::staged(
                "alert dns any any -> any any (dns.query; dataset:isset,bad,type string,load bad.lst; sid:1;)",
                |stage| {
                    stage.fields.push(("dns.query", b"a.test".to_vec()));
                    stage.datasets.push(("bad", b"a.test".to_vec(), 0));
                },
                |stage| stage.fields.push(("dns.query", b"b.test".to_vec())),
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "dataset:isset,bad,type string,load bad.lst",
            "dns.query; dataset",
            "dns.query; dataset:isset",
            "dns.query; dataset:has,bad,type string",
            "dns.query; dataset:isset,bad,type number",
            "dns.query; dataset:isset,bad,type string,load /bad.lst",
            "dns.query; dataset:set,bad,type string,save ../bad.lst",
            "dns.query; dataset:set,bad,type string,load a.lst,state b.lst",
            "dns.query; dataset:isset,bad,type string,memcap lots",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [command, name, options @ ..] = parts.as_slice() else {
            return Err(argument
                .error("missing-value", "`dataset` needs a command and the name of a set")
                .with_help("write `dataset:isset,<name>,type string,load <file>;`"));
        };
        let ask = match command.as_bytes() {
            b"isset" => Ask::Holds(true),
            b"isnotset" => Ask::Holds(false),
            b"set" => Ask::Change { add: true },
            b"unset" => Ask::Change { add: false },
            word => {
                let message = format!("`{}` is no command", String::from_utf8_lossy(word));
                return Err(Diagnostic::error("unknown-option", command.span(), message)
                    .with_help("the commands are isset, isnotset, set, unset"));
            }
        };
        let mut set = describe(argument, name, options, draft, false)?;
        set.changes = matches!(ask, Ask::Change { .. });
        push(draft, argument, Membership { id: set.id, name: set.name.clone(), ask });
        draft.datasets.push(set);
        Ok(())
    }
}

fn push(draft: &mut Draft<'_>, argument: &Argument<'_>, step: impl Step + 'static) {
    draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
}

/// `datarep`.
#[derive(Debug)]
pub(super) struct DatarepKeyword;

impl Keyword for DatarepKeyword {
    fn name(&self) -> &'static str {
        "datarep"
    }

    fn doc(&self) -> &'static str {
        "The buffer is a value of a set in which each has a score, and its score compares so: `name,<|>|==,score` and \
         then options as those of `dataset`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            "alert dns any any -> any any (dns.query; datarep:bad,>,200,load bad.rep,type string; sid:1;)",
            |stage| {
                stage.fields.push(("dns.query", b"a.test".to_vec()));
                stage.datasets.push(("bad", b"a.test".to_vec(), 201));
            },
            |stage| {
                stage.fields.push(("dns.query", b"a.test".to_vec()));
                stage.datasets.push(("bad", b"a.test".to_vec(), 200));
            },
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "datarep:bad,>,200,load bad.rep,type string",
            "dns.query; datarep:bad,>",
            "dns.query; datarep:bad,~,200,load bad.rep,type string",
            "dns.query; datarep:bad,>,65536,load bad.rep,type string",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [name, operator, score, options @ ..] = parts.as_slice() else {
            return Err(argument
                .error("missing-value", "`datarep` needs the name of a set, an operator and a score")
                .with_help("write `datarep:<name>,>,200,load <file>,type string;`"));
        };
        let compare = match operator.as_bytes() {
            b"<" => Compare::Less,
            b">" => Compare::Greater,
            b"=" | b"==" => Compare::Equal,
            _ => {
                let message = format!("`{}` is no operator", operator.to_str_lossy());
                return Err(Diagnostic::error("unknown-operator", operator.span(), message)
                    .with_help("the operators are < > =="));
            }
        };
        let bound = score
            .to_str_lossy()
            .parse::<u16>()
            .map_err(|_| Diagnostic::error("bad-number", score.span(), "a score is a number up to 65535"))?;
        let set = describe(argument, name, options, draft, true)?;
        let step = Score { id: set.id, name: set.name.clone(), compare, bound };
        draft.datasets.push(set);
        push(draft, argument, step);
        Ok(())
    }
}

fn describe(
    argument: &Argument<'_>,
    name: &Text,
    options: &[Text],
    draft: &Draft<'_>,
    scored: bool,
) -> Result<Dataset, Diagnostic> {
    if matches!(draft.source(), Source::Payload) {
        return Err(argument
            .error("no-buffer", format!("`{}` stands after no sticky buffer", argument.keyword()))
            .with_help("select a buffer before it, as in `dns.query; dataset:isset,…;`"));
    }
    if name.is_empty() || name.len() > MAX_NAME {
        let message = format!("the name of a set has from 1 to {MAX_NAME} bytes");
        return Err(Diagnostic::error("bad-dataset-name", name.span(), message));
    }
    let name = name.to_str_lossy().into_owned();
    let id = draft.names.id(NameKind::Dataset, &name);
    let mut set = Dataset { id, name, scored, ..Dataset::default() };
    let mut state = None;
    for option in options {
        set_option(argument, option, &mut set, &mut state)?;
    }
    if let Some(file) = state {
        if set.load.is_some() || set.save.is_some() {
            return Err(argument
                .error("contradictory-options", "`state` is `load` and `save` in one")
                .with_help("give `state` alone, or `load` and `save`"));
        }
        (set.load, set.save) = (Some(file.clone()), Some(file));
    }
    Ok(set)
}

fn set_option(
    argument: &Argument<'_>,
    option: &Text,
    set: &mut Dataset,
    state: &mut Option<String>,
) -> Result<(), Diagnostic> {
    let split = option.iter().position(u8::is_ascii_whitespace).unwrap_or(option.len());
    let value = option.slice(split..option.len()).trim();
    let fault = |message: &str| Diagnostic::error("bad-dataset-option", option.span(), message);
    let text = || match value.is_empty() {
        true => Err(fault("this option needs a value")),
        false => Ok(Some(value.to_str_lossy().into_owned())),
    };
    let number = || match parse_u64(&value.to_str_lossy()) {
        None => Err(fault("this is no size").with_help("write a number, `10mb` or the like")),
        size => Ok(size),
    };
    match &option[..split] {
        b"type" => {
            let kind = DatasetKind::from_name(&value);
            set.kind = Some(kind.ok_or_else(|| {
                fault("there is no such type").with_help("the types are string, md5, sha256, ipv4, ipv6, ip")
            })?);
        }
        b"format" => {
            set.format = match value.as_bytes() {
                b"csv" => DatasetFormat::Csv,
                b"json" => DatasetFormat::Json,
                b"ndjson" | b"jsonline" => DatasetFormat::JsonLines,
                _ => {
                    return Err(
                        fault("there is no such format").with_help("the formats are csv, json, ndjson")
                    );
                }
            };
        }
        b"load" => set.load = Some(file(&value)?),
        b"save" => set.save = Some(file(&value)?),
        b"state" => *state = Some(file(&value)?),
        b"memcap" => set.memcap = number()?,
        b"hashsize" => set.hashsize = number()?,
        b"value_key" => set.value_key = text()?,
        b"array_key" => set.array_key = text()?,
        b"context_key" | b"enrichment_key" => set.context_key = text()?,
        // They shape the alert's context alone.
        b"remove_key" | b"key" => {}
        _ => return Err(argument.unknown_part(option, OPTIONS)),
    }
    Ok(())
}

/// A step that asks whether the buffer is a hash of the list in the option's file, or with `!` is none: `[!]file`.
pub(crate) fn in_list(
    kind: DatasetKind,
    argument: &Argument<'_>,
    draft: &mut Draft<'_>,
) -> Result<Box<dyn Step>, Diagnostic> {
    let (value, text) = (argument.value()?, argument.text()?);
    let (negated, path) = match text.strip_prefix(b"!") {
        Some(_) => (true, text.slice(1..text.len()).trim()),
        None => (value.is_negated(), text),
    };
    let load = file(&path)?;
    let name = format!("{} {load}", kind.name());
    let id = draft.names.id(NameKind::Dataset, &name);
    draft.datasets.push(Dataset {
        id,
        name: name.clone(),
        kind: Some(kind),
        load: Some(load),
        format: DatasetFormat::Sums,
        ..Dataset::default()
    });
    Ok(Box::new(Membership { id, name, ask: Ask::Holds(!negated) }))
}

/// A file's path, which must not lead out of its directory: whoever writes rules must not reach the whole disk.
fn file(path: &Text) -> Result<String, Diagnostic> {
    let word = path.to_str_lossy();
    let outside = word.starts_with('/') || word.split('/').any(|part| part == "..");
    if word.is_empty() || outside {
        return Err(Diagnostic::error(
            "bad-path",
            path.span(),
            format!("`{word}` is no path below the rules"),
        )
        .with_help("give a relative path without `..`"));
    }
    Ok(word.into_owned())
}

/// What is asked of a set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ask {
    /// That it holds the value, or that it does not.
    Holds(bool),
    /// That adding the value, or taking it out, makes a difference.
    Change { add: bool },
}

#[derive(Debug)]
struct Membership {
    id: u32,
    name: String,
    ask: Ask,
}

impl Step for Membership {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let memory = cursor.view.memory;
        let holds = match self.ask {
            Ask::Holds(wanted) => memory.dataset_contains(self.id, cursor.bytes) == wanted,
            Ask::Change { add } => memory.change_dataset(self.id, cursor.bytes, add),
        };
        if holds { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        let what = match self.ask {
            Ask::Holds(true) => "is a value of",
            Ask::Holds(false) => "is no value of",
            Ask::Change { add: true } => "was no value yet of, and joins,",
            Ask::Change { add: false } => "was a value of, and leaves,",
        };
        format!("{what} the data set {}", self.name)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Compare {
    Less,
    Greater,
    Equal,
}

#[derive(Debug)]
struct Score {
    id: u32,
    name: String,
    compare: Compare,
    bound: u16,
}

impl Step for Score {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let score = cursor.view.memory.dataset_score(self.id, cursor.bytes);
        let holds = score.is_some_and(|score| match self.compare {
            Compare::Less => score < self.bound,
            Compare::Greater => score > self.bound,
            Compare::Equal => score == self.bound,
        });
        if holds { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn explain(&self) -> String {
        let compare = match self.compare {
            Compare::Less => "less than",
            Compare::Greater => "more than",
            Compare::Equal => "exactly",
        };
        format!("has a score of {compare} {} in the data set {}", self.bound, self.name)
    }
}
