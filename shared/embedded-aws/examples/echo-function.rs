//! A Lambda function whose events say what it shall do. The tests of the crate run it as a process.
//!
//! A direct event is `{"mode": "..."}`, see `direct`. An HTTP event is answered with itself, or as its query parameter
//! `mode` says. Each message of an SQS event says the same in its body, see `message`.

#![expect(clippy::print_stdout, reason = "a function logs by printing")]
#![expect(clippy::disallowed_methods, reason = "the environment is what some tests ask for")]

use std::time::Duration;

use aws_config::BehaviorVersion;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("ECHO_START").as_deref() {
        Ok("exit") => {
            println!("leaving before the first event");
            std::process::exit(3);
        }
        Ok("graceful") => {
            lambda_runtime::spawn_graceful_shutdown_handler(|| async { println!("said goodbye") }).await;
        }
        _ => {}
    }
    println!("started as process {}", std::process::id());
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (payload, context) = event.into_parts();
    if let Some(records) = payload.get("Records").and_then(Value::as_array) {
        return messages(records).await;
    }
    if payload.pointer("/requestContext/http").is_some() {
        return http(&payload).await;
    }
    let mut answer = direct(payload.get("mode").and_then(Value::as_str).unwrap_or("echo"), &payload).await?;
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("deadline".to_owned(), json!(context.deadline));
        answer.insert("requestId".to_owned(), json!(context.request_id));
        answer.insert("arn".to_owned(), json!(context.invoked_function_arn));
    }
    Ok(answer)
}

async fn direct(mode: &str, payload: &Value) -> Result<Value, Error> {
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match mode {
        "fail" => return Err("asked to fail".into()),
        "exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        "hang" => std::thread::sleep(Duration::from_secs(3_600)),
        "log" => println!("a line for {}", text("for")),
        "big" => {
            let bytes = payload.get("bytes").and_then(Value::as_u64).unwrap_or_default();
            return Ok(json!("x".repeat(usize::try_from(bytes)?)));
        }
        "slow" => {
            let millis = payload.get("millis").and_then(Value::as_u64).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        "environment" => {
            let variables: serde_json::Map<String, Value> = std::env::vars_os()
                .map(|(name, value)| (name.to_string_lossy().into(), json!(value.to_string_lossy())))
                .collect();
            return Ok(json!({"environment": variables}));
        }
        "send" => {
            let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
            let sent = aws_sdk_sqs::Client::new(&config)
                .send_message()
                .queue_url(text("queue"))
                .message_body(text("body"))
                .send()
                .await?;
            return Ok(json!({"messageId": sent.message_id()}));
        }
        "secret" => {
            let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
            let secret = aws_sdk_secretsmanager::Client::new(&config).get_secret_value();
            let secret = secret.secret_id(text("id")).send().await?;
            return Ok(json!({"secret": secret.secret_string()}));
        }
        _ => {}
    }
    Ok(json!({"echo": payload, "process": std::process::id()}))
}

async fn http(event: &Value) -> Result<Value, Error> {
    let parameter =
        |name: &str| event.pointer(&format!("/queryStringParameters/{name}")).and_then(Value::as_str);
    match parameter("mode") {
        Some("fail") => Err("asked to fail".into()),
        Some("exit") => std::process::exit(7),
        Some("slow") => {
            tokio::time::sleep(Duration::from_millis(parameter("millis").unwrap_or_default().parse()?)).await;
            Ok(json!({"statusCode": 200, "body": "slow"}))
        }
        Some("wait") => {
            wait_for(parameter("path").unwrap_or_default()).await;
            Ok(json!({"statusCode": 200, "body": "waited"}))
        }
        Some("raw") => Ok(json!({"message": "no status"})),
        Some("malformed") => Ok(json!({"statusCode": "none"})),
        Some("headers") => Ok(json!({
            "statusCode": 201,
            "headers": {"X-Made-By": "echo", "Content-Type": "application/octet-stream"},
            "cookies": ["a=1", "b=2"],
            "body": "AAEC",
            "isBase64Encoded": true,
        })),
        _ => Ok(json!({
            "statusCode": 200,
            "headers": {"content-type": "application/json", "x-process": std::process::id()},
            "body": event.to_string(),
        })),
    }
}

/// Waits until a file is there, but not for ever: the one who was to write it may have been killed.
async fn wait_for(path: &str) {
    for _ in 0..12_000 {
        if std::path::Path::new(path).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Handles the messages in order. FIFO: from the first failure of a group on, the group is given back.
async fn messages(records: &[Value]) -> Result<Value, Error> {
    let mut failed: Vec<Value> = Vec::new();
    let mut failed_groups: Vec<String> = Vec::new();
    for record in records {
        let text =
            |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, group) = (text("/messageId"), text("/attributes/MessageGroupId"));
        let count: u64 = text("/attributes/ApproximateReceiveCount").parse()?;
        let body: Value = serde_json::from_str(&text("/body")).unwrap_or_default();
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        if !group.is_empty() && failed_groups.contains(&group) {
            failed.push(json!({"itemIdentifier": id}));
            continue;
        }
        let fail_until = body.get("failUntil").and_then(Value::as_u64).unwrap_or_default();
        if count < fail_until {
            println!("failed {name} {count}");
            if body.get("wholeBatch") == Some(&json!(true)) {
                return Err("the whole batch".into());
            }
            failed.push(json!({"itemIdentifier": id}));
            failed_groups.push(group);
            continue;
        }
        if count == 1 && body.get("exitFirst") == Some(&json!(true)) {
            std::process::exit(9);
        }
        if let Some(millis) = body.get("millis").and_then(Value::as_u64) {
            println!("working {name}");
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if let Some(path) = body.get("touch").and_then(Value::as_str) {
            std::fs::write(path, "")?;
        }
        if let Some(path) = body.get("waitFor").and_then(Value::as_str) {
            println!("working {name}");
            wait_for(path).await;
        }
        println!("done {name} {count}");
    }
    Ok(json!({"batchItemFailures": failed}))
}
