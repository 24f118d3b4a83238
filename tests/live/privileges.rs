//! What a running sensor has given up.

use super::Wire;
use std::fs;
use std::path::Path;

#[test]
fn one_capability_is_left_and_none_can_be_gained() {
    let Some(wire) = Wire::lay("one_capability_is_left_and_none_can_be_gained") else { return };
    for (keep, expected) in [("true", "0000000000002000"), ("false", "0000000000000000")] {
        let setting = format!("privileges.keep_net_raw={keep}");
        let mut sensor = wire.sensor(&["--set", &setting, "--workers", "2"]);
        let threads = fs::read_dir(format!("/proc/{}/task", sensor.pid())).unwrap();
        for thread in threads {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            for line in ["CapEff:\t", "CapPrm:\t"].map(|set| format!("{set}{expected}\n")) {
                assert!(status.contains(&line), "{status}");
            }
            assert!(status.contains("CapBnd:\t0000000000000000\n"), "{status}");
            assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "{status}");
        }
        assert_eq!(sensor.stop(), 0);
    }
}

#[test]
fn root_becomes_the_user_that_is_named() {
    let Some(wire) = Wire::lay("root_becomes_the_user_that_is_named") else { return };
    let folder = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(65534), None).unwrap();
    let log = folder.path().join("log");
    fs::write(&log, "").unwrap();
    let mut sensor = super::Sensor::start(&wire, folder, &["--set", "privileges.user=nobody"]);
    let status = fs::read_to_string(format!("/proc/{}/status", sensor.pid())).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), "{status}");
    assert!(status.contains("CapEff:\t0000000000002000\n"), "{status}");
    assert_eq!(sensor.stop(), 0);
}

/// libmagic's database is opened, and a file written, after everything else was given up.
#[test]
fn a_confined_sensor_stores_files() {
    let Some(wire) = Wire::lay("a_confined_sensor_stores_files") else { return };
    let folder = super::Folder::new();
    let rule = b"alert ftp-data any any -> any any (filemagic:\"ASCII text\"; filestore; sid:1;)\n";
    let rules = folder.write("files.rules", rule);
    let files = tempfile::TempDir::new().unwrap();
    let directory = format!("file_store.directory={}", files.path().join("new").display());
    let mut sensor =
        wire.sensor(&["-S", rules.to_str().unwrap(), "--workers", "2", "--set", directory.as_str()]);
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/pcaps/ftp/passive.pcap");
    sensor.until_seen(wire.send(&capture, 1000));
    assert_eq!(sensor.stop(), 0, "{}", sensor.log());
    assert_eq!(sensor.events().len(), 1, "{}", sensor.log());
    let stored = files.path().join("new/ac");
    let stored: Vec<_> =
        fs::read_dir(stored).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert_eq!(stored, [b"the file to download\n"]);
}
