//! What a running sensor has given up.

use super::Wire;
use std::fs;

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
