//! Which files the process can reach from now on (landlock(7)).

use super::SandboxError;
use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
};
use std::path::PathBuf;

/// What is needed of the file system besides the system's own directories.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Files and directories to be read.
    pub read: Vec<PathBuf>,
    /// Files, and directories with all below, to be written.
    pub write: Vec<PathBuf>,
}

/// The system's own: libraries, certificates, name services, statistics of interfaces, the service manager.
const SYSTEM: &[&str] = &["/etc", "/usr", "/lib", "/lib64", "/proc", "/sys", "/dev", "/run"];

/// Devices that are written to.
const DEVICES: &[&str] = &["/dev/null"];

/// Restricts this thread and all it starts; whether the kernel does so.
pub(super) fn restrict(reach: &Reach) -> Result<bool, SandboxError> {
    // Rights of later versions are handled where the kernel knows them.
    let abi = ABI::V4;
    let (read, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
    let status = Ruleset::default()
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(&reach.read, read))?
        .add_rules(path_beneath_rules(DEVICES, all))?
        .add_rules(path_beneath_rules(&reach.write, all))?
        .restrict_self()?;
    let enforced = status.ruleset != RulesetStatus::NotEnforced;
    if !enforced {
        tracing::warn!("this kernel has no Landlock: files are protected by their permissions alone");
    }
    Ok(enforced)
}
