//! A change to a coreBOS contact or account reaches Mautic, once, with only what changed, and comes back as no write.

use scenarios::{World, text, world_with_workflows};
use serde_json::{Value, json};

use crate::BRIDGE;

/// With a lead source: the map into coreBOS has a constant for it, which would fill a blank.
fn ana() -> Value {
    json!({
        "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "mobile": "600", "leadsource": "Partner"
    })
}

/// Writes to coreBOS and to Mautic so far.
fn writes(world: &World) -> (usize, usize) {
    (world.corebos_writes(), world.mautic_writes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_reaches_mautic_and_its_id_is_written_back() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    let contact = world.systems.mautic.contact(id).unwrap();
    for (field, value) in [("lastname", "Pérez"), ("email", "ana@example.org"), ("mobile", "600")] {
        assert_eq!(text(&contact, field), value);
    }
    assert_eq!(text(&contact, "corebos_id"), hub);
    assert_eq!(writes(&world), (1, 1), "one create there, the id here, and no echo");
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_writes_the_changed_fields_only_and_does_not_come_back() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    world.systems.mautic.edit_contact(id, &json!({ "position": "Boss" })).await;
    world.quiet().await;
    let before = writes(&world);
    world.systems.corebos.edit(&hub, &json!({ "mobile": "700", "mailingcity": "Vigo" })).await.unwrap();
    world.until_mautic_field(id, "city", "Vigo").await;
    world.quiet().await;
    let contact = world.systems.mautic.contact(id).unwrap();
    assert_eq!((text(&contact, "mobile"), text(&contact, "position")), ("700".into(), "Boss".into()));
    assert_eq!(writes(&world), (before.0, before.1 + 1), "one write to Mautic, none back");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_cleared_is_cleared_and_others_stay() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    world.systems.corebos.edit(&hub, &json!({ "mobile": "" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "firstname"), "Ana");
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "firstname"), "Ana");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_without_a_change_writes_nothing() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (_, hub) = world.linked_corebos_contact(&ana()).await;
    let before = writes(&world);
    world.systems.corebos.edit(&hub, &json!({ "lastname": "Pérez", "department": "Sales" })).await.unwrap();
    world.until_told("event received", |line| text(line, "event") == "Contacts saved").await;
    world.quiet().await;
    assert_eq!(writes(&world), before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_mautic_reaches_corebos_and_its_workflow_writes_nothing_back() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    let before = writes(&world);
    world.systems.mautic.edit_contact(id, &json!({ "mobile": "800" })).await;
    world.until_field(&hub, "mobile", "800").await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0 + 1, before.1), "one write to coreBOS, none back");
    let heard = world.told("event received");
    assert!(
        heard.iter().any(|line| text(line, "event") == "Contacts saved"),
        "the workflow told of our write"
    );
    world.stop().await;
}

/// Writes through the webservice, as another program does: coreBOS tells of it before the transaction commits.
async fn revise_as_admin(world: &World, element: &Value) {
    use sync::Connector as _;
    let key = world.systems.corebos.access_key("admin").unwrap();
    let settings = connector_corebos::CoreBosSettings::new(world.systems.corebos.url(), "admin", key.into());
    let admin = connector_corebos::CoreBos::new("corebos:main".parse().unwrap(), settings).unwrap();
    let record = model::RecordRef::new(
        &"corebos:main".parse().unwrap(),
        &model::ObjectName::new("Contacts"),
        text(element, "id"),
    );
    let mut fields = model::Fields::default();
    for (name, value) in element.as_object().unwrap() {
        fields.insert(name.as_str(), value.clone());
    }
    admin.update(&record, &fields).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_told_before_its_commit_arrives_all_the_same() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    // A second later, so that the old record is told from the new one by its modified time.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    revise_as_admin(&world, &json!({ "id": hub, "mobile": "900" })).await;
    world.until_mautic_field(id, "mobile", "900").await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_in_corebos_blanks_the_id_and_mautic_keeps_its_contact() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    world.systems.corebos.delete(&hub).await.unwrap();
    world.until_mautic_field(id, "corebos_id", "").await;
    world.quiet().await;
    let contact = world.systems.mautic.contact(id).unwrap();
    assert_eq!(text(&contact, "lastname"), "Pérez");
    // An edit of the orphan does not bring the coreBOS contact back.
    world.systems.mautic.edit_contact(id, &json!({ "mobile": "1" })).await;
    world.quiet().await;
    assert_eq!(world.systems.corebos.records("Contacts").len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_another_contact_has_is_parked_with_both_ids_and_the_rest_is_written() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    let (holder, _) = world.linked_contact(&json!({ "lastname": "B", "email": "bea@example.org" })).await;
    world.systems.corebos.edit(&hub, &json!({ "email": "bea@example.org", "mobile": "5" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "5").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "email"), "ana@example.org");
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    for id in [id, holder] {
        let name = format!("mautic:main#contact#{id}");
        assert!(parked[0].fields["email"].contains(&name), "{name} is not in {:?}", parked[0].fields);
    }
    // The refusal is remembered: the next edit writes its own field and parks nothing.
    world.systems.corebos.edit(&hub, &json!({ "mobile": "6" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "6").await;
    world.quiet().await;
    assert_eq!(world.parked().await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_meets_the_company_of_its_name_and_blanks_nothing_there() {
    let mut world = world_with_workflows(BRIDGE).await;
    let company =
        json!({ "companyname": "Engines", "companycity": "London", "companyemail": "info@engines.example" });
    world.systems.mautic.create_company(&company).await;
    let account = world.until("the account", |s| s.corebos.find("Accounts", "accountname", "Engines")).await;
    world.quiet().await;
    let hub = text(&account, "id");
    world.systems.corebos.edit(&hub, &json!({ "phone": "555" })).await.unwrap();
    world
        .until("the phone in Mautic", |s| {
            s.mautic.companies().into_iter().find(|c| text(c, "companyphone") == "555")
        })
        .await;
    world.quiet().await;
    let companies = world.systems.mautic.companies();
    assert_eq!(companies.len(), 1, "no second company");
    assert_eq!(text(&companies[0], "companycity"), "London");
    assert_eq!(text(&companies[0], "companyemail"), "info@engines.example");
    assert_eq!(text(&companies[0], "company_corebos_id"), hub);
    assert_eq!(world.systems.corebos.records("Accounts").len(), 1);
    let posts = world.systems.mautic.requests();
    assert!(!posts.iter().any(|r| r.method == "POST" && r.path.contains("/companies/")), "PATCH by id only");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_different_fields_on_both_sides_at_once_all_survive() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (id, hub) = world.linked_corebos_contact(&ana()).await;
    for round in 1..=3 {
        let (mobile, city) = (format!("6{round}"), format!("City {round}"));
        let (mautic, corebos) = (&world.systems.mautic, &world.systems.corebos);
        let (mautic_edit, corebos_edit) = (json!({ "city": city }), json!({ "mobile": mobile }));
        let (_, edited) =
            tokio::join!(mautic.edit_contact(id, &mautic_edit), corebos.edit(&hub, &corebos_edit));
        edited.unwrap();
        world.until_mautic_field(id, "mobile", &mobile).await;
        world.until_field(&hub, "mailingcity", &city).await;
        world.quiet().await;
        let contact = world.systems.mautic.contact(id).unwrap();
        let record = world.systems.corebos.record(&hub).unwrap();
        assert_eq!(
            (text(&contact, "city"), text(&record, "mobile")),
            (city, mobile),
            "nothing was overwritten"
        );
    }
    assert!(world.parked().await.is_empty());
    world.stop().await;
}
