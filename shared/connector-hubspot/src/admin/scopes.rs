//! What our token may do, in HubSpot's own words.
//!
//! The scopes of an OAuth token are told to its app (`POST /oauth/{version}/token/introspect`), those of a token that does
//! not end to whoever has it (`POST /oauth/v2/private-apps/get/access-token-info`). Where HubSpot tells nothing, which
//! may be so for a service key, calls that change nothing are tried: reads of one record, and batches without a record.

use std::collections::BTreeSet;

use http_client::{Effect, Method, Request};
use serde_json::json;
use sync::ConnectorError;

use crate::client::{HubSpot, with_json};
use crate::error::{missing_scopes, refusal};

/// What a scope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeUse {
    /// To keep records in step.
    Sync,
    /// To know owners by e-mail address. Without it, everything but that works.
    Owners,
    /// To create the properties with the ids. It can be taken away afterwards.
    SetUp,
    /// To keep lead records in step, where the portal has them.
    Leads,
    /// To put contacts into lists.
    Lists,
    /// To send custom events.
    Events,
    /// To show campaigns in a report.
    Report,
}

/// A scope that the bridge uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name in HubSpot.
    pub name: &'static str,
    /// What for.
    pub what_for: ScopeUse,
    /// A call that needs it and changes nothing; none where there is no such call.
    probe: Option<Probe>,
}

/// A call that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// `GET`, below the version: the parts before and after it.
    Read(&'static [&'static str], &'static [&'static str]),
    /// `POST` of a batch without inputs.
    EmptyBatch(&'static [&'static str], &'static [&'static str]),
}

const fn scope(name: &'static str, what_for: ScopeUse, probe: Probe) -> Scope {
    Scope { name, what_for, probe: Some(probe) }
}

const OBJECTS: &[&str] = &["crm", "objects"];
const PROPERTIES: &[&str] = &["crm", "properties"];

/// The scopes that the bridge uses.
pub const SCOPES: [Scope; 15] = [
    scope("crm.objects.contacts.read", ScopeUse::Sync, Probe::Read(OBJECTS, &["contacts"])),
    scope(
        "crm.objects.contacts.write",
        ScopeUse::Sync,
        Probe::EmptyBatch(OBJECTS, &["contacts", "batch", "create"]),
    ),
    scope("crm.objects.companies.read", ScopeUse::Sync, Probe::Read(OBJECTS, &["companies"])),
    scope(
        "crm.objects.companies.write",
        ScopeUse::Sync,
        Probe::EmptyBatch(OBJECTS, &["companies", "batch", "create"]),
    ),
    scope("crm.objects.deals.read", ScopeUse::Sync, Probe::Read(OBJECTS, &["0-3"])),
    scope("crm.objects.deals.write", ScopeUse::Sync, Probe::EmptyBatch(OBJECTS, &["0-3", "batch", "create"])),
    scope("crm.objects.leads.read", ScopeUse::Leads, Probe::Read(OBJECTS, &["leads"])),
    scope(
        "crm.objects.leads.write",
        ScopeUse::Leads,
        Probe::EmptyBatch(OBJECTS, &["leads", "batch", "create"]),
    ),
    scope("crm.objects.owners.read", ScopeUse::Owners, Probe::Read(&["crm", "owners"], &[])),
    scope(
        "crm.schemas.contacts.write",
        ScopeUse::SetUp,
        Probe::EmptyBatch(PROPERTIES, &["0-1", "batch", "create"]),
    ),
    scope(
        "crm.schemas.companies.write",
        ScopeUse::SetUp,
        Probe::EmptyBatch(PROPERTIES, &["0-2", "batch", "create"]),
    ),
    scope(
        "crm.schemas.deals.write",
        ScopeUse::SetUp,
        Probe::EmptyBatch(PROPERTIES, &["0-3", "batch", "create"]),
    ),
    Scope { name: "crm.lists.write", what_for: ScopeUse::Lists, probe: None },
    Scope { name: "analytics.behavioral_events.send", what_for: ScopeUse::Events, probe: None },
    scope("marketing.campaigns.read", ScopeUse::Report, Probe::Read(&["marketing", "campaigns"], &[])),
];

/// What is known of our token's scopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// Whether HubSpot has told them; otherwise calls were tried.
    pub told: bool,
    missing: BTreeSet<String>,
}

impl Scopes {
    /// The scopes for a use that the token lacks, as HubSpot writes them.
    pub fn missing(&self, what_for: ScopeUse) -> Vec<&'static str> {
        let wanted = SCOPES.iter().filter(|scope| scope.what_for == what_for);
        wanted.map(|scope| scope.name).filter(|name| self.missing.contains(*name)).collect()
    }

    /// Whether anything is known of the scopes for a use.
    pub fn knows(&self, what_for: ScopeUse) -> bool {
        self.told || SCOPES.iter().any(|scope| scope.what_for == what_for && scope.probe.is_some())
    }
}

impl HubSpot {
    /// What our token may do.
    ///
    /// # Errors
    /// HubSpot does not answer, or refuses the token.
    pub async fn scopes(&self) -> Result<Scopes, ConnectorError> {
        if let Some(granted) = self.granted_scopes().await? {
            let missing = SCOPES.iter().map(|scope| scope.name).filter(|name| !granted.contains(*name));
            return Ok(Scopes { told: true, missing: missing.map(str::to_owned).collect() });
        }
        let mut missing = BTreeSet::new();
        for scope in &SCOPES {
            if let Some(probe) = scope.probe
                && self.is_refused(scope, probe).await?
            {
                missing.insert(scope.name.to_owned());
            }
        }
        Ok(Scopes { told: false, missing })
    }

    async fn granted_scopes(&self) -> Result<Option<BTreeSet<String>>, ConnectorError> {
        let granted = self.auth.scopes(&self.client, &self.base, self.version()).await?;
        Ok(granted.filter(|granted| !granted.is_empty()))
    }

    /// Whether HubSpot refuses a call for want of this scope.
    async fn is_refused(&self, scope: &Scope, probe: Probe) -> Result<bool, ConnectorError> {
        let (Probe::Read(before, after) | Probe::EmptyBatch(before, after)) = probe;
        let url = self.api(before.iter().copied().chain([self.version()]).chain(after.iter().copied()));
        let request = match probe {
            Probe::Read(..) => Request::read(Method::GET, url).query("limit", "1"),
            Probe::EmptyBatch(..) => with_json(Request::read(Method::POST, url), &json!({ "inputs": [] }))?,
        };
        let answer = self.call(request).await?;
        let error = match answer.status {
            // Anything else is about the call itself: our token may make it.
            401 | 429 | 500.. => refusal(&answer, Effect::Read),
            403 => {
                let named = missing_scopes(&answer);
                return Ok(named.is_empty() || named.iter().any(|named| named == scope.name));
            }
            _ => return Ok(false),
        };
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_says_nothing_about_uses_that_cannot_be_tried() {
        let tried = Scopes { told: false, missing: BTreeSet::from(["crm.schemas.deals.write".to_owned()]) };
        assert_eq!(tried.missing(ScopeUse::SetUp), ["crm.schemas.deals.write"]);
        assert!(tried.missing(ScopeUse::Sync).is_empty());
        assert!(
            tried.knows(ScopeUse::Sync) && !tried.knows(ScopeUse::Lists) && !tried.knows(ScopeUse::Events)
        );
        assert!(Scopes { told: true, ..tried }.knows(ScopeUse::Lists));
    }
}
