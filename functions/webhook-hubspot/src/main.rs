//! The Lambda function `webhook-hubspot`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    webhook_hubspot::run().await
}
