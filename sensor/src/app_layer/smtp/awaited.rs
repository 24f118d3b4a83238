//! Commands that wait for their replies, in order.

use std::collections::VecDeque;

/// The most commands that wait for their replies.
pub(super) const MAX_AWAITED: usize = 65_535;

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Awaited {
    Data,
    StartTls,
    Other,
}

/// The commands of one session that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    commands: VecDeque<Awaited>,
    /// How many of each kind wait, so that none is looked for where there is none.
    of_kind: [usize; 3],
}

impl Waiting {
    /// Adds a command; says whether there was room.
    pub(super) fn push(&mut self, command: Awaited) -> bool {
        let fits = self.commands.len() < MAX_AWAITED;
        if fits {
            self.commands.push_back(command);
            self.of_kind[command as usize] += 1;
        }
        fits
    }

    /// The newest.
    pub(super) fn last(&self) -> Option<Awaited> {
        self.commands.back().copied()
    }

    /// The command that a reply answers: the one that has waited longest. Some replies answer just one command, which
    /// tells where a server has left others unanswered.
    pub(super) fn answered(&mut self, code: u16) -> Option<Awaited> {
        let only = match code {
            220 => Some(Awaited::StartTls),
            354 => Some(Awaited::Data),
            _ => None,
        };
        if let Some(only) = only.filter(|&only| self.of_kind[only as usize] > 0) {
            while self.commands.front().is_some_and(|&first| first != only) {
                self.pop();
            }
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Awaited> {
        let first = self.commands.pop_front()?;
        self.of_kind[first as usize] -= 1;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_answers_just_one_command_passes_over_others() {
        let mut waiting = Waiting::default();
        for command in [Awaited::Other, Awaited::StartTls, Awaited::Other, Awaited::Data] {
            assert!(waiting.push(command));
        }
        assert_eq!(waiting.last(), Some(Awaited::Data));
        assert_eq!(waiting.answered(220), Some(Awaited::StartTls));
        assert_eq!(waiting.answered(220), Some(Awaited::Other), "there is no other to be answered so");
        assert_eq!(waiting.answered(354), Some(Awaited::Data));
        assert_eq!(waiting.answered(354), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut waiting = Waiting::default();
        let taken = (0..2 * MAX_AWAITED).filter(|_| waiting.push(Awaited::Other)).count();
        assert_eq!(taken, MAX_AWAITED);
    }
}
