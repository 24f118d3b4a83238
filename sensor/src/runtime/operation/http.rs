//! `/metrics`, `/healthz` and `/readyz`.

use super::Operation;
use super::metrics::exposition;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections served at once, and for how long each.
const CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves metrics.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
}

impl MetricsServer {
    /// Opens the port; to be called within a runtime.
    ///
    /// # Errors
    ///
    /// When somebody has it already, or the system says no.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        tracing::info!(address = %listener.local_addr()?, "metrics");
        Ok(Self { listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers, for ever.
    pub async fn serve(self, operation: Arc<Operation>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((connection, _)) => {
                    let operation = Arc::clone(&operation);
                    tokio::spawn(async move {
                        // Whoever is too slow asks again.
                        let _ = tokio::time::timeout(PATIENCE, converse(connection, operation)).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn converse(connection: TcpStream, operation: Arc<Operation>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &operation);
        async move { Ok::<_, Infallible>(answer) }
    });
    // A client that goes away is no fault.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

fn answer(method: &Method, path: &str, operation: &Operation) -> Response<Full<Bytes>> {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    const METRICS: HeaderValue =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    let (status, kind, body) = match (method, path) {
        (&Method::GET, "/metrics") => (StatusCode::OK, METRICS, exposition(operation)),
        (&Method::GET, "/healthz") if operation.is_healthy() => {
            (StatusCode::OK, TEXT, "healthy\n".to_owned())
        }
        (&Method::GET, "/healthz") => {
            (StatusCode::SERVICE_UNAVAILABLE, TEXT, operation.unready().join("\n") + "\n")
        }
        (&Method::GET, "/readyz") => match operation.unready() {
            reasons if reasons.is_empty() => (StatusCode::OK, TEXT, "ready\n".to_owned()),
            reasons => (StatusCode::SERVICE_UNAVAILABLE, TEXT, reasons.join("\n") + "\n"),
        },
        (&Method::GET, _) => (StatusCode::NOT_FOUND, TEXT, "/metrics, /healthz, /readyz\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
