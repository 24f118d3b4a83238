//! What is done with an integration apart from delivering to it: connecting, testing, and looking whether its trust
//! policy does its part.

use super::answer::{Answer, Fault, FaultKind, RecordAnswer, in_words};
use super::arn::principal_of_caller;
use super::client::{KinesisStream, SetupError, Stream, base_config, role_request};
use super::clock::{Clock, clock_fault};
use super::config::KinesisConfig;
use super::engine::Entry;
use super::integration::{Integration, Store};
use super::secret::ExternalId;
use smallvec::smallvec;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The stream of the stored integration; nothing when none is set.
pub(crate) fn connect(
    config: &KinesisConfig,
    store: &Store,
    session_name: &str,
    runtime: &tokio::runtime::Handle,
) -> Result<Option<KinesisStream>, Box<dyn std::error::Error>> {
    let Some(integration) = store.load()? else { return Ok(None) };
    let base = runtime.block_on(base_config(config, &integration.stream_arn.region))?;
    let request = role_request(config, base, &integration, session_name, Clock::default());
    Ok(Some(KinesisStream::new(config, request, runtime)))
}

/// Where a test event went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// The shard that has it.
    pub shard: String,
    /// Its place there.
    pub sequence_number: String,
    /// From the call to the acknowledgement, session and all.
    pub took: Duration,
}

/// What trying the trust policy found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustCheck {
    /// The role was given to somebody without any external ID.
    pub lets_in_without: bool,
    /// The role was given to somebody with a wrong external ID.
    pub lets_in_wrong: bool,
}

impl TrustCheck {
    /// What the owner of the role should know; nothing when the policy does its part.
    pub fn warning(&self) -> Option<String> {
        let how = match (self.lets_in_without, self.lets_in_wrong) {
            (false, false) => return None,
            (true, false) => "without an external ID",
            (false, true) => "with a wrong external ID",
            (true, true) => "without an external ID and with a wrong one",
        };
        Some(format!(
            "the role's trust policy does not enforce the external ID: the role can be assumed {how}; \
             add the condition StringEquals sts:ExternalId"
        ))
    }
}

/// Calls on behalf of a command, one at a time.
#[derive(Debug)]
pub struct Setup {
    runtime: tokio::runtime::Runtime,
    config: KinesisConfig,
    integration: Integration,
    session_name: String,
    clock: Clock,
}

/// A test that takes longer has failed.
const TEST_WITHIN: Duration = Duration::from_secs(15);

impl Setup {
    /// Calls for the integration, as the writer would make them.
    pub fn new(
        config: &KinesisConfig,
        integration: &Integration,
        session_name: &str,
    ) -> Result<Self, SetupError> {
        let runtime = super::runtime()?;
        let (config, integration) = (config.clone(), integration.clone());
        Ok(Self {
            runtime,
            config,
            integration,
            session_name: session_name.to_owned(),
            clock: Clock::default(),
        })
    }

    /// Seconds by which AWS's clock was ahead of this machine's at the latest answer, where that is worth a word.
    pub fn clock_ahead_s(&self) -> i64 {
        self.clock.ahead_s()
    }

    fn stream(&self) -> Result<KinesisStream, SetupError> {
        let base = self.runtime.block_on(base_config(&self.config, &self.integration.stream_arn.region))?;
        let request =
            role_request(&self.config, base, &self.integration, &self.session_name, self.clock.clone());
        Ok(KinesisStream::new(&self.config, request, self.runtime.handle()))
    }

    /// Puts one event into the stream, past whatever is queued.
    pub fn send(&self, partition_key: &str, event: &[u8]) -> Result<Result<Receipt, Fault>, SetupError> {
        let stream = self.stream()?;
        let begun = Instant::now();
        let entry = || Entry {
            partition_key: Arc::from(partition_key),
            events: smallvec![Arc::from(event)],
            is_batch: self.config.records == super::config::RecordForm::Batch,
        };
        let outcome = self.runtime.block_on(async {
            let tries = async {
                loop {
                    match receipt(stream.put(vec![entry()]).await, begun) {
                        Err(fault) if fault.kind == FaultKind::SessionExpired => {}
                        outcome => return outcome,
                    }
                }
            };
            let late = Fault::new(FaultKind::Unreachable, "nothing was answered within 15 seconds");
            tokio::time::timeout(TEST_WITHIN, tries).await.unwrap_or(Err(late))
        });
        Ok(outcome)
    }

    /// Asks whether a put would be allowed, without writing.
    pub fn dry_run(&self) -> Result<Result<(), Fault>, SetupError> {
        let stream = self.stream()?;
        Ok(match self.runtime.block_on(stream.dry_run()) {
            Answer::Fault(fault) => Err(fault),
            Answer::Permitted | Answer::Records(_) | Answer::Throttled => Ok(()),
            Answer::Poison(reason) => Err(Fault::new(FaultKind::ServiceFailed, reason)),
        })
    }

    /// What is to be said of this machine's clock after these calls; nothing when it is right.
    pub fn clock_warning(&self) -> Option<String> {
        clock_fault(self.clock.ahead_s()).map(|fault| fault.sentence)
    }

    /// Tries to assume the role without and with a wrong external ID: both must be refused. An STS that does not
    /// answer is a fault; a refusal of the right external ID is not looked for here.
    pub fn check_trust(&self) -> Result<Result<TrustCheck, Fault>, SetupError> {
        let base = self.runtime.block_on(base_config(&self.config, &self.integration.stream_arn.region))?;
        let request =
            role_request(&self.config, base, &self.integration, &self.session_name, self.clock.clone());
        let wrong = ExternalId::generate().map_err(|error| SetupError::Random(error.to_string()))?;
        let lets_in = |external_id: Option<&str>| match self.runtime.block_on(request.assume(external_id)) {
            Ok(_) => Ok(true),
            Err(fault) if fault.kind == FaultKind::RoleRefused => Ok(false),
            Err(fault) => Err(fault),
        };
        let outcome = lets_in(None).and_then(|lets_in_without| {
            Ok(TrustCheck { lets_in_without, lets_in_wrong: lets_in(Some(wrong.expose()))? })
        });
        Ok(outcome)
    }
}

/// The principal that this machine is to AWS: the role behind it, where it is a session of one.
pub fn caller_principal(config: &KinesisConfig, region: &str) -> Result<String, Fault> {
    let failed = |reason: String| {
        Fault::new(
            FaultKind::BaseCredentials,
            format!("sts:GetCallerIdentity does not tell who this is: {reason}"),
        )
    };
    let runtime = super::runtime().map_err(|error| failed(error.to_string()))?;
    let base = runtime.block_on(base_config(config, region)).map_err(|error| failed(error.to_string()))?;
    let mut sts = aws_sdk_sts::config::Builder::from(&base);
    if let Some(url) = &config.sts_endpoint_url {
        sts = sts.endpoint_url(url);
    }
    let call = aws_sdk_sts::Client::from_conf(sts.build()).get_caller_identity();
    let identity = runtime.block_on(call.send()).map_err(|error| failed(in_words(&error)))?;
    let arn = identity.arn.ok_or_else(|| failed("the answer names nobody".to_owned()))?;
    Ok(principal_of_caller(&arn))
}

fn receipt(answer: Answer, begun: Instant) -> Result<Receipt, Fault> {
    let failed = |sentence: String| Err(Fault::new(FaultKind::ServiceFailed, sentence));
    match answer {
        Answer::Records(answers) => match answers.into_iter().next() {
            Some(RecordAnswer::Delivered { shard, sequence_number }) => {
                Ok(Receipt { shard, sequence_number, took: begun.elapsed() })
            }
            Some(RecordAnswer::Throttled { .. }) => {
                failed("the shard has too much to take just now".to_owned())
            }
            Some(RecordAnswer::Failed { reason }) => {
                failed(format!("the stream failed the record: {reason}"))
            }
            None => failed("the answer said nothing of the record".to_owned()),
        },
        Answer::Throttled => failed("the stream has too much to take just now".to_owned()),
        Answer::Poison(reason) => failed(format!("the stream refused the event: {reason}")),
        Answer::Permitted => failed("the put was answered as a dry run".to_owned()),
        Answer::Fault(fault) => Err(fault),
    }
}
