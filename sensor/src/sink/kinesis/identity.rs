//! Being somebody in the customer's account: AssumeRole with the external ID, renewed well before it must be.
//!
//! A session lasts an hour (more is refused where the sensor itself is a role) and is renewed in the background at
//! half its life; until its end it stays in use, so that an outage of STS for half an hour costs nothing. A failed
//! renewal is tried again for ever.

use super::answer::{Fault, FaultKind, Refusal, Target, in_words};
use super::clock::Clock;
use super::integration::Integration;
use crate::sink::retry::{Backoff, BackoffPolicy};
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// The most that AWS grants to a role that assumes another (role chaining).
const SESSION_SECONDS: i32 = 3_600;
/// Renewals are spread by up to this share of a session's life, so that many sensors do not come at once.
const SPREAD: f64 = 0.05;
const RETRY: BackoffPolicy = BackoffPolicy { base: Duration::from_secs(1), cap: Duration::from_secs(60) };
/// How long a put waits for a session that is being requested.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a role is assumed.
#[derive(Clone, Debug)]
pub(crate) struct RoleRequest {
    pub(crate) base: SdkConfig,
    pub(crate) sts_endpoint_url: Option<String>,
    pub(crate) integration: Integration,
    pub(crate) session_name: String,
    pub(crate) target: Target,
}

impl RoleRequest {
    /// Assumes the role once. `external_id` is usually the integration's own; set-up tries others too.
    pub(crate) async fn assume(&self, external_id: Option<&str>) -> Result<Credentials, Fault> {
        let base = self.base_credentials().await?;
        let region = &self.integration.stream_arn.region;
        match self.assume_in(region, base.clone(), external_id).await {
            Err(error) if error.code() == Some("RegionDisabledException") => {
                let home = self.integration.stream_arn.partition.home_region();
                self.assume_in(home, base, external_id).await.map_err(|error| self.fault(&error))
            }
            outcome => outcome.map_err(|error| self.fault(&error)),
        }
    }

    async fn base_credentials(&self) -> Result<Credentials, Fault> {
        let missing = |why: &dyn std::fmt::Display| {
            let sentence = format!("Unauthorized - the sensor has no AWS credentials of its own: {why}");
            Fault::new(FaultKind::BaseCredentials, sentence)
        };
        let provider = self.base.credentials_provider().ok_or_else(|| missing(&"no source is configured"))?;
        provider.provide_credentials().await.map_err(|error| missing(&in_words(&error)))
    }

    async fn assume_in(
        &self,
        region: &str,
        base: Credentials,
        external_id: Option<&str>,
    ) -> Result<Credentials, SdkError<AssumeRoleError>> {
        let mut config = aws_sdk_sts::config::Builder::from(&self.base)
            .interceptor(self.target.clock.clone())
            .region(aws_sdk_sts::config::Region::new(region.to_owned()))
            .credentials_provider(base);
        if let Some(url) = &self.sts_endpoint_url {
            config = config.endpoint_url(url);
        }
        let call = aws_sdk_sts::Client::from_conf(config.build())
            .assume_role()
            .role_arn(self.integration.role_arn.to_string())
            .role_session_name(&self.session_name)
            .duration_seconds(SESSION_SECONDS)
            .set_external_id(external_id.map(str::to_owned));
        // The SDK traces its requests, external ID and all; nobody listens here.
        let output = call.send().with_subscriber(NoSubscriber::new()).await?;
        let granted =
            output.credentials.ok_or_else(|| SdkError::construction_failure("STS granted no credentials"))?;
        let expiry = SystemTime::try_from(granted.expiration).ok();
        Ok(Credentials::new(
            granted.access_key_id,
            granted.secret_access_key,
            Some(granted.session_token),
            expiry,
            "AssumeRole",
        ))
    }

    fn fault(&self, error: &SdkError<AssumeRoleError>) -> Fault {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let context = in_words(error);
        let message = error.message().unwrap_or(&context);
        self.target.assume_role_fault(Refusal { status, code: error.code(), message })
    }
}

/// A session, or what is known instead.
#[derive(Clone, Debug, Default)]
struct SessionState {
    session: Option<Credentials>,
    fault: Option<Fault>,
}

/// The role's credentials, kept fresh by a task of their own until dropped.
#[derive(Debug)]
pub(crate) struct Identity {
    state: watch::Receiver<SessionState>,
    /// The key of a session that AWS no longer takes.
    rejected: watch::Sender<Option<String>>,
    task: tokio::task::JoinHandle<()>,
    clock: Clock,
}

impl Identity {
    /// Starts asking for a session.
    pub(crate) fn start(request: RoleRequest, runtime: &tokio::runtime::Handle) -> Arc<Self> {
        let (sender, state) = watch::channel(SessionState::default());
        let (rejected, rejections) = watch::channel(None);
        let clock = request.target.clock.clone();
        let task = runtime.spawn(keep_fresh(request, sender, rejections));
        Arc::new(Self { state, rejected, task, clock })
    }

    /// The session, as soon as there is one, or the reason why there is none.
    pub(crate) async fn current(&self) -> Result<Credentials, Fault> {
        let mut state = self.state.clone();
        let wait = async {
            loop {
                let SessionState { session, fault } = state.borrow_and_update().clone();
                if let Some(session) = session.filter(|session| is_alive(session, self.clock.now())) {
                    return Ok(session);
                }
                if let Some(fault) = fault {
                    return Err(fault);
                }
                if state.changed().await.is_err() {
                    return Err(Fault::new(FaultKind::SessionExpired, "the sensor is stopping"));
                }
            }
        };
        let late = || Fault::new(FaultKind::Unreachable, "STS did not answer in time");
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| Err(late()))
    }

    /// AWS said that the session with this key has expired, whatever its date says.
    pub(crate) fn reject(&self, access_key_id: &str) {
        self.rejected.send_replace(Some(access_key_id.to_owned()));
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn is_alive(session: &Credentials, now: SystemTime) -> bool {
    session.expiry().is_none_or(|expiry| expiry > now)
}

/// How long after it was granted a session is to be renewed: at half its life, spread a little.
fn renewal(granted: SystemTime, expiry: Option<SystemTime>, spread: f64) -> Duration {
    let fallback = Duration::from_secs(SESSION_SECONDS.unsigned_abs().into());
    let life = expiry.map_or(fallback, |expiry| expiry.duration_since(granted).unwrap_or_default());
    life.mul_f64(0.5 + SPREAD * (spread - 0.5)).max(Duration::from_millis(500))
}

async fn keep_fresh(
    request: RoleRequest,
    state: watch::Sender<SessionState>,
    mut rejections: watch::Receiver<Option<String>>,
) {
    let mut backoff = Backoff::new(RETRY);
    loop {
        let wait = match request.assume(Some(request.integration.external_id.expose())).await {
            Ok(session) => {
                backoff.succeed();
                let wait = renewal(request.target.clock.now(), session.expiry(), fastrand::f64());
                state.send_replace(SessionState { session: Some(session), fault: None });
                wait
            }
            Err(fault) => {
                tracing::warn!(%fault, "the role cannot be assumed");
                state.send_modify(|state| state.fault = Some(fault));
                backoff.fail().max(RETRY.base / 4)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = rejection(&mut rejections, &state) => {
                state.send_replace(SessionState::default());
            }
        }
    }
}

/// Returns when the session in use is rejected; rejections of an earlier one are late and mean nothing.
async fn rejection(rejections: &mut watch::Receiver<Option<String>>, state: &watch::Sender<SessionState>) {
    loop {
        if rejections.changed().await.is_err() {
            return std::future::pending().await;
        }
        let rejected = rejections.borrow_and_update().clone();
        let current = state.borrow().session.as_ref().map(|session| session.access_key_id().to_owned());
        if rejected.is_some() && rejected == current {
            return;
        }
    }
}

/// Gives the role's credentials to the SDK.
#[derive(Clone, Debug)]
pub(crate) struct IdentityProvider(pub(crate) Arc<Identity>);

impl ProvideCredentials for IdentityProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0
                .current()
                .await
                .map_err(|fault| provider::error::CredentialsError::provider_error(fault.sentence))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_renewed_at_half_its_life() {
        let granted = SystemTime::UNIX_EPOCH;
        let hour = Some(granted + Duration::from_secs(3_600));
        for spread in [0.0, 0.5, 1.0] {
            let at = renewal(granted, hour, spread).as_secs();
            assert!((1_700..=1_900).contains(&at), "{at}");
        }
        // Half an hour without STS after the renewal was due is within the session's life.
        assert!(renewal(granted, hour, 1.0) + Duration::from_secs(1_700) < Duration::from_secs(3_600));
        assert!(renewal(granted, Some(granted), 0.5) >= Duration::from_millis(500));
    }
}
