//! The upgrade from HTTP/1 (RFC 7540, section 3.2): the request that was made there is the first stream's.

use super::event::Event;
use super::frame::{Kind, settings};
use super::hpack::HeaderField;
use super::lane::Context;
use super::stream::{Number, Stream};
use super::streams::{Streams, begin_global};
use crate::app_layer::parser::HandedOver;
use crate::app_layer::transaction::Transactions;
use crate::event::Direction::ToServer;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The stream of the request.
const STREAM: u32 = 1;

/// Takes the request over. Its settings are a frame about the connection, the host is the authority; names stay as they
/// were written.
pub(super) fn take_over(handed: &HandedOver, streams: &mut Streams, transactions: &mut Transactions<Stream>) {
    let mut context = Context { way: ToServer, streams, transactions };
    let transaction = context.streams.find(STREAM, ToServer, context.transactions);
    context.number(transaction, Number::FrameType(Kind::Headers as u8));
    for (name, value) in handed {
        if name.eq_ignore_ascii_case(b"http2-settings") {
            take_settings(value, transaction, &mut context);
            continue;
        }
        let name = if name.eq_ignore_ascii_case(b"host") { b":authority" } else { name.as_slice() };
        let field = HeaderField::new(name, value);
        let mut fits = true;
        context.with(transaction, |stream| fits = stream.data.way_mut(ToServer).headers.push(field));
        context.transactions.refused += u64::from(!fits);
    }
    context.with(transaction, |stream| stream.block_ended(ToServer, 0, true));
}

/// Takes `HTTP2-Settings`: the payload of a SETTINGS frame in base64url.
fn take_settings(value: &[u8], transaction: u64, context: &mut Context<'_>) {
    let Ok(payload) = URL_SAFE_NO_PAD.decode(value).or_else(|_| STANDARD.decode(value)) else {
        context.note(Some(transaction), Event::InvalidHttp1Settings);
        return;
    };
    if payload.len() % 6 != 0 {
        context.note(Some(transaction), Event::InvalidHttp1Settings);
    }
    if settings(&payload).next().is_some() {
        let global = begin_global(ToServer, context.transactions);
        context.number(global, Number::FrameType(Kind::Settings as u8));
        context.settings(global, &payload);
    }
}
