//! The Terraform module, offline: formed, valid, what its own tests say, and applied to moto, whose role the sensor
//! then assumes. `provider.py` stands in for the AWS provider.

use super::EXTERNAL_ID;
use super::peers::{self, Server, command, installed, python};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const NEEDED: &[&str] = &["terraform", "aws-provider"];

fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/terraform")
}

/// Terraform in a directory of its own, with the provider's stand-in.
struct Workplace {
    directory: TempDir,
}

impl Workplace {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let provider = directory.path().join("terraform-provider-aws");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/delivery/provider.py");
        let schemas = peers::aws_provider();
        let text = format!("#!/bin/sh\nexec python3 '{}' '{}'\n", script.display(), schemas.display());
        std::fs::write(&provider, text).unwrap();
        let made_executable = Command::new("chmod").arg("+x").arg(&provider).status().unwrap();
        assert!(made_executable.success());
        let settings = format!(
            "provider_installation {{\n  dev_overrides {{ \"hashicorp/aws\" = \"{}\" }}\n}}\n",
            directory.path().display()
        );
        std::fs::write(directory.path().join("terraform.rc"), settings).unwrap();
        Self { directory }
    }

    fn module(&self) -> PathBuf {
        self.directory.path().join("module")
    }

    fn terraform(&self, arguments: &[&str]) -> Command {
        let mut terraform = command("terraform");
        terraform
            .arg(format!("-chdir={}", self.module().display()))
            .args(arguments)
            .env("TF_CLI_CONFIG_FILE", self.directory.path().join("terraform.rc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            // The stand-in keeps its certificate there.
            .env("HOME", self.directory.path());
        terraform
    }
}

/// What a command that succeeds writes.
fn output_of(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {stdout}{stderr}");
    stdout.into_owned()
}

#[test]
fn the_module_has_terraforms_own_form() {
    if !installed("the_module_has_terraforms_own_form", &["terraform"]) {
        return;
    }
    output_of(command("terraform").args(["fmt", "-check", "-diff", "-recursive"]).arg(module()));
}

#[test]
fn the_module_is_valid_and_passes_its_tests() {
    if !installed("the_module_is_valid_and_passes_its_tests", NEEDED) {
        return;
    }
    let workplace = Workplace::new();
    output_of(Command::new("cp").arg("-r").arg(module()).arg(workplace.module()));
    output_of(&mut workplace.terraform(&["validate", "-no-color"]));
    let said = output_of(&mut workplace.terraform(&["test", "-no-color"]));
    let runs = std::fs::read_to_string(module().join("tests/module.tftest.hcl")).unwrap();
    let runs = runs.lines().filter(|line| line.starts_with("run ")).count();
    assert!(said.contains(&format!("{runs} passed, 0 failed")), "{said}");
}

/// The trust policy and the permissions of a role, as one JSON object.
const DOCUMENTS: &str = r#"
import boto3, json, sys
iam = boto3.client("iam", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="a",
                   aws_secret_access_key="b")
role = iam.get_role(RoleName=sys.argv[2])["Role"]
attached = iam.list_attached_role_policies(RoleName=sys.argv[2])["AttachedPolicies"]
policies = [iam.get_policy_version(PolicyArn=p["PolicyArn"], VersionId="v1")["PolicyVersion"]["Document"] for p in attached]
print(json.dumps({"trust": role["AssumeRolePolicyDocument"], "policies": policies}))
"#;

#[test]
fn what_the_module_makes_is_assumed_and_delivered_through() {
    let needed = ["terraform", "aws-provider", "moto_server", "boto3"];
    if !installed("what_the_module_makes_is_assumed_and_delivered_through", &needed) {
        return;
    }
    let (moto, workplace) = (Server::moto(), Workplace::new());
    let (endpoint, principal) = (moto.endpoint(), "arn:aws:iam::123456789012:role/Sensors");
    let sensor = |arguments: &[&str]| {
        let mut sensor = command(env!("CARGO_BIN_EXE_sensor"));
        sensor
            .args(arguments)
            .env("SENSOR_STATE_DIR", workplace.directory.path())
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", "AKIASENSOR")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        sensor
    };
    let directory = workplace.module();
    let arguments = [
        "aws",
        "terraform",
        "--principal",
        principal,
        "--shards",
        "3",
        "--directory",
        directory.to_str().unwrap(),
    ];
    output_of(&mut sensor(&arguments));
    let mut apply = workplace.terraform(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    let apply = apply.env("TF_VAR_external_id", EXTERNAL_ID).env("AWS_ENDPOINT_URL", &endpoint);
    output_of(apply.env("AWS_ACCESS_KEY_ID", "AKIAOWNER").env("AWS_SECRET_ACCESS_KEY", "secret"));
    let made: serde_json::Value =
        serde_json::from_str(&output_of(&mut workplace.terraform(&["output", "-json"]))).unwrap();
    let made = |name: &str| made[name]["value"].as_str().unwrap().to_owned();

    let documents = python(DOCUMENTS, &[&endpoint, made("role_arn").rsplit('/').next().unwrap()]);
    let documents: serde_json::Value = serde_json::from_slice(&documents).unwrap();
    let trust = &documents["trust"]["Statement"];
    assert_eq!(trust.as_array().unwrap().len(), 1);
    assert_eq!(trust[0]["Principal"]["AWS"], principal);
    assert_eq!(trust[0]["Condition"]["StringEquals"]["sts:ExternalId"], EXTERNAL_ID);
    let allowed = &documents["policies"][0]["Statement"];
    assert_eq!((documents["policies"].as_array().unwrap().len(), allowed.as_array().unwrap().len()), (1, 1));
    assert_eq!(allowed[0]["Action"], serde_json::json!(["kinesis:PutRecord", "kinesis:PutRecords"]));
    assert_eq!(allowed[0]["Resource"], made("stream_arn"));

    let external_id = workplace.directory.path().join("external-id");
    std::fs::write(&external_id, made("external_id")).unwrap();
    let (stream, role) = (made("stream_arn"), made("role_arn"));
    let set =
        ["siem", "set", "--stream-arn", &stream, "--role-arn", &role, "--no-check", "--external-id-file"];
    output_of(sensor(&set).arg(&external_id));
    let said = output_of(&mut sensor(&["siem", "test"]));
    assert!(said.contains("Delivered: shard shardId-00000000000"), "{said}");
}
