//! Calls to Mautic's REST API.
//!
//! <https://developer.mautic.org/#rest-api>, recorded from Mautic 5.1.0.

use std::collections::HashMap;

use http_client::{Answer, BaseUrl, Client, Effect, Method, Request};
use model::{Fields, ObjectName, RecordRef, System};
use secrecy::ExposeSecret as _;
use serde_json::Value as Json;
use sync::{Connector, ConnectorError, Lookup, Reading, Record, Schema as _};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use url::Url;

use crate::auth::Auth;
use crate::error::{refusal, unanswered, unreadable};
use crate::memberships;
use crate::objects::Object;
use crate::owners::KeptUsers;
use crate::schema::{MauticSchema, PRIMARY_COMPANY, WireField};
use crate::settings::MauticSettings;
use crate::wire::{self, Ourselves};
use crate::{subscription, writing};

/// How many fields are asked for at once.
const FIELDS_PAGE: usize = 500;
/// The most pages of fields; no database has a table with so many columns.
const FIELDS_PAGES: usize = 20;

/// One Mautic.
#[derive(Debug)]
pub struct Mautic {
    system: System,
    base: BaseUrl,
    client: Client,
    auth: Auth,
    pub(crate) schema_lifetime: std::time::Duration,
    pub(crate) users: Mutex<KeptUsers>,
    schemas: Mutex<HashMap<Object, (Instant, MauticSchema)>>,
    ourselves: OnceCell<Ourselves>,
}

impl Mautic {
    /// A connector to the Mautic of these settings. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured: a URL that is none or is not safe, no TLS certificates on this machine.
    pub fn new(system: System, settings: MauticSettings) -> Result<Self, ConnectorError> {
        let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
        let base = BaseUrl::parse(&settings.url)
            .map_err(|error| misconfigured(format!("the URL of {system}: {error}")))?
            .without_last("api");
        let client = Client::new(settings.http).map_err(|error| misconfigured(error.to_string()))?;
        let auth = Auth::new(&system, &base, settings.credentials, settings.shared_sessions);
        Ok(Self {
            system,
            base,
            client,
            auth,
            schema_lifetime: settings.schema_lifetime,
            users: Mutex::default(),
            schemas: Mutex::default(),
            ourselves: OnceCell::new(),
        })
    }

    /// The URL of an endpoint of the API.
    pub(crate) fn api<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Url {
        self.base.join(std::iter::once("api").chain(path))
    }

    /// Sends a request with our credentials. A token that has ended is replaced, once.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, ConnectorError> {
        let header = self.auth.header(&self.client, &self.base).await?;
        let signed = request.clone().header("authorization", header.value.expose_secret());
        let answer = self.client.send(&signed).await.map_err(unanswered)?;
        if answer.status != 401 || !self.auth.refused(&header).await {
            return Ok(answer);
        }
        let header = self.auth.header(&self.client, &self.base).await?;
        let signed = request.header("authorization", header.value.expose_secret());
        self.client.send(&signed).await.map_err(unanswered)
    }

    pub(crate) async fn get(&self, request: Request) -> Result<Json, ConnectorError> {
        let answer = self.call(request).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not JSON"))
    }

    /// Who we are: asked once per process.
    pub(crate) async fn ourselves(&self) -> Result<&Ourselves, ConnectorError> {
        self.ourselves.get_or_try_init(|| self.ask_who_we_are()).await
    }

    /// `GET /api/users/self`. An OAuth client has a name there and no id.
    async fn ask_who_we_are(&self) -> Result<Ourselves, ConnectorError> {
        let json = self.get(Request::read(Method::GET, self.api(["users", "self"]))).await?;
        if let Some(id) = json.get("id").and_then(wire::id_of) {
            return Ok(Ourselves::User { id });
        }
        match json.get("username").and_then(Json::as_str) {
            Some(name) => Ok(Ourselves::Client { name: name.to_owned() }),
            None => Err(ConnectorError::Misconfigured {
                detail: "the answer to GET /api/users/self is not Mautic's: check the URL".to_owned(),
            }),
        }
    }

    pub(crate) fn parse(
        &self,
        object: Object,
        json: &Json,
        ourselves: &Ourselves,
    ) -> Result<Record, wire::NotARecord> {
        wire::record(&self.system, object, json, Some(ourselves))
    }

    /// The record in the answer to a write.
    pub(crate) fn written(
        &self,
        object: Object,
        answer: &Answer,
        ourselves: &Ourselves,
    ) -> Result<Record, ConnectorError> {
        if !answer.is_success() {
            return Err(refusal(answer, Effect::Write));
        }
        let json: Json = answer.json().map_err(|_| unreadable(answer, Effect::Write, "not JSON"))?;
        let record = json.get(object.singular()).unwrap_or(&Json::Null);
        self.parse(object, record, ourselves).map_err(|what| unreadable(answer, Effect::Write, what.detail()))
    }

    /// `GET /api/fields/{object}`, all pages, as Mautic lists them.
    pub(crate) async fn field_list(&self, object: Object) -> Result<Vec<Json>, ConnectorError> {
        let mut listed: Vec<Json> = Vec::new();
        for _ in 0..FIELDS_PAGES {
            let request = Request::read(Method::GET, self.api(["fields", object.singular()]))
                .query("limit", &FIELDS_PAGE.to_string())
                .query("start", &listed.len().to_string());
            let json = self.get(request).await.map_err(field_list_refused)?;
            let page = fields_of(&json)?;
            let complete = page.len() < FIELDS_PAGE;
            listed.extend(page);
            if complete {
                break;
            }
        }
        Ok(listed)
    }

    async fn fetch_schema(&self, object: Object) -> Result<MauticSchema, ConnectorError> {
        let listed = self.field_list(object).await?;
        let fields = listed.into_iter().map(|field| serde_json::from_value(field).map_err(|_| no_fields()));
        Ok(MauticSchema::new(object, fields.collect::<Result<Vec<WireField>, _>>()?))
    }

    /// Reads the fields again next time: there are new ones.
    pub(crate) async fn forget_schemas(&self) {
        self.schemas.lock().await.clear();
    }

    pub(crate) async fn schema_of(&self, object: Object) -> Result<MauticSchema, ConnectorError> {
        // Held while asking, so that concurrent calls ask once.
        let mut schemas = self.schemas.lock().await;
        if let Some((read, schema)) = schemas.get(&object)
            && read.elapsed() < self.schema_lifetime
        {
            return Ok(schema.clone());
        }
        let schema = self.fetch_schema(object).await?;
        schemas.insert(object, (Instant::now(), schema.clone()));
        Ok(schema)
    }
}

impl Connector for Mautic {
    type Schema = MauticSchema;

    fn system(&self) -> &System {
        &self.system
    }

    /// The URL and our user's id, or our client's name.
    async fn identity(&self) -> Result<String, ConnectorError> {
        let ourselves = match self.ourselves().await? {
            Ourselves::User { id } => format!("user {id}"),
            Ourselves::Client { name } => format!("client {name}"),
        };
        Ok(format!("{} as {ourselves}", self.base))
    }

    async fn schema(&self, object: &ObjectName) -> Result<MauticSchema, ConnectorError> {
        self.schema_of(Object::of(object)?).await
    }

    /// `GET /api/{object}/{id}`. The id of a contact that was merged away answers with the survivor. A contact's company
    /// is asked for at the same time.
    async fn read_with(&self, record: &RecordRef, associations: &[&str]) -> Result<Reading, ConnectorError> {
        let object = Object::of(&record.object)?;
        let with_company = memberships::wanted(object, associations);
        let Some(id) = wire::id_of(&Json::from(record.id.as_str())) else { return Ok(Reading::Gone) };
        let ourselves = self.ourselves().await?;
        let id = id.to_string();
        let contact = self.get(Request::read(Method::GET, self.api([object.plural(), &id])));
        let companies = async { if with_company { Some(self.memberships(&id).await) } else { None } };
        let (contact, companies) = futures::future::join(contact, companies).await;
        let json = match contact {
            Err(ConnectorError::Gone) => return Ok(Reading::Gone),
            other => other?,
        };
        let body = json.get(object.singular()).unwrap_or(&Json::Null);
        let found = self.parse(object, body, ourselves).map_err(not_an_answer)?;
        let mut found = self.with_owner_email(found).await?;
        if let Some(companies) = companies {
            let companies = if found.reference.id == id {
                companies
            } else {
                self.memberships(&found.reference.id).await
            };
            let companies = companies.map_err(|error| match error {
                ConnectorError::Gone => ConnectorError::Unavailable {
                    detail: "the contact went away while it was read".to_owned(),
                },
                other => other,
            })?;
            found.fields.insert(PRIMARY_COMPANY, companies.field());
        }
        Ok(if found.reference.id == id { Reading::Found(found) } else { Reading::MergedInto(found) })
    }

    /// `GET /api/{object}?where[0]...`. The database compares without regard to case and accents; what differs by
    /// more than case is left out.
    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let object = Object::of(object)?;
        // An unknown column is a server error in Mautic.
        if !self.schema_of(object).await?.has(&lookup.field) {
            return Err(ConnectorError::Misconfigured {
                detail: format!("Mautic's {} has no field `{}`", object.singular(), lookup.field),
            });
        }
        let ourselves = self.ourselves().await?;
        let request = Request::read(Method::GET, self.api([object.plural()]))
            .query("where[0][col]", &lookup.field)
            .query("where[0][expr]", "eq")
            .query("where[0][val]", &lookup.value)
            .query("limit", "3");
        let json = self.get(request).await?;
        let listed = listed(&json, object)?;
        let wanted = lookup.value.trim().to_lowercase();
        let mut found = Vec::with_capacity(listed.len());
        for json in listed {
            let record = self.parse(object, json, ourselves).map_err(not_an_answer)?;
            let value = record.fields.get(&lookup.field).map(|v| v.php_string().trim().to_lowercase());
            if value.as_deref() == Some(wanted.as_str()) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// `POST /api/{object}/new`. Mautic looks for a contact with the same unique fields (the e-mail, unless told
    /// otherwise) first, and changes that one: the record given back then has an id that existed before. A company
    /// of the same name is refused. A contact is put into its company afterwards.
    async fn create(&self, object: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        let object = Object::of(object)?;
        let schema = self.schema_of(object).await?;
        let ourselves = self.ourselves().await?;
        let (company, values) = memberships::split(object, values);
        let body = writing::create_body(object, &schema, &self.with_owner_id(&values).await?);
        let request = json_request(Method::POST, self.api([object.plural(), "new"]), &body)?;
        let answer = self.call(request).await?;
        let created = self.with_owner_email(self.written(object, &answer, ourselves)?).await?;
        match company.filter(|company| !company.is_blank()) {
            Some(company) => Ok(self.created_in_company(created, &company).await),
            None => Ok(created),
        }
    }

    /// `PATCH /api/{object}/{id}/edit`: the fields that are not sent stay as they are.
    ///
    /// # Errors
    /// Gone, too, where the record was merged into another one between our read and this write; Mautic has changed
    /// the survivor then, and a new read tells which one that is.
    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        let object = Object::of(&record.object)?;
        let id = wire::id_of(&Json::from(record.id.as_str())).ok_or(ConnectorError::Gone)?.to_string();
        let schema = self.schema_of(object).await?;
        let ourselves = self.ourselves().await?;
        let (company, values) = memberships::split(object, values);
        let values = &values;
        let body = writing::update_body(object, &schema, &self.with_owner_id(values).await?)?;
        if let Some(company) = &company {
            // First, because it moves the modified time, which the answer to the change of the fields then tells.
            self.move_to_company(&id, company).await?;
            if values.is_empty() {
                return self.moved(record).await;
            }
        }
        let request = json_request(Method::PATCH, self.api([object.plural(), &id, "edit"]), &body)?;
        let answer = self.call(request).await?;
        let stored = match self.written(object, &answer, ourselves) {
            Err(ConnectorError::Rejected { message, fields })
                if subscription::stands_in_the_way(values, &fields) =>
            {
                return self.write_subscription(record, values, (message, fields)).await;
            }
            other => other?,
        };
        if stored.reference.id != id {
            return Err(ConnectorError::Gone);
        }
        let stored = self.with_owner_email(stored).await?;
        let mut stored = writing::corrected(&schema, values, stored);
        if company.is_some() {
            let held = self.memberships(&id).await.map_err(memberships::after_a_write)?;
            stored.fields.insert(PRIMARY_COMPANY, held.field());
        }
        Ok(stored)
    }
}

/// The records of a list: an object by id, or a list.
pub(crate) fn listed(json: &Json, object: Object) -> Result<Vec<&Json>, ConnectorError> {
    let list = json.get(object.plural()).ok_or(wire::NotARecord::NoFields).map_err(not_an_answer)?;
    Ok(match list {
        Json::Array(list) => list.iter().collect(),
        Json::Object(map) => map.values().collect(),
        _ => Vec::new(),
    })
}

pub(crate) fn json_request(
    method: Method,
    url: Url,
    body: &impl serde::Serialize,
) -> Result<Request, ConnectorError> {
    Request::write(method, url).json(body).map_err(|_| ConnectorError::Rejected {
        message: "a value has no JSON form".to_owned(),
        fields: std::collections::BTreeMap::new(),
    })
}

fn not_an_answer(what: wire::NotARecord) -> ConnectorError {
    ConnectorError::Unavailable { detail: format!("Mautic answered with {}", what.detail()) }
}

/// Without the fields nothing can be written: that is for an administrator to mend.
fn field_list_refused(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Forbidden { .. } => ConnectorError::Misconfigured {
            detail: "our Mautic user may not list the fields: give its role lead:fields view (\"Custom fields: View\" \
                     in Mautic's role editor)"
                .to_owned(),
        },
        other => other,
    }
}

/// The fields of an answer: an object by id, or a list.
fn fields_of(json: &Json) -> Result<Vec<Json>, ConnectorError> {
    match json.get("fields") {
        Some(Json::Array(list)) => Ok(list.clone()),
        Some(Json::Object(map)) => Ok(map.values().cloned().collect()),
        _ => Err(no_fields()),
    }
}

fn no_fields() -> ConnectorError {
    ConnectorError::Unavailable { detail: "Mautic answered with no list of fields".to_owned() }
}
