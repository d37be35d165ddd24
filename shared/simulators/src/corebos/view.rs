//! How records look in answers: flat text values, references as webservice ids, names of references.

use super::json::Json;
use super::problem::Problem;
use super::schema::{Field, Kind, Module, Schema};
use super::store::{Record, Store, wsid};

/// Reads records for answers.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) store: &'a Store,
}

impl View<'_> {
    /// One value as `retrieve` and `query` give it.
    ///
    /// # Errors
    /// `INVALID_ID_ATTRIBUTE` when the field is the owner and there is no such user or group.
    pub(crate) fn text(self, record: &Record, field: &Field) -> Result<String, Problem> {
        match field.kind {
            Kind::Id => Ok(self
                .schema
                .module(&record.module)
                .map_or_else(String::new, |module| wsid(module, record.crmid))),
            Kind::Owner => self.store.owner_wsid(self.schema, record.owner).ok_or_else(Problem::bad_owner),
            Kind::Reference => Ok(self.reference(record, field).unwrap_or_default()),
            _ => Ok(record.column(field).unwrap_or_default()),
        }
    }

    /// The webservice id that a reference shows; none when it is empty or what it points to is gone.
    fn reference(self, record: &Record, field: &Field) -> Option<String> {
        let crmid: u64 = record.column(field)?.parse().ok()?;
        if let Some(module) =
            self.schema.module("Currency").filter(|module| field.refers_to.contains(&module.name))
        {
            return (crmid == 1).then(|| wsid(module, crmid));
        }
        let target = self.store.alive(crmid).filter(|target| field.refers_to.contains(&target.module))?;
        Some(wsid(self.schema.module(&target.module)?, crmid))
    }

    /// All visible fields in the order of `describe`, then `cbuuid`.
    pub(crate) fn flat(self, record: &Record) -> Result<Vec<(String, Json)>, Problem> {
        let Some(module) = self.schema.module(&record.module) else { return Ok(Vec::new()) };
        let mut entries = self
            .schema
            .fields(module)
            .map(|field| Ok((field.name.clone(), Json::Text(self.text(record, field)?))))
            .collect::<Result<Vec<_>, _>>()?;
        if module.has_entity {
            entries.push(("cbuuid".to_owned(), Json::text(&record.uuid)));
        }
        Ok(entries)
    }

    /// The flat record and an object for each reference that is set.
    pub(crate) fn full(self, record: &Record) -> Result<Json, Problem> {
        let mut entries = self.flat(record)?;
        if let Some(module) = self.schema.module(&record.module) {
            self.add_names(&mut entries, record, module)?;
        }
        Ok(Json::Object(entries))
    }

    /// Adds `<reference>ename` for the references of `module`, the owner last.
    pub(crate) fn add_names(
        self,
        entries: &mut Vec<(String, Json)>,
        record: &Record,
        module: &Module,
    ) -> Result<(), Problem> {
        let references = self.schema.fields(module).filter(|field| field.kind == Kind::Reference);
        let owner = self.schema.fields(module).filter(|field| field.kind == Kind::Owner);
        for field in references.chain(owner) {
            let id = self.text(record, field)?;
            if let Some(name) = self.name_of(&id) {
                entries.push((format!("{}ename", field.name), name));
            }
        }
        Ok(())
    }

    fn name_of(self, id: &str) -> Option<Json> {
        let currency = super::state::currency();
        let target = match id {
            "21x1" => &currency,
            _ => self.store.records.get(&super::value::id_of(id).parse().ok()?)?,
        };
        Some(Json::object([
            ("module", Json::text(&target.module)),
            ("reference", Json::Text(self.display_name(target))),
            ("cbuuid", Json::text(&target.uuid)),
        ]))
    }

    /// The name fields joined by spaces; a user without a first name begins with one.
    pub(crate) fn display_name(self, record: &Record) -> String {
        if record.module == "Users" {
            return format!("{} {}", record.value("first_name"), record.value("last_name"));
        }
        let names = self
            .schema
            .module(&record.module)
            .map(|module| module.name_fields.as_slice())
            .unwrap_or_default();
        names.iter().map(|name| record.value(name)).collect::<Vec<_>>().join(" ")
    }

    /// The users and groups that `describe` offers as owners.
    pub(crate) fn owners(self) -> Json {
        let options = |module: &str, id: &str, name: &str| {
            let rows =
                self.store.records.values().filter(|record| record.module == module && !record.deleted);
            let mut rows: Vec<(String, Json)> = rows
                .filter(|record| module != "Users" || record.value("status") == "Active")
                .filter_map(|record| {
                    let shown = match module {
                        "Users" => self.display_name(record).trim().to_owned(),
                        _ => record.value("groupname").to_owned(),
                    };
                    let wsid = self.store.owner_wsid(self.schema, record.crmid)?;
                    Some((shown.clone(), Json::object([(id, Json::Text(wsid)), (name, Json::Text(shown))])))
                })
                .collect();
            rows.sort_by(|left, right| left.0.cmp(&right.0));
            Json::object([
                ("label_raw", Json::text(module)),
                ("label", Json::text(module)),
                ("options", Json::List(rows.into_iter().map(|(_, option)| option).collect())),
            ])
        };
        Json::object([
            ("users", options("Users", "userid", "username")),
            ("groups", options("Groups", "groupid", "groupname")),
        ])
    }
}
