//! Killing the stack, and what is there after it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded_aws::{Stack, StackError};
use serde_json::{Value, json};

use crate::support::{example, is_running, options, start_with, until};

const TEMPLATE: &str = r"
Resources:
  Store:
    Type: AWS::SQS::Queue
    Properties: {QueueName: store.fifo, FifoQueue: true, VisibilityTimeout: 4}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: table
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  Work:
    Type: AWS::SQS::Queue
    Properties: {QueueName: work, VisibilityTimeout: 20}
  Push:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: push
      CodeUri: functions/push
      Timeout: 20
      Events:
        Get: {Type: HttpApi, Properties: {Path: /x, Method: GET}}
        Work: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}
";

/// A stack in a process of its own.
struct Served {
    child: Child,
    ready: Value,
    /// Kept, or the child could not print any more.
    output: BufReader<std::process::ChildStdout>,
}

/// Nothing that a failed test started outlives it.
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(directory: &Path) -> Served {
    let template = directory.join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let mut child = Command::new(example("serve-stack"))
        .arg(&template)
        .arg(example("echo-function"))
        .arg(directory.join("data"))
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    Served {
        child,
        ready: serde_json::from_str(&line).unwrap_or_else(|_| panic!("not ready: {line}")),
        output,
    }
}

impl Served {
    fn text(&self, pointer: &str) -> &str {
        self.ready.pointer(pointer).unwrap().as_str().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn process_of_the_function(&self) -> u32 {
        let response = reqwest::get(format!("{}/x", self.text("/base"))).await.unwrap();
        assert_eq!(response.status(), 200);
        response.headers()["x-process"].to_str().unwrap().parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let client = crate::checks::client(served.text("/sqs"));
    let url = served.text("/queues/store.fifo").to_owned();
    let send = async |client: &aws_sdk_sqs::Client, url: &str, body: &str| {
        let message = client.send_message().queue_url(url).message_body(body).message_group_id(&body[..1]);
        message.message_deduplication_id(body).send().await.unwrap()
    };
    let mut answers = Vec::new();
    for body in ["a1", "a2", "b1", "c1"] {
        answers.push(send(&client, &url, body).await);
    }
    // One message deleted, one in flight, when the stack dies.
    let receive = client.receive_message().queue_url(&url);
    let first = receive.clone().send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(first.body(), Some("a1"));
    client
        .delete_message()
        .queue_url(&url)
        .receipt_handle(first.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let second = receive.send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(second.body(), Some("a2"));
    // And senders that go on until the stack dies, each told that its messages are safe.
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..8 {
        let (client, url, acknowledged) = (client.clone(), url.clone(), Arc::clone(&acknowledged));
        senders.spawn(async move {
            for number in 0.. {
                let body = format!("m{sender}-{number}");
                let message = client.send_message().queue_url(&url).message_body(&body);
                let message = message.message_group_id(&body).message_deduplication_id(&body);
                match message.send().await {
                    Ok(_) => acknowledged.lock().unwrap().push(body),
                    Err(_) => return,
                }
            }
        });
    }
    until("many were sent", async || acknowledged.lock().unwrap().len() > 200).await;
    served.kill();
    senders.join_all().await;
    let acknowledged: Vec<String> = std::mem::take(&mut acknowledged.lock().unwrap());

    let served = serve(directory.path());
    let client = crate::checks::client(served.text("/sqs"));
    let url = served.text("/queues/store.fifo").to_owned();
    let mut expected: Vec<String> = acknowledged.iter().map(|body| format!("{body} 1")).collect();
    expected.extend(["a2 2".to_owned(), "b1 1".to_owned(), "c1 1".to_owned()]);
    // The group of the message in flight is still blocked, then the message comes again with its count.
    let mut found = Vec::new();
    until("all came back", async || {
        let receive =
            client.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(5);
        let receive = receive.message_system_attribute_names("All".into());
        for message in receive.send().await.unwrap().messages.unwrap_or_default() {
            let handle = message.receipt_handle().unwrap();
            client.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
            let count = &message.attributes.as_ref().unwrap()[&"ApproximateReceiveCount".into()];
            found.push(format!("{} {count}", message.body().unwrap()));
        }
        // Counting is not enough: a sender's last message may be there without its answer having come through.
        expected.iter().all(|message| found.contains(message))
    })
    .await;
    assert!(found.len() <= expected.len() + 8, "{} came of {}", found.len(), expected.len());
    // The deduplication ids are remembered, and numbers go on rising.
    let again = send(&client, &url, "b1").await;
    assert_eq!(again.message_id, answers[2].message_id);
    let new = send(&client, &url, "d1").await;
    assert!(new.sequence_number > answers[3].sequence_number);
    served.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_function_was_killed_with_the_stack_is_handled_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let client = crate::checks::client(served.text("/sqs"));
    let url = served.text("/queues/work").to_owned();
    let (begun, go_on) = (directory.path().join("begun"), directory.path().join("go-on"));
    let body = json!({"name": "slow", "touch": begun, "waitFor": go_on}).to_string();
    client.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    until("the function works", async || begun.exists()).await;
    served.kill();
    std::fs::write(&go_on, "").unwrap();

    let mut wanted = options(TEMPLATE);
    wanted.data = Some(directory.path().join("data"));
    let mut running = start_with(wanted).await;
    let handled = running.line_from("done slow").await;
    assert_ne!(handled, "done slow 1", "the first receive was forgotten");
    running.stack.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_end_by_themselves_when_the_stack_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let served = serve(directory.path());
    let process = served.process_of_the_function().await;
    assert!(is_running(process));
    served.kill();
    until("the function has ended", async || !is_running(process)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_lets_running_work_finish_and_ends_everything() {
    let directory = tempfile::tempdir().unwrap();
    let mut served = serve(directory.path());
    let process = served.process_of_the_function().await;
    let go_on = directory.path().join("go-on");
    let slow = reqwest::Client::new().get(format!("{}/x", served.text("/base")));
    let slow = slow.query(&[("mode", "wait"), ("path", go_on.to_str().unwrap())]);
    let slow = tokio::spawn(async move { slow.send().await.unwrap().status().as_u16() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // As a terminal does it: to the whole group, of which the functions must not be members.
    let group = rustix::process::Pid::from_raw(i32::try_from(served.child.id()).unwrap()).unwrap();
    let function = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    assert_ne!(rustix::process::getpgid(Some(function)).unwrap(), group);
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    let address = served.text("/base").trim_start_matches("http://").to_owned();
    until("nobody listens any more", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
    assert!(!slow.is_finished());
    std::fs::write(&go_on, "").unwrap();
    assert_eq!(slow.await.unwrap(), 200);
    let mut last = String::new();
    served.output.read_line(&mut last).unwrap();
    assert_eq!(last, "stopped\n");
    assert!(served.child.wait().unwrap().success());
    assert!(!is_running(process));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_survive_and_a_changed_layout_or_a_second_stack_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut wanted = options(TEMPLATE);
    wanted.data = Some(directory.path().to_path_buf());
    let running = start_with(wanted.clone()).await;
    let second = Stack::start(wanted.clone()).await.unwrap_err();
    assert!(
        matches!(second, StackError::Data { .. }) && second.to_string().contains("another stack"),
        "{second}"
    );
    let endpoint = running.stack.endpoints().dynamodb.clone();
    let put = json!({"TableName": "table", "Item": {"pk": {"S": "kept"}}});
    assert_eq!(dynamodb(&endpoint, "PutItem", &put).await, json!({}));
    running.stack.stop(Duration::from_secs(10)).await;

    let running = start_with(wanted.clone()).await;
    let get = json!({"TableName": "table", "Key": {"pk": {"S": "kept"}}});
    let found = dynamodb(&running.stack.endpoints().dynamodb, "GetItem", &get).await;
    assert_eq!(found, json!({"Item": {"pk": {"S": "kept"}}}));
    running.stack.stop(Duration::from_secs(10)).await;

    wanted.template_text = TEMPLATE.replace("AttributeName: pk", "AttributeName: other");
    let error = Stack::start(wanted).await.unwrap_err().to_string();
    assert!(error.contains("other keys or indexes"), "{error}");
}

/// A raw call: what is asked for is what the file holds, not what an SDK makes of it.
async fn dynamodb(endpoint: &str, operation: &str, request: &Value) -> Value {
    let response = reqwest::Client::new()
        .post(endpoint)
        .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("X-Amz-Date", "20261121T100000Z")
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=local/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
        )
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    response.json().await.unwrap()
}
