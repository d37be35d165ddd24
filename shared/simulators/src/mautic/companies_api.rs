//! `/api/companies`: one company at a time, lists, memberships.

use indexmap::IndexMap;

use super::answer::Answer;
use super::api::Call;
use super::company::{self, SavedCompany};
use super::contact::Refused;
use super::engine::Engine;
use super::membership;
use super::php::Php;
use super::query::{BadQuery, select};
use super::schema::Object;
use super::stamp::Actor;
use super::state::State;
use super::values::column_moment;
use super::view::{company_sheet, company_view};

const VIEW: [&str; 2] = ["viewown", "viewother"];
const EDIT: [&str; 2] = ["editown", "editother"];
const DELETE: [&str; 2] = ["deleteown", "deleteother"];
/// Companies have no permissions of their own.
const CONTACTS: &str = "lead:leads";

fn stored_view(state: &State, id: u64) -> Option<Php> {
    let company = state.companies.get(&id)?;
    Some(company_view(company, &company_sheet(state, company)))
}

/// `GET /api/companies`
pub(crate) fn list(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &VIEW) {
        return Answer::access_denied();
    }
    let page = engine.read(|state| {
        let page = select(state, Object::Company, &call.query)?;
        let companies: IndexMap<String, Php> =
            page.ids.iter().filter_map(|id| Some((id.to_string(), stored_view(state, *id)?))).collect();
        Ok::<_, BadQuery>((page.total, companies))
    });
    match page {
        Ok((total, companies)) => Answer::ok(Php::map([
            ("total", Php::text(total.to_string())),
            ("companies", Php::Map(companies)),
        ])),
        Err(_) => Answer::generic(500),
    }
}

/// `GET /api/companies/{id}`: companies that were merged away are gone.
pub(crate) fn show(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &VIEW) {
        return Answer::access_denied();
    }
    let view = engine.read(|state| stored_view(state, id));
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("company", view)])))
}

pub(crate) async fn save(
    engine: &Engine,
    existing: Option<u64>,
    sent: &IndexMap<String, Php>,
    replace: bool,
    actor: &Actor,
) -> Result<SavedCompany, Refused> {
    let mut saved = engine.write(|state, now| company::save(state, existing, sent, replace, actor, now))?;
    engine.tell(std::mem::take(&mut saved.events)).await;
    Ok(saved)
}

fn saved_answer(saved: Result<SavedCompany, Refused>) -> Answer {
    match saved {
        Ok(saved) => {
            let body = Php::map([("company", company_view(&saved.company, &saved.sheet))]);
            if saved.created {
                Answer::created(body, format!("/api/companies/{}", saved.company.id))
            } else {
                Answer::ok(body)
            }
        }
        Err(refused) => Answer::refused(&refused),
    }
}

/// `POST /api/companies/new`: an existing name makes it an edit that blanks all that is not sent (capture D10).
pub(crate) async fn create(engine: &Engine, call: &Call) -> Answer {
    if !call.may(engine, CONTACTS, &["create"]) {
        return Answer::access_denied();
    }
    let sent = call.parameters();
    let forced = sent.get("force").is_some_and(|flag| !flag.is_empty());
    let name = sent.get("companyname").and_then(Php::as_text).filter(|name| !name.is_empty() && !forced);
    let existing =
        name.and_then(|name| engine.read(|state| state.companies_named(name.trim()).first().copied()));
    saved_answer(save(engine, existing, &sent, true, &call.caller.actor).await)
}

/// `PATCH` and `PUT /api/companies/{id}/edit`
pub(crate) async fn edit(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    let replace = call.method.as_str() == "PUT";
    let existing = engine.read(|state| state.companies.contains_key(&id)).then_some(id);
    if existing.is_none() && !replace {
        return Answer::item_not_found();
    }
    saved_answer(save(engine, existing, &call.parameters(), replace, &call.caller.actor).await)
}

/// `DELETE /api/companies/{id}/delete`
pub(crate) async fn delete(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &DELETE) {
        return Answer::access_denied();
    }
    let view = engine
        .act(|state, now| match company::delete(state, id, now) {
            Some((company, sheet, event)) => (Some(company_view(&company, &sheet)), vec![event]),
            None => (None, Vec::new()),
        })
        .await;
    view.map_or_else(Answer::item_not_found, |view| Answer::ok(Php::map([("company", view)])))
}

/// `POST /api/companies/{id}/contact/{contact}/{add|remove}`
pub(crate) async fn set_member(
    engine: &Engine,
    call: &Call,
    (company, contact): (u64, u64),
    member: bool,
) -> Answer {
    if !call.may(engine, CONTACTS, &EDIT) {
        return Answer::access_denied();
    }
    if !engine.read(|state| state.companies.contains_key(&company)) {
        return Answer::item_not_found();
    }
    let Some(contact) = engine.read(|state| state.contact_id(contact)) else {
        return Answer::not_found("Contact");
    };
    engine.act(|state, now| ((), membership::set(state, (company, contact), member, now))).await;
    Answer::success()
}

/// `GET /api/contacts/{id}/companies`: rows of the database, every value a text, no nulls (capture D24).
pub(crate) fn of_contact(engine: &Engine, call: &Call, id: u64) -> Answer {
    if !call.may(engine, CONTACTS, &VIEW) {
        return Answer::access_denied();
    }
    let rows = engine.read(|state| {
        let id = state.contact_id(id)?;
        let rows = state.memberships.iter().filter(|each| each.contact == id).filter_map(|membership| {
            let company = state.companies.get(&membership.company)?;
            let stamp = &company.stamp;
            let text = |id: u64| Php::text(id.to_string());
            let id = |id: Option<u64>| id.map_or(Php::Null, text);
            let mut row: IndexMap<String, Php> = [
                ("company_id", text(company.id)),
                ("date_associated", column_moment(Some(membership.since))),
                ("is_primary", Php::text(if membership.primary { "1" } else { "0" })),
                ("id", text(company.id)),
                ("is_published", Php::text("1")),
                ("date_added", column_moment(stamp.added)),
                ("created_by", id(stamp.created_by)),
                ("created_by_user", Php::optional_text(stamp.created_by_user.as_ref())),
                ("date_modified", column_moment(stamp.modified)),
                ("modified_by", id(stamp.modified_by)),
                ("modified_by_user", Php::optional_text(stamp.modified_by_user.as_ref())),
                ("social_cache", Php::text("a:0:{}")),
                ("score", Php::text(company.score.to_string())),
            ]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
            for (alias, value) in &company.values {
                row.insert(alias.clone(), value.as_text().map_or(Php::Null, Php::Text));
            }
            Some(Php::Map(row).without_nulls())
        });
        Some(rows.collect::<Vec<_>>())
    });
    rows.map_or_else(Answer::item_not_found, |rows| {
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Answer::ok(Php::map([("total", Php::Int(total)), ("companies", Php::List(rows))]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_that_is_not_there_has_no_view() {
        assert_eq!(stored_view(&State::fresh(), 1), None);
        assert!(
            State::fresh().fields_of(Object::Company).iter().all(|field| field.alias.starts_with("company"))
        );
    }
}
