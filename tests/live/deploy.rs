//! The files of `sensor/deploy` that a machine can check.

use std::path::Path;
use std::process::Command;

#[test]
fn the_unit_is_one_that_systemd_reads_and_finds_safe() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/sensor.service");
    let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output()
    else {
        println!("skipped the_unit_is_one_that_systemd_reads_and_finds_safe: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let faults: Vec<_> =
        said.lines().filter(|line| !line.contains("/usr/bin/sensor is not executable")).collect();
    assert!(faults.is_empty(), "{faults:?}");
    // Its threshold is ten times the level; 2 is what systemd calls OK.
    let safe = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=25"])
        .arg(&unit)
        .output()
        .unwrap();
    assert!(safe.status.success(), "{}", String::from_utf8_lossy(&safe.stdout));
}
