//! Connections, requests and answers, for both services on one port.

use super::signature::{Signature, SignatureFault};
use super::{Shared, kinesis, sts};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
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
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
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
    let (status, content_type, length, body) = match reply {
        Reply::Answer { status, content_type, body } => (status, content_type, body.len(), body),
        Reply::Hang => return std::future::pending().await,
        Reply::Reset => return Err(reset()),
        Reply::Half(mut body) => {
            let length = body.len();
            body.truncate(length / 2);
            (200, "application/x-amz-json-1.1", length, body)
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
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
