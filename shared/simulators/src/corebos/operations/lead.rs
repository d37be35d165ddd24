//! `convertlead`: an account, a contact and a deal out of a lead.

use serde_json::{Map, Value};

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::schema::Kind;
use super::super::site::{Origin, Site};
use super::super::state::Person;
use super::super::store::wsid;
use super::super::value::{day_text, php_text};

/// What takes the place of mandatory text that nothing fills.
const UNKNOWN: &str = "????";

/// Lead field, then where it goes in accounts, contacts and potentials.
///
/// The install default of `vtiger_convertleadmapping` as far as it is known; not recorded.
const MAPPING: [(&str, &str, &str, &str); 20] = [
    ("company", "accountname", "", "potentialname"),
    ("industry", "industry", "", ""),
    ("phone", "phone", "phone", ""),
    ("fax", "fax", "fax", ""),
    ("rating", "rating", "", ""),
    ("email", "email1", "email", ""),
    ("website", "website", "", ""),
    ("city", "bill_city", "mailingcity", ""),
    ("code", "bill_code", "mailingzip", ""),
    ("country", "bill_country", "mailingcountry", ""),
    ("state", "bill_state", "mailingstate", ""),
    ("lane", "bill_street", "mailingstreet", ""),
    ("pobox", "bill_pobox", "mailingpobox", ""),
    ("description", "description", "description", "description"),
    ("salutationtype", "", "salutationtype", ""),
    ("firstname", "", "firstname", ""),
    ("lastname", "", "lastname", ""),
    ("mobile", "", "mobile", ""),
    ("designation", "", "title", ""),
    ("leadsource", "", "leadsource", "leadsource"),
];

/// Converts a lead and names the records it became.
///
/// The lead itself is changed without an event: no workflow runs for it, queries lose it, `sync` calls it deleted,
/// `retrieve` still finds it. The new records are told where they come from after their own events.
pub(crate) async fn convert(
    site: &Site,
    wish: &Map<String, Value>,
    person: &Person,
) -> Result<Json, Problem> {
    let lead_id = wish.get("leadId").map(php_text).unwrap_or_default();
    let entities = wish.get("entities").and_then(Value::as_object).cloned().unwrap_or_default();
    let lead = {
        let state = site.state();
        state.readable(&lead_id, person)?.clone()
    };
    if lead.module != "Leads" {
        return Err(Problem::wrong_id());
    }
    if lead.converted {
        return Err(Problem::new("LEAD_ALREADY_CONVERTED", "Lead is already converted"));
    }
    let asked = |name: &str| {
        entities.get(name).filter(|entity| entity.get("create").is_some_and(|flag| !flag.is_null()))
    };
    if asked("Accounts").is_none() && asked("Contacts").is_none() {
        return Ok(Json::Null);
    }
    let owner = wish.get("assignedTo").map(php_text).filter(|owner| !owner.is_empty());
    let owner = owner.unwrap_or_else(|| format!("19x{}", person.id));
    let mut made: Vec<(String, u64)> = Vec::new();
    let id_in = |made: &[(String, u64)], module: &str| {
        let crmid = made.iter().find(|(name, _)| name == module).map(|(_, crmid)| *crmid)?;
        Some(wsid(site.state().schema.module(module)?, crmid))
    };
    for module in ["Accounts", "Contacts", "Potentials"] {
        let Some(given) = asked(module).and_then(Value::as_object) else { continue };
        let mut element = filled(site, module, given, &lead_value(&lead), &owner);
        let account = id_in(&made, "Accounts");
        if module == "Potentials"
            && let Some(related) = account.clone().or_else(|| id_in(&made, "Contacts"))
        {
            element.insert("related_to".to_owned(), Value::String(related));
        }
        if module == "Contacts"
            && let Some(account) = account
        {
            element.insert("account_id".to_owned(), Value::String(account));
        }
        complete(site, module, &mut element);
        let existing = (module == "Accounts" && !given.get("forcecreate").is_some_and(is_set))
            .then(|| account_named(site, &given.get("accountname").map(php_text).unwrap_or_default()))
            .flatten();
        let crmid = match existing {
            Some(crmid) => crmid,
            None => match site.create(module, &element, person, Origin::Webservice).await {
                Ok(record) => record.crmid,
                Err(Problem::Crash) => return Err(Problem::Crash),
                Err(Problem::Refusal { message, .. }) => {
                    return Err(Problem::new("UNKNOWN_OPERATION", format!("{message} : {module}")));
                }
            },
        };
        made.push((module.to_owned(), crmid));
    }
    mark(site, lead.crmid, &made, person)?;
    let state = site.state();
    let ids = made.into_iter().filter_map(|(name, crmid)| {
        let id = wsid(state.schema.module(&name)?, crmid);
        Some((name, Json::Text(id)))
    });
    Ok(Json::Object(ids.collect()))
}

fn is_set(value: &Value) -> bool {
    !matches!(php_text(value).as_str(), "" | "0")
}

fn lead_value(lead: &super::super::store::Record) -> impl Fn(&str) -> String + '_ {
    |field| lead.value(field).to_owned()
}

/// The mapped values of the lead, overridden by what the caller gives.
fn filled(
    site: &Site,
    module: &str,
    given: &Map<String, Value>,
    lead: &dyn Fn(&str) -> String,
    owner: &str,
) -> Map<String, Value> {
    let mut element = Map::new();
    element.insert("assigned_user_id".to_owned(), Value::String(owner.to_owned()));
    let known = |field: &str| {
        let state = site.state();
        state.schema.module(module).is_some_and(|module| state.schema.field(module, field).is_some())
    };
    for (from, account, contact, potential) in MAPPING {
        let to = match module {
            "Accounts" => account,
            "Contacts" => contact,
            _ => potential,
        };
        if !to.is_empty() && known(to) {
            element.insert(to.to_owned(), Value::String(lead(from)));
        }
    }
    for (field, value) in given.iter().filter(|(_, value)| is_set(value)) {
        element.insert(field.clone(), value.clone());
    }
    element
}

/// Fills mandatory fields that are still empty.
fn complete(site: &Site, module: &str, element: &mut Map<String, Value>) {
    let state = site.state();
    let today = day_text(site.now());
    let Some(module) = state.schema.module(module) else { return };
    for field in state.schema.fields(module).filter(|field| field.mandatory) {
        if element.get(&field.name).is_some_and(is_set) {
            continue;
        }
        let value = match field.kind {
            Kind::Date => today.clone(),
            Kind::DateTime | Kind::MultiPicklist => field.default.clone(),
            _ if field.type_name == "picklist" => field.default.clone(),
            _ => UNKNOWN.to_owned(),
        };
        element.insert(field.name.clone(), Value::String(value));
    }
}

fn account_named(site: &Site, name: &str) -> Option<u64> {
    let state = site.state();
    let named = |record: &&super::super::store::Record| {
        record.module == "Accounts"
            && !record.deleted
            && record.value("accountname").eq_ignore_ascii_case(name)
    };
    state.store.records.values().find(named).map(|record| record.crmid)
}

/// What conversion writes by SQL, past all events.
fn mark(site: &Site, lead: u64, made: &[(String, u64)], person: &Person) -> Result<(), Problem> {
    let mut changed = Vec::new();
    {
        let state = site.state();
        if let Some(record) = state.store.alive(lead) {
            let mut record = record.clone();
            record.converted = true;
            record.modified = site.now();
            record.modifier = person.id;
            changed.push(record);
        }
        for record in made.iter().filter_map(|(_, crmid)| state.store.alive(*crmid)) {
            let mut record = record.clone();
            record.values.insert("isconvertedfromlead".to_owned(), "1".to_owned());
            record.values.insert("convertedfromlead".to_owned(), lead.to_string());
            changed.push(record);
        }
    }
    site.commit(changed)
}
