//! The AWS clients, built once per cold start, with their timeouts and retries.
//!
//! Region, credentials and endpoints come from the environment that Lambda sets. `AWS_ENDPOINT_URL_DYNAMODB`,
//! `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL_SECRETS_MANAGER` lead to other servers of the same protocols.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

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
    /// The clients for the environment of this process. Opens no connection yet.
    pub async fn from_environment() -> Self {
        Self::load(aws_config::defaults(BehaviorVersion::latest()), None).await
    }

    /// The clients for a stack on this machine, which checks no credentials.
    pub async fn local(region: &str, endpoints: &LocalEndpoints) -> Self {
        let nobody = aws_sdk_sqs::config::Credentials::new("local", "local", None, None, "local stack");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.to_owned()))
            .credentials_provider(nobody);
        Self::load(loader, Some(endpoints)).await
    }

    async fn load(loader: aws_config::ConfigLoader, endpoints: Option<&LocalEndpoints>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_secs(1));
        // One for all services: each of its own would parse the certificates of this machine anew, and keep connections of
        // its own.
        let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let loader = loader.http_client(http.build_https());
        // Answers are small and an attempt has its timeout: nothing streams that could stall.
        let loader = loader.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let config = loader.timeout_config(timeouts).retry_config(retries).load().await;
        let Some(endpoints) = endpoints else {
            return Self {
                dynamodb: aws_sdk_dynamodb::Client::new(&config),
                sqs: aws_sdk_sqs::Client::new(&config),
                secrets_manager: aws_sdk_secretsmanager::Client::new(&config),
            };
        };
        let at = |url: &str| config.clone().into_builder().endpoint_url(url).build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&at(&endpoints.dynamodb)),
            sqs: aws_sdk_sqs::Client::new(&at(&endpoints.sqs)),
            secrets_manager: aws_sdk_secretsmanager::Client::new(&at(&endpoints.secrets_manager)),
        }
    }
}
