//! A loopback stand-in for the parts of AWS that delivery talks to: STS AssumeRole and GetCallerIdentity, Kinesis
//! PutRecord and PutRecords, and what a consumer needs to read back.
//!
//! It verifies signatures, enforces the role's trust policy, the external ID, least privilege, record and request
//! limits and each shard's throughput, and fails on a script. One stream, one role.

mod http;
mod kinesis;
mod script;
mod signature;
mod stream;
mod sts;
mod tls;

pub use script::{Fault, FaultKind, Script};
pub use stream::StoredRecord;
pub use tls::TestCa;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use stream::Stream;

/// Told of every record that is taken: shard, partition key, data.
pub type Tap = Arc<dyn Fn(&str, &str, &[u8]) + Send + Sync>;

/// What the stand-in is to be.
#[derive(Clone)]
pub struct FakeConfig {
    /// Where it listens; loopback only.
    pub listen: SocketAddr,
    /// Whether it speaks TLS, with a certificate of its own [`TestCa`].
    pub tls: bool,
    /// The account that stream and role are in.
    pub account: String,
    /// The stream's region.
    pub region: String,
    /// The stream's name.
    pub stream: String,
    /// Shards at the start.
    pub shards: u32,
    /// The role's name.
    pub role: String,
    /// Access key IDs that the role's trust policy names; all others are refused.
    pub trusted_keys: Vec<String>,
    /// The secret access key of every access key, sessions' apart.
    pub secret_key: String,
    /// The external ID that the trust policy demands; nothing is a policy without that condition.
    pub external_id: Option<String>,
    /// Seconds that a session lasts, whatever is asked for.
    pub session_s: u64,
    /// Whether shards take no more than 1,000 records and 1 MB a second.
    pub shard_limits: bool,
    /// Whether the role may put records.
    pub may_put: bool,
    /// Whether records are spread over the shards without regard to their keys.
    pub ignore_keys: bool,
    /// Bytes of records kept for reading back; older ones are let go.
    pub keep_bytes: usize,
    /// Time before every answer.
    pub latency: Duration,
    /// What goes wrong, and when.
    pub script: Script,
    /// Told of every record.
    pub tap: Option<Tap>,
}

impl Default for FakeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: false,
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            stream: "meter-siem-events".to_owned(),
            shards: 1,
            role: "MeterSIEMIntegrationRole".to_owned(),
            trusted_keys: vec!["AKIASENSOR".to_owned()],
            secret_key: "secret".to_owned(),
            external_id: None,
            session_s: 3_600,
            shard_limits: true,
            may_put: true,
            ignore_keys: false,
            keep_bytes: 256 << 20,
            latency: Duration::ZERO,
            script: Script::default(),
            tap: None,
        }
    }
}

impl FakeConfig {
    /// The stream's ARN.
    pub fn stream_arn(&self) -> String {
        format!("arn:aws:kinesis:{}:{}:stream/{}", self.region, self.account, self.stream)
    }

    /// The role's ARN.
    pub fn role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/{}", self.account, self.role)
    }
}

/// What was asked and answered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Calls by operation, refused ones too.
    pub calls: HashMap<String, u64>,
    /// Calls by the role that its policy does not allow.
    pub beyond_policy: u64,
    /// Records taken.
    pub records: u64,
    /// Records refused for a shard's rate.
    pub throttled: u64,
    /// Records failed by script.
    pub failed: u64,
}

struct Session {
    expires: SystemTime,
    secret: String,
    token: String,
}

struct State {
    stream: Stream,
    sessions: HashMap<String, Session>,
    tally: Tally,
    script: script::Player,
    random: fastrand::Rng,
}

struct Shared {
    config: FakeConfig,
    state: Mutex<State>,
    begun: Instant,
    serial: AtomicU64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stand-in's clock, which a script may set wrong.
    fn now(&self) -> SystemTime {
        let skew = self.state().script.skew_s(self.begun.elapsed());
        let now = SystemTime::now();
        let span = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { now - span } else { now + span }
    }

    /// The secret access key that belongs to an access key; nothing for a session that is not known.
    fn secret_of(&self, access_key: &str) -> Option<String> {
        if access_key.starts_with("ASIA") {
            return self.state().sessions.get(access_key).map(|session| session.secret.clone());
        }
        Some(self.config.secret_key.clone())
    }

    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

/// A running stand-in; it ends when this is dropped.
pub struct FakeAws {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca: Option<TestCa>,
    _runtime: tokio::runtime::Runtime,
}

impl FakeAws {
    /// Starts listening.
    pub fn start(config: FakeConfig) -> io::Result<Self> {
        if !config.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the stand-in for AWS listens on loopback only",
            ));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-aws")
            .enable_all()
            .build()?;
        let ca = config.tls.then(TestCa::generate).transpose()?;
        let acceptor = ca.as_ref().map(TestCa::acceptor).transpose()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(config.listen))?;
        let address = listener.local_addr()?;
        let state = State {
            stream: Stream::new(&config),
            sessions: HashMap::new(),
            tally: Tally::default(),
            random: fastrand::Rng::with_seed(config.script.seed),
            script: script::Player::new(config.script.clone()),
        };
        let shared = Arc::new(Shared {
            config,
            state: Mutex::new(state),
            begun: Instant::now(),
            serial: AtomicU64::new(1),
        });
        runtime.spawn(http::serve(listener, acceptor, Arc::clone(&shared)));
        Ok(Self { shared, address, ca, _runtime: runtime })
    }

    /// The URL to use as the endpoint of both services.
    pub fn endpoint(&self) -> String {
        // The certificate is made out to the name.
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// The certificate authority, when TLS is spoken.
    pub fn ca(&self) -> Option<&TestCa> {
        self.ca.as_ref()
    }

    /// What it was started with.
    pub fn config(&self) -> &FakeConfig {
        &self.shared.config
    }

    /// What was asked and answered so far.
    pub fn tally(&self) -> Tally {
        self.shared.state().tally.clone()
    }

    /// Plays another script from now on.
    pub fn play(&self, script: Script) {
        let elapsed = self.shared.begun.elapsed();
        self.shared.state().script = script::Player::from(script, elapsed);
    }

    /// Splits every shard in two, as UpdateShardCount to twice the number does.
    pub fn split_shards(&self) {
        self.shared.state().stream.split();
    }

    /// Declares every session expired.
    pub fn expire_sessions(&self) {
        self.shared
            .state()
            .sessions
            .values_mut()
            .for_each(|session| session.expires = SystemTime::UNIX_EPOCH);
    }

    /// The records kept, by shard, each shard's in order.
    pub fn records(&self) -> Vec<(String, Vec<StoredRecord>)> {
        self.shared.state().stream.records()
    }
}
