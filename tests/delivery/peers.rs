//! Programs that others wrote and that the tests talk to. `.ci/run` puts them into `target/peers`; elsewhere on the
//! machine they are found, too. A test that needs one that is missing says so and is skipped.

use std::ffi::OsString;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers")
}

/// The schemas of Terraform's AWS provider.
pub(super) fn aws_provider() -> PathBuf {
    directory().join("provider-aws")
}

/// Fails where the stand-in for that provider cannot be run.
const PROVIDER: &str = "import boto3, os, sys, tf; os.stat(sys.argv[1] + '/kinesis-stream/index.js')";

/// A command that finds the peers before whatever else is installed, and no settings of the machine for AWS or proxies.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let inherited = std::env::vars_os().map(|(name, _)| name);
    let is_setting = |name: &OsString| {
        let name = name.to_string_lossy().to_uppercase();
        name.starts_with("AWS_") || name.ends_with("_PROXY")
    };
    for name in inherited.filter(is_setting) {
        command.env_remove(name);
    }
    let before = |directory: PathBuf, variable: &str| {
        let rest = std::env::var_os(variable).unwrap_or_default();
        let all = std::iter::once(directory).chain(std::env::split_paths(&rest));
        std::env::join_paths(all).unwrap_or(OsString::new())
    };
    command.env("PATH", before(directory().join("bin"), "PATH"));
    command.env("NODE_PATH", before(directory().join("node_modules"), "NODE_PATH"));
    command
}

/// Whether everything named is there; says what is not.
pub(super) fn installed(test: &str, peers: &[&str]) -> bool {
    let missing = peers.iter().find(|peer| {
        let found = match **peer {
            "boto3" => command("python3").args(["-c", "import boto3"]).output(),
            "aws-provider" => command("python3").args(["-c", PROVIDER]).arg(aws_provider()).output(),
            "kinesalite" => command("node").args(["-e", "require('kinesalite')"]).output(),
            program => command("sh").args(["-c", &format!("command -v {program}")]).output(),
        };
        !found.is_ok_and(|output| output.status.success())
    });
    if let Some(missing) = missing {
        // Written so that it shows beside the names of tests that pass; if nobody reads it, so be it.
        let _ = writeln!(std::io::stderr(), "skipped {test}: {missing} is not installed");
    }
    missing.is_none()
}

/// What a Python script writes.
pub(super) fn python(script: &str, arguments: &[&str]) -> Vec<u8> {
    let output = command("python3").arg("-c").arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A server on loopback that ends with the test.
pub(super) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// moto with all its services.
    pub(super) fn moto() -> Self {
        let port = free_port();
        Self::start(command("moto_server").args(["-H", "127.0.0.1", "-p", &port.to_string()]), port)
    }

    /// kinesalite; its own command would listen on every address.
    pub(super) fn kinesalite() -> Self {
        let port = free_port();
        let launcher = format!("require('kinesalite')().listen({port}, '127.0.0.1')");
        Self::start(command("node").args(["-e", &launcher]), port)
    }

    fn start(command: &mut Command, port: u16) -> Self {
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { process, port };
        let until = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{command:?} does not listen: {ended:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
