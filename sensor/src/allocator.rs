//! The allocator of the executable, and what it does with freed memory. Its only unsafe code.

#![allow(unsafe_code)]

use libmimalloc_sys::{mi_option_set, mi_option_t};
use mimalloc::MiMalloc;
use sensor::memory::Counted;

/// Events are made on one thread and freed on another, where the system's allocator is slow. What is asked for is
/// counted for the limit on the memory of application protocols.
#[global_allocator]
static ALLOCATOR: Counted<MiMalloc> = Counted(MiMalloc);

/// `mi_option_purge_delay` of mimalloc.h, which the bindings do not name.
const PURGE_DELAY: mi_option_t = 15;
/// How long freed memory is kept before the system gets it back, in milliseconds; ten times that for large pieces.
const KEEP_MS: std::ffi::c_long = 1000;

/// Keeps freed memory for a while. Buffers of streams come and go all the time: given back after 10 ms, as mimalloc
/// does it unless told otherwise, they cost a third of the time of a replay with rules, spent by the kernel on
/// clearing pages.
pub(super) fn keep_freed_memory() {
    // SAFETY: it sets a number of the allocator.
    unsafe { mi_option_set(PURGE_DELAY, KEEP_MS) };
}
