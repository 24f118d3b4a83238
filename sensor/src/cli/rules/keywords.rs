//! `sensor rules keywords`: the words that rules may use as options.

use crate::app_layer;
use crate::cli::{Context, Failure};
use rules::keyword::{KEYWORDS, STREAM};
use rules::vocabulary::{Field, FieldKind};
use std::fmt::Write;

/// Arguments of `sensor rules keywords`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As a table in Markdown, with the first sentence about each.
    #[arg(long)]
    markdown: bool,
    /// Only the keyword of that name.
    #[arg(value_name = "KEYWORD", conflicts_with = "markdown")]
    keyword: Option<String>,
}

/// Writes the table.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let words = words();
    let text = match (&args.keyword, args.markdown) {
        (_, true) => markdown(&words),
        (None, false) => words.iter().map(Word::described).collect(),
        (Some(name), false) => {
            let named: String = words.iter().filter(|word| word.is(name)).map(Word::described).collect();
            if named.is_empty() {
                return Err(Failure::new(
                    crate::cli::Exit::Usage,
                    "cannot describe the keyword",
                    format!("there is no `{name}`"),
                )
                .help("`sensor rules keywords` lists what there is"));
            }
            named
        }
    };
    context.print(text.as_bytes())
}

/// A keyword, as its user knows it.
struct Word {
    name: String,
    others: Vec<&'static str>,
    doc: &'static str,
    form: &'static str,
    examples: Vec<&'static str>,
    unsupported: Option<&'static str>,
}

impl Word {
    fn is(&self, name: &str) -> bool {
        self.name == name || self.others.contains(&name)
    }

    fn described(&self) -> String {
        let mut text = format!("{}{}\n    {}\n", self.name, self.form, self.doc);
        let mut line = |what: &str, said: &str| {
            writeln!(text, "    {what}: {said}").expect("writing to memory does not fail");
        };
        if !self.others.is_empty() {
            line("also", &self.others.join(", "));
        }
        if let Some(why) = self.unsupported {
            line("not supported yet", why);
        }
        for example in &self.examples {
            line("example", example);
        }
        text.push('\n');
        text
    }

    /// The first sentence of its doc.
    fn sentence(&self) -> &'static str {
        self.doc.find(". ").map_or(self.doc, |end| &self.doc[..=end])
    }
}

/// Every word: the language's own, then the fields and frames of protocols, each in its order.
fn words() -> Vec<Word> {
    let keywords = KEYWORDS.iter().map(|keyword| Word {
        name: keyword.name().to_owned(),
        others: keyword.aliases().to_vec(),
        doc: keyword.doc(),
        form: "",
        examples: keyword.examples().iter().map(|example| example.rule).collect(),
        unsupported: keyword.unsupported(),
    });
    let vocabulary = app_layer::vocabulary();
    let fields = vocabulary.fields().iter().copied().map(of_field);
    let frames = vocabulary.frames().chain([&STREAM]).map(of_field);
    keywords.chain(fields).chain(frames).collect()
}

fn of_field(field: &Field) -> Word {
    Word {
        name: if field.is_frame() { format!("frame:{}", field.name) } else { field.name.to_owned() },
        others: field.aliases.iter().copied().chain(field.modifier).collect(),
        doc: field.doc,
        form: match field.kind {
            FieldKind::Bytes | FieldKind::ManyBytes | FieldKind::Frame(_) => "; (sticky buffer)",
            FieldKind::Number { .. } | FieldKind::ManyNumbers { .. } => ":<number>;",
        },
        examples: Vec::new(),
        unsupported: None,
    }
}

fn markdown(words: &[Word]) -> String {
    let mut table = String::from("| keyword | what it does |\n| --- | --- |\n");
    for word in words {
        let doc = match word.unsupported {
            None => word.sentence().to_owned(),
            Some(why) => format!("Not supported yet: {why}."),
        };
        let doc = doc.replace('|', "\\|");
        writeln!(table, "| `{}` | {doc} |", word.name).expect("writing to memory does not fail");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_the_doc_holds() {
        let word = |doc| Word {
            name: "x".to_owned(),
            others: Vec::new(),
            doc,
            form: "",
            examples: Vec::new(),
            unsupported: None,
        };
        let table = markdown(&[word("Either a|b. More."), word("One.")]);
        assert_eq!(table.lines().skip(2).collect::<Vec<_>>(), ["| `x` | Either a\\|b. |", "| `x` | One. |"]);
    }
}
