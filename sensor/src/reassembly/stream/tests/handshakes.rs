//! How sessions begin, end and begin again.

use super::*;
use crate::flow::Lifecycle::{Closed, Established, New, Reset};

#[test]
fn a_connection_from_syn_to_the_last_ack() {
    let mut bench = Bench::new();
    let course = [
        (client(SYN, -1, 0), State::SynSent, New, [false; 2], false),
        (server(SYN | ACK, -1, 0), State::SynReceived, New, [false; 2], false),
        (client(ACK, 0, 0), State::Established, Established, [false; 2], false),
        (data(0, b"GET /"), State::Established, Established, [false; 2], true),
        (ack(5), State::Established, Established, [true, false], true),
        (ack(5).with(b"200"), State::Established, Established, [false; 2], true),
        (client(ACK, 5, 3), State::Established, Established, [false, true], true),
        (client(ACK | FIN, 5, 3), State::CloseWait, Established, [false; 2], true),
        (server(ACK | FIN, 3, 6), State::LastAck, Closed, [false, true], true),
        (client(ACK, 6, 4), State::Closed, Closed, [false; 2], true),
    ];
    for (it, state, lifecycle, updated, established) in course {
        let followed = bench.push(it);
        assert_eq!(names(&followed), "", "{it:?}");
        assert_eq!(bench.session().state(), state, "{it:?}");
        assert_eq!(followed.lifecycle, Some(lifecycle), "{it:?}");
        assert_eq!(followed.updated, updated, "{it:?}");
        assert_eq!(followed.established, established, "{it:?}");
        assert_eq!(followed.stored, !it.payload.is_empty());
    }
    let (to_server, to_client) = (bench.server(), bench.session().side(ToClient));
    assert_eq!((to_server.acked(), to_client.acked()), (5, 3), "FIN is no data");
    assert_eq!((to_server.stream_len(), to_client.stream_len()), (7, 5), "SYN and FIN have numbers");
    assert!(to_server.fin_seen() && to_client.fin_seen());
    assert_eq!(bench.text(), "GET /");
    assert_eq!(bench.count(Counter::StreamAcksUnseen), 0);
}

#[test]
fn every_order_of_closing_ends_closed() {
    type Course = [(Sent<'static>, State)];
    let courses: [&Course; 3] = [
        &[
            (server(ACK | FIN, 0, 0), State::FinWait1),
            (client(ACK, 0, 1), State::FinWait2),
            (client(ACK | FIN, 0, 1), State::TimeWait),
            (server(ACK, 1, 1), State::Closed),
        ],
        &[
            (server(ACK | FIN, 0, 0), State::FinWait1),
            (client(ACK | FIN, 0, 0), State::Closing),
            (server(ACK, 1, 1), State::TimeWait),
            (client(ACK, 1, 1), State::Closed),
        ],
        &[
            (client(ACK | FIN, 0, 0), State::CloseWait),
            (server(ACK, 0, 1), State::CloseWait),
            (server(ACK | FIN, 0, 1), State::LastAck),
            (client(ACK | FIN, 0, 0), State::LastAck),
            (client(ACK, 1, 1), State::Closed),
        ],
    ];
    for course in courses {
        let mut bench = Bench::new().open();
        for &(it, state) in course {
            assert_eq!(names(&bench.push(it)), "", "{it:?}");
            assert_eq!(bench.session().state(), state, "{it:?}");
        }
    }
}

#[test]
fn syn_answered_by_syn() {
    let mut bench = Bench::new().after(&[
        client(SYN, -1, 0),
        server(SYN, -1, 0),
        client(SYN | ACK, -1, 0),
        server(ACK, 0, 0),
    ]);
    assert_eq!(bench.session().state(), State::Established);
    assert!(bench.push(data(0, b"EVIL")).stored);
}

#[test]
fn data_with_syn() {
    const COOKIE: [u8; 8] = [34, 6, 1, 2, 3, 4, 1, 1];
    let syn = client(SYN, -1, 0).options(&COOKIE).with(b"GET");
    let mut bench = Bench::new();
    assert!(bench.push(syn).stored);
    assert_eq!(bench.push(server(SYN | ACK, -1, 3)).updated, [true, false]);
    assert_eq!(names(&bench.push(server(ACK, 0, 3).with(b"200"))), "", "without waiting for ACK");
    assert_eq!(bench.session().state(), State::Established);
    bench.push(data(3, b" /"));
    assert_eq!(bench.text(), "GET /");

    let mut bench = Bench::new().after(&[syn]);
    assert_eq!(names(&bench.push(server(SYN | ACK, -1, 0))), "3whs_synack_tfo_data_ignored");
    assert_eq!((bench.text().as_str(), bench.engine.memory()), ("", 0));
    let bench = bench.after(&[client(ACK, 0, 0), data(0, b"get")]);
    assert_eq!(bench.text(), "get");

    let mut bench = Bench::new();
    assert!(!bench.push(client(SYN, -1, 0).with(b"GET")).stored, "nobody asked for that");
}

#[test]
fn of_several_syn_the_one_that_is_answered_counts() {
    let mut bench = Bench::new().after(&[client(SYN, -1, 0), client(SYN, 999, 0), client(SYN, 1999, 0)]);
    bench.push(server(SYN | ACK, -1, 1000));
    assert_eq!(bench.session().state(), State::SynReceived);
    let mut bench = bench.after(&[client(ACK, 1000, 0)]);
    assert!(bench.push(data(1000, b"AB")).stored);
    assert_eq!(bench.server().next_block(0), Some(Block { offset: 0, bytes: b"AB" }));
}

#[test]
fn of_several_syn_ack_the_one_that_is_acknowledged_counts() {
    let mut bench = Bench::new().after(&HANDSHAKE[..2]);
    assert_eq!(names(&bench.push(server(SYN | ACK, 999, 0))), "3whs_synack_resend_with_diff_seq");
    let mut bench = bench.after(&[client(ACK, 0, 1000)]);
    assert_eq!(bench.session().state(), State::Established);
    assert!(bench.push(server(ACK, 1000, 0).with(b"AB")).stored);
    assert_eq!(bench.session().side(ToClient).next_block(0), Some(Block { offset: 0, bytes: b"AB" }));
}

#[test]
fn queues_of_syn_are_bounded() {
    let mut bench = Bench::new().after(&HANDSHAKE[..1]);
    let floods: Vec<_> = (0..12).map(|it| names(&bench.push(client(SYN, 100 * it, 0)))).collect();
    assert_eq!(floods.iter().filter(|it| *it == "3whs_syn_flood").count(), 2);
    assert_eq!(names(&bench.push(client(SYN, 0, 0))), "", "one that is known");

    let mut bench = Bench::new().after(&HANDSHAKE[..2]);
    let floods: Vec<_> = (0..7).map(|it| names(&bench.push(server(SYN | ACK, 100 * it, 0)))).collect();
    assert_eq!(floods.iter().filter(|it| it.contains("3whs_synack_flood")).count(), 2);
}

#[test]
fn a_handshake_of_which_a_packet_was_missed() {
    let bench = Bench::new().after(&[HANDSHAKE[0], HANDSHAKE[1], ack(0).with(b"220")]);
    assert_eq!(bench.session().state(), State::Established, "the last ACK");
    let bench = Bench::new().after(&[HANDSHAKE[0], HANDSHAKE[1], data(5, b"later")]);
    assert_eq!(bench.session().state(), State::Established, "the last ACK and some data");
    assert_eq!(bench.text(), ".....later");
}

#[test]
fn without_its_beginning_there_is_no_session() {
    let mut bench = Bench::new();
    assert_eq!(bench.push(data(0, b"GET")), Followed::default());
    assert_eq!(bench.push(server(SYN | ACK, -1, 0)), Followed::default());
    assert!(bench.session.is_none());
}

#[test]
fn a_session_can_be_picked_up_later() {
    let config = StreamConfig { midstream: true, ..StreamConfig::default() };
    let mut bench = Bench::config(&config);
    let followed = bench.push(data(0, b"GET"));
    assert_eq!((followed.lifecycle, followed.stored), (Some(Established), true));
    assert!(bench.session().is_midstream());
    let bench = bench.after(&[ack(3), ack(3).with(b"200"), client(ACK, 3, 3)]);
    assert_eq!((bench.server().usable_end(), bench.session().side(ToClient).usable_end()), (3, 3));

    let mut bench = Bench::config(&config);
    assert_eq!(bench.push(sent(ToServer, SYN | ACK, -1, 0)).lifecycle, Some(New));
    let bench = bench.after(&[sent(ToClient, ACK, 0, 0)]);
    assert_eq!(bench.session().state(), State::Established, "SYN/ACK by whoever is seen first");

    let mut bench = Bench::config(&config);
    bench.push(client(FIN | ACK, 0, 0).with(b"BYE"));
    assert_eq!((bench.session().state(), bench.text().as_str()), (State::CloseWait, "BYE"));
    assert_eq!(names(&Bench::config(&config).push(client(FIN | ACK, 0, 0))), "fin_but_no_session");
}

#[test]
fn a_reset_makes_its_senders_data_final_and_its_own_is_none_of_it() {
    let mut bench = Bench::new().open();
    bench.push(data(0, b"LET ME IN"));
    let followed = bench.push(client(RST, 9, 0).with(b"DENIED"));
    assert_eq!(followed.lifecycle, Some(Reset));
    assert_eq!((followed.updated, followed.stored), ([true, false], false));
    assert_eq!(bench.server().usable_end(), 9);
    assert_eq!(bench.text(), "LET ME IN");
}

#[test]
fn a_refusal_of_the_connection_is_a_reset() {
    let mut bench = Bench::new().after(&HANDSHAKE[..1]);
    assert_eq!(bench.push(server(RST | ACK, -1, 7)).lifecycle, Some(New), "of something else");
    assert_eq!(bench.push(server(RST, -1, 0)).lifecycle, Some(New));
    assert_eq!(bench.push(client(RST, 0, 0)).lifecycle, Some(New));
    assert_eq!(bench.push(server(RST | ACK, -1, 0)).lifecycle, Some(Reset));
}

#[test]
fn receivers_differ_in_which_resets_they_believe() {
    use OverlapPolicy as P;
    // At, behind and before the next byte expected.
    for (policies, believed) in [
        (&[P::Windows, P::Bsd, P::Vista, P::First][..], [true, false, false]),
        (&[P::Linux, P::OldLinux, P::Solaris][..], [true, true, false]),
        (&[P::Hpux11][..], [true, true, false]),
    ] {
        for &policy in policies {
            for (sequence, believed) in [10, 11, 4].into_iter().zip(believed) {
                let mut bench = Bench::policy(policy).open().after(&[data(0, b"0123456789"), ack(5)]);
                let lifecycle = bench.push(client(RST, sequence, 0)).lifecycle;
                let expected = if believed { Reset } else { Established };
                assert_eq!(lifecycle, Some(expected), "{policy:?} {sequence}");
            }
        }
    }
}

#[test]
fn whoever_goes_on_after_a_reset_did_not_send_it() {
    let mut bench = Bench::new().open();
    bench.push(client(RST | ACK, 0, 0));
    assert_eq!(bench.session().state(), State::Closed);
    assert_eq!(names(&bench.push(server(ACK, 0, 0))), "", "it cannot know yet");
    let followed = bench.push(data(0, b"GET"));
    assert_eq!(names(&followed), "suspected_rst_inject");
    assert!(followed.stored);
    assert_eq!(followed.lifecycle, Some(Established));
    let bench = bench.after(&[data(3, b" /"), ack(5)]);
    assert_eq!(bench.server().usable_end(), 5);
}

#[test]
fn a_reset_within_the_handshake_is_final() {
    let mut bench = Bench::new().after(&HANDSHAKE[..2]);
    assert_eq!(bench.push(client(RST, 0, 0)).lifecycle, Some(Reset));
    let followed = bench.push(data(0, b"GET"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("", false));
    assert_eq!(bench.session().state(), State::Closed);
}

#[test]
fn some_go_on_after_a_reset_of_a_handshake_with_a_wrong_ack() {
    for (policy, state) in
        [(OverlapPolicy::Linux, State::SynReceived), (OverlapPolicy::Windows, State::Closed)]
    {
        let mut bench = Bench::policy(policy).after(&HANDSHAKE[..2]);
        assert_eq!(names(&bench.push(client(ACK, 0, 9))), "3whs_right_seq_wrong_ack_evasion");
        bench.push(server(RST, 0, 0));
        assert_eq!(bench.session().state(), state, "{policy:?}");
    }
}

#[test]
fn a_syn_with_another_number_reuses_what_is_over() {
    let mut bench = Bench::new().open();
    assert!(!bench.reuses(client(SYN, 4000, 0)));
    bench.push(client(RST, 0, 0));
    assert!(bench.reuses(client(SYN, 4000, 0)));
    assert!(!bench.reuses(client(SYN, -1, 0)), "a repetition");
    assert!(!bench.reuses(client(SYN | ACK, 4000, 0)));
}

#[test]
fn a_keep_alive_says_nothing() {
    let mut bench = Bench::new().open().after(&[data(0, b"AB"), ack(2)]);
    for it in [data(1, b"?"), ack(2), data(1, b""), ack(2)] {
        let followed = bench.push(it);
        assert_eq!((names(&followed).as_str(), followed.stored), ("", false), "{it:?}");
    }
    assert_eq!(bench.text(), "AB");
}

#[test]
fn a_byte_may_be_sent_to_a_closed_window() {
    let full = Sent { window: 0, ..ack(2) };
    let mut bench = Bench::new().open().after(&[data(0, b"AB"), full]);
    let followed = bench.push(data(2, b"C"));
    assert_eq!((names(&followed).as_str(), followed.stored), ("", true));
}

#[test]
fn windows_are_scaled_where_both_sides_do() {
    const SCALE: [u8; 4] = [3, 3, 4, 1];
    for (answer, expected) in [(&SCALE[..], ""), (&[][..], "est_packet_out_of_window")] {
        let bench = Bench::new();
        let bench = bench.after(&[
            client(SYN, -1, 0).options(&SCALE),
            server(SYN | ACK, -1, 0).options(answer),
            client(ACK, 0, 0),
        ]);
        let mut bench = bench.after(&[ack(0)]);
        assert_eq!(names(&bench.push(data(100_000, b"AB"))), expected);
    }
}
