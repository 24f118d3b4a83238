//! What one transaction of SMB says.

use super::fields;
use super::ntlmssp::Identity;
use crate::app_layer::dcerpc;
use crate::app_layer::dcerpc::call::Call;
use crate::app_layer::file::transfer::Files;
use crate::app_layer::parser::{Reader, visit_number};
use crate::event::Direction;

/// A request with its response; or what is read or written of one file; or a call over a named pipe.
#[derive(Debug, Default)]
pub struct Transaction {
    /// 1, or 2 for versions 2 and 3.
    pub(super) version: u8,
    pub(super) kind: Kind,
}

/// What a transaction is about.
#[derive(Debug, Default)]
pub(super) enum Kind {
    #[default]
    Other,
    /// A session is set up.
    Session(Identity),
    /// A share is connected to.
    Tree { share: Vec<u8>, is_pipe: bool },
    /// The contents of a file go one way.
    File { goes: Direction, files: Files },
    /// A call over a named pipe.
    Call(Call),
}

impl Transaction {
    fn share(&self, wanted: bool) -> Option<&[u8]> {
        match &self.kind {
            Kind::Tree { share, is_pipe } if *is_pipe == wanted => Some(share),
            _ => None,
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match &self.kind {
            Kind::Session(identity) => Some(identity),
            _ => None,
        }
    }

    /// The contents of a file that go that way.
    pub(super) fn files(&self, direction: Direction) -> Option<&Files> {
        match &self.kind {
            Kind::File { goes, files } if *goes == direction => Some(files),
            _ => None,
        }
    }

    /// The same.
    pub(super) fn files_mut(&mut self, direction: Direction) -> Option<&mut Files> {
        match &mut self.kind {
            Kind::File { goes, files } if *goes == direction => Some(files),
            _ => None,
        }
    }

    pub(super) fn call(&self) -> Option<&Call> {
        match &self.kind {
            Kind::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Whether numbers of a call stand most significant byte first.
    pub(super) fn is_big_endian(&self, direction: Direction) -> bool {
        self.call().is_some_and(|call| call.is_big_endian(direction))
    }

    /// Rules have looked at one way.
    pub(super) fn inspected(&mut self, direction: Direction) {
        if let Kind::Call(call) = &mut self.kind {
            call.inspected(direction);
        }
    }
}

/// How each field is read.
pub(super) const READERS: &[Reader<Transaction>] = &[
    Reader::new(&fields::NAMED_PIPE, |transaction, _, visit| {
        let _ = transaction.share(true).is_some_and(visit);
    }),
    Reader::new(&fields::SHARE, |transaction, _, visit| {
        let _ = transaction.share(false).is_some_and(visit);
    }),
    Reader::new(&fields::NTLMSSP_USER, |transaction, _, visit| {
        let _ = transaction.identity().is_some_and(|identity| visit(&identity.user));
    }),
    Reader::new(&fields::NTLMSSP_DOMAIN, |transaction, _, visit| {
        let _ = transaction.identity().is_some_and(|identity| visit(&identity.domain));
    }),
    Reader::new(&fields::VERSION, |transaction, _, visit| {
        visit_number(visit, transaction.version.into());
    }),
    Reader::streaming(&dcerpc::fields::STUB_DATA, |transaction, direction, visit| {
        if let Some(call) = transaction.call() {
            call.show_stub(direction, visit);
        }
    }),
    Reader::new(&dcerpc::fields::INTERFACE, |transaction, _, visit| {
        if let Some(call) = transaction.call() {
            call.show_interface(visit);
        }
    }),
    Reader::new(&dcerpc::fields::OPERATION, |transaction, _, visit| {
        if let Some(call) = transaction.call() {
            call.show_operation(visit);
        }
    }),
];
