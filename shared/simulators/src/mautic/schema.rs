//! Contact and company fields: the stock ones of Mautic 5.1, and those made through `POST /api/fields`.

use serde::{Deserialize, Serialize};

use super::php::Php;
use super::stamp::Stamp;

/// Which records a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Object {
    Contact,
    Company,
}

impl Object {
    /// The name that Mautic's own tables use.
    pub(crate) fn table_name(self) -> &'static str {
        match self {
            Self::Contact => "lead",
            Self::Company => "company",
        }
    }
}

/// A field of contacts or companies.
#[expect(clippy::struct_excessive_bools, reason = "these are Mautic's own switches")]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) id: u64,
    pub(crate) alias: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) group: String,
    pub(crate) object: Object,
    pub(crate) order: u64,
    pub(crate) default_value: Php,
    pub(crate) required: bool,
    pub(crate) fixed: bool,
    pub(crate) listable: bool,
    pub(crate) short_visible: bool,
    pub(crate) unique: bool,
    pub(crate) properties: Php,
    pub(crate) stamp: Stamp,
}

impl Field {
    /// How many decimals a number field keeps.
    pub(crate) fn scale(&self) -> i64 {
        self.properties.get("scale").and_then(Php::as_int).unwrap_or(0)
    }

    /// The options of a select: value and label.
    pub(crate) fn options(&self) -> Vec<(String, String)> {
        let list = self.properties.get("list").map(Php::items).unwrap_or_default();
        list.into_iter()
            .filter_map(|option| match option {
                Php::Map(_) => {
                    let value = option.get("value").and_then(Php::as_text)?;
                    let label = option.get("label").and_then(Php::as_text).unwrap_or_else(|| value.clone());
                    Some((value, label))
                }
                other => other.as_text().map(|text| (text.clone(), text)),
            })
            .collect()
    }

    /// As `GET /api/fields/{object}` shows it.
    pub(crate) fn to_php(&self) -> Php {
        let mut entries = self.stamp.entries();
        entries.insert("id".to_owned(), Php::id(self.id));
        for (key, value) in [("label", &self.label), ("alias", &self.alias), ("type", &self.kind)] {
            entries.insert(key.to_owned(), Php::text(value));
        }
        entries.insert("group".to_owned(), Php::text(&self.group));
        entries.insert("order".to_owned(), Php::id(self.order));
        entries.insert("object".to_owned(), Php::text(self.object.table_name()));
        entries.insert("defaultValue".to_owned(), self.default_value.clone());
        for (key, value) in [
            ("isRequired", self.required),
            ("isFixed", self.fixed),
            ("isListable", self.listable),
            ("isVisible", true),
            ("isShortVisible", self.short_visible),
            ("isUniqueIdentifier", self.unique),
            ("isPubliclyUpdatable", false),
        ] {
            entries.insert(key.to_owned(), Php::Bool(value));
        }
        // Here, unlike in contacts, no properties are an object.
        let properties = if self.properties.is_empty() { Php::map([]) } else { self.properties.clone() };
        entries.insert("properties".to_owned(), properties);
        Php::Map(entries)
    }
}

/// The field types that Mautic offers.
pub(crate) const KINDS: [&str; 19] = [
    "boolean",
    "country",
    "date",
    "datetime",
    "email",
    "html",
    "locale",
    "lookup",
    "multiselect",
    "number",
    "region",
    "select",
    "tel",
    "text",
    "textarea",
    "time",
    "timezone",
    "url",
    "companylookup",
];

/// The field groups that Mautic 5 offers.
pub(crate) const GROUPS: [&str; 4] = ["core", "social", "personal", "professional"];

/// Words that get `f_` in front, because SQL knows them.
pub(crate) const RESERVED: [&str; 24] = [
    "add", "all", "and", "between", "by", "case", "column", "default", "delete", "desc", "from", "group",
    "index", "insert", "key", "limit", "longtext", "order", "primary", "select", "table", "text", "update",
    "where",
];

/// Longest alias; what is beyond is cut off (capture A19).
pub(crate) const ALIAS_LIMIT: usize = 25;

/// Longest value of most fields, in characters (capture B40).
pub(crate) const TEXT_LIMIT: usize = 191;

fn stock(
    id: u64,
    alias: &str,
    label: &str,
    kind: &str,
    group: &str,
    fixed: bool,
    short_visible: bool,
) -> Field {
    let company = id > LAST_STOCK_CONTACT_FIELD;
    let integer = |number: i64| Php::Int(number);
    let properties = match alias {
        "title" => Php::map([("list", Php::List(["Mr", "Mrs", "Miss"].map(Php::text).to_vec()))]),
        "attribution" | "companyannual_revenue" => {
            Php::map([("roundmode", integer(4)), ("scale", integer(2))])
        }
        "companynumber_of_employees" => Php::map([("roundmode", integer(4)), ("scale", integer(0))]),
        "companyindustry" => Php::map([(
            "list",
            INDUSTRIES
                .lines()
                .flat_map(|line| line.split(", "))
                .map(|name| Php::map([("label", Php::text(name)), ("value", Php::text(name))]))
                .collect::<Vec<_>>()
                .into(),
        )]),
        _ => Php::empty(),
    };
    Field {
        id,
        alias: alias.to_owned(),
        label: label.to_owned(),
        kind: kind.to_owned(),
        group: group.to_owned(),
        object: if company { Object::Company } else { Object::Contact },
        order: if company { id - LAST_STOCK_CONTACT_FIELD } else { id },
        default_value: if alias == "points" { Php::text("0") } else { Php::Null },
        required: alias == "companyname",
        fixed,
        listable: true,
        short_visible,
        unique: matches!(alias, "email" | "companyname"),
        properties,
        stamp: Stamp::default(),
    }
}

impl From<Vec<Php>> for Php {
    fn from(items: Vec<Php>) -> Self {
        Self::List(items)
    }
}

const LAST_STOCK_CONTACT_FIELD: u64 = 28;

/// The 43 fields of a fresh Mautic 5.1. Source: captures A03 and A04.
pub(crate) fn stock_fields() -> Vec<Field> {
    vec![
        stock(1, "title", "Title", "lookup", "core", true, false),
        stock(2, "firstname", "First Name", "text", "core", true, true),
        stock(3, "lastname", "Last Name", "text", "core", true, true),
        stock(4, "company", "Primary company", "text", "core", true, false),
        stock(5, "position", "Position", "text", "core", true, false),
        stock(6, "email", "Email", "email", "core", true, true),
        stock(7, "mobile", "Mobile", "tel", "core", true, false),
        stock(8, "phone", "Phone", "tel", "core", true, false),
        stock(9, "points", "Points", "number", "core", true, false),
        stock(10, "fax", "Fax", "tel", "core", false, false),
        stock(11, "address1", "Address Line 1", "text", "core", true, false),
        stock(12, "address2", "Address Line 2", "text", "core", true, false),
        stock(13, "city", "City", "text", "core", true, false),
        stock(14, "state", "State", "region", "core", true, false),
        stock(15, "zipcode", "Zip Code", "text", "core", true, false),
        stock(16, "country", "Country", "country", "core", true, false),
        stock(17, "preferred_locale", "Preferred Locale", "locale", "core", true, false),
        stock(18, "timezone", "Preferred Timezone", "timezone", "core", true, false),
        stock(19, "last_active", "Date Last Active", "datetime", "core", true, false),
        stock(20, "attribution_date", "Attribution Date", "datetime", "core", true, false),
        stock(21, "attribution", "Attribution", "number", "core", true, false),
        stock(22, "website", "Website", "url", "core", false, false),
        stock(23, "facebook", "Facebook", "text", "social", false, false),
        stock(24, "foursquare", "Foursquare", "text", "social", false, false),
        stock(25, "instagram", "Instagram", "text", "social", false, false),
        stock(26, "linkedin", "mautic.lead.field.linkedin", "text", "social", false, false),
        stock(27, "skype", "Skype", "text", "social", false, false),
        stock(28, "twitter", "Twitter", "text", "social", false, false),
        stock(29, "companyaddress1", "Address 1", "text", "core", true, false),
        stock(30, "companyaddress2", "Address 2", "text", "core", true, false),
        stock(31, "companyemail", "Company Email", "email", "core", true, false),
        stock(32, "companyphone", "Phone", "tel", "core", true, false),
        stock(33, "companycity", "City", "text", "core", true, false),
        stock(34, "companystate", "State", "region", "core", true, false),
        stock(35, "companyzipcode", "Zip Code", "text", "core", true, false),
        stock(36, "companycountry", "Country", "country", "core", true, false),
        stock(37, "companyname", "Company Name", "text", "core", true, false),
        stock(38, "companywebsite", "Website", "url", "core", true, false),
        stock(
            39,
            "companynumber_of_employees",
            "Number of Employees",
            "number",
            "professional",
            false,
            false,
        ),
        stock(40, "companyfax", "Fax", "tel", "professional", false, false),
        stock(41, "companyannual_revenue", "Annual Revenue", "number", "professional", false, false),
        stock(42, "companyindustry", "Industry", "select", "professional", true, false),
        stock(43, "companydescription", "Description", "text", "professional", true, false),
    ]
}

const INDUSTRIES: &str = "\
Aerospace & Defense, Agriculture, Apparel, Automotive & Assembly, Banking, Biotechnology, Chemicals
Communications, Construction, Consumer Packaged Goods, Education, Electronics, Energy, Engineering
Entertainment, Environmental, Finance, Food & Beverage, Government, Healthcare, Hospitality, Insurance
Machinery, Manufacturing, Media, Metals & Mining, Not for Profit, Oil & Gas, Packaging & Paper
Private Equity & Principal Investors, Recreation, Real Estate, Retail, Semiconductors, Shipping, Social Sector
Technology, Telecommunications, Transportation, Utilities, Other";
