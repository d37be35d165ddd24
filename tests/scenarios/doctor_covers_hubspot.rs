//! `bridge doctor` looks at HubSpot as it looks at the others: content with what works, and each break by its name.

use bridge::doctor::{Check, Verdict, examine};
use bridge::setup::{Wanted, hubspot};
use bridge::simulated::{CLIENT_SECRET, start_untouched_with_hubspot};
use bridge::stack::Stack;
use jiff::SignedDuration;
use model::ObjectName;
use scenarios::{Unusual, World, world_of};
use serde_json::json;
use simulators::hubspot::{HubSpotOptions, Kind};
use sync::poll::{Pass, Position};
use sync::{Clock as _, Cursor, CursorStore as _, StateStore as _};

use crate::BRIDGE;

async fn set_up() -> (World, Stack) {
    let systems = start_untouched_with_hubspot(HubSpotOptions::default()).await.unwrap();
    let config = systems.config().unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    hubspot::apply(&mut hubspot::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    for function in ["poll-hubspot", "poll-corebos", "poll-mautic"] {
        world.poll_at_once(function).await;
    }
    world.quiet().await;
    (world, stack)
}

fn of_hubspot(checks: &[Check]) -> Vec<&Check> {
    checks.iter().filter(|check| format!("{check:?}").to_lowercase().contains("hubspot")).collect()
}

fn found<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    let found = checks.iter().find(|check| check.name.contains(name));
    found.unwrap_or_else(|| panic!("no {name:?} in {checks:#?}"))
}

/// The verdict about something, with what was seen and what to do.
fn tells(checks: &[Check], name: &str, verdict: Verdict, seen: &str) {
    let check = found(checks, name);
    assert!(check.verdict == verdict && check.seen.contains(seen) && check.remedy.is_some(), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_was_set_up_is_well_and_looking_changes_nothing() {
    let (mut world, stack) = set_up().await;
    world.hubspot().clear_requests();
    let checks = examine(&stack).await;
    let ill: Vec<_> = of_hubspot(&checks).into_iter().filter(|check| check.verdict != Verdict::Ok).collect();
    assert!(ill.is_empty(), "{ill:#?}");
    for name in [
        "hubspot:main: login",
        "hubspot:main: identity",
        "hubspot:main: scopes",
        "hubspot:main: clock",
        "hubspot:main: property corebos_id of a deal",
        "hubspot control fields of Potentials",
        "map HubSpot2Leads",
        "queue towards hubspot:main",
        "parked changes of hubspot-deals",
        "poll of company in hubspot:main",
        "associations of contact in hubspot:main",
        "associations of deal in hubspot:main",
        "poll of Leads in corebos:main",
        "workflows of Potentials",
    ] {
        found(&checks, name);
    }
    assert_eq!(found(&checks, "webhook-hubspot at").seen, "answers, and knows our signature");
    let polls = checks.iter().filter(|check| check.name == "poll of contact in hubspot:main").count();
    assert_eq!(polls, 1, "contacts and leads share it");
    assert_eq!(world.hubspot_writes(), 0);
    world.quiet().await;
    assert_eq!(world.waiting(), 0, "the test body makes no notice");
    let shown = serde_json::to_string(&checks).unwrap();
    for secret in [CLIENT_SECRET, &HubSpotOptions::default().token] {
        assert!(!shown.contains(secret), "a secret is shown");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_break_of_hubspot_is_told_apart() {
    let (world, stack) = set_up().await;
    let portal = world.hubspot();
    portal.set_missing_scopes(&["crm.objects.companies.write"]);
    let checks = examine(&stack).await;
    tells(&checks, "hubspot:main: scopes", Verdict::Problem, "lacks crm.objects.companies.write");
    portal.set_missing_scopes(&["crm.objects.owners.read"]);
    tells(&examine(&stack).await, "hubspot:main: scopes", Verdict::Warning, "crm.objects.owners.read");
    portal.set_missing_scopes(&[]);
    portal.archive_property(Kind::Deal, "corebos_id");
    tells(&examine(&stack).await, "corebos_id of a deal", Verdict::Problem, "pair is stopped");
    portal.add_unique_property(Kind::Deal, "corebos_id");
    portal.stop_listening().await;
    tells(&examine(&stack).await, "hubspot:main: login", Verdict::Problem, "not available");
    portal.listen_again().await.unwrap();
    world.systems.corebos.show_integration_fields(false);
    let checks = examine(&stack).await;
    tells(&checks, "hubspot control fields of Leads", Verdict::Problem, "hubspotsyncwith");
    world.systems.corebos.show_integration_fields(true);
    let system = "hubspot:main".parse().unwrap();
    let store = &world.local.store;
    let key = sync::poll::walk_key(&system, &ObjectName::new("contact"));
    let (now, long_ago) = (aws::SystemClock.now(), aws::SystemClock.now() - SignedDuration::from_hours(100));
    let after = "101/200/201".to_owned();
    let pass = Some(Pass { from: long_ago, began: long_ago, after });
    let slow = Cursor { position: Some(Position { since: long_ago, pass }), polled_at: None };
    store.lease_cursor(&key, "a story", now, now + SignedDuration::from_secs(5)).await.unwrap();
    store.release_cursor(&key, "a story", &slow).await.unwrap();
    tells(&examine(&stack).await, "associations of contact", Verdict::Warning, "6000 min ago");
    store.put_setting(&sync::settings::poll_key(&system), &json!({ "walk_pages": 0 })).await.unwrap();
    tells(&examine(&stack).await, "associations of deal", Verdict::Warning, "not walked");
    let first: String = store.first_identity(&system, "nobody").await.unwrap();
    assert!(first.contains("portal 247187887"), "{first}");
    store.put_setting(&aws::store::keys::identity_setting(&system), &"portal 1 at elsewhere").await.unwrap();
    tells(&examine(&stack).await, "hubspot:main: identity", Verdict::Problem, "was portal 1 at elsewhere");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_the_app_s_client_secret_or_with_another_portal_is_told() {
    let (world, stack) = set_up().await;
    let arn = stack.environment.system(model::SystemKind::HubSpot).unwrap().secret;
    let change = |member: &'static str, value: serde_json::Value| {
        let (secrets, arn) = (stack.secrets(), arn.clone());
        async move {
            let put = |members: &mut serde_json::Map<String, serde_json::Value>| {
                members.insert(member.to_owned(), value);
            };
            secrets.change(&arn, put).await.unwrap();
        }
    };
    change("portal_id", json!("1")).await;
    tells(&examine(&stack).await, "portal of webhooks", Verdict::Problem, "of portal 247187887");
    change("portal_id", json!("247187887")).await;
    assert_eq!(found(&examine(&stack).await, "portal of webhooks").verdict, Verdict::Ok);
    change("client_secret", json!("")).await;
    change("webhook_secrets", json!([])).await;
    tells(&examine(&stack).await, "hubspot:main: secret", Verdict::Warning, "webhooks are refused");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lead_records_are_looked_at_where_they_are_kept_and_the_last_webhook_is_told() {
    let (mut world, stack) = set_up().await;
    let checks = examine(&stack).await;
    assert_eq!(found(&checks, "lead records").verdict, Verdict::Ok);
    assert!(found(&checks, "hubspot:main: last webhook").seen.contains("none"), "{checks:#?}");
    let key = sync::settings::system_key(&"hubspot:main".parse().unwrap());
    world.local.store.put_setting(&key, &json!({ "leads": "both" })).await.unwrap();
    tells(&examine(&stack).await, "corebos_id of a lead", Verdict::Problem, "pair is stopped");
    world.hubspot().add_unique_property(Kind::Lead, "corebos_id");
    let checks = examine(&stack).await;
    for name in ["lead records", "corebos_id of a lead", "map HubSpotLead2Leads"] {
        assert_eq!(found(&checks, name).verdict, Verdict::Ok, "{name}");
    }
    world.hubspot().set_lead_object(false);
    tells(&examine(&stack).await, "lead records", Verdict::Problem, "hubspot.leads");
    world.hubspot().set_lead_object(true);
    world.systems.point_hubspot_at(&world.local.webhook_url("webhook-hubspot")).unwrap();
    let person = [("email", "ana@example.org"), ("lastname", "Gil"), ("lifecyclestage", "customer")];
    let contact = world.hubspot().create_as_user(Kind::Contact, &person).unwrap();
    world.corebos_record_of("Contacts", &contact).await;
    world.quiet_or_waiting(8).await;
    let checks = examine(&stack).await;
    for name in ["hubspot:main: last webhook", "corebos:main: last webhook"] {
        assert!(found(&checks, name).seen.contains("ago"), "{checks:#?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_without_hubspot_hears_nothing_of_it() {
    let world = scenarios::world(BRIDGE).await;
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    let checks = examine(&stack).await;
    assert!(of_hubspot(&checks).is_empty(), "{:#?}", of_hubspot(&checks));
    world.stop().await;
}
