//! A configuration as TOML again, with the origin of each value where asked for.

use super::Loaded;
use super::key::{Keys, Node};
use std::fmt::Write;
use toml::{Table, Value};

impl Loaded {
    /// The whole configuration, defaults included, keys without a value as comments. It reads back as the same
    /// configuration.
    pub fn to_toml(&self, with_origins: bool) -> String {
        let keys = Keys::new();
        let mut printer = Printer { loaded: self, with_origins, path: Vec::new(), out: String::new() };
        printer.table(&self.tree, keys.root());
        printer.out
    }
}

struct Printer<'a> {
    loaded: &'a Loaded,
    with_origins: bool,
    path: Vec<String>,
    out: String,
}

impl Printer<'_> {
    fn table(&mut self, table: &Table, node: Node<'_>) {
        let unset: Vec<_> = node.names().filter(|&name| !table.contains_key(name)).collect();
        let values: Vec<_> = table.iter().filter(|(_, value)| !value.is_table()).collect();
        let has_lines = table.is_empty() || !unset.is_empty() || !values.is_empty();
        if !self.path.is_empty() && has_lines {
            let separator = if self.out.is_empty() { "" } else { "\n" };
            let header = self.path.iter().map(|name| key(name)).collect::<Vec<_>>().join(".");
            self.line(format_args!("{separator}[{header}]"));
        }
        for (name, value) in values {
            self.path.push(name.clone());
            self.value(&format!("{} = {value}", key(name)));
            self.path.pop();
        }
        for name in unset {
            self.line(format_args!("# {} is not set", key(name)));
        }
        for (name, value) in table {
            if let (Value::Table(inner), Some(child)) = (value, node.child(name)) {
                self.path.push(name.clone());
                self.table(inner, child);
                self.path.pop();
            }
        }
    }

    fn value(&mut self, assignment: &str) {
        if self.with_origins {
            let origin = self.loaded.origin(&self.path);
            self.line(format_args!("{assignment:<48} # {origin}"));
        } else {
            self.line(format_args!("{assignment}"));
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.out, "{text}").expect("writing to memory does not fail");
    }
}

/// A key as TOML writes it: bare where it can be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { Value::String(name.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        let set = vec!["network.slug=\"a \\\"b\\\" # c\"".to_owned(), "variables.ports.ODD=!80".to_owned()];
        let loaded = Sources { set, ..Sources::default() }.load().unwrap();
        for with_origins in [false, true] {
            let text = loaded.to_toml(with_origins);
            assert_eq!(toml::from_str::<Config>(&text).unwrap(), loaded.config, "{text}");
        }
    }

    #[test]
    fn origins_stand_beside_their_values() {
        let set = vec!["network.slug=office".to_owned()];
        let text = Sources { set, ..Sources::default() }.load().unwrap().to_toml(true);
        let line = text.lines().find(|line| line.starts_with("slug")).expect("the key is shown");
        assert!(line.ends_with("# --set network.slug=office"), "{line}");
        let line = text.lines().find(|line| line.starts_with("checksums")).expect("the key is shown");
        assert!(line.ends_with("# default"), "{line}");
        assert!(text.lines().any(|line| line == "# workers is not set"), "{text}");
    }
}
