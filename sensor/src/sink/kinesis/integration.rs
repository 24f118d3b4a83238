//! The integration as `sensor siem set` stored it, and the files beside it in the state directory.
//!
//! The file with the external ID is readable by its owner alone and replaced in one step.

use super::arn::{RoleArn, StreamArn};
use super::secret::ExternalId;
use super::status::{Status, rfc3339};
use crate::sink::accounting::Account;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A stream, the role that may write to it, and what proves that the sensor acts for its owner.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Where events go.
    pub stream_arn: StreamArn,
    /// The role to be assumed.
    pub role_arn: RoleArn,
    /// The secret of the role's trust policy.
    pub external_id: ExternalId,
    /// When it was set, RFC 3339.
    pub set_at: String,
    /// When the external ID last changed, RFC 3339.
    pub rotated_at: String,
}

/// The stored form: the one place, besides the request to STS, that shows the external ID.
#[derive(Serialize)]
struct Stored<'a> {
    stream_arn: String,
    role_arn: String,
    external_id: &'a str,
    set_at: &'a str,
    rotated_at: &'a str,
}

impl Integration {
    /// A new one, set now; `before` is the one that it replaces.
    pub fn new(
        stream_arn: StreamArn,
        role_arn: RoleArn,
        external_id: ExternalId,
        before: Option<&Self>,
        now: SystemTime,
    ) -> Self {
        let set_at = rfc3339(now);
        let kept = before.filter(|before| before.external_id == external_id);
        let rotated_at = kept.map_or_else(|| set_at.clone(), |before| before.rotated_at.clone());
        Self { stream_arn, role_arn, external_id, set_at, rotated_at }
    }
}

/// Why the stored integration could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct StoreError {
    /// The file.
    pub path: PathBuf,
    /// What the system or the reader says; never any content.
    pub reason: String,
}

/// What the writer leaves behind for `siem status`.
#[derive(Debug, Serialize)]
struct AccountFile<'a> {
    process: u32,
    updated: String,
    account: &'a Account,
}

/// Tells one version of the stored integration from another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version {
    inode: u64,
    changed: (i64, i64),
}

/// The integration's files in a state directory.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The store within the sensor's state directory.
    pub fn new(state_directory: &Path) -> Self {
        Self { directory: state_directory.join("siem") }
    }

    /// Where events wait.
    pub fn spool_directory(&self) -> PathBuf {
        self.directory.join("spool")
    }

    /// Where events go that no try will deliver.
    pub fn dead_letters(&self) -> PathBuf {
        self.directory.join("dead-letters.jsonl")
    }

    fn integration_file(&self) -> PathBuf {
        self.directory.join("integration.json")
    }

    fn status_file(&self) -> PathBuf {
        self.directory.join("status.json")
    }

    fn account_file(&self) -> PathBuf {
        self.directory.join("account.json")
    }

    /// The stored integration; nothing when none is set.
    pub fn load(&self) -> Result<Option<Integration>, StoreError> {
        let path = self.integration_file();
        let Some(text) = read(&path)? else { return Ok(None) };
        // The reader's message could quote the file, and with it the secret.
        serde_json::from_str(&text).map(Some).map_err(|error| StoreError {
            path,
            reason: format!("not a stored integration (line {}, column {})", error.line(), error.column()),
        })
    }

    /// Stores the integration in place of any other.
    pub fn save(&self, integration: &Integration) -> Result<(), StoreError> {
        let stored = Stored {
            stream_arn: integration.stream_arn.to_string(),
            role_arn: integration.role_arn.to_string(),
            external_id: integration.external_id.expose(),
            set_at: &integration.set_at,
            rotated_at: &integration.rotated_at,
        };
        self.replace(&self.integration_file(), &stored)
    }

    /// Removes the integration and its status; whether there was one. The spool is another matter.
    pub fn remove(&self) -> Result<bool, StoreError> {
        for path in [self.status_file(), self.account_file()] {
            remove(&path)?;
        }
        remove(&self.integration_file())
    }

    /// The status; a fresh one when none is stored, or none that can be read.
    pub fn status(&self) -> Status {
        let stored = fs::read_to_string(self.status_file()).ok();
        stored
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(|| Status::fresh(SystemTime::now()))
    }

    /// Stores the status.
    pub fn save_status(&self, status: &Status) -> Result<(), StoreError> {
        self.replace(&self.status_file(), status)
    }

    /// The account that a running sensor last left, as JSON; nothing when there is none.
    pub fn account(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&fs::read_to_string(self.account_file()).ok()?).ok()
    }

    /// Leaves this process's account for `siem status`.
    pub(crate) fn save_account(&self, account: &Account) -> Result<(), StoreError> {
        let updated = rfc3339(SystemTime::now());
        let (path, file) =
            (self.account_file(), AccountFile { process: std::process::id(), updated, account });
        // It is written again and again, and what a loss of power costs is on no disk.
        self.move_into_place(&path, &file, |_| Ok(()))
    }

    /// Changes whenever the integration is set or removed.
    pub(crate) fn version(&self) -> Option<Version> {
        let facts = fs::metadata(self.integration_file()).ok()?;
        Some(Version { inode: facts.ino(), changed: (facts.ctime(), facts.ctime_nsec()) })
    }

    /// Replaces the file in one step, on disk when this returns.
    fn replace(&self, path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
        self.move_into_place(path, value, File::sync_all)?;
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| StoreError { path: path.to_owned(), reason: error.to_string() })
    }

    /// Writes beside the file, readable by its owner alone, and moves it into place when `settle` has done its part.
    fn move_into_place(
        &self,
        path: &Path,
        value: &impl Serialize,
        settle: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let moved = || -> io::Result<()> {
            let mut text = serde_json::to_vec_pretty(value)?;
            text.push(b'\n');
            fs::create_dir_all(&self.directory)?;
            let beside = path.with_extension("new");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(&text)?;
            settle(&file)?;
            fs::rename(&beside, path)
        };
        moved().map_err(|error| StoreError { path: path.to_owned(), reason: error.to_string() })
    }
}

fn read(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError { path: path.to_owned(), reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, UNIX_EPOCH};

    fn integration(secret: &str, before: Option<&Integration>, second: u64) -> Integration {
        Integration::new(
            "arn:aws:kinesis:us-east-1:123456789012:stream/s".parse().expect("it is sound"),
            "arn:aws:iam::123456789012:role/r".parse().expect("it is sound"),
            ExternalId::new(secret).expect("it is sound"),
            before,
            UNIX_EPOCH + Duration::from_secs(second),
        )
    }

    #[test]
    fn comes_back_and_is_the_owners_alone() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let store = Store::new(directory.path());
        assert_eq!(store.load().expect("nothing is there"), None);
        let set = integration("the-secret", None, 1_000);
        store.save(&set).expect("the directory is writable");
        assert_eq!(store.load().expect("it can be read"), Some(set.clone()));
        let mode = fs::metadata(store.integration_file()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let version = store.version();
        store.save(&set).expect("the directory is writable");
        assert_ne!(store.version(), version);
        assert!(store.remove().expect("it can be removed"));
        assert!(!store.remove().expect("nothing is there"));
        assert_eq!(store.version(), None);
    }

    #[test]
    fn the_rotation_is_dated_by_the_change_of_the_external_id() {
        let first = integration("the-secret", None, 1_000);
        let same = integration("the-secret", Some(&first), 2_000);
        let other = integration("another-secret", Some(&same), 3_000);
        assert_eq!((&same.rotated_at, &same.set_at), (&first.set_at, &"1970-01-01T00:33:20Z".to_owned()));
        assert_eq!(other.rotated_at, other.set_at);
    }

    #[test]
    fn a_damaged_file_is_told_without_its_content() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let store = Store::new(directory.path());
        store.save(&integration("the-secret", None, 0)).expect("the directory is writable");
        let path = store.integration_file();
        let text = fs::read_to_string(&path).expect("it is there").replace("the-secret", "the secret");
        fs::write(&path, text).expect("it is ours");
        let error = store.load().expect_err("the external ID has a space");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
