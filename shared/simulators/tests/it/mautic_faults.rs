//! Faults on request, and a Mautic that goes away and comes back.

use std::time::Duration;

use serde_json::json;
use simulators::faults::{Fault, FaultKind};
use simulators::mautic::{self, MauticOptions};

use crate::mautic_listener::Listener;
use crate::mautic_quirks::Api;

#[tokio::test]
async fn a_lost_answer_has_done_its_work_and_a_dropped_connection_has_not() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    let sent = json!({"email": "a@example.test"});
    mautic.faults().add(Fault::new(FaultKind::DropConnection).method("POST").path("/contacts/new").times(1));
    api.try_send("POST", "/api/contacts/new", &sent).await.unwrap_err();
    assert!(mautic.contacts().is_empty());
    mautic.faults().add(Fault::new(FaultKind::LoseAnswer).times(1));
    api.try_send("POST", "/api/contacts/new", &sent).await.unwrap_err();
    assert_eq!(mautic.contacts().len(), 1);
    mautic.faults().add(Fault::new(FaultKind::AnswerAfterWork(500)).times(1));
    let (status, answer) = api.send("PATCH", "/api/contacts/1/edit", &json!({"city": "Bilbao"})).await;
    assert_eq!(status, 500);
    assert!(
        answer["errors"][0]["message"].as_str().unwrap().starts_with("Looks like I encountered an error")
    );
    assert_eq!(mautic.contact(1).unwrap()["city"], "Bilbao");
    let statuses: Vec<Option<u16>> = mautic.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, None, Some(500)]);
}

#[tokio::test]
async fn work_done_twice_creates_once_because_mautic_finds_the_email() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    mautic.faults().add(Fault::new(FaultKind::WorkTwice).times(1));
    let (status, _) = api.send("POST", "/api/contacts/new", &json!({"email": "a@example.test"})).await;
    assert_eq!((status, mautic.contacts().len()), (200, 1));
}

#[tokio::test]
async fn statuses_come_in_mautics_words_and_with_retry_after_only_when_asked() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    mautic.faults().add(Fault::rate_limit(7).path("/api/contacts").times(1));
    let refused = api.try_send("GET", "/api/contacts", &json!({})).await.unwrap();
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["Retry-After"], "7");
    assert!(refused.text().await.unwrap().contains("You exceeded the rate limit"));
    mautic.faults().add(Fault::delay(Duration::from_millis(20)).times(1));
    mautic.faults().add(Fault::status(503).times(1));
    assert_eq!(api.send("GET", "/api/contacts", &json!({})).await.0, 503);
    assert_eq!(api.send("GET", "/api/contacts", &json!({})).await.0, 200);
    assert_eq!(mautic.faults().active(), 0);
}

#[tokio::test]
async fn a_closed_port_refuses_and_the_same_port_opens_again() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    assert_eq!(api.send("GET", "/api/contacts", &json!({})).await.0, 200);
    mautic.stop_listening().await;
    let refused = api.try_send("GET", "/api/contacts", &json!({})).await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    let url = mautic.url();
    mautic.listen_again().await.unwrap();
    assert_eq!(mautic.url(), url);
    assert_eq!(api.send("GET", "/api/contacts", &json!({})).await.0, 200);
    mautic.stop().await;
    assert!(api.try_send("GET", "/api/contacts", &json!({})).await.is_err());
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let data = std::env::temp_dir().join(format!("mautic-simulator-{}.json", std::process::id()));
    let options = MauticOptions { data: Some(data.clone()), ..MauticOptions::default() };
    let mautic = mautic::start(options.clone()).await.unwrap();
    let listener = Listener::start().await;
    mautic.add_webhook(&listener.url, "secret", &["mautic.lead_post_save_new"]);
    let one = mautic.create_contact(&json!({"email": "a@example.test", "amount": 12})).await.unwrap();
    let other = mautic.create_contact(&json!({"email": "b@example.test", "vip": true})).await.unwrap();
    mautic.merge_contacts(one, other).await;
    let before = mautic.contacts();
    mautic.stop().await;
    let mautic = mautic::start(options).await.unwrap();
    assert_eq!(mautic.contacts(), before);
    let (status, answer) = Api::of(&mautic).send("GET", &format!("/api/contacts/{other}"), &json!({})).await;
    assert_eq!((status, answer["contact"]["id"].as_u64()), (200, Some(one)));
    listener.taken();
    let next = mautic.create_contact(&json!({"email": "c@example.test"})).await.unwrap();
    assert!(next > other, "ids are not used again");
    assert_eq!(listener.taken().len(), 1, "the webhook is there");
    mautic.stop().await;
    std::fs::remove_file(&data).unwrap();

    std::fs::write(&data, "no snapshot").unwrap();
    let broken = MauticOptions { data: Some(data.clone()), ..MauticOptions::default() };
    assert_eq!(mautic::start(broken).await.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    std::fs::remove_file(&data).unwrap();
}

#[tokio::test]
async fn repeated_delivery_sends_the_same_bytes_twice() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let listener = Listener::start().await;
    mautic.add_webhook(&listener.url, "secret", &["mautic.lead_post_save_new"]);
    mautic.set_repeated_delivery(true);
    mautic.create_contact(&json!({"email": "a@example.test"})).await.unwrap();
    let posts = listener.taken();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].body, posts[1].body);
}

#[tokio::test]
async fn input_of_any_kind_is_answered() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    let deep = (0..200).fold(json!("x"), |inner, _| json!([inner]));
    let odd = [
        json!(null),
        json!(17),
        json!("text"),
        json!([]),
        json!([[1], {"a": deep}]),
        json!({"email": {"a": [1]}, "tags": {"x": [[]]}, "points": "1e999", "companies": "x", "owner": [1]}),
        json!({"score_n": 1e308, "amount": "-0.0", "points": 9_223_372_036_854_775_807_i64, "doNotContact": ["x", {"reason": {}}]}),
        json!({"id": -1, "ids": [null, -5, 1e300], "lastActive": "\u{0}", "last_order": "9999999-99-99", "call_at": ":::"}),
    ];
    for (method, path) in [
        ("POST", "/api/contacts/new"),
        ("POST", "/api/contacts/batch/new"),
        ("PATCH", "/api/contacts/batch/edit"),
        ("PUT", "/api/contacts/1/edit"),
        ("PATCH", "/api/contacts/1/edit"),
        ("POST", "/api/contacts/1/points/plus/9223372036854775807"),
        ("POST", "/api/contacts/1/dnc/email/add"),
        ("POST", "/api/contacts/1/utm/add"),
        ("POST", "/api/companies/new"),
        ("PATCH", "/api/companies/batch/edit"),
        ("POST", "/api/fields/contact/new"),
        ("POST", "/api/hooks/new"),
        ("POST", "/api/segments/new"),
        (
            "GET",
            "/api/contacts?where[0][expr]=orX&where[0][val]=x&order[0][col][]=1&limit=-1&start=99999999999999999999",
        ),
        ("GET", "/api/contacts/99999999999999999999999"),
        ("DELETE", "/api/contacts/batch/delete?ids[]=1&ids=,,x,-1"),
    ] {
        for body in &odd {
            let response = api.try_send(method, path, body).await.unwrap();
            assert!(response.status().as_u16() >= 200, "{method} {path}");
        }
    }
}
