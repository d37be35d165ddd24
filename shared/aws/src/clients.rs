//! The AWS clients, built once per cold start, with their timeouts and retries.
//!
//! Region, credentials and endpoints come from the environment that Lambda sets, and from nowhere else: the SDK's own
//! search for them, in files, containers and other services, would be a tenth of a function's size. `AWS_ENDPOINT_URL_DYNAMODB`,
//! `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SECRETS_MANAGER` lead to other servers of the same protocols.

use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::SdkConfig;
use aws_types::sdk_config::Builder;

use crate::config::Environment;

/// How long a connection may take to open. Inside a region it takes a few milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one attempt of a call may take. DynamoDB and SQS answer within tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a call may take with all its attempts: well within the timeout of every function.
const CALL_TIMEOUT: Duration = Duration::from_secs(9);
/// Attempts of one call, the first included. Waits between them grow from tens of milliseconds.
const ATTEMPTS: u32 = 4;

/// Where the services of a stack on this machine listen.
#[derive(Clone, Debug)]
pub struct LocalEndpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// SQS.
    pub sqs: String,
    /// Secrets Manager.
    pub secrets_manager: String,
}

/// One client per service; they share connections' settings and credentials.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The table.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The secrets.
    pub secrets_manager: aws_sdk_secretsmanager::Client,
}

impl Clients {
    /// The clients for the environment of a function. Opens no connection yet.
    ///
    /// What is missing there is told by the first call.
    pub fn of_function(environment: &Environment) -> Self {
        let text = |name: &str| environment.optional(name).map(str::to_owned);
        let mut config = SdkConfig::builder().region(text("AWS_REGION").map(Region::new));
        if let (Some(id), Some(key)) = (text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY")) {
            let credentials = Credentials::new(id, key, text("AWS_SESSION_TOKEN"), None, "environment");
            config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        }
        let endpoint = |service: &str| text(&format!("AWS_ENDPOINT_URL_{service}"));
        Self::of(config, [endpoint("DYNAMODB"), endpoint("SQS"), endpoint("SECRETS_MANAGER")])
    }

    /// The clients of whoever sits at the command line: credentials and region are found as the AWS tools find them.
    #[cfg(feature = "deployed-stacks")]
    pub async fn of_person() -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(https()).load().await;
        // The SDK has read `AWS_ENDPOINT_URL_...` itself.
        Self::of(config.into_builder(), [None, None, None])
    }

    /// The clients for a stack on this machine, which checks no credentials.
    pub fn local(region: &str, endpoints: &LocalEndpoints) -> Self {
        let nobody = Credentials::new("local", "local", None, None, "local stack");
        let config = SdkConfig::builder()
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(nobody));
        let LocalEndpoints { dynamodb, sqs, secrets_manager } = endpoints.clone();
        Self::of(config, [Some(dynamodb), Some(sqs), Some(secrets_manager)])
    }

    /// `endpoints` are those of DynamoDB, SQS and Secrets Manager, where they are not AWS's own.
    fn of(config: Builder, endpoints: [Option<String>; 3]) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_secs(1));
        let config = config
            .behavior_version(BehaviorVersion::latest())
            .http_client(https())
            // Answers are small and an attempt has its timeout: nothing streams that could stall.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts)
            .retry_config(retries)
            .build();
        let at = |endpoint: Option<String>| match endpoint {
            Some(url) => config.clone().into_builder().endpoint_url(url).build(),
            None => config.clone(),
        };
        let [dynamodb, sqs, secrets_manager] = endpoints;
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&at(dynamodb)),
            sqs: aws_sdk_sqs::Client::new(&at(sqs)),
            secrets_manager: aws_sdk_secretsmanager::Client::new(&at(secrets_manager)),
        }
    }
}

/// One for all services: each of its own would parse the certificates of this machine anew, and keep connections of its own.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https()
}
