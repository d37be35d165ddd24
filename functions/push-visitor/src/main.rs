//! The Lambda function `push-visitor`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    push_visitor::run().await
}
