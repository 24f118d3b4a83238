//! The progress bar of a replay.

use super::Context;
use crate::capture::Progress;
use console::Term;
use crossbeam::channel::{RecvTimeoutError, Sender, bounded};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is done in less time needs no bar.
const DELAY: Duration = Duration::from_secs(1);
/// How often the bar moves.
const INTERVAL: Duration = Duration::from_millis(200);

/// Shows the bar from another thread until dropped.
#[derive(Debug)]
pub(super) struct ProgressDisplay {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressDisplay {
    /// Shows how far `progress` has come, where standard error is a terminal and somebody wants to know.
    pub(super) fn start(context: &Context, progress: Arc<Progress>) -> Self {
        if context.global.quiet || !Term::stderr().is_term() {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = bounded(0);
        let bar = context.bar.clone();
        let thread = thread::spawn(move || {
            let mut wait = DELAY;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                if wait == DELAY {
                    show(&bar, &progress);
                }
                wait = INTERVAL;
                bar.set_position(progress.bytes_read());
                let packets = progress.packets_read();
                let rate = packets as f64 / bar.elapsed().as_secs_f64();
                bar.set_message(format!("{rate:.0} packets/s"));
            }
            bar.finish_and_clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let template = match progress.bytes_total() {
        Some(total) => {
            bar.set_length(total);
            "{bar:30} {bytes}/{total_bytes} {msg} {eta} left"
        }
        None => "{spinner} {bytes} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
    bar.set_draw_target(ProgressDrawTarget::stderr());
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already; the replay itself is done.
            let _ = thread.join();
        }
    }
}
