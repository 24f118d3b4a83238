//! How long a burst of 32 lookups takes at a million concurrent flows, over a million bursts, and what memory a flow
//! takes: `cargo bench --bench flow_latency`.
#![allow(clippy::print_stdout, reason = "a program whose result is what it prints")]

mod flow_traffic;

use flow_traffic::Traffic;
use std::time::Instant;

const FLOWS: u32 = 1_000_000;
const BURSTS: usize = 1_000_000;

fn main() {
    let before = resident_bytes();
    let mut traffic = Traffic::with_flows(FLOWS);
    let after = resident_bytes();

    let mut nanos: Vec<u64> = (0..BURSTS)
        .map(|_| {
            let burst = traffic.random_burst();
            let start = Instant::now();
            traffic.observe(&burst);
            start.elapsed().as_nanos() as u64
        })
        .collect();
    nanos.sort_unstable();

    let (p50, p99, max) = (nanos[BURSTS / 2], nanos[BURSTS / 100 * 99], nanos[BURSTS - 1]);
    println!("flows          {FLOWS}");
    println!("bursts of 32   {BURSTS}");
    println!("p50            {p50} ns");
    println!("p99            {p99} ns");
    println!("max            {max} ns");
    println!("p99/p50        {:.2}", p99 as f64 / p50 as f64);
    match (before, after) {
        (Some(before), Some(after)) => {
            println!("bytes per flow {}", after.saturating_sub(before) / u64::from(FLOWS));
        }
        _ => println!("bytes per flow unknown: /proc/self/status is not there"),
    }
}

/// The process's resident memory, where Linux tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
