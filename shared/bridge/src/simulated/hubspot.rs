//! The stand-in for HubSpot in a world of stand-ins: the properties that the bridge needs, an app with its webhooks.

use anyhow::{Context, Result, anyhow};
use connector_hubspot::admin::Project;
use mapping::{FieldMap, Semantics};
use model::ObjectName;
use serde_json::{Value, json};
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind};

use super::{Simulated, starting};

/// The client secret of the app that sends webhooks in the stand-in.
pub const CLIENT_SECRET: &str = "a-client-secret-of-the-stand-in";
/// The client secret that the sample events in `events/` are signed with.
pub const SAMPLE_CLIENT_SECRET: &str = "sample-client-secret-1";
/// The property that holds the coreBOS id.
const COREBOS_ID: &str = "corebos_id";

/// The objects that have a pair.
const KINDS: [Kind; 4] = [Kind::Contact, Kind::Company, Kind::Deal, Kind::Lead];

impl Simulated {
    /// Starts a stand-in for HubSpot, made ready for the bridge, beside the others.
    ///
    /// # Errors
    /// The port is taken, or the snapshot cannot be read.
    pub async fn add_hubspot(&mut self, options: HubSpotOptions) -> Result<()> {
        let port = options.port;
        let portal = hubspot::start(options).await.with_context(|| starting("HubSpot", port))?;
        for kind in KINDS {
            portal.add_unique_property(kind, COREBOS_ID);
        }
        self.hubspot = Some(portal);
        Ok(())
    }

    /// Points the webhooks of the app at a URL: every event that concerns a pair, by the file that `bridge setup hubspot`
    /// writes for the shipped maps.
    ///
    /// # Errors
    /// The stand-in does not take the file, which does not happen.
    pub fn point_hubspot_at(&self, url: &str) -> Result<()> {
        let Some(portal) = &self.hubspot else { return Ok(()) };
        let mut project = Project::new(signed_url(url));
        for spec in crate::setup::hubspot::specs() {
            let map = mapping::shipped::find(spec.map_to_hub).context("every pair has a map that ships")?;
            let map = FieldMap::compile(map.name, map.xml.as_bytes(), Semantics::Bridge)
                .map_err(|error| anyhow!("{error}"))?;
            let sources = map.targets().flat_map(mapping::Target::sources);
            project.subscribe(
                &ObjectName::new(spec.remote_object),
                sources.map(|source| source.root.as_str()),
            )?;
        }
        let [_, _, webhooks] = project.files();
        portal.upload_webhooks(&webhooks.text, url, CLIENT_SECRET).map_err(|error| anyhow!("{error}"))?;
        Ok(())
    }
}

/// What HubSpot signs for a gateway on this machine: it is reached over TLS.
pub(crate) fn signed_url(url: &str) -> String {
    url.replacen("http://", "https://", 1)
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
