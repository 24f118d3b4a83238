//! Where the sensor's own credentials come from: the SDK's chain, source by source.

use super::Rig;
use super::commands::{code, sensor, text};
use sensor::dev::fake_aws::FakeConfig;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

const EXPIRY: &str = "2999-01-01T00:00:00Z";

/// Answers as a container's agent, an instance's metadata service and STS do when somebody asks who they are.
fn start_sources() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // Whoever goes away in the middle is the client's affair.
        listener.incoming().map_while(Result::ok).for_each(|client| drop(serve(client)));
    });
    port
}

fn serve(client: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut request, mut length) = (String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().to_lowercase() {
            line if line.is_empty() => break,
            line => length = line.strip_prefix("content-length: ").map_or(length, |n| n.parse().unwrap()),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let words: Vec<_> = request.split(' ').collect();
    let (status, answer) = match answer(words[0], words[1], &text(&body)) {
        Some(answer) => ("200 OK", answer),
        None => ("404 Not Found", String::new()),
    };
    let more = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close";
    write!(&client, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n\r\n{answer}", answer.len())
}

fn answer(method: &str, path: &str, body: &str) -> Option<String> {
    const METADATA: &str = "/latest/meta-data/iam/security-credentials/";
    let credentials = format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z","AccessKeyId":"AKIASENSOR",
            "SecretAccessKey":"secret","Token":"token","Expiration":"{EXPIRY}"}}"#
    );
    match (method, path) {
        ("GET", "/container") => Some(credentials),
        ("PUT", "/latest/api/token") => Some("metadata-token".to_owned()),
        ("GET", METADATA) => Some("instance-role".to_owned()),
        ("GET", path) if path.strip_prefix(METADATA) == Some("instance-role") => Some(credentials),
        ("POST", "/") if body.contains("Action=AssumeRoleWithWebIdentity") && body.contains("web-token") => {
            Some(format!(
                "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIASENSOR</AccessKeyId>\
                 <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
                 <Expiration>{EXPIRY}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
                 </AssumeRoleWithWebIdentityResponse>"
            ))
        }
        _ => None,
    }
}

/// What must be in the environment for each source to be the one that answers.
fn sources(directory: &Path, port: u16) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let file = |name: &str, text: &str| {
        std::fs::write(directory.join(name), text).unwrap();
        directory.join(name).to_str().unwrap().to_owned()
    };
    let profile =
        file("profile", "[office]\naws_access_key_id = AKIASENSOR\naws_secret_access_key = secret\n");
    let token = file("web-identity", "web-token");
    let sources = format!("http://127.0.0.1:{port}");
    vec![
        (
            "environment",
            vec![
                ("AWS_ACCESS_KEY_ID", "AKIASENSOR".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ],
        ),
        ("profile", vec![("AWS_PROFILE", "office".to_owned()), ("AWS_SHARED_CREDENTIALS_FILE", profile)]),
        ("container", vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{sources}/container"))]),
        ("instance", vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", sources.clone())]),
        (
            "web identity",
            vec![
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
                ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Sensors".to_owned()),
                ("AWS_ENDPOINT_URL_STS", sources),
            ],
        ),
    ]
}

#[test]
fn every_source_of_the_sdks_chain_is_asked() {
    let rig = Rig::with(FakeConfig::default(), Arc::default());
    let port = start_sources();
    let test = |environment: &[(&'static str, String)]| {
        let mut test = sensor(&rig, &["siem", "test"]);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"] {
            test.env_remove(name);
        }
        test.env("HOME", rig.directory.path())
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
            .env("SENSOR__DELIVERY__KINESIS__STS_ENDPOINT_URL", rig.aws.endpoint())
            .envs(environment.iter().cloned());
        let output = test.output().unwrap();
        (code(&output), text(&[output.stdout.clone(), output.stderr.clone()].concat()))
    };
    for (name, environment) in sources(rig.directory.path(), port) {
        let (code, said) = test(&environment);
        assert_eq!(code, 0, "{name}: {said}");
    }
    let (code, said) = test(&[]);
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("the sensor has no AWS credentials of its own"), "{said}");
}
