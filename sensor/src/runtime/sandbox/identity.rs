//! Who the process is, and which capabilities it has (capabilities(7), credentials(7)).

use super::{SandboxError, step};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};
use std::fs;

/// A user as passwd(5) has it.
#[derive(Debug, Eq, PartialEq)]
struct User {
    uid: u32,
    gid: u32,
}

/// Becomes `user`, if one is named and it is another, and keeps no capability but `CAP_NET_RAW`, that one where it is
/// wanted and held.
pub(super) fn drop_privileges(user: Option<&str>, keep_net_raw: bool) -> Result<(), SandboxError> {
    let user = user.map(find).transpose()?;
    let held = rustix::thread::capabilities(None).map_err(|error| step("capget")(error.into()))?.permitted;
    let kept = if keep_net_raw { held & CapabilitySet::NET_RAW } else { CapabilitySet::empty() };
    for capability in CapabilitySet::all().iter() {
        // Only who may set capabilities may do this, and to others it gives nothing.
        let _ = remove_capability_from_bounding_set(capability);
    }
    if let Some(user) = user.filter(|user| user.uid != geteuid().as_raw()) {
        set_keep_capabilities(true).map_err(|error| step("PR_SET_KEEPCAPS")(error.into()))?;
        become_user(&user)?;
    }
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(|error| step("capset")(error.into()))?;
    // Kernels before 4.3 have no ambient set to be cleared.
    let _ = clear_ambient_capability_set();
    set_no_new_privs(true).map_err(|error| step("PR_SET_NO_NEW_PRIVS")(error.into()))
}

/// The user of that name, or of that number with a group of the same.
fn find(name: &str) -> Result<User, SandboxError> {
    let text = fs::read_to_string("/etc/passwd").map_err(step("/etc/passwd"))?;
    let number = || name.parse().ok().map(|id| User { uid: id, gid: id });
    in_passwd(&text, name).or_else(number).ok_or_else(|| SandboxError::NoUser(name.to_owned()))
}

fn in_passwd(text: &str, name: &str) -> Option<User> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then_some(User { uid, gid })
    })
}

/// Of this thread, which is the only one yet; others inherit it. Groups besides the user's own are left behind.
fn become_user(user: &User) -> Result<(), SandboxError> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    set_thread_groups(&[gid]).map_err(|error| step("setgroups")(error.into()))?;
    set_thread_res_gid(gid, gid, gid).map_err(|error| step("setresgid")(error.into()))?;
    set_thread_res_uid(uid, uid, uid).map_err(|error| step("setresuid")(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_or_number() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\nsensor:x:997:995::/var/lib/sensor:/bin/false\n";
        assert_eq!(in_passwd(text, "sensor"), Some(User { uid: 997, gid: 995 }));
        assert_eq!(in_passwd(text, "sens"), None);
        assert_eq!(find("4242").unwrap(), User { uid: 4242, gid: 4242 });
    }
}
