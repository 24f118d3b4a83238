//! The executable.

use std::process::ExitCode;

/// Events are made on one thread and freed on another, where the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sensor::cli::main()
}
