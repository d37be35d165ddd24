//! Every sample event is fed to its function, and does what it says here.

mod hubspot;

use std::collections::BTreeSet;

use aws::SecretString;
use aws::gateway::Request;
use bridge::simulated::{SAMPLE_KEYS, SAMPLE_SECRETS};
use model::{Notice, NoticeKind, System};
use scenarios::{World, simulators, start_stack, text, world_of};
use serde_json::Value;
use sync::memory::{MemoryClock, MemoryQueue};
use webhook_mautic::Ports;

use crate::{BRIDGE, campaign_events, visitor_events};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// File, status, notices: each the id of a contact, or object and id, with `-` before it when it is said to be gone.
const WEBHOOKS: &[(&str, u16, &str)] = &[
    ("association-changed-19-kb", 200, "1"),
    ("company-deleted", 200, "-company 2"),
    ("company-saved", 200, "company 2"),
    ("contact-deleted", 200, "-19"),
    ("contact-deleted-anonymous", 200, "-22"),
    // The loser of a merge looks like any deletion; push-corebos finds out.
    ("contact-deleted-by-merge", 200, "-21"),
    ("contact-new", 200, "1"),
    ("contact-new-form-merge", 200, "25"),
    ("contact-updated", 200, "1"),
    ("contact-updated-merge-winner", 200, "20"),
    ("contact-updated-stale-boolean", 200, "17"),
    ("fields-empty", 200, "47"),
    ("invalid-utf-8", 200, "47"),
    ("not-json", 400, ""),
    ("old-secret", 200, "47"),
    ("page-hit", 200, ""),
    ("points-changed", 200, "1"),
    // Ten events of contacts 1 and 34 and a company; 34 was created and deleted again.
    ("queue-of-five-types", 200, "1 company 3 -34"),
    ("queue-second-body", 200, "1"),
    ("segment-changed", 200, ""),
    ("subscription-changed", 200, "1"),
    ("ten-in-one-body", 200, "101 102 103 104 105 106 107 108 109 110"),
    // Its ids may be those of real contacts.
    ("test-payload", 200, ""),
    ("unknown-event", 200, "48"),
    ("unsigned", 401, ""),
    // The id as a text is good, the ones that are no ids are told and passed over.
    ("wrong-shapes", 200, "47 49"),
    ("wrong-signature", 401, ""),
];

/// File, status, notices, as above: each the module and the id of a record.
const COREBOS_WEBHOOKS: &[(&str, u16, &str)] = &[
    ("account-saved", 200, "Accounts 11x8588"),
    ("contact-deleted", 200, "-Contacts 12x8608"),
    ("contact-saved", 200, "Contacts 12x8608"),
    ("form", 200, "Contacts 12x8608"),
    ("json-under-form-type", 200, "Contacts 12x8608"),
    ("list", 400, ""),
    ("no-key", 401, ""),
    ("no-webservice-id", 400, ""),
    ("not-json", 400, ""),
    ("old-key", 200, "Contacts 12x8608"),
    // No pair has products.
    ("other-module", 200, ""),
    ("unknown-event", 200, "Contacts 12x8608"),
    ("wrong-key", 401, ""),
];

/// The files for the poll and push functions; each has a test below.
const OTHERS: &[&str] = &[
    "poll-corebos.at-once",
    "poll-corebos.tick",
    "poll-mautic.at-once",
    "poll-mautic.tick",
    "push-corebos.batch-of-ten",
    "push-corebos.contact-deleted",
    "push-corebos.contact-saved",
    "push-corebos.poison",
    "push-mautic.account-saved",
    "push-mautic.contact-deleted",
    "push-mautic.contact-saved",
    "push-mautic.not-ours",
];

pub(crate) fn event(name: &str) -> Value {
    let text = std::fs::read(format!("{FOLDER}/{name}.json")).expect(name);
    serde_json::from_slice(&text).expect(name)
}

#[test]
fn every_sample_event_is_tested_and_listed() {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            files.insert(name);
        }
    }
    let webhooks = WEBHOOKS.iter().map(|(case, ..)| format!("webhook-mautic.{case}.json"));
    let corebos = COREBOS_WEBHOOKS.iter().map(|(case, ..)| format!("webhook-corebos.{case}.json"));
    let hubspot = hubspot::WEBHOOKS.iter().map(|(case, ..)| format!("webhook-hubspot.{case}.json"));
    let others = OTHERS.iter().chain(hubspot::OTHERS).map(|case| format!("{case}.json"));
    let visitors = visitor_events::WEBHOOKS.iter().map(|(case, ..)| format!("webhook-signal.{case}.json"));
    let visitors =
        visitors.chain(visitor_events::PUSHES.iter().map(|case| format!("push-visitor.{case}.json")));
    let campaigns =
        campaign_events::WEBHOOKS.iter().map(|(case, ..)| format!("webhook-campaign.{case}.json"));
    let campaigns =
        campaigns.chain(campaign_events::PUSHES.iter().map(|case| format!("push-wordpress.{case}.json")));
    let tested: BTreeSet<String> =
        webhooks.chain(corebos).chain(hubspot).chain(others).chain(visitors).chain(campaigns).collect();
    assert_eq!(files, tested);
    let readme = std::fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    let listed = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let listed: BTreeSet<String> = listed.filter(|file| file.contains('.')).map(str::to_owned).collect();
    assert_eq!(listed, tested, "the table in events/README.md");
}

fn told(notices: &[Notice]) -> String {
    let each = notices.iter().map(|notice| {
        let (object, id) = (notice.record.object.as_str(), &notice.record.id);
        let gone = if notice.kind == NoticeKind::Saved { "" } else { "-" };
        if object == "contact" { format!("{gone}{id}") } else { format!("{gone}{object} {id}") }
    });
    each.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_webhook_becomes_the_notices_that_its_body_names() {
    let (mautic, corebos): (System, System) =
        ("mautic:main".parse().unwrap(), "corebos:main".parse().unwrap());
    let secrets = SAMPLE_SECRETS.map(SecretString::from);
    let sites: [System; 1] = ["wordpress:shop".parse().unwrap()];
    for (case, status, notices) in WEBHOOKS {
        let queue = MemoryQueue::towards([corebos.clone(), sites[0].clone()]);
        let clock = MemoryClock::default();
        let ports = Ports { mautic: &mautic, corebos: &corebos, sites: &sites, queue: &queue, clock: &clock };
        let request = Request::from_event(event(&format!("webhook-mautic.{case}"))).expect(case);
        let answer = webhook_mautic::handle(&request, &secrets, &ports).await;
        let queued = queue.take(&corebos);
        assert_eq!((answer.status, told(&queued).as_str()), (*status, *notices), "{case}: {}", answer.body);
        for notice in &queued {
            assert_eq!(notice.record.system, mautic, "{case}");
        }
        // Sites hear of the same contacts, and of those whose segments changed.
        let people = told(&queue.take(&sites[0]));
        let contacts: Vec<&Notice> =
            queued.iter().filter(|notice| notice.record.object.as_str() == "contact").collect();
        let expected = contacts.iter().map(|notice| told(std::slice::from_ref(*notice))).collect::<Vec<_>>();
        let segments = if *case == "segment-changed" { "1" } else { "" };
        assert_eq!(people, expected.join(" ") + segments, "{case}: what the site hears of");
        let receipts: BTreeSet<&str> = queued.iter().map(|notice| notice.receipt.as_str()).collect();
        assert_eq!(receipts.len(), queued.len(), "{case}: receipts are unique");
    }
}

#[tokio::test]
async fn a_save_in_corebos_becomes_the_notice_that_its_body_names() {
    let (mautic, corebos): (System, System) =
        ("mautic:main".parse().unwrap(), "corebos:main".parse().unwrap());
    let keys = SAMPLE_KEYS.map(SecretString::from);
    let targets = [mautic.clone()];
    for (case, status, notices) in COREBOS_WEBHOOKS {
        let queue = MemoryQueue::towards(targets.clone());
        let clock = MemoryClock::at("2026-11-21T02:28:54Z".parse().unwrap());
        let ports =
            webhook_corebos::Ports { corebos: &corebos, targets: &targets, queue: &queue, clock: &clock };
        let request = Request::from_event(event(&format!("webhook-corebos.{case}"))).expect(case);
        let answer = webhook_corebos::handle(&request, &keys, &ports).await;
        let queued = queue.take(&mautic);
        assert_eq!((answer.status, told(&queued).as_str()), (*status, *notices), "{case}: {}", answer.body);
        assert!(answer.body.is_object(), "{case}: a list would break the user's save");
        for notice in &queued {
            assert_eq!(notice.record.system, corebos, "{case}");
            assert!(notice.modified_at.is_some(), "{case}: a push must know what it has to wait for");
        }
    }
}

/// A world whose Mautic knows the contacts 1 to 3, whom no webhook has told of.
async fn seeded() -> World {
    let systems = simulators().await;
    systems.seed().await;
    let config = systems.config().unwrap();
    world_of(BRIDGE, systems, &config, scenarios::Unusual::default()).await
}

/// Invokes push-corebos with a sample event and gives the ids of the messages that it hands back to the queue.
async fn push(world: &mut World, case: &str) -> Vec<String> {
    pushed(world, &format!("push-corebos.{case}")).await
}

/// Invokes a push function with a sample event.
async fn pushed(world: &mut World, file: &str) -> Vec<String> {
    let function = file.split('.').next().unwrap();
    let answer = world.local.stack.invoke(function, &event(file)).await.unwrap();
    assert_eq!(answer.error, None, "{:#?}", answer.log_lines);
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    world.quiet().await;
    let failures = answer["batchItemFailures"].as_array().expect("a batch response");
    failures.iter().map(|failure| text(failure, "itemIdentifier")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_contact_is_pushed() {
    let mut world = seeded().await;
    assert_eq!(push(&mut world, "contact-saved").await, Vec::<String>::new());
    let record = world.systems.corebos.find("Contacts", "mautic_id", "1").expect("Ada in coreBOS");
    assert_eq!((text(&record, "firstname"), text(&record, "lastname")), ("Ada".into(), "Lovelace".into()));
    assert_eq!(text(&world.systems.mautic.contact(1).unwrap(), "corebos_id"), text(&record, "id"));
    assert_eq!(world.systems.corebos.records("Contacts").len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_a_contact_that_nobody_knows_changes_nothing() {
    let mut world = seeded().await;
    assert_eq!(push(&mut world, "contact-deleted").await, Vec::<String>::new());
    assert_eq!(world.corebos_writes(), 0);
    let pushed = world.told("change pushed");
    assert_eq!(
        (text(&pushed[0], "outcome"), text(&pushed[0], "reason")),
        ("skipped".into(), "never_linked".into())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_notices_of_three_contacts_make_three_records() {
    let mut world = seeded().await;
    assert_eq!(push(&mut world, "batch-of-ten").await, Vec::<String>::new());
    for id in ["1", "2", "3"] {
        assert_eq!(world.corebos_contacts_with("mautic_id", id), 1, "contact {id}");
    }
    assert_eq!(world.corebos_writes(), 3, "three creates and nothing else");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_notice_goes_to_the_dead_letters_and_the_next_one_is_pushed() {
    let systems = simulators().await;
    systems.seed().await;
    let config = systems.config().unwrap();
    let local = start_stack(BRIDGE, &config, scenarios::Unusual::default()).await;
    let answer = local.stack.invoke("push-corebos", &event("push-corebos.poison")).await.unwrap();
    assert_eq!(answer.error, None);
    let payload: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(payload["batchItemFailures"], serde_json::json!([]));
    assert!(systems.corebos.find("Contacts", "mautic_id", "2").is_some(), "the notice behind it was pushed");
    let queues = local.stack.status().queues;
    let letters: usize =
        queues.iter().filter(|(name, _)| name.contains("dead")).map(|(_, queue)| queue.visible).sum();
    assert_eq!(letters, 1, "{queues:?}");
    local.stack.stop(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_corebos_contact_is_pushed() {
    let mut world = scenarios::world(BRIDGE).await;
    let fields =
        serde_json::json!({ "firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org" });
    let id = world.systems.corebos.create("Contacts", &fields).await.unwrap();
    assert_eq!(id, "12x8588", "the id in the sample");
    assert_eq!(pushed(&mut world, "push-mautic.contact-saved").await, Vec::<String>::new());
    let contacts = world.systems.mautic.contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!((text(&contacts[0], "lastname"), text(&contacts[0], "corebos_id")), ("Lovelace".into(), id));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_account_is_pushed() {
    let mut world = scenarios::world(BRIDGE).await;
    let account =
        serde_json::json!({ "accountname": "Analytical Engines", "website": "engines.example.org" });
    let id = world.systems.corebos.create("Accounts", &account).await.unwrap();
    assert_eq!(id, "11x8588", "the id in the sample");
    assert_eq!(pushed(&mut world, "push-mautic.account-saved").await, Vec::<String>::new());
    let companies = world.systems.mautic.companies();
    assert_eq!(companies.len(), 1);
    let company = (text(&companies[0], "companyname"), text(&companies[0], "company_corebos_id"));
    assert_eq!(company, ("Analytical Engines".into(), id));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deletion_of_a_corebos_contact_that_nobody_knows_changes_nothing() {
    let mut world = scenarios::world(BRIDGE).await;
    assert_eq!(pushed(&mut world, "push-mautic.contact-deleted").await, Vec::<String>::new());
    assert_eq!(world.mautic_writes(), 0);
    assert_eq!(text(&world.told("change pushed")[0], "reason"), "never_linked");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_a_module_that_no_pair_has_stays_and_an_administrator_is_told() {
    let mut world = scenarios::world(BRIDGE).await;
    assert_eq!(pushed(&mut world, "push-mautic.not-ours").await.len(), 1);
    let told = world.told("change waits for an administrator");
    assert!(text(&told[0], "detail").contains("Leads"), "{told:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_polls_once_and_then_waits_for_its_time_and_at_once_does_not() {
    let mut world = scenarios::world(BRIDGE).await;
    for (function, objects) in
        [("poll-corebos", ["Contacts", "Accounts"]), ("poll-mautic", ["contact", "company"])]
    {
        // The schedule may have fired before us: then it is not due any more.
        let first: Value = tick(&mut world, function, "tick").await;
        let second: Value = tick(&mut world, function, "tick").await;
        let forced: Value = tick(&mut world, function, "at-once").await;
        for object in objects {
            assert!(
                first[object] == "not due" || first[object]["outcome"] == "complete",
                "{function}: {first}"
            );
            assert_eq!(second[object], "not due", "{function}");
            assert_eq!(forced[object]["outcome"], "complete", "{function}");
        }
    }
    world.stop().await;
}

async fn tick(world: &mut World, function: &str, case: &str) -> Value {
    let answer = world.local.stack.invoke(function, &event(&format!("{function}.{case}"))).await.unwrap();
    assert_eq!(answer.error, None, "{:#?}", answer.log_lines);
    serde_json::from_slice(&answer.payload).unwrap()
}
