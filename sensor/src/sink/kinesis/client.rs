//! The calls to AWS: PutRecords as the assumed role, and nothing else.
//!
//! The SDK's own retries are off: what failed is known record by record, and only that is sent again.

use super::answer::{Answer, Fault, FaultKind, Refusal, Target, in_words, record_answer};
use super::clock::Clock;
use super::config::{AddressBy, KinesisConfig};
use super::engine::Entry;
use super::identity::{Identity, IdentityProvider, RoleRequest};
use super::integration::Integration;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{IdentityCache, SharedHttpClient};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use smallvec::smallvec;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Something that takes records as a Kinesis stream does.
pub trait Stream: Send + Sync + 'static {
    /// Puts the records, of which there are 1 to 500.
    fn put(&self, entries: Vec<Entry>) -> impl Future<Output = Answer> + Send;

    /// Asks whether a put would be allowed, without writing anything.
    fn dry_run(&self) -> impl Future<Output = Answer> + Send;

    /// Seconds by which the stream's clock is ahead of this machine's, where that is worth a word.
    fn clock_ahead_s(&self) -> i64 {
        0
    }
}

/// Why no connection can be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of AWS_CA_BUNDLE, or of the configuration.
    #[error("the certificates in {path} cannot be used: {reason}")]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// Threads or sockets.
    #[error("the delivery's threads cannot be started: {0}")]
    Threads(#[from] std::io::Error),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTP client that honours HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE.
fn http_client(ca_bundle: Option<&Path>) -> Result<SharedHttpClient, SetupError> {
    let mut trust = TrustStore::default();
    let from_environment =
        || std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let bundle = ca_bundle.map(Path::to_owned).or_else(from_environment);
    let refused = |reason: &dyn std::fmt::Display| SetupError::CaBundle {
        path: bundle.clone().unwrap_or_default(),
        reason: reason.to_string(),
    };
    if let Some(path) = &bundle {
        let pem = std::fs::read(path).map_err(|error| refused(&error))?;
        if !pem.windows(10).any(|window| window == b"-----BEGIN") {
            return Err(refused(&"there is no PEM certificate in it"));
        }
        trust = TrustStore::empty().with_pem_certificate(pem);
    }
    let context = TlsContext::builder().with_trust_store(trust).build().map_err(|error| refused(&error))?;
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .tls_context(context)
        .build();
    let connector = SharedHttpConnector::new(connector);
    Ok(http_client_fn(move |_, _| connector.clone()))
}

/// The machine's own AWS configuration: credentials from environment, profile, web identity, container or instance,
/// unless a profile is named.
pub(crate) async fn base_config(config: &KinesisConfig, region: &str) -> Result<SdkConfig, SetupError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http_client(config.ca_bundle.as_deref())?)
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    if config.profile.is_some() || config.credentials_file.is_some() {
        let mut profile = ProfileFileCredentialsProvider::builder();
        if let Some(name) = &config.profile {
            profile = profile.profile_name(name);
        }
        if let Some(path) = &config.credentials_file {
            let files = EnvConfigFiles::builder().with_file(EnvConfigFileKind::Credentials, path).build();
            profile = profile.profile_files(files);
        }
        loader = loader.credentials_provider(profile.build());
    }
    Ok(loader.load().await)
}

/// Who asks for what: what both the writer and `siem test` need.
pub(crate) fn role_request(
    config: &KinesisConfig,
    base: SdkConfig,
    integration: &Integration,
    session_name: &str,
    clock: Clock,
) -> RoleRequest {
    let arn = &integration.stream_arn;
    let (region, domain) = (&arn.region, arn.partition.domain());
    let kinesis = match config.address_by {
        AddressBy::Arn => format!("https://{}.data-kinesis.{region}.{domain}", arn.account),
        AddressBy::Name => format!("https://kinesis.{region}.{domain}"),
    };
    let target = Target {
        stream_arn: arn.to_string(),
        role_arn: integration.role_arn.to_string(),
        account: arn.account.clone(),
        region: region.clone(),
        kinesis: endpoint(config.endpoint_url.as_ref(), "AWS_ENDPOINT_URL_KINESIS", &base, kinesis),
        sts: endpoint(
            config.sts_endpoint_url.as_ref(),
            "AWS_ENDPOINT_URL_STS",
            &base,
            format!("https://sts.{region}.{domain}"),
        ),
        clock,
    };
    RoleRequest {
        base,
        sts_endpoint_url: config.sts_endpoint_url.clone(),
        integration: integration.clone(),
        session_name: session_name_of(session_name),
        target,
    }
}

/// Where a service answers, for sentences: as configured, as the SDK's own settings say, or at AWS.
fn endpoint(configured: Option<&String>, variable: &str, base: &SdkConfig, default: String) -> String {
    let from_environment = || std::env::var(variable).ok().filter(|url| !url.is_empty());
    let for_all = || base.endpoint_url().map(str::to_owned);
    configured.cloned().or_else(from_environment).or_else(for_all).unwrap_or(default)
}

/// STS: 2 to 64 characters of `[\w+=,.@-]`.
fn session_name_of(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' })
        .take(64)
        .collect();
    if name.len() < 2 {
        name.insert_str(0, "sensor");
    }
    name
}

/// The customer's stream, written to as the customer's role.
#[derive(Debug)]
pub(crate) struct KinesisStream {
    client: aws_sdk_kinesis::Client,
    identity: Arc<Identity>,
    target: Target,
    stream_arn: Option<String>,
    stream_name: Option<String>,
}

impl KinesisStream {
    pub(crate) fn new(
        config: &KinesisConfig,
        request: RoleRequest,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let attempt = Duration::from_millis(config.request_timeout_ms);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(attempt)
            .build();
        let (base, target) = (request.base.clone(), request.target.clone());
        let arn = request.integration.stream_arn.clone();
        let identity = Identity::start(request, runtime);
        let mut builder = aws_sdk_kinesis::config::Builder::from(&base)
            .credentials_provider(IdentityProvider(Arc::clone(&identity)))
            .identity_cache(IdentityCache::no_cache())
            .interceptor(target.clock.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(url) = &config.endpoint_url {
            builder = builder.endpoint_url(url);
        }
        let (stream_arn, stream_name) = match config.address_by {
            AddressBy::Arn => (Some(arn.to_string()), None),
            AddressBy::Name => (None, Some(arn.name)),
        };
        let client = aws_sdk_kinesis::Client::from_conf(builder.build());
        Self { client, identity, target, stream_arn, stream_name }
    }

    /// Asks once, and once more when all that was wrong is the clock, which the SDK sets right by the first answer.
    async fn call(&self, entries: &[Entry], dry_run: bool) -> Answer {
        match self.call_once(entries, dry_run).await {
            Answer::Fault(Fault { kind: FaultKind::Clock, .. }) if self.target.clock.ahead_s() != 0 => {
                self.call_once(entries, dry_run).await
            }
            answer => answer,
        }
    }

    async fn call_once(&self, entries: &[Entry], dry_run: bool) -> Answer {
        let session = match self.identity.current().await {
            Ok(session) => session,
            Err(fault) => return Answer::Fault(fault),
        };
        let call = self
            .client
            .put_records()
            .set_records(Some(entries.iter().map(to_record).collect()))
            .set_stream_arn(self.stream_arn.clone())
            .set_stream_name(self.stream_name.clone())
            .set_dry_run(dry_run.then_some(true));
        let answer = match call.send().await {
            Ok(output) => Answer::Records(answers(output, entries.len())),
            Err(error) => self.refused(&error),
        };
        if matches!(&answer, Answer::Fault(Fault { kind: FaultKind::SessionExpired, .. })) {
            self.identity.reject(session.access_key_id());
        }
        answer
    }

    fn refused(&self, error: &SdkError<PutRecordsError>) -> Answer {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let context = in_words(error);
        let message = error.message().unwrap_or(&context);
        // An answer that was cut off in the middle is as good as none.
        let status = status.filter(|status| *status != 200);
        self.target.put_answer(Refusal { status, code: error.code(), message })
    }
}

/// One answer to each record at the most, whatever the service says.
fn answers(output: PutRecordsOutput, count: usize) -> Vec<super::answer::RecordAnswer> {
    output
        .records
        .into_iter()
        .take(count)
        .map(|record| {
            record_answer(record.shard_id, record.sequence_number, record.error_code, record.error_message)
        })
        .collect()
}

impl Stream for KinesisStream {
    async fn put(&self, entries: Vec<Entry>) -> Answer {
        self.call(&entries, false).await
    }

    async fn dry_run(&self) -> Answer {
        let entry = Entry {
            partition_key: "dry-run".into(),
            events: smallvec![b"{}".as_slice().into()],
            is_batch: false,
        };
        self.call(&[entry], true).await
    }

    fn clock_ahead_s(&self) -> i64 {
        self.target.clock.ahead_s()
    }
}

fn to_record(entry: &Entry) -> PutRecordsRequestEntry {
    let data = match entry.events.as_slice() {
        [event] if !entry.is_batch => event.to_vec(),
        events => {
            let mut data = Vec::with_capacity(events.iter().map(|event| event.len() + 1).sum::<usize>() + 1);
            data.push(b'[');
            data.extend_from_slice(&events.join(&b','));
            data.push(b']');
            data
        }
    };
    let record = PutRecordsRequestEntry::builder().data(Blob::new(data)).partition_key(&*entry.partition_key);
    record.build().expect("data and key are all that a record needs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_json_array_and_an_event_is_itself() {
        let events: Vec<Arc<[u8]>> = vec![b"{\"a\":1}".as_slice().into(), b"{\"b\":2}".as_slice().into()];
        let entry = |events: &[Arc<[u8]>], is_batch| Entry {
            partition_key: "k".into(),
            events: events.into(),
            is_batch,
        };
        let data = |entry| to_record(&entry).data.into_inner();
        assert_eq!(data(entry(&events, true)), b"[{\"a\":1},{\"b\":2}]");
        assert_eq!(data(entry(&events[..1], true)), b"[{\"a\":1}]");
        assert_eq!(data(entry(&events[..1], false)), b"{\"a\":1}");
    }

    #[test]
    fn session_names_are_what_sts_takes() {
        assert_eq!(session_name_of("sensor/äbc def"), "sensor--bc-def");
        assert_eq!(session_name_of(""), "sensor");
        assert_eq!(session_name_of(&"x".repeat(100)).len(), 64);
    }
}
