//! The keys that exist, as the schema declares them.

use super::Config;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The tree of keys.
#[derive(Debug)]
pub(super) struct Keys {
    schema: Value,
}

/// What stands at a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a>(&'a Value);

/// A key that does not exist, and one that does and looks like it.
#[derive(Debug)]
pub(super) struct UnknownKey {
    path: String,
    similar: Option<String>,
}

/// How alike two names must be for one to be suggested: 1 is the same, 0 nothing in common.
const SIMILAR_ENOUGH: f64 = 0.8;

impl Keys {
    /// The keys of [`Config`].
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        Self { schema: settings.into_generator().into_root_schema_for::<Config>().to_value() }
    }

    /// What the whole configuration is.
    pub(super) fn root(&self) -> Node<'_> {
        Node(&self.schema)
    }

    /// What stands at `path`.
    pub(super) fn find<S: AsRef<str>>(&self, path: &[S]) -> Result<Node<'_>, UnknownKey> {
        let mut node = self.root();
        for (depth, name) in path.iter().enumerate() {
            let above = || path[..depth].iter().map(AsRef::as_ref).collect::<Vec<_>>();
            node = node.child(name.as_ref()).ok_or_else(|| self.unknown(&above(), node, name.as_ref()))?;
        }
        Ok(node)
    }

    /// The error for `name`, which `node`, standing at `above`, does not have.
    fn unknown(&self, above: &[&str], node: Node<'_>, name: &str) -> UnknownKey {
        let join = |last: &str| above.iter().copied().chain([last]).collect::<Vec<_>>().join(".");
        let sibling = node.names().map(|known| (strsim::jaro_winkler(known, name), known));
        let nearest =
            sibling.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|&(likeness, _)| likeness >= SIMILAR_ENOUGH);
        let elsewhere = || self.root().path_ending_in(name);
        UnknownKey { path: join(name), similar: nearest.map(|(_, known)| join(known)).or_else(elsewhere) }
    }
}

impl<'a> Node<'a> {
    /// What stands at `name` within this.
    pub(super) fn child(self, name: &str) -> Option<Self> {
        let named = self.0.get("properties").and_then(|all| all.get(name));
        named.or_else(|| self.0.get("additionalProperties").filter(|schema| schema.is_object())).map(Self)
    }

    /// Whether keys stand below this one, rather than a value.
    pub(super) fn is_table(self) -> bool {
        self.0.get("properties").is_some() || self.has_free_names()
    }

    /// Whether any name may stand below this.
    pub(super) fn has_free_names(self) -> bool {
        self.0.get("additionalProperties").is_some_and(Value::is_object)
    }

    /// Whether the value is text and can be nothing else.
    pub(super) fn is_text(self) -> bool {
        self.0.get("type").is_some_and(|kind| match kind {
            Value::String(one) => one == "string",
            Value::Array(several) => several.iter().all(|one| one == "string" || one == "null"),
            _ => false,
        })
    }

    /// The keys declared by name below this one.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.0
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    }

    /// The first path below this one whose last key is `name`.
    fn path_ending_in(self, name: &str) -> Option<String> {
        self.names().find_map(|own| {
            if own == name {
                return Some(own.to_owned());
            }
            self.child(own)?.path_ending_in(name).map(|rest| format!("{own}.{rest}"))
        })
    }
}

impl std::fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown key `{}`", self.path)?;
        match &self.similar {
            Some(similar) => write!(f, "; did you mean `{similar}`?"),
            None => f.write_str("; `sensor config show` lists them all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(path: &str) -> String {
        Keys::new().find(&path.split('.').collect::<Vec<_>>()).expect_err("unknown").to_string()
    }

    #[test]
    fn finds_keys_and_the_free_names_of_groups() {
        let keys = Keys::new();
        assert!(keys.find(&["network", "slug"]).expect("known").is_text());
        assert!(keys.find(&["network"]).expect("known").is_table());
        assert!(!keys.find(&["variables", "addresses", "ANY_NAME"]).expect("free").is_table());
    }

    #[test]
    fn suggests_a_sibling_or_the_same_name_elsewhere() {
        assert_eq!(complaint("network.slgu"), "unknown key `network.slgu`; did you mean `network.slug`?");
        assert_eq!(complaint("netwrok"), "unknown key `netwrok`; did you mean `network`?");
        assert_eq!(complaint("events.uuid"), "unknown key `events.uuid`; did you mean `network.uuid`?");
        assert_eq!(complaint("zzz"), "unknown key `zzz`; `sensor config show` lists them all");
    }

    #[test]
    fn nothing_stands_below_a_value() {
        assert!(complaint("network.slug.x").starts_with("unknown key `network.slug.x`"));
    }
}
