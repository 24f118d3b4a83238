//! Responses, as they come: what is read next, and what of it belongs together.

use super::body::Body;
use super::decode::Decoder;
use super::event::Event;
use super::frames::Frame;
use super::framing::{ChunkLine, Framing};
use super::headers::{Block, MAX_LINE};
use super::line::{Faults, Method, StatusLine, Version, begins_response, blank_before_response};
use super::multipart::parameter;
use super::octets::{
    chomp, find, find_cr_or_lf, find_lf, first_number, holds, is_same, is_space, trim_start,
};
use super::progress::{BODY, COMPLETE, HEADERS, LINE, STARTED, TRAILER};
use super::request::Context;
use super::transaction::{Exchange, note};
use super::uri::Target;
use super::{Connect, Step};
use crate::app_layer::parser::{Change, Malformed};
use crate::app_layer::transaction::Transaction;
use crate::event::Direction::{ToClient, ToServer};
use rules::header::protocol::AppProtocol;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// A response, or nothing.
    #[default]
    Idle,
    /// The first line.
    Line,
    Headers,
    Body(Framing),
    Trailer,
    /// All of the response has come; perhaps there is something that does not belong there.
    Finish,
    /// Nothing that matters: the connection is a tunnel.
    Over,
    /// Something that was not seen has come in between.
    Lost,
}

/// How the headers of a response leave things.
enum Ahead {
    Body(Framing),
    NoBody,
    /// Another response to the same request.
    Continue,
    /// The connection speaks something else from here on.
    Switch(Option<Change>),
}

/// Reads one way of a flow.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    state: State,
    /// The transaction of the response under way or, while there is none, of the next one.
    id: u64,
    /// There was a response.
    begun: bool,
    /// The line under way is no part of a response.
    foreign: bool,
    /// Bytes known to hold no line end.
    looked: usize,
    block: Block,
}

impl ResponseReader {
    /// Reads one thing of what comes next. `end`: nothing follows.
    pub(super) fn step(
        &mut self,
        bytes: &[u8],
        end: bool,
        context: &mut Context<'_>,
    ) -> Result<Step, Malformed> {
        if self.foreign && !bytes.is_empty() {
            return Ok(self.pass_line(bytes, context));
        }
        match self.state {
            State::Idle => Ok(self.idle(bytes, end, context)),
            State::Line => self.line(bytes, end, context),
            State::Headers => self.headers(bytes, end, context),
            State::Body(framing) => self.body(framing, bytes, end, context),
            State::Trailer => self.trailer(bytes, end, context),
            State::Finish => Ok(self.finish(bytes, end, context)),
            State::Over => Ok(Step::all(bytes)),
            State::Lost => Ok(self.lost(bytes, end, context)),
        }
    }

    /// The transaction of the last response that is whole.
    pub(super) fn last(&self) -> Option<u64> {
        self.id.checked_sub(1)
    }

    /// Goes on after bytes that were not seen.
    pub(super) fn skip(&mut self, missing: u64, context: &mut Context<'_>) {
        (self.looked, self.foreign) = (0, false);
        let within = match self.state {
            State::Body(Framing::Length(left) | Framing::Chunk(left)) => left.min(missing),
            State::Body(Framing::UntilEnd) => missing,
            _ => 0,
        };
        if let Some(body) = self.transaction(context).and_then(|one| one.data.response.body.as_mut()) {
            body.miss(within);
        }
        match self.state {
            State::Over | State::Lost | State::Body(Framing::UntilEnd) => {}
            State::Idle => self.state = State::Lost,
            State::Body(Framing::Length(left)) if missing == left => self.state = State::Finish,
            State::Body(Framing::Length(left)) if missing < left => {
                self.state = State::Body(Framing::Length(left - missing));
            }
            State::Body(Framing::Chunk(left)) if missing < left => {
                self.state = State::Body(Framing::Chunk(left - missing));
            }
            _ => {
                self.complete(context);
                self.block = Block::default();
                self.state = State::Lost;
            }
        }
    }

    fn transaction<'c>(&self, context: &'c mut Context<'_>) -> Option<&'c mut Transaction<Exchange>> {
        context.transactions.get_mut(self.id)
    }

    fn note(&self, event: Event, context: &mut Context<'_>) {
        if let Some(transaction) = self.transaction(context) {
            note(transaction, [event]);
        }
    }

    fn fail(&self, event: Event, context: &mut Context<'_>) -> Malformed {
        self.note(event, context);
        Malformed
    }

    fn wait_for_line(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Result<Step, Malformed> {
        if bytes.len() > MAX_LINE {
            return Err(self.fail(Event::ResponseFieldTooLong, context));
        }
        self.looked = bytes.len();
        Ok(Step::Wait)
    }

    fn go(&mut self, state: State, taken: usize) -> Step {
        self.state = state;
        self.looked = 0;
        Step::Took(taken)
    }

    /// Pairs what comes with the request that waits longest, or with one that was never seen.
    fn idle(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Step {
        if bytes.is_empty() {
            return Step::Wait;
        }
        let kept = context.transactions.numbers();
        self.id = self.id.max(kept.start);
        if self.begun || self.id >= kept.end {
            // What is no response belongs to the one before, or nowhere.
            match unasked(bytes, end) {
                Unasked::Blank(len) => return Step::Took(len),
                Unasked::Unclear => return Step::Wait,
                Unasked::Foreign => return self.pass_line(bytes, context),
                Unasked::Response => {}
            }
        }
        if self.id >= kept.end {
            self.begin_unasked(context);
        }
        self.begun = true;
        context.requests.frames.open(Frame::Response as u8, 0);
        let Some(transaction) = self.transaction(context) else { return Step::all(bytes) };
        transaction.advance(ToClient, STARTED);
        let request = &mut transaction.data.request;
        if std::mem::take(&mut request.may_be_short) {
            // HTTP/0.9: nothing but the body.
            transaction.data.response.body = Some(Box::new(Body::of_response(None)));
            transaction.advance(ToServer, COMPLETE);
            transaction.advance(ToClient, BODY);
            return self.go(State::Body(Framing::UntilEnd), 0);
        }
        if transaction.progress(ToServer).is_none_or(|progress| progress < LINE) {
            note(transaction, [Event::RequestLineIncomplete]);
        }
        self.go(State::Line, 0)
    }

    fn begin_unasked(&mut self, context: &mut Context<'_>) {
        let (id, transaction) = context.transactions.begin();
        transaction.data.request.target = Target::not_seen();
        transaction.advance(ToServer, COMPLETE);
        note(transaction, [Event::UnableToMatchResponseToRequest]);
        self.id = id;
    }

    fn line(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let found = find_cr_or_lf(&bytes[self.looked..]).map(|at| self.looked + at);
        let (content, len) = match found {
            Some(at) if bytes[at..].starts_with(b"\r\n") => (at, at + 2),
            Some(at) if bytes[at..] == *b"\r" && !end => {
                self.looked = at;
                return Ok(Step::Wait);
            }
            Some(at) => (at, at + 1),
            None if bytes.is_empty() && end => {
                self.complete(context);
                return Ok(Step::Took(0));
            }
            None if end => (bytes.len(), bytes.len()),
            None => return self.wait_for_line(bytes, context),
        };
        if content > MAX_LINE {
            return Err(self.fail(Event::ResponseFieldTooLong, context));
        }
        let line = &bytes[..len];
        if content == 0 {
            return Ok(self.go(State::Line, len));
        }
        if begins_response(line) != Some(true) {
            return Ok(self.line_that_is_none(line, &bytes[len..], end, context));
        }
        let transaction = self.transaction(context).ok_or(Malformed)?;
        let (line, faults) = StatusLine::parse(line);
        note(transaction, faults);
        let may_be_interim = line.number == Some(100);
        transaction.data.response.line = Some(line);
        if !may_be_interim {
            transaction.advance(ToClient, LINE);
        }
        Ok(self.go(State::Headers, len))
    }

    /// Passes over a line before the first, or takes it for the body: browsers show what has no headers.
    fn line_that_is_none(&mut self, line: &[u8], after: &[u8], end: bool, context: &mut Context<'_>) -> Step {
        let next = match after.first() {
            None if !end => return Step::Wait,
            next => next,
        };
        let passed_over = next.is_some_and(|&next| next == b'H' || chomp(line).len() <= 2);
        if !passed_over {
            if let Some(transaction) = self.transaction(context) {
                let response = &mut transaction.data.response;
                response.body.get_or_insert_with(|| Box::new(Body::of_response(None)));
            }
            self.take_body(line, context);
        }
        self.go(State::Line, line.len())
    }

    fn headers(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let Ok(cut) = self.block.cut(bytes, ToClient, end) else {
            return Err(self.fail(Event::ResponseFieldTooLong, context));
        };
        if !cut.whole && !end {
            return Ok(Step::took_or_wait(cut.consumed));
        }
        let transaction = context.transactions.get_mut(self.id).ok_or(Malformed)?;
        let faults = self.block.parse_into(&mut transaction.data.response.headers, ToClient);
        note(transaction, faults);
        if transaction.data.response.headers.too_many {
            return Err(Malformed);
        }
        if !cut.whole {
            self.complete(context);
            return Ok(self.go(State::Idle, cut.consumed));
        }
        let mut faults = Faults::new();
        let ahead = look_ahead(&mut transaction.data, &mut faults);
        note(transaction, faults);
        let ahead = ahead?;
        if !matches!(ahead, Ahead::Continue) {
            transaction.advance(ToClient, HEADERS);
        }
        let state = match ahead {
            Ahead::Continue => State::Line,
            Ahead::NoBody => State::Finish,
            Ahead::Body(framing) => {
                transaction.advance(ToClient, BODY);
                State::Body(framing)
            }
            Ahead::Switch(change) => {
                self.switch(change, context);
                State::Over
            }
        };
        self.tell_request(context);
        Ok(self.go(state, cut.consumed))
    }

    fn switch(&mut self, change: Option<Change>, context: &mut Context<'_>) {
        if context.shared.connect == Connect::Asked {
            context.shared.connect = Connect::Granted;
            if let Some(transaction) = self.transaction(context) {
                transaction.advance(ToServer, COMPLETE);
            }
        }
        self.complete(context);
        context.requests.change = change;
        context.requests.finished = change.is_none();
    }

    /// Lets a request go on that waited for the response, or makes an end of one whose body will not come.
    fn tell_request(&self, context: &mut Context<'_>) {
        let Some(transaction) = context.transactions.get_mut(self.id) else { return };
        let Exchange { request, response } = &transaction.data;
        if request.method() == Method::Connect && context.shared.connect == Connect::Asked {
            context.shared.connect = Connect::Refused;
        }
        let refused = response.status().is_some_and(|status| (400..500).contains(&status));
        let expected = request.headers.get(b"expect").is_some_and(|field| field == b"100-continue");
        let unsent = request.body.as_ref().is_some_and(|body| !body.has_begun());
        if refused && expected && unsent {
            context.shared.unwanted_body = Some(self.id);
        }
    }

    fn body(
        &mut self,
        framing: Framing,
        bytes: &[u8],
        end: bool,
        context: &mut Context<'_>,
    ) -> Result<Step, Malformed> {
        if bytes.is_empty() {
            if !end {
                return Ok(Step::Wait);
            }
            self.complete(context);
            return Ok(Step::Took(0));
        }
        match framing {
            Framing::Length(left) | Framing::Chunk(left) => {
                let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.take_body(&bytes[..taken], context);
                let left = left - taken as u64;
                let state = match (framing, left) {
                    (Framing::Chunk(_), 0) => State::Body(Framing::ChunkEnd),
                    (Framing::Chunk(_), _) => State::Body(Framing::Chunk(left)),
                    (_, 0) => State::Finish,
                    _ => State::Body(Framing::Length(left)),
                };
                Ok(self.go(state, taken))
            }
            Framing::UntilEnd => {
                self.take_body(bytes, context);
                Ok(Step::Took(bytes.len()))
            }
            Framing::ChunkLine => self.chunk_line(bytes, end, context),
            Framing::ChunkEnd => Ok(match find_lf(bytes) {
                Some(at) => self.go(State::Body(Framing::ChunkLine), at + 1),
                None => Step::Took(bytes.len()),
            }),
        }
    }

    /// Reads the length of a chunk. What is none makes all that follows the body, as in browsers.
    fn chunk_line(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let blank = bytes.iter().take_while(|&&byte| is_space(byte)).count();
        if blank > 0 {
            return Ok(Step::Took(blank));
        }
        if !bytes[0].is_ascii_hexdigit() {
            self.note(Event::InvalidResponseChunkLen, context);
            return Ok(self.go(State::Body(Framing::UntilEnd), 0));
        }
        let Some(at) = find_lf(&bytes[self.looked..]) else {
            if end {
                self.complete(context);
                return Ok(self.go(State::Idle, bytes.len()));
            }
            return self.wait_for_line(bytes, context);
        };
        let line_len = self.looked + at + 1;
        let chunk = ChunkLine::parse(&bytes[..line_len]);
        if chunk.is_some_and(|chunk| chunk.extension) {
            self.note(Event::ResponseChunkExtension, context);
        }
        let state = match chunk {
            Some(ChunkLine { len: 0, .. }) => State::Trailer,
            Some(ChunkLine { len, .. }) => State::Body(Framing::Chunk(len)),
            None => State::Body(Framing::ChunkLine),
        };
        Ok(self.go(state, line_len))
    }

    fn trailer(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let Ok(cut) = self.block.cut(bytes, ToClient, end) else {
            return Err(self.fail(Event::ResponseFieldTooLong, context));
        };
        if !cut.whole && !end {
            return Ok(Step::took_or_wait(cut.consumed));
        }
        let transaction = context.transactions.get_mut(self.id).ok_or(Malformed)?;
        let faults = self.block.parse_into(&mut transaction.data.response.headers, ToClient);
        note(transaction, faults);
        transaction.advance(ToClient, TRAILER);
        Ok(self.go(State::Finish, cut.consumed))
    }

    /// Completes the response, unless something follows that is no other: then that belongs to its body.
    fn finish(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Step {
        context.requests.frames.close(Frame::Response as u8, 0);
        if bytes.is_empty() {
            self.complete(context);
            return Step::Took(0);
        }
        match unasked(bytes, end) {
            Unasked::Blank(len) => {
                self.take_body(&bytes[..len], context);
                Step::Took(len)
            }
            Unasked::Unclear => Step::Wait,
            Unasked::Foreign => self.pass_line(bytes, context),
            Unasked::Response => {
                self.complete(context);
                Step::Took(0)
            }
        }
    }

    fn take_body(&mut self, bytes: &[u8], context: &mut Context<'_>) {
        let Some(transaction) = self.transaction(context) else { return };
        let mut faults = Faults::new();
        if let Some(body) = transaction.data.response.body.as_mut().filter(|body| !body.has_begun()) {
            body.set_wanted(transaction.wanted.clone());
        }
        transaction.data.take_response_body(bytes, &mut faults);
        note(transaction, faults);
    }

    fn complete(&mut self, context: &mut Context<'_>) {
        if let Some(transaction) = self.transaction(context) {
            let mut faults = Faults::new();
            if let Some(body) = &mut transaction.data.response.body {
                body.end(&mut faults);
            }
            note(transaction, faults);
            transaction.advance(ToClient, COMPLETE);
        }
        context.requests.inspect_raw = true;
        context.requests.frames.close(Frame::Response as u8, 0);
        self.id += 1;
        self.state = State::Idle;
    }

    /// Looks for a line that begins a response.
    fn lost(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Step {
        match unasked(bytes, end) {
            Unasked::Blank(len) => Step::Took(len),
            Unasked::Unclear => Step::Wait,
            Unasked::Foreign => self.pass_line(bytes, context),
            Unasked::Response => self.go(State::Idle, 0),
        }
    }

    /// Passes over a line that is no part of a response, or takes it for the end of the body before it.
    fn pass_line(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Step {
        let line_end = find_lf(bytes);
        self.foreign = line_end.is_none();
        let len = line_end.map_or(bytes.len(), |at| at + 1);
        if self.state == State::Finish {
            self.take_body(&bytes[..len], context);
        }
        Step::took_or_wait(len)
    }
}

/// What bytes are where no response is expected.
enum Unasked {
    /// So many that may stand before anything.
    Blank(usize),
    /// There are too few of them.
    Unclear,
    Response,
    Foreign,
}

fn unasked(bytes: &[u8], end: bool) -> Unasked {
    match (blank_before_response(bytes), begins_response(bytes)) {
        (0, Some(true)) => Unasked::Response,
        (0, None) if !end => Unasked::Unclear,
        (0, _) => Unasked::Foreign,
        (blank, _) => Unasked::Blank(blank),
    }
}

impl Exchange {
    fn take_response_body(&mut self, bytes: &[u8], faults: &mut Faults) {
        let Self { request, response } = self;
        let Some(body) = &mut response.body else { return };
        if !body.has_begun() {
            let disposition = response.headers.get(b"content-disposition");
            let name = disposition.and_then(|field| parameter(field, b"filename")).or_else(|| request.path());
            if let Some(name) = name {
                body.set_file(name, faults);
            }
            if response.headers.get(b"content-range").is_some_and(|field| !is_range(field)) {
                faults.push(Event::RangeInvalid);
            }
        }
        body.take(bytes, faults);
    }
}

/// Looks at the headers of a response and says what comes next.
fn look_ahead(exchange: &mut Exchange, faults: &mut Faults) -> Result<Ahead, Malformed> {
    let Exchange { request, response } = exchange;
    let (status, headers) = (response.status().unwrap_or(0), &response.headers);
    let length = headers.get(b"content-length");
    let coding = headers.get(b"transfer-encoding");
    let bare = length.is_none() && coding.is_none();
    match status {
        200..300 if request.method() == Method::Connect => return Ok(Ahead::Switch(Some(Change::Unknown))),
        101 if bare => return Ok(Ahead::Switch(headers.get(b"upgrade").and_then(upgraded_to))),
        100 if coding.is_none() && length.and_then(first_number).is_none_or(|(_, length, _)| length == 0) => {
            if std::mem::replace(&mut response.continued, true) {
                faults.push(Event::ContinueAlreadySeen);
            }
            response.headers.clear();
            response.line = None;
            return Ok(Ahead::Continue);
        }
        _ => {}
    }
    if request.method() == Method::Head || (matches!(status, 100..200 | 204 | 304) && bare) {
        return Ok(Ahead::NoBody);
    }
    let framing = framing(response.line.as_ref(), length, coding, headers.get(b"content-type"), faults)?;
    response.length = match framing {
        Framing::Length(length) => Some(length),
        _ => None,
    };
    if framing == Framing::Length(0) {
        return Ok(Ahead::NoBody);
    }
    let decoder = headers.get(b"content-encoding").and_then(|field| Decoder::of(field, faults));
    response.body = Some(Box::new(Body::of_response(decoder)));
    Ok(Ahead::Body(framing))
}

fn framing(
    line: Option<&StatusLine>,
    length: Option<&[u8]>,
    coding: Option<&[u8]>,
    content_type: Option<&[u8]>,
    faults: &mut Faults,
) -> Result<Framing, Malformed> {
    if let Some(coding) = coding.filter(|coding| holds(coding, b"chunked")) {
        if !coding.eq_ignore_ascii_case(b"chunked") {
            faults.push(Event::ResponseAbnormalTransferEncoding);
        }
        if line.is_none_or(|line| line.version < Version::V11) {
            faults.push(Event::ResponseChunkedOldProto);
        }
        return Ok(Framing::ChunkLine);
    }
    if let Some(length) = length {
        return match first_number(length) {
            Some((_, length, _)) => Ok(Framing::Length(length)),
            None => {
                faults.push(Event::InvalidContentLengthFieldInResponse);
                Err(Malformed)
            }
        };
    }
    if content_type.is_some_and(|kind| find(kind, b"multipart/byteranges").is_some()) {
        faults.push(Event::ResponseMultipartByteranges);
        return Err(Malformed);
    }
    Ok(Framing::UntilEnd)
}

/// What `Upgrade` names, where flows of that are parsed.
fn upgraded_to(field: &[u8]) -> Option<Change> {
    if holds(field, b"h2c") {
        Some(Change::To(AppProtocol::Http2))
    } else if is_same(field, b"websocket") {
        Some(Change::To(AppProtocol::Websocket))
    } else {
        None
    }
}

/// Whether `Content-Range` says a range that can be (RFC 9110, section 14.4).
pub(in crate::app_layer) fn is_range(field: &[u8]) -> bool {
    let Some(rest) = field.get(..5).filter(|unit| unit.eq_ignore_ascii_case(b"bytes")).map(|_| &field[5..])
    else {
        return false;
    };
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    let rest = trim_start(rest);
    let Some(slash) = memchr::memchr(b'/', rest) else { return false };
    let (range, size) = (&rest[..slash], &rest[slash + 1..]);
    let size_known = number(size);
    if range == b"*" {
        return size_known.is_some();
    }
    let Some(dash) = memchr::memchr(b'-', range) else { return false };
    match (number(&range[..dash]), number(&range[dash + 1..])) {
        (Some(first), Some(last)) => first <= last && size_known.map_or(size == b"*", |size| last < size),
        _ => false,
    }
}
