//! Sets of values that rules ask about or add to (Suricata documentation: "Datasets"). What a rule says of a set; who
//! loads, keeps and saves sets is not known here.

/// What the values of a set are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DatasetKind {
    /// Any bytes; in files as base64.
    String,
    /// 16 bytes; in files in hexadecimal.
    Md5,
    /// 20 bytes, likewise. Only lists of file hashes have them.
    Sha1,
    /// 32 bytes; in files in hexadecimal.
    Sha256,
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// IPv4 and IPv6 addresses.
    Ip,
}

impl DatasetKind {
    /// The kind of that name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"string" => Self::String,
            b"md5" => Self::Md5,
            b"sha256" => Self::Sha256,
            b"ipv4" => Self::Ipv4,
            b"ipv6" => Self::Ipv6,
            b"ip" => Self::Ip,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ip => "ip",
        }
    }
}

/// How the file of a set is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DatasetFormat {
    /// A value in each line, for a `datarep` a comma and its score after it.
    #[default]
    Csv,
    /// One JSON document.
    Json,
    /// A JSON object in each line.
    JsonLines,
    /// A hash at the start of each line, whatever stands behind it: what `md5sum` writes.
    Sums,
}

/// A set as one rule describes it. Rules that name the same set need not all describe it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Dataset {
    /// Its number in [`Names`](crate::names::Names), under `NameKind::Dataset`.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Option<DatasetKind>,
    /// Whether its values have scores (`datarep`).
    pub scored: bool,
    /// Whether the rule adds values to it or takes some out.
    pub changes: bool,
    /// The file to load it from, relative to the rules file or to the data directory where it is also `save`.
    pub load: Option<String>,
    /// The file to save it to, relative to the data directory.
    pub save: Option<String>,
    /// How the file is written.
    pub format: DatasetFormat,
    /// The key of a value in a JSON object, with dots between the parts of its path.
    pub value_key: Option<String>,
    /// The key of the array in a JSON document.
    pub array_key: Option<String>,
    /// The key under which an alert carries the JSON object of the value that matched.
    pub context_key: Option<String>,
    /// The most memory it may take up, in bytes.
    pub memcap: Option<u64>,
    /// About how many values it will hold.
    pub hashsize: Option<u64>,
}
