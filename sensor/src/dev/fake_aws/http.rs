//! Connections, requests and answers, for both services on one port.

use super::signature::{Signature, SignatureFault};
use super::{Shared, kinesis, sts};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Above the 14 MiB that the largest PutRecords takes in base64.
const BODY_LIMIT: usize = 20 << 20;

/// What an answer is.
pub(super) enum Reply {
    Answer {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    /// Nothing ever comes.
    Hang,
    /// The connection ends.
    Reset,
    /// The connection ends half way through this one.
    Half(Vec<u8>),
}

impl Reply {
    pub(super) fn xml(status: u16, body: String) -> Self {
        Self::Answer { status, content_type: "text/xml", body: body.into_bytes() }
    }

    pub(super) fn json(status: u16, body: Vec<u8>) -> Self {
        Self::Answer { status, content_type: "application/x-amz-json-1.1", body }
    }
}

/// The body of an answer, which ends early when the connection is to end within it.
struct Payload {
    bytes: Option<Bytes>,
    left: u64,
}

impl Payload {
    fn whole(bytes: Vec<u8>) -> Self {
        Self { left: bytes.len() as u64, bytes: Some(bytes.into()) }
    }

    fn half(mut bytes: Vec<u8>) -> Self {
        let left = bytes.len() as u64;
        bytes.truncate(bytes.len() / 2);
        Self { left, bytes: Some(bytes.into()) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let frame = match self.bytes.take() {
            Some(bytes) => {
                self.left -= bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            None if self.left > 0 => Some(Err(reset())),
            None => None,
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn reset() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}

/// Who asks, and what is wrong with the signature that says so.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) access_key: String,
    /// `X-Amz-Security-Token`.
    pub(super) token: Option<String>,
    pub(super) fault: Option<SignatureFault>,
}

impl Caller {
    fn of(shared: &Shared, head: &Parts, body: &[u8], service: &str) -> Self {
        let token = head.headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
        let token = token.map(str::to_owned);
        let signature = match Signature::of(&head.headers) {
            Ok(signature) => signature,
            Err(fault) => return Self { access_key: String::new(), token, fault: Some(fault) },
        };
        let scope = signature.check_scope(&head.headers, &shared.config.region, service, shared.now());
        // Of a session that is over nobody knows the secret any more; it is refused as such.
        let secret = shared.secret_of(&signature.access_key);
        let fault =
            scope.and_then(|()| secret.map_or(Ok(()), |secret| signature.check(head, body, &secret))).err();
        Self { access_key: signature.access_key, token, fault }
    }
}

pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            // Without it small answers wait for the client's acknowledgements.
            let _ = connection.set_nodelay(true);
            match tls {
                // A client that does not trust the certificate goes away here.
                Some(tls) => {
                    if let Ok(connection) = tls.accept(connection).await {
                        converse(connection, shared).await;
                    }
                }
                None => converse(connection, shared).await,
            }
        });
    }
}

async fn converse<C: AsyncRead + AsyncWrite + Unpin + Send + 'static>(connection: C, shared: Arc<Shared>) {
    let service = service_fn(move |request| respond(Arc::clone(&shared), request));
    // A connection that ends by script, or by the client, is no fault of the server.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Payload>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| reset())?.to_bytes();
    if !shared.config.latency.is_zero() {
        tokio::time::sleep(shared.config.latency).await;
    }
    let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let reply = match target.and_then(|target| target.strip_prefix("Kinesis_20131202.")) {
        Some(operation) => {
            kinesis::answer(&shared, &Caller::of(&shared, &head, &body, "kinesis"), operation, &body)
        }
        None => sts::answer(&shared, &Caller::of(&shared, &head, &body, "sts"), &body),
    };
    let date = http_date(shared.now());
    let (status, content_type, body) = match reply {
        Reply::Answer { status, content_type, body } => (status, content_type, Payload::whole(body)),
        Reply::Hang => return std::future::pending().await,
        Reply::Reset => return Err(reset()),
        Reply::Half(body) => (200, "application/x-amz-json-1.1", Payload::half(body)),
    };
    let length = body.left;
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(DATE, date);
    }
    headers.insert("x-amzn-requestid", HeaderValue::from(shared.next_serial()));
    Ok(response)
}

fn http_date(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let moment = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0)).unwrap_or_default();
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
