//! `bridge setup` shows what Mautic and coreBOS need, does it once, and then a contact really travels both ways.

use std::path::PathBuf;

use bridge::config::Config;
use bridge::setup::{Plan, State, Wanted, corebos, mautic};
use bridge::simulated::start_untouched;
use bridge::stack::Stack;
use scenarios::{Unusual, World, Written, signature, text, world_of};
use serde_json::json;

use crate::BRIDGE;

/// Systems as they are after their installation, and a stack between them that nothing calls.
async fn untouched() -> (World, Stack) {
    let systems = start_untouched().await.unwrap();
    let config = systems.config().unwrap();
    let world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    world.forget_mautics_webhook();
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    (world, stack)
}

fn missing(plan: &Plan) -> Vec<&str> {
    let missing = plan.items.iter().filter(|item| item.state == State::Missing);
    missing.map(|item| item.what.as_str()).collect()
}

async fn set_mautic_up(stack: &Stack, wanted: Wanted) -> Vec<String> {
    mautic::apply(&mut mautic::look(stack, wanted).await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_systems_are_set_up_once_and_a_contact_travels_both_ways() {
    let (mut world, stack) = untouched().await;
    world.systems.mautic.clear_requests();

    let mut plan = mautic::look(&stack, Wanted::default()).await.unwrap();
    let planned = missing(&plan.plan);
    assert_eq!(planned.len(), 3, "{planned:?}");
    assert!(planned[0].contains("corebos_id") && planned[1].contains("company_corebos_id"), "{planned:?}");
    assert_eq!(world.mautic_writes(), 0, "looking changes nothing");
    mautic::apply(&mut plan).await.unwrap();
    let writes = world.mautic_writes();
    assert_eq!(writes, 3);
    let again = mautic::look(&stack, Wanted::default()).await.unwrap();
    assert!(!again.plan.has_work(), "{:#?}", again.plan);
    set_mautic_up(&stack, Wanted::default()).await;
    assert_eq!(world.mautic_writes(), writes, "a second run has nothing to do");

    let mut plan = corebos::look(&stack, Wanted::default()).await.unwrap();
    let planned = missing(&plan.plan);
    // The key, two maps that call us, four field maps; and four workflows, which only a person can make.
    assert_eq!(planned.len(), 1 + 2 + 4 + 4, "{planned:?}");
    assert_eq!(plan.plan.steps.len(), 4, "{:#?}", plan.plan.steps);
    assert_eq!(world.systems.corebos.records("cbMap").len(), 0, "looking changes nothing");
    corebos::apply(&mut plan).await.unwrap();
    assert_eq!(world.systems.corebos.records("cbMap").len(), 6);
    let again = corebos::look(&stack, Wanted::default()).await.unwrap();
    assert!(!again.plan.has_work(), "{:#?}", again.plan);
    corebos::apply(&mut corebos::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    assert_eq!(world.systems.corebos.records("cbMap").len(), 6, "a second run has nothing to do");
    world.systems.click_workflows();
    let clicked = corebos::look(&stack, Wanted::default()).await.unwrap();
    assert!(clicked.plan.steps.is_empty(), "{:#?}", clicked.plan.steps);

    let ana = json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org" });
    let (id, hub) = world.linked_contact(&ana).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "600100200" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "600100200").await;
    world.linked_corebos_contact(&json!({ "lastname": "Back", "email": "back@example.org" })).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_needs_no_webhook_secret_and_refuses_every_webhook_until_the_setup_has_made_one() {
    let systems = start_untouched().await.unwrap();
    let text = Written::of(&systems).text();
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("webhook_secrets")).collect();
    let config = Config::parse(&without.join("\n"), PathBuf::new()).unwrap();
    let mut world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    world.forget_mautics_webhook();
    let body = br#"{"mautic.lead_post_save_new":[{"contact":{"id":1}}]}"#.to_vec();
    for signed in [None, Some(signature("", &body)), Some(signature("guessed", &body))] {
        let (status, answer) = world.post_signed(body.clone(), signed.as_deref()).await;
        assert_eq!(status, 401, "{signed:?}: {answer}");
        let told = answer.to_string();
        assert!(told.contains("no webhook secret") && told.contains("bridge setup mautic"), "{told}");
    }
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    set_mautic_up(&stack, Wanted::default()).await;
    let id = world.new_contact(&json!({ "lastname": "First" })).await;
    world.corebos_contact_of(id).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_takes_effect_at_once_and_loses_no_event() {
    let (mut world, stack) = untouched().await;
    set_mautic_up(&stack, Wanted::default()).await;
    world.linked_contact(&json!({ "lastname": "First" })).await;
    let told = set_mautic_up(&stack, Wanted { rotate: true, ..Wanted::default() }).await;
    // The stack of this machine keeps secrets in memory only: they are told, because there is no other way.
    assert!(told.iter().any(|text| text.contains("webhook_secrets = [\"")), "{told:?}");
    world.systems.mautic.clear_deliveries();
    let id = world.new_contact(&json!({ "lastname": "Second" })).await;
    world.corebos_contact_of(id).await;
    let refused: Vec<_> =
        world.systems.mautic.deliveries().into_iter().filter(|sent| sent.status != Some(200)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    // A key of coreBOS the same way.
    corebos::apply(&mut corebos::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    world.systems.click_workflows();
    let key = world.systems.corebos.setting("bridge_key");
    let wanted = Wanted { rotate: true, ..Wanted::default() };
    corebos::apply(&mut corebos::look(&stack, wanted).await.unwrap()).await.unwrap();
    assert_ne!(world.systems.corebos.setting("bridge_key"), key);
    world.linked_corebos_contact(&json!({ "lastname": "Third" })).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_whose_url_has_changed_is_changed_and_never_doubled() {
    let (world, stack) = untouched().await;
    set_mautic_up(&stack, Wanted::default()).await;
    let moved = "https://hooks.example.com/webhooks/mautic";
    let wanted = Wanted { webhook_url: Some(moved.to_owned()), ..Wanted::default() };
    let plan = mautic::look(&stack, wanted.clone()).await.unwrap().plan;
    let differs = plan.items.iter().find_map(|item| match &item.state {
        State::Different(seen) => Some(seen.clone()),
        _ => None,
    });
    assert!(differs.is_some_and(|seen| seen.contains("it leads to http://127.0.0.1")), "{plan:#?}");
    let told = set_mautic_up(&stack, wanted.clone()).await;
    assert!(!told.iter().any(|text| text.contains("secret")), "the secret in use stays: {told:?}");
    let again = mautic::look(&stack, wanted).await.unwrap();
    assert!(!again.plan.has_work(), "{:#?}", again.plan);
    // The webhook of another stack, which leads to another path, is not ours.
    let other = Wanted {
        webhook_url: Some("https://x.example.com/test/webhooks/mautic".into()),
        ..Wanted::default()
    };
    assert_eq!(missing(&mautic::look(&stack, other).await.unwrap().plan).len(), 1);
    for wrong in ["http://hooks.example.com/webhooks/mautic", "https://hooks.example.com/other", "nonsense"] {
        let wanted = Wanted { webhook_url: Some(wrong.to_owned()), ..Wanted::default() };
        let error = mautic::look(&stack, wanted).await.unwrap_err().to_string();
        assert!(error.contains("--webhook-url"), "{error}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_have_made_themselves_is_never_overwritten() {
    let (world, stack) = untouched().await;
    let own = "<map><fields></fields></map>";
    world.systems.corebos.put_map("ContactsToMautic", own).await.unwrap();
    world.systems.corebos.put_map("BridgeSave", own).await.unwrap();
    // coreBOS takes this for MauticToContacts, and the bridge does not.
    world.systems.corebos.put_map("mautictocontacts", own).await.unwrap();
    let mut setup = corebos::look(&stack, Wanted::default()).await.unwrap();
    for name in ["BridgeSave", "MauticToContacts"] {
        let by_hand = setup.plan.items.iter().find(|item| item.what.contains(name)).unwrap();
        assert!(!by_hand.can_be_done && by_hand.remedy.as_deref().unwrap().contains("rename"), "{by_hand:?}");
    }
    corebos::apply(&mut setup).await.unwrap();
    for name in ["ContactsToMautic", "BridgeSave"] {
        let kept = world.systems.corebos.find("cbMap", "mapname", name).unwrap();
        assert_eq!(text(&kept, "content"), own, "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corebos_s_own_integration_is_switched_off_on_request_and_its_fields_stay() {
    let (world, stack) = untouched().await;
    world.systems.corebos.put_setting("mautic_isactive", "1");
    let rival = "https://crm.example.com/notifications.php?type=mauticaccount";
    let rival = world.systems.mautic.add_webhook(rival, "s", &["mautic.company_post_save"]);
    let left = corebos::look(&stack, Wanted::default()).await.unwrap().plan;
    let item = left.items.iter().find(|item| item.what.contains("own Mautic integration")).unwrap();
    assert!(
        !item.can_be_done && item.remedy.as_deref().unwrap().contains("--replace-integration"),
        "{item:?}"
    );
    set_mautic_up(&stack, Wanted::default()).await;
    assert_eq!(world.systems.mautic.webhook_published(rival), Some(true), "only on request");
    let wanted = Wanted { replace_integration: true, ..Wanted::default() };
    corebos::apply(&mut corebos::look(&stack, wanted.clone()).await.unwrap()).await.unwrap();
    assert_eq!(world.systems.corebos.setting("mautic_isactive").as_deref(), Some("0"));
    set_mautic_up(&stack, wanted.clone()).await;
    assert_eq!(world.systems.mautic.webhook_published(rival), Some(false));
    assert!(!corebos::look(&stack, wanted.clone()).await.unwrap().plan.has_work());
    assert!(!mautic::look(&stack, wanted).await.unwrap().plan.has_work());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_only_corebos_s_own_integration_makes_are_told_with_the_way_to_them() {
    let (world, stack) = untouched().await;
    world.systems.corebos.show_integration_fields(false);
    let plan = corebos::look(&stack, Wanted::default()).await.unwrap().plan;
    assert!(plan.steps[0].contains("_op=getconfigmautic"), "{:#?}", plan.steps);
    assert!(plan.steps[0].contains("Contacts and Accounts"), "{:#?}", plan.steps);
    // A coreBOS that hides the fields with its integration gets it back.
    world.systems.corebos.put_setting("mautic_isactive", "1");
    let wanted = Wanted { replace_integration: true, ..Wanted::default() };
    let error = corebos::apply(&mut corebos::look(&stack, wanted).await.unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("switched on again"), "{error}");
    assert_eq!(world.systems.corebos.setting("mautic_isactive").as_deref(), Some("1"));
    world.stop().await;
}
