//! What the functions of a stack on this machine call of AWS, kept by who stands between them: for its rights and its bill.

use anyhow::Result;
use embedded_aws::{Between, Stack};
pub use simulators::between::Call;
use simulators::between::{InBetween, Service};
use simulators::faults::Fault;

/// Stands between the functions and all services of AWS.
#[derive(Debug)]
pub struct Recorder {
    sqs: InBetween,
    dynamodb: InBetween,
    secrets: InBetween,
}

impl Recorder {
    /// Listens. Functions are refused until [`Self::lead_to`].
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> Result<Self> {
        let (sqs, dynamodb, secrets) = tokio::try_join!(
            InBetween::recording(Service::Sqs),
            InBetween::recording(Service::DynamoDb),
            InBetween::recording(Service::SecretsManager),
        )?;
        Ok(Self { sqs, dynamodb, secrets })
    }

    /// What functions are told, for the start of their stack.
    pub fn between(&self) -> Between {
        Between {
            sqs: Some(self.sqs.url()),
            dynamodb: Some(self.dynamodb.url()),
            secrets: Some(self.secrets.url()),
        }
    }

    /// Passes on to this stack.
    pub fn lead_to(&self, stack: &Stack) {
        let services = stack.endpoints();
        self.sqs.lead_to(Some(services.sqs.clone()));
        self.dynamodb.lead_to(Some(services.dynamodb.clone()));
        self.secrets.lead_to(Some(services.secrets.clone()));
    }

    /// What goes wrong with all calls from now on, or takes its time.
    pub fn add_fault(&self, fault: &Fault) {
        for service in [&self.sqs, &self.dynamodb, &self.secrets] {
            service.faults().add(fault.clone());
        }
    }

    /// What was called of DynamoDB so far, in order.
    pub fn table_calls(&self) -> Vec<Call> {
        self.dynamodb.calls()
    }

    /// What was called so far of all of them.
    pub fn calls(&self) -> Vec<Call> {
        [&self.sqs, &self.dynamodb, &self.secrets].into_iter().flat_map(InBetween::calls).collect()
    }
}
