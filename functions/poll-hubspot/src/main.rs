//! The Lambda function `poll-hubspot`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    poll_hubspot::run().await
}
