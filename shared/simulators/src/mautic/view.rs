//! How contacts and companies look in answers and in webhooks.

use indexmap::IndexMap;

use super::php::Php;
use super::schema::{Field, Object};
use super::sheet::Sheet;
use super::stamp::time;
use super::state::{Company, Contact, State};
use super::values::column_moment;

/// Where a record is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Answers of the API, with `fields.all`.
    Api,
    /// Answers that show the bare record: do-not-contact and UTM calls (captures C22, C46).
    Bare,
    /// Webhooks that know what belongs to a contact.
    Hook,
    /// Webhooks that show everything: company and segment changes (captures C40, D21).
    Open,
}

/// A contact with the field sheet that some code worked on.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) contact: Contact,
    pub(crate) sheet: Sheet,
}

/// The contact with all that belongs to it.
pub(crate) fn contact_view(state: &State, shown: &Shown, style: Style) -> Php {
    let Shown { contact, sheet } = shown;
    let mut entries = contact.stamp.entries();
    let mut put = |key: &str, value: Php| {
        entries.insert(key.to_owned(), value);
    };
    put("id", if contact.id == 0 { Php::Null } else { Php::id(contact.id) });
    put("points", Php::Int(contact.points));
    put("color", Php::Null);
    if matches!(style, Style::Bare | Style::Open) {
        for alias in PROPERTIES {
            put(alias, contact.values.get(alias).cloned().unwrap_or(Php::Null));
        }
    }
    let all_id = contact.stamp.added.map_or(Php::Null, |_| match contact.id {
        0 => Php::Null,
        id => Php::Text(id.to_string()),
    });
    put("fields", fields_view(sheet, style, all_id, Some(contact.points)));
    put("lastActive", time(contact.last_active));
    put("owner", contact.owner.map_or(Php::Null, |id| owner_view(state, id, style)));
    put("ipAddresses", Php::List(contact.addresses.iter().map(address_view).collect()));
    put("tags", tags_view(state, contact));
    put("utmtags", utm_view(contact, sheet.fresh || sheet.visiting, style));
    put("stage", contact.stage.map_or(Php::Null, |id| stage_view(state, id, style)));
    put("dateIdentified", time(contact.identified));
    put("preferredProfileImage", Php::optional_text(contact.picture.as_ref()));
    put("doNotContact", refusals_view(contact, style));
    put("frequencyRules", Php::empty());
    let view = Php::Map(entries);
    if style == Style::Bare { view.without_nulls() } else { view }
}

/// Fields that are also properties of a contact.
pub(crate) const PROPERTIES: [&str; 15] = [
    "title",
    "firstname",
    "lastname",
    "company",
    "position",
    "email",
    "phone",
    "mobile",
    "address1",
    "address2",
    "city",
    "state",
    "zipcode",
    "timezone",
    "country",
];

pub(crate) fn address_view(address: &super::state::Address) -> Php {
    let details = if address.looked_up {
        Php::Map(
            [
                "city",
                "region",
                "zipcode",
                "country",
                "latitude",
                "longitude",
                "isp",
                "organization",
                "timezone",
                "extra",
            ]
            .into_iter()
            .map(|key| (key.to_owned(), Php::text("")))
            .collect(),
        )
    } else {
        Php::Null
    };
    Php::map([("ipAddress", Php::text(&address.text)), ("id", Php::id(address.id)), ("ipDetails", details)])
}

fn tags_view(state: &State, contact: &Contact) -> Php {
    Php::List(
        contact
            .tags
            .iter()
            .map(|name| {
                let id = state.tags.get(name).copied().map_or(Php::Null, Php::id);
                Php::map([("id", id), ("tag", Php::text(name)), ("description", Php::Null)])
            })
            .collect(),
    )
}

/// Webhooks lose everything that a UTM set holds (capture C51); a contact never loaded has none, as null.
fn utm_view(contact: &Contact, unread: bool, style: Style) -> Php {
    match style {
        _ if unread => Php::Null,
        Style::Hook => Php::List(contact.utm.iter().map(|_| Php::empty()).collect()),
        _ => Php::List(contact.utm.clone()),
    }
}

fn refusals_view(contact: &Contact, style: Style) -> Php {
    let view = contact.refusals.iter().map(|refusal| {
        let mut entries = IndexMap::new();
        entries.insert("id".to_owned(), Php::id(refusal.id));
        if style == Style::Bare {
            entries.insert("dateAdded".to_owned(), time(Some(refusal.added)));
        }
        entries.insert("reason".to_owned(), Php::Int(refusal.reason));
        entries.insert("comments".to_owned(), Php::text(&refusal.comments));
        entries.insert("channel".to_owned(), Php::text(&refusal.channel));
        entries.insert("channelId".to_owned(), refusal.channel_id.clone());
        Php::Map(entries)
    });
    Php::List(view.collect())
}

fn owner_view(state: &State, id: u64, style: Style) -> Php {
    let Some(user) = state.users.get(&id) else { return Php::Null };
    let mut entries = if style == Style::Bare { user.stamp.entries() } else { user.stamp.names() };
    let mut put = |key: &str, value: Php| {
        entries.insert(key.to_owned(), value);
    };
    put("id", Php::id(user.id));
    put("username", Php::text(&user.username));
    put("firstName", Php::text(&user.first_name));
    put("lastName", Php::text(&user.last_name));
    if matches!(style, Style::Bare | Style::Open) {
        put("email", Php::text(&user.email));
        put("position", Php::Null);
        put("role", role_view(state, user.role, style == Style::Bare));
        put("timezone", user.timezone.clone());
        for key in ["locale", "lastLogin", "lastActive", "signature"] {
            put(key, Php::Null);
        }
    }
    Php::Map(entries)
}

/// A role inside of something else.
pub(crate) fn role_view(state: &State, id: u64, dated: bool) -> Php {
    let Some(role) = state.roles.get(&id) else { return Php::Null };
    let mut entries = if dated { role.stamp.entries() } else { role.stamp.names() };
    entries.insert("id".to_owned(), Php::id(role.id));
    entries.insert("name".to_owned(), Php::text(&role.name));
    entries.insert("description".to_owned(), role.description.clone());
    entries.insert("isAdmin".to_owned(), Php::Bool(role.admin));
    if !role.permissions.is_empty() {
        entries.insert("rawPermissions".to_owned(), role.permissions.clone());
    }
    Php::Map(entries)
}

/// Webhooks of contacts lose the stage but for the names of who made it (capture C35).
fn stage_view(state: &State, id: u64, style: Style) -> Php {
    let Some(held) = state.stages.get(&id) else { return Php::Null };
    let mut entries = if style == Style::Bare { held.stamp.entries() } else { held.stamp.names() };
    if style != Style::Hook {
        entries.insert("id".to_owned(), Php::id(held.id));
        entries.insert("name".to_owned(), Php::text(&held.name));
        entries.insert("category".to_owned(), Php::Null);
        entries.insert("weight".to_owned(), Php::Int(held.weight));
        entries.insert("description".to_owned(), Php::Null);
    }
    if style == Style::Open {
        entries.insert("publishUp".to_owned(), Php::Null);
        entries.insert("publishDown".to_owned(), Php::Null);
    }
    Php::Map(entries)
}

pub(crate) fn fields_view(sheet: &Sheet, style: Style, id: Php, points: Option<i64>) -> Php {
    if sheet.fields.is_empty() {
        return Php::empty();
    }
    let groups: &[&str] = match (sheet.object, sheet.fresh) {
        (Object::Contact, _) => &["core", "social", "personal", "professional"],
        (Object::Company, true) => &["core", "professional", "social", "personal"],
        (Object::Company, false) => &["core", "professional", "other"],
    };
    let mut view = IndexMap::new();
    for group in groups {
        let members: IndexMap<String, Php> = sheet
            .fields
            .iter()
            .filter(|field| field.group == *group)
            .map(|field| (field.alias.clone(), field_view(sheet, field, style)))
            .collect();
        view.insert((*group).to_owned(), if members.is_empty() { Php::empty() } else { Php::Map(members) });
    }
    if style == Style::Api {
        let mut all = IndexMap::new();
        all.insert("id".to_owned(), id);
        for field in &sheet.fields {
            let value = match (field.alias.as_str(), points) {
                ("points", Some(points)) => Php::Int(points),
                (alias, _) => number_of_api(sheet, field, sheet.value(alias)),
            };
            let value = match value {
                Php::Int(_) if sheet.from_list && field.kind == "boolean" => {
                    value.as_text().map_or(Php::Null, Php::Text)
                }
                other => other,
            };
            all.insert(field.alias.clone(), value);
        }
        view.insert("all".to_owned(), Php::Map(all));
    }
    Php::Map(view)
}

/// The API rounds numbers to their scale, and shows a blank one as 0.
fn number_of_api(sheet: &Sheet, field: &Field, value: Php) -> Php {
    if field.kind != "number" || value == Php::Null || (sheet.object == Object::Company && sheet.fresh) {
        return value;
    }
    let number = value.as_number().unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "this is PHP's cast")]
    if field.scale() == 0 { Php::Int(number as i64) } else { Php::Float(number) }
}

fn field_view(sheet: &Sheet, field: &Field, style: Style) -> Php {
    let shown = sheet.shown(&field.alias);
    let value = match style {
        Style::Api => number_of_api(sheet, field, shown),
        Style::Bare if field.alias == "points" => shown.as_number().map_or(shown, Php::Float),
        _ => shown,
    };
    let api_number = style == Style::Api && field.kind == "number";
    let value = match value {
        Php::Float(_) | Php::Int(_)
            if sheet.from_list && !api_number && !sheet.updated.contains_key(&field.alias) =>
        {
            value.as_text().map_or(Php::Null, Php::Text)
        }
        other => other,
    };
    let normalized = normalized(sheet, field, &value);
    let mut entries = IndexMap::new();
    let mut put = |key: &str, value: Php| {
        entries.insert(key.to_owned(), value);
    };
    if sheet.fresh {
        put("id", Php::id(field.id));
        put("group", Php::text(&field.group));
        put("label", Php::text(&field.label));
        put("alias", Php::text(&field.alias));
        put("type", Php::text(&field.kind));
        if sheet.object == Object::Contact {
            put("properties", field.properties.clone());
        }
    } else {
        put("id", Php::Text(field.id.to_string()));
        put("label", Php::text(&field.label));
        put("alias", Php::text(&field.alias));
        put("type", Php::text(&field.kind));
        put("group", Php::text(&field.group));
        put("object", Php::text(field.object.table_name()));
        put("is_fixed", Php::text(if field.fixed { "1" } else { "0" }));
        put("properties", Php::Text(field.properties.serialized()));
        put("default_value", field.default_value.clone());
    }
    put("value", value);
    put("normalizedValue", normalized);
    Php::Map(entries)
}

/// Labels for booleans and selects, the value itself for everything else.
fn normalized(sheet: &Sheet, field: &Field, value: &Php) -> Php {
    if value.is_blank() {
        return Php::text("");
    }
    if sheet.fresh && sheet.object == Object::Company {
        return value.clone();
    }
    let label = |text: &str| {
        let found = field.options().into_iter().find(|(option, _)| option == text);
        found.map_or_else(|| text.to_owned(), |(_, label)| label)
    };
    match field.kind.as_str() {
        "boolean" => {
            let key = if value.is_empty() { "no" } else { "yes" };
            field.properties.get(key).cloned().unwrap_or_else(|| Php::text(""))
        }
        "select" => Php::Text(label(&value.as_text().unwrap_or_default())),
        "multiselect" => {
            let text = value.as_text().unwrap_or_default();
            Php::Text(text.split('|').map(label).collect::<Vec<_>>().join("|"))
        }
        _ => value.clone(),
    }
}

/// A company in an API answer: nothing but its id, score and fields.
pub(crate) fn company_view(company: &Company, sheet: &Sheet) -> Php {
    let id = if company.id == 0 { Php::Null } else { Php::id(company.id) };
    Php::map([
        ("id", id.clone()),
        ("score", Php::Int(company.score)),
        ("fields", fields_view(sheet, Style::Api, id, None)),
    ])
}

/// A company in a webhook: 22 keys, with short names beside the fields.
pub(crate) fn company_hook_view(company: &Company, sheet: &Sheet) -> Php {
    let mut entries = company.stamp.entries();
    entries.insert("id".to_owned(), if company.id == 0 { Php::Null } else { Php::id(company.id) });
    for name in [
        "name",
        "email",
        "address1",
        "address2",
        "phone",
        "city",
        "state",
        "zipcode",
        "country",
        "website",
        "industry",
        "description",
    ] {
        let value = company.values.get(&format!("company{name}")).cloned().unwrap_or(Php::Null);
        entries.insert(name.to_owned(), value);
    }
    entries.insert("score".to_owned(), Php::Int(company.score));
    entries.insert("fields".to_owned(), fields_view(sheet, Style::Hook, Php::Null, None));
    Php::Map(entries)
}

/// A contact as the database holds it now.
pub(crate) fn shown_contact(state: &State, contact: &Contact) -> Shown {
    let mut contact = contact.clone();
    contact.tags.sort();
    let mut sheet = Sheet::loaded(Object::Contact, state.fields_of(Object::Contact), &contact.values);
    #[expect(clippy::cast_precision_loss, reason = "points are small")]
    sheet.show("points", Php::Float(contact.points as f64));
    sheet.show("last_active", column_moment(contact.last_active));
    Shown { contact, sheet }
}

/// A contact as the database holds it now, loaded with others.
pub(crate) fn listed_contact(state: &State, contact: &Contact) -> Shown {
    let mut shown = shown_contact(state, contact);
    shown.sheet.from_list = true;
    shown
}

/// A company as the database holds it now.
pub(crate) fn company_sheet(state: &State, company: &Company) -> Sheet {
    Sheet::loaded(Object::Company, state.fields_of(Object::Company), &company.values)
}
