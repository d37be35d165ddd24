//! `bridge visitor` tells who somebody is to the bridge, what was sent, and why nothing was.

use scenarios::{Folder, Program};
use serde_json::json;

use crate::BRIDGE;
use crate::visitors_become_contacts::{agreed, dealt_with, identify, sent, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_found_by_any_id_and_every_event_says_what_became_of_it() {
    let mut world = world(json!({})).await;
    let folder = Folder::new();
    world.announce(&folder);
    let data = folder.path().display().to_string();
    let visitor = async |who: &str, json: bool| {
        let mut arguments = vec!["visitor", who, "--data", &data];
        arguments.extend(json.then_some("--json"));
        Program::start(BRIDGE, &arguments).end().await
    };
    sent(&world, json!([{ "type": "page", "anonymousId": "b1", "context": agreed() }])).await;
    dealt_with(&mut world, 1).await;
    let nobody = visitor("b1", false).await;
    assert_eq!(nobody.code, Some(0), "{}", nobody.text());
    for told in ["dropped_no_email", "nobody has named an e-mail", "203.0.113.50", "agreed to marketing"] {
        assert!(nobody.text().contains(told), "{told}: {}", nobody.text());
    }

    let mut who =
        identify("u1", &json!({ "email": "Jane@example.com", "first_name": "Jane", "country": "Atlantis" }));
    who["anonymousId"] = json!("b1");
    sent(&world, json!([who])).await;
    dealt_with(&mut world, 2).await;
    sent(
        &world,
        json!([{ "type": "track", "event": "Signed Up", "userId": "u1", "properties": { "method": "sso" } }]),
    )
    .await;
    dealt_with(&mut world, 3).await;
    for id in ["jane@example.com", "JANE@example.com", "u1", "b1"] {
        let ended = visitor(id, false).await;
        let text = ended.text();
        assert_eq!(ended.code, Some(0), "{id}: {text}");
        for told in ["Mautic contact 1", "created", "201", "country refused", "Signed Up", "sso", "Jane"] {
            assert!(text.contains(told), "{id}, {told}: {text}");
        }
    }
    let ended = visitor("jane@example.com", true).await;
    let found: serde_json::Value = serde_json::from_str(&ended.text()).unwrap();
    assert_eq!(found["people"][0]["sent"]["contact"]["id"], "1");
    assert_eq!(found["identities"].as_array().map(Vec::len), Some(2));
    let forgotten =
        Program::start(BRIDGE, ["visitor", "u1", "--forget", "--yes", "--data", &data]).end().await;
    assert!(forgotten.text().contains("Forgotten"), "{}", forgotten.text());
    assert_eq!(visitor("jane@example.com", false).await.code, Some(1), "nothing is left");
    assert_eq!(world.systems.mautic.contacts().len(), 1, "the contact stays");
    assert_eq!(visitor("somebody@example.com", false).await.code, Some(1));
    world.stop().await;
}
