//! What the system's allocator is asked for, counted for each thread.

#![allow(unsafe_code, reason = "counting what the allocator is asked for")]

use sensor::memory::{Counted, held};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a thread has asked for so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// How often.
    pub(crate) times: u64,
    /// Bytes, those given back too.
    pub(crate) bytes: u64,
    /// The most that were [`held`] since [`reset_peak`].
    pub(crate) peak: isize,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked { times: 0, bytes: 0, peak: 0 }) };
}

/// What this thread has asked for so far.
pub(crate) fn asked() -> Asked {
    ASKED.with(Cell::get)
}

/// The peak is from now on that of what follows.
pub(crate) fn reset_peak() {
    ASKED.with(|asked| asked.set(Asked { peak: held(), ..asked.get() }));
}

fn note(more: usize) {
    ASKED.with(|asked| {
        let Asked { times, bytes, peak } = asked.get();
        asked.set(Asked { times: times + 1, bytes: bytes + more as u64, peak: peak.max(held()) });
    });
}

struct Counting;

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted<Counting> = Counted(Counting);
