//! `bridge report hubspot` tells campaigns, conversions and deal stages of both systems, and what it could not see.

use std::time::Duration;

use scenarios::{Folder, Program, Unusual, World};
use serde_json::{Value, json};
use simulators::hubspot::{HubSpotOptions, Kind};

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_conversions_and_deal_stages_are_counted_in_both_systems() {
    let mut options = HubSpotOptions::default();
    options.search_lag = Duration::ZERO;
    let mut world = World::with_hubspot_as(BRIDGE, Unusual::default(), options).await;
    let folder = Folder::new();
    world.announce(&folder);
    world.hubspot().add_campaign("Spring", 900, 30, (4, 5000.0));
    world.hubspot().add_campaign("Autumn", 100, 5, (1, 250.5));
    let contact = |email: &str, stage: &str| {
        let values = [("email", email), ("lastname", "Form"), ("lifecyclestage", stage)];
        world.hubspot().create_as_user(Kind::Contact, &values).unwrap()
    };
    let (lead, customer) = (contact("lead@example.org", "lead"), contact("customer@example.org", "customer"));
    let person = customer.clone();
    world.corebos_record_of("Leads", &lead).await;
    let hub = world.corebos_record_of("Contacts", &customer).await;
    for id in [&lead, &person] {
        world.hubspot().note(Kind::Contact, id, &[("first_conversion_event_name", "Newsletter form")]);
    }
    for (name, stage, amount) in [("A", "Prospecting", "100"), ("B", "Closed Won", "250.50")] {
        let fields = json!({
            "potentialname": name, "sales_stage": stage, "amount": amount, "related_to": hub,
            "closingdate": "2026-12-01", "hubspotsyncwith": "1",
        });
        let deal = world.systems.corebos.create("Potentials", &fields).await.unwrap();
        world.hubspot_record_of(Kind::Deal, &deal).await;
    }
    world.quiet().await;
    let (corebos_writes, requests) = (world.corebos_writes(), world.hubspot().requests().len());
    let data = folder.path().display().to_string();
    let ended =
        Program::start(BRIDGE, ["report", "hubspot", "--format", "json", "--data", &data]).end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    let report: Value = serde_json::from_str(&ended.text()).unwrap();
    let names: Vec<_> =
        report["campaigns"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect();
    assert_eq!(names, ["Autumn", "Spring"]);
    assert_eq!(
        (&report["campaigns"][1]["sessions"], &report["campaigns"][1]["deals"]),
        (&json!(900), &json!(4))
    );
    let conversion = json!({
        "name": "Newsletter form", "contacts": 2, "leads_in_corebos": 1, "contacts_in_corebos": 1, "customers": 1,
    });
    assert_eq!(report["conversions"], json!([conversion]));
    let of = |system: &str, stage: &str| {
        let all = report["deal_stages"].as_array().unwrap();
        let fits = |each: &&Value| each["system"] == system && each["stage"] == stage && each["deals"] != 0;
        all.iter().find(fits).map(|each| (each["deals"].clone(), each["amount"].clone()))
    };
    assert_eq!(of("corebos", "Prospecting"), Some((json!(1), json!(100.0))));
    assert_eq!(of("corebos", "Closed Won"), Some((json!(1), json!(250.5))));
    assert_eq!(of("hubspot", "Closed Won"), Some((json!(1), json!(250.5))));
    assert_eq!(world.corebos_writes(), corebos_writes, "looking changes nothing");
    assert!(world.hubspot().requests().len() > requests);

    let shown = Program::start(BRIDGE, ["report", "hubspot", "--data", &data]).end().await.text();
    for part in ["Campaigns", "Newsletter form", "Closed Won", "250.50", "5000.00"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    world.hubspot().set_missing_scopes(&["marketing.campaigns.read"]);
    let ended = Program::start(BRIDGE, ["report", "hubspot", "--data", &data]).end().await;
    assert_eq!(ended.code, Some(1));
    let told = ended.text();
    assert!(told.contains("could not be seen") && told.contains("marketing.campaigns.read"), "{told}");
    assert!(told.contains("Newsletter form"), "the rest is shown: {told}");
    world.stop().await;
}
