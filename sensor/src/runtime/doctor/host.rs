//! What the machine says of an interface and of itself (sysfs, `Documentation/ABI/testing/sysfs-class-net`).

use super::Check;
use crate::capture::{Offloads, offloads};
use crate::config::Config;
use crate::runtime;
use std::fs;
use std::path::Path;

const IFF_UP: u32 = 0x1;
const IFF_PROMISC: u32 = 0x100;

/// A frame is longer than the MTU by an Ethernet header and two tags.
const HEADERS: u32 = 22;

fn read(interface: &str, file: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new("/sys/class/net").join(interface).join(file)).ok()?;
    Some(text.trim().to_owned())
}

fn flags(interface: &str) -> Option<u32> {
    u32::from_str_radix(read(interface, "flags")?.trim_start_matches("0x"), 16).ok()
}

/// The longest packet that the interface takes, in bytes.
pub(super) fn mtu(interface: &str) -> Option<u32> {
    read(interface, "mtu")?.parse().ok()
}

/// What can be told before it is opened.
pub(super) fn interface(config: &Config, interface: &str) -> Vec<Check> {
    let Some(flags) = flags(interface) else {
        let fix = "`ip link` lists the interfaces that there are";
        return vec![Check::fail("interface", format!("there is no {interface}"), fix)];
    };
    let mut checks = vec![link(interface, flags), offload(interface)];
    if let Some(mtu) = mtu(interface) {
        let snaplen = config.capture.live.snaplen;
        let found = format!("MTU {mtu}, {snaplen} bytes are taken of a frame");
        let fix = format!("capture.live.snaplen = {}", mtu + HEADERS);
        checks.push(Check::expect(snaplen >= mtu + HEADERS, "frame length", found, fix));
    }
    checks.push(queues(config, interface));
    checks
}

fn link(interface: &str, flags: u32) -> Check {
    let state = read(interface, "operstate").unwrap_or_default();
    if flags & IFF_UP == 0 {
        return Check::fail("link", "the interface is down", format!("ip link set {interface} up"));
    }
    let fix = "plug the cable in, or set the mirror port up";
    Check::expect(state == "up" || state == "unknown", "link", format!("up, {state}"), fix)
}

/// While it is open.
pub(super) fn promiscuous(interface: &str) -> Check {
    let promiscuous = flags(interface).is_some_and(|flags| flags & IFF_PROMISC != 0);
    let fix = format!("capture.live.promiscuous = true, or: ip link set {interface} promisc on");
    let found = if promiscuous { "takes frames for others" } else { "takes frames for this machine alone" };
    Check::expect(promiscuous, "promiscuous", found, fix)
}

fn offload(interface: &str) -> Check {
    const SUBJECT: &str = "offloads";
    match offloads(interface) {
        Err(error) => Check::warn(SUBJECT, format!("not told: {error}"), format!("ethtool -k {interface}")),
        Ok(Offloads { gro, lro }) => {
            let on: Vec<_> =
                [(gro, "GRO"), (lro, "LRO")].iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
            let found = if on.is_empty() {
                "GRO and LRO are off".to_owned()
            } else {
                format!("{} on", on.join(" and "))
            };
            let fix =
                format!("ethtool -K {interface} gro off lro off: joined segments are not what hosts saw");
            Check::expect(on.is_empty(), SUBJECT, found, fix)
        }
    }
}

fn queues(config: &Config, interface: &str) -> Check {
    let directory = Path::new("/sys/class/net").join(interface).join("queues");
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let queues = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("rx-")).count();
    let workers = runtime::workers(config);
    let found = format!("{queues} for {workers} workers");
    let fix = format!("ethtool -L {interface} combined {workers}, where the card has them");
    Check::expect(queues >= workers.min(2), "receive queues", found, fix)
}

/// Whether the spool finds room.
pub(super) fn disk(config: &Config, state_dir: &Path) -> Check {
    const SUBJECT: &str = "disk";
    let wanted = config.delivery.spool.max_bytes;
    match rustix::fs::statvfs(state_dir) {
        Err(error) => Check::warn(
            SUBJECT,
            format!("{}: {error}", state_dir.display()),
            format!("install -d -m 0750 {}", state_dir.display()),
        ),
        Ok(facts) => {
            let free = facts.f_bavail * facts.f_frsize;
            let found = format!("{} MiB free for a spool of {} MiB", free >> 20, wanted >> 20);
            Check::expect(free >= wanted, SUBJECT, found, "make room, or lower delivery.spool.max_bytes")
        }
    }
}
