use super::*;
use crate::sink::testing::{record, records, sized_record};
use tempfile::TempDir;

struct Bench {
    directory: TempDir,
    config: SpoolConfig,
}

impl Bench {
    fn new(config: SpoolConfig) -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory can be made"), config }
    }

    fn open(&self) -> (Spool, Ledger, Recovery) {
        let ledger = Ledger::new();
        let (spool, recovery) = Spool::open(self.directory.path(), self.config.clone(), ledger.clone())
            .expect("the directory is writable and nobody else's");
        (spool, ledger, recovery)
    }

    fn files(&self) -> Vec<PathBuf> {
        let numbers = Segment::list(self.directory.path()).expect("the directory is readable");
        numbers.into_iter().map(|number| Segment::path(self.directory.path(), number)).collect()
    }
}

fn small() -> SpoolConfig {
    SpoolConfig { max_bytes: 64 << 10, segment_bytes: 4 << 10, ..SpoolConfig::default() }
}

fn spool_all(spool: &mut Spool, ledger: &Ledger, records: &[Record]) {
    ledger.create(records.len() as u64, Place::Queued);
    spool.append(records, Place::Queued, Instant::now());
    assert!(ledger.snapshot().balances());
}

fn drain(spool: &mut Spool, ledger: &Ledger) -> Vec<u64> {
    let mut keys = Vec::new();
    loop {
        let loaded = spool.load(7, usize::MAX);
        if loaded.is_empty() {
            return keys;
        }
        for (ticket, record) in loaded {
            keys.push(record.order_key);
            spool.settle(ticket);
            ledger.transfer(1, Place::Queued, Place::Delivered);
        }
        assert!(ledger.snapshot().balances());
    }
}

#[test]
fn events_leave_in_the_order_they_came_and_take_their_files_with_them() {
    let bench = Bench::new(small());
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!(recovery, Recovery::default());
    spool_all(&mut spool, &ledger, &records(100));
    assert!(bench.files().len() > 2);
    assert_eq!(drain(&mut spool, &ledger), (0..100).collect::<Vec<_>>());
    assert!(bench.files().is_empty());
    assert_eq!((spool.bytes(), ledger.snapshot().delivered), (0, 100));
}

#[test]
fn a_restart_finds_what_was_not_settled_and_counts_it_as_recovered() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(50));
    let loaded = spool.load(30, usize::MAX);
    // Out of turn: only what lies before the first unsettled one need not come again.
    loaded.iter().take(10).chain(&loaded[20..]).for_each(|(ticket, _)| spool.settle(*ticket));
    drop(spool);
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!(recovery.events, 40);
    assert_eq!(ledger.snapshot().recovered, 40);
    assert!(ledger.snapshot().balances());
    assert_eq!(drain(&mut spool, &ledger), (10..50).collect::<Vec<_>>());
}

#[test]
fn a_lost_cursor_only_sends_again() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(20));
    spool.load(5, usize::MAX).iter().for_each(|(ticket, _)| spool.settle(*ticket));
    drop(spool);
    fs::remove_file(bench.directory.path().join("cursor")).expect("the cursor was written");
    let (mut spool, ledger, _) = bench.open();
    let keys = drain(&mut spool, &ledger);
    assert!(keys.ends_with(&(5..20).collect::<Vec<_>>()));
    assert!(keys.len() <= 20);
}

#[test]
fn a_torn_tail_costs_the_torn_record_alone_and_is_counted() {
    let bench = Bench::new(SpoolConfig::default());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(10));
    drop(spool);
    let path = &bench.files()[0];
    let length = fs::metadata(path).expect("the segment is there").len();
    File::options().write(true).open(path).expect("it is ours").set_len(length - 3).expect("it can be cut");
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!(recovery, Recovery { events: 9, damaged: 0, torn: 1 });
    // What comes after the restart is not written behind the tear.
    spool_all(&mut spool, &ledger, &[record(99, 99)]);
    drop(spool);
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!(recovery, Recovery { events: 10, damaged: 0, torn: 0 });
    assert_eq!(drain(&mut spool, &ledger), [0, 1, 2, 3, 4, 5, 6, 7, 8, 99]);
}

#[test]
fn a_flipped_bit_costs_its_record_alone_before_and_after_the_start() {
    let bench = Bench::new(SpoolConfig::default());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(10));
    drop(spool);
    let path = &bench.files()[0];
    let flip = |share: usize| {
        let mut bytes = fs::read(path).expect("the segment is there");
        let at = bytes.len() * share / 10 + 50;
        bytes[at] ^= 0x10;
        fs::write(path, bytes).expect("it is ours");
    };
    flip(3);
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!((recovery.events, recovery.damaged), (9, 1));
    flip(7);
    let keys = drain(&mut spool, &ledger);
    assert_eq!(keys.len(), 8);
    assert!(keys.is_sorted());
    assert_eq!(ledger.snapshot().dropped_for(DropReason::Corrupt), 1);
    assert_eq!(ledger.snapshot().pending(), 0);
}

#[test]
fn a_full_spool_lets_the_oldest_go_and_counts_them() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    let sent: Vec<_> = (0..1_000).map(|number| sized_record(number, number, 200)).collect();
    for batch in sent.chunks(10) {
        spool_all(&mut spool, &ledger, batch);
        assert!(spool.bytes() <= bench.config.max_bytes);
    }
    let evicted = ledger.snapshot().dropped_for(DropReason::Evicted);
    assert!(evicted > 500);
    assert!(!spool.may_hold(0));
    assert!(spool.may_hold(999));
    assert_eq!(drain(&mut spool, &ledger), (evicted..1_000).collect::<Vec<_>>());
}

#[test]
fn what_was_loaded_before_an_eviction_can_still_be_settled() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(20));
    let loaded = spool.load(10, usize::MAX);
    let sent: Vec<_> = (100..1_000).map(|number| sized_record(number, number, 200)).collect();
    spool_all(&mut spool, &ledger, &sent);
    loaded.iter().for_each(|(ticket, _)| spool.settle(*ticket));
    ledger.transfer(10, Place::Queued, Place::Delivered);
    let rest = drain(&mut spool, &ledger);
    assert_eq!(rest.last(), Some(&999));
    assert!(rest.is_sorted());
    assert_eq!(ledger.snapshot().pending(), 0);
}

#[test]
fn old_events_expire() {
    let bench = Bench::new(SpoolConfig { max_age_s: 1, ..small() });
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(20));
    std::thread::sleep(Duration::from_millis(2_050));
    spool_all(&mut spool, &ledger, &[record(50, 50)]);
    spool.tick(Instant::now());
    assert_eq!(drain(&mut spool, &ledger), [50]);
    assert_eq!(ledger.snapshot().dropped_for(DropReason::Expired), 20);
}

#[test]
fn what_is_put_back_comes_first_and_only_once() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(60));
    let loaded = spool.load(10, usize::MAX);
    ledger.create(1, Place::Queued);
    let mut held = vec![record(1_000, 1_000)];
    held.extend(loaded.into_iter().map(|(_, record)| record));
    spool.put_back(&held, Place::Queued).expect("the disk has room");
    assert!(ledger.snapshot().balances());
    drop(spool);
    let (mut spool, ledger, recovery) = bench.open();
    assert_eq!(recovery.events, 61);
    let expected: Vec<_> = std::iter::once(1_000).chain(0..60).collect();
    assert_eq!(drain(&mut spool, &ledger), expected);
}

#[test]
fn discarding_counts_and_leaves_nothing() {
    let bench = Bench::new(small());
    let (mut spool, ledger, _) = bench.open();
    spool_all(&mut spool, &ledger, &records(60));
    assert_eq!(spool.discard(), 60);
    assert_eq!(ledger.snapshot().dropped_for(DropReason::Deleted), 60);
    assert!(bench.files().is_empty());
    assert!(!spool.may_hold(3));
    spool_all(&mut spool, &ledger, &records(2));
    assert_eq!(drain(&mut spool, &ledger), [0, 1]);
}

#[test]
fn a_second_process_is_refused() {
    let bench = Bench::new(small());
    let _first = bench.open();
    let second = Spool::open(bench.directory.path(), small(), Ledger::new());
    assert!(matches!(second, Err(SpoolError::Busy(_))));
}

#[test]
fn a_full_disk_drops_the_oldest_then_the_new_and_counts_both() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(directory.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped a_full_disk_drops_the_oldest_then_the_new_and_counts_both: mounting needs root");
        return;
    }
    let ledger = Ledger::new();
    let config = SpoolConfig { segment_bytes: 32 << 10, ..SpoolConfig::default() };
    let (mut spool, _) = Spool::open(directory.path(), config, ledger.clone()).expect("the disk is empty");
    let sent: Vec<_> = (0..1_000).map(|number| sized_record(number, number, 1_000)).collect();
    sent.chunks(5).for_each(|batch| spool_all(&mut spool, &ledger, batch));
    let account = ledger.snapshot();
    assert!(account.dropped_for(DropReason::Evicted) > 500, "{account:?}");
    let rest = drain(&mut spool, &ledger);
    assert!(rest.is_sorted() && rest.last() == Some(&999));
    // A disk with no room even without the spool.
    fs::write(directory.path().join("other"), vec![0_u8; 1 << 20]).expect_err("the disk is smaller");
    spool_all(&mut spool, &ledger, &sent[..5]);
    assert_eq!(ledger.snapshot().dropped_for(DropReason::DiskFull), 5);
    drop(spool);
    let _ = std::process::Command::new("umount").arg(directory.path()).status();
}
