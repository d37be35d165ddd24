//! The files of a HubSpot project with an app that sends webhooks: for `hs project upload`.
//!
//! "Configure webhooks" and "App configuration", <https://developers.hubspot.com/docs/apps/developer-platform>, read
//! 2026-11-21. There is no API for the subscriptions of such an app, and no subscription for all properties at once.

use std::collections::{BTreeMap, BTreeSet};

use model::ObjectName;
use serde_json::{Value as Json, json};
use sync::ConnectorError;

use super::scopes::{SCOPES, ScopeUse};
use crate::objects::Object;
use crate::schema::property_behind;

/// HubSpot's platform that the files are made for.
const PLATFORM: &str = "2026.03";
/// Events of every object that is kept in step, beside changes of properties.
const EVENTS: [&str; 5] = ["creation", "deletion", "merge", "restore", "associationChange"];
/// Properties that HubSpot sends no webhooks for.
const UNSENT: [&str; 3] = ["hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events"];

/// A file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Where, in the project's folder.
    pub path: &'static str,
    /// Its text.
    pub text: String,
}

/// What a project is made of.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Where webhooks go: what is signed, to the letter.
    pub target_url: String,
    /// The properties that tell of changes, by object.
    properties: BTreeMap<Object, BTreeSet<String>>,
}

impl Project {
    /// A project whose app sends to this URL.
    pub fn new(target_url: impl Into<String>) -> Self {
        Self { target_url: target_url.into(), properties: BTreeMap::new() }
    }

    /// Subscribes to an object, and to changes of the properties behind these fields of its records.
    ///
    /// # Errors
    /// Misconfigured: the bridge does not know the object.
    pub fn subscribe<'f>(
        &mut self,
        object: &ObjectName,
        fields: impl IntoIterator<Item = &'f str>,
    ) -> Result<(), ConnectorError> {
        let object = Object::of(object)?;
        let properties = self.properties.entry(object).or_default();
        let named = fields.into_iter().filter_map(|field| property_behind(object, field));
        properties.extend(named.filter(|name| !UNSENT.contains(name)).map(str::to_owned));
        // What says whether a contact is a Lead, and where a deal stands: whether a map reads them or not.
        match object {
            Object::Contact => properties.extend(["lifecyclestage".to_owned()]),
            Object::Deal => properties.extend(["pipeline".to_owned(), "dealstage".to_owned()]),
            Object::Lead => properties.extend(["hs_pipeline".to_owned(), "hs_pipeline_stage".to_owned()]),
            Object::Company => {}
        }
        Ok(())
    }

    /// How many subscriptions there are. HubSpot takes 1,000 of an app.
    pub fn subscriptions(&self) -> usize {
        self.of_objects(false).len() + self.of_objects(true).len() + 1
    }

    /// Leads are told of in the newer words, which say the object beside the event; all others in the older ones.
    fn of_objects(&self, newer: bool) -> Vec<Json> {
        let mut all = Vec::new();
        for (object, properties) in &self.properties {
            if (*object == Object::Lead) != newer {
                continue;
            }
            let subscription = |event: &str, property: Option<&String>| {
                let of = if newer { "object" } else { object.name() };
                let mut told = json!({ "subscriptionType": format!("{of}.{event}"), "active": true });
                if newer {
                    told["objectType"] = Json::from(object.name());
                }
                if let Some(property) = property {
                    told["propertyName"] = Json::from(property.as_str());
                }
                told
            };
            // Leads cannot be merged.
            let events = EVENTS.into_iter().filter(|event| !newer || *event != "merge");
            all.extend(events.map(|event| subscription(event, None)));
            all.extend(properties.iter().map(|property| subscription("propertyChange", Some(property))));
        }
        all
    }

    /// The project itself, the app, and its webhooks.
    pub fn files(&self) -> [ProjectFile; 3] {
        let scopes = |wanted: &dyn Fn(ScopeUse) -> bool| -> Vec<&str> {
            SCOPES.iter().filter(|scope| wanted(scope.what_for)).map(|scope| scope.name).collect()
        };
        let has_leads = self.properties.contains_key(&Object::Lead);
        let is_required = |what_for| match what_for {
            ScopeUse::Sync | ScopeUse::Owners | ScopeUse::SetUp => true,
            ScopeUse::Leads => has_leads,
            ScopeUse::Lists | ScopeUse::Events | ScopeUse::Report => false,
        };
        let is_optional = |what_for| !is_required(what_for) && what_for != ScopeUse::Leads;
        let project = json!({ "name": "corebos-bridge", "srcDir": "src", "platformVersion": PLATFORM });
        let app = json!({
            "uid": "corebos_bridge",
            "type": "app",
            "config": {
                "name": "coreBOS bridge",
                "description": "Keeps contacts, companies and deals in step with coreBOS.",
                "distribution": "private",
                "auth": {
                    "type": "static",
                    "requiredScopes": scopes(&is_required),
                    "optionalScopes": scopes(&is_optional),
                    "conditionallyRequiredScopes": [],
                },
                "permittedUrls": { "fetch": ["https://api.hubapi.com"], "iframe": [], "img": [] },
            },
        });
        let webhooks = json!({
            "uid": "corebos_bridge_webhooks",
            "type": "webhooks",
            "config": {
                "settings": { "targetUrl": self.target_url, "maxConcurrentRequests": 10 },
                "subscriptions": {
                    "crmObjects": self.of_objects(true),
                    "legacyCrmObjects": self.of_objects(false),
                    "hubEvents": [{ "subscriptionType": "contact.privacyDeletion", "active": true }],
                },
            },
        });
        let file = |path, json: &Json| ProjectFile { path, text: format!("{json:#}\n") };
        [
            file("hsproject.json", &project),
            file("src/app/app-hsmeta.json", &app),
            file("src/app/webhooks/webhooks-hsmeta.json", &webhooks),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhooks(project: &Project) -> Json {
        serde_json::from_str(&project.files()[2].text).unwrap()
    }

    #[test]
    fn every_property_that_a_map_reads_is_subscribed_to_once_and_nothing_that_is_none() {
        let mut project = Project::new("https://h.example.com/webhooks/hubspot");
        let contact = ObjectName::new("contact");
        project
            .subscribe(&contact, ["email", "owner_email", "primary-company", "id", "lastmodifieddate"])
            .unwrap();
        project.subscribe(&contact, ["email", "phone"]).unwrap();
        project.subscribe(&ObjectName::new("deal"), ["dealstage_label", "record_url"]).unwrap();
        let json = webhooks(&project);
        let listed = json["config"]["subscriptions"]["legacyCrmObjects"].as_array().unwrap();
        let of = |kind: &str| -> Vec<&str> {
            let chosen = listed.iter().filter(|each| each["subscriptionType"] == kind);
            chosen.filter_map(|each| each["propertyName"].as_str()).collect()
        };
        assert_eq!(of("contact.propertyChange"), ["email", "hubspot_owner_id", "lifecyclestage", "phone"]);
        assert_eq!(of("deal.propertyChange"), ["dealstage", "pipeline"]);
        assert_eq!(listed.len() + 1, project.subscriptions());
        assert!(listed.iter().any(|each| each["subscriptionType"] == "deal.restore"));
        assert_eq!(json["config"]["settings"]["targetUrl"], "https://h.example.com/webhooks/hubspot");
        assert_eq!(json["config"]["subscriptions"]["crmObjects"], json!([]));
    }

    #[test]
    fn leads_are_subscribed_to_in_the_newer_words() {
        let mut project = Project::new("https://h.example.com/webhooks/hubspot");
        project.subscribe(&ObjectName::new("lead"), ["hs_lead_label", "contact"]).unwrap();
        let json = webhooks(&project);
        let listed = json["config"]["subscriptions"]["crmObjects"].as_array().unwrap();
        assert_eq!(listed.len() + 1, project.subscriptions());
        assert!(listed.iter().all(|each| each["objectType"] == "lead"));
        let kinds: BTreeSet<&str> =
            listed.iter().filter_map(|each| each["subscriptionType"].as_str()).collect();
        let expected = ["creation", "deletion", "restore", "associationChange", "propertyChange"];
        assert_eq!(kinds, expected.map(|kind| format!("object.{kind}")).iter().map(String::as_str).collect());
    }

    #[test]
    fn the_app_asks_for_what_the_bridge_needs() {
        let [_, app, _] = Project::new("https://h.example.com").files();
        let app: Json = serde_json::from_str(&app.text).unwrap();
        let auth = &app["config"]["auth"];
        let has = |list: &str, scope: &str| auth[list].as_array().unwrap().contains(&Json::from(scope));
        assert!(has("requiredScopes", "crm.objects.deals.write") && has("optionalScopes", "crm.lists.write"));
    }
}
