//! Every sample event of the functions for users of sites is fed to its function, and does what it says here.

use aws::SecretString;
use aws::gateway::Request;
use bridge::simulated::SAMPLE_ACCESS_KEY;
use connector_mautic::campaign::AccessKeys;
use model::{Notice, System, UserAction};
use scenarios::{Unusual, World, text, wordpress_systems, world_of};
use serde_json::{Value, json};
use simulators::wordpress::WordPressOptions;
use sync::memory::{MemoryClock, MemoryQueue};
use webhook_campaign::Ports;

use crate::BRIDGE;
use crate::events::event;

/// File, status, and the contacts for whom something is queued.
pub(crate) const WEBHOOKS: &[(&str, u16, &str)] = &[
    ("add-by-header", 200, "1"),
    ("add-by-query", 200, "1"),
    ("global-test-payload", 200, ""),
    ("global-webhook", 200, "1 2 3"),
    ("no-action", 400, ""),
    ("no-contact", 400, ""),
    ("no-key", 403, ""),
    ("not-json", 400, ""),
    ("test", 200, ""),
    ("token-not-replaced", 400, ""),
    ("unknown-action", 400, ""),
    ("update-by-form", 200, "1"),
    ("update-tags-by-json", 200, "1"),
    ("wrong-key", 403, ""),
];

/// The files for push-wordpress; each has a test below.
pub(crate) const PUSHES: &[&str] = &["add", "another-site", "contact-gone", "poison", "saved"];

fn action_of(case: &str) -> UserAction {
    match case {
        _ if case.starts_with("add") => UserAction::Add,
        "update-tags-by-json" => UserAction::UpdateTags,
        _ => UserAction::Update,
    }
}

#[tokio::test]
async fn a_campaign_action_becomes_the_command_that_it_asks_for() {
    let (mautic, shop): (System, System) =
        ("mautic:main".parse().unwrap(), "wordpress:shop".parse().unwrap());
    let keys: AccessKeys = [("shop".to_owned(), vec![SecretString::from(SAMPLE_ACCESS_KEY)])].into();
    for (case, status, contacts) in WEBHOOKS {
        let queue = MemoryQueue::towards([shop.clone()]);
        let ports = Ports { mautic: &mautic, keys: &keys, queue: &queue, clock: &MemoryClock::default() };
        let request = Request::from_event(event(&format!("webhook-campaign.{case}"))).expect(case);
        let answer = webhook_campaign::handle(&request, &ports).await;
        let queued: Vec<Notice> = queue.take(&shop);
        let ids = queued.iter().map(|notice| notice.record.id.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!((answer.status, ids.as_str()), (*status, *contacts), "{case}: {}", answer.body);
        for notice in &queued {
            let command = notice.command.as_ref().expect(case);
            assert_eq!(command.action, action_of(case), "{case}");
            let asked = (command.role.as_deref(), command.send_notification);
            let expected =
                if *case == "add-by-query" { (Some("customer"), Some(true)) } else { (None, None) };
            assert_eq!(asked, expected, "{case}");
        }
        // What cannot be queued is not accepted, so that the campaign shows it.
        let ports = Ports { queue: &MemoryQueue::towards([]), ..ports };
        let again = webhook_campaign::handle(&request, &ports).await;
        let expected = if *status == 200 && *case != "test" { 503 } else { *status };
        assert_eq!(again.status, expected, "{case}: a site that this deployment does not have");
    }
}

/// A world with a site whose Mautic knows the contacts 1 to 3, into which a sample event is put.
async fn pushed(case: &str) -> (World, Value) {
    let (systems, config) = wordpress_systems(&json!({}), WordPressOptions::default()).await;
    systems.seed().await;
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let sample = event(&format!("push-wordpress.{case}"));
    let answer = world.local.stack.invoke("push-wordpress", &sample).await.unwrap();
    assert_eq!(answer.error, None, "{:#?}", answer.log_lines);
    world.listen();
    (world, serde_json::from_slice(&answer.payload).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_made_of_a_contact() {
    let (world, answer) = pushed("add").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let ada = world.user("ada@example.org");
    assert_eq!((ada.first_name.as_str(), ada.roles.as_slice()), ("Ada", &["customer".to_owned()][..]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_nobody_asked_for_is_no_user() {
    let (world, answer) = pushed("saved").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!((world.site_writes(), text(&world.last_pushed(), "outcome")), (0, "not_found".to_owned()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_not_there_is_told_and_done_with() {
    let (world, answer) = pushed("contact-gone").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(text(&world.last_pushed(), "outcome"), "no_contact");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_none_of_ours_is_told_and_holds_up_nobody() {
    let (world, answer) = pushed("another-site").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let outcomes: Vec<String> = world.told("user pushed").iter().map(|line| text(line, "outcome")).collect();
    assert!(
        outcomes.contains(&"not_ours".to_owned()) && outcomes.contains(&"created".to_owned()),
        "{outcomes:?}"
    );
    assert!(world.site().users_with("ada@example.org").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_notice_goes_to_the_dead_letters_and_the_next_user_is_made() {
    let (world, answer) = pushed("poison").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(world.user("grace@example.org").last_name, "Hopper");
    let queues = world.local.stack.status().queues;
    let letters = queues.iter().find(|(name, _)| name.starts_with("wordpress-changes-dead")).unwrap();
    assert_eq!(letters.1.visible, 1, "{queues:?}");
    world.stop().await;
}
