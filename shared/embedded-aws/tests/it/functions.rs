//! Functions as processes over the Runtime API.

use std::collections::BTreeMap;
use std::time::Duration;

use embedded_aws::{InvokeAnswer, InvokeRefused, StackEvent};
use serde_json::{Value, json};

use crate::support::{is_running, options, start, start_with, until};

const TEMPLATE: &str = r"
Parameters:
  Greeting: {Type: String, Default: hello}
Globals:
  Function:
    Timeout: 2
    MemorySize: 256
    Environment:
      Variables:
        GREETING: !Ref Greeting
Resources:
  Work:
    Type: AWS::SQS::Queue
    Properties: {QueueName: work}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      CodeUri: functions/echo
      Environment:
        Variables:
          QUEUE_URL: !Ref Work
          QUEUE_ARN: !GetAtt Work.Arn
";

fn payload(answer: &InvokeAnswer) -> Value {
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_reaches_a_process_that_is_used_again() {
    let running = start(TEMPLATE).await;
    let first = running.stack.invoke("echo", &json!({"x": [1, "ü"]})).await.unwrap();
    let first_json = payload(&first);
    assert_eq!(first.error, None);
    assert_eq!(first_json["echo"], json!({"x": [1, "ü"]}));
    assert_eq!(first_json["requestId"], first.request_id);
    assert_eq!(first_json["arn"], "arn:aws:lambda:us-east-1:000000000000:function:echo");
    let left = first_json["deadline"].as_i64().unwrap() - jiff_now_ms();
    assert!((0..=2_000).contains(&left) || left < 0, "the deadline is {left} ms away");
    // By its logical id too.
    let second = running.stack.invoke("Echo", &json!({})).await.unwrap();
    assert_eq!(payload(&second)["process"], first_json["process"]);
    let status = running.stack.status().functions["echo"];
    assert_eq!((status.idle_processes, status.running, status.invocations, status.errors), (1, 0, 2, 0));
    let missing = running.stack.invoke("nobody", &json!({})).await.unwrap_err();
    assert_eq!(missing, InvokeRefused::NoFunction("nobody".to_owned()));
}

fn jiff_now_ms() -> i64 {
    embedded_aws::Clock::system().now_ms()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_lambdas_environment_and_not_the_developers() {
    let mut wanted = options(TEMPLATE);
    wanted.parameters = BTreeMap::from([("Greeting".to_owned(), "hola".to_owned())]);
    wanted.extra_environment = BTreeMap::from([
        (
            "*".to_owned(),
            BTreeMap::from([("EXTRA".to_owned(), "all".to_owned()), ("LEVEL".to_owned(), "1".to_owned())]),
        ),
        ("echo".to_owned(), BTreeMap::from([("EXTRA".to_owned(), "one".to_owned())])),
    ]);
    let running = start_with(wanted).await;
    let answer = running.stack.invoke("echo", &json!({"mode": "environment"})).await.unwrap();
    let environment = payload(&answer)["environment"].clone();
    let endpoints = running.stack.endpoints();
    for (name, expected) in [
        ("GREETING", "hola"),
        ("EXTRA", "one"),
        ("LEVEL", "1"),
        ("QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:work"),
        ("QUEUE_URL", running.stack.queue_urls()["work"].as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "echo"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL_SQS", endpoints.sqs.as_str()),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb.as_str()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoints.secrets.as_str()),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(environment[name], expected, "{name}");
    }
    // Cargo sets this for the test, and nobody set it for the function.
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_PKG_NAME"));
    assert!(environment.get("CARGO_PKG_NAME").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_reported_as_lambda_reports_them() {
    let running = start(TEMPLATE).await;
    let invoke = async |mode: &str| {
        let answer = running.stack.invoke("echo", &json!({"mode": mode})).await.unwrap();
        let json = payload(&answer);
        let error = answer.error.expect("the function failed");
        assert_eq!(
            (json["errorType"].as_str(), json["errorMessage"].as_str()),
            (Some(&*error.error_type), Some(&*error.message))
        );
        (error.error_type.clone(), error.message.replace(&answer.request_id, "ID"))
    };
    let (_, message) = invoke("fail").await;
    assert_eq!(message, "asked to fail");
    let exit = "Runtime.ExitError".to_owned();
    assert_eq!(
        invoke("exit").await,
        (exit.clone(), "RequestId: ID Error: Runtime exited with error: exit status 7".to_owned())
    );
    assert_eq!(
        invoke("abort").await,
        (exit, "RequestId: ID Error: Runtime exited with error: signal: aborted".to_owned())
    );
    let timed_out = "RequestId: ID Error: Task timed out after 2.00 seconds".to_owned();
    assert_eq!(invoke("hang").await, ("Sandbox.Timedout".to_owned(), timed_out));
    let status = running.stack.status().functions["echo"];
    assert_eq!((status.invocations, status.errors, status.running, status.idle_processes), (4, 4, 0, 0));
    assert!(running.stack.invoke("echo", &json!({})).await.unwrap().error.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_six_megabytes_is_an_error_and_one_below_is_not() {
    let running = start(TEMPLATE).await;
    // Two quotation marks come on top.
    let invoke = async |bytes: usize| {
        running.stack.invoke("echo", &json!({"mode": "big", "bytes": bytes})).await.unwrap()
    };
    assert_eq!(invoke(6_291_554).await.payload.len(), 6_291_556);
    let error = invoke(6_291_555).await.error.unwrap();
    assert_eq!(error.error_type, "Function.ResponseSizeTooLarge");
    assert!(error.message.contains("6291557 bytes"), "{}", error.message);
    let big = json!({"x": "y".repeat(6_291_556)});
    let refused = running.stack.invoke("echo", &big).await.unwrap_err();
    assert!(matches!(refused, InvokeRefused::TooLarge { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_belong_to_the_invocation_that_wrote_them() {
    let mut running = start(TEMPLATE).await;
    for name in ["first", "second"] {
        let answer = running.stack.invoke("echo", &json!({"mode": "log", "for": name})).await.unwrap();
        assert_eq!(answer.log_lines.last().unwrap(), &format!("a line for {name}"));
        let started = answer.log_lines.iter().filter(|line| line.starts_with("started as process")).count();
        assert_eq!(started, usize::from(name == "first"), "{:?}", answer.log_lines);
        let told = running
            .wait("the line", |event| match event {
                StackEvent::FunctionLog { line, request_id, function } if line.starts_with("a line") => {
                    Some((line.clone(), request_id.clone(), function.clone()))
                }
                _ => None,
            })
            .await;
        assert_eq!(told, (format!("a line for {name}"), Some(answer.request_id), "echo".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_start_says_why_and_is_tried_again() {
    let mut wanted = options(TEMPLATE);
    wanted.extra_environment =
        BTreeMap::from([("echo".to_owned(), BTreeMap::from([("ECHO_START".to_owned(), "exit".to_owned())]))]);
    let mut running = start_with(wanted).await;
    for _ in 0..3 {
        let answer = running.stack.invoke("echo", &json!({})).await.unwrap();
        let error = answer.error.unwrap();
        assert_eq!(error.error_type, "Runtime.ExitError");
        assert!(error.message.ends_with("exit status 3"), "{}", error.message);
        assert_eq!(answer.log_lines, ["leaving before the first event"]);
    }
    let ended = running
        .wait("an end", |event| match event {
            StackEvent::ProcessExited { status, function, .. } => Some((function.clone(), status.clone())),
            _ => None,
        })
        .await;
    assert_eq!(ended, ("echo".to_owned(), "exit status: 3".to_owned()));

    let mut missing = options(TEMPLATE);
    missing.launcher = std::sync::Arc::new(|_| tokio::process::Command::new("/no/such/program"));
    let running = start_with(missing).await;
    let error = running.stack.invoke("echo", &json!({})).await.unwrap().error.unwrap();
    assert_eq!(error.error_type, "Runtime.InvalidEntrypoint");
    assert!(error.message.contains("/no/such/program"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_reaches_the_queue_with_the_sdk() {
    let running = start(TEMPLATE).await;
    let event =
        json!({"mode": "send", "queue": running.stack.queue_urls()["work"], "body": "from the function"});
    let answer = running.stack.invoke("echo", &event).await.unwrap();
    assert_eq!(answer.error, None);
    assert_eq!(running.stack.status().queues["work"].visible, 1);
    let client = crate::checks::client(&running.stack.endpoints().sqs);
    let received =
        client.receive_message().queue_url(&running.stack.queue_urls()["work"]).send().await.unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("from the function"));
    assert_eq!(message.message_id(), payload(&answer)["messageId"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_work_finish_and_ends_every_process() {
    let mut running = start(TEMPLATE).await;
    let process =
        payload(&running.stack.invoke("echo", &json!({})).await.unwrap())["process"].as_u64().unwrap();
    let process = u32::try_from(process).unwrap();
    assert!(is_running(process));
    let queue = running.stack.queue_urls()["work"].clone();
    assert!(queue.contains("/000000000000/work"));
    running.stack.stop(Duration::from_secs(10)).await;
    assert!(!is_running(process));
    running.events.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_with_a_shutdown_hook_gets_to_say_goodbye() {
    let mut wanted = options(TEMPLATE);
    wanted.extra_environment = BTreeMap::from([(
        "echo".to_owned(),
        BTreeMap::from([("ECHO_START".to_owned(), "graceful".to_owned())]),
    )]);
    let running = start_with(wanted).await;
    running.stack.invoke("echo", &json!({})).await.unwrap();
    let crate::support::Running { stack, mut events, .. } = running;
    stack.stop(Duration::from_secs(10)).await;
    let mut lines = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let StackEvent::FunctionLog { line, .. } = event {
            lines.push(line);
        }
    }
    assert!(lines.iter().any(|line| line == "said goodbye"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_stack_ends_its_processes_too() {
    let mut running = start(&TEMPLATE.replace("Timeout: 2", "Timeout: 600")).await;
    let process =
        payload(&running.stack.invoke("echo", &json!({})).await.unwrap())["process"].as_u64().unwrap();
    let idle = u32::try_from(process).unwrap();
    // One that waits for work, and one that hangs in its work and would never notice.
    let slow = json!({"mode": "slow", "millis": 300});
    let both = tokio::join!(running.stack.invoke("echo", &slow), running.stack.invoke("echo", &slow));
    let processes: Vec<u32> = [both.0, both.1]
        .map(|answer| u32::try_from(payload(&answer.unwrap())["process"].as_u64().unwrap()).unwrap())
        .into();
    assert!(processes.contains(&idle) && processes[0] != processes[1], "{processes:?}");
    let stack = std::sync::Arc::new(running.stack);
    let hanging = std::sync::Arc::clone(&stack);
    let hanging = tokio::spawn(async move { hanging.invoke("echo", &json!({"mode": "hang"})).await });
    until("the hanging one runs", async || stack.status().functions["echo"].running == 1).await;
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    assert!(processes.iter().all(|process| is_running(*process)));
    drop(stack);
    until("all have ended", async || processes.iter().all(|process| !is_running(*process))).await;
    running.events.close();
}
