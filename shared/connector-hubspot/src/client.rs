//! Calls to HubSpot's CRM API.
//!
//! `/crm/objects/{version}/{object}`, <https://developers.hubspot.com/docs/api-reference>, read 2026-11-21.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use http_client::{Answer, BaseUrl, Client, Effect, Method, Request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{Fields, ObjectName, PairKind, RecordRef, System};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sync::{Connector, ConnectorError, Lookup, Reading, Record};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use url::Url;

use crate::auth::Auth;
use crate::batches::{Batches, Deed};
use crate::budget::Budget;
use crate::error::{refusal, unanswered, unreadable};
use crate::objects::Object;
use crate::schema::{HubSpotSchema, OWNER_ID, WireOwner, WirePipeline, WireProperty};
use crate::settings::{HubSpotPreferences, HubSpotSettings, Leads};
use crate::wire::{LEAD_OF_CONTACT, Listed, Wanted, WireRecord, association, is_id};

/// The property by which a contact is a lead in coreBOS.
const LIFECYCLE_STAGE: &str = "lifecyclestage";
/// The longest list of properties that goes into a URL, in bytes; longer ones are read by a second call. Servers
/// before HubSpot's refuse URLs of 8 kB and more.
const QUERY_LIMIT_BYTES: usize = 5_000;
/// How many records a search gives at most: more than one is already too many.
const FOUND: usize = 3;
/// Owners of a page.
const OWNERS: &str = "500";
/// The most pages of owners.
const OWNER_PAGES: usize = 40;

/// What the portal says of itself.
#[derive(Clone, Debug)]
struct Account {
    portal: String,
    zone: TimeZone,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAccount {
    portal_id: u64,
    #[serde(default)]
    time_zone: String,
}

/// One portal.
#[derive(Debug)]
pub struct HubSpot {
    pub(crate) system: System,
    pub(crate) base: BaseUrl,
    pub(crate) client: Client,
    pub(crate) auth: Auth,
    pub(crate) budget: Budget,
    pub(crate) batches: Batches,
    preferences: HubSpotPreferences,
    schema_lifetime: std::time::Duration,
    account: OnceCell<Account>,
    schemas: Mutex<HashMap<Object, (Instant, HubSpotSchema)>>,
    /// The properties that are read, by object; all that can be written where nobody has said.
    wanted: std::sync::Mutex<BTreeMap<Object, BTreeSet<String>>>,
}

impl HubSpot {
    /// A connector to the portal of these settings. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured: a URL that is none or is not safe, no TLS certificates on this machine.
    pub fn new(system: System, settings: HubSpotSettings) -> Result<Self, ConnectorError> {
        let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
        let base = BaseUrl::parse(&settings.url)
            .map_err(|error| misconfigured(format!("the URL of {system}: {error}")))?;
        let client = Client::new(settings.http).map_err(|error| misconfigured(error.to_string()))?;
        let auth = Auth::new(&system, &base, settings.credentials, settings.shared.sessions);
        let limit = settings.preferences.calls_per_ten_seconds;
        let budget = Budget::new(&system, settings.shared.budget, limit);
        Ok(Self {
            system,
            base,
            client,
            auth,
            budget,
            batches: Batches::default(),
            preferences: settings.preferences,
            schema_lifetime: settings.schema_lifetime,
            account: OnceCell::new(),
            schemas: Mutex::default(),
            wanted: std::sync::Mutex::default(),
        })
    }

    /// Says which properties of an object are needed, so that reads ask for no others.
    pub fn read_only_these(&self, object: &ObjectName, properties: impl IntoIterator<Item = String>) {
        if let Ok(object) = Object::of(object) {
            let mut wanted = self.wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            wanted.entry(object).or_default().extend(properties);
        }
    }

    /// What an administrator has set.
    pub fn preferences(&self) -> &HubSpotPreferences {
        &self.preferences
    }

    pub(crate) fn version(&self) -> &str {
        &self.preferences.api_version
    }

    pub(crate) fn api<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Url {
        self.base.join(path)
    }

    pub(crate) fn objects<'a>(&'a self, object: Object, path: impl IntoIterator<Item = &'a str>) -> Url {
        self.base.join(["crm", "objects", self.version(), object.in_paths()].into_iter().chain(path))
    }

    /// Sends a request with our credentials, when it is its turn.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, ConnectorError> {
        let header = self.auth.header(&self.client, &self.base, self.version()).await?;
        let is_search = request.path().ends_with("/search");
        self.budget.wait_for_turn(is_search).await?;
        let signed = request.header("authorization", header.expose_secret());
        let answer = self.client.send(&signed).await.map_err(unanswered)?;
        self.budget.learn(&answer, is_search).await;
        Ok(answer)
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, ConnectorError> {
        let answer = self.call(request).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not what the API gives"))
    }

    /// A page of records, and the portal's clock.
    pub(crate) async fn page(
        &self,
        request: Request,
    ) -> Result<(Listed<WireRecord>, Option<Timestamp>), ConnectorError> {
        let answer = self.call(request).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        let listed = answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not a list of records"))?;
        Ok((listed, answer.server_time()))
    }

    /// What the portal says of itself: asked once per process.
    async fn account(&self) -> Result<&Account, ConnectorError> {
        self.account
            .get_or_try_init(|| async {
                let url = self.base.join(["account-info", self.version(), "details"]);
                let told: WireAccount = self.ask(Request::read(Method::GET, url)).await?;
                let zone = TimeZone::get(&told.time_zone).unwrap_or(TimeZone::UTC);
                Ok(Account { portal: told.portal_id.to_string(), zone })
            })
            .await
    }

    pub(crate) async fn schema_of(&self, object: Object) -> Result<HubSpotSchema, ConnectorError> {
        let mut schemas = self.schemas.lock().await;
        if let Some((until, schema)) = schemas.get(&object)
            && *until > Instant::now()
        {
            return Ok(schema.clone());
        }
        let schema = self.fetch_schema(object).await?;
        schemas.insert(object, (Instant::now() + self.schema_lifetime, schema.clone()));
        Ok(schema)
    }

    /// Looks at properties, stages and owners anew when they are asked for next.
    pub(crate) async fn forget_schemas(&self) {
        self.schemas.lock().await.clear();
    }

    async fn fetch_schema(&self, object: Object) -> Result<HubSpotSchema, ConnectorError> {
        let of_type = |what: &'static str| {
            Request::read(Method::GET, self.base.join(["crm", what, self.version(), object.type_id()]))
        };
        let properties: Listed<WireProperty> = self.ask(of_type("properties")).await?;
        let pipelines: Vec<WirePipeline> = match object.pipeline_properties() {
            Some(_) => self.ask::<Listed<WirePipeline>>(of_type("pipelines")).await?.results,
            None => Vec::new(),
        };
        let zone = self.account().await?.zone.clone();
        let owners = self.owners().await?;
        let preferred = self.preferences.deal_pipeline.as_deref();
        Ok(HubSpotSchema::new(object, properties.results, pipelines, owners, zone, preferred))
    }

    /// The users who may own records. A token that may not list them still works for everything else: the field
    /// `owner_email` is then unfit for every address.
    async fn owners(&self) -> Result<Vec<WireOwner>, ConnectorError> {
        let mut owners = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..OWNER_PAGES {
            let url = self.base.join(["crm", "owners", self.version()]);
            let mut request = Request::read(Method::GET, url).query("limit", OWNERS);
            if let Some(after) = &after {
                request = request.query("after", after);
            }
            let page: Listed<WireOwner> = match self.ask(request).await {
                Err(ConnectorError::Misconfigured { .. } | ConnectorError::Forbidden { .. }) => break,
                other => other?,
            };
            after = page.next();
            owners.extend(page.results);
            if after.is_none() {
                break;
            }
        }
        Ok(owners)
    }

    /// The properties to ask for.
    pub(crate) fn properties(&self, object: Object, schema: &HubSpotSchema) -> Vec<String> {
        let wanted = self.wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut all: BTreeSet<String> = match wanted.get(&object) {
            Some(wanted) => wanted.iter().filter(|name| schema.property(name).is_some()).cloned().collect(),
            None => schema.writable().map(str::to_owned).collect(),
        };
        all.insert(OWNER_ID.to_owned());
        if object == Object::Contact {
            all.insert(LIFECYCLE_STAGE.to_owned());
        }
        all.insert(object.modified_property().to_owned());
        if let Some((pipeline, stage)) = object.pipeline_properties() {
            all.extend([pipeline.to_owned(), stage.to_owned()]);
        }
        all.into_iter().collect()
    }

    /// `GET /crm/objects/{version}/{type}/{id}`. `None`: there is no such record.
    pub(crate) async fn get(
        &self,
        object: Object,
        id: &str,
        by: Option<&str>,
        associations: &[Wanted],
    ) -> Result<Option<Record>, ConnectorError> {
        let schema = self.schema_of(object).await?;
        let properties = self.properties(object, &schema);
        let list = properties.join(",");
        let fits = list.len() <= QUERY_LIMIT_BYTES;
        let mut request = Request::read(Method::GET, self.objects(object, [id]));
        if fits {
            request = request.query("properties", &list);
        }
        if let Some(by) = by {
            request = request.query("idProperty", by).naming_somebody();
        }
        let ends: BTreeSet<&str> = associations.iter().map(|wanted| wanted.to.plural()).collect();
        if !ends.is_empty() {
            request = request.query("associations", &ends.into_iter().collect::<Vec<_>>().join(","));
        }
        let found: WireRecord = match self.ask(request).await {
            Err(ConnectorError::Gone) => return Ok(None),
            other => other?,
        };
        if found.archived {
            return Ok(None);
        }
        if fits {
            return Ok(Some(found.record(&self.system, object, &schema, associations)));
        }
        let associated = found.record(&self.system, object, &schema, associations);
        let Some(mut record) =
            self.batch_read(object, &associated.reference.id, &properties, &schema).await?
        else {
            return Ok(None);
        };
        for wanted in associations {
            if let Some(value) = associated.fields.get(wanted.field) {
                record.fields.insert(wanted.field, value.clone());
            }
        }
        Ok(Some(record))
    }

    /// `POST .../batch/read`: for lists of properties that no URL holds. It knows no associations.
    async fn batch_read(
        &self,
        object: Object,
        id: &str,
        properties: &[String],
        schema: &HubSpotSchema,
    ) -> Result<Option<Record>, ConnectorError> {
        let body = json!({ "properties": properties, "propertiesWithHistory": [], "inputs": [{ "id": id }] });
        let request = with_json(Request::read(Method::POST, self.objects(object, ["batch", "read"])), &body)?;
        let mut listed: Listed<WireRecord> = self.ask(request).await?;
        Ok(listed.results.pop().map(|found| found.record(&self.system, object, schema, &[])))
    }
}

pub(crate) fn with_json(request: Request, body: &Json) -> Result<Request, ConnectorError> {
    request.json(body).map_err(|_| ConnectorError::Rejected {
        message: "a value has no JSON form".to_owned(),
        fields: BTreeMap::new(),
    })
}

fn wanted(object: Object, fields: &[&str]) -> Vec<Wanted> {
    fields.iter().filter_map(|field| association(object, field)).collect()
}

impl Connector for HubSpot {
    type Schema = HubSpotSchema;

    fn system(&self) -> &System {
        &self.system
    }

    async fn identity(&self) -> Result<String, ConnectorError> {
        Ok(format!("portal {} at {}", self.account().await?.portal, self.base.as_str()))
    }

    async fn schema(&self, object: &ObjectName) -> Result<HubSpotSchema, ConnectorError> {
        self.schema_of(Object::of(object)?).await
    }

    async fn read_with(&self, record: &RecordRef, associations: &[&str]) -> Result<Reading, ConnectorError> {
        let object = Object::of(&record.object)?;
        if !is_id(&record.id) {
            return Ok(Reading::Gone);
        }
        let mut wanted = wanted(object, associations);
        wanted.extend(self.looked_at(object));
        let found = self.read_together(object, &record.id, &wanted).await?;
        Ok(match found {
            None => Reading::Gone,
            Some(found) if found.reference.id == record.id => Reading::Found(found),
            Some(survivor) => Reading::MergedInto(survivor),
        })
    }

    /// By a unique property or by what a record belongs to without search, which lags behind; by anything else with it.
    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let object = Object::of(object)?;
        if let Some(wanted) = association(object, &lookup.field) {
            return self.belonging(object, wanted, &lookup.value).await;
        }
        let schema = self.schema_of(object).await?;
        let Some(property) = schema.property(&lookup.field) else { return Ok(Vec::new()) };
        if property.unique {
            let found = self.get(object, &lookup.value, Some(&lookup.field), &[]).await?;
            return Ok(found.into_iter().collect());
        }
        let filter = json!({ "propertyName": lookup.field, "operator": "EQ", "value": lookup.value });
        let body = json!({
            "filterGroups": [{ "filters": [filter] }],
            "sorts": ["hs_object_id"],
            "properties": [lookup.field],
            "limit": FOUND,
            "after": "0",
        });
        let request = with_json(Request::read(Method::POST, self.objects(object, ["search"])), &body)?;
        let listed: Listed<WireRecord> = self.ask(request).await?;
        let mut found = Vec::new();
        for each in listed.results {
            // The index may be behind: what is found is read again.
            let Some(record) = self.get(object, &each.id, None, &[]).await? else { continue };
            let same = record
                .fields
                .text(&lookup.field)
                .is_some_and(|text| text.eq_ignore_ascii_case(&lookup.value));
            if same && !found.contains(&record) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// `POST`, or `POST .../batch/create` where several are created at the same time.
    ///
    /// # Errors
    /// Rejected, by the unique properties, where another record stands in the way.
    async fn create(&self, object: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        let object = Object::of(object)?;
        let schema = self.schema_of(object).await?;
        let mut body = Self::body(&schema, object, values, None)?;
        body.properties.retain(|_, value| value.as_str() != Some(""));
        body.associations.retain(|(_, to)| is_id(to));
        let associations: Vec<Json> = body
            .associations
            .iter()
            .map(|(wanted, to)| {
                json!({
                    "to": { "id": to },
                    "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": wanted.type_id }],
                })
            })
            .collect();
        let json = json!({ "properties": body.properties, "associations": associations });
        let written = self.write(object, Deed::Create, None, json).await;
        let mut stored = self.stored(object, &schema, values, written)?;
        for (wanted, to) in body.associations {
            stored.fields.insert(wanted.field, to);
        }
        Ok(stored)
    }

    /// `PATCH`, or `POST .../batch/update`: properties that are not sent stay as they are.
    ///
    /// # Errors
    /// Rejected, by the unique properties, where another record has the value. Gone, too, where the record was merged between our read and this write; HubSpot has changed the survivor then.
    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        let object = Object::of(&record.object)?;
        let schema = self.schema_of(object).await?;
        let pipeline = self.pipeline_of(object, &record.id, values).await?;
        let body = Self::body(&schema, object, values, pipeline.as_deref())?;
        for (wanted, to) in &body.associations {
            self.associate(object, &record.id, *wanted, to).await?;
        }
        let asked: Vec<Wanted> = body.associations.iter().map(|(wanted, _)| *wanted).collect();
        let json = json!({ "properties": body.properties });
        let written = self.write(object, Deed::Update, Some(&record.id), json).await;
        let mut stored = self.stored(object, &schema, values, written)?;
        if stored.reference.id != record.id {
            return Err(ConnectorError::Gone);
        }
        if !asked.is_empty()
            && let Some(present) = self.read_together(object, &record.id, &asked).await?
        {
            stored = present;
        }
        Ok(stored)
    }

    fn will_need(&self, object: &ObjectName, fields: BTreeSet<String>) {
        self.read_only_these(object, fields);
    }

    /// By the stage of life: a lead in coreBOS as long as nobody has qualified the person; or by a lead record; or by
    /// both, as it is set.
    fn lands_in(&self, record: &Record) -> Option<PairKind> {
        let leads = self.preferences.leads;
        let has_record = record.fields.text(LEAD_OF_CONTACT.field).is_some_and(is_id);
        let is_early = match record.fields.text(LIFECYCLE_STAGE) {
            Some(stage) => {
                let mut stages = self.preferences.lead_stages.split(',').map(str::trim);
                stages.any(|lead| lead.eq_ignore_ascii_case(stage))
            }
            None if leads.have_records() => false,
            None => return None,
        };
        let is_lead = leads != Leads::Objects && is_early || leads.have_records() && has_record;
        Some(if is_lead { PairKind::HubSpotLeads } else { PairKind::HubSpotContacts })
    }

    /// `DELETE`, or `POST .../batch/archive`: into the recycle bin, for ninety days. Reads first: an old id of a merge acts on the survivor.
    async fn archive(&self, record: &RecordRef) -> Result<(), ConnectorError> {
        let object = Object::of(&record.object)?;
        match self.read_together(object, &record.id, &[]).await? {
            None => Ok(()),
            Some(found) if found.reference.id != record.id => Err(ConnectorError::Gone),
            Some(_) => {
                let written = self.write(object, Deed::Archive, Some(&record.id), Json::Null).await;
                written.map(drop).map_err(|unwritten| unwritten.error)
            }
        }
    }
}
