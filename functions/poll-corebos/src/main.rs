//! The Lambda function `poll-corebos`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    poll_corebos::run().await
}
