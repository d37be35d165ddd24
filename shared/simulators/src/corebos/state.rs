//! Everything a running stand-in knows, and who is acting.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use super::options::CoreBosOptions;
use super::problem::Problem;
use super::schema::{Module, Schema};
use super::session::Sessions;
use super::store::{Account, Record, Resolved, Store};
use super::value::Formats;
use super::view::View;
use super::workflow::{OtherWorkflow, WorkflowHook};

/// A webservice call that the stand-in worked on, also when its answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The operation as the caller spelled it.
    pub operation: String,
    /// The module in the request, if it named one.
    pub module: Option<String>,
    /// The error code of the answer; none for a success. `HTTP 500` stands for an answer without a body.
    pub error: Option<String>,
}

pub(crate) struct State {
    pub(crate) schema: Schema,
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) hooks: Vec<WorkflowHook>,
    pub(crate) other_workflows: Vec<OtherWorkflow>,
    pub(crate) calls: VecDeque<CallRecord>,
    /// How many of each operation there were, those that are not remembered any more included.
    pub(crate) counted: BTreeMap<String, usize>,
    /// What rules decide, by the names of their maps.
    pub(crate) rules: BTreeMap<String, RuleDecision>,
}

/// What a rule decides about a record, given as coreBOS's own code sees it: HTML-encoded, references as numbers.
pub type RuleDecision = fn(&BTreeMap<String, String>) -> String;

/// The user who makes a call.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) admin: bool,
    pub(crate) formats: Formats,
}

impl State {
    pub(crate) fn load(options: &CoreBosOptions) -> io::Result<Self> {
        let schema = Schema::load(options.integration_fields)?;
        let kept = options.data.as_deref().map(Store::read).transpose()?.flatten();
        let store = kept.unwrap_or_else(|| new_store(options));
        Ok(Self {
            schema,
            store,
            sessions: Sessions::default(),
            hooks: Vec::new(),
            other_workflows: Vec::new(),
            calls: VecDeque::new(),
            counted: BTreeMap::new(),
            rules: BTreeMap::new(),
        })
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { schema: &self.schema, store: &self.store }
    }

    pub(crate) fn person(&self, id: u64) -> Option<Person> {
        let record = self.store.alive(id).filter(|record| record.module == "Users")?;
        Some(Person {
            id,
            admin: record.value("is_admin") == "on",
            formats: Formats {
                date: record.value("date_format").to_owned(),
                decimal_separator: record.value("currency_decimal_separator").to_owned(),
                grouping_separator: record.value("currency_grouping_separator").to_owned(),
                time_zone: record.value("time_zone").to_owned(),
            },
        })
    }

    /// A module that this person may use and the stand-in plays.
    pub(crate) fn module_for(&self, name: &str, person: &Person) -> Result<&Module, Problem> {
        // Workflows are listed for everybody (H003) and shown to those who see all records.
        if !self.schema.is_listed(name, person.admin) || (name == "Workflow" && !person.admin) {
            return Err(Problem::denied());
        }
        self.schema.module(name).ok_or_else(|| Problem::not_simulated(name))
    }

    /// The record of an id that is to be read.
    pub(crate) fn readable(&self, id: &str, person: &Person) -> Result<&Record, Problem> {
        self.target(id, person, Problem::wrong_id())
    }

    /// The record of an id that is to be changed: what is gone is denied, not missing.
    pub(crate) fn changeable(&self, id: &str, person: &Person) -> Result<&Record, Problem> {
        self.target(id, person, Problem::denied())
    }

    fn target(&self, id: &str, person: &Person, gone: Problem) -> Result<&Record, Problem> {
        if id.is_empty() || id == "0" {
            return Err(Problem::wrong_id());
        }
        match self.store.resolve(&self.schema, id) {
            Resolved::UnknownPrefix(prefix) => Err(Problem::denied_for(&format!("id: {prefix}"))),
            Resolved::Id(module, crmid) => {
                let record = self.store.alive(crmid).ok_or(gone)?;
                self.module_for(&record.module, person)?;
                if record.module == module.name { Ok(record) } else { Err(Problem::wrong_id()) }
            }
        }
    }
}

/// A database as the installer leaves it: users, three groups, one currency, no customers.
fn new_store(options: &CoreBosOptions) -> Store {
    let mut store = Store {
        next_crmid: options.first_record,
        next_user: options.users.iter().map(|user| user.id + 1).max().unwrap_or(5).max(5),
        ..Store::default()
    };
    for module in ["Contacts", "Accounts", "Leads", "Potentials"] {
        store.numbers.insert(module.to_owned(), options.first_number);
    }
    store.numbers.insert("cbMap".to_owned(), options.first_map_number);
    for user in &options.users {
        let admin = if user.admin { "on" } else { "off" };
        let given = [
            ("user_name", user.name.as_str()),
            ("first_name", &user.first_name),
            ("last_name", &user.last_name),
            ("email1", &user.email),
            ("is_admin", admin),
            ("status", "Active"),
            ("roleid", "H2"),
            ("date_format", "yyyy-mm-dd"),
            ("hour_format", "24"),
            ("time_zone", "UTC"),
            ("currency_id", "1"),
            ("language", "en_us"),
        ];
        let ename = format!("{} {}", user.first_name, user.last_name);
        let mut record = plain_record(user.id, "Users", given.into_iter().chain([("ename", ename.as_str())]));
        for (field, value) in USER_DEFAULTS {
            record.values.entry(field.to_owned()).or_insert_with(|| value.to_owned());
        }
        store.put(record);
        let access_key = if user.access_key.is_empty() {
            uuid::Uuid::new_v4().simple().to_string().chars().take(16).collect()
        } else {
            user.access_key.clone()
        };
        store.accounts.insert(
            user.id,
            Account {
                access_key,
                password: user.password.clone(),
                static_tokens: user.static_tokens.clone(),
            },
        );
    }
    for (id, name) in [(2, "Team Selling"), (3, "Marketing Group"), (4, "Support Group")] {
        store.put(plain_record(id, "Groups", [("groupname", name), ("description", "")].into_iter()));
    }
    store
}

/// The one currency; its number is also that of a user, so it is not among the records.
pub(crate) fn currency() -> Record {
    let values = [
        ("currency_name", "Euro"),
        ("currency_code", "EUR"),
        ("currency_symbol", "&#8364;"),
        ("conversion_rate", "1.000000"),
        ("currency_status", "Active"),
        ("defaultid", "-11"),
        ("deleted", "0"),
        ("currency_position", "1.0$"),
    ];
    plain_record(1, "Currency", values.into_iter())
}

/// What coreBOS gives a new user who says nothing about it (G001).
pub(crate) const USER_DEFAULTS: [(&str, &str); 7] = [
    ("currency_grouping_pattern", "123,456,789"),
    ("currency_decimal_separator", "."),
    ("currency_grouping_separator", ","),
    ("currency_symbol_placement", "$1.0"),
    ("no_of_currency_decimals", "2"),
    ("theme", "softed"),
    ("is_admin", "off"),
];

pub(super) fn plain_record<'a>(
    crmid: u64,
    module: &str,
    values: impl Iterator<Item = (&'a str, &'a str)>,
) -> Record {
    Record {
        crmid,
        module: module.to_owned(),
        uuid: String::new(),
        owner: 0,
        creator: 0,
        modifier: 0,
        created: 0,
        modified: 0,
        object_modified: 0,
        deleted: false,
        converted: false,
        values: values.map(|(field, value)| (field.to_owned(), value.to_owned())).collect(),
    }
}
