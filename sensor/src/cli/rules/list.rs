//! `sensor rules list`: the rules that load, a line each.

use super::{Files, words};
use crate::cli::{Context, Failure};
use crate::runtime::Lints;
use console::{pad_str, truncate_str};
use rules::signature::Signature;
use serde_json::json;
use std::io::IsTerminal;

/// Arguments of `sensor rules list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// Writes the list, by sid.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = args.files.load(Lints::None, context)?;
    let mut signatures: Vec<&Signature> = loaded.set.signatures().iter().collect();
    signatures.sort_unstable_by_key(|signature| (signature.meta.gid, signature.meta.sid));
    let rows = signatures.into_iter().map(Row::of);
    let list: String = if args.json {
        rows.map(|row| row.json()).collect()
    } else if std::io::stdout().is_terminal() {
        let columns = usize::from(console::Term::stdout().size().1);
        std::iter::once(Row::heading()).chain(rows).map(|row| row.aligned(columns)).collect()
    } else {
        rows.map(|row| row.tabbed()).collect()
    };
    context.print(list.as_bytes())
}

struct Row {
    sid: String,
    message: String,
    protocol: String,
    buffers: Vec<String>,
    fast_pattern: Option<String>,
    group: String,
}

impl Row {
    fn of(signature: &Signature) -> Self {
        let fast_pattern = signature.fast_pattern.as_ref();
        Self {
            sid: signature.meta.sid.to_string(),
            message: signature.meta.message.clone(),
            protocol: words::protocol(signature).to_owned(),
            buffers: signature.inspections.iter().map(words::buffer).collect(),
            fast_pattern: fast_pattern.map(|pattern| words::fast_pattern(signature, pattern)),
            group: words::group(signature.kind).to_owned(),
        }
    }

    fn heading() -> Self {
        let [sid, message, protocol, group] = ["sid", "msg", "protocol", "group"].map(str::to_owned);
        let (buffers, fast_pattern) = (vec!["buffers".to_owned()], Some("fast pattern".to_owned()));
        Self { sid, message, protocol, buffers, fast_pattern, group }
    }

    fn columns(&self) -> [String; 6] {
        let text = |text: &str| text.replace(|c: char| c.is_control(), " ");
        let buffers = if self.buffers.is_empty() { "-".to_owned() } else { self.buffers.join(", ") };
        let fast_pattern = self.fast_pattern.as_deref().unwrap_or("-");
        [self.sid.as_str(), &self.message, &self.protocol, &buffers, fast_pattern, &self.group].map(text)
    }

    fn tabbed(self) -> String {
        format!("{}\n", self.columns().join("\t"))
    }

    /// Within `columns` of a terminal; message, buffers and pattern share what the others leave.
    fn aligned(self, columns: usize) -> String {
        let [sid, message, protocol, buffers, pattern, group] = self.columns();
        let room = columns.saturating_sub(10 + 11 + 18).max(30);
        let widths = [10, room / 2, 11, room / 4, room - room / 2 - room / 4, 18];
        let mut line = String::new();
        for (text, width) in [sid, message, protocol, buffers, pattern, group].iter().zip(widths) {
            let cut = truncate_str(text, width - 1, "…");
            line.push_str(&pad_str(&cut, width, console::Alignment::Left, None));
        }
        format!("{}\n", line.trim_end())
    }

    fn json(self) -> String {
        let sid: u32 = self.sid.parse().unwrap_or_default();
        let line = json!({
            "sid": sid,
            "msg": self.message,
            "protocol": self.protocol,
            "buffers": self.buffers,
            "fast_pattern": self.fast_pattern,
            "group": self.group,
        });
        format!("{line}\n")
    }
}
