//! Modules and fields, read from recorded `describe` answers; what an administrator changes in the layout.

use std::io;

use indexmap::IndexMap;
use serde_json::Value;

use super::json::Json;

mod field;

pub(crate) use field::{Field, Kind};

/// Recorded `describe` results; `@today` and `@owners` stand for what coreBOS fills in at the time of the call.
const DESCRIPTIONS: [&str; 9] = [
    include_str!("../../fixtures/corebos/describe/Contacts.json"),
    include_str!("../../fixtures/corebos/describe/Accounts.json"),
    include_str!("../../fixtures/corebos/describe/Leads.json"),
    include_str!("../../fixtures/corebos/describe/Potentials.json"),
    include_str!("../../fixtures/corebos/describe/Users.json"),
    include_str!("../../fixtures/corebos/describe/cbMap.json"),
    include_str!("../../fixtures/corebos/describe/Groups.json"),
    include_str!("../../fixtures/corebos/describe/Currency.json"),
    include_str!("../../fixtures/corebos/describe/Workflow.json"),
];

const LIST_OF_TYPES: &str = include_str!("../../fixtures/corebos/listtypes.json");

/// Fields that the Mautic and HubSpot integrations of coreBOS add.
const INTEGRATION_FIELDS: [&str; 11] = [
    "mautic_id",
    "deleted_in_mautic",
    "contact_points",
    "from_externalsource",
    "hubspotid",
    "hubspotcreated",
    "hubspotrecord",
    "hubspotdeleted",
    "hubspotlastsync",
    "hubspotdeletedon",
    "hubspotsyncwith",
];

#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) prefix: String,
    /// An entity has an owner, times and a uuid; Users, Groups and Currency have not.
    pub(crate) has_entity: bool,
    pub(crate) name_fields: Vec<String>,
    fields: Vec<Field>,
    description: Json,
}

#[derive(Debug, Clone)]
pub(crate) struct Schema {
    modules: IndexMap<String, Module>,
    types: Json,
    integration_fields: bool,
}

impl Schema {
    pub(crate) fn load(integration_fields: bool) -> io::Result<Self> {
        let mut modules = IndexMap::new();
        for text in DESCRIPTIONS {
            let module = Module::read(serde_json::from_str(text)?).ok_or_else(broken)?;
            modules.insert(module.name.clone(), module);
        }
        Ok(Self { modules, types: serde_json::from_str(LIST_OF_TYPES)?, integration_fields })
    }

    /// Shows or hides the fields of the integrations; hidden ones keep their values.
    pub(crate) fn show_integration_fields(&mut self, show: bool) {
        self.integration_fields = show;
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    pub(crate) fn module_of_prefix(&self, prefix: &str) -> Option<&Module> {
        self.modules.values().find(|module| module.prefix == prefix)
    }

    /// The visible fields of a module, in the order of `describe`.
    pub(crate) fn fields<'a>(&'a self, module: &'a Module) -> impl Iterator<Item = &'a Field> {
        module
            .fields
            .iter()
            .filter(|field| self.integration_fields || !INTEGRATION_FIELDS.contains(&field.name.as_str()))
    }

    pub(crate) fn field<'a>(&'a self, module: &'a Module, name: &str) -> Option<&'a Field> {
        self.fields(module).find(|field| field.name == name)
    }

    /// All modules that coreBOS lists, also those that the stand-in does not play.
    pub(crate) fn is_listed(&self, module: &str, admin: bool) -> bool {
        (admin || module != "Users")
            && self
                .types
                .get("types")
                .is_some_and(|types| types.as_list().iter().any(|each| each.as_str() == Some(module)))
    }

    /// The answer of `listtypes`; `only` keeps the modules that have a field of one of these types.
    pub(crate) fn list_types(&self, admin: bool, only: Option<&[String]>) -> Json {
        let kept = |name: &str| {
            (admin || name != "Users") && only.is_none_or(|types| self.has_field_of_type(name, types))
        };
        let names: Vec<Json> = self
            .types
            .get("types")
            .map(Json::as_list)
            .unwrap_or_default()
            .iter()
            .filter(|name| name.as_str().is_some_and(kept))
            .cloned()
            .collect();
        let information = match self.types.get("information") {
            Some(Json::Object(entries)) => {
                entries.iter().filter(|(name, _)| kept(name)).cloned().collect::<Vec<_>>()
            }
            _ => Vec::new(),
        };
        Json::object([("types", Json::List(names)), ("information", Json::Object(information))])
    }

    fn has_field_of_type(&self, module: &str, types: &[String]) -> bool {
        /// Modules outside of the stand-in that have an e-mail field (A004).
        const WITH_EMAIL: [&str; 5] = ["Vendors", "HelpDesk", "ModComments", "cbCompany", "cbCredentials"];
        match self.module(module) {
            // The recorded list has no Users although they have e-mail fields.
            Some(_) if module == "Users" => false,
            Some(module) => self.fields(module).any(|field| types.contains(&field.type_name)),
            None => types.iter().any(|each| each == "email") && WITH_EMAIL.contains(&module),
        }
    }

    /// The answer of `describe` for one module.
    pub(crate) fn describe(
        &self,
        module: &Module,
        admin: bool,
        owners: &Json,
        today: &str,
        format: &str,
    ) -> Json {
        let mut description = module.description.clone();
        if module.name == "Users" && !admin {
            description.set("deleteable", Json::Bool(false));
            description.set("retrieveable", Json::Bool(false));
        }
        let fields = self.fields(module).map(|field| {
            let mut entry = field.description.clone();
            if entry.get("default").and_then(Json::as_str) == Some("@today") {
                entry.set("default", Json::text(today));
            }
            if let Some(mut kind) = entry.get("type").cloned() {
                if field.kind == Kind::Owner {
                    kind.set("assignto", owners.clone());
                }
                if field.kind == Kind::Date {
                    kind.set("format", Json::text(format));
                }
                entry.set("type", kind);
            }
            entry
        });
        description.set("fields", Json::List(fields.collect()));
        description
    }

    /// Adds a field before `id`, or replaces the one of that name. False when the module or the entry is no good.
    pub(crate) fn add_field(&mut self, module: &str, entry: &Value) -> bool {
        let Some(module) = self.modules.get_mut(module) else { return false };
        let mut description = Json::object([
            ("name", Json::Null),
            ("label", Json::Null),
            ("label_raw", Json::Null),
            ("mandatory", Json::Bool(false)),
            ("type", Json::object([("name", Json::text("string"))])),
            ("nullable", Json::Bool(true)),
            ("editable", Json::Bool(true)),
            ("uitype", Json::text("1")),
            ("helpinfo", Json::text("")),
            ("typeofdata", Json::text("V~O")),
            ("sequence", Json::text("99")),
            ("quickcreate", Json::Bool(false)),
            ("displaytype", Json::text("1")),
            ("summary", Json::text("B")),
            ("default", Json::text("")),
        ]);
        let Json::Object(entries) = Json::from(entry) else { return false };
        for (key, value) in entries {
            description.set(&key, value);
        }
        for key in ["label", "label_raw"] {
            if description.get(key) == Some(&Json::Null)
                && let Some(name) = description.get("name").cloned()
            {
                description.set(key, name);
            }
        }
        let Some(field) = Field::read(description) else { return false };
        if let Some(each) = module.fields.iter_mut().find(|each| each.name == field.name) {
            *each = field;
        } else {
            let end = module.fields.len().saturating_sub(1);
            module.fields.insert(end, field);
        }
        true
    }

    /// Takes a field off the layout; false when there is none.
    pub(crate) fn remove_field(&mut self, module: &str, name: &str) -> bool {
        let Some(module) = self.modules.get_mut(module) else { return false };
        let before = module.fields.len();
        module.fields.retain(|field| field.name != name || field.kind == Kind::Id);
        module.fields.len() < before
    }

    /// Makes a field mandatory or optional; false when there is none.
    pub(crate) fn set_mandatory(&mut self, module: &str, name: &str, mandatory: bool) -> bool {
        let Some(field) = self
            .modules
            .get_mut(module)
            .and_then(|module| module.fields.iter_mut().find(|field| field.name == name))
        else {
            return false;
        };
        field.mandatory = mandatory;
        field.description.set("mandatory", Json::Bool(mandatory));
        if let Some(data) = field.description.get("typeofdata").and_then(Json::as_str) {
            let mut parts: Vec<&str> = data.split('~').collect();
            if let Some(flag) = parts.get_mut(1) {
                *flag = if mandatory { "M" } else { "O" };
            }
            let data = parts.join("~");
            field.description.set("typeofdata", Json::Text(data));
        }
        true
    }
}

impl Module {
    fn read(mut description: Json) -> Option<Self> {
        let text = |key: &str| description.get(key).and_then(Json::as_str).map(str::to_owned);
        let name = text("name")?;
        let prefix = text("idPrefix")?;
        let name_fields = text("labelFields")?.split(',').map(str::to_owned).collect();
        let has_entity = description.get("isEntity") == Some(&Json::Bool(true)) && name != "Users";
        let fields = description
            .get("fields")?
            .as_list()
            .iter()
            .map(|entry| Field::read(entry.clone()))
            .collect::<Option<Vec<_>>>()?;
        description.set("fields", Json::Null);
        Some(Self { name, prefix, has_entity, name_fields, fields, description })
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a built-in module description is broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_description_is_read() {
        let schema = Schema::load(true).unwrap();
        assert_eq!(schema.modules().count(), DESCRIPTIONS.len());
        let contacts = schema.module("Contacts").unwrap();
        assert_eq!(contacts.prefix, "12");
        assert_eq!(schema.field(contacts, "contact_points").unwrap().kind, Kind::Integer);
        assert_eq!(schema.field(contacts, "hubspotlastsync").unwrap().display_type, 2);
        let potentials = schema.module("Potentials").unwrap();
        assert_eq!(schema.field(potentials, "amount").unwrap().kind, Kind::Number(6));
    }

    #[test]
    fn hidden_integration_fields_are_gone_from_the_layout() {
        let mut schema = Schema::load(false).unwrap();
        let module = schema.module("Accounts").unwrap().clone();
        assert!(schema.field(&module, "mautic_id").is_none());
        schema.show_integration_fields(true);
        assert!(schema.field(&module, "mautic_id").is_some());
    }

    #[test]
    fn a_custom_field_stands_before_the_id_and_can_become_mandatory() {
        let mut schema = Schema::load(true).unwrap();
        let entry = serde_json::json!({"name": "cf_900", "label": "Colours", "uitype": "33",
            "type": {"name": "multipicklist"}});
        assert!(schema.add_field("Contacts", &entry));
        assert!(schema.set_mandatory("Contacts", "cf_900", true));
        let module = schema.module("Contacts").unwrap();
        let field = schema.field(module, "cf_900").unwrap();
        assert_eq!(field.kind, Kind::MultiPicklist);
        assert!(field.mandatory);
        assert_eq!(field.description.get("typeofdata"), Some(&Json::text("V~M")));
        assert_eq!(schema.fields(module).last().unwrap().name, "id");
        assert!(!schema.add_field("Contacts", &serde_json::json!({"label": "nameless"})));
        assert!(schema.remove_field("Contacts", "cf_900"));
        assert!(!schema.remove_field("Contacts", "cf_900"));
    }
}
