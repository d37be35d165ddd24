//! `bridge import` brings the stocks of HubSpot and coreBOS in step: each record in the pair where a push would put it.

use std::time::Duration;

use scenarios::{Ended, Folder, Program, Unusual, World, property, text};
use serde_json::{Value, json};
use simulators::hubspot::{HubSpotOptions, Kind};

use crate::BRIDGE;

const ALL: &str = "hubspot-deals,hubspot-leads,hubspot-contacts,hubspot-companies";

/// Three systems that tell nobody anything, and a folder by which the command line finds the stack.
async fn untold() -> (World, Folder) {
    let mut options = HubSpotOptions::default();
    options.search_lag = Duration::ZERO;
    let mut world = World::with_untold_hubspot(BRIDGE, Unusual::default(), options).await;
    let folder = Folder::new();
    world.announce(&folder);
    (world, folder)
}

async fn import(folder: &Folder, arguments: &[&str]) -> Ended {
    let data = folder.path().display().to_string();
    let all = ["import", "--data", &data].into_iter().chain(arguments.iter().copied());
    let ended = Program::start(BRIDGE, all).end().await;
    assert!(!ended.text().contains("panicked"), "{}", ended.text());
    ended
}

fn named(world: &World, module: &str, field: &str, value: &str) -> Value {
    let found = world.systems.corebos.find(module, field, value);
    found.unwrap_or_else(|| panic!("{module} has none with {field} {value}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_s_stock_lands_in_four_modules_once_with_its_companies_and_people() {
    let (mut world, folder) = untold().await;
    let portal = world.hubspot();
    let firm = portal.create_as_user(Kind::Company, &[("name", "Firm"), ("city", "Vigo")]).unwrap();
    let contact = |email: &str, stage: &str| {
        let values = [("email", email), ("lastname", email), ("lifecyclestage", stage)];
        portal.create_as_user(Kind::Contact, &values).unwrap()
    };
    let customer = contact("customer@example.org", "customer");
    let lead = contact("lead@example.org", "lead");
    let known = contact("known@example.org", "lead");
    assert!(portal.associate_as_user((Kind::Contact, &customer), (Kind::Company, &firm), true));
    let deal = portal
        .create_as_user(
            Kind::Deal,
            &[
                ("dealname", "Big"),
                ("dealstage", "contractsent"),
                ("pipeline", "default"),
                ("closedate", "2026-12-01T12:00:00Z"),
            ],
        )
        .unwrap();
    assert!(portal.associate_as_user((Kind::Deal, &deal), (Kind::Contact, &customer), false));
    // Somebody whom coreBOS knows as a Contact is no Lead, whatever the stage of life.
    let person = json!({ "lastname": "Known", "email": "known@example.org", "hubspotsyncwith": "1" });
    let hub = world.systems.corebos.create("Contacts", &person).await.unwrap();

    let before = world.corebos_writes();
    let ended = import(&folder, &["--pair", ALL, "--from", "hubspot", "--dry-run"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    assert!(ended.text().contains("would be created"), "{}", ended.text());
    assert_eq!((world.corebos_writes(), world.systems.corebos.records("Accounts").len()), (before, 0));

    let ended = import(&folder, &["--pair", ALL, "--from", "hubspot"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    world.quiet().await;
    let portal = world.hubspot();
    let account = named(&world, "Accounts", "hubspotid", &firm);
    let there = named(&world, "Contacts", "hubspotid", &customer);
    assert_eq!(text(&there, "account_id"), text(&account, "id"));
    assert_eq!((text(&there, "hubspotsyncwith"), text(&there, "hubspotcreated")), ("1".into(), "1".into()));
    assert_eq!(text(&named(&world, "Leads", "hubspotid", &lead), "lastname"), "lead@example.org");
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "hubspotid"), known);
    let potential = named(&world, "Potentials", "hubspotid", &deal);
    assert_eq!(text(&potential, "related_to"), text(&there, "id"));
    let counts = ["Accounts", "Contacts", "Leads", "Potentials"]
        .map(|module| world.systems.corebos.records(module).len());
    assert_eq!(counts, [1, 2, 1, 1]);
    assert_eq!(property(portal, Kind::Deal, &deal, "corebos_id"), text(&potential, "id"));

    let writes = world.corebos_writes();
    portal.clear_requests();
    let again = import(&folder, &["--pair", ALL, "--from", "hubspot"]).await;
    assert_eq!(again.code, Some(0), "{}", again.text());
    assert!(again.text().contains("belongs to another pair"), "{}", again.text());
    assert_eq!((world.corebos_writes(), world.hubspot_writes()), (writes, 0), "{}", again.text());
    assert_eq!(portal.refused_calls(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_corebos_s_stock_what_is_ticked_goes_to_hubspot_and_what_is_there_is_linked() {
    let (mut world, folder) = untold().await;
    let corebos = &world.systems.corebos;
    let firm = json!({ "accountname": "Firm", "hubspotsyncwith": "1" });
    let firm = corebos.create("Accounts", &firm).await.unwrap();
    for n in 0..12 {
        let ticked = if n < 8 { "1" } else { "0" };
        let email = format!("c{n}@example.org");
        let fields = json!({ "lastname": format!("C{n}"), "email": email, "hubspotsyncwith": ticked, "account_id": firm });
        corebos.create("Contacts", &fields).await.unwrap();
        if n % 4 == 0 {
            // Already there, by the same address in other letters.
            let values = [("email", email.as_str()), ("firstname", "Only in HubSpot")];
            world.hubspot().create_as_user(Kind::Contact, &values).unwrap();
        }
    }
    let pairs = "hubspot-companies,hubspot-contacts";
    let ended = import(&folder, &["--pair", pairs, "--from", "corebos"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    world.quiet().await;
    assert!(ended.text().contains("not ticked for HubSpot"), "{}", ended.text());
    let portal = world.hubspot();
    assert_eq!(portal.ids(Kind::Company).len(), 1);
    // Eight are ticked, and one that is not was there before.
    assert_eq!(portal.ids(Kind::Contact).len(), 8 + 1);
    for n in 0..8 {
        let record = named(&world, "Contacts", "email", &format!("c{n}@example.org"));
        let id = text(&record, "hubspotid");
        assert_eq!(property(portal, Kind::Contact, &id, "corebos_id"), text(&record, "id"));
        assert_eq!(portal.associated((Kind::Contact, &id), Kind::Company, true), portal.ids(Kind::Company));
        let first = if n % 4 == 0 { "Only in HubSpot" } else { "" };
        assert_eq!(text(&record, "firstname"), first);
    }
    portal.clear_requests();
    let writes = world.corebos_writes();
    let again = import(&folder, &["--pair", pairs, "--from", "corebos"]).await;
    assert_eq!(again.code, Some(0), "{}", again.text());
    assert_eq!((world.corebos_writes(), world.hubspot_writes()), (writes, 0), "{}", again.text());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_is_imported_from_its_own_two_systems_only() {
    let (world, folder) = untold().await;
    let ended = import(&folder, &["--pair", "contacts", "--from", "hubspot"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.text().contains("is between coreBOS and mautic: write --from mautic"), "{}", ended.text());
    world.stop().await;
}
