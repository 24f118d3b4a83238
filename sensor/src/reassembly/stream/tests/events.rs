//! Every irregularity under its name.

use super::*;
use std::collections::BTreeSet;

/// Packets with which nothing is wrong, up to that state.
fn path(state: State) -> Vec<Sent<'static>> {
    let mut path = HANDSHAKE.to_vec();
    match state {
        State::SynSent => path.truncate(1),
        State::SynReceived => path.truncate(2),
        State::Established => {}
        State::CloseWait => path.push(client(FIN | ACK, 0, 0)),
        State::LastAck => path.extend([client(FIN | ACK, 0, 0), server(FIN | ACK, 0, 1)]),
        State::FinWait1 => path.push(server(FIN | ACK, 0, 0)),
        State::FinWait2 => path.extend([server(FIN | ACK, 0, 0), client(ACK, 0, 1)]),
        State::Closing => path.extend([server(FIN | ACK, 0, 0), client(FIN | ACK, 0, 0)]),
        State::TimeWait => {
            path.extend([server(FIN | ACK, 0, 0), client(ACK, 0, 1), client(FIN | ACK, 0, 1)]);
        }
        State::Closed => path.push(client(RST, 0, 0)),
    }
    path
}

/// Timestamps 100 and 7, as most systems lay them out.
const TIMES: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 7];

#[test]
fn each_irregularity_is_told_and_the_segment_not_used() {
    use State::*;
    let far = 70_000;
    let cases: &[(State, Sent<'_>, &str)] = &[
        (SynSent, client(SYN | ACK, -1, 0), "3whs_synack_in_wrong_direction"),
        (SynSent, server(SYN | ACK, -1, 5), "3whs_synack_with_wrong_ack"),
        (SynSent, server(SYN | ACK, -1, 0).options(&TIMES), "pkt_invalid_timestamp"),
        (SynReceived, client(SYN | ACK, -1, 0), "3whs_synack_toserver_on_syn_recv"),
        (SynReceived, server(SYN | ACK, -1, 7), "3whs_synack_resend_with_different_ack"),
        (SynReceived, server(SYN | ACK, 500, 0), "3whs_synack_resend_with_diff_seq"),
        (SynReceived, client(SYN, 500, 0), "3whs_syn_resend_diff_seq_on_syn_recv"),
        (SynReceived, server(SYN, -1, 0), "3whs_syn_toclient_on_syn_recv"),
        (SynReceived, client(ACK, 0, 9), "3whs_right_seq_wrong_ack_evasion"),
        (SynReceived, client(ACK, -9, 9), "3whs_wrong_seq_wrong_ack"),
        (SynReceived, server(ACK, 3, 0), "3whs_wrong_seq_wrong_ack"),
        (Established, client(SYN | ACK, -1, 0), "est_synack_toserver"),
        (Established, server(SYN | ACK, -1, 7), "est_synack_resend_with_different_ack"),
        (Established, server(SYN | ACK, 500, 0), "est_synack_resend_with_diff_seq"),
        (Established, server(SYN, -1, 0), "est_syn_toclient"),
        (Established, client(SYN, 500, 0), "est_syn_resend_diff_seq"),
        (Established, client(SYN, -1, 0), "est_syn_resend"),
        (Established, data(far, b"A"), "est_packet_out_of_window"),
        (Established, client(ACK, 0, far), "est_invalid_ack pkt_invalid_ack"),
        (Established, client(FIN | ACK, far, 0), "fin_out_of_window"),
        (Established, client(FIN | ACK, 0, far), "fin_invalid_ack pkt_invalid_ack"),
        (Established, client(RST | ACK, 0, far), "pkt_invalid_ack rst_invalid_ack"),
        (Established, Sent { window: 10, ..client(ACK, 5, 5) }, "pkt_bad_window_update"),
        (CloseWait, server(FIN | ACK, far, 1), "closewait_fin_out_of_window"),
        (CloseWait, server(ACK, far, 1), "closewait_ack_out_of_window"),
        (CloseWait, server(ACK, 0, far), "closewait_invalid_ack pkt_invalid_ack"),
        (CloseWait, client(SYN, -1, 0), "shutdown_syn_resend"),
        (FinWait1, client(FIN | ACK, far, 0), "fin1_fin_wrong_seq"),
        (FinWait1, client(ACK, far, 0), "fin1_ack_wrong_seq"),
        (FinWait1, client(ACK, 0, far), "fin1_invalid_ack pkt_invalid_ack"),
        (FinWait1, client(SYN, -1, 0), "shutdown_syn_resend"),
        (FinWait2, client(FIN | ACK, far, 1), "fin2_fin_wrong_seq"),
        (FinWait2, client(ACK, far, 1), "fin2_ack_wrong_seq"),
        (FinWait2, client(ACK, 0, far), "fin2_invalid_ack pkt_invalid_ack"),
        (Closing, client(ACK, 50, 1), "closing_ack_wrong_seq"),
        (Closing, client(ACK, 1, far), "closing_invalid_ack pkt_invalid_ack"),
        (LastAck, client(ACK, 50, 1), "lastack_ack_wrong_seq"),
        (LastAck, client(ACK, 1, far), "lastack_invalid_ack pkt_invalid_ack"),
        (TimeWait, server(ACK, 50, 1), "timewait_ack_wrong_seq"),
        (TimeWait, server(ACK, 1, far), "pkt_invalid_ack timewait_invalid_ack"),
        (TimeWait, client(SYN, -1, 0), "shutdown_syn_resend"),
    ];
    for &(state, it, expected) in cases {
        let mut bench = Bench::new().after(&path(state));
        assert_eq!(bench.session().state(), state);
        let followed = bench.push(it);
        assert_eq!(names(&followed), expected, "{state:?} {it:?}");
        assert!(!followed.stored);
        assert_eq!((bench.session().state(), followed.updated), (state, [false; 2]), "{state:?} {it:?}");
    }
}

/// Sessions with a history of their own: packets that are regular, and one that is not.
fn histories() -> Vec<(Vec<Sent<'static>>, Sent<'static>, &'static str)> {
    let simultaneous = [client(SYN, -1, 0), server(SYN, -1, 0)];
    let answered = [&simultaneous[..], &[client(SYN | ACK, -1, 0)]].concat();
    let established = path(State::Established);
    let exchanged = [&established[..], &[client(ACK, 0, 0).with(b"ABCD"), ack(4)]].concat();
    let closed = [&exchanged[..], &[client(FIN | ACK, 4, 0)]].concat();
    let responder_closed = [&exchanged[..], &[server(FIN | ACK, 0, 4)]].concat();
    vec![
        (vec![], client(RST, 0, 0), "rst_but_no_session"),
        (vec![], client(FIN | ACK, 0, 0), "fin_but_no_session"),
        (vec![], client(FIN | SYN, -1, 0), "fin_but_no_session fin_syn"),
        (simultaneous.to_vec(), client(SYN | ACK, -1, 9), "4whs_synack_with_wrong_ack"),
        (simultaneous.to_vec(), client(SYN | ACK, 5, 0), "4whs_synack_with_wrong_syn"),
        (answered.clone(), server(ACK, 7, 0), "4whs_wrong_seq"),
        (answered, server(ACK, 0, 70_000), "4whs_invalid_ack pkt_invalid_ack"),
        ([&established[..], &[ack(0)]].concat(), server(SYN | ACK, -1, 0), "est_synack_resend"),
        (established.clone(), client(FIN | SYN | ACK, 0, 0), "fin_syn"),
        (
            exchanged.clone(),
            client(ACK, 0, 0).with(b"AB"),
            "est_pkt_before_last_ack pkt_spurious_retransmission",
        ),
        (exchanged, client(ACK, 2, 0).with(b"cDE"), "reassembly_overlap_different_data"),
        (closed, client(ACK, 0, 0).with(b"AB"), "closewait_pkt_before_last_ack pkt_spurious_retransmission"),
        (responder_closed, client(ACK, 0, 0).with(b"ABCD"), "pkt_retransmission"),
    ]
}

#[test]
fn each_irregularity_with_a_history_is_told() {
    for (before, it, expected) in histories() {
        assert_eq!(names(&Bench::new().after(&before).push(it)), expected, "{it:?}");
    }
}

#[test]
fn an_acknowledgement_without_its_flag_is_broken() {
    let it = client(0, 0, 0);
    let mut header = it.header();
    header[11] = 1;
    assert_eq!(names(&Bench::new().push_header(&header, it)), "pkt_broken_ack");
    assert_eq!(names(&Bench::new().open().push_header(&header, it)), "pkt_broken_ack");
    let syn = client(SYN, -1, 0);
    let mut header = syn.header();
    header[11] = 1;
    assert_eq!(names(&Bench::new().push_header(&header, syn)), "pkt_broken_ack");
}

#[test]
fn one_sided_sessions_begin_with_the_next_byte() {
    let config = StreamConfig { one_sided: true, ..StreamConfig::default() };
    let mut bench = Bench::config(&config).after(&HANDSHAKE[..1]);
    assert_eq!(names(&bench.push(client(ACK, 5, 0))), "3whs_async_wrong_seq");
}

/// What no packet of a passive sensor raises: two are for inline mode, where a refused packet is dropped, and each
/// session belongs to one thread.
const NEVER: [StreamEvent; 3] =
    [StreamEvent::ThreewhsAckDataInject, StreamEvent::ThreewhsAckInWrongDir, StreamEvent::WrongThread];

#[test]
fn every_event_is_raised_by_a_test() {
    let sources = [include_str!("events.rs"), include_str!("bytes.rs"), include_str!("handshakes.rs")];
    let tested: BTreeSet<_> = sources
        .iter()
        .flat_map(|text| text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_'))
        .collect();
    for event in StreamEvent::ALL {
        assert_eq!(tested.contains(event.name()), !NEVER.contains(event), "{}", event.name());
    }
}

/// A packet with that timestamp.
fn at<'a>(it: Sent<'a>, options: &'a [u8; 12]) -> Sent<'a> {
    it.options(options)
}

fn times(value: u32, echo: u32) -> [u8; 12] {
    let mut options = TIMES;
    options[4..8].copy_from_slice(&value.to_be_bytes());
    options[8..].copy_from_slice(&echo.to_be_bytes());
    options
}

/// A session whose sides both began with these timestamps.
fn with_timestamps(policy: OverlapPolicy, to_server: u32, to_client: u32) -> Bench {
    let (syn, answer) = (times(to_server, 0), times(to_client, to_server));
    let done = times(to_server, to_client);
    Bench::policy(policy).after(&[
        at(client(SYN, -1, 0), &syn),
        at(server(SYN | ACK, -1, 0), &answer),
        at(client(ACK, 0, 0), &done),
    ])
}

#[test]
fn timestamps_never_go_back() {
    let mut bench = with_timestamps(OverlapPolicy::Windows, 100, 500);
    let mut push = |value, sequence, second| {
        let it = Sent { second, ..data(sequence, b"AB") };
        names(&bench.push(at(it, &times(value, 500))))
    };
    assert_eq!(push(100, 0, 2), "");
    assert_eq!(push(99, 2, 2), "pkt_invalid_timestamp");
    assert_eq!(push(101, 2, 2), "");
    assert_eq!(push(u32::MAX / 2, 4, 2), "");
    assert_eq!(push(u32::MAX / 2 + 1000, 6, 3), "");
    assert_eq!(push(u32::MAX / 2 + 999, 8, 4), "pkt_invalid_timestamp");
    assert_eq!(push(5, 8, 25 * 24 * 60 * 60), "", "after 24 days any timestamp is as good");
}

#[test]
fn an_answer_echoes_any_of_the_timestamps_that_syn_had() {
    for (echo, expected) in [(100, ""), (200, ""), (0, ""), (150, "pkt_invalid_timestamp")] {
        let mut bench = Bench::new()
            .after(&[at(client(SYN, -1, 0), &times(100, 0)), at(client(SYN, -1, 0), &times(200, 0))]);
        assert_eq!(names(&bench.push(at(server(SYN | ACK, -1, 0), &times(500, echo)))), expected);
    }
}

#[test]
fn linux_lets_one_tick_pass() {
    let mut bench = with_timestamps(OverlapPolicy::Linux, 100, 500);
    assert_eq!(names(&bench.push(at(data(0, b"AB"), &times(99, 500)))), "");
    assert_eq!(names(&bench.push(at(data(2, b"AB"), &times(97, 500)))), "pkt_invalid_timestamp");
}

#[test]
fn hp_ux_does_not_look_at_timestamps_out_of_order() {
    let mut bench = with_timestamps(OverlapPolicy::Hpux11, 100, 500);
    assert_eq!(names(&bench.push(at(data(2, b"CD"), &times(9, 500)))), "");
    assert_eq!(names(&bench.push(at(data(4, b"EF"), &times(9, 500)))), "pkt_invalid_timestamp");
}

#[test]
fn a_timestamp_of_0_is_for_each_system_to_judge() {
    use OverlapPolicy as P;
    for policy in P::ALL {
        // 0 comes right after the largest.
        let mut bench = with_timestamps(policy, u32::MAX, 500);
        let taken = matches!(
            policy,
            P::OldLinux | P::Windows | P::Windows2k3 | P::Vista | P::Solaris | P::OldSolaris
        );
        let expected = if taken { "" } else { "pkt_invalid_timestamp" };
        assert_eq!(names(&bench.push(at(data(0, b"AB"), &times(0, 500)))), expected, "{policy:?}");

        // A handshake that begins with 0, goes on with another value, then with one before that.
        let bench = Bench::policy(policy);
        let mut bench = bench
            .after(&[at(client(SYN, -1, 0), &times(0, 0)), at(server(SYN | ACK, -1, 0), &times(500, 0))]);
        let second = names(&bench.push(at(client(ACK, 0, 0), &times(u32::MAX - 5, 500))));
        let third = names(&bench.push(at(data(0, b"AB"), &times(u32::MAX - 9, 500))));
        let ignored = matches!(policy, P::Linux | P::Windows2k3);
        let begun_anew = matches!(policy, P::OldLinux | P::Windows | P::Vista);
        assert_eq!(second.is_empty(), ignored || begun_anew, "{policy:?}");
        assert_eq!(third.is_empty(), ignored, "{policy:?}");
    }
}
