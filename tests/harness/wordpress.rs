//! Worlds with a WordPress site beside coreBOS and Mautic, and ways to look at it.

use bridge::config::Config;
use bridge::simulated::{self, ACCESS_KEY, SITE, Simulated};
use serde_json::{Value, json};
use simulators::wordpress::{UserView, WordPressOptions, WordPressSimulator};

use crate::{Unusual, World, text, world_of};

impl World {
    /// A world with a site that has the must-use plugin.
    ///
    /// # Panics
    /// It does not start: the story has failed.
    pub async fn with_wordpress(program: &str) -> Self {
        Self::with_wordpress_as(program, &json!({}), WordPressOptions::default()).await
    }

    /// A world with a site of another kind, and with these settings of the site.
    ///
    /// # Panics
    /// It does not start: the story has failed.
    pub async fn with_wordpress_as(program: &str, preferences: &Value, options: WordPressOptions) -> Self {
        let (systems, config) = wordpress_systems(preferences, options).await;
        world_of(program, systems, &config, Unusual::default()).await
    }

    /// The site.
    ///
    /// # Panics
    /// The world has none.
    pub fn site(&self) -> &WordPressSimulator {
        site_of(&self.systems)
    }

    /// Does what a campaign of Mautic does, with the access key of the site: the parameters as a query. The status, and
    /// the answer.
    ///
    /// # Panics
    /// Nobody answers.
    pub async fn campaign(&self, parameters: &[(&str, &str)]) -> (u16, Value) {
        let url = self.local.webhook_url("webhook-campaign");
        let request = reqwest::Client::new().get(url).query(parameters).header("X-Bridge-Key", ACCESS_KEY);
        let answer = request.send().await.unwrap_or_else(|error| panic!("no answer: {error}"));
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_else(|error| panic!("no JSON: {error}")))
    }

    /// A campaign action for a contact, taken and done.
    ///
    /// # Panics
    /// It is not taken, or never done.
    pub async fn campaign_for(&mut self, action: &str, contact: u64, more: &[(&str, &str)]) {
        // What follows from the contact by itself comes first.
        self.quiet().await;
        let id = contact.to_string();
        let mut parameters = vec![("wpf_action", action), ("contact_id", id.as_str())];
        parameters.extend(more);
        let (status, answer) = self.campaign(&parameters).await;
        assert_eq!((status, text(&answer, "status").as_str()), (200, "queued"), "{answer}");
        self.quiet().await;
    }

    /// The user with an e-mail, the only one.
    ///
    /// # Panics
    /// There is none, or there are several.
    pub fn user(&self, email: &str) -> UserView {
        let found = self.site().users_with(email);
        assert_eq!(found.len(), 1, "users with {email}; the log ends with {:#?}", self.last_lines());
        found.into_iter().next().unwrap_or_else(|| panic!("no user"))
    }

    /// What became of the last message towards the site.
    ///
    /// # Panics
    /// There was none.
    pub fn last_pushed(&self) -> Value {
        self.told("user pushed").pop().unwrap_or_else(|| panic!("nothing was pushed"))
    }

    /// How often the site was written to; what it refused was none.
    pub fn site_writes(&self) -> usize {
        let requests = self.site().requests();
        let writes = |request: &&simulators::RequestRecord| {
            !["GET", "HEAD"].contains(&request.method.as_str())
                && request.status.is_some_and(|code| code < 300)
        };
        requests.iter().filter(writes).count()
    }
}

/// Stand-ins with a site, and the configuration that connects them.
///
/// # Panics
/// They do not start.
pub async fn wordpress_systems(preferences: &Value, options: WordPressOptions) -> (Simulated, Config) {
    let mut systems = simulated::start((0, 0), None).await.unwrap_or_else(|error| panic!("{error:#}"));
    systems.add_wordpress(options, None).await.unwrap_or_else(|error| panic!("{error:#}"));
    let mut config = systems.config().unwrap_or_else(|error| panic!("{error:#}"));
    let site = config.wordpress.as_mut().and_then(|wordpress| wordpress.sites.get_mut(SITE));
    if let (Some(site), Some(preferences)) = (site, preferences.as_object()) {
        site.preferences.clone_from(preferences);
    }
    (systems, config)
}

fn site_of(systems: &Simulated) -> &WordPressSimulator {
    systems.wordpress.as_ref().unwrap_or_else(|| panic!("this world has no site"))
}
