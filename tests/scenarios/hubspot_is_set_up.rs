//! `bridge setup hubspot` shows what a portal needs, does it once, and then a contact really travels both ways.

use bridge::setup::{Plan, State, Wanted, corebos, hubspot, mautic};
use bridge::simulated::{CLIENT_SECRET, start_untouched_with_hubspot};
use bridge::stack::Stack;
use model::PairKind;
use scenarios::{Folder, Unusual, World, world_of};
use serde_json::json;
use simulators::hubspot::{HubSpotOptions, Kind};

use crate::BRIDGE;

/// HubSpot and coreBOS as they are after their installation, Mautic set up, and a stack that nothing else calls.
async fn untouched() -> (World, Stack) {
    let systems = start_untouched_with_hubspot(HubSpotOptions::default()).await.unwrap();
    let config = systems.config().unwrap();
    let world = world_of(BRIDGE, systems, &config, Unusual::default()).await;
    let stack = Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap();
    mautic::apply(&mut mautic::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    (world, stack)
}

async fn look(stack: &Stack, wanted: Wanted) -> Plan {
    hubspot::look(stack, wanted).await.unwrap().plan
}

/// How it stands with an item, and what is to be done about it.
fn item<'p>(plan: &'p Plan, what: &str) -> (&'p State, &'p str) {
    let found = plan.items.iter().find(|item| item.what.contains(what));
    let found = found.unwrap_or_else(|| panic!("no {what} in {plan:#?}"));
    (&found.state, found.remedy.as_deref().unwrap_or_default())
}

fn differs(plan: &Plan, what: &str) -> String {
    match item(plan, what) {
        (State::Different(seen) | State::Unseen(seen), _) => seen.clone(),
        (state, _) => panic!("{what} is {state:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_portal_is_set_up_once_and_a_contact_travels_both_ways() {
    let (mut world, stack) = untouched().await;
    let folder = Folder::new();
    let wanted = Wanted { project: Some(folder.path().to_owned()), ..Wanted::default() };
    world.hubspot().clear_requests();
    let mut setup = hubspot::look(&stack, wanted.clone()).await.unwrap();
    let missing: Vec<&str> = setup
        .plan
        .items
        .iter()
        .filter(|item| item.state == State::Missing)
        .map(|item| item.what.as_str())
        .collect();
    // A group and a property for each of three objects, and three files.
    assert_eq!(missing.len(), 3 * 2 + 3, "{missing:?}");
    assert_eq!(world.hubspot_writes(), 0, "looking changes nothing");
    assert!(!folder.path().join("src").exists());
    hubspot::apply(&mut setup).await.unwrap();
    assert_eq!(world.hubspot_writes(), 6);
    let property = world.hubspot().property(Kind::Deal, "corebos_id").unwrap();
    assert_eq!((&property["hasUniqueValue"], &property["groupName"]), (&json!(true), &json!("corebos")));
    let again = look(&stack, wanted.clone()).await;
    assert!(!again.has_work(), "{again:#?}");
    assert!(again.steps.iter().any(|step| step.contains("hs project upload")), "{again:#?}");

    // What only people do: upload the app, and click coreBOS's workflows.
    let file = std::fs::read_to_string(folder.path().join("src/app/webhooks/webhooks-hsmeta.json")).unwrap();
    let url = world.local.webhook_url("webhook-hubspot");
    let subscriptions = world.hubspot().upload_webhooks(&file, &url, CLIENT_SECRET).unwrap();
    assert!(subscriptions > 30, "{subscriptions}");
    corebos::apply(&mut corebos::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    world.systems.click_workflows();
    assert!(!corebos::look(&stack, Wanted::default()).await.unwrap().plan.has_work());

    let ana = json!({ "lastname": "Ana", "email": "ana@example.org" });
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("phone", "600100200")]);
    world.until_field(&hub, "phone", "600100200").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_written_into_the_project_stays_and_only_the_subscriptions_follow_the_maps() {
    let (world, stack) = untouched().await;
    let folder = Folder::new();
    let wanted = Wanted { project: Some(folder.path().to_owned()), ..Wanted::default() };
    hubspot::apply(&mut hubspot::look(&stack, wanted.clone()).await.unwrap()).await.unwrap();
    let app = folder.path().join("src/app/app-hsmeta.json");
    let own = std::fs::read_to_string(&app).unwrap().replace("coreBOS bridge", "Our own name");
    std::fs::write(&app, &own).unwrap();
    let map = r"<map><originmodule><originname>HubSpot</originname></originmodule><targetmodule><targetname>Accounts</targetname></targetmodule><fields><field><fieldname>accountname</fieldname><Orgfields><Orgfield><OrgfieldName>name</OrgfieldName></Orgfield></Orgfields></field><field><fieldname>fax</fieldname><Orgfields><Orgfield><OrgfieldName>tickersymbol</OrgfieldName></Orgfield></Orgfields></field></fields></map>";
    world.systems.corebos.put_map("HubSpot2Accounts", map).await.unwrap();
    let mut setup = hubspot::look(&stack, wanted.clone()).await.unwrap();
    assert!(differs(&setup.plan, "webhooks-hsmeta.json").contains("something else"));
    hubspot::apply(&mut setup).await.unwrap();
    let written =
        std::fs::read_to_string(folder.path().join("src/app/webhooks/webhooks-hsmeta.json")).unwrap();
    assert!(written.contains("\"tickersymbol\""), "{written}");
    assert_eq!(std::fs::read_to_string(&app).unwrap(), own);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_are_missing_are_told_in_hubspot_s_own_words_whether_hubspot_tells_them_or_not() {
    let (world, stack) = untouched().await;
    let lacking = ["crm.objects.deals.write", "crm.schemas.contacts.write", "crm.objects.owners.read"];
    world.hubspot().set_missing_scopes(&lacking);
    for untold in [false, true] {
        world.hubspot().set_tokens_untold(untold);
        let plan = look(&stack, Wanted::default()).await;
        assert_eq!(differs(&plan, "scopes that records need"), "the token lacks crm.objects.deals.write");
        assert_eq!(differs(&plan, "scope for owners"), "the token lacks crm.objects.owners.read");
        let by_hand = differs(&plan, "scopes that create properties");
        assert_eq!(by_hand, "the token lacks crm.schemas.contacts.write");
        assert!(plan.steps[0].contains("tick \"Require unique values\""), "{:#?}", plan.steps);
        match item(&plan, "scope for lists").0 {
            State::There => assert!(!untold),
            State::Unseen(seen) => assert!(untold && seen.contains("does not tell"), "{seen}"),
            other => panic!("{other:?}"),
        }
    }
    let error =
        hubspot::apply(&mut hubspot::look(&stack, Wanted::default()).await.unwrap()).await.unwrap_err();
    assert!(format!("{error:#}").contains("crm.schemas.contacts.write"), "{error:#}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_cannot_hold_ids_is_told_and_an_archived_one_is_brought_back() {
    let (world, stack) = untouched().await;
    let portal = world.hubspot();
    portal.add_unique_property(Kind::Contact, "corebos_id");
    portal.archive_property(Kind::Contact, "corebos_id");
    portal.add_property(Kind::Company, "corebos_id", "number", false);
    for n in 0..10 {
        portal.add_unique_property(Kind::Deal, &format!("other_{n}"));
    }
    let mut setup = hubspot::look(&stack, Wanted::default()).await.unwrap();
    assert_eq!(differs(&setup.plan, "corebos_id of a contact"), "it is archived");
    assert!(differs(&setup.plan, "corebos_id of a company").contains("of the type number"));
    assert!(differs(&setup.plan, "corebos_id of a deal").contains("other_9"));
    hubspot::apply(&mut setup).await.unwrap();
    assert!(world.hubspot().property(Kind::Contact, "corebos_id").is_some());
    assert!(world.hubspot().property(Kind::Deal, "corebos_id").is_none());
    assert!(!look(&stack, Wanted::default()).await.has_work());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fields_that_corebos_keeps_closed_are_told_with_the_way_to_open_them() {
    let (mut world, stack) = untouched().await;
    let plan = look(&stack, Wanted::default()).await;
    let closed = "the fields hubspotdeletedon, hubspotlastsync, hubspotrecord of Leads";
    assert!(differs(&plan, closed).contains("whatever it is told"));
    let sql = plan.steps.iter().find(|step| step.contains("UPDATE vtiger_field")).unwrap();
    assert!(sql.contains("displaytype=1, uitype=50") && sql.contains("'hubspotrecord'"), "{sql}");
    // What the SQL does.
    for module in ["Contacts", "Accounts", "Leads", "Potentials"] {
        for name in ["hubspotlastsync", "hubspotdeletedon"] {
            let open =
                json!({ "name": name, "type": { "name": "datetime" }, "uitype": "50", "typeofdata": "DT~O" });
            assert!(world.systems.corebos.add_custom_field(module, &open));
        }
        assert!(
            world
                .systems
                .corebos
                .add_custom_field(module, &json!({ "name": "hubspotrecord", "uitype": "17" }))
        );
    }
    let open = look(&stack, Wanted::default()).await;
    assert!(!open.items.iter().any(|item| item.what.contains("open for the web service")), "{open:#?}");
    hubspot::apply(&mut hubspot::look(&stack, Wanted::default()).await.unwrap()).await.unwrap();
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    let ana = json!({ "lastname": "Ana", "email": "ana@example.org" });
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    world.hubspot().edit_as_user(Kind::Contact, &id, &[("phone", "600100200")]);
    let shown = |systems: &bridge::simulated::Simulated| {
        let record = systems.corebos.record(&hub)?;
        (!record["hubspotlastsync"].as_str()?.is_empty()
            && record["hubspotrecord"].as_str()?.contains("/record/0-1/"))
        .then_some(())
    };
    world.until("the time and the address of the last sync in coreBOS", shown).await;

    world.systems.corebos.show_integration_fields(false);
    let hidden = look(&stack, Wanted::default()).await;
    assert!(hidden.steps.iter().any(|step| step.contains("_op=getconfighubspot")), "{:#?}", hidden.steps);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_is_told_with_what_it_does_with_leads() {
    let (world, stack) = untouched().await;
    let plan = look(&stack, Wanted::default()).await;
    assert!(
        plan.about.contains("portal 247187887") && plan.about.contains("America/New_York"),
        "{}",
        plan.about
    );
    assert_eq!(*item(&plan, "marketingqualifiedlead").0, State::There);
    assert!(plan.items.iter().any(|item| item.what.contains("also has leads")), "{plan:#?}");
    world.hubspot().set_lead_object(false);
    let plan = look(&stack, Wanted::default()).await;
    assert!(plan.items.iter().any(|item| item.what.contains("has no leads as records")), "{plan:#?}");
    let key = sync::settings::system_key(&World::hubspot_pair(PairKind::HubSpotLeads).remote);
    world.local.store.put_setting(&key, &json!({ "leads": "both" })).await.unwrap();
    world.hubspot().set_missing_scopes(&["crm.objects.leads.write"]);
    let plan = look(&stack, Wanted::default()).await;
    assert!(differs(&plan, "or with a lead record").contains("has no leads"), "{plan:#?}");
    assert!(differs(&plan, "scopes for lead records").contains("crm.objects.leads.write"), "{plan:#?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_lead_records_are_kept_their_property_is_asked_for_and_their_events_are_subscribed_to() {
    let (mut world, stack) = untouched().await;
    let key = sync::settings::system_key(&World::hubspot_pair(PairKind::HubSpotLeads).remote);
    world.local.store.put_setting(&key, &json!({ "leads": "objects" })).await.unwrap();
    let folder = Folder::new();
    let wanted = Wanted { project: Some(folder.path().to_owned()), ..Wanted::default() };
    let told = hubspot::apply(&mut hubspot::look(&stack, wanted.clone()).await.unwrap()).await.unwrap();
    // HubSpot has no scope for that.
    let by_hand =
        told.iter().filter(|line| line.contains("corebos_id of a lead") && line.contains("by hand"));
    assert_eq!(by_hand.count(), 1, "{told:#?}");
    world.hubspot().add_unique_property(Kind::Lead, "corebos_id");
    let plan = look(&stack, wanted).await;
    assert_eq!(*item(&plan, "corebos_id of a lead").0, State::There);
    let file = folder.path().join("src/app/webhooks/webhooks-hsmeta.json");
    let file = std::fs::read_to_string(file).unwrap();
    world
        .hubspot()
        .upload_webhooks(&file, &world.local.webhook_url("webhook-hubspot"), CLIENT_SECRET)
        .unwrap();
    let person = [("email", "ana@example.org"), ("lastname", "Gil"), ("lifecyclestage", "customer")];
    world.hubspot().set_silent(true);
    let contact = world.hubspot().create_as_user(Kind::Contact, &person).unwrap();
    world.hubspot().set_silent(false);
    world.hubspot().create_lead_as_user(&contact, &[("hs_lead_name", "Ana")]).unwrap();
    world.corebos_record_of("Leads", &contact).await;
    world.stop().await;
}
