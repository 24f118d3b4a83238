//! Encoding one event: a detection of about 1.3 kB, the same with an IPv6 flow and texts that need escapes, one
//! that must be cut, and a DHCP message; and deriving a flow's number. Times are the processor's, so that what else
//! the machine does is not counted.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};
use sensor::counter::Counters;
use sensor::event::cloudevents::Encoder;
use sensor::event::{
    Detection, Dhcp, DhcpKind, EncoderConfig, Event, HardwareAddress, Http, NetworkId, flow_id,
};
use sensor::time::Timestamp;
use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

const TIME: Timestamp = Timestamp::new(1_746_718_399, 469_480_000);
const NETWORK: NetworkId = NetworkId::from_bytes([7; 16]);

/// What this thread took of the processor.
struct ProcessorTime;

impl ProcessorTime {
    fn so_far() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("under a second"))
    }
}

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::so_far()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::so_far() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// The test event as a detection, with a rule of usual length.
fn detection() -> Detection {
    let Event::Test(mut detection) = Event::test(NETWORK, TIME) else { panic!("a test event is one") };
    let alert = Arc::make_mut(&mut detection.alert);
    alert.rule = format!(
        "alert http $HOME_NET any -> $EXTERNAL_NET any (msg:\"{}\"; flow:established,to_server; {}sid:1; rev:1;)",
        alert.signature,
        "http.uri; content:\"/gate.php?id=\"; ".repeat(8),
    );
    *detection
}

fn samples() -> Vec<(&'static str, Event)> {
    let v6 = |last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0x211, 0x22ff, 0xfe33, last));
    let http = |url: Vec<u8>| {
        let whole = *detection().http.expect("the test event has one");
        Some(Box::new(Http { url: Some(url), ..whole }))
    };
    let escapes = Detection {
        source: v6(1),
        destination: v6(2),
        http: http("/\"é\u{1}\u{85}\\".repeat(8).into()),
        ..detection()
    };
    let cut = Detection { http: http(vec![b'u'; 100_000]), ..detection() };
    let dhcp = Dhcp {
        time: TIME,
        kind: DhcpKind::Ack,
        transaction_id: 0x1234_5678,
        client: HardwareAddress::new([2; 16], 6),
        client_ip: Some([192, 0, 2, 7].into()),
        relay_ip: Some([192, 0, 2, 1].into()),
        vlan_id: Some(10),
        ordinal: 3,
    };
    vec![
        ("detection", Event::Detection(Box::new(detection()))),
        ("detection_escapes", Event::Detection(Box::new(escapes))),
        ("detection_cut", Event::Detection(Box::new(cut))),
        ("dhcp", Event::Dhcp(Box::new(dhcp))),
    ]
}

fn encode(criterion: &mut Criterion<ProcessorTime>) {
    let config = EncoderConfig { network: NETWORK, ..EncoderConfig::default() };
    let mut encoder = Encoder::new(config).expect("the default names are good");
    let mut group = criterion.benchmark_group("event");
    let mut counters = Counters::default();
    let mut line = Vec::with_capacity(1 << 18);
    for (name, event) in samples() {
        line.clear();
        encoder.encode(&event, &mut line, &mut counters);
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                line.clear();
                black_box(encoder.encode(black_box(&event), &mut line, &mut counters))
            });
        });
    }
    group.finish();
    criterion.bench_function("event/flow_id", |bencher| {
        bencher.iter(|| flow_id(NETWORK, black_box(&[7; 40]), black_box(TIME)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = encode
}
criterion_main!(benches);
