//! `ProcessMap`, over real HTTP. No call of it was recorded; the answers are what coreBOS's code gives.

use model::{Fields, ObjectName, RecordRef};
use serde_json::{Value, json};
use sync::{Connector as _, ConnectorError};

use crate::replay::{Replay, Reply};

const DESCRIBE: &str = "B001_describe_with_integration_fields_Contacts";

fn ana() -> RecordRef {
    RecordRef::new(&"corebos:main".parse().unwrap(), &ObjectName::new("Contacts"), "12x8589")
}

fn told(success: bool, body: &Value) -> Reply {
    let key = if success { "result" } else { "error" };
    Reply::other("ProcessMap", 200, "application/json", &json!({ "success": success, key: body }).to_string())
}

fn refused(code: &str, message: &str) -> Reply {
    told(false, &json!({ "code": code, "message": message }))
}

async fn processed(mut replies: Vec<Reply>) -> (Replay, Result<Fields, ConnectorError>) {
    replies.push(Reply::recorded(DESCRIBE));
    let server = Replay::with(replies).await;
    let answer = server.corebos().process_map("49x7", &ana()).await;
    (server, answer)
}

#[tokio::test]
async fn a_map_is_evaluated_for_a_record_by_a_form_that_names_both() {
    let result = json!({ "title": "gold", "points": 5, "tags": ["a"] });
    let (server, answer) = processed(vec![told(true, &result)]).await;
    let fields = answer.unwrap();
    assert_eq!(fields.text("title"), Some("gold"));
    assert_eq!(serde_json::to_value(&fields).unwrap(), result);
    let asked = &server.got("ProcessMap")[0];
    assert_eq!((asked.method.as_str(), asked.has_query), ("POST", false));
    assert_eq!(asked.parameters["mapid"], "49x7");
    let parameters: Value = serde_json::from_str(&asked.parameters["parameters"]).unwrap();
    assert_eq!(parameters, json!({ "infields": { "record_id": "12x8589" }, "outfields": {} }));
}

#[tokio::test]
async fn a_map_without_fields_is_an_empty_list() {
    let (_, answer) = processed(vec![told(true, &json!([]))]).await;
    assert_eq!(answer, Ok(Fields::default()));
    for other in [json!(["a"]), json!("text"), json!(false), Value::Null] {
        let (_, answer) = processed(vec![told(true, &other)]).await;
        assert!(matches!(answer, Err(ConnectorError::Rejected { .. })), "{other}: {answer:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_opened_again() {
    let over = refused("AUTHENTICATION_REQUIRED", "Authentication required");
    let again = [Reply::recorded("A001_getchallenge"), Reply::recorded("A002_login")];
    let replies = [over, told(true, &json!({ "a": "b" }))].into_iter().chain(again).collect();
    let (server, answer) = processed(replies).await;
    assert_eq!(answer.unwrap().text("a"), Some("b"));
    assert_eq!(server.got("ProcessMap").len(), 2);
}

#[tokio::test]
async fn an_exception_of_php_is_doubtful_and_an_outage_is_not() {
    for broken in [
        Reply::other("ProcessMap", 500, "text/html", ""),
        refused("INTERNAL_SERVER_ERROR", "Unknown Error while processing request"),
    ] {
        let (_, answer) = processed(vec![broken]).await;
        let Err(ConnectorError::Doubtful { detail }) = answer else { panic!("{answer:?}") };
        assert!(detail.contains("49x7"), "{detail}");
    }
    for (status, body) in [(502, "bad gateway"), (503, ""), (200, "<html>die()</html>")] {
        let (_, answer) = processed(vec![Reply::other("ProcessMap", status, "text/html", body)]).await;
        assert!(matches!(answer, Err(ConnectorError::Unavailable { .. })), "{status}: {answer:?}");
    }
}

#[tokio::test]
async fn a_map_that_is_not_there_is_told_from_a_record_that_is_not() {
    let denied = "Permission to perform the operation is denied";
    let (_, answer) = processed(vec![refused("ACCESS_DENIED", &format!("{denied} for id: 0"))]).await;
    let Err(ConnectorError::Misconfigured { detail }) = answer else { panic!("{answer:?}") };
    assert!(detail.contains("no Business Map 49x7"), "{detail}");

    let of_record = refused("ACCESS_DENIED", &format!("{denied}: infields module"));
    let (_, answer) = processed(vec![of_record.clone(), Reply::recorded("A055_retrieve_deleted")]).await;
    assert_eq!(answer, Err(ConnectorError::Gone));
    let (_, answer) = processed(vec![of_record, Reply::recorded("A019_retrieve_contact")]).await;
    assert!(matches!(answer, Err(ConnectorError::Forbidden { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_coreboss_engine_refuses_is_refused() {
    let (_, answer) =
        processed(vec![refused("INVALID_BUSINESSMAP", "Invalid Business Map identifier: Segments")]).await;
    assert!(matches!(answer, Err(ConnectorError::Rejected { .. })), "{answer:?}");
    let (_, answer) =
        processed(vec![refused("OPERATION_NOT_SUPPORTED", "business map type not supported")]).await;
    assert!(matches!(answer, Err(ConnectorError::Misconfigured { .. })), "{answer:?}");
}
