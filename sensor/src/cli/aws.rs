//! `sensor aws`: what an AWS account must have before events can be delivered to it.

use super::{Context, Exit, Failure};
use crate::sink::kinesis::setup::caller_principal;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `sensor aws`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the Terraform of stream, role, policy, alarms and what else the delivery can use.
    Terraform(TerraformArgs),
}

#[derive(Debug, clap::Args)]
struct TerraformArgs {
    /// Who may assume the role: the sensor's own role or user. Without it AWS is asked who this machine is.
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// The region of the stream.
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,
    /// A stream that grows with its load, instead of one of so many shards.
    #[arg(long)]
    on_demand: bool,
    /// Shards of the stream.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "on_demand")]
    shards: u32,
    /// Write the module's files and terraform.tfvars into DIR, instead of all to standard output.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// The module of `sensor/deploy/terraform`.
const MODULE: &[(&str, &str)] = &[
    ("versions.tf", include_str!("../../deploy/terraform/versions.tf")),
    ("variables.tf", include_str!("../../deploy/terraform/variables.tf")),
    ("stream.tf", include_str!("../../deploy/terraform/stream.tf")),
    ("role.tf", include_str!("../../deploy/terraform/role.tf")),
    ("alarms.tf", include_str!("../../deploy/terraform/alarms.tf")),
    ("endpoint.tf", include_str!("../../deploy/terraform/endpoint.tf")),
    ("archive.tf", include_str!("../../deploy/terraform/archive.tf")),
    ("outputs.tf", include_str!("../../deploy/terraform/outputs.tf")),
];

/// Does what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let Command::Terraform(args) = &args.command;
    let principal = match &args.principal {
        Some(principal) => principal.clone(),
        None => {
            let config = context.configuration(Vec::new())?.config;
            caller_principal(&config.delivery.kinesis, &args.region).map_err(|fault| {
                Failure::new(Exit::Refused, "the sensor's principal is not known", fault)
                    .help("name it with --principal")
            })?
        }
    };
    let values = values(args, &principal);
    match &args.directory {
        Some(directory) => write_files(directory, &values),
        None => {
            let files = MODULE.iter().map(|(name, text)| format!("# {name}\n\n{text}\n"));
            context.print(
                format!("{}# terraform.tfvars\n#\n{}", files.collect::<String>(), commented(&values))
                    .as_bytes(),
            )
        }
    }
}

fn values(args: &TerraformArgs, principal: &str) -> String {
    let mode = if args.on_demand { "ON_DEMAND" } else { "PROVISIONED" };
    // Strings of HCL are written as those of JSON are.
    format!(
        "aws_region       = {}\nsensor_principal = {}\nstream_mode      = \"{mode}\"\nshard_count      = {}\n",
        serde_json::Value::from(args.region.as_str()),
        serde_json::Value::from(principal),
        args.shards,
    )
}

fn commented(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

fn write_files(directory: &Path, values: &str) -> Result<(), Failure> {
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| Failure::writing(path.display(), error))
    };
    fs::create_dir_all(directory).map_err(|error| Failure::writing(directory.display(), error))?;
    MODULE.iter().try_for_each(|(name, text)| write(name, text))?;
    write("terraform.tfvars", values)
}
