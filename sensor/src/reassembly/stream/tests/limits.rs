//! Memory and work stay within bounds.

use super::*;

const NO_DEPTH: StreamConfig = StreamConfig {
    depth_bytes: 0,
    midstream: false,
    one_sided: false,
    urgent: UrgentPolicy::Oob,
    urgent_limit: UrgentLimitPolicy::Drop,
    max_syn_queued: 10,
    max_synack_queued: 5,
};

#[test]
fn sessions_have_a_limit() {
    assert!(size_of::<Session>() < 400, "{}", size_of::<Session>());
    let limits = StreamLimits { session_bytes: SESSION_BYTES as u64, ..StreamLimits::default() };
    let mut bench = Bench::with(&NO_DEPTH, &limits, OverlapPolicy::Windows);
    bench.push(HANDSHAKE[0]);
    let first = bench.session.take().expect("there is room for one");
    assert_eq!(bench.push(HANDSHAKE[0]).lifecycle, None);
    assert!(bench.session.is_none());
    assert_eq!(bench.count(Counter::StreamSessionsRefused), 1);
    bench.engine.end(first);
    assert!(bench.push(HANDSHAKE[0]).lifecycle.is_some());
}

#[test]
fn what_does_not_fit_is_refused_and_counted() {
    for (total, side) in [(40_000, 1 << 30), (1 << 30, 40_000)] {
        let limits =
            StreamLimits { memory_bytes: total, memory_bytes_per_side: side, ..StreamLimits::default() };
        let mut bench = Bench::with(&NO_DEPTH, &limits, OverlapPolicy::Windows).open();
        assert!(bench.push(data(0, &[b'x'; 25_000])).stored);
        assert!(!bench.push(data(25_000, &[b'x'; 25_000])).stored);
        assert_eq!(bench.count(Counter::StreamSegmentsRefused), 1);
        assert!(bench.engine.memory() <= 40_000);
        assert_eq!(names(&bench.push(ack(50_000))), "reassembly_seq_gap");
        assert!(bench.server().is_gap(25_000));
        bench.release(50_000);
        assert!(bench.push(data(50_000, b"after")).stored);
    }
}

#[test]
fn segments_that_wait_have_a_limit() {
    let limits = StreamLimits { segments_per_side: 100, ..StreamLimits::default() };
    let mut bench = Bench::with(&NO_DEPTH, &limits, OverlapPolicy::Windows).open();
    let stored = (1..200).filter(|at| bench.push(data(at * 2, b"x")).stored).count();
    assert!((90..=100).contains(&stored), "{stored}");
    assert_eq!(bench.count(Counter::StreamSegmentsRefused), 199 - stored as u64);
    assert!(bench.push(data(0, b"in order")).stored);
}

#[test]
fn buffers_go_from_session_to_session() {
    let mut bench = Bench::new().open();
    bench.push(data(0, &[b'x'; 1000]));
    let address = bench.server().next_block(0).unwrap().bytes.as_ptr();
    bench.push(ack(1000));
    bench.release(1000);
    bench.engine.end(bench.session.take().unwrap());
    let mut bench = bench.open();
    bench.push(data(0, &[b'y'; 500]));
    assert_eq!(bench.server().next_block(0).unwrap().bytes.as_ptr(), address);
}

/// The work of adding segments of the given places, each as long as told.
fn work(policy: OverlapPolicy, segments: impl Iterator<Item = (i64, usize)>) -> u64 {
    let limits = StreamLimits { segments_per_side: u32::MAX, ..StreamLimits::default() };
    let mut bench = Bench::with(&NO_DEPTH, &limits, policy).open();
    for (at, len) in segments {
        assert!(bench.push(data(at, &[b'x'; 1500][..len])).stored);
    }
    bench.session().sides[0].buffer.as_ref().expect("there is data").work
}

#[test]
fn work_grows_with_the_input_alone() {
    type Order = fn(i64) -> Box<dyn Iterator<Item = (i64, usize)>>;
    let orders: [(&str, Order); 6] = [
        ("in order", |n| Box::new((0..n).map(|at| (at, 1)))),
        ("backwards", |n| Box::new((0..n).rev().map(|at| (at, 1)))),
        ("every other, then the rest", |n| {
            Box::new((1..n).step_by(2).chain((0..n).step_by(2)).map(|at| (at, 1)))
        }),
        ("from both ends", |n| Box::new((1..n / 2).flat_map(move |at| [(at, 1), (n - at, 1)]))),
        ("the same again and again", |n| Box::new((0..n).map(|_| (1, 100)))),
        ("each over the last, backwards", |n| Box::new((1..n).rev().map(|at| (at, 40)))),
    ];
    for policy in OverlapPolicy::ALL {
        for (name, order) in orders {
            let bytes: usize = order(1000).map(|(_, len)| len).sum();
            let spent = work(policy, order(1000));
            assert!(spent <= 6 * bytes as u64, "{name} {policy:?}: {spent} for {bytes}");
        }
    }
}

#[test]
fn releasing_bit_by_bit_moves_little() {
    let mut bench = Bench::with(&NO_DEPTH, &StreamLimits::default(), OverlapPolicy::Windows).open();
    let mut sent = 0;
    for _ in 0..2000 {
        bench.push(data(sent, &[b'x'; 1000]));
        sent += 1000;
        bench.push(ack(sent));
        bench.release(sent as u64 * 99 / 100);
    }
    let buffer = bench.session().sides[0].buffer.as_ref().expect("there is data");
    assert!(buffer.work <= 3 * sent as u64, "{}", buffer.work);
    assert!(bench.engine.memory() < 200_000, "{}", bench.engine.memory());
}
