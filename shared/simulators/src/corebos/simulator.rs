//! The stand-in as tests and the demo hold it: started, played with, stopped.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::operations;
use super::options::CoreBosOptions;
use super::problem::Problem;
use super::site::{Origin, Site};
use super::state::{CallRecord, Person, RuleDecision};
use super::store::{Account, Record, wsid};
use super::view::View;
use super::workflow::{OtherWorkflow, WorkflowHook};
use super::writing::Edit;
use crate::faults::Faults;
use crate::server::{RequestRecord, Server, WorkRecord};

/// Starts a stand-in for coreBOS.
pub async fn start(options: CoreBosOptions) -> io::Result<CoreBosSimulator> {
    let site = Arc::new(Site::new(&options)?);
    let person = options.users.first().map_or(1, |user| user.id);
    let server = Server::start(options.port, Faults::default(), Arc::clone(&site)).await?;
    Ok(CoreBosSimulator { site, server, person })
}

/// A running stand-in for coreBOS.
#[derive(Debug)]
pub struct CoreBosSimulator {
    site: Arc<Site>,
    server: Server<Site>,
    /// The user who works at the screen.
    person: u64,
}

/// Why a person at the screen could not do something: coreBOS's code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenError {
    /// The code that the webservice would give, or `HTTP 500`.
    pub code: String,
    /// The text that the webservice would give.
    pub message: String,
}

impl std::fmt::Display for ScreenError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ScreenError {}

impl From<Problem> for ScreenError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Crash => Self { code: "HTTP 500".to_owned(), message: "PHP died".to_owned() },
            Problem::Refusal { code, message } => Self { code: code.to_owned(), message },
        }
    }
}

/// Talking to it.
impl CoreBosSimulator {
    /// Address of the server without a slash at the end; the webservice is at `/webservice.php`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Faults on request.
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Requests since the start or the last clearing, also those that a fault answered.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.server.requests()
    }

    /// Calls that were worked on since the start or the last clearing, also when the answer was lost; the
    /// last 10,000 at most.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.site.state().calls.iter().cloned().collect()
    }

    /// How many calls of each operation were worked on since the start or the last clearing, all of them.
    pub fn counted(&self) -> BTreeMap<String, usize> {
        self.site.state().counted.clone()
    }

    /// From now on keeps what is sent and answered; see [`Self::work`].
    pub fn keep_work(&self) {
        self.server.keep_work();
    }

    /// What was worked on since [`Self::keep_work`], bodies included.
    pub fn work(&self) -> Vec<WorkRecord> {
        self.server.work()
    }

    /// Forgets the requests and calls so far.
    pub fn clear_requests(&self) {
        self.server.clear_requests();
        let mut state = self.site.state();
        state.calls.clear();
        state.counted.clear();
    }

    /// Closes the port: new connections are refused, records stay.
    pub async fn stop_listening(&self) {
        self.server.stop_listening().await;
    }

    /// Opens the same port again.
    pub async fn listen_again(&self) -> io::Result<()> {
        self.server.listen_again().await
    }

    /// Finishes what is being worked on and closes the port.
    pub async fn stop(self) {
        self.server.stop_listening().await;
    }
}

/// A person at the screen: changes like anybody's, hooks included, committed before the hooks fire.
impl CoreBosSimulator {
    fn at_the_screen(&self) -> Result<Person, ScreenError> {
        Ok(self.site.state().person(self.person).ok_or_else(Problem::login_needed)?)
    }

    /// Creates a record and gives its webservice id. The owner is the person when none is named.
    pub async fn create(&self, module: &str, element: &Value) -> Result<String, ScreenError> {
        let person = self.at_the_screen()?;
        let mut element = object(element);
        element.entry("assigned_user_id").or_insert_with(|| json!(format!("19x{}", person.id)));
        let record = self.site.create(module, &element, &person, Origin::Screen).await?;
        let state = self.site.state();
        let module = state.schema.module(module).ok_or_else(Problem::denied)?;
        Ok(wsid(module, record.crmid))
    }

    /// Changes a record; fields that are not named stay, an empty reference clears.
    pub async fn edit(&self, id: &str, element: &Value) -> Result<(), ScreenError> {
        let person = self.at_the_screen()?;
        self.site.edit(id, &object(element), &person, Edit::Revise, Origin::Screen).await?;
        Ok(())
    }

    /// Moves a record to the recycle bin.
    pub async fn delete(&self, id: &str) -> Result<(), ScreenError> {
        let person = self.at_the_screen()?;
        Ok(self.site.delete(id, &person).await?)
    }

    /// Takes a record out of the recycle bin. Its modified time stays as it was, and no workflow runs.
    pub async fn restore(&self, id: &str) -> Result<(), ScreenError> {
        let crmid = super::value::id_of(id).parse().unwrap_or(0);
        let _turn = self.site.lock(crmid).await?;
        let record = self.site.state().store.records.get(&crmid).cloned();
        let mut record = record.filter(|record| record.deleted).ok_or_else(Problem::wrong_id)?;
        record.deleted = false;
        Ok(self.site.commit([record])?)
    }

    /// Merges two records of one module: the survivor is saved, what pointed to the loser points to it without an
    /// event, and the loser is deleted.
    pub async fn merge(&self, survivor: &str, loser: &str) -> Result<(), ScreenError> {
        let person = self.at_the_screen()?;
        let (kept, gone) = {
            let state = self.site.state();
            let (kept, gone) = (state.changeable(survivor, &person)?, state.changeable(loser, &person)?);
            if kept.module != gone.module || kept.crmid == gone.crmid {
                return Err(Problem::wrong_id().into());
            }
            (kept.crmid, gone.crmid)
        };
        self.site
            .edit(survivor, &object(&json!({ "id": survivor })), &person, Edit::Revise, Origin::Screen)
            .await?;
        let moved = self.pointing_to(gone, kept);
        self.site.commit(moved)?;
        Ok(self.site.delete(loser, &person).await?)
    }

    /// Records whose references to `gone` now go to `kept`.
    fn pointing_to(&self, gone: u64, kept: u64) -> Vec<Record> {
        let state = self.site.state();
        let gone = gone.to_string();
        let mut moved = Vec::new();
        for record in state.store.records.values() {
            let Some(module) = state.schema.module(&record.module) else { continue };
            let fields = state.schema.fields(module).filter(|field| {
                field.kind == super::schema::Kind::Reference && record.values.get(&field.name) == Some(&gone)
            });
            let mut changed = record.clone();
            for field in fields {
                changed.values.insert(field.name.clone(), kept.to_string());
            }
            if changed != *record {
                moved.push(changed);
            }
        }
        moved
    }

    /// Converts a lead; `entities` is what `convertlead` takes under that name. Gives the ids by module.
    pub async fn convert_lead(&self, id: &str, entities: &Value) -> Result<Value, ScreenError> {
        let person = self.at_the_screen()?;
        let wish = object(&json!({ "leadId": id, "entities": entities }));
        Ok(operations::convert(&self.site, &wish, &person).await?.to_value())
    }
}

/// Looking into it, without a request.
impl CoreBosSimulator {
    /// A record as `retrieve` gives it, without the names of its references; none when it is deleted.
    pub fn record(&self, id: &str) -> Option<Value> {
        let state = self.site.state();
        let record = state.store.alive(super::value::id_of(id).parse().ok()?)?;
        flat(state.view(), record).filter(|record| record.get("id").and_then(Value::as_str) == Some(id))
    }

    /// The records of a module that queries see, by number.
    pub fn records(&self, module: &str) -> Vec<Value> {
        let state = self.site.state();
        let listed =
            state.store.records.values().filter(|record| record.module == module && record.is_listed());
        listed.filter_map(|record| flat(state.view(), record)).collect()
    }

    /// The first record of a module whose field reads exactly so.
    pub fn find(&self, module: &str, field: &str, value: &str) -> Option<Value> {
        self.records(module)
            .into_iter()
            .find(|record| record.get(field).and_then(Value::as_str) == Some(value))
    }
}

fn flat(view: View<'_>, record: &Record) -> Option<Value> {
    Some(super::json::Json::Object(view.flat(record).ok()?).to_value())
}

/// What an administrator does.
impl CoreBosSimulator {
    /// Ends all sessions, as a restart of the database would.
    pub fn expire_sessions(&self) {
        self.site.state().sessions.expire_sessions();
    }

    /// Ends all login tokens that were handed out.
    pub fn expire_challenges(&self) {
        self.site.state().sessions.expire_challenges();
    }

    /// How many sessions are open.
    pub fn open_sessions(&self) -> usize {
        self.site.state().sessions.count()
    }

    /// The access key of a user.
    pub fn access_key(&self, user: &str) -> Option<String> {
        let state = self.site.state();
        let user = state
            .store
            .records
            .values()
            .find(|each| each.module == "Users" && each.value("user_name") == user)?;
        state.store.accounts.get(&user.crmid).map(|account| account.access_key.clone())
    }

    /// Gives a user a new access key; open sessions stay open. None when there is no such user.
    pub fn rotate_access_key(&self, user: &str) -> Option<String> {
        let key: String = uuid::Uuid::new_v4().simple().to_string().chars().take(16).collect();
        self.set_access_key(user, &key).then_some(key)
    }

    /// Gives a user this access key; false when there is no such user.
    pub fn set_access_key(&self, user: &str, key: &str) -> bool {
        self.change_account(user, |account| key.clone_into(&mut account.access_key))
    }

    /// Gives a user one more static token; false when there is no such user.
    pub fn add_static_token(&self, user: &str, token: &str) -> bool {
        self.change_account(user, |account| account.static_tokens.push(token.to_owned()))
    }

    fn change_account(&self, user: &str, change: impl FnOnce(&mut Account)) -> bool {
        {
            let mut state = self.site.state();
            let state = &mut *state;
            let users = state.store.records.values().filter(|each| each.module == "Users");
            let Some(id) = users.filter(|each| each.value("user_name") == user).map(|each| each.crmid).next()
            else {
                return false;
            };
            let Some(account) = state.store.accounts.get_mut(&id) else { return false };
            change(account);
        }
        self.site.commit([]).is_ok()
    }

    /// Makes a field mandatory or optional; false when there is no such field.
    pub fn set_mandatory(&self, module: &str, field: &str, mandatory: bool) -> bool {
        self.site.state().schema.set_mandatory(module, field, mandatory)
    }

    /// Adds a field from its `describe` entry, of which only `name` must be there; it is a text field unless
    /// `uitype` and `type` say otherwise. Existing records have NULL in it. False when the entry is no good.
    pub fn add_custom_field(&self, module: &str, entry: &Value) -> bool {
        self.site.state().schema.add_field(module, entry)
    }

    /// Takes a field off the layout; its values stay in the database. False when there is no such field.
    pub fn remove_field(&self, module: &str, field: &str) -> bool {
        self.site.state().schema.remove_field(module, field)
    }

    /// Shows or hides the fields of the Mautic and HubSpot integrations.
    pub fn show_integration_fields(&self, show: bool) {
        self.site.state().schema.show_integration_fields(show);
    }

    /// Adds a workflow with a "Run Web Service" task; its map is looked up by name at each save.
    pub fn add_workflow_hook(&self, hook: WorkflowHook) {
        self.site.state().hooks.push(hook);
    }

    /// Removes all workflows with a "Run Web Service" task.
    pub fn clear_workflow_hooks(&self) {
        self.site.state().hooks.clear();
    }

    /// Adds a workflow with a task of another kind, which does nothing here.
    pub fn add_other_workflow(&self, workflow: OtherWorkflow) {
        self.site.state().other_workflows.push(workflow);
    }

    /// Removes all workflows with tasks of other kinds.
    pub fn clear_other_workflows(&self) {
        self.site.state().other_workflows.clear();
    }

    /// Writes a business map of type "Mapping": the one of this name, or a new one. Gives its webservice id.
    pub async fn put_map(&self, name: &str, content: &str) -> Result<String, ScreenError> {
        self.put_map_of_type(name, "Mapping", content).await
    }

    /// Writes a business map of any type.
    pub async fn put_map_of_type(
        &self,
        name: &str,
        kind: &str,
        content: &str,
    ) -> Result<String, ScreenError> {
        let element =
            json!({ "mapname": name, "maptype": kind, "targetname": "Contacts", "content": content });
        match self.find("cbMap", "mapname", name).and_then(|map| map.get("id")?.as_str().map(str::to_owned)) {
            Some(id) => self.edit(&id, &element).await.map(|()| id),
            None => self.create("cbMap", &element).await,
        }
    }

    /// A setting; none when there is none.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.site.state().store.settings.get(key).cloned()
    }

    /// Says what a rule decides in maps that are evaluated with `ProcessMap`. There must be a map of its name, of one of
    /// the kinds that decide: a "Condition Expression", say.
    pub fn decide_rule(&self, name: &str, decides: RuleDecision) {
        self.site.state().rules.insert(name.to_owned(), decides);
    }

    /// Stores a setting, as `setSetting` does.
    pub fn put_setting(&self, key: &str, value: &str) {
        self.site.state().store.settings.insert(key.to_owned(), value.to_owned());
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
