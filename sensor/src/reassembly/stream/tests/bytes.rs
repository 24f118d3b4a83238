//! What is stored, what is usable and what is lost.

use super::*;

#[test]
fn data_behind_a_hole_waits_for_it() {
    let mut bench = Bench::new().open();
    assert!(bench.push(data(4, b"EFGH")).stored);
    assert!(bench.push(data(2, b"CD")).stored);
    assert_eq!((bench.server().right_edge(), bench.server().usable_end()), (8, 0));
    assert_eq!(bench.text(), "..CDEFGH");
    bench.push(data(0, b"AB"));
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 0, bytes: b"ABCDEFGH" }));
    assert_eq!(bench.push(ack(8)).updated, [true, false]);
    assert_eq!(bench.server().usable_end(), 8);
}

#[test]
fn what_was_acknowledged_and_did_not_come_is_a_gap() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AB"));
    bench.push(data(4, b"EF"));
    bench.push(data(6, b"GH"));
    assert!(!bench.server().is_gap(2));
    let followed = bench.push(ack(6));
    assert_eq!(names(&followed), "reassembly_seq_gap");
    assert_eq!(followed.updated, [true, false]);
    let side = bench.server();
    assert!(side.is_gap(2) && side.is_gap(3) && !side.is_gap(1) && !side.is_gap(4));
    assert_eq!(side.next_block(2), Some(Block { offset: 4, bytes: b"EFGH" }));
    assert_eq!(bench.text(), "AB..EFGH");
    assert_eq!(bench.count(Counter::StreamGaps), 1);
    assert_eq!(names(&bench.push(client(SYN | ACK, -1, 0))), "", "muted after a loss");
}

#[test]
fn an_acknowledgement_within_a_hole_gives_up_what_it_covers() {
    let mut bench = Bench::new().open();
    bench.push(data(6, b"GH"));
    assert_eq!(names(&bench.push(ack(3))), "reassembly_seq_gap");
    assert!(bench.server().is_gap(2) && !bench.server().is_gap(3));
    bench.push(data(3, b"DEF"));
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 3, bytes: b"DEFGH" }));
}

#[test]
fn an_acknowledgement_captured_before_its_data_loses_nothing() {
    let mut bench = Bench::new().open();
    let followed = bench.push(ack(5));
    assert_eq!((names(&followed).as_str(), followed.updated), ("", [false; 2]));
    assert_eq!(bench.count(Counter::StreamAcksUnseen), 1);
    let followed = bench.push(data(0, b"HELLO"));
    assert_eq!((names(&followed).as_str(), followed.updated), ("", [true, false]));
    assert_eq!(bench.server().usable_end(), 5);
}

#[test]
fn a_segment_that_passes_the_depth_is_not_kept() {
    let config = StreamConfig { depth_bytes: 8, ..StreamConfig::default() };
    let mut bench = Bench::config(&config).open();
    assert!(bench.push(data(0, b"1234")).stored);
    let followed = bench.push(data(4, b"56789"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("reassembly_depth_reached", false));
    assert_eq!(names(&bench.push(data(9, b"0"))), "", "told once");
    bench.push(ack(10));
    assert!(bench.server().depth_reached());
    assert_eq!((bench.server().usable_end(), bench.server().is_gap(4)), (4, false));
    assert_eq!((bench.server().depth(), bench.server().stream_len()), (Some(8), 11));
}

#[test]
fn whoever_looks_at_the_data_raises_the_depth() {
    let config = StreamConfig { depth_bytes: 3, ..StreamConfig::default() };
    let mut bench = Bench::config(&config).open();
    let mut raised = |depth| {
        let session = bench.session.as_mut().unwrap();
        session.raise_depth(depth);
        (session.side(ToServer).depth(), session.side(ToClient).depth())
    };
    assert_eq!(raised(Some(2)), (Some(3), Some(3)));
    assert_eq!(raised(Some(4)), (Some(4), Some(4)));
    assert!(bench.push(data(0, b"1234")).stored);
    assert!(!bench.push(data(4, b"5")).stored);
    bench.session.as_mut().unwrap().raise_depth(None);
    assert_eq!(bench.server().depth(), None);
}

#[test]
fn in_order_data_is_settled_and_early_data_goes_by_policy() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"GOOD"));
    let followed = bench.push(data(1, b"XXX"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("reassembly_overlap_different_data", true));
    assert_eq!(bench.text(), "GOOD");
    bench.push(data(6, b"CDE"));
    assert_eq!(names(&bench.push(data(5, b"bc"))), "reassembly_overlap_different_data");
    assert_eq!(names(&bench.push(data(7, b"D"))), "");
    assert_eq!(bench.text(), "GOOD.bcDE", "Windows prefers what begins before");
    bench.push(data(4, b"ABCD"));
    assert_eq!(bench.text(), "GOODABCDE");
    assert_eq!(bench.count(Counter::StreamOverlapsDifferent), 3);
}

/// How a segment can meet an earlier one, `AAAA` at 4: where it begins and how long it is. Then what is there under
/// each kind of policy, from 2 on, after the hole before it was closed.
#[test]
fn every_policy_settles_every_overlap() {
    use OverlapPolicy as P;
    const MEETINGS: [(i64, usize); 9] =
        [(2, 4), (2, 6), (2, 8), (4, 2), (4, 4), (4, 6), (5, 2), (5, 3), (5, 5)];
    let first = ["nnAAAA", "nnAAAA", "nnAAAAnn", "AAAA", "AAAA", "AAAAnn", "AAAA", "AAAA", "AAAAnn"];
    let last = ["nnnnAA", "nnnnnn", "nnnnnnnn", "nnAA", "nnnn", "nnnnnn", "AnnA", "Annn", "Annnnn"];
    let bsd = ["nnnnAA", "nnnnnn", "nnnnnnnn", "AAAA", "AAAA", "AAAAnn", "AAAA", "AAAA", "AAAAnn"];
    let bsd_right = ["nnAAAA", "nnAAAA", "nnAAAAnn", "nnAA", "nnnn", "nnnnnn", "AnnA", "Annn", "Annnnn"];
    let linux = ["nnnnAA", "nnnnnn", "nnnnnnnn", "AAAA", "AAAA", "nnnnnn", "AAAA", "AAAA", "AAAAnn"];
    let old_linux = ["nnnnAA", "nnnnnn", "nnnnnnnn", "nnAA", "nnnn", "nnnnnn", "AAAA", "AAAA", "AAAAnn"];
    let solaris = ["nnAAAA", "nnnnnn", "nnnnnnnn", "AAAA", "AAAA", "nnnnnn", "AAAA", "AAAA", "Annnnn"];
    let kinds: [(&[P], [&str; 9]); 7] = [
        (&[P::First, P::Vista], first),
        (&[P::Last], last),
        (&[P::Bsd, P::Windows, P::Windows2k3, P::Hpux10, P::Irix, P::Macos], bsd),
        (&[P::BsdRight], bsd_right),
        (&[P::Linux], linux),
        (&[P::OldLinux], old_linux),
        (&[P::Solaris, P::OldSolaris, P::Hpux11], solaris),
    ];
    assert_eq!(kinds.iter().map(|(policies, _)| policies.len()).sum::<usize>(), P::ALL.len());
    for (policies, expected) in kinds {
        for ((start, len), text) in MEETINGS.into_iter().zip(expected) {
            for &policy in policies {
                let mut bench = Bench::policy(policy).open();
                bench.push(data(4, b"AAAA"));
                let followed = bench.push(data(start, &b"nnnnnnnn"[..len]));
                assert_eq!(names(&followed), "reassembly_overlap_different_data");
                bench.push(data(0, &b"...."[..start.min(4) as usize]));
                assert_eq!(&bench.text()[start.min(4) as usize..], text, "{policy:?} {start} {len}");
            }
        }
    }
}

#[test]
fn released_data_is_forgotten() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"ABCDEF"));
    bench.push(data(8, b"IJ"));
    bench.push(ack(10));
    bench.release(4);
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 4, bytes: b"EF" }));
    bench.release(6);
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 8, bytes: b"IJ" }));
    bench.release(1000);
    assert_eq!((bench.server().base(), bench.server().next_block(0)), (10, None));
    assert_eq!(bench.engine.memory(), 0);
    assert!(bench.push(data(10, b"KL")).stored);
    assert_eq!(bench.text(), "KL");
    bench.engine.end(bench.session.take().unwrap());
    assert_eq!((bench.engine.memory(), bench.engine.sessions()), (0, 0));
}

#[test]
fn what_is_released_before_it_came_is_not_kept() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AB"));
    bench.push(data(4, b"EF"));
    bench.release(5);
    assert_eq!(bench.text(), "F");
    let followed = bench.push(data(2, b"CD"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("reassembly_segment_before_base_seq", true));
    bench.push(data(3, b"DEFGH"));
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 5, bytes: b"FGH" }));
}

#[test]
fn nothing_is_kept_of_a_side_that_nobody_looks_at() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"ABCD"));
    bench.session.as_mut().unwrap().disable(ToServer);
    assert_eq!((bench.server().next_block(0), bench.server().is_gap(0)), (None, false));
    assert!(!bench.push(data(4, b"EF")).stored);
    assert_eq!(bench.engine.memory(), 0);
    let followed = bench.push(ack(6));
    assert_eq!((names(&followed).as_str(), bench.server().acked()), ("", 6));
}

#[test]
fn the_end_takes_all_as_it_is() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AB"));
    bench.push(data(4, b"EF"));
    bench.push(data(6, b"GH"));
    bench.engine.finish(bench.session.as_mut().unwrap());
    let side = bench.server();
    assert_eq!((side.acked(), side.usable_end(), side.is_gap(2)), (8, 8, true));
    assert_eq!(side.next_block(2), Some(Block { offset: 4, bytes: b"EFGH" }));
}

#[test]
fn of_one_side_alone_what_came_in_order_counts() {
    let config = StreamConfig { one_sided: true, ..StreamConfig::default() };
    let mut bench = Bench::config(&config).after(&[client(SYN, -1, 0), client(ACK, 0, 0)]);
    assert!(bench.session().is_one_sided());
    assert_eq!(bench.session().state(), State::Established);
    assert_eq!(bench.push(data(0, b"AB")).updated, [true, false]);
    assert_eq!(bench.push(data(4, b"EF")).updated, [false; 2]);
    let far = vec![b'x'; 60_000];
    assert_eq!(names(&bench.push(data(6, &far))), "");
    assert_eq!(bench.server().usable_end(), 2);
    assert_eq!(names(&bench.push(data(60_006, &far[..10_000]))), "reassembly_seq_gap");
    assert_eq!(bench.server().usable_end(), 70_006);
    assert!(bench.server().is_gap(2));
    bench.push(ack(70_006));
    assert!(!bench.session().is_one_sided(), "it has an answer");
}

#[test]
fn of_the_answering_side_alone_what_came_in_order_counts() {
    let config = StreamConfig { one_sided: true, ..StreamConfig::default() };
    let bench = Bench::config(&config).after(&[server(SYN | ACK, -1, 0), ack(100).with(b"200")]);
    let side = bench.session().side(ToClient);
    assert_eq!((bench.session().is_one_sided(), side.usable_end()), (true, 3));
}

#[test]
fn urgent_data_is_set_apart_as_configured() {
    let urgent = |policy| {
        let config = StreamConfig { urgent: policy, ..StreamConfig::default() };
        let mut bench = Bench::config(&config).open();
        let first = Sent { urgent: 3, ..client(ACK | URG, 0, 0) }.with(b"ABxC");
        let second = Sent { urgent: 1, ..client(ACK | URG, 4, 0) }.with(b"y");
        for it in [first, second, data(5, b"DEF"), first, data(4, b"yD")] {
            assert_eq!(names(&bench.push(it)), "");
        }
        let followed = bench.push(ack(8));
        (bench.text(), names(&followed), bench.server().usable_end(), bench.server().stream_len())
    };
    assert_eq!(urgent(UrgentPolicy::Oob), ("ABCDEF".into(), String::new(), 6, 9));
    assert_eq!(urgent(UrgentPolicy::Inline), ("ABxCyDEF".into(), String::new(), 8, 9));
    assert_eq!(urgent(UrgentPolicy::Gap), ("AB.CyDEF".into(), "reassembly_seq_gap".into(), 8, 9));
    assert_eq!(urgent(UrgentPolicy::Drop), ("....yDEF".into(), "reassembly_seq_gap".into(), 8, 9));
}

#[test]
fn an_urgent_byte_that_was_seen_otherwise_stays() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"AxB"));
    bench.push(Sent { urgent: 2, ..client(ACK | URG, 0, 0) }.with(b"AxBC"));
    assert_eq!(bench.text(), "AxBC");
    bench.push(Sent { urgent: 9, ..client(ACK | URG, 4, 0) }.with(b"DE"));
    assert_eq!(bench.text(), "AxBCDE", "its last byte is in a later segment");
}

#[test]
fn too_much_urgent_data_is_told() {
    use UrgentLimitPolicy::{Drop, Gap, Inline};
    for (limit, stored, text) in [(Drop, false, ""), (Inline, true, "x"), (Gap, true, "")] {
        let config = StreamConfig { urgent_limit: limit, ..StreamConfig::default() };
        let mut bench = Bench::config(&config).open();
        for position in 0..128 {
            let followed = bench.push(Sent { urgent: 1, ..client(ACK | URG, position, 0) }.with(b"x"));
            assert_eq!(names(&followed), "");
        }
        let followed = bench.push(Sent { urgent: 1, ..client(ACK | URG, 128, 0) }.with(b"x"));
        assert_eq!(names(&followed), "reassembly_urgent_oob_limit_reached", "{limit:?}");
        assert_eq!((followed.stored, bench.text().as_str()), (stored, text), "{limit:?}");
    }
}
