//! Calls to coreBOS's webservice, version 0.22.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use http_client::{BaseUrl, Client, Effect, Method, Request};
use jiff::Timestamp;
use model::{Fields, ObjectName, RecordRef, System, Value};
use serde_json::{Map, Value as Json};
use sync::{Connector, ConnectorError, Lookup, Reading, Record, Schema as _};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{self, envelope, in_doubt, unanswered};
use crate::formats::Formats;
use crate::schema::CoreBosSchema;
use crate::search::{self, Searches};
use crate::session::{Session, Sessions, endpoint};
use crate::settings::CoreBosSettings;
use crate::wire::{self, Envelope, WireError};
use crate::{owners, query};

/// The field that says who is responsible for a record. Never written after the creation: people move records
/// between each other in coreBOS.
const OWNER: &str = "assigned_user_id";

/// One coreBOS.
#[derive(Debug)]
pub struct CoreBos {
    system: System,
    base: BaseUrl,
    client: Client,
    sessions: Sessions,
    default_owner: Option<String>,
    pub(crate) schema_lifetime: Duration,
    schemas: Mutex<HashMap<ObjectName, (Instant, CoreBosSchema)>>,
    pub(crate) formats: Mutex<Option<(Instant, Formats)>>,
    pub(crate) searches: Searches,
}

impl CoreBos {
    /// A connector to the coreBOS of these settings. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured: a URL that is none or is not safe, an owner that is no id, no TLS certificates on this machine.
    pub fn new(system: System, settings: CoreBosSettings) -> Result<Self, ConnectorError> {
        let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
        let base = BaseUrl::parse(&settings.url)
            .map_err(|error| misconfigured(format!("the URL of {system}: {error}")))?
            .without_last("webservice.php");
        if let Some(owner) = settings.default_owner.as_deref()
            && !wire::is_record_id(owner)
        {
            return Err(misconfigured(format!(
                "the default owner of {system} is not an id: write 19x5 for a user, 20x3 for a group"
            )));
        }
        let client = Client::new(settings.http).map_err(|error| misconfigured(error.to_string()))?;
        let sessions =
            Sessions::new(&system, &base, settings.account, settings.sessions, &settings.shared_sessions);
        Ok(Self {
            system,
            base,
            client,
            sessions,
            default_owner: settings.default_owner,
            schema_lifetime: settings.schema_lifetime,
            schemas: Mutex::default(),
            formats: Mutex::default(),
            searches: Searches::default(),
        })
    }

    /// Calls an operation. A session that is over is replaced and the call repeated, once: coreBOS has done nothing.
    async fn call(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        effect: Effect,
    ) -> Result<(Json, Arc<Session>), Failed> {
        let (told, session) = self.ask(operation, parameters, effect).await?;
        Ok((told.result, session))
    }

    /// Calls an operation and gives coreBOS's time with the result.
    pub(crate) async fn call_timed(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        effect: Effect,
    ) -> Result<(Json, Option<Timestamp>), ConnectorError> {
        let (told, _) = self.ask(operation, parameters, effect).await?;
        Ok((told.result, told.server_time))
    }

    /// Calls an operation and gives the whole answer, with the session that it was asked in.
    pub(crate) async fn ask(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        effect: Effect,
    ) -> Result<(Envelope, Arc<Session>), Failed> {
        let session = self.sessions.get(&self.client, &self.base).await?;
        let mut told = self.send(operation, parameters, effect, &session).await?;
        let mut used = session;
        let is_over = told.error.as_ref().is_some_and(|error| error::is_session_over(&error.code));
        if is_over && used.can_be_replaced() {
            self.sessions.forget(&used).await;
            // Before the next is asked for, so that its place is free again.
            drop(used);
            used = self.sessions.get(&self.client, &self.base).await?;
            told = self.send(operation, parameters, effect, &used).await?;
        }
        if told.success {
            return Ok((told, used));
        }
        match told.error {
            Some(refused) if !used.can_be_replaced() && error::is_session_over(&refused.code) => {
                Err(error::static_token_refused(&refused)
                    .map_or_else(|| error::refusal(&refused, effect).into(), Failed::from))
            }
            Some(refused) => Err(Failed { error: error::refusal(&refused, effect), refused: Some(refused) }),
            None => Err(error::validation(&told.result).into()),
        }
    }

    /// Everything travels in a form: URLs end up in the logs of web servers.
    async fn send(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        effect: Effect,
        session: &Session,
    ) -> Result<Envelope, ConnectorError> {
        let url = endpoint(&self.base);
        let request = match effect {
            Effect::Read => Request::read(Method::POST, url),
            Effect::Write => Request::write(Method::POST, url),
        };
        let answer =
            self.client.send(&session.sign(request, operation, parameters)).await.map_err(unanswered)?;
        let server_time = answer.server_time();
        envelope(&answer, effect, true).map(|told| Envelope { server_time, ..told })
    }

    /// Our user: `19x7`.
    pub(crate) async fn user_id(&self) -> Result<String, ConnectorError> {
        Ok(self.sessions.get(&self.client, &self.base).await?.user_id.clone())
    }

    /// The record in a result.
    fn record(
        &self,
        module: &ObjectName,
        call: &(Json, Arc<Session>),
        effect: Effect,
    ) -> Result<Record, ConnectorError> {
        wire::record(&self.system, module, &call.0, &call.1.user_id)
            .ok_or_else(|| in_doubt(effect, "coreBOS answered with no record".to_owned()))
    }

    /// `describe`, read now.
    pub(crate) async fn description(&self, module: &ObjectName) -> Result<Json, ConnectorError> {
        let described = self.call("describe", &[("elementType", module.as_str())], Effect::Read).await;
        let (result, _) = described.map_err(|failed| match failed.error {
            ConnectorError::Forbidden { .. } => ConnectorError::Misconfigured {
                detail: format!(
                    "coreBOS has no module `{module}`, or our user may not use it: check the name and the user's profile"
                ),
            },
            other => other,
        })?;
        Ok(result)
    }

    async fn fetch_schema(&self, module: &ObjectName) -> Result<CoreBosSchema, ConnectorError> {
        let description = self.description(module).await?;
        CoreBosSchema::from_description(&description).ok_or_else(|| ConnectorError::Unavailable {
            detail: format!("the description of {module} is unusable"),
        })
    }

    /// `query`. The database compares without regard to case and accents; what differs by more than case is left
    /// out. Records lack `cbuuid`, which only `retrieve` gives.
    pub(crate) async fn find_alone(
        &self,
        module: &ObjectName,
        lookup: &Lookup,
    ) -> Result<Vec<Record>, ConnectorError> {
        if !self.schema(module).await?.has(&lookup.field) {
            return Err(ConnectorError::Misconfigured {
                detail: format!("coreBOS's {module} has no field `{}`", lookup.field.escape_default()),
            });
        }
        let text = query::by_field(module.as_str(), &lookup.field, &lookup.value, 3)?;
        let (result, session) = self.call("query", &[("query", &text)], Effect::Read).await?;
        let rows = result.as_array().ok_or_else(|| ConnectorError::Unavailable {
            detail: "a query answered with no rows".to_owned(),
        })?;
        let wanted = lookup.value.trim().to_lowercase();
        let same = |record: &Record| {
            record.fields.text(&lookup.field).is_some_and(|found| found.trim().to_lowercase() == wanted)
        };
        let records = rows.iter().filter_map(|row| wire::record(&self.system, module, row, &session.user_id));
        Ok(records.filter(same).collect())
    }

    /// Our user's id.
    pub(crate) async fn our_id(&self) -> Result<String, ConnectorError> {
        Ok(self.sessions.get(&self.client, &self.base).await?.user_id.clone())
    }

    /// What a failed `ProcessMap` means. coreBOS denies access to a map or a record that is not there.
    async fn not_processed(
        &self,
        map: &str,
        record: &RecordRef,
        failed: Failed,
    ) -> Result<ConnectorError, ConnectorError> {
        if error::broke_off(&failed.error, failed.refused.as_ref()) {
            let detail = format!(
                "coreBOS broke off while it evaluated the map {map}; its own log (logs/) says at which function"
            );
            return Ok(ConnectorError::Doubtful { detail });
        }
        if !matches!(failed.error, ConnectorError::Forbidden { .. }) {
            return Ok(failed.error);
        }
        // "... denied: infields module" speaks of the record, anything else of the map.
        let speaks_of_record =
            failed.refused.as_ref().is_some_and(|refused| refused.message.contains("infields"));
        if !speaks_of_record {
            let detail = format!("coreBOS has no Business Map {map}, or our user may not read it");
            return Ok(ConnectorError::Misconfigured { detail });
        }
        Ok(if self.retrieve(record).await?.is_none() { ConnectorError::Gone } else { failed.error })
    }

    /// The record with this id, if it is one of this module.
    async fn retrieve(&self, record: &RecordRef) -> Result<Option<Record>, ConnectorError> {
        let Some(call) = self.retrieved(&record.object, &record.id).await? else { return Ok(None) };
        Ok(Some(self.record(&record.object, &call, Effect::Read)?))
    }

    /// What `retrieve` says of this id, if it is one of this module.
    async fn retrieved(
        &self,
        module: &ObjectName,
        id: &str,
    ) -> Result<Option<(Json, Arc<Session>)>, ConnectorError> {
        let Some(prefix) = wire::prefix_of(id) else { return Ok(None) };
        // An id of another module would be answered with that module's record.
        if self.schema(module).await?.id_prefix() != prefix {
            return Ok(None);
        }
        match self.call("retrieve", &[("id", id)], Effect::Read).await {
            Ok(call) => Ok(Some(call)),
            Err(Failed { error: ConnectorError::Gone, .. }) => Ok(None),
            Err(failed) if failed.says_no_such_entity(prefix) => Ok(None),
            Err(failed) => Err(failed.error),
        }
    }
}

/// A call that failed, with coreBOS's own words where it gave any.
pub(crate) struct Failed {
    error: ConnectorError,
    refused: Option<WireError>,
}

impl From<ConnectorError> for Failed {
    fn from(error: ConnectorError) -> Self {
        Self { error, refused: None }
    }
}

impl From<Failed> for ConnectorError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Failed {
    /// "Permission to perform the operation is denied for id: 9999": no module has this number.
    fn says_no_such_entity(&self, prefix: &str) -> bool {
        let Some(refused) = &self.refused else { return false };
        refused.code == "ACCESS_DENIED"
            && refused.message.rsplit_once("for id: ").is_some_and(|(_, number)| number.trim() == prefix)
    }
}

impl Connector for CoreBos {
    type Schema = CoreBosSchema;

    fn system(&self) -> &System {
        &self.system
    }

    /// The URL and our user's id.
    async fn identity(&self) -> Result<String, ConnectorError> {
        let session = self.sessions.get(&self.client, &self.base).await?;
        Ok(format!("{} as {}", self.base, session.user_id))
    }

    async fn schema(&self, module: &ObjectName) -> Result<CoreBosSchema, ConnectorError> {
        // Held while asking, so that concurrent calls ask once.
        let mut schemas = self.schemas.lock().await;
        if let Some((read, schema)) = schemas.get(module)
            && read.elapsed() < self.schema_lifetime
        {
            return Ok(schema.clone());
        }
        let schema = self.fetch_schema(module).await?;
        schemas.insert(module.clone(), (Instant::now(), schema.clone()));
        Ok(schema)
    }

    /// `retrieve`. coreBOS has no merged ids: the loser of a merge is gone. References are fields like others.
    async fn read_with(&self, record: &RecordRef, _: &[&str]) -> Result<Reading, ConnectorError> {
        Ok(self.retrieve(record).await?.map_or(Reading::Gone, Reading::Found))
    }

    /// `retrieve`, names of references included. Users can be read by administrators only.
    async fn related(&self, module: &ObjectName, id: &str) -> Result<Option<Fields>, ConnectorError> {
        let is_bare = (1..=10).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let id =
            if is_bare { format!("{}x{id}", self.schema(module).await?.id_prefix()) } else { id.to_owned() };
        Ok(self.retrieved(module, &id).await?.as_ref().and_then(|(result, _)| wire::all_fields(result)))
    }

    /// `ProcessMap`, on the record as the database holds it: values are HTML-encoded, references are bare numbers, and
    /// there is no `id`. An exception of PHP's ends it without an answer.
    async fn process_map(&self, map: &str, record: &RecordRef) -> Result<Fields, ConnectorError> {
        let parameters =
            serde_json::json!({ "infields": { "record_id": record.id }, "outfields": {} }).to_string();
        let parameters = [("mapid", map), ("parameters", parameters.as_str())];
        let (result, _) = match self.call("ProcessMap", &parameters, Effect::Read).await {
            Ok(call) => call,
            Err(failed) => return Err(self.not_processed(map, record, failed).await?),
        };
        match &result {
            Json::Object(_) => Ok(wire::all_fields(&result).unwrap_or_default()),
            // PHP writes an object without members as a list: the map has no fields.
            Json::Array(list) if list.is_empty() => Ok(Fields::default()),
            _ => Err(ConnectorError::Rejected {
                message: format!("coreBOS's ProcessMap of {map} answered with no record"),
                fields: BTreeMap::new(),
            }),
        }
    }

    /// `query`; together with what others look for in the same field at the same time.
    async fn find(&self, module: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        search::find(self, module, lookup).await
    }

    /// `create`. Dates that are not given are sent as blank, because coreBOS would store today. An error may come
    /// although the record was created: Doubtful says so.
    async fn create(&self, module: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        let schema = self.schema(module).await?;
        let our_id = self.sessions.get(&self.client, &self.base).await?.user_id.clone();
        let given = self.written(module, values).await?;
        let mut element: Map<String, Json> =
            schema.dates().map(|field| (field.to_owned(), Json::String(String::new()))).collect();
        element.extend(given);
        let owner = match self.owner_of(&owners::told(&element, OWNER)).await? {
            Some(owner) => owner,
            None => self.default_owner.clone().unwrap_or(our_id),
        };
        element.insert(OWNER.to_owned(), Json::from(owner));
        let element = Json::Object(element).to_string();
        let parameters = [("elementType", module.as_str()), ("element", element.as_str())];
        let call = self.call("create", &parameters, Effect::Write).await?;
        self.record(module, &call, Effect::Write)
    }

    /// `revise`. The owner is never written, whoever asks, nor what only a creation stores.
    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        let mut element = self.written(&record.object, values).await?;
        let schema = self.schema(&record.object).await?;
        element.retain(|name, _| name != OWNER && name != "id" && !schema.is_at_creation_only(name));
        if element.is_empty() {
            return self.retrieve(record).await?.ok_or(ConnectorError::Gone);
        }
        element.insert("id".to_owned(), Json::from(record.id.as_str()));
        let element = Json::Object(element).to_string();
        match self.call("revise", &[("element", &element)], Effect::Write).await {
            Ok(call) => self.record(&record.object, &call, Effect::Write),
            // revise says the same of a record that is gone and of one that we may not touch.
            Err(Failed { error: error @ ConnectorError::Forbidden { .. }, .. }) => {
                match self.retrieve(record).await? {
                    None => Err(ConnectorError::Gone),
                    Some(_) => Err(error),
                }
            }
            Err(failed) => Err(failed.error),
        }
    }
}

/// A value as coreBOS takes it: text.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        // PHP's text of false is empty.
        Value::Bool(value) => u8::from(*value).to_string(),
        other => other.php_string().into_owned(),
    }
}
