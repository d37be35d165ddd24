//! The stand-in for HubSpot in a world of stand-ins: the properties that the bridge needs, an app with its webhooks.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use mapping::{FieldMap, Semantics};
use model::SystemKind;
use serde_json::{Value, json};
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind};
use sync::pairs::PAIRS;

use super::{Simulated, starting};

/// The client secret of the app that sends webhooks in the stand-in.
const CLIENT_SECRET: &str = "a-client-secret-of-the-stand-in";
/// The client secret that the sample events in `events/` are signed with.
pub const SAMPLE_CLIENT_SECRET: &str = "sample-client-secret-1";
/// The property that holds the coreBOS id.
const COREBOS_ID: &str = "corebos_id";

/// The objects that have a pair.
const KINDS: [(&str, Kind); 3] =
    [("contact", Kind::Contact), ("company", Kind::Company), ("deal", Kind::Deal)];

impl Simulated {
    /// Starts a stand-in for HubSpot, made ready for the bridge, beside the others.
    ///
    /// # Errors
    /// The port is taken, or the snapshot cannot be read.
    pub async fn add_hubspot(&mut self, options: HubSpotOptions) -> Result<()> {
        let port = options.port;
        let portal = hubspot::start(options).await.with_context(|| starting("HubSpot", port))?;
        for (_, kind) in KINDS {
            portal.add_unique_property(kind, COREBOS_ID);
        }
        self.hubspot = Some(portal);
        Ok(())
    }

    /// Points the webhooks of the app at a URL: every event that concerns a pair.
    pub fn point_hubspot_at(&self, url: &str) {
        let Some(portal) = &self.hubspot else { return };
        // The gateway is reached over TLS, and so it is what HubSpot signs.
        portal.set_webhook(url, &url.replacen("http://", "https://", 1), CLIENT_SECRET);
        portal.clear_subscriptions();
        for (name, _) in KINDS {
            for action in ["creation", "deletion", "merge", "restore", "associationChange"] {
                portal.subscribe(&format!("{name}.{action}"), None, None);
            }
            for property in mapped_properties(name) {
                portal.subscribe(&format!("{name}.propertyChange"), None, Some(&property));
            }
        }
        portal.subscribe("contact.privacyDeletion", None, None);
    }
}

/// The part of a configuration that leads to the stand-in.
pub(super) fn config(portal: &HubSpotSimulator) -> Value {
    let options = HubSpotOptions::default();
    json!({
        "url": portal.url(),
        "access_token": options.token,
        "client_secret": CLIENT_SECRET,
        "webhook_secrets": [SAMPLE_CLIENT_SECRET],
    })
}

/// The properties that the shipped maps read of an object.
fn mapped_properties(object: &str) -> BTreeSet<String> {
    let pairs =
        PAIRS.iter().filter(|pair| pair.remote_kind == SystemKind::HubSpot && pair.remote_object == object);
    let maps = pairs.filter_map(|pair| mapping::shipped::find(pair.map_to_hub));
    let maps = maps.filter_map(|map| FieldMap::compile(map.name, map.xml.as_bytes(), Semantics::Bridge).ok());
    let mut properties = BTreeSet::new();
    for map in maps {
        for target in map.targets() {
            properties.extend(target.sources().iter().map(|source| property_of(&source.root).to_owned()));
        }
    }
    properties
}

/// The property behind a field that the connector makes of one.
fn property_of(field: &str) -> &str {
    match field {
        "dealstage_label" => "dealstage",
        "owner_email" => "hubspot_owner_id",
        other => other,
    }
}
