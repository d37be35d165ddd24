//! Dead letters are looked at without being taken out, sent back in order, and dropped.

use bridge::stack::{Stack, StackOptions};
use model::{Notice, NoticeKind, ObjectName, RecordRef, SystemKind};
use scenarios::{Ended, Folder, Program, text, world};
use serde_json::{Value, json};

use crate::BRIDGE;

async fn dead_letters(folder: &Folder, arguments: &[&str]) -> Ended {
    let data = folder.path().display().to_string();
    let arguments = ["deadletters"].iter().chain(arguments).copied().chain(["--data", data.as_str()]);
    Program::start(BRIDGE, arguments).end().await
}

async fn send(sqs: &aws::Clients, url: &str, group: &str, body: &str, number: usize) {
    let call = sqs.sqs.send_message().queue_url(url).message_body(body).message_group_id(group);
    call.message_deduplication_id(format!("m-{number}")).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_sent_back_in_order_and_what_is_no_notice_stays_until_it_is_dropped() {
    let folder = Folder::new();
    let mut world = world(BRIDGE).await;
    world.announce(&folder);
    world.forget_mautics_webhook();
    let id = world.new_contact(&json!({ "lastname": "Dead", "email": "dead@example.org" })).await;
    let options = StackOptions { stack: None, data: Some(folder.path().to_owned()), port: 8787 };
    let stack = Stack::find(&options).await.unwrap();
    let queue = stack.environment.push_queue(SystemKind::CoreBos).unwrap();
    let dead_url = queue.dead_letters_url.unwrap();
    let contact =
        RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new("contact"), id.to_string());
    let notice = |receipt: &str| Notice {
        record: contact.clone(),
        kind: NoticeKind::Saved,
        receipt: receipt.to_owned(),
        received_at: "2026-11-21T08:00:00Z".parse().unwrap(),
        modified_at: None,
        command: None,
        event: None,
    };
    // Two notices in the dead letters, with something between them that is none.
    for (number, body) in [
        serde_json::to_string(&notice("first")).unwrap(),
        "{\"neither\":\"a notice\"}".to_owned(),
        serde_json::to_string(&notice("second")).unwrap(),
    ]
    .iter()
    .enumerate()
    {
        send(&stack.clients, &dead_url, &contact.key(), body, number).await;
    }
    for _ in 0..2 {
        // Looking twice shows the same: nothing is taken out.
        let listed = dead_letters(&folder, &["list", "--system", "corebos", "--json"]).await;
        let listed: Value = serde_json::from_str(&listed.text()).unwrap();
        let bodies: Vec<&str> =
            listed.as_array().unwrap().iter().filter_map(|l| l["body"].as_str()).collect();
        assert_eq!(bodies.len(), 3, "{listed}");
        assert!(bodies[0].contains("first") && bodies[2].contains("second"), "{listed}");
        assert_eq!((&listed[0]["record"], &listed[1]["notice"]), (&json!(contact.key()), &Value::Null));
    }
    let shown = dead_letters(&folder, &["list"]).await.text();
    assert!(shown.contains("towards coreBOS  3") && shown.contains("not a notice"), "{shown}");
    assert!(shown.contains("towards Mautic  none"), "{shown}");

    let redriven = dead_letters(&folder, &["redrive", "--all"]).await;
    assert_eq!(redriven.code, Some(1), "what stays is told with the exit code: {}", redriven.text());
    assert!(
        redriven.text().contains("2 sent back") && redriven.text().contains("1 left"),
        "{}",
        redriven.text()
    );
    world.corebos_contact_of(id).await;
    world.until_told("change pushed", |line| text(line, "change.id") == "second").await;
    let pushed: Vec<String> = world
        .told("change pushed")
        .iter()
        .map(|line| text(line, "change.id"))
        .filter(|id| !id.is_empty())
        .collect();
    let place = |receipt: &str| pushed.iter().position(|id| id == receipt);
    assert!(place("first") < place("second"), "{pushed:?}");

    let listed = dead_letters(&folder, &["list", "--json"]).await.text();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let left = text(&listed[0], "id");
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let unknown = dead_letters(&folder, &["drop", "no-such-id", "--yes"]).await;
    assert_eq!(unknown.code, Some(1), "{}", unknown.text());
    let unsure = dead_letters(&folder, &["drop", &left[..8]]).await;
    assert_eq!(unsure.code, Some(1), "{}", unsure.text());
    let dropped = dead_letters(&folder, &["drop", &left[..8], "--yes"]).await;
    assert_eq!(dropped.code, Some(0), "{}", dropped.text());
    let none = dead_letters(&folder, &["redrive", "--all"]).await;
    assert!(none.code == Some(0) && none.text().contains("no dead letters"), "{}", none.text());
    world.stop().await;
}
