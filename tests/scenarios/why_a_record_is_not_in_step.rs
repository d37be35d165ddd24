//! `bridge why` tells why a record is not in step and what would happen next; what is parked is sent again.

use scenarios::{Ended, Folder, Program, World, text, world_with_workflows};
use serde_json::{Value, json};
use simulators::faults::Fault;
use simulators::hubspot::Kind;

use crate::BRIDGE;

async fn bridge(folder: &Folder, arguments: &[&str]) -> Ended {
    let data = folder.path().display().to_string();
    let arguments = arguments.iter().copied().chain(["--data", data.as_str()]);
    Program::start(BRIDGE, arguments).end().await
}

/// What a command says that must end well.
async fn said(folder: &Folder, arguments: &[&str]) -> String {
    let ended = bridge(folder, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.text());
    ended.text()
}

/// What a command gives as JSON.
async fn json_of(folder: &Folder, arguments: &[&str]) -> Value {
    let text = said(folder, &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn announced() -> (Folder, World) {
    let folder = Folder::new();
    let mut world = world_with_workflows(BRIDGE).await;
    world.announce(&folder);
    (folder, world)
}

/// Whether a text says all of these.
fn says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
}

fn field<'a>(report: &'a Value, to: &str, name: &str) -> &'a Value {
    let directions = report["directions"].as_array().unwrap();
    let direction = directions.iter().find(|direction| direction["to"] == to).unwrap();
    direction["fields"].as_array().unwrap().iter().find(|field| field["field"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_creation_is_explained_and_a_redrive_heals_it() {
    let (folder, mut world) = announced().await;
    assert!(world.systems.corebos.set_mandatory("Contacts", "mobile", true));
    let id = world.new_contact(&json!({ "lastname": "Hopper", "email": "grace@example.org" })).await;
    world.until_told("change pushed", |line| text(line, "outcome") == "parked").await;
    world.quiet().await;

    let why = said(&folder, &["why", "grace@example.org"]).await;
    says(
        &why,
        &[
            "Mautic contact 1",
            "not linked",
            "(mobile) does not have a value",
            "refused to create exactly this",
        ],
    );
    says(&why, &["What was decided", "parked (refused)"]);
    let listed = json_of(&folder, &["parked", "list"]).await;
    let parked = text(&listed[0], "id");
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let shown = said(&folder, &["parked", "show", &parked]).await;
    says(
        &shown,
        &["mautic:main#contact#1 ▶ coreBOS", "What to do: correct the value", "bridge parked redrive"],
    );
    says(&why, &[&parked]);

    // What was refused is tried again, refused again, and parked anew: nothing vanishes.
    says(&said(&folder, &["parked", "redrive", &parked]).await, &["1 change sent again"]);
    world.until_told("change pushed", |line| text(line, "change.id").starts_with("redrive-")).await;
    world.quiet().await;
    assert_eq!(world.parked().await.len(), 1);

    assert!(world.systems.corebos.set_mandatory("Contacts", "mobile", false));
    says(
        &said(&folder, &["parked", "redrive", "--all", "--reason", "refused"]).await,
        &["1 change sent again"],
    );
    let hub = text(&world.corebos_contact_of(id).await, "id");
    world.quiet().await;
    says(&said(&folder, &["parked", "list"]).await, &["nothing is parked"]);
    let why = said(&folder, &["why", "mautic:1"]).await;
    says(&why, &["in step", "active", &hub, "created", "after its notice", "redrive-"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_field_is_explained_from_either_record_and_step_by_step() {
    let (folder, mut world) = announced().await;
    let fields =
        json!({ "firstname": "Ada", "lastname": "Lovelace", "email": "ada@example.org", "mobile": "1" });
    let (id, hub) = world.linked_contact(&fields).await;
    let before = (world.corebos_writes(), world.mautic_writes());
    for asked in
        ["ada@example.org", "ADA@example.org", &hub, "mautic:main#contact#1", &format!("mautic:{id}")]
    {
        let why = said(&folder, &["why", asked]).await;
        says(
            &why,
            &["in step: both sides hold what was settled last", "map MauticToContacts, from the bundle"],
        );
    }
    assert_eq!((world.corebos_writes(), world.mautic_writes()), before, "looking writes nothing");

    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "", "mobile": "600" })).await);
    world.until_field(&hub, "mobile", "600").await;
    world.quiet().await;
    let why = said(&folder, &["why", &hub]).await;
    says(
        &why,
        &["! Mautic ▶ coreBOS: lastname: coreBOS refused this value", "(refused: lastname)", "Parked"],
    );
    says(&why, &["Mautic has changed it, and coreBOS refused that"]);
    let depth = said(&folder, &["why", &hub, "lastname"]).await;
    says(
        &depth,
        &["lastname in coreBOS, from Mautic", "MauticToContacts (from the bundle), line 28: lastname"],
    );
    says(&depth, &["as coreBOS stores it: \"\"", "holds \"Lovelace\"", "it has changed"]);
    let report = json_of(&folder, &["why", &hub]).await;
    assert_eq!(report["in_step"], false, "{report}");
    let lastname = field(&report, "coreBOS", "lastname");
    assert_eq!((&lastname["state"], &lastname["base"]), (&json!("refused"), &json!("changed")));
    assert_eq!(field(&report, "coreBOS", "mobile")["state"], "in_step");
    assert_eq!(report["history"][0]["refused"], json!(["lastname"]));
    for secret in [world.systems.corebos.access_key("sync").unwrap(), "a-secret-of-the-stand-in".to_owned()] {
        assert!(!report.to_string().contains(&secret), "secrets are not shown");
    }

    // Corrected, it is in step; what was parked is recognised as overcome, and dropped.
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "King" })).await);
    world.until_field(&hub, "lastname", "King").await;
    world.quiet().await;
    let why = said(&folder, &["why", &hub]).await;
    says(&why, &["in step", "parked before and overcome since: bridge parked drop"]);
    let unsure = bridge(&folder, &["parked", "drop", "--all"]).await;
    assert_eq!((unsure.code, world.parked().await.len()), (Some(1), 1), "{}", unsure.text());
    says(&said(&folder, &["parked", "drop", "--all", "--yes"]).await, &["1 dropped"]);
    assert_eq!(world.parked().await.len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_told_of_is_foreseen() {
    let (folder, mut world) = announced().await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "Lost", "mobile": "1" })).await;
    world.poll_at_once("poll-mautic").await;
    world.quiet().await;
    world.forget_mautics_webhook();
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "700" })).await);
    let why = said(&folder, &["why", &hub]).await;
    says(
        &why,
        &[
            "! Mautic ▶ coreBOS: coreBOS would get mobile",
            "no webhook has told of it; the next poll of Mautic",
        ],
    );
    says(&why, &["changed in Mautic; would be written"]);
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "mobile"), "1");
    world.poll_at_once("poll-mautic").await;
    world.until_field(&hub, "mobile", "700").await;
    world.quiet().await;
    says(&said(&folder, &["why", &hub]).await, &["in step"]);

    // A system that is away hides nothing of what the bridge itself knows.
    world.systems.mautic.faults().add(Fault::status(503).times(40));
    let why = said(&folder, &["why", &hub]).await;
    says(&why, &["not available", "could not be read", "What was done", "updated"]);
    world.systems.mautic.faults().clear();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_meant_is_found_on_both_sides_and_several_are_listed() {
    let (folder, mut world) = announced().await;
    let (id, hub) = world.linked_contact(&json!({ "lastname": "First", "email": "first@example.org" })).await;
    let company = world.systems.mautic.create_company(&json!({ "companyname": "Acme" })).await.unwrap();
    assert_eq!((id, company), (1, 1), "a contact and a company with one id");
    world.until("Acme in coreBOS", |systems| systems.corebos.find("Accounts", "accountname", "Acme")).await;
    world.quiet().await;
    let several = said(&folder, &["why", "1"]).await;
    says(
        &several,
        &["Several records could be meant by 1", "mautic:main#contact#1", "mautic:main#company#1", &hub],
    );
    says(&said(&folder, &["why", "1", "--pair", "mautic-companies"]).await, &["Mautic company 1", "in step"]);
    says(&said(&folder, &["why", "Acme"]).await, &["Mautic company 1", "companyname", "in step"]);
    let number = hub.split_once('x').unwrap().1;
    says(&said(&folder, &["why", number]).await, &[&hub]);
    for (arguments, words) in [
        (vec!["why", "nobody@example.org"], "nobody knows nobody@example.org"),
        (vec!["why", "12x999999"], "nobody knows 12x999999"),
        (
            vec!["why", &hub, "no_such_field"],
            "no map of mautic-contacts makes or reads a field no_such_field",
        ),
        (vec!["why", &hub, "--pair", "deals"], "there is no pair deals: there are mautic-contacts"),
        (vec!["parked", "show", "zz"], "nothing parked has the id zz"),
        (vec!["parked", "list", "--since", "soon"], "such as 2h or 3d"),
    ] {
        let ended = bridge(&folder, &arguments).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.text());
        says(&ended.text(), &[words]);
    }
    world.stop().await;
    let ended = bridge(&folder, &["why", "1"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    says(&ended.text(), &["is not running"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_partners_in_mautic_and_hubspot_is_shown_with_both() {
    let folder = Folder::new();
    let mut world = World::with_hubspot(BRIDGE).await;
    world.announce(&folder);
    let ana = json!({ "firstname": "Ana", "lastname": "Gil", "email": "ana@example.org" });
    let (hub, id) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    let both = json_of(&folder, &["why", &hub]).await;
    let pairs: Vec<String> = both.as_array().unwrap().iter().map(|report| text(report, "pair")).collect();
    assert_eq!(pairs, ["mautic-contacts", "hubspot-contacts"]);
    assert!(both.as_array().unwrap().iter().all(|report| report["in_step"] == true), "{both:#}");
    let shown = json_of(&folder, &["why", &format!("hubspot:{id}")]).await;
    assert_eq!(text(&shown, "pair"), "hubspot-contacts");
    assert_eq!(text(field(&shown, "HubSpot", "firstname"), "here"), "Ana");
    // Its maps are held against the fields of HubSpot, not of Mautic.
    let maps = json_of(&folder, &["map", "list"]).await.to_string();
    says(&maps, &["Contacts2HubSpot", "HubSpot2Potentials"]);
    assert!(!maps.contains("Mautic has no") && !maps.contains("Mautic contact has no field"), "{maps}");
    world.stop().await;
}
