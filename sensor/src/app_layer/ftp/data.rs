//! Data connections of FTP: one file each, from its first byte to the connection's end.

use super::fields;
use crate::app_layer::file::transfer::Files;
use crate::app_layer::parser::{Expectation, Input, Malformed, Parser, Reader, Requests};
use crate::app_layer::progress::{COMPLETE, STARTED};
use crate::app_layer::transaction::Transactions;
use crate::event::Direction;
use rules::vocabulary::Field;

/// The file of a data connection.
#[derive(Debug, Default)]
pub struct Transfer {
    /// Which way the command asked for it to go: RETR to the client, STOR to the server, whoever opened the connection.
    asked: Option<Direction>,
    /// Which way its bytes go on this connection.
    flows: Option<Direction>,
    files: Files,
}

/// The parser of one data connection.
#[derive(Debug, Default)]
pub struct FtpData {
    /// What the control connection has said of it.
    asked: Option<Direction>,
    name: Vec<u8>,
    transaction: Option<u64>,
}

impl Parser for FtpData {
    type Transaction = Transfer;
    const READERS: &'static [Reader<Transfer>] = READERS;
    const EVENTS: Option<&'static Field> = None;
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const CARRIES_FILES: bool = true;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transfer>,
        _: &mut Requests,
    ) -> Result<usize, Malformed> {
        let id = match self.transaction {
            Some(id) => id,
            None => {
                let (id, transaction) = transactions.begin();
                transaction.data.asked = self.asked;
                transaction.data.files = Files::new(transaction.wanted.clone());
                transaction.data.files.begin(std::mem::take(&mut self.name));
                Direction::ALL.iter().for_each(|&way| transaction.advance(way, STARTED));
                *self.transaction.insert(id)
            }
        };
        if let Some(transaction) = transactions.get_mut(id) {
            if !input.bytes.is_empty()
                && *transaction.data.flows.get_or_insert(input.direction) == input.direction
            {
                transaction.data.files.push(input.bytes);
            }
            if input.end && transaction.data.flows.is_none_or(|way| way == input.direction) {
                transaction.data.files.end();
                Direction::ALL.iter().for_each(|&way| transaction.advance(way, COMPLETE));
            }
        }
        Ok(input.bytes.len())
    }

    fn expected(&mut self, expectation: &Expectation) {
        self.asked = Some(expectation.data);
        self.name.clone_from(&expectation.about);
    }

    fn files(transfer: &Transfer, direction: Direction) -> Option<&Files> {
        Some(&transfer.files).filter(|_| transfer.flows == Some(direction))
    }

    fn files_mut(transfer: &mut Transfer, direction: Direction) -> Option<&mut Files> {
        Some(&mut transfer.files).filter(|_| transfer.flows == Some(direction))
    }
}

/// How each field is read: the command on the way that it asked for.
const READERS: &[Reader<Transfer>] = &[Reader::new(&fields::DATA_COMMAND, |transfer, direction, visit| {
    if transfer.asked == Some(direction) {
        let command = u64::from(direction == Direction::ToServer);
        visit(&command.to_be_bytes());
    }
})];
