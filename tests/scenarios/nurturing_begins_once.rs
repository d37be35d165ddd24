//! A lead status, or a workflow of coreBOS with the name of an event, begins something in HubSpot: once, and never lost.

use bridge::setup::corebos::KEY_SETTING;
use bridge::setup::{Wanted, corebos};
use bridge::stack::Stack;
use connector_corebos::admin::{WEBSERVICE_MAP, WebhookEvent, webservice_map};
use model::PairKind;
use scenarios::{Folder, Program, Unusual, World, property};
use serde_json::json;
use simulators::corebos::{Trigger, WorkflowHook};
use simulators::faults::Fault;
use simulators::hubspot::{HubSpotOptions, Kind};

use crate::BRIDGE;

async fn ruled(rules: &str) -> World {
    let world = World::with_hubspot(BRIDGE).await;
    let key = sync::settings::system_key(&World::hubspot_pair(PairKind::HubSpotLeads).remote);
    world.local.store.put_setting(&key, &json!({ "nurturing": rules })).await.unwrap();
    world
}

async fn lead(world: &mut World, email: &str, status: &str) -> (String, String) {
    let fields = json!({ "lastname": "Lead", "company": "Firm", "email": email, "leadstatus": status });
    world.linked_to_hubspot("Leads", Kind::Contact, fields).await
}

/// A workflow that calls with the name of an event at every save of a contact.
async fn tell_of(world: &World, event: &str) {
    let url = world.local.webhook_url("webhook-corebos");
    let map = webservice_map(&url, KEY_SETTING, WebhookEvent::Named(event));
    let name = format!("BridgeEvent{}", event.len());
    world.systems.corebos.put_map_of_type(&name, WEBSERVICE_MAP, &map).await.unwrap();
    let hook = WorkflowHook { module: "Contacts".to_owned(), trigger: Trigger::EverySave, map: name };
    world.systems.corebos.add_workflow_hook(hook);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_status_makes_a_member_of_a_list_and_an_event_each_time_it_is_reached() {
    let rules = "Leads.leadstatus=Hot -> list 1; Leads.leadstatus=hot -> event pe247187887_hot";
    let mut world = ruled(rules).await;
    assert_eq!(world.hubspot().add_list(), "1");
    let (hub, id) = lead(&mut world, "cold@example.org", "Cold").await;
    let (_, born_hot) = lead(&mut world, "hot@example.org", "Hot").await;
    world
        .until("who is hot from the beginning", |s| {
            (s.hubspot.as_ref()?.members("1") == [born_hot.clone()]).then_some(())
        })
        .await;
    world.systems.corebos.edit(&hub, &json!({ "leadstatus": "Hot" })).await.unwrap();
    world
        .until("who has become hot", |s| (s.hubspot.as_ref()?.members("1").contains(&id)).then_some(()))
        .await;
    world.quiet().await;
    let events = |world: &World| {
        world.hubspot().custom_events().into_iter().filter(|(_, record)| *record == id).count()
    };
    assert_eq!(events(&world), 1);
    // Nothing else that changes begins anything.
    world.systems.corebos.edit(&hub, &json!({ "phone": "600100200" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "600100200").await;
    world.quiet().await;
    assert_eq!(events(&world), 1);
    for status in ["Cold", "Hot"] {
        world.systems.corebos.edit(&hub, &json!({ "leadstatus": status })).await.unwrap();
        world.quiet().await;
    }
    assert_eq!(events(&world), 2, "it was reached again");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_new_begins_nothing_for_those_who_were_there_before() {
    let folder = Folder::new();
    let (unusual, options) = (Unusual::kept_in(&folder), HubSpotOptions::default());
    let mut world = World::with_hubspot_as(BRIDGE, unusual, options).await;
    let (hub, id) = lead(&mut world, "old@example.org", "Hot").await;
    let list = world.hubspot().add_list();
    // The same table under a stack that is started with a rule.
    let mut config = world.systems.config().unwrap();
    let rule = format!("Leads.leadstatus=Hot -> list {list}");
    config.hubspot.as_mut().unwrap().preferences.insert("nurturing".to_owned(), json!(rule));
    let mut world = world.with_stack(BRIDGE, &config, Unusual::kept_in(&folder)).await;
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    world.systems.corebos.edit(&hub, &json!({ "phone": "600" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "600").await;
    world.quiet().await;
    assert!(world.hubspot().members(&list).is_empty());
    for status in ["Cold", "Hot"] {
        world.systems.corebos.edit(&hub, &json!({ "leadstatus": status })).await.unwrap();
        world.quiet().await;
    }
    assert_eq!(world.hubspot().members(&list), [id], "the rule holds from now on");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_calls_with_the_map_of_an_event_begins_it_for_records_that_are_in_step() {
    let mut world = ruled("trial-started -> list 1; trial-started -> event pe247187887_trial").await;
    world.hubspot().add_list();
    let ticked = json!({ "lastname": "Ana", "email": "ana@example.org" });
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ticked).await;
    let unticked = json!({ "lastname": "Eve", "email": "eve@example.org" });
    let unticked = world.systems.corebos.create("Contacts", &unticked).await.unwrap();
    world.quiet().await;
    assert!(world.hubspot().custom_events().is_empty(), "a save is no such event");
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    let mut setup = corebos::look(&stack, Wanted::default()).await.unwrap();
    let done = corebos::apply(&mut setup).await.unwrap();
    assert!(done.contains(&"the business map BridgeEvent trial-started was created".to_owned()), "{done:?}");
    let steps = setup.plan.steps.iter().filter(|step| step.contains("BridgeEvent trial-started")).count();
    assert_eq!(steps, 1, "what is left to click is told");
    let again = corebos::apply(&mut corebos::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    assert_eq!(again, Vec::<String>::new());
    let map = "BridgeEvent trial-started".to_owned();
    let hook = WorkflowHook { module: "Contacts".to_owned(), trigger: Trigger::EverySave, map };
    world.systems.corebos.add_workflow_hook(hook);
    tell_of(&world, "of-no-rule").await;
    for record in [&hub, &unticked] {
        world.systems.corebos.edit(record, &json!({ "mobile": "600" })).await.unwrap();
    }
    world
        .until("Ana in the list", |s| (s.hubspot.as_ref()?.members("1") == [id.clone()]).then_some(()))
        .await;
    world.quiet().await;
    assert_eq!(world.hubspot().custom_events(), [("pe247187887_trial".to_owned(), id.clone())]);
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "mobilephone"), "600", "the edit went along");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hubspot_cannot_take_now_begins_later_and_what_it_refuses_is_parked_with_its_words() {
    let mut world = ruled("Leads.leadstatus=Hot -> list 1; Leads.leadstatus=Cold -> list 2").await;
    let folder = Folder::new();
    world.announce(&folder);
    assert_eq!(world.hubspot().add_list(), "1");
    let (hub, id) = lead(&mut world, "ana@example.org", "Contacted").await;
    world.hubspot().faults().add(Fault::status(503).path("/crm/lists/").times(2));
    world.systems.corebos.edit(&hub, &json!({ "leadstatus": "Hot" })).await.unwrap();
    world
        .until("Ana in the list", |s| (s.hubspot.as_ref()?.members("1") == [id.clone()]).then_some(()))
        .await;
    world.quiet().await;

    world.systems.corebos.edit(&hub, &json!({ "leadstatus": "Cold" })).await.unwrap();
    world.quiet().await;
    let pair = World::hubspot_pair(PairKind::HubSpotLeads);
    let parked = world.local.store.list_parked(&pair).await.unwrap();
    let [change] = parked.as_slice() else { panic!("{parked:#?}") };
    assert_eq!(change.change.reason, "nurturing");
    assert!(change.change.message.contains("list 2 is not there"), "{}", change.change.message);
    // The record itself goes on, and is not parked again at each of its changes.
    world.systems.corebos.edit(&hub, &json!({ "phone": "601" })).await.unwrap();
    world.until_property(Kind::Contact, &id, "phone", "601").await;
    world.quiet().await;
    assert_eq!(world.local.store.list_parked(&pair).await.unwrap().len(), 1);

    assert_eq!(world.hubspot().add_list(), "2");
    let data = folder.path().display().to_string();
    let ended = Program::start(BRIDGE, ["parked", "redrive", "--all", "--data", &data]).end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    world
        .until("Ana in the other list", |s| (s.hubspot.as_ref()?.members("2") == [id.clone()]).then_some(()))
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hubspot_s_marketing_properties_arrive_by_the_example_map() {
    let mut world = World::with_hubspot(BRIDGE).await;
    let map = include_str!("../../shared/mapping/maps/examples/HubSpot2Contacts-marketing.xml");
    let kinds = [
        ("double", "7", "901 902 904 906 907"),
        ("boolean", "56", "905"),
        ("datetime", "50", "903 908 913 916"),
        ("string", "1", "909 910 911 912 914 915"),
    ];
    for (kind, uitype, numbers) in kinds {
        for number in numbers.split(' ') {
            let name = format!("cf_{number}");
            assert!(map.contains(&format!("<fieldname>{name}</fieldname>")));
            let field = json!({ "name": name, "type": { "name": kind }, "uitype": uitype });
            assert!(world.systems.corebos.add_custom_field("Contacts", &field));
        }
    }
    world.systems.corebos.put_map("HubSpot2Contacts", map).await.unwrap();
    let ana = json!({ "lastname": "Ana", "email": "ana@example.org" });
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    let noted = [
        ("hs_email_open", "12"),
        ("hs_analytics_num_page_views", "345"),
        ("recent_conversion_event_name", "Newsletter form"),
        ("recent_conversion_date", "2026-11-20T10:00:00Z"),
        ("hs_analytics_source", "ORGANIC_SEARCH"),
        ("hs_email_optout", "true"),
    ];
    world.hubspot().note(Kind::Contact, &id, &noted);
    // A property that the shipped map reads as well wakes the push; the others have no subscription here.
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("jobtitle", "Chief")]);
    world.until_field(&hub, "title", "Chief").await;
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    let number = |name: &str| scenarios::text(&record, name).parse::<f64>().unwrap();
    assert!((number("cf_901") - 12.0).abs() < 1e-9 && (number("cf_907") - 345.0).abs() < 1e-9);
    let text = |name: &str| scenarios::text(&record, name);
    assert_eq!(
        (text("cf_912"), text("cf_910"), text("cf_905")),
        ("Newsletter form".into(), "ORGANIC_SEARCH".into(), "1".into())
    );
    assert_eq!(text("cf_913"), "2026-11-20 10:00:00");
    world.stop().await;
}
