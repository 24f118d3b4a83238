//! Every shared capture is read to its end or to a named fault; the sound ones hold what `capinfos` counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sensor::capture::{Burst, CaptureError, CaptureFiles, Filled, PacketSource};
use sensor::limits::CaptureLimits;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");

/// Frames, and the faults told on the way.
fn read(paths: &[PathBuf]) -> (u64, Vec<CaptureError>) {
    let mut source = CaptureFiles::new(paths, &CaptureLimits::default());
    let mut burst = Burst::default();
    let mut faults = Vec::new();
    loop {
        match source.fill(&mut burst, &|_, _| 0) {
            Ok(Filled::Frames | Filled::Idle) => {}
            Ok(Filled::Ended) => return (burst.end_ordinal(), faults),
            Err(fault) => faults.push(fault),
        }
    }
}

/// The captures below `directory`; none, with a note, if it is not here.
fn captures(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(SHARED).join(directory);
    let Ok(entries) = fs::read_dir(&directory) else {
        eprintln!("captures: skipped, {} is not here", directory.display());
        return Vec::new();
    };
    let capture = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| ["pcap", "pcapng", "cap"].map(AsRef::as_ref).contains(&extension))
    };
    entries.map(|entry| entry.expect("a readable directory").path()).filter(capture).collect()
}

/// What `capinfos` counts in each file that it reads without complaint; none if it is not installed.
fn capinfos(paths: &[PathBuf]) -> Option<Vec<(PathBuf, u64)>> {
    let output = Command::new("capinfos").args(["-T", "-r", "-c", "-M"]).args(paths).output().ok()?;
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let counted = lines.lines().filter_map(|line| {
        let (path, count) = line.split_once('\t')?;
        let sound = !complaints.contains(path);
        sound.then(|| count.trim().parse().ok().map(|count| (PathBuf::from(path), count)))?
    });
    Some(counted.collect())
}

#[test]
fn sound_captures_hold_what_capinfos_counts() {
    let paths: Vec<_> = ["captures", "captures/dhcp", "captures/encapsulation", "hostile"]
        .into_iter()
        .flat_map(captures)
        .collect();
    if paths.is_empty() {
        return;
    }
    let Some(counted) = capinfos(&paths) else {
        eprintln!("captures: skipped, capinfos is not installed");
        return;
    };
    assert!(counted.len() * 10 > paths.len() * 9, "capinfos read {} of {}", counted.len(), paths.len());
    for (path, expected) in counted {
        let (frames, faults) = read(std::slice::from_ref(&path));
        assert!(faults.is_empty(), "{}: {faults:?}", path.display());
        assert_eq!(frames, expected, "{}", path.display());
    }
}

#[test]
fn a_directory_of_hostile_captures_is_one_stream() {
    let paths = captures("hostile");
    if paths.is_empty() {
        return;
    }
    let each: u64 = paths.iter().map(|path| read(std::slice::from_ref(path)).0).sum();
    let (frames, faults) = read(&[Path::new(SHARED).join("hostile")]);
    assert_eq!(frames, each);
    for fault in &faults {
        assert!(!fault.is_missing_input(), "{fault}");
    }
}
