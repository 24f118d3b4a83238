//! The socket options and requests that no crate offers. The only unsafe code of live capture.
//!
//! Source: packet(7), socket(7), and the kernel's `include/uapi/linux/if_packet.h` and `linux/filter.h`.
#![allow(
    unsafe_code,
    reason = "setsockopt(2) and getsockopt(2) take pointers; each call here says why they are sound"
)]

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// One instruction of classic BPF (`struct sock_filter`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BpfInstruction {
    /// What to do.
    pub code: u16,
    /// Instructions to pass over when a condition holds,
    pub jt: u8,
    /// and when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// How a fan-out group chooses the socket of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FanoutMode {
    /// By the kernel's own hash of the flow, the same for both directions.
    Hash = 0,
    /// By a classic BPF program.
    Cbpf = 6,
}

const PACKET_FANOUT: libc::c_int = 18;
const PACKET_FANOUT_DATA: libc::c_int = 22;
/// The kernel finds a number that no other group has.
const FLAG_UNIQUE_ID: u32 = 0x2000;
/// BPF: leave with a constant.
const RETURN_CONSTANT: u16 = 0x06;

/// Joins a new group; gives its number.
pub(super) fn found_group(socket: BorrowedFd<'_>, mode: FanoutMode) -> io::Result<u16> {
    set(socket, libc::SOL_PACKET, PACKET_FANOUT, &((mode as u32 | FLAG_UNIQUE_ID) << 16))?;
    let mut value: u32 = 0;
    let mut len = size_of::<u32>() as libc::socklen_t;
    // SAFETY: `value` and `len` are live for the call, and `len` says how long `value` is.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            PACKET_FANOUT,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    if outcome == 0 { Ok((value & 0xffff) as u16) } else { Err(io::Error::last_os_error()) }
}

/// Joins a group.
pub(super) fn join_group(socket: BorrowedFd<'_>, group: u16, mode: FanoutMode) -> io::Result<()> {
    set(socket, libc::SOL_PACKET, PACKET_FANOUT, &(u32::from(group) | ((mode as u32) << 16)))
}

/// Packets that came to a socket since this was last asked, those dropped included, and those dropped: what
/// `pcap_stats` tells, without the files that it reads besides.
pub(super) fn statistics(socket: BorrowedFd<'_>) -> io::Result<[u32; 2]> {
    // `struct tpacket_stats_v3`; that of earlier versions is its beginning.
    let mut values = [0u32; 3];
    let mut len = size_of_val(&values) as libc::socklen_t;
    // SAFETY: `values` and `len` are live for the call, and `len` says how long `values` is.
    let outcome = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut values).cast(),
            &raw mut len,
        )
    };
    if outcome == 0 { Ok([values[0], values[1]]) } else { Err(io::Error::last_os_error()) }
}

/// Gives a group the program that chooses.
pub(super) fn set_group_program(socket: BorrowedFd<'_>, program: &[BpfInstruction]) -> io::Result<()> {
    with_program(program, |program| set(socket, libc::SOL_PACKET, PACKET_FANOUT_DATA, program))
}

/// Lets nothing more into the socket. What is in its ring stays, which setting a filter through libpcap would not
/// promise.
pub(super) fn shut(socket: BorrowedFd<'_>) -> io::Result<()> {
    let nothing = [BpfInstruction { code: RETURN_CONSTANT, jt: 0, jf: 0, k: 0 }];
    with_program(&nothing, |program| set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program))
}

/// Lets everything in.
pub(super) fn unshut(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0u32)
}

/// What a network card, or the kernel for it, does to segments before anybody sees them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offloads {
    /// Whether the kernel joins them (generic receive offload).
    pub gro: bool,
    /// Whether the card joins them (large receive offload).
    pub lro: bool,
}

/// What an interface does to segments (`SIOCETHTOOL`, the kernel's `include/uapi/linux/ethtool.h`).
///
/// # Errors
///
/// When there is no such interface, or it does not say.
pub fn offloads(interface: &str) -> io::Result<Offloads> {
    const GET_GRO: u32 = 0x2b;
    const GET_FLAGS: u32 = 0x25;
    const FLAG_LRO: u32 = 1 << 15;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(Offloads {
        gro: ethtool(socket.as_fd(), interface, GET_GRO)? != 0,
        lro: ethtool(socket.as_fd(), interface, GET_FLAGS)? & FLAG_LRO != 0,
    })
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

fn ethtool(socket: BorrowedFd<'_>, interface: &str, command: u32) -> io::Result<u32> {
    const SIOCETHTOOL: libc::c_ulong = 0x8946;
    let mut value = EthtoolValue { command, data: 0 };
    // SAFETY: all zeroes are a valid `ifreq`: it holds numbers, and a pointer that may be null.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::NotFound.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: `request` is live for the call and ends with a zero in its name; `value`, to which it points, is what
    // these two commands read and write.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL as _, &raw mut request) };
    if outcome == 0 { Ok(value.data) } else { Err(io::Error::last_os_error()) }
}

/// `struct sock_fprog` of a program, while `act` runs.
fn with_program<T>(program: &[BpfInstruction], act: impl FnOnce(&libc::sock_fprog) -> T) -> T {
    let mut filters: Vec<libc::sock_filter> = program
        .iter()
        .map(|&BpfInstruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k })
        .collect();
    let len = u16::try_from(filters.len()).expect("the kernel takes 4096 instructions at most");
    act(&libc::sock_fprog { len, filter: filters.as_mut_ptr() })
}

fn set<T>(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is live for the call and as long as is said; what a `sock_fprog` points to is kept alive by
    // `with_program`, and the kernel copies it before it returns.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
