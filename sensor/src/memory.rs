//! How much memory the thread holds, as its allocator is asked for it. The unsafe code passes on what it is asked.

#![allow(unsafe_code, reason = "an allocator's interface is unsafe")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread asked for, less those that it gave back. Without a destructor, so that it is there for
    /// as long as the thread asks for memory.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Bytes that this thread has asked for and not given back, where the program's allocator is [`Counted`]; always 0 where
/// it is not. What one thread asks for and another gives back stays on the account of the one: only what comes of a
/// piece of work says something.
#[inline]
pub fn held() -> isize {
    HELD.get()
}

#[inline]
fn note(more: usize, less: usize) {
    HELD.set(HELD.get().wrapping_add_unsigned(more).wrapping_sub_unsigned(less));
}

/// An allocator that counts for [`held`].
#[derive(Debug)]
pub struct Counted<A>(pub A);

// SAFETY: the inner allocator does all the work, and is asked for nothing else than this one.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counted<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as the caller promises.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: as the caller promises.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: as the caller promises.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::System;

    /// That of all unit tests.
    #[global_allocator]
    static ALLOCATOR: Counted<System> = Counted(System);

    #[test]
    fn what_is_given_back_is_held_no_more() {
        let before = held();
        let mut bytes = vec![1u8; 1000];
        assert_eq!(held() - before, 1000);
        bytes.reserve_exact(4000);
        assert_eq!(held() - before, 5000);
        bytes.shrink_to(2000);
        let zeroed = vec![0u8; 500];
        assert_eq!(held() - before, 2500);
        drop((bytes, zeroed));
        assert_eq!(held(), before);
    }

    #[test]
    fn each_thread_counts_for_itself() {
        let before = held();
        let there = std::thread::spawn(|| {
            let before = held();
            let bytes = vec![0u8; 1 << 20];
            (held() - before, bytes)
        });
        let (held_there, bytes) = there.join().unwrap();
        assert_eq!(held_there, 1 << 20);
        let here = held();
        drop(bytes);
        assert_eq!(here - held(), 1 << 20, "who gives it back is who counts");
        assert!((here - before).unsigned_abs() < 1 << 20);
    }
}
