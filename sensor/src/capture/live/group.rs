//! The handles of one interface, among which the kernel shares packets out (`PACKET_FANOUT`, packet(7)).

use super::config::Fanout;
use super::socket::{self, BpfInstruction, FanoutMode};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

/// The fan-out group of one interface.
#[derive(Debug)]
pub(super) struct FanoutGroup {
    /// The program by which the kernel chooses the worker.
    program: Vec<BpfInstruction>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mode: FanoutMode,
    /// The kernel's number of the group, once there is one.
    number: Option<u16>,
}

impl FanoutGroup {
    pub(super) fn new(fanout: Fanout, program: &[BpfInstruction]) -> Self {
        let mode = match fanout {
            Fanout::Addresses => FanoutMode::Cbpf,
            Fanout::Flow => FanoutMode::Hash,
        };
        Self { program: program.to_vec(), state: Mutex::new(State { mode, number: None }) }
    }

    /// Takes a socket in. A group vanishes with its last socket, and does not take one of an interface that was made
    /// anew: then another is founded.
    pub(super) fn join(&self, member: BorrowedFd<'_>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { mode, number } = &mut *state;
        if number.is_some_and(|number| socket::join_group(member, number, *mode).is_ok()) {
            return Ok(());
        }
        *number = Some(match (*mode, self.found(member, *mode)) {
            (FanoutMode::Cbpf, Err(error)) => {
                tracing::warn!(%error, "this kernel shares packets out by its own hash; others are handed over");
                *mode = FanoutMode::Hash;
                self.found(member, *mode)?
            }
            (_, founded) => founded?,
        });
        Ok(())
    }

    fn found(&self, member: BorrowedFd<'_>, mode: FanoutMode) -> io::Result<u16> {
        let number = socket::found_group(member, mode)?;
        if mode == FanoutMode::Cbpf {
            socket::set_group_program(member, &self.program)?;
        }
        Ok(number)
    }
}
