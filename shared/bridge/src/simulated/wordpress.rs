//! The stand-in for a WordPress site in a world of stand-ins: a shop, with the must-use plugin.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use simulators::wordpress::{self, WordPressOptions, WordPressSimulator};

use super::{Simulated, starting};

/// The name of the site.
pub const SITE: &str = "shop";
/// The access key that campaigns of the stand-in send. The one of the sample events is accepted as well.
pub const ACCESS_KEY: &str = "an-access-key-of-the-stand-in";
/// The access key that the sample events in `events/` carry.
pub const SAMPLE_ACCESS_KEY: &str = "sample-access-key-1";

impl Simulated {
    /// Starts a stand-in for a site beside the others; `data` is a folder that keeps its users.
    ///
    /// # Errors
    /// The port is taken, or the snapshot cannot be read.
    pub async fn add_wordpress(&mut self, mut options: WordPressOptions, data: Option<&Path>) -> Result<()> {
        let port = options.port;
        options.data = data.map(|folder| folder.join("simulated-wordpress.json"));
        let is_new = !options.data.as_deref().is_some_and(Path::exists);
        let site = wordpress::start(options).await.with_context(|| starting("WordPress", port))?;
        if is_new {
            site.add_role("customer");
        }
        self.wordpress = Some(site);
        Ok(())
    }
}

impl Simulated {
    /// The part of a configuration that leads to the site, if there is one.
    pub fn config_of_site(&self) -> Option<Value> {
        self.wordpress.as_ref().map(config)
    }
}

/// The part of a configuration that leads to the stand-in.
pub(super) fn config(site: &WordPressSimulator) -> Value {
    let WordPressOptions { username, application_password, .. } = WordPressOptions::default();
    let site = json!({
        "url": site.url(),
        "username": username,
        "application_password": application_password,
        "access_keys": [ACCESS_KEY, SAMPLE_ACCESS_KEY],
    });
    json!({ "sites": { SITE: site } })
}

/// A command that makes a user of a contact, as a campaign would.
pub fn try_campaign(url: &str) -> String {
    format!("curl '{url}?wpf_action=add&contact_id=1&role=customer' -H 'X-Bridge-Key: {ACCESS_KEY}'")
}
