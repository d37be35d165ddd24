//! The Lambda function `push-wordpress`.
#![recursion_limit = "256"]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    push_wordpress::run().await
}
