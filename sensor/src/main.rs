//! The executable.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    sensor::cli::main()
}
