//! A burst of changes is spread over time by turns that all functions share: HubSpot refuses nothing.

use scenarios::{Unusual, World, property};
use serde_json::json;
use simulators::hubspot::{HubSpotOptions, Kind, Limits};

use crate::BRIDGE;

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_meets_no_rate_limit_of_hubspot() {
    let mut options = HubSpotOptions::default();
    // The limits of a portal that costs nothing.
    options.limits = Limits { per_ten_seconds: 100, ..Limits::default() };
    let mut world = World::with_hubspot_as(BRIDGE, Unusual::default(), options).await;
    let mut hubs = Vec::new();
    for n in 0..15 {
        let contact = json!({ "lastname": format!("L{n}"), "email": format!("l{n}@example.org"), "hubspotsyncwith": "1" });
        hubs.push(world.systems.corebos.create("Contacts", &contact).await.unwrap());
    }
    for (n, hub) in hubs.iter().enumerate() {
        let id = world.hubspot_record_of(Kind::Contact, hub).await;
        assert_eq!(property(world.hubspot(), Kind::Contact, &id, "lastname"), format!("L{n}"));
    }
    for hub in &hubs {
        world.systems.corebos.edit(hub, &json!({ "mailingcity": "Vigo" })).await.unwrap();
    }
    for hub in &hubs {
        let id = world.hubspot_record_of(Kind::Contact, hub).await;
        world.until_property(Kind::Contact, &id, "city", "Vigo").await;
    }
    assert_eq!(world.hubspot().refused_calls(), 0);
    assert_eq!(world.hubspot().ids(Kind::Contact).len(), hubs.len());
    world.stop().await;
}
