//! The AWS JSON 1.0 protocol of SQS: `POST /` with `X-Amz-Target: AmazonSQS.<Operation>`.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::batch::{self, Entry};
use super::broker::Broker;
use super::error::SqsError;
use super::message::{SendRequest, md5_of_attributes, md5_of_body};
use super::receive::ReceiveRequest;

/// A body over this is refused before it is parsed. A batch of 1 MiB can take several times that once escaped.
const MAX_REQUEST_BYTES: usize = 8 * 1_048_576;

/// Serves a broker.
pub(crate) fn router(broker: Broker) -> Router {
    Router::new()
        .route("/", post(handle))
        // The SDKs post to the root; older clients post to the queue's URL.
        .route("/{account}/{queue}", post(handle))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(broker)
}

async fn handle(State(broker): State<Broker>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let result = match target.strip_prefix("AmazonSQS.") {
        Some(operation) => perform(&broker, operation, &body).await,
        None => Err(SqsError::unsupported(target)),
    };
    let (status, error, json) = match result {
        Ok(json) => (StatusCode::OK, None, json),
        Err(error) => {
            let internal = error.is_internal();
            let status = if internal { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
            let fault = if internal { "Receiver" } else { "Sender" };
            let json =
                json!({"__type": format!("com.amazonaws.sqs#{}", error.shape()), "message": error.message});
            (status, HeaderValue::from_str(&format!("{};{fault}", error.code)).ok(), json)
        }
    };
    let mut response = (status, json.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(error) = error {
        headers.insert("x-amzn-query-error", error);
    }
    response
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct QueueRequest {
    queue_url: Option<String>,
    queue_name: Option<String>,
    queue_name_prefix: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    attributes: BTreeMap<String, String>,
    attribute_names: Vec<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
    source_arn: Option<String>,
    destination_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct BatchRequest<T> {
    #[serde(rename = "QueueUrl", default)]
    queue_url: Option<String>,
    #[serde(rename = "Entries", default = "Vec::new")]
    entries: Vec<Entry<T>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HandleRequest {
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

async fn perform(broker: &Broker, operation: &str, body: &[u8]) -> Result<Json, SqsError> {
    match operation {
        "SendMessage" => send(broker, body).await,
        "SendMessageBatch" => send_batch(broker, body).await,
        "ReceiveMessage" => {
            let request: ReceiveRequest = parse(body)?;
            let messages = broker.receive(&url(parse(body)?)?, &request).await?;
            Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
        }
        "DeleteMessage" => {
            let request: QueueRequest = parse(body)?;
            let handle = request.receipt_handle.clone().ok_or_else(|| SqsError::missing("ReceiptHandle"))?;
            let url = url(request)?;
            broker.commit(|state, now_ms| state.delete(&url, &handle, now_ms)).await?;
            Ok(json!({}))
        }
        "ChangeMessageVisibility" => {
            let request: QueueRequest = parse(body)?;
            let handle = request.receipt_handle.clone().ok_or_else(|| SqsError::missing("ReceiptHandle"))?;
            let seconds = request.visibility_timeout.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
            let url = url(request)?;
            broker.commit(|state, now_ms| state.change_visibility(&url, &handle, seconds, now_ms)).await?;
            Ok(json!({}))
        }
        "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => handle_batch(broker, operation, body).await,
        _ => perform_on_queue(broker, operation, parse(body)?).await,
    }
}

async fn perform_on_queue(broker: &Broker, operation: &str, request: QueueRequest) -> Result<Json, SqsError> {
    match operation {
        "CreateQueue" => {
            let name = request.queue_name.ok_or_else(|| SqsError::missing("QueueName"))?;
            let name =
                broker.commit(|state, now_ms| state.create(&name, &request.attributes, now_ms)).await?;
            Ok(json!({"QueueUrl": broker.lock().names.queue_url(&name)}))
        }
        "GetQueueUrl" => {
            let name = request.queue_name.ok_or_else(|| SqsError::missing("QueueName"))?;
            let state = broker.lock();
            if !state.queues.contains_key(&name) {
                return Err(SqsError::no_queue());
            }
            Ok(json!({"QueueUrl": state.names.queue_url(&name)}))
        }
        "ListQueues" => Ok(list_queues(broker, &request)),
        "GetQueueAttributes" => {
            let wanted = request.attribute_names.clone();
            let url = url(request)?;
            let attributes = broker.commit(|state, now_ms| state.describe(&url, &wanted, now_ms)).await?;
            Ok(if attributes.is_empty() { json!({}) } else { json!({"Attributes": attributes}) })
        }
        "SetQueueAttributes" => {
            let attributes = request.attributes.clone();
            let url = url(request)?;
            broker.commit(|state, now_ms| state.set_attributes(&url, &attributes, now_ms)).await?;
            Ok(json!({}))
        }
        "DeleteQueue" => {
            let url = url(request)?;
            broker.commit(|state, now_ms| state.delete_queue(&url, now_ms)).await?;
            Ok(json!({}))
        }
        "PurgeQueue" => {
            let url = url(request)?;
            broker.commit(|state, now_ms| state.purge(&url, now_ms)).await?;
            Ok(json!({}))
        }
        "ListDeadLetterSourceQueues" => {
            let url = url(request)?;
            broker.commit(|state, now_ms| state.queue(&url, now_ms).map(|_| ())).await?;
            let state = broker.lock();
            let arn = state.names.queue_arn(url.rsplit('/').next().unwrap_or_default());
            let sources = state.queues.values().filter(|queue| {
                queue.attributes.redrive.as_ref().is_some_and(|policy| policy.target_arn == arn)
            });
            let urls: Vec<String> = sources.map(|queue| state.names.queue_url(&queue.name)).collect();
            Ok(json!({"queueUrls": urls}))
        }
        "StartMessageMoveTask" => {
            let source = request.source_arn.ok_or_else(|| SqsError::missing("SourceArn"))?;
            let destination = request.destination_arn;
            let task = broker
                .commit(|state, now_ms| state.move_messages(&source, destination.as_deref(), now_ms))
                .await?;
            Ok(json!({"TaskHandle": task}))
        }
        "ListMessageMoveTasks" => {
            let source = request.source_arn.ok_or_else(|| SqsError::missing("SourceArn"))?;
            let tasks = broker.lock().describe_tasks(&source, request.max_results.unwrap_or(1));
            Ok(json!({"Results": tasks}))
        }
        "CancelMessageMoveTask" => Err(SqsError::no_task()),
        other => Err(SqsError::unsupported(other)),
    }
}

fn list_queues(broker: &Broker, request: &QueueRequest) -> Json {
    let state = broker.lock();
    let prefix = request.queue_name_prefix.as_deref().unwrap_or_default();
    let max = request.max_results.unwrap_or(1_000).clamp(1, 1_000);
    let after = request.next_token.as_deref().unwrap_or_default();
    let mut names = state.queues.keys().filter(|name| name.starts_with(prefix) && name.as_str() > after);
    let page: Vec<&String> = names.by_ref().take(max).collect();
    let urls: Vec<String> = page.iter().map(|name| state.names.queue_url(name)).collect();
    let mut answer = if urls.is_empty() { json!({}) } else { json!({"QueueUrls": urls}) };
    // SQS only pages when the request asks for pages.
    if request.max_results.is_some() && names.next().is_some() {
        answer["NextToken"] = json!(page.last());
    }
    answer
}

async fn send(broker: &Broker, body: &[u8]) -> Result<Json, SqsError> {
    let request: SendRequest = parse(body)?;
    let url = url(parse(body)?)?;
    send_one(broker, &url, request).await
}

async fn send_one(broker: &Broker, url: &str, request: SendRequest) -> Result<Json, SqsError> {
    let digest = digests(&request);
    let sent = broker.commit(|state, now_ms| state.send(url, request, now_ms)).await?;
    Ok(sent_answer(digest, sent))
}

fn digests(request: &SendRequest) -> Json {
    let mut answer =
        json!({"MD5OfMessageBody": md5_of_body(request.message_body.as_deref().unwrap_or_default())});
    if let Some(md5) = md5_of_attributes(&request.message_attributes) {
        answer["MD5OfMessageAttributes"] = json!(md5);
    }
    if let Some(md5) = md5_of_attributes(&request.message_system_attributes) {
        answer["MD5OfMessageSystemAttributes"] = json!(md5);
    }
    answer
}

fn sent_answer(mut answer: Json, sent: super::queue::Sent) -> Json {
    answer["MessageId"] = json!(sent.id);
    if let Some(number) = sent.sequence_number {
        answer["SequenceNumber"] = json!(number);
    }
    answer
}

async fn send_batch(broker: &Broker, body: &[u8]) -> Result<Json, SqsError> {
    let request: BatchRequest<SendRequest> = parse(body)?;
    let url = request.queue_url.ok_or_else(|| SqsError::missing("QueueUrl"))?;
    batch::check(&request.entries, "SendMessageBatchRequestEntry")?;
    batch::check_size(&request.entries)?;
    // One commit: the entries of a batch stand together in a FIFO queue and share one write to the disk.
    let results = broker
        .commit(|state, now_ms| {
            state.queue(&url, now_ms)?;
            let results = request.entries.into_iter().map(|entry| {
                let digest = digests(&entry.request);
                let sent = state.send(&url, entry.request, now_ms);
                (entry.id, sent.map(|sent| sent_answer(digest, sent)))
            });
            Ok(results.collect())
        })
        .await?;
    Ok(batch::answer(results))
}

async fn handle_batch(broker: &Broker, operation: &str, body: &[u8]) -> Result<Json, SqsError> {
    let request: BatchRequest<HandleRequest> = parse(body)?;
    let url = request.queue_url.ok_or_else(|| SqsError::missing("QueueUrl"))?;
    batch::check(&request.entries, &format!("{operation}RequestEntry"))?;
    let delete = operation == "DeleteMessageBatch";
    let results = broker
        .commit(|state, now_ms| {
            state.queue(&url, now_ms)?;
            let results = request.entries.into_iter().map(|entry| {
                let handle = entry.request.receipt_handle.unwrap_or_default();
                let result = if delete {
                    state.delete(&url, &handle, now_ms).map_err(SqsError::in_delete_batch)
                } else {
                    let seconds = entry.request.visibility_timeout;
                    let seconds = seconds.ok_or_else(|| SqsError::missing("VisibilityTimeout"));
                    seconds.and_then(|seconds| state.change_visibility(&url, &handle, seconds, now_ms))
                };
                (entry.id, result.map(|()| json!({})))
            });
            Ok(results.collect())
        })
        .await?;
    Ok(batch::answer(results))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    let body = if body.is_empty() { b"{}".as_slice() } else { body };
    serde_json::from_slice(body).map_err(|error| SqsError::malformed(error.to_string()))
}

fn url(request: QueueRequest) -> Result<String, SqsError> {
    request.queue_url.filter(|url| !url.is_empty()).ok_or_else(|| SqsError::missing("QueueUrl"))
}
