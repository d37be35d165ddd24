//! Serves a template until Ctrl-C, or until it is killed. The tests kill it.
//!
//! `serve-stack TEMPLATE FUNCTION_PROGRAM [DATA_DIRECTORY]`. Prints one line of JSON when it is ready.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use embedded_aws::{Stack, StackOptions};
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let template = arguments.next().context("the first argument is the template")?;
    let program = arguments.next().context("the second argument is the program of every function")?;
    let launcher = Arc::new(move |_: &embedded_aws::FunctionSpec| tokio::process::Command::new(&program));
    let mut options = StackOptions::new(std::fs::read_to_string(template)?, launcher);
    options.data = arguments.next().map(Into::into);
    let stack = Stack::start(options).await?;
    let endpoints = stack.endpoints();
    println!(
        "{}",
        json!({
            "base": stack.base_url(), "sqs": endpoints.sqs, "dynamodb": endpoints.dynamodb, "queues": stack.queue_urls(),
        })
    );
    tokio::signal::ctrl_c().await?;
    stack.stop(Duration::from_secs(10)).await;
    println!("stopped");
    Ok(())
}
