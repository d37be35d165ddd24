//! What the checker knows of the fields of an object: bundled lists of stock fields, or a live schema.

use std::fmt;

/// What records of Mautic have besides the fields that Mautic lists.
const BESIDE_MAUTIC_FIELDS: [&str; 11] = [
    "dateAdded",
    "dateModified",
    "doNotContact",
    "fields",
    "id",
    "ipAddresses",
    "lastActive",
    "owner",
    "score",
    "stage",
    "tags",
];

/// What a field can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// A day with a time.
    DateTime,
    /// A time of day.
    Time,
    /// One of a list of values.
    Picklist,
    /// Several values.
    Multi,
    /// Another record.
    Reference,
    /// A user or a group.
    Owner,
    /// Nested values.
    Object,
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Email => "an e-mail address",
            Self::Number => "a number",
            Self::Boolean => "yes or no",
            Self::Date => "a date",
            Self::DateTime => "a date with a time",
            Self::Time => "a time",
            Self::Picklist => "a value of a list",
            Self::Multi => "several values",
            Self::Reference => "a reference to a record",
            Self::Owner => "a user",
            Self::Object => "an object",
        })
    }
}

/// A field of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchemaField {
    /// Its name in the API.
    pub name: String,
    /// What it can hold.
    pub kind: FieldKind,
    /// Whether a record cannot be created without it.
    pub required: bool,
    /// Whether it cannot be written.
    pub read_only: bool,
}

/// The fields of an object of a system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Schema {
    /// What the object is called in messages: `Mautic contact`.
    pub title: String,
    /// Its fields.
    pub fields: Vec<SchemaField>,
    /// Whether these are all fields there are; a bundled list knows no custom fields.
    pub is_complete: bool,
}

impl Schema {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&SchemaField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// All fields of an object, as its system lists them. What records of Mautic have besides the fields that Mautic
    /// lists is taken from the bundled list of the same object, if that is known.
    pub fn live(bundled: Option<&Self>, otherwise: &str, mut fields: Vec<SchemaField>) -> Self {
        let title = bundled.map_or(otherwise, |schema| &schema.title).to_owned();
        let beside = bundled.into_iter().flat_map(|schema| &schema.fields).filter(|field| {
            BESIDE_MAUTIC_FIELDS.contains(&field.name.as_str())
                && !fields.iter().any(|known| known.name == field.name)
        });
        let beside: Vec<SchemaField> = beside.cloned().collect();
        fields.extend(beside);
        Self { title, fields, is_complete: true }
    }

    /// The bundled list of an object.
    pub fn bundled(object: BundledObject) -> Self {
        let (title, list) = match object {
            BundledObject::CorebosAccounts => {
                ("coreBOS Accounts", include_str!("../../schemas/corebos-Accounts.txt"))
            }
            BundledObject::CorebosContacts => {
                ("coreBOS Contacts", include_str!("../../schemas/corebos-Contacts.txt"))
            }
            BundledObject::CorebosLeads => ("coreBOS Leads", include_str!("../../schemas/corebos-Leads.txt")),
            BundledObject::CorebosPotentials => {
                ("coreBOS Potentials", include_str!("../../schemas/corebos-Potentials.txt"))
            }
            BundledObject::MauticCompany => {
                ("Mautic company", include_str!("../../schemas/mautic-company.txt"))
            }
            BundledObject::MauticContact => {
                ("Mautic contact", include_str!("../../schemas/mautic-contact.txt"))
            }
            BundledObject::HubSpotCompanies => {
                ("HubSpot company", include_str!("../../schemas/hubspot-companies.txt"))
            }
            BundledObject::HubSpotContacts => {
                ("HubSpot contact", include_str!("../../schemas/hubspot-contacts.txt"))
            }
            BundledObject::HubSpotDeals => ("HubSpot deal", include_str!("../../schemas/hubspot-deals.txt")),
            BundledObject::HubSpotLeads => ("HubSpot lead", include_str!("../../schemas/hubspot-leads.txt")),
        };
        Self {
            title: title.to_owned(),
            fields: list.lines().filter_map(parse_line).collect(),
            is_complete: false,
        }
    }
}

/// An object whose stock fields are bundled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the systems")]
pub enum BundledObject {
    CorebosAccounts,
    CorebosContacts,
    CorebosLeads,
    CorebosPotentials,
    MauticCompany,
    MauticContact,
    HubSpotCompanies,
    HubSpotContacts,
    HubSpotDeals,
    HubSpotLeads,
}

/// The maps that coreBOS's integrations look for, with what they go from and to.
#[rustfmt::skip]
const KNOWN_MAPS: [(&str, BundledObject, BundledObject); 14] = [
    ("Accounts2HubSpot", BundledObject::CorebosAccounts, BundledObject::HubSpotCompanies),
    ("AccountsToMautic", BundledObject::CorebosAccounts, BundledObject::MauticCompany),
    ("Contacts2HubSpot", BundledObject::CorebosContacts, BundledObject::HubSpotContacts),
    ("ContactsToMautic", BundledObject::CorebosContacts, BundledObject::MauticContact),
    ("HubSpot2Accounts", BundledObject::HubSpotCompanies, BundledObject::CorebosAccounts),
    ("HubSpot2Contacts", BundledObject::HubSpotContacts, BundledObject::CorebosContacts),
    ("HubSpot2Leads", BundledObject::HubSpotContacts, BundledObject::CorebosLeads),
    ("HubSpotLead2Leads", BundledObject::HubSpotLeads, BundledObject::CorebosLeads),
    ("Leads2HubSpotLead", BundledObject::CorebosLeads, BundledObject::HubSpotLeads),
    ("HubSpot2Potentials", BundledObject::HubSpotDeals, BundledObject::CorebosPotentials),
    ("Leads2HubSpot", BundledObject::CorebosLeads, BundledObject::HubSpotContacts),
    ("MauticToAccounts", BundledObject::MauticCompany, BundledObject::CorebosAccounts),
    ("MauticToContacts", BundledObject::MauticContact, BundledObject::CorebosContacts),
    ("Potentials2HubSpot", BundledObject::CorebosPotentials, BundledObject::HubSpotDeals),
];

/// What a map goes from and to, told by its name, else by the modules that it names.
pub(super) fn objects_of(name: &str, origin: &str, target: &str) -> Option<(BundledObject, BundledObject)> {
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = stem.strip_suffix(".xml").unwrap_or(stem);
    let known = KNOWN_MAPS.iter().find(|row| row.0.eq_ignore_ascii_case(stem));
    known.map(|row| (row.1, row.2)).or_else(|| by_modules(origin, target))
}

fn by_modules(origin: &str, target: &str) -> Option<(BundledObject, BundledObject)> {
    let (origin, target) = (origin.to_lowercase(), target.to_lowercase());
    let hub = |module: &str, other: &str| match module {
        "accounts" => Some(BundledObject::CorebosAccounts),
        "contacts" => Some(BundledObject::CorebosContacts),
        "leads" => Some(BundledObject::CorebosLeads),
        "potentials" => Some(BundledObject::CorebosPotentials),
        "corebos" if other.starts_with("mauticcontact") => Some(BundledObject::CorebosContacts),
        "corebos" if other.starts_with("mauticaccount") => Some(BundledObject::CorebosAccounts),
        _ => None,
    };
    let remote = |module: &str, hub: BundledObject| match (module, hub) {
        (module, _) if module.starts_with("mauticcontact") => Some(BundledObject::MauticContact),
        (module, _) if module.starts_with("mauticaccount") => Some(BundledObject::MauticCompany),
        ("hubspot", BundledObject::CorebosAccounts) => Some(BundledObject::HubSpotCompanies),
        ("hubspot", BundledObject::CorebosPotentials) => Some(BundledObject::HubSpotDeals),
        ("hubspotlead", BundledObject::CorebosLeads) => Some(BundledObject::HubSpotLeads),
        ("hubspot", _) => Some(BundledObject::HubSpotContacts),
        _ => None,
    };
    if let Some(from) = hub(&origin, &target) {
        return Some((from, remote(&target, from)?));
    }
    let to = hub(&target, &origin)?;
    Some((remote(&origin, to)?, to))
}

/// Whether a map goes out of coreBOS, as its name says, else its modules.
pub(super) fn leaves_corebos(name: &str, origin: &str, target: &str) -> bool {
    matches!(
        objects_of(name, origin, target),
        Some((
            BundledObject::CorebosAccounts
                | BundledObject::CorebosContacts
                | BundledObject::CorebosLeads
                | BundledObject::CorebosPotentials,
            _
        ))
    )
}

/// Whether a map that has a known name says by its modules that it is for something else.
pub(super) fn contradicts(name: &str, origin: &str, target: &str) -> bool {
    match (objects_of(name, "", ""), by_modules(origin, target)) {
        (Some(by_name), Some(by_modules)) => by_name != by_modules,
        _ => false,
    }
}

fn parse_line(line: &str) -> Option<SchemaField> {
    let mut words = line.split(' ');
    let name = words.next().filter(|name| !name.is_empty() && *name != "#")?;
    let kind = match words.next()? {
        "email" => FieldKind::Email,
        "number" => FieldKind::Number,
        "boolean" => FieldKind::Boolean,
        "date" => FieldKind::Date,
        "datetime" => FieldKind::DateTime,
        "time" => FieldKind::Time,
        "picklist" => FieldKind::Picklist,
        "multi" => FieldKind::Multi,
        "reference" => FieldKind::Reference,
        "owner" => FieldKind::Owner,
        "object" => FieldKind::Object,
        _ => FieldKind::Text,
    };
    let flags: Vec<&str> = words.collect();
    Some(SchemaField {
        name: name.to_owned(),
        kind,
        required: flags.contains(&"required"),
        read_only: flags.contains(&"readonly"),
    })
}
