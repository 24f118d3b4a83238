#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "each target runs one of the functions")]
mod targets;

/// Counts what a conversation takes up.
#[global_allocator]
static ALLOCATOR: sensor::memory::Counted<std::alloc::System> = sensor::memory::Counted(std::alloc::System);

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::smb(data));
