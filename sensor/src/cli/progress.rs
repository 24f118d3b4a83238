//! The progress bar, for work that takes longer than people like to wait.

use super::Context;
use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};
use indicatif::{ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the bar moves.
const INTERVAL: Duration = Duration::from_millis(100);

/// How far work has come.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) done: u64,
    /// Nothing where the end is not known.
    pub(super) total: Option<u64>,
    /// What stands for `{msg}` in the template.
    pub(super) message: String,
}

/// Does the work; once it takes longer than a second, with the bar on a terminal. `template` is indicatif's.
pub(super) fn during<T>(
    context: &Context,
    template: &str,
    position: impl Fn() -> Position + Send,
    work: impl FnOnce() -> T,
) -> T {
    if context.global.quiet || !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        // Goes away with the work, however that ends.
        let (working, ended) = bounded(0);
        scope.spawn(move || follow(context, template, &position, &ended));
        let outcome = work();
        drop(working);
        outcome
    })
}

fn follow(context: &Context, template: &str, position: &impl Fn() -> Position, ended: &Receiver<()>) {
    let (bar, started) = (&context.bar, Instant::now());
    let mut shown = false;
    while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        if !shown && started.elapsed() > PATIENCE {
            let style = ProgressStyle::with_template(template).expect("the template is well formed");
            bar.reset();
            bar.set_style(style);
            bar.set_draw_target(ProgressDrawTarget::stderr());
            shown = true;
        }
        if shown {
            let Position { done, total, message } = position();
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
            bar.set_message(message);
        }
    }
    if shown {
        bar.finish_and_clear();
    }
}
