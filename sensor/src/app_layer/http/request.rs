//! Requests, as they come: what is read next, and what of it belongs together.

use super::body::Body;
use super::decode::Decoder;
use super::event::Event;
use super::frames::Frame;
use super::framing::{ChunkLine, Framing};
use super::headers::{Block, MAX_LINE};
use super::line::{Faults, Method, RequestLine, Version, looks_like_request};
use super::multipart::Multipart;
use super::octets::{find_lf, first_number, holds, is_space};
use super::progress::{BODY, COMPLETE, HEADERS, LINE, STARTED, TRAILER};
use super::transaction::{Exchange, Request, note};
use super::uri::Target;
use super::{Connect, Shared, Step};
use crate::app_layer::file::Wanted;
use crate::app_layer::parser::{Malformed, Requests};
use crate::app_layer::transaction::{Transaction, Transactions};
use crate::event::Direction::ToServer;

/// White space behind a first line without a protocol that leaves it a request of HTTP/0.9.
const MAX_BLANK_BEHIND_SHORT: usize = 16;
/// Bytes that may wait for the answer to `CONNECT`.
const MAX_WAITING: usize = 64 << 10;
/// The longest method that is known, and what follows it.
const MAX_METHOD: usize = 20;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    /// A request, or nothing.
    #[default]
    Idle,
    /// The first line.
    Line,
    /// Headers, or nothing at all: the first line named no protocol.
    Protocol,
    Headers,
    /// The answer to `CONNECT` has to come first.
    ConnectWait,
    Body(Framing),
    Trailer,
    /// All of the request has come; perhaps there is something that does not belong there.
    Finish,
    /// Nothing that matters: a request of HTTP/0.9 was the last, or the connection is a tunnel.
    Over,
    /// Something that was not seen has come in between.
    Lost,
}

/// Reads one way of a flow.
#[derive(Debug, Default)]
pub(super) struct RequestReader {
    state: State,
    /// The transaction of the request under way or, between requests, of the last one.
    id: u64,
    /// There was a request.
    begun: bool,
    /// The line under way was not seen from its beginning.
    torn: bool,
    /// Bytes known to hold no line end.
    looked: usize,
    block: Block,
}

/// What reading needs besides the bytes.
pub(super) struct Context<'c> {
    pub(super) transactions: &'c mut Transactions<Exchange>,
    pub(super) requests: &'c mut Requests,
    pub(super) shared: &'c mut Shared,
}

impl RequestReader {
    /// Reads one thing of what comes next. `end`: nothing follows.
    pub(super) fn step(
        &mut self,
        bytes: &[u8],
        end: bool,
        context: &mut Context<'_>,
    ) -> Result<Step, Malformed> {
        match self.state {
            State::Idle => Ok(self.idle(bytes, end, context)),
            State::Line => self.line(bytes, end, context),
            State::Protocol => self.protocol(bytes, end, context),
            State::Headers => self.headers(bytes, end, context),
            State::ConnectWait => self.connect_wait(bytes, end, context),
            State::Body(framing) => self.body(framing, bytes, end, context),
            State::Trailer => self.trailer(bytes, end, context),
            State::Finish => self.finish(bytes, end, context),
            State::Over => Ok(Step::all(bytes)),
            State::Lost => Ok(self.lost(bytes, end)),
        }
    }

    /// Goes on after bytes that were not seen.
    pub(super) fn skip(&mut self, missing: u64, context: &mut Context<'_>) -> Result<(), Malformed> {
        (self.looked, self.torn) = (0, false);
        let within = match self.state {
            State::Body(Framing::Length(left) | Framing::Chunk(left)) => left.min(missing),
            _ => 0,
        };
        if within > 0 {
            let transaction = self.transaction(context)?;
            if let Some(body) = &mut transaction.data.request.body {
                body.miss(within);
            }
        }
        match self.state {
            State::Over | State::Lost => {}
            State::Idle => self.state = State::Lost,
            State::Body(Framing::Length(left)) if missing == left => self.state = State::Finish,
            State::Body(Framing::Length(left)) if missing < left => {
                self.state = State::Body(Framing::Length(left - missing));
            }
            State::Body(Framing::Chunk(left)) if missing < left => {
                self.state = State::Body(Framing::Chunk(left - missing));
            }
            _ => {
                self.complete(context)?;
                self.block = Block::default();
                self.state = State::Lost;
            }
        }
        Ok(())
    }

    fn transaction<'c>(
        &self,
        context: &'c mut Context<'_>,
    ) -> Result<&'c mut Transaction<Exchange>, Malformed> {
        context.transactions.get_mut(self.id).ok_or(Malformed)
    }

    fn fail(&self, event: Event, context: &mut Context<'_>) -> Malformed {
        if let Some(transaction) = context.transactions.get_mut(self.id) {
            note(transaction, [event]);
        }
        Malformed
    }

    /// Waits for more of a line, unless it is too long already.
    fn wait_for_line(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Result<Step, Malformed> {
        if bytes.len() > MAX_LINE {
            return Err(self.fail(Event::RequestFieldTooLong, context));
        }
        self.looked = bytes.len();
        Ok(Step::Wait)
    }

    /// The length of the line that bytes begin with, its end included.
    fn line_len(&self, bytes: &[u8]) -> Option<usize> {
        find_lf(&bytes[self.looked..]).map(|at| self.looked + at + 1)
    }

    fn go(&mut self, state: State, taken: usize) -> Step {
        self.state = state;
        self.looked = 0;
        Step::Took(taken)
    }

    /// Begins a request with whatever comes first, and behind another one with what looks like one.
    fn idle(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Step {
        if bytes.is_empty() {
            return Step::Wait;
        }
        if let Some(step) = blank_line(bytes, end) {
            return step;
        }
        if self.begun {
            match self.another(bytes, end) {
                None => return Step::Wait,
                Some(true) => {}
                Some(false) => return self.take_foreign(bytes, context),
            }
        }
        context.requests.frames.open(Frame::Request as u8, 0);
        let (id, transaction) = context.transactions.begin();
        transaction.advance(ToServer, STARTED);
        (self.id, self.begun) = (id, true);
        self.go(State::Line, 0)
    }

    /// Whether bytes behind a request are another one; nothing while that cannot be told.
    fn another(&mut self, bytes: &[u8], end: bool) -> Option<bool> {
        let whole = end || bytes.len() > MAX_LINE;
        let told = whole || self.looked < MAX_METHOD || self.line_len(bytes).is_some();
        let another = if told { looks_like_request(bytes, whole) } else { None };
        if another.is_none() {
            self.looked = bytes.len();
        }
        another
    }

    /// Takes a line that is no request for a part of the body before it.
    fn take_foreign(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Step {
        let len = self.line_len(bytes).unwrap_or(bytes.len());
        if let Some(transaction) = context.transactions.get_mut(self.id) {
            let mut faults = Faults::new();
            faults.push(Event::RequestBodyUnexpected);
            let request = &mut transaction.data.request;
            request.open_body(&transaction.wanted, &mut faults);
            if let Some(body) = &mut request.body {
                body.take(&bytes[..len], &mut faults);
            }
            note(transaction, faults);
        }
        self.go(self.state, len)
    }

    fn line(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let len = match self.line_len(bytes) {
            Some(len) => len,
            None if end => bytes.len(),
            None => return self.wait_for_line(bytes, context),
        };
        if len > MAX_LINE {
            return Err(self.fail(Event::RequestFieldTooLong, context));
        }
        let transaction = self.transaction(context)?;
        let (line, faults) = RequestLine::parse(&bytes[..len]);
        note(transaction, faults);
        let target = match line.uri() {
            Some(uri) if line.kind == Method::Connect => Target::parse_authority(uri),
            Some(uri) => Target::parse(uri),
            None => Target::default(),
        };
        if target.invalid_host {
            note(transaction, [Event::RequestUriHostInvalid]);
        }
        let short = line.protocol().is_none();
        let request = &mut transaction.data.request;
        (request.target, request.may_be_short) = (target, short);
        request.line = Some(line);
        transaction.advance(ToServer, LINE);
        Ok(self.go(if short { State::Protocol } else { State::Headers }, len))
    }

    fn protocol(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let transaction = self.transaction(context)?;
        let request = &mut transaction.data.request;
        if !request.may_be_short {
            // The response has come in the meantime.
            return Ok(self.go(State::Over, 0));
        }
        let blank = bytes.iter().take_while(|&&byte| is_space(byte)).count();
        if blank < bytes.len() || blank > MAX_BLANK_BEHIND_SHORT {
            request.may_be_short = false;
            note(transaction, [Event::RequestLineMissingProtocol]);
            return Ok(self.go(State::Headers, 0));
        }
        if !end {
            return Ok(Step::Wait);
        }
        request.may_be_short = false;
        self.complete(context)?;
        Ok(self.go(State::Over, bytes.len()))
    }

    fn headers(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let Ok(cut) = self.block.cut(bytes, ToServer, end) else {
            return Err(self.fail(Event::RequestFieldTooLong, context));
        };
        if !cut.whole && !end {
            return Ok(Step::took_or_wait(cut.consumed));
        }
        let transaction = context.transactions.get_mut(self.id).ok_or(Malformed)?;
        let faults = self.block.parse_into(&mut transaction.data.request.headers, ToServer);
        note(transaction, faults);
        if transaction.data.request.headers.too_many {
            return Err(Malformed);
        }
        if !cut.whole {
            self.complete(context)?;
            return Ok(self.go(State::Idle, cut.consumed));
        }
        let mut faults = Faults::new();
        let framing = prepare(&mut transaction.data.request, &transaction.wanted, &mut faults);
        note(transaction, faults);
        transaction.advance(ToServer, HEADERS);
        let state = if transaction.data.request.method() == Method::Connect {
            context.shared.connect = Connect::Asked;
            State::ConnectWait
        } else {
            match framing? {
                Some(framing) => {
                    transaction.advance(ToServer, BODY);
                    State::Body(framing)
                }
                None => State::Finish,
            }
        };
        Ok(self.go(state, cut.consumed))
    }

    fn connect_wait(
        &mut self,
        bytes: &[u8],
        end: bool,
        context: &mut Context<'_>,
    ) -> Result<Step, Malformed> {
        match context.shared.connect {
            Connect::Asked if end => {
                self.complete(context)?;
                Ok(self.go(State::Over, bytes.len()))
            }
            Connect::Asked if bytes.len() > MAX_WAITING => Ok(Step::Took(bytes.len())),
            Connect::Asked => Ok(Step::Wait),
            Connect::Granted => Ok(self.go(State::Over, 0)),
            Connect::None | Connect::Refused => Ok(self.go(State::Finish, 0)),
        }
    }

    fn body(
        &mut self,
        framing: Framing,
        bytes: &[u8],
        end: bool,
        context: &mut Context<'_>,
    ) -> Result<Step, Malformed> {
        if context.shared.unwanted_body == Some(self.id) {
            context.shared.unwanted_body = None;
            return Ok(self.go(State::Finish, 0));
        }
        if bytes.is_empty() {
            return if end { self.complete(context).map(|()| Step::Took(0)) } else { Ok(Step::Wait) };
        }
        match framing {
            Framing::Length(left) | Framing::Chunk(left) => {
                let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.take_body(&bytes[..taken], context)?;
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
                self.take_body(bytes, context)?;
                Ok(Step::Took(bytes.len()))
            }
            Framing::ChunkLine => self.chunk_line(bytes, end, context),
            Framing::ChunkEnd => Ok(match find_lf(bytes) {
                Some(at) => self.go(State::Body(Framing::ChunkLine), at + 1),
                None => Step::Took(bytes.len()),
            }),
        }
    }

    fn chunk_line(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let blank = bytes.iter().take_while(|&&byte| is_space(byte)).count();
        if blank > 0 {
            return Ok(Step::Took(blank));
        }
        if !bytes[0].is_ascii_hexdigit() {
            return Err(self.fail(Event::InvalidRequestChunkLen, context));
        }
        let Some(len) = self.line_len(bytes) else {
            if end {
                self.complete(context)?;
                return Ok(self.go(State::Idle, bytes.len()));
            }
            return self.wait_for_line(bytes, context);
        };
        let Some(chunk) = ChunkLine::parse(&bytes[..len]) else {
            return Err(self.fail(Event::InvalidRequestChunkLen, context));
        };
        if chunk.extension {
            note(self.transaction(context)?, [Event::RequestChunkExtension]);
        }
        let state = if chunk.len == 0 { State::Trailer } else { State::Body(Framing::Chunk(chunk.len)) };
        Ok(self.go(state, len))
    }

    fn trailer(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        let Ok(cut) = self.block.cut(bytes, ToServer, end) else {
            return Err(self.fail(Event::RequestFieldTooLong, context));
        };
        if !cut.whole && !end {
            return Ok(Step::took_or_wait(cut.consumed));
        }
        let transaction = context.transactions.get_mut(self.id).ok_or(Malformed)?;
        let faults = self.block.parse_into(&mut transaction.data.request.headers, ToServer);
        note(transaction, faults);
        transaction.advance(ToServer, TRAILER);
        Ok(self.go(State::Finish, cut.consumed))
    }

    /// Completes the request, unless something follows that is no other: then that belongs to its body.
    fn finish(&mut self, bytes: &[u8], end: bool, context: &mut Context<'_>) -> Result<Step, Malformed> {
        context.requests.frames.close(Frame::Request as u8, 0);
        if let Some(step) = blank_line(bytes, end) {
            if let Step::Took(len) = step {
                self.take_body(&bytes[..len], context)?;
            }
            return Ok(step);
        }
        let another = if bytes.is_empty() { Some(true) } else { self.another(bytes, end) };
        match another {
            None => Ok(Step::Wait),
            Some(false) => Ok(self.take_foreign(bytes, context)),
            Some(true) => {
                self.complete(context)?;
                Ok(self.go(State::Idle, 0))
            }
        }
    }

    fn take_body(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Result<(), Malformed> {
        let transaction = self.transaction(context)?;
        let mut faults = Faults::new();
        if let Some(body) = &mut transaction.data.request.body {
            body.take(bytes, &mut faults);
        }
        note(transaction, faults);
        Ok(())
    }

    fn complete(&mut self, context: &mut Context<'_>) -> Result<(), Malformed> {
        let transaction = self.transaction(context)?;
        let mut faults = Faults::new();
        if let Some(body) = &mut transaction.data.request.body {
            body.end(&mut faults);
        }
        note(transaction, faults);
        transaction.advance(ToServer, COMPLETE);
        context.requests.inspect_raw = true;
        context.requests.frames.close(Frame::Request as u8, 0);
        self.state = State::Idle;
        Ok(())
    }

    /// Looks for a line that begins with a method.
    fn lost(&mut self, bytes: &[u8], end: bool) -> Step {
        if !self.torn {
            let beginning = &bytes[..bytes.len().min(MAX_METHOD)];
            match beginning.iter().position(|&byte| is_space(byte)) {
                Some(len) if Method::named(&beginning[..len]) != Method::Unknown => {
                    return self.go(State::Idle, 0);
                }
                None if beginning.len() < MAX_METHOD && !end => return Step::Wait,
                _ => {}
            }
        }
        let line_end = find_lf(bytes);
        self.torn = line_end.is_none();
        Step::took_or_wait(line_end.map_or(bytes.len(), |at| at + 1))
    }
}

/// Passes over an empty line; nothing where there is none.
fn blank_line(bytes: &[u8], end: bool) -> Option<Step> {
    match bytes {
        [b'\r'] if !end => Some(Step::Wait),
        [b'\r', b'\n', ..] => Some(Step::Took(2)),
        [b'\n', ..] | [b'\r'] => Some(Step::Took(1)),
        _ => None,
    }
}

impl Request {
    /// Makes room for a body, and says what it is.
    fn open_body(&mut self, wanted: &Wanted, faults: &mut Faults) {
        if self.body.is_some() {
            return;
        }
        let decoder = self.headers.get(b"content-encoding").and_then(|field| Decoder::of(field, faults));
        let mut body = Body::of_request(decoder);
        body.set_wanted(wanted.clone());
        let form = match self.method() {
            Method::Post => self.headers.get(b"content-type").and_then(Multipart::of),
            _ => None,
        };
        match (form, self.method(), self.path()) {
            (Some(form), ..) => body.set_form(form),
            (None, Method::Post | Method::Put, Some(path)) => body.set_file(path, faults),
            _ => {}
        }
        self.body = Some(Box::new(body));
    }
}

/// Looks at the headers of a request and says how its body goes on, if it has one.
///
/// The inner error is that of a request whose body cannot be told from what follows.
fn prepare(
    request: &mut Request,
    wanted: &Wanted,
    faults: &mut Faults,
) -> Result<Option<Framing>, Malformed> {
    faults.extend(request.find_host());
    if request.headers.get(b"authorization").is_some_and(|field| !is_known_authorization(field)) {
        faults.push(Event::RequestAuthUnrecognized);
    }
    let framing = if let Some(coding) = request.headers.get(b"transfer-encoding") {
        let chunked = holds(coding, b"chunked");
        if !chunked || request.version() < Version::V11 {
            faults.push(Event::InvalidTransferEncodingValueInRequest);
        }
        if !chunked {
            return Err(Malformed);
        }
        Some(Framing::ChunkLine)
    } else if let Some(length) = request.headers.get(b"content-length") {
        match first_number(length) {
            Some((_, 0, _)) => None,
            Some((_, length, _)) => Some(Framing::Length(length)),
            None => {
                faults.push(Event::InvalidContentLengthFieldInRequest);
                return Err(Malformed);
            }
        }
    } else {
        None
    };
    if framing.is_some() {
        request.open_body(wanted, faults);
    }
    Ok(framing)
}

fn is_known_authorization(field: &[u8]) -> bool {
    let begins = |name: &[u8]| field.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    begins(b"basic") || begins(b"digest") || begins(b"bearer")
}
