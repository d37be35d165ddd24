//! What a report is made of: campaigns with their figures, and chosen properties of all records that have one of them.
//!
//! `GET /marketing/campaigns/{version}` and `/{id}/reports/{metrics,revenue}`, read 2026-11-21. Properties come from
//! search, whose index is a moment behind.

use std::collections::BTreeMap;

use http_client::{Method, Request};
use model::ObjectName;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sync::ConnectorError;

use crate::client::HubSpot;
use crate::objects::Object;
use crate::schema::PipelineStage;
use crate::stock::PAGE as SEARCHED;
use crate::wire::Listed;

/// Campaigns of a page.
const PAGE: usize = 100;

/// A campaign of HubSpot's, with its figures since it began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Campaign {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Visits of the website that came from it.
    pub sessions: u64,
    /// Contacts whose first touch it was.
    pub new_contacts: u64,
    /// Contacts that met it before they became customers.
    pub influenced_contacts: u64,
    /// Deals of contacts that it influenced; none where the token may not see revenue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deals: Option<u64>,
    /// What these deals are worth, in the portal's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_amount: Option<f64>,
    /// What was closed of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revenue: Option<f64>,
}

#[derive(Deserialize)]
struct WireCampaign {
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, Json>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metrics {
    sessions: u64,
    new_contacts_first_touch: u64,
    influenced_contacts: u64,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Revenue {
    deals_number: Option<u64>,
    deal_amount: Option<f64>,
    #[serde(rename = "revenueAmount")]
    closed: Option<f64>,
}

/// The values of chosen properties of a record; those that it does not have are missing.
pub type Chosen = BTreeMap<String, String>;

#[derive(Deserialize)]
struct WireValues {
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, Json>,
}

impl HubSpot {
    /// The newest campaigns, at most so many. Each costs two calls.
    ///
    /// # Errors
    /// Misconfigured where our token lacks the scope, with its name.
    pub async fn campaigns(&self, most: usize) -> Result<Vec<Campaign>, ConnectorError> {
        let mut listed: Vec<WireCampaign> = Vec::new();
        let mut after: Option<String> = None;
        while listed.len() < most {
            let url = self.api(["marketing", "campaigns", self.version()]);
            let limit = PAGE.min(most - listed.len()).to_string();
            let mut request = Request::read(Method::GET, url)
                .query("limit", &limit)
                .query("sort", "-createdAt")
                .query("properties", "hs_name");
            if let Some(after) = &after {
                request = request.query("after", after);
            }
            let page: Listed<WireCampaign> = self.ask(request).await?;
            after = page.next();
            listed.extend(page.results);
            if after.is_none() {
                break;
            }
        }
        let mut campaigns = Vec::with_capacity(listed.len());
        for WireCampaign { id, properties } in listed {
            let figures = |what: &str| {
                let path = ["marketing", "campaigns", self.version(), &id, "reports", what];
                Request::read(Method::GET, self.api(path))
            };
            let metrics: Metrics = self.ask(figures("metrics")).await?;
            let revenue: Revenue = match self.ask(figures("revenue")).await {
                // Another scope than that of campaigns, and only in dear editions.
                Err(ConnectorError::Misconfigured { .. } | ConnectorError::Forbidden { .. }) => {
                    Revenue::default()
                }
                other => other?,
            };
            let name = properties.get("hs_name").and_then(Json::as_str).unwrap_or_default().to_owned();
            campaigns.push(Campaign {
                name,
                sessions: metrics.sessions,
                new_contacts: metrics.new_contacts_first_touch,
                influenced_contacts: metrics.influenced_contacts,
                deals: revenue.deals_number,
                deal_amount: revenue.deal_amount,
                revenue: revenue.closed,
                id,
            });
        }
        Ok(campaigns)
    }

    /// These properties of all records that have the first one of them.
    ///
    /// # Errors
    /// Misconfigured where there is no such object, or our token may not search it.
    pub async fn values(
        &self,
        object: &ObjectName,
        properties: &[&str],
    ) -> Result<Vec<Chosen>, ConnectorError> {
        let object = Object::of(object)?;
        let Some(first) = properties.first() else { return Ok(Vec::new()) };
        let (mut all, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let filters = json!([
                { "propertyName": first, "operator": "HAS_PROPERTY" },
                { "propertyName": "hs_object_id", "operator": "GT", "value": after },
            ]);
            let page: Listed<WireValues> = self.searched(object, &filters, properties).await?;
            let full = page.results.len() >= SEARCHED;
            let last = page.results.iter().filter_map(|record| record.id.parse::<u64>().ok()).max();
            all.extend(page.results.into_iter().map(|record| {
                let texts = record.properties.into_iter();
                texts.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
            }));
            match last.filter(|_| full) {
                Some(last) => after = last.to_string(),
                None => return Ok(all),
            }
        }
    }

    /// The stages of an object, over all pipelines, in their order.
    ///
    /// # Errors
    /// Misconfigured where our token may not see them.
    pub async fn stages(&self, object: &ObjectName) -> Result<Vec<PipelineStage>, ConnectorError> {
        Ok(self.schema_of(Object::of(object)?).await?.stages().to_vec())
    }
}
