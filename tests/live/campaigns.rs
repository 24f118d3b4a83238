//! Floods, overload, rates and long runs. Short forms run always; the long ones are ignored:
//! `cargo test --release -p sensor --test main live::campaigns -- --ignored --nocapture --test-threads 1`.

mod floods;
mod overload;
mod rates;

use super::Sensor;
use super::reload::reload_under_traffic;

/// Memory of the process, in bytes.
fn memory(sensor: &Sensor) -> u64 {
    sensor.ask("stats")["memory_bytes"].as_u64().unwrap()
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_reloads() {
    reload_under_traffic("two_hundred_reloads", 200, 20_000, 8000);
}
