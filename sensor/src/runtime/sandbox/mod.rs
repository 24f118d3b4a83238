//! Giving up what a running sensor does not need, once its interfaces are open and before the first packet is read:
//! the user, capabilities, new privileges, most of the file system, and system calls that a sensor never makes.
//!
//! To be called before threads are started: they inherit all of it.

mod files;
mod identity;
mod system_calls;

pub use files::Reach;

use crate::config::PrivilegesConfig;
use std::io;

/// Why a privilege could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The user is not there.
    #[error("privileges.user: there is no user `{0}`")]
    NoUser(String),
    /// The system refuses a step.
    #[error("{step}: {source}")]
    System {
        /// What was tried.
        step: &'static str,
        /// What is wrong.
        source: io::Error,
    },
    /// The rules for files cannot be made.
    #[error("Landlock: {0}")]
    Files(#[from] landlock::RulesetError),
    /// The filter of system calls cannot be made.
    #[error("seccomp: {0}")]
    SystemCalls(#[from] seccompiler::Error),
}

/// What is in force.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Confined {
    /// Whether the kernel restricts files.
    pub files: bool,
    /// Whether the kernel filters system calls.
    pub system_calls: bool,
}

/// Gives up what `config` says. `reach` is what files are needed for.
///
/// # Errors
///
/// When a step fails; a kernel without Landlock is told and no error.
pub fn confine(config: &PrivilegesConfig, reach: &Reach) -> Result<Confined, SandboxError> {
    identity::drop_privileges(config.user.as_deref(), config.keep_net_raw)?;
    let files = config.landlock && files::restrict(reach)?;
    if config.seccomp {
        system_calls::filter()?;
    }
    Ok(Confined { files, system_calls: config.seccomp })
}

fn step(step: &'static str) -> impl Fn(io::Error) -> SandboxError {
    move |source| SandboxError::System { step, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;
    use std::thread;

    /// What a thread can do once it has given everything up; threads of their own, since there is no way back.
    fn confined<T: Send>(reach: &Reach, act: impl FnOnce(Confined) -> T + Send) -> T {
        let config = PrivilegesConfig { user: None, ..PrivilegesConfig::default() };
        thread::scope(|scope| {
            let thread = scope.spawn(|| act(confine(&config, reach).expect("it can be given up")));
            thread.join().expect("the thread does not panic")
        })
    }

    #[test]
    fn files_outside_the_reach_are_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["state", "rules", "other"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), name).unwrap();
        }
        let reach = Reach { read: vec![at("rules")], write: vec![at("state")] };
        let done = confined(&reach, |confined| {
            confined.files.then(|| {
                [
                    fs::write(at("state").join("new"), "x").is_ok(),
                    fs::read(at("rules").join("file")).is_ok(),
                    fs::write(at("rules").join("new"), "x").is_ok(),
                    fs::write(at("other").join("new"), "x").is_ok(),
                    fs::read(at("other").join("file")).is_ok(),
                ]
            })
        });
        match done {
            Some(done) => assert_eq!(done, [true, true, false, false, false]),
            None => eprintln!(
                "skipped files_outside_the_reach_are_neither_read_nor_written: this kernel has no Landlock"
            ),
        }
    }

    #[test]
    fn no_other_program_is_started_any_more() {
        let start = || Command::new("/bin/true").status();
        assert!(start().is_ok(), "this machine has /bin/true");
        let reach = Reach { read: vec!["/".into()], write: vec![] };
        let error = confined(&reach, |_| start().expect_err("execve is forbidden"));
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn nothing_new_is_gained_and_no_capability_but_one_is_left() {
        let status = confined(&Reach { read: vec!["/proc".into()], write: vec![] }, |_| {
            fs::read_to_string("/proc/thread-self/status").unwrap()
        });
        let value = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit('\t').next().unwrap().to_owned()
        };
        assert_eq!((value("NoNewPrivs:"), value("Seccomp:")), ("1".to_owned(), "2".to_owned()));
        const NET_RAW: u64 = 1 << 13;
        for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            let held = u64::from_str_radix(&value(set), 16).unwrap();
            assert_eq!(held & !NET_RAW, 0, "{set} {held:x}");
        }
    }

    #[test]
    fn a_user_that_is_not_there_is_named() {
        let config = PrivilegesConfig { user: Some("nobody-of-that-name".to_owned()), ..Default::default() };
        let error = confine(&config, &Reach::default()).expect_err("there is no such user");
        assert!(error.to_string().contains("nobody-of-that-name"), "{error}");
    }
}
