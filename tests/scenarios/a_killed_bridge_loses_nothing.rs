//! `bridge up --data`: kill -9 and a restart lose nothing and double nothing; Ctrl-C ends it well.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use bridge::simulated::{Simulated, TRIGGERS, WEBHOOK_SECRET};
use scenarios::{Folder, Program, Written, simulators, text};
use serde_json::json;
use simulators::faults::Fault;

use crate::BRIDGE;

/// How long the bridge may take, also on a busy machine, and with the waits that an outage has made.
const PATIENCE: Duration = Duration::from_secs(90);

/// `bridge up`, or the same with short leases, and Mautic's webhook pointed at it.
async fn up(systems: &Simulated, short_lived: bool, config: &Path, data: &Path) -> (Program, u64) {
    let mut arguments: Vec<OsString> = Vec::new();
    if short_lived {
        arguments.extend(["short-lived-up".into(), config.into(), data.into()]);
    } else {
        arguments.extend(["up".into(), "--config".into(), config.into(), "--data".into(), data.into()]);
        arguments.extend(["--port".into(), "0".into()]);
    }
    let mut program = Program::start(BRIDGE, arguments);
    let line = program.until_said("/webhooks/mautic").await;
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("a URL").to_owned();
    (program, systems.mautic.add_webhook(&url, WEBHOOK_SECRET, &TRIGGERS))
}

async fn arrived(systems: &Simulated, ids: &[u64], program: &mut Program) {
    let begun = Instant::now();
    for id in ids {
        while systems.mautic.contact(*id).is_none_or(|contact| text(&contact, "corebos_id").is_empty()) {
            program.listen();
            assert!(
                begun.elapsed() < PATIENCE,
                "contact {id} never arrived; the bridge said {:#?}",
                program.said
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for id in ids {
        let records = systems.corebos.records("Contacts");
        let twins = records.iter().filter(|record| text(record, "mautic_id") == id.to_string()).count();
        assert_eq!(twins, 1, "contact {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_while_the_bridge_is_killed_arrives_once_after_its_restart() {
    let (systems, folder) = (simulators().await, Folder::new());
    let config = folder.write("bridge.toml", Written::of(&systems).text());
    let data = folder.path().join("data");
    let (mut first, hook) = up(&systems, false, &config, &data).await;
    systems.corebos.stop_listening().await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        let fields =
            json!({ "lastname": format!("Number {number}"), "email": format!("{number}@example.org") });
        ids.extend(systems.mautic.create_contact(&fields).await);
    }
    assert_eq!(ids.len(), 3);
    for id in &ids {
        first.until_said(&format!("contact {id}: waits")).await;
    }
    // Killed between two attempts the story is quick; within one it waits for the message's visibility of a minute.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let ended = first.kill().await;
    assert_eq!(ended.code, None, "a signal has ended it");
    systems.mautic.remove_webhook(hook);
    systems.corebos.listen_again().await.unwrap();
    let (mut second, _) = up(&systems, false, &config, &data).await;
    arrived(&systems, &ids, &mut second).await;
    second.interrupt();
    assert_eq!(second.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_while_the_bridge_is_killed_arrives_once_after_its_restart() {
    let (systems, folder) = (simulators().await, Folder::new());
    let config = folder.write("bridge.toml", Written::of(&systems).text());
    let data = folder.path().join("data");
    let (first, hook) = up(&systems, true, &config, &data).await;
    systems.corebos.faults().add(Fault::delay(Duration::from_secs(2)).operation("create").times(3));
    let mut ids = Vec::new();
    for number in 1..=3 {
        // Without an e-mail only the id that travels with the create can tell that it was done.
        let fields = json!({ "lastname": format!("Number {number}") });
        ids.extend(systems.mautic.create_contact(&fields).await);
    }
    let begun = Instant::now();
    while systems.corebos.faults().active() > 0 {
        assert!(begun.elapsed() < PATIENCE, "coreBOS was never asked to create all three");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.kill().await;
    systems.mautic.remove_webhook(hook);
    let (mut second, _) = up(&systems, true, &config, &data).await;
    arrived(&systems, &ids, &mut second).await;
    let all = systems.corebos.records("Contacts");
    assert_eq!(all.len(), 3);
    second.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_c_ends_it_well_and_says_what_is_left_in_the_queues() {
    let (systems, folder) = (simulators().await, Folder::new());
    let config = folder.write("bridge.toml", Written::of(&systems).text());
    let data = folder.path().join("data");
    let (mut program, _) = up(&systems, false, &config, &data).await;
    systems.corebos.stop_listening().await;
    let id = systems.mautic.create_contact(&json!({ "lastname": "Waits" })).await.unwrap();
    program.until_said(&format!("contact {id}: waits")).await;
    program.interrupt();
    let ended = program.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    // The notice of the webhook, and perhaps one of the poll about the same contact.
    let left = ended.text().split("stopped; ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(left.is_some_and(|left: u32| left >= 1), "{}", ended.text());
    assert!(ended.text().contains("messages in the queues, kept for the next start"), "{}", ended.text());
    assert!(!ended.text().contains('\u{1b}'), "no colours in a pipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_do_not_share_a_folder() {
    let (systems, folder) = (simulators().await, Folder::new());
    let config = folder.write("bridge.toml", Written::of(&systems).text());
    let data = folder.path().join("data");
    let (first, _) = up(&systems, false, &config, &data).await;
    let arguments = [
        "up",
        "--config",
        &config.display().to_string(),
        "--data",
        &data.display().to_string(),
        "--port",
        "0",
    ];
    let second = Program::start(BRIDGE, arguments).end().await;
    assert_eq!(second.code, Some(1));
    assert!(second.text().contains("another stack is using it"), "{}", second.text());
    first.interrupt();
    assert_eq!(first.end().await.code, Some(0));
}
