//! Marketing: static lists, custom events, campaigns; and what HubSpot itself notes about contacts.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::http::Call;
use super::kinds::Kind;
use super::state::{Campaign, Record, Source, State};
use super::{HubSpotSimulator, number, owned};

/// `PUT /crm/lists/{version}/{list}/memberships/add`: a list of ids.
pub(super) fn add_to_list(state: &mut State, list: &str, body: &Json) -> Answer {
    let Ok(list) = list.parse::<u64>() else { return Answer::not_found("There is no such list") };
    let ids: Option<BTreeSet<u64>> = body.as_array().and_then(|ids| {
        ids.iter().map(|id| id.as_u64().or_else(|| id.as_str().and_then(|id| id.parse().ok()))).collect()
    });
    let Some(ids) = ids else { return Answer::invalid_input("The body must be a list of record ids") };
    let known = |id: &u64| state.record(Kind::Contact, *id).is_some_and(Record::is_live);
    let missing: Vec<String> = ids.iter().filter(|id| !known(id)).map(u64::to_string).collect();
    let live: Vec<u64> = ids.into_iter().filter(|id| known(id)).collect();
    let Some(members) = state.lists.get_mut(&list) else { return Answer::not_found("There is no such list") };
    let added: Vec<String> = live.iter().filter(|id| members.insert(**id)).map(u64::to_string).collect();
    Answer::ok(json!({ "recordIdsAdded": added, "recordIdsRemoved": [], "recordIdsMissing": missing }))
}

/// `POST /events/{version}/send`: of those with one `uuid` the first counts. The event must be defined.
pub(super) fn send_event(state: &mut State, body: &Json) -> Answer {
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default();
    let (name, uuid) = (text("eventName"), text("uuid"));
    let object = ["objectId", "email"].iter().map(|key| text(key)).find(|object| !object.is_empty());
    let (false, Some(object)) = (name.is_empty(), object) else {
        return Answer::invalid_input("eventName and objectId or email are required");
    };
    if !body.get("properties").is_some_and(Json::is_object) {
        return Answer::invalid_input("Invalid input JSON: Some required fields were not set: [properties]");
    }
    if !name.starts_with(&format!("pe{}_", state.portal_id)) {
        return Answer::invalid_input(&format!("No event definition was found for {name}"));
    }
    if uuid.is_empty() || state.event_ids.insert(format!("{name} {uuid}")) {
        state.custom_events.push((name.to_owned(), object.to_owned()));
    }
    Answer::no_content()
}

/// `GET /marketing/campaigns/{version}`
pub(super) fn campaigns(call: &Call, state: &State) -> Answer {
    let limit = call.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50_usize).min(100);
    let after = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0_usize);
    let wants_name = call.query.iter().any(|(key, value)| key == "properties" && value == "hs_name");
    let listed = state.campaigns.iter().rev().skip(after).take(limit);
    let results: Vec<Json> = listed
        .map(|campaign| {
            let properties = if wants_name { json!({ "hs_name": campaign.name }) } else { json!({}) };
            json!({
                "id": campaign.id,
                "properties": properties,
                "createdAt": "2026-01-01T00:00:00Z",
                "updatedAt": "2026-01-01T00:00:00Z",
            })
        })
        .collect();
    let mut body = json!({ "total": state.campaigns.len(), "results": results });
    if after + limit < state.campaigns.len() {
        body["paging"] = json!({ "next": { "after": (after + limit).to_string() } });
    }
    Answer::ok(body)
}

/// `GET /marketing/campaigns/{version}/{id}/reports/{what}`
pub(super) fn campaign_report(state: &State, id: &str, what: &str) -> Answer {
    let Some(campaign) = state.campaigns.iter().find(|campaign| campaign.id == id) else {
        return Answer::not_found("There is no such campaign");
    };
    match what {
        "metrics" => Answer::ok(json!({
            "sessions": campaign.sessions,
            "newContactsFirstTouch": campaign.contacts,
            "newContactsLastTouch": campaign.contacts,
            "influencedContacts": campaign.contacts,
        })),
        "revenue" => Answer::ok(json!({
            "currencyCode": "EUR",
            "contactsNumber": campaign.contacts,
            "dealsNumber": campaign.deals,
            "dealAmount": campaign.deal_amount,
            "revenueAmount": 0.0,
        })),
        _ => Answer::not_found("There is no such report"),
    }
}

impl HubSpotSimulator {
    /// Makes a static list and says its id.
    pub fn add_list(&self) -> String {
        self.engine.write(|state| {
            let id = 1 + state.lists.len() as u64;
            state.lists.insert(id, BTreeSet::new());
            id.to_string()
        })
    }

    /// The members of a static list.
    pub fn members(&self, list: &str) -> Vec<String> {
        let members = |state: &State| {
            let members = number(list).and_then(|id| state.lists.get(&id));
            members.into_iter().flatten().map(u64::to_string).collect()
        };
        self.engine.read(members)
    }

    /// Custom events that were sent: name, and id or e-mail address.
    pub fn custom_events(&self) -> Vec<(String, String)> {
        self.engine.read(|state| state.custom_events.clone())
    }

    /// Adds a campaign with its figures: visits, contacts, deals and what they are worth.
    pub fn add_campaign(&self, name: &str, sessions: u64, contacts: u64, deals: (u64, f64)) {
        self.engine.write(|state| {
            let id = format!("00000000-0000-4000-8000-{:012}", state.campaigns.len() + 1);
            let (deals, deal_amount) = deals;
            state.campaigns.push(Campaign {
                id,
                name: name.to_owned(),
                sessions,
                contacts,
                deals,
                deal_amount,
            });
        });
    }

    /// HubSpot notes something about a record itself: opened mails, visits, conversions, in properties that nobody else
    /// can write.
    pub fn note(&self, kind: Kind, id: &str, values: &[(&str, &str)]) {
        let (Some(id), values) = (number(id), owned(values)) else { return };
        let source = Source { kind: "CALCULATED".to_owned(), id: "MarketingProperties".to_owned() };
        self.engine.change_as(&source, false, |work| work.note(kind, id, &values));
        self.engine.wake();
    }
}
