//! Properties: their definitions, and what each takes as a value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::answer::Invalid;
use super::kinds::Kind;

/// The longest text of a property, in characters.
const TEXT_LIMIT_CHARS: usize = 65_536;

/// One property of an object type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "HubSpot's own flags")]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    /// `bool`, `date`, `datetime`, `enumeration`, `number`, `phone_number` or `string`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(rename = "fieldType")]
    pub(crate) field_type: String,
    #[serde(rename = "groupName")]
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) options: Vec<Choice>,
    #[serde(default, rename = "hasUniqueValue")]
    pub(crate) unique: bool,
    #[serde(default)]
    pub(crate) calculated: bool,
    #[serde(default)]
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) custom: bool,
    #[serde(default)]
    pub(crate) archived: bool,
}

/// One option of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) value: String,
}

impl Property {
    fn stock(name: &str, kind: &str, field_type: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            kind: kind.to_owned(),
            field_type: field_type.to_owned(),
            group: "information".to_owned(),
            description: String::new(),
            options: Vec::new(),
            unique: false,
            calculated: false,
            read_only: false,
            custom: false,
            archived: false,
        }
    }

    fn choices(mut self, values: &[&str]) -> Self {
        self.options = values
            .iter()
            .map(|value| Choice { label: (*value).to_owned(), value: (*value).to_owned() })
            .collect();
        self
    }

    fn kept_by_hubspot(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// As the API tells it.
    pub(crate) fn told(&self, kind: Kind) -> Json {
        json!({
            "name": self.name,
            "label": self.label,
            "type": self.kind,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options.iter().enumerate().map(|(order, choice)| json!({
                "label": choice.label, "value": choice.value, "displayOrder": order, "hidden": false,
            })).collect::<Vec<_>>(),
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": false,
            "archived": self.archived,
            "hasUniqueValue": self.unique,
            "hidden": false,
            "hubspotDefined": !self.custom,
            "modificationMetadata": {
                "archivable": self.custom,
                "readOnlyDefinition": !self.custom,
                "readOnlyValue": self.read_only || self.calculated,
            },
            "formField": !self.read_only,
            "dataSensitivity": "non_sensitive",
            "objectTypeId": kind.type_id(),
        })
    }

    /// The value as it is stored; blank clears. Never the value in an error of a kind that has personal data.
    pub(crate) fn stored(&self, value: &str) -> Result<String, Invalid> {
        let wrong = |code, message: String| Invalid { property: self.name.clone(), code, message };
        if self.read_only || self.calculated {
            let message = format!("\"{}\" is a read only property; its value cannot be set.", self.name);
            return Err(wrong("READ_ONLY_VALUE", message));
        }
        if value.is_empty() {
            return Ok(String::new());
        }
        match self.kind.as_str() {
            "number" => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(value.to_owned()),
                _ => Err(wrong("INVALID_LONG", format!("{value} was not a valid number."))),
            },
            "bool" => match value.to_ascii_lowercase().as_str() {
                "true" => Ok("true".to_owned()),
                "false" => Ok("false".to_owned()),
                _ => Err(wrong(
                    "INVALID_OPTION",
                    format!("{value} was not one of the allowed options: [true, false]"),
                )),
            },
            "date" => {
                date(value).ok_or_else(|| wrong("INVALID_DATE", format!("{value} is not a valid date.")))
            }
            "datetime" => instant(value)
                .ok_or_else(|| wrong("INVALID_DATE", format!("{value} is not a valid datetime."))),
            "enumeration" => self.chosen(value).map_err(|message| wrong("INVALID_OPTION", message)),
            _ if value.chars().count() > TEXT_LIMIT_CHARS => Err(wrong(
                "PROPERTY_VALUE_TOO_LONG",
                format!("Property value exceeds the maximum length of {TEXT_LIMIT_CHARS}"),
            )),
            _ if self.name == "email" => {
                let value = value.trim().to_lowercase();
                match value.split_once('@') {
                    Some((name, host)) if !name.is_empty() && host.contains('.') && !value.contains(' ') => {
                        Ok(value)
                    }
                    _ => Err(wrong("INVALID_EMAIL", format!("Email address {value} is invalid"))),
                }
            }
            _ => Ok(value.to_owned()),
        }
    }

    /// Enumerations are case-sensitive; several values of a checkbox are separated by semicolons.
    fn chosen(&self, value: &str) -> Result<String, String> {
        let several = self.field_type == "checkbox";
        let allowed =
            |each: &str| self.options.is_empty() || self.options.iter().any(|choice| choice.value == each);
        let values: Vec<&str> =
            if several { value.split(';').filter(|each| !each.is_empty()).collect() } else { vec![value] };
        match values.iter().find(|each| !allowed(each)) {
            Some(bad) => Err(format!(
                "{bad} was not one of the allowed options: [{}]",
                self.options.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>().join(", ")
            )),
            None => Ok(values.join(";")),
        }
    }
}

/// A date as `YYYY-MM-DD`, or milliseconds at midnight UTC.
fn date(value: &str) -> Option<String> {
    if let Ok(date) = value.parse::<Date>()
        && value.len() == 10
    {
        return Some(date.to_string());
    }
    let millisecond: i64 = value.parse().ok()?;
    let at = Timestamp::from_millisecond(millisecond).ok()?;
    (millisecond.rem_euclid(86_400_000) == 0).then(|| at.strftime("%Y-%m-%d").to_string())
}

/// A moment with a zone, a date alone (midnight UTC), or milliseconds.
fn instant(value: &str) -> Option<String> {
    let at = match value.parse::<i64>() {
        Ok(millisecond) => Timestamp::from_millisecond(millisecond).ok()?,
        Err(_) => match value.parse::<Timestamp>() {
            Ok(at) => at,
            Err(_) => date(value).and_then(|day| format!("{day}T00:00:00Z").parse().ok())?,
        },
    };
    Some(written(at))
}

/// A moment as HubSpot writes it: no fraction where it is 0.
pub(crate) fn written(at: Timestamp) -> String {
    let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    if at.subsec_millisecond() == 0 {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// The stock properties that matter here.
pub(crate) fn stock(kind: Kind) -> BTreeMap<String, Property> {
    let text = |name: &str| Property::stock(name, "string", "text");
    let mut list = vec![
        Property::stock("hs_object_id", "number", "number").kept_by_hubspot(),
        Property::stock(kind.created_property(), "datetime", "date").kept_by_hubspot(),
        Property::stock(kind.modified_property(), "datetime", "date").kept_by_hubspot(),
        Property::stock("hs_merged_object_ids", "enumeration", "checkbox").kept_by_hubspot(),
        Property::stock("hs_object_source", "enumeration", "select").kept_by_hubspot(),
        Property::stock("hubspot_owner_id", "enumeration", "select"),
    ];
    match kind {
        Kind::Contact => {
            for name in
                ["firstname", "lastname", "company", "jobtitle", "address", "city", "state", "zip", "country"]
            {
                list.push(text(name));
            }
            for name in ["salutation", "website", "fax", "hs_additional_emails", "hs_analytics_source_data_1"]
            {
                list.push(text(name));
            }
            list.push(Property { unique: true, ..text("email") });
            list.push(Property::stock("phone", "string", "phonenumber"));
            list.push(Property::stock("mobilephone", "string", "phonenumber"));
            list.push(Property::stock("date_of_birth", "string", "text"));
            list.push(Property::stock("lifecyclestage", "enumeration", "radio").choices(&LIFECYCLE));
            list.push(Property::stock("hs_lead_status", "enumeration", "radio").choices(&LEAD_STATUS));
            list.push(Property::stock("hs_email_optout", "bool", "booleancheckbox"));
            list.push(Property::stock("hs_email_open", "number", "number").kept_by_hubspot());
            list.push(Property::stock("hs_email_click", "number", "number").kept_by_hubspot());
            list.push(Property::stock("recent_conversion_event_name", "string", "text").kept_by_hubspot());
            list.push(Property::stock("recent_conversion_date", "datetime", "date").kept_by_hubspot());
            list.push(Property::stock("hs_analytics_source", "enumeration", "select").kept_by_hubspot());
            for name in ["hs_analytics_num_page_views", "hs_analytics_num_visits", "hs_email_bounce"] {
                list.push(Property::stock(name, "number", "number").kept_by_hubspot());
            }
            for name in
                ["hs_email_last_open_date", "hs_analytics_last_visit_timestamp", "hs_social_last_engagement"]
            {
                list.push(Property::stock(name, "datetime", "date").kept_by_hubspot());
            }
            for name in ["first_conversion_event_name", "hs_analytics_last_url"] {
                list.push(text(name).kept_by_hubspot());
            }
        }
        Kind::Company => {
            for name in
                ["name", "domain", "website", "address", "address2", "city", "state", "zip", "country"]
            {
                list.push(text(name));
            }
            for name in ["description", "fax", "tickersymbol"] {
                list.push(text(name));
            }
            list.push(Property::stock("phone", "string", "phonenumber"));
            list.push(Property::stock("numberofemployees", "number", "number"));
            list.push(Property::stock("annualrevenue", "number", "number"));
            list.push(Property::stock("industry", "enumeration", "select").choices(&[
                "BANKING",
                "COMPUTER_SOFTWARE",
                "EDUCATION_MANAGEMENT",
                "RETAIL",
            ]));
            list.push(Property::stock("lifecyclestage", "enumeration", "radio").choices(&LIFECYCLE));
        }
        Kind::Deal => {
            for name in ["dealname", "description", "hs_next_step"] {
                list.push(text(name));
            }
            list.push(Property::stock("amount", "number", "number"));
            list.push(Property::stock("closedate", "datetime", "date"));
            list.push(Property::stock("dealstage", "enumeration", "radio"));
            list.push(Property::stock("pipeline", "enumeration", "select"));
            list.push(
                Property::stock("dealtype", "enumeration", "radio")
                    .choices(&["newbusiness", "existingbusiness"]),
            );
        }
        Kind::Lead => {
            list.push(text("hs_lead_name"));
            list.push(
                Property::stock("hs_lead_type", "enumeration", "select").choices(&["NEW_BUSINESS", "UPSELL"]),
            );
            list.push(
                Property::stock("hs_lead_label", "enumeration", "select").choices(&["HOT", "WARM", "COLD"]),
            );
            list.push(Property::stock("hs_pipeline", "enumeration", "select"));
            list.push(Property::stock("hs_pipeline_stage", "enumeration", "select"));
        }
    }
    list.into_iter().map(|property| (property.name.clone(), property)).collect()
}

/// The stages of a contact's life, in the one order in which they may be taken.
pub(crate) const LIFECYCLE: [&str; 8] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];

const LEAD_STATUS: [&str; 8] = [
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(kind: Kind, name: &str, value: &str) -> Result<String, &'static str> {
        stock(kind)[name].stored(value).map_err(|invalid| invalid.code)
    }

    #[test]
    fn values_are_taken_by_their_type() {
        assert_eq!(stored(Kind::Contact, "email", " Ana@Example.org ").unwrap(), "ana@example.org");
        assert_eq!(stored(Kind::Contact, "email", "ana"), Err("INVALID_EMAIL"));
        assert_eq!(stored(Kind::Deal, "closedate", "2026-05-01").unwrap(), "2026-05-01T00:00:00Z");
        assert_eq!(stored(Kind::Deal, "closedate", "1777636800123").unwrap(), "2026-05-01T12:00:00.123Z");
        assert_eq!(stored(Kind::Deal, "closedate", "soon"), Err("INVALID_DATE"));
        assert_eq!(stored(Kind::Deal, "amount", "1,000"), Err("INVALID_LONG"));
        assert_eq!(stored(Kind::Contact, "lifecyclestage", "Lead"), Err("INVALID_OPTION"));
        assert_eq!(stored(Kind::Contact, "hs_object_id", "1"), Err("READ_ONLY_VALUE"));
    }
}
