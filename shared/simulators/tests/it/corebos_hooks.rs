//! The "Run Web Service" tasks of coreBOS: what a receiver gets, and what it can see. Beside the recorded story.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use simulators::corebos::{CoreBosOptions, CoreBosSimulator, Trigger, WorkflowHook, start, webservice_map};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::corebos_client::{Caller, Receiver, standing};

async fn hook(simulator: &CoreBosSimulator, trigger: Trigger, address: &str, path: &str) {
    let map = format!("hook{path}");
    let event = if trigger == Trigger::Deletion { "delete" } else { "save" };
    let text =
        webservice_map(&format!("http://{address}/{path}"), ("X-Hook-Secret", "getSetting(key)"), event);
    simulator.put_map_of_type(&map, "Webservice Mapping", &text).await.unwrap();
    simulator.add_workflow_hook(WorkflowHook { module: "Contacts".to_owned(), trigger, map });
}

#[tokio::test]
async fn a_hook_carries_a_flat_body_and_the_secret_of_the_settings() {
    let (simulator, _) = standing().await;
    let receiver = Receiver::start().await;
    simulator.put_setting("key", "s3cret");
    hook(&simulator, Trigger::EverySave, &receiver.address(), "save").await;
    let id = simulator.create("Contacts", &json!({"lastname": "A", "mautic_id": "381"})).await.unwrap();
    simulator.create("Leads", &json!({"lastname": "B", "company": "C"})).await.unwrap();
    let hooks = receiver.received();
    assert_eq!(hooks.len(), 1, "other modules have no workflow");
    assert_eq!(hooks[0].headers.get("x-hook-secret").unwrap(), "s3cret");
    let crmid = id.split_once('x').unwrap().1;
    let body = json!({"event": "save", "module": "Contacts", "id": id, "crmid": crmid,
        "modifiedtime": "2026-11-21 02:00:00", "modifiedby": "1", "mautic_id": "381", "hubspotid": ""});
    assert_eq!(hooks[0].json(), body);
}

#[tokio::test]
async fn a_delete_fires_the_hooks_of_a_change_and_then_its_own_while_the_record_is_there() {
    let (simulator, _) = standing().await;
    let receiver = Receiver::start().await;
    hook(&simulator, Trigger::Deletion, &receiver.address(), "delete").await;
    hook(&simulator, Trigger::Modification, &receiver.address(), "modify").await;
    hook(&simulator, Trigger::FirstSave, &receiver.address(), "create").await;
    let id = simulator.create("Contacts", &json!({"lastname": "A"})).await.unwrap();
    simulator.edit(&id, &json!({"lastname": "A"})).await.unwrap();
    simulator.delete(&id).await.unwrap();
    let paths: Vec<String> = receiver.received().iter().map(|received| received.path.clone()).collect();
    assert_eq!(paths, ["/create", "/modify", "/delete", "/modify"], "in the order of the workflows");
}

#[tokio::test]
async fn a_receiver_that_answers_an_array_breaks_the_save() {
    let (simulator, _) = standing().await;
    let receiver = Receiver::start().await;
    let id = simulator.create("Contacts", &json!({"lastname": "Before"})).await.unwrap();
    hook(&simulator, Trigger::EverySave, &receiver.address(), "array").await;
    let caller = Caller::login(&simulator, "sync").await;
    let element = json!({"id": id, "lastname": "After"}).to_string();
    let form = [("operation", "revise"), ("sessionName", caller.session.as_str()), ("element", &element)];
    let answer = caller.http.post(&caller.url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(simulator.record(&id).unwrap()["lastname"], "Before", "the transaction is not committed");
    simulator.clear_workflow_hooks();
    hook(&simulator, Trigger::EverySave, &receiver.address(), "fail").await;
    assert_eq!(caller.revise(json!({"id": id, "lastname": "After"})).await["lastname"], "After");
}

/// A receiver that reads the record a hook names, over HTTP, before it answers the hook.
async fn reading_receiver(simulator: &CoreBosSimulator) -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (seen, looks) = mpsc::channel(8);
    let caller = Arc::new(Caller::login(simulator, "admin").await);
    let handler = move |body: String| {
        let (seen, caller) = (seen.clone(), Arc::clone(&caller));
        async move {
            let body: Value = serde_json::from_str(&body).unwrap();
            let answer = caller.call("retrieve", &[("id", body["id"].as_str().unwrap())]).await;
            seen.send(answer).await.unwrap();
            "{}"
        }
    };
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().fallback(handler)).await.unwrap();
    });
    (address, looks)
}

#[tokio::test]
async fn a_receiver_of_a_webservice_write_sees_the_old_record() {
    for (before_commit, wanted) in [(true, "Old"), (false, "New")] {
        let options = CoreBosOptions { hooks_before_commit: before_commit, ..CoreBosOptions::default() };
        let simulator = start(options).await.unwrap();
        let (address, mut looks) = reading_receiver(&simulator).await;
        let id = simulator.create("Contacts", &json!({"lastname": "Old"})).await.unwrap();
        hook(&simulator, Trigger::EverySave, &address, "save").await;
        let writer = Caller::login(&simulator, "sync").await;
        writer.revise(json!({"id": id, "lastname": "New"})).await;
        assert_eq!(looks.recv().await.unwrap()["result"]["lastname"], wanted);
        let element = json!({"lastname": "Made", "assigned_user_id": "19x5"});
        writer.create("Contacts", element).await;
        let seen = looks.recv().await.unwrap();
        assert_eq!(seen["success"], json!(!before_commit), "a new record is not there yet: {seen}");
        simulator.edit(&id, &json!({"lastname": "Screen"})).await.unwrap();
        assert_eq!(
            looks.recv().await.unwrap()["result"]["lastname"],
            "Screen",
            "a person's save has committed"
        );
    }
}

/// A receiver that starts a call of its own at the first hook, gives it time, and answers.
async fn calling_receiver(
    caller: Caller,
    operation: &'static str,
    element: Value,
) -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (answered, answers) = mpsc::channel(8);
    let first = Arc::new(std::sync::Mutex::new(Some(caller)));
    let handler = move || {
        let (answered, caller, element) = (answered.clone(), first.lock().unwrap().take(), element.clone());
        async move {
            if let Some(caller) = caller {
                tokio::spawn(async move {
                    let id = element["id"].as_str().unwrap().to_owned();
                    let text = element.to_string();
                    let answer = caller.call(operation, &[("id", &id), ("element", &text)]).await;
                    answered.send(answer).await.unwrap();
                });
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            "{}"
        }
    };
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().fallback(handler)).await.unwrap();
    });
    (address, answers)
}

#[tokio::test]
async fn a_call_of_the_same_session_waits_for_the_one_before_it() {
    let (simulator, _) = standing().await;
    let id = simulator.create("Contacts", &json!({"lastname": "Old"})).await.unwrap();
    let writer = Caller::login(&simulator, "sync").await;
    let same = Caller { http: writer.http.clone(), url: writer.url.clone(), session: writer.session.clone() };
    let (address, mut answers) = calling_receiver(same, "retrieve", json!({"id": id})).await;
    hook(&simulator, Trigger::EverySave, &address, "save").await;
    writer.revise(json!({"id": id, "lastname": "New"})).await;
    assert_eq!(answers.recv().await.unwrap()["result"]["lastname"], "New");
}

#[tokio::test]
async fn two_writes_of_one_record_follow_each_other_and_lose_nothing() {
    let (simulator, _) = standing().await;
    let id = simulator.create("Contacts", &json!({"lastname": "Old"})).await.unwrap();
    let writer = Caller::login(&simulator, "sync").await;
    let other = Caller::login(&simulator, "admin").await;
    let (address, mut answers) = calling_receiver(other, "revise", json!({"id": id, "mobile": "2"})).await;
    hook(&simulator, Trigger::EverySave, &address, "save").await;
    let revised = writer.revise(json!({"id": id, "phone": "1"})).await;
    assert_eq!((&revised["phone"], &revised["mobile"]), (&json!("1"), &json!("")));
    assert_eq!(answers.recv().await.unwrap()["success"], json!(true));
    let record = simulator.record(&id).unwrap();
    assert_eq!((&record["phone"], &record["mobile"]), (&json!("1"), &json!("2")));
}
