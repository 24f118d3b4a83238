//! The progress bar, for work that takes longer than people like to wait.

use super::Context;
use indicatif::{ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far work has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) done: u64,
    pub(super) total: u64,
}

/// Does the work; once it takes longer than a second, with the bar on a terminal. `template` is indicatif's.
pub(super) fn during<T>(
    context: &Context,
    template: &str,
    position: impl Fn() -> Position + Sync,
    work: impl FnOnce() -> T,
) -> T {
    if context.global.quiet || !io::stderr().is_terminal() {
        return work();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let bar = scope.spawn(|| follow(context, template, &position, &done));
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        bar.thread().unpark();
        outcome
    })
}

fn follow(context: &Context, template: &str, position: &impl Fn() -> Position, done: &AtomicBool) {
    let started = Instant::now();
    let mut shown = false;
    while !done.load(Ordering::Relaxed) {
        thread::park_timeout(Duration::from_millis(100));
        if !shown && started.elapsed() > PATIENCE {
            let style = ProgressStyle::with_template(template).expect("the template is well formed");
            context.bar.reset();
            context.bar.set_style(style);
            context.bar.set_draw_target(ProgressDrawTarget::stderr());
            shown = true;
        }
        if shown {
            let Position { done, total } = position();
            context.bar.set_length(total);
            context.bar.set_position(done);
        }
    }
    if shown {
        context.bar.finish_and_clear();
    }
}
