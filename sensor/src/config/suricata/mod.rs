//! A suricata.yaml, taken over as far as there are counterparts here (Suricata documentation: "Suricata.yaml").
//!
//! What is taken over is checked as every other source of values is, so that the result loads. What is not, is named.

mod form;

use self::form::{Form, items, text, words};
use super::key::Keys;
use super::{Origin, layer};
use ipnet::IpNet;
use rules::diagnostic::Diagnostic;
use rules::header::variable::{Resolver, Variables};
use rules::parse;
use rules::text::Text;
use serde_yaml_ng::{Mapping, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use toml::Table;

/// What came of a suricata.yaml.
#[derive(Clone, Debug)]
pub struct Import {
    /// A configuration file of this sensor (TOML). Comments name what was left out.
    pub toml: String,
    /// What could not be taken over, a section as a whole where nothing of it could.
    pub left_out: Vec<LeftOut>,
}

/// A setting that could not be taken over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// Its names from the root down, with dots between.
    pub key: String,
    /// The reason.
    pub why: String,
}

/// Why nothing of a file could be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no YAML; says the line.
    #[error(transparent)]
    Yaml(#[from] serde_yaml_ng::Error),
    /// It is YAML without any key.
    #[error("it holds no settings")]
    NoSettings,
    /// It includes other files, which might change every value. Each with its place.
    #[error("it includes other files: {}", .0.join(", "))]
    Includes(Vec<String>),
}

/// A setting with one counterpart here, in the same form.
const COUNTERPARTS: &[(&str, &str, Form)] = &[
    ("classification-file", "rules.classification", Form::Text),
    ("reference-config-file", "rules.reference", Form::Text),
    ("threshold-file", "rules.threshold", Form::Text),
    ("reputation-categories-file", "reputation.categories", Form::Text),
    ("geoip-database", "geoip.database", Form::Text),
    ("datasets.rules.allow-write", "datasets.allow_write", Form::Switch),
    ("datasets.defaults.memcap", "limits.memory.dataset_bytes", Form::Size),
    ("packet-alert-max", "detect.max_alerts_per_packet", Form::Number),
    ("vlan.use-for-tracking", "flow.vlan_use", Form::Switch),
    ("flow.memcap", "limits.flow.memory_bytes", Form::Size),
    ("flow-timeouts.default.new", "flow.timeouts.other.new_s", Form::Number),
    ("flow-timeouts.default.established", "flow.timeouts.other.established_s", Form::Number),
    ("flow-timeouts.tcp.new", "flow.timeouts.tcp.new_s", Form::Number),
    ("flow-timeouts.tcp.established", "flow.timeouts.tcp.established_s", Form::Number),
    ("flow-timeouts.tcp.closed", "flow.timeouts.tcp.closed_s", Form::Number),
    ("flow-timeouts.udp.new", "flow.timeouts.udp.new_s", Form::Number),
    ("flow-timeouts.udp.established", "flow.timeouts.udp.established_s", Form::Number),
    ("flow-timeouts.icmp.new", "flow.timeouts.icmp.new_s", Form::Number),
    ("flow-timeouts.icmp.established", "flow.timeouts.icmp.established_s", Form::Number),
    ("stream.midstream", "stream.midstream", Form::Switch),
    ("stream.async-oneside", "stream.one_sided", Form::Switch),
    ("stream.max-syn-queued", "stream.max_syn_queued", Form::Number),
    ("stream.max-synack-queued", "stream.max_synack_queued", Form::Number),
    ("stream.memcap", "limits.stream.session_bytes", Form::Size),
    ("stream.reassembly.memcap", "limits.stream.memory_bytes", Form::Size),
    ("stream.reassembly.depth", "stream.depth_bytes", Form::Size),
    ("stream.reassembly.urgent.policy", "stream.urgent", Form::Text),
    ("stream.reassembly.urgent.oob-limit-policy", "stream.urgent_limit", Form::Text),
    ("defrag.memcap", "limits.fragment.bytes", Form::Size),
    ("defrag.trackers", "limits.fragment.datagrams", Form::Number),
    ("defrag.timeout", "limits.fragment.timeout_secs", Form::Number),
];

/// Operating systems of `host-os-policy` with the policy that their hosts follow here.
const HOST_POLICIES: &[(&str, &str)] = &[
    ("windows", "windows"),
    ("windows2k3", "windows"),
    ("vista", "windows"),
    ("bsd", "bsd"),
    ("irix", "bsd"),
    ("hpux10", "bsd"),
    ("bsd-right", "bsd-right"),
    ("linux", "linux"),
    ("old-linux", "linux"),
    ("solaris", "solaris"),
    ("old-solaris", "first"),
    ("hpux11", "first"),
    ("macos", "first"),
];

/// Tunnels over UDP, of which each has a section in `decoder`.
const TUNNELS: &[&str] = &["teredo", "vxlan", "geneve"];

/// What stands in the section `datasets` beside the sets.
const NO_DATASETS: &[&str] = &["rules", "defaults", "limits"];

/// Settings of a data set with their counterparts.
const DATASET: &[(&str, &str, Form)] = &[
    ("type", "type", Form::Text),
    ("load", "load", Form::Text),
    ("save", "save", Form::Text),
    ("state", "state", Form::Text),
    ("memcap", "memcap_bytes", Form::Size),
];

/// Where files are stored that rules ask for, of the directory for all that Suricata writes.
const STORED_FILES: &str = "filestore";

/// The most ports that a tunnel is looked for on: each is compared with those of every datagram.
const MAX_TUNNEL_PORTS: usize = 16;

const NO_COUNTERPART: &str = "no counterpart here";

/// Reads the suricata.yaml `text`, which `name` names in comments.
///
/// # Errors
///
/// When it is no YAML, holds no settings, or includes other files.
pub fn import(name: &str, text: &str) -> Result<Import, ImportError> {
    let document: Value = serde_yaml_ng::from_str(text)?;
    let includes = includes(&document, "");
    let Value::Mapping(document) = document else { return Err(ImportError::NoSettings) };
    if !includes.is_empty() {
        return Err(ImportError::Includes(includes));
    }
    let mut taking = Taking {
        document,
        opened: BTreeSet::new(),
        keys: Keys::new(),
        tree: Table::new(),
        left_out: Vec::new(),
    };
    taking.files("default-rule-path", "rule-files", &["rules", "files"]);
    taking.files("default-reputation-path", "reputation-files", &["reputation", "files"]);
    let variables = taking.variables();
    for &(from, to, form) in COUNTERPARTS {
        if let Some(value) = taking.take(from) {
            taking.set(from, &to.split('.').collect::<Vec<_>>(), form.read(&value));
        }
    }
    taking.datasets();
    taking.file_store();
    taking.checksums();
    taking.host_policies();
    TUNNELS.iter().for_each(|tunnel| taking.tunnel(tunnel, &variables));
    taking.leave_out_the_rest();
    Ok(Import { toml: printed(name, &taking.tree, &taking.left_out), left_out: taking.left_out })
}

/// Where other files are included, by the key `include` or the tag `!include`, and which.
fn includes(value: &Value, path: &str) -> Vec<String> {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Tagged(tagged) if tagged.tag == "include" => {
            vec![format!("{} at `{path}`", words(&tagged.value))]
        }
        Value::Mapping(section) => section
            .iter()
            .flat_map(|(key, value)| match text(key).unwrap_or_default() {
                name if name == "include" => vec![format!("{} at `{}`", words(value), below(&name))],
                name => includes(value, &below(&name)),
            })
            .collect(),
        Value::Sequence(items) => items.iter().flat_map(|item| includes(item, path)).collect(),
        _ => Vec::new(),
    }
}

/// A document that becomes less as settings are taken out of it.
struct Taking {
    document: Mapping,
    /// Sections of which something was taken.
    opened: BTreeSet<String>,
    keys: Keys,
    tree: Table,
    left_out: Vec<LeftOut>,
}

impl Taking {
    /// Takes the value at `path` out of the document.
    fn take(&mut self, path: &str) -> Option<Value> {
        let (sections, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut section = &mut self.document;
        for name in sections.split('.').filter(|name| !name.is_empty()) {
            section = section.get_mut(name)?.as_mapping_mut()?;
        }
        let value = section.shift_remove(last)?;
        let ends = path.match_indices('.').map(|(at, _)| at);
        self.opened.extend(ends.map(|end| path[..end].to_owned()));
        Some(value)
    }

    /// The entries of the section at `path`, taken out of the document.
    fn take_section(&mut self, path: &str) -> Vec<(String, Value)> {
        match self.take(path) {
            Some(Value::Mapping(section)) => {
                section.into_iter().map(|(key, value)| (text(&key).unwrap_or_default(), value)).collect()
            }
            Some(Value::Null) | None => Vec::new(),
            Some(_) => {
                self.leave_out(path, "no section");
                Vec::new()
            }
        }
    }

    /// Sets a key of this sensor to what `from` says.
    fn set(&mut self, from: &str, to: &[&str], value: Result<toml::Value, String>) {
        let path = to.iter().map(|&name| name.to_owned()).collect();
        let setting = value.and_then(|value| {
            layer::checked(&self.keys, path, value, Origin::Default).map_err(|fault| fault.message)
        });
        match setting {
            Ok(setting) => setting.put(&mut self.tree),
            Err(why) => self.leave_out(from, why),
        }
    }

    fn leave_out(&mut self, key: &str, why: impl Into<String>) {
        self.left_out.push(LeftOut { key: key.to_owned(), why: why.into() });
    }

    /// A list of files, relative to a path: `default-rule-path` and `rule-files`.
    fn files(&mut self, base: &str, list: &str, to: &[&str]) {
        let base = self.take(base).and_then(|path| text(&path)).unwrap_or_default();
        let mut files = Vec::new();
        for file in self.take(list).iter().flat_map(items) {
            match text(file).and_then(|name| without_pattern(&Path::new(&base).join(name))) {
                Some(path) => files.push(toml::Value::String(path)),
                None => self.leave_out(list, format!("{} names no file", words(file))),
            }
        }
        if !files.is_empty() {
            self.set(list, to, Ok(files.into()));
        }
    }

    /// The sets in `datasets`.
    fn datasets(&mut self) {
        let section = self.document.get("datasets").and_then(Value::as_mapping);
        let names: Vec<String> = section.into_iter().flatten().filter_map(|(name, _)| text(name)).collect();
        for name in names.iter().filter(|name| !NO_DATASETS.contains(&name.as_str())) {
            for &(from, to, form) in DATASET {
                let from = format!("datasets.{name}.{from}");
                if let Some(value) = self.take(&from) {
                    self.set(&from, &["datasets", "sets", name, to], form.read(&value));
                }
            }
        }
    }

    /// `outputs.file-store`, where it is enabled.
    fn file_store(&mut self) {
        let Some(mut output) = self.take_output("file-store") else { return };
        match output.shift_remove("enabled").map(|enabled| Form::Switch.read(&enabled)) {
            Some(Ok(toml::Value::Boolean(true))) => {}
            Some(Err(why)) => return self.leave_out("outputs.file-store.enabled", why),
            _ => return,
        }
        let [all, own] = [self.take("default-log-dir"), output.shift_remove("dir")].map(|path| text(&path?));
        let directory = Path::new(&all.unwrap_or_default()).join(own.as_deref().unwrap_or(STORED_FILES));
        let directory = directory.to_string_lossy().into_owned();
        self.set("outputs.file-store.dir", &["file_store", "directory"], Ok(directory.into()));
        // Where it is off, the depth of other streams counts.
        let depth = output.shift_remove("stream-depth").filter(|depth| text(depth).as_deref() != Some("no"));
        if let Some(depth) = depth {
            let to = ["file_store", "stream_depth_bytes"];
            self.set("outputs.file-store.stream-depth", &to, Form::Size.read(&depth));
        }
        self.leave_out_section("outputs.file-store", &output);
    }

    /// The section of an output, taken out of the list of them.
    fn take_output(&mut self, name: &str) -> Option<Mapping> {
        let outputs = self.document.get_mut("outputs")?.as_sequence_mut()?;
        let at = outputs.iter().position(|output| output.get(name).is_some_and(Value::is_mapping))?;
        let mut output = outputs.remove(at);
        if outputs.is_empty() {
            self.document.shift_remove("outputs");
        }
        output.get_mut(name)?.as_mapping_mut().map(std::mem::take)
    }

    /// `vars`. Gives what variables stand for then, defaults included.
    fn variables(&mut self) -> Variables {
        type Give = fn(&mut Variables, &str, &str) -> Result<(), Diagnostic>;
        let kinds: [(&str, &str, Give); 2] = [
            ("vars.address-groups", "addresses", Variables::set_addresses),
            ("vars.port-groups", "ports", Variables::set_ports),
        ];
        let mut variables = Variables::default();
        for (section, kind, give) in kinds {
            for (name, value) in self.take_section(section) {
                let value = form::group(&value).and_then(|group| {
                    give(&mut variables, &name, &group).map_err(|fault| fault.message)?;
                    Ok(group.into())
                });
                self.set(&format!("{section}.{name}"), &["variables", kind, &name], value);
            }
        }
        variables
    }

    /// `stream.checksum-validation`, which `pcap-file.checksum-checks` says more about.
    fn checksums(&mut self) {
        const STREAM: &str = "stream.checksum-validation";
        const FILE: &str = "pcap-file.checksum-checks";
        let validates = self.take(STREAM).map(|value| Form::Switch.read(&value));
        let checks = self.take(FILE).and_then(|value| text(&value));
        let mode = match (validates, checks.as_deref()) {
            (None, None) => return,
            (Some(Err(why)), _) => return self.leave_out(STREAM, why),
            (Some(Ok(toml::Value::Boolean(false))), _) => "none",
            (_, Some("auto") | None) => "auto",
            (_, Some(checks)) => match Form::Switch.read(&checks.into()) {
                Ok(toml::Value::Boolean(true)) => "all",
                Ok(_) => "none",
                Err(why) => return self.leave_out(FILE, why),
            },
        };
        self.set(STREAM, &["decode", "checksums"], Ok(mode.into()));
    }

    /// `host-os-policy`.
    fn host_policies(&mut self) {
        let systems = self.take_section("host-os-policy");
        // What the default says of Windows does not stand beside what is said here.
        let mut policies: BTreeMap<&str, Vec<toml::Value>> = match systems.is_empty() {
            true => BTreeMap::new(),
            false => BTreeMap::from([("windows", Vec::new())]),
        };
        for (system, hosts) in systems {
            let from = format!("host-os-policy.{system}");
            let Some(&(_, policy)) = HOST_POLICIES.iter().find(|(name, _)| *name == system) else {
                self.leave_out(&from, NO_COUNTERPART);
                continue;
            };
            for host in items(&hosts) {
                match text(host).and_then(|host| network(&host)) {
                    Some(network) => policies.entry(policy).or_default().push(network.to_string().into()),
                    None => self.leave_out(&from, format!("{} is no network", words(host))),
                }
            }
        }
        for (policy, networks) in policies {
            self.set("host-os-policy", &["reassembly", "host_policies", policy], Ok(networks.into()));
        }
    }

    /// `decoder.teredo` and the like: on which ports, and whether at all.
    fn tunnel(&mut self, tunnel: &str, variables: &Variables) {
        let (enabled, ports) = (format!("decoder.{tunnel}.enabled"), format!("decoder.{tunnel}.ports"));
        let is_off = match self.take(&enabled).map(|value| Form::Switch.read(&value)) {
            Some(Err(why)) => return self.leave_out(&enabled, why),
            Some(Ok(enabled)) => enabled == toml::Value::Boolean(false),
            None => false,
        };
        let to = ["decode", "tunnel_ports", tunnel];
        match self.take(&ports) {
            _ if is_off => self.set(&enabled, &to, Ok(toml::Value::Array(Vec::new()))),
            Some(value) => {
                self.set(&ports, &to, form::group(&value).and_then(|group| listed(&group, variables)))
            }
            None => {}
        }
    }

    /// Names what is left in the document.
    fn leave_out_the_rest(&mut self) {
        let document = std::mem::take(&mut self.document);
        self.leave_out_section("", &document);
    }

    fn leave_out_section(&mut self, path: &str, section: &Mapping) {
        for (key, value) in section {
            let name = text(key).unwrap_or_default();
            let path = if path.is_empty() { name } else { format!("{path}.{name}") };
            match value {
                Value::Mapping(below) if self.opened.contains(&path) => self.leave_out_section(&path, below),
                Value::Null => {}
                _ => self.leave_out(&path, NO_COUNTERPART),
            }
        }
    }
}

/// A path that names rule files: a pattern for all rule files of a directory becomes the directory, and other patterns
/// become nothing.
fn without_pattern(path: &Path) -> Option<String> {
    let path = if path.ends_with("*.rules") { path.parent()? } else { path };
    let path = if path.as_os_str().is_empty() { "." } else { path.to_str()? };
    (!path.contains(['*', '?', '['])).then(|| path.to_owned())
}

/// A network, or a host as a network of its own.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The ports of a group, one by one.
fn listed(group: &str, variables: &Variables) -> Result<toml::Value, String> {
    let told = |fault: Diagnostic| fault.message;
    let text = Text::detached(group).map_err(|error| error.to_string())?;
    let ports = Resolver::new(variables).ports(&parse::group(&text).map_err(told)?).map_err(told)?;
    let all = || ports.ranges().ranges().iter().flat_map(|&(first, last)| first..=last);
    match all().nth(MAX_TUNNEL_PORTS) {
        Some(_) => Err(format!("more than {MAX_TUNNEL_PORTS} ports")),
        None => Ok(all().map(|port| toml::Value::from(i64::from(port))).collect::<Vec<_>>().into()),
    }
}

fn printed(name: &str, tree: &Table, left_out: &[LeftOut]) -> String {
    let mut lines = vec![format!("Taken over from {name}. What is not set here keeps its default.")];
    if !left_out.is_empty() {
        lines.extend([String::new(), "Not taken over:".to_owned()]);
        lines.extend(left_out.iter().map(|LeftOut { key, why }| format!("{key}: {why}")));
    }
    // Whatever a key or value holds, a comment is one line.
    let one_line = |line: &String| line.replace(|c: char| c.is_control(), " ");
    let comments = lines.iter().map(|line| format!("# {}", one_line(line)).trim_end().to_owned() + "\n");
    format!("{}\n{tree}", comments.collect::<String>())
}

#[cfg(test)]
mod tests;
