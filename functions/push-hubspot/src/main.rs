//! The Lambda function `push-hubspot`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    push_hubspot::run().await
}
