//! The way to AWS: proxies, exceptions from them, and whose certificates are trusted.

use super::Rig;
use super::commands::{code, sensor, text};
use sensor::dev::fake_aws::{FakeAws, FakeConfig};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What a client asked a proxy for.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Asked {
    request: String,
    authorization: Option<String>,
}

/// A proxy that opens tunnels and remembers what it was asked for. Its threads end with their connections.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<Asked>>>::default());
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let notes = Arc::clone(&notes);
                std::thread::spawn(move || tunnel(client, &notes));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// RFC 9110 §9.3.6.
fn tunnel(client: TcpStream, notes: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let request = head.first()?.clone();
    let authorization = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
    });
    notes.lock().unwrap().push(Asked { request: request.clone(), authorization });
    let target = request.strip_prefix("CONNECT ")?.split(' ').next()?;
    let server = TcpStream::connect(target).ok()?;
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    let (from_server, to_client) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || pump(from_server, to_client));
    pump(reader, server);
    Some(())
}

fn pump(mut from: impl Read, to: TcpStream) {
    // Either side may end the tunnel at any time.
    let _ = std::io::copy(&mut from, &mut &to);
    let _ = to.shutdown(Shutdown::Write);
}

/// A stand-in that speaks TLS; Rig writes its authority to `ca.pem`.
fn rig() -> Rig {
    Rig::with(FakeConfig { tls: true, ..FakeConfig::default() }, Arc::default())
}

/// `siem test` that trusts the stand-in's authority.
fn test(rig: &Rig) -> Command {
    let mut test = sensor(rig, &["siem", "test"]);
    test.env("AWS_CA_BUNDLE", rig.directory.path().join("ca.pem"));
    test
}

/// The exit code, and everything said.
fn outcome(test: &mut Command) -> (i32, String) {
    let output = test.output().unwrap();
    (code(&output), text(&[output.stdout.clone(), output.stderr.clone()].concat()))
}

#[test]
fn https_proxy_is_the_way_to_both_services() {
    let (rig, proxy) = (rig(), Proxy::start());
    let port = rig.aws.endpoint().rsplit(':').next().unwrap().to_owned();
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let before = proxy.asked().len();
        let url = format!("http://user:pass@127.0.0.1:{}", proxy.port);
        let (code, said) = outcome(test(&rig).env(variable, url));
        assert_eq!(code, 0, "{variable}: {said}");
        let asked = proxy.asked().split_off(before);
        assert!(!asked.is_empty());
        for Asked { request, authorization } in asked {
            assert!(request.starts_with(&format!("CONNECT localhost:{port} ")), "{request}");
            assert_eq!(authorization.as_deref(), Some("Basic dXNlcjpwYXNz"));
        }
    }
}

#[test]
fn no_proxy_is_the_exception() {
    let (rig, proxy) = (rig(), Proxy::start());
    let url = format!("http://127.0.0.1:{}", proxy.port);
    for exception in ["localhost", "example.com,localhost", "*"] {
        let (code, said) = outcome(test(&rig).env("HTTPS_PROXY", &url).env("NO_PROXY", exception));
        assert_eq!((code, proxy.asked()), (0, vec![]), "{exception}: {said}");
    }
    let (code, said) = outcome(test(&rig).env("HTTPS_PROXY", &url).env("NO_PROXY", "example.com"));
    assert_eq!((code, proxy.asked().is_empty()), (0, false), "{said}");
}

#[test]
fn a_proxy_that_does_not_answer_is_named_without_its_password() {
    let rig = rig();
    let (code, said) = outcome(test(&rig).env("HTTPS_PROXY", "http://user:hidden@127.0.0.1:1"));
    assert_eq!(code, 69, "{said}");
    let way =
        format!("STS cannot be reached at {}, by way of the proxy http://127.0.0.1:1/", rig.aws.endpoint());
    assert!(said.contains(&way) && !said.contains("hidden"), "{said}");
}

#[test]
fn whoever_is_not_in_the_bundle_is_not_trusted() {
    let (rig, other) = (rig(), FakeAws::start(FakeConfig { tls: true, ..FakeConfig::default() }).unwrap());
    assert_eq!(outcome(&mut test(&rig)).0, 0);
    let bundle = rig.directory.path().join("other.pem");
    other.ca().unwrap().write(&bundle).unwrap();
    for untrusting in [test(&rig).env("AWS_CA_BUNDLE", &bundle), test(&rig).env_remove("AWS_CA_BUNDLE")] {
        let (code, said) = outcome(untrusting);
        assert_eq!(code, 69, "{said}");
        assert!(said.contains("STS cannot be reached") && said.contains("certificate"), "{said}");
    }
    // Several authorities in one file are all trusted.
    let both = [std::fs::read(&bundle).unwrap(), std::fs::read(rig.directory.path().join("ca.pem")).unwrap()];
    std::fs::write(&bundle, both.concat()).unwrap();
    assert_eq!(outcome(test(&rig).env("AWS_CA_BUNDLE", &bundle)).0, 0);
}

#[test]
fn a_bundle_that_cannot_be_used_is_named() {
    let rig = rig();
    let (absent, empty) = (rig.directory.path().join("absent.pem"), rig.directory.path().join("empty.pem"));
    std::fs::write(&empty, "no certificate").unwrap();
    for bundle in [absent, empty] {
        let (code, said) = outcome(test(&rig).env("AWS_CA_BUNDLE", &bundle));
        assert_eq!(code, 78, "{said}");
        assert!(said.contains(bundle.to_str().unwrap()), "{said}");
    }
}
