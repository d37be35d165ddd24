//! The HTTP front.

use base64::Engine as _;
use embedded_aws::StackEvent;
use serde_json::{Value, json};

use crate::support::{options, start, start_with};

const TEMPLATE: &str = r"
Resources:
  Hooks:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hooks
      CodeUri: functions/hooks/
      Timeout: 5
      Events:
        Post: {Type: HttpApi, Properties: {Path: '/hooks/{source}', Method: post}}
        Get: {Type: HttpApi, Properties: {Path: '/hooks/{source}', Method: get}}
        Slow: {Type: HttpApi, Properties: {Path: /slow, Method: GET, TimeoutInMillis: 1000}}
        Files: {Type: HttpApi, Properties: {Path: '/files/{path+}', Method: ANY}}
  Switched:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/switched
      ReservedConcurrentExecutions: 1
      Events:
        Get: {Type: HttpApi, Properties: {Path: /switched, Method: GET}}
";

async fn json(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_an_event_of_payload_format_2() {
    let running = start(TEMPLATE).await;
    let base = running.stack.base_url();
    let response = reqwest::Client::new()
        .post(format!("{base}/hooks/ma%20utic%2Fx?a=1&b=two%20words&a=3&empty="))
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .header("Cookie", "c=1; d=2")
        .header("User-Agent", "test/1")
        .body(r#"{"x": "ü"}"#)
        .send()
        .await
        .unwrap();
    // The path is matched decoded, and an encoded slash is a slash.
    assert_eq!(response.status(), 404);
    let response = reqwest::Client::new()
        .post(format!("{base}/hooks/ma%20utic?a=1&b=two%20words&a=3&empty="))
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .header("Cookie", "c=1; d=2")
        .header("User-Agent", "test/1")
        .header("X-Forwarded-For", "203.0.113.7")
        .body(r#"{"x": "ü"}"#)
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("apigw-requestid"));
    let event = json(response).await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /hooks/{source}");
    assert_eq!(event["rawPath"], "/hooks/ma utic");
    assert_eq!(event["rawQueryString"], "a=1&b=two%20words&a=3&empty=");
    assert_eq!(event["queryStringParameters"], json!({"a": "1,3", "b": "two words", "empty": ""}));
    assert_eq!(event["pathParameters"], json!({"source": "ma utic"}));
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["body"], r#"{"x": "ü"}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let headers = &event["headers"];
    assert_eq!(headers["x-twice"], "one,two");
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(headers["x-forwarded-for"], "203.0.113.7, 127.0.0.1");
    assert_eq!(headers["content-length"], "11");
    assert_eq!(headers["host"], base.trim_start_matches("http://"));
    assert!(
        headers.get("cookie").is_none()
            && headers["x-amzn-trace-id"].as_str().unwrap().starts_with("Root=1-")
    );
    let context = &event["requestContext"];
    assert_eq!(
        context["http"],
        json!({
            "method": "POST", "path": "/hooks/ma utic", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
            "userAgent": "test/1",
        })
    );
    assert_eq!(
        (&context["stage"], &context["routeKey"]),
        (&json!("$default"), &json!("POST /hooks/{source}"))
    );
    assert!(context["timeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    let time = context["time"].as_str().unwrap();
    assert!(time.ends_with(" +0000") && time.len() == 26 && time.as_bytes()[2] == b'/', "{time}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_text_only_when_their_type_and_bytes_say_so() {
    let running = start(TEMPLATE).await;
    let url = format!("{}/hooks/x", running.stack.base_url());
    for (kind, body, as_text) in [
        (Some("application/json"), &b"{}"[..], true),
        (Some("text/plain"), b"hello", true),
        (Some("application/xml"), b"<a/>", true),
        (Some("application/json"), b"{\"bad\": \"\xff\"}", false),
        (Some("application/x-www-form-urlencoded"), b"a=1", false),
        (Some("application/octet-stream"), b"abc", false),
        (None, b"abc", false),
    ] {
        let mut request = reqwest::Client::new().post(&url).body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let event = json(request.send().await.unwrap()).await;
        let text = event["body"].as_str().unwrap();
        assert_eq!(event["isBase64Encoded"], !as_text, "{kind:?}");
        if as_text {
            assert_eq!(text.as_bytes(), body);
        } else {
            assert_eq!(base64::engine::general_purpose::STANDARD.decode(text).unwrap(), body);
        }
    }
    let event = json(reqwest::get(format!("{}/files/a/b", running.stack.base_url())).await.unwrap()).await;
    assert!(event.get("body").is_none() && event["isBase64Encoded"] == false);
    assert!(event.get("queryStringParameters").is_none() && event.get("cookies").is_none());
    assert_eq!(event["pathParameters"], json!({"path": "a/b"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_the_function_is_the_response() {
    let running = start(TEMPLATE).await;
    let url = format!("{}/hooks/x", running.stack.base_url());
    let response = reqwest::get(format!("{url}?mode=headers")).await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-made-by"], "echo");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(&response.bytes().await.unwrap()[..], [0, 1, 2]);
    let response = reqwest::get(format!("{url}?mode=raw")).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(json(response).await, json!({"message": "no status"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_answered_in_the_words_of_the_gateway() {
    let mut running = start(TEMPLATE).await;
    let base = running.stack.base_url().to_owned();
    let answer = async |path: &str| {
        let response = reqwest::get(format!("{base}{path}")).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let message = |text: &str| format!(r#"{{"message":"{text}"}}"#);
    assert_eq!(answer("/nowhere").await, (404, message("Not Found")));
    // The route exists for other methods only.
    let response = reqwest::Client::new().delete(format!("{base}/hooks/x")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    for mode in ["fail", "exit", "malformed"] {
        assert_eq!(
            answer(&format!("/hooks/x?mode={mode}")).await,
            (500, message("Internal Server Error")),
            "{mode}"
        );
    }
    // The gateway waits one second for this route.
    assert_eq!(answer("/slow?mode=slow&millis=3000").await, (503, message("Service Unavailable")));
    // The function died above; the next request is served by a new process.
    assert_eq!(answer("/hooks/x").await.0, 200);
    let served = running
        .wait("a served request", |event| match event {
            StackEvent::RequestServed { path, status: 503, function, method, .. } => {
                Some((method.clone(), path.clone(), function.clone()))
            }
            _ => None,
        })
        .await;
    assert_eq!(served, ("GET".to_owned(), "/slow".to_owned(), Some("hooks".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_limits_are_refused_before_the_function_sees_them() {
    let running = start(TEMPLATE).await;
    let url = format!("{}/hooks/x", running.stack.base_url());
    let post = async |body: Vec<u8>, kind: &str| {
        let response =
            reqwest::Client::new().post(&url).header("Content-Type", kind).body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = post(vec![b'x'; 4 * 1_048_576], "text/plain").await;
    // The function got it; what it echoes is above what the gateway's answer may be in no way.
    assert_eq!(status, 200, "{}", &text[..100]);
    let too_long = (413, r#"{"message":"Request Too Long"}"#.to_owned());
    assert_eq!(post(vec![b'x'; 6_291_556], "text/plain").await, too_long);
    // Every byte of this becomes two in JSON.
    assert_eq!(post(vec![b'"'; 3_500_000], "text/plain").await, too_long);
    // And three become four in base64.
    assert_eq!(post(vec![0; 5_000_000], "application/octet-stream").await, too_long);
    let too_large = (413, r#"{"message":"Request Entity Too Large"}"#.to_owned());
    assert_eq!(post(vec![b'x'; 10 * 1_048_576 + 1], "text/plain").await, too_large);
    let invocations = running.stack.status().functions["hooks"].invocations;
    assert_eq!(invocations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_concurrency_throttles_and_the_default_waits() {
    let running = start(TEMPLATE).await;
    let base = running.stack.base_url().to_owned();
    let get = async |path: &str| reqwest::get(format!("{base}{path}")).await.unwrap().status().as_u16();
    let (first, second) = tokio::join!(get("/switched?mode=slow&millis=1500"), async {
        crate::support::until("the first runs", async || {
            running.stack.status().functions["Switched"].running == 1
        })
        .await;
        get("/switched").await
    });
    assert_eq!((first, second), (200, 503));
    assert_eq!(running.stack.status().functions["Switched"].throttles, 1);
    // Two processes serve six requests one after the other.
    let six = ["/files/1", "/files/2", "/files/3", "/files/4", "/files/5", "/files/6"];
    let mut answers = tokio::task::JoinSet::new();
    for path in six {
        let url = format!("{base}{path}?mode=slow&millis=50");
        answers.spawn(async move { reqwest::get(url).await.unwrap().status().as_u16() });
    }
    assert_eq!(answers.join_all().await, [200; 6]);
    assert!(running.stack.status().functions["hooks"].idle_processes <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_listens_on_the_port_it_is_told_and_lists_its_routes() {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut wanted = options(TEMPLATE);
    wanted.port = port;
    let running = start_with(wanted.clone()).await;
    let base = format!("http://127.0.0.1:{port}");
    assert_eq!(running.stack.base_url(), base);
    let routes = running.stack.routes();
    assert_eq!(routes[0], ("POST".to_owned(), format!("{base}/hooks/{{source}}"), "hooks".to_owned()));
    assert_eq!(routes.len(), 5);
    let error = embedded_aws::Stack::start(wanted).await.unwrap_err();
    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
}
