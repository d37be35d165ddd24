//! The stand-in for HubSpot: its CRM API under the dates 2026-03 and 2026-09, its webhooks, its limits, its quirks.
//!
//! No recording of a real portal exists for it. It is made from HubSpot's published descriptions of its API and from
//! what others recorded of real portals; where the two leave something open, it takes the harder way.
//!
//! | quirk | where |
//! |---|---|
//! | A write with one unknown, read-only or wrong property does nothing at all, and names them | `records` |
//! | `properties` and `associations` are required of a create; values must be strings | `records` |
//! | A taken e-mail is a 409 that names the other record in its text only | `records` |
//! | A company's domain is not unique: two creates make two companies | `records` |
//! | `lifecyclestage` only moves forward, in silence | `records` |
//! | A merge makes a third record; both old ids read it and single updates reach it, batches do not | `records`, `batch_api` |
//! | A merge tells no property changes, and a deletion of the record that went into the other | `records` |
//! | Archiving does not move the modified date; only users restore, and within 90 days | `records` |
//! | A privacy deletion closes the e-mail address | `records` |
//! | Associations do not move the modified date; a primary one makes the unlabelled one too | `records` |
//! | Leads need a primary contact, and go when it goes | `records` |
//! | Search lags, has its own limit and ends at 10,000 results; archived records are never found | `search`, `limits` |
//! | One clash refuses a whole batch create or upsert; missing records make a read or update partial (207) | `batch_api` |
//! | Webhooks come late, in no order, up to a hundred in a body, with event ids that repeat; refused ones come again | `deliver`, `events` |
//! | Contacts have a modified date of their own (`lastmodifieddate`) | `kinds` |
//! | Rates: calls in ten seconds, calls in a day, searches in a second | `limits` |
//! | A refresh token changes with every use | `engine` |
//! | A token's scopes are told to its own app only; those of a service key perhaps to nobody | `tokens_api` |
//! | A property that was archived comes back as it was when one of its name is created | `setup_api` |
//! | The lead object is in dear portals only | `engine` |
//!
//! Left out, because nothing here needs it: custom objects, tickets, line items, engagements, forms, the webhooks
//! journal, sensitive properties, labels of one's own.

mod answer;
mod app;
mod associations_api;
mod batch_api;
mod deliver;
mod engine;
mod events;
mod http;
mod kinds;
mod limits;
mod marketing;
mod objects_api;
mod properties;
mod records;
mod rules;
mod search;
mod setup_api;
mod state;
mod tokens_api;
mod view;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;

use crate::clock::{Clock, real_clock};
use crate::faults::Faults;
use crate::server::Server;
use crate::{RequestRecord, WorkRecord};
pub use engine::Delivered;
use engine::{Engine, Hook, Setup, locked};
pub use kinds::Kind;
pub use limits::Limits;
use rules::ConditionalRule;
use state::{Source, State, Subscription, Values};

/// How long events are gathered before they are sent in one body.
const GATHERED: Duration = Duration::from_millis(20);

/// How a simulated portal starts.
#[derive(Clone)]
#[non_exhaustive]
pub struct HubSpotOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// File of the snapshot: read at the start, written after each change. None keeps everything in memory.
    pub data: Option<PathBuf>,
    /// The portal's id.
    pub portal_id: u64,
    /// The id of the app whose tokens these are.
    pub app_id: u64,
    /// A token that does not end: of a service key or of a private app.
    pub token: String,
    /// Client id, client secret and first refresh token of an OAuth app.
    pub client: (String, String, String),
    /// How long its access tokens last, in seconds.
    pub token_seconds: u64,
    /// The portal's limits.
    pub limits: Limits,
    /// How far search is behind.
    pub search_lag: Duration,
    /// The time zone of the portal.
    pub time_zone: String,
    /// The stage of life of new contacts.
    pub default_lifecycle: Option<String>,
    /// How long refused webhooks wait. HubSpot takes minutes to hours.
    pub retry_after: Duration,
    /// The time of day.
    pub clock: Clock,
}

impl Default for HubSpotOptions {
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            portal_id: 247_187_887,
            app_id: 50_780_459,
            token: "pat-na1-simulated".to_owned(),
            client: (
                "hubspot-client".to_owned(),
                "hubspot-client-secret".to_owned(),
                "hubspot-refresh-token".to_owned(),
            ),
            token_seconds: 1_800,
            limits: Limits::default(),
            search_lag: Duration::from_secs(2),
            time_zone: "America/New_York".to_owned(),
            default_lifecycle: Some("lead".to_owned()),
            retry_after: Duration::from_secs(1),
            clock: real_clock(),
        }
    }
}

/// Shows no credentials.
impl std::fmt::Debug for HubSpotOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HubSpotOptions").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A running portal.
#[derive(Debug)]
pub struct HubSpotSimulator {
    engine: Arc<Engine>,
    server: Server<Engine>,
    deliverer: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Starts a portal, with the snapshot's records if there is one.
///
/// # Errors
///
/// When the port is taken, or the snapshot cannot be read.
pub async fn start(options: HubSpotOptions) -> io::Result<HubSpotSimulator> {
    let state = match &options.data {
        Some(path) if path.exists() => serde_json::from_slice(&std::fs::read(path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        _ => State::fresh(options.portal_id, options.app_id, &options.time_zone),
    };
    let setup = Setup {
        clock: options.clock,
        data: options.data,
        token: options.token,
        client: options.client,
        token_seconds: options.token_seconds,
        limits: options.limits,
        search_lag: SignedDuration::try_from(options.search_lag).unwrap_or_default(),
        default_lifecycle: options.default_lifecycle,
        retry_after: options.retry_after,
    };
    let engine = Arc::new(Engine::new(state, setup)?);
    let server = Server::start(options.port, Faults::default(), Arc::clone(&engine)).await?;
    let deliverer = tokio::spawn(deliver(Arc::clone(&engine)));
    Ok(HubSpotSimulator { engine, server, deliverer })
}

/// Sends webhooks as long as the portal runs.
async fn deliver(engine: Arc<Engine>) {
    loop {
        // Refused events are due later without anything that wakes us.
        let _ = tokio::time::timeout(Duration::from_millis(250), engine.woken()).await;
        tokio::time::sleep(GATHERED).await;
        engine.deliver().await;
    }
}

impl Drop for HubSpotSimulator {
    fn drop(&mut self) {
        self.deliverer.abort();
    }
}

/// What a user is, in the history of a property.
fn user() -> Source {
    Source { kind: "CRM_UI".to_owned(), id: "userId:50001".to_owned() }
}

impl HubSpotSimulator {
    /// Base URL without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What goes wrong with requests; see [`crate::faults`].
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Requests since the start or the last clearing, without queries and bodies.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.server.requests()
    }

    /// From now on keeps what is sent and answered; see [`Self::work`].
    pub fn keep_work(&self) {
        self.server.keep_work();
    }

    /// What was worked on since [`Self::keep_work`], bodies included.
    pub fn work(&self) -> Vec<WorkRecord> {
        self.server.work()
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.server.clear_requests();
    }

    /// Calls that were refused because of a limit.
    pub fn refused_calls(&self) -> u32 {
        self.engine.refused_calls()
    }

    /// Sends webhooks to `target`, signed for `signed_url`: the same, unless something stands between.
    pub fn set_webhook(&self, target: &str, signed_url: &str, secret: &str) {
        let hook =
            Hook { target: target.to_owned(), signed_url: signed_url.to_owned(), secret: secret.to_owned() };
        self.engine.set_hook(Some(hook));
    }

    /// Takes the webhooks of a project app as its file says, which are sent to `deliver_to`, whatever stands between, and
    /// signed for the target URL of the file. Says how many subscriptions there are now.
    ///
    /// # Errors
    ///
    /// What HubSpot says about a file that it does not take.
    pub fn upload_webhooks(&self, file: &str, deliver_to: &str, secret: &str) -> Result<usize, String> {
        let known = |kind, name: &str| self.engine.read(|state| state.property(kind, name).is_some());
        let (signed_url, subscriptions) = app::read(file, known)?;
        self.set_webhook(deliver_to, &signed_url, secret);
        let count = subscriptions.len();
        self.engine.write(|state| state.subscriptions = subscriptions);
        Ok(count)
    }

    /// Subscribes to a type of event, such as `contact.creation`; `object.*` types need the object, changes of
    /// properties the property.
    pub fn subscribe(&self, kind: &str, object: Option<Kind>, property: Option<&str>) {
        self.engine.write(|state| {
            let id = 7_562_680 + state.subscriptions.len() as u64;
            state.subscriptions.push(Subscription {
                id,
                kind: kind.to_owned(),
                object,
                property: property.map(str::to_owned),
            });
        });
    }

    /// Takes all subscriptions away.
    pub fn clear_subscriptions(&self) {
        self.engine.write(|state| state.subscriptions.clear());
    }

    /// Gives an object a property of its own, one line of text with unique values, unless it is there.
    pub fn add_unique_property(&self, kind: Kind, name: &str) {
        self.add_property(kind, name, "string", true);
    }

    /// Gives an object a property of a type, such as `number`, unless one of this name is there.
    pub fn add_property(&self, kind: Kind, name: &str, kind_of_value: &str, unique: bool) {
        let body = serde_json::json!({
            "name": name, "label": name, "type": kind_of_value, "fieldType": "text", "groupName": "information",
            "hasUniqueValue": unique,
        });
        self.engine.write(|state| setup_api::create_property(state, kind, &body));
    }

    /// Webhook bodies that were sent since the start.
    pub fn deliveries(&self) -> Vec<Delivered> {
        locked(&self.engine.delivered).clone()
    }

    /// Events that wait to be sent.
    pub fn waiting_events(&self) -> usize {
        self.engine.waiting()
    }

    /// Sends every event twice.
    pub fn set_repeated_delivery(&self, repeated: bool) {
        self.engine.repeats.store(repeated, Ordering::Relaxed);
    }

    /// Tells no webhook anything: what happens meanwhile is never told.
    pub fn set_silent(&self, silent: bool) {
        self.engine.silent.store(silent, Ordering::Relaxed);
    }

    /// Takes scopes away from the token.
    pub fn set_missing_scopes(&self, scopes: &[&str]) {
        *locked(&self.engine.missing_scopes) = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    }

    /// From now on a property must have a value where another one has this value; in the versions of the API that say so.
    pub fn set_required_when(&self, kind: Kind, when: (&str, &str), required: &str) {
        let when = (when.0.to_owned(), when.1.to_owned());
        let rule = ConditionalRule { kind, when, required: required.to_owned() };
        self.engine.write(|state| state.rules.push(rule));
    }

    /// Lets the portal have leads as records, or not: only some editions of HubSpot do. They do at the start.
    pub fn set_lead_object(&self, there: bool) {
        self.engine.no_leads.store(!there, Ordering::Relaxed);
    }

    /// Tells nobody what a token that does not end may do.
    pub fn set_tokens_untold(&self, untold: bool) {
        self.engine.untold_tokens.store(untold, Ordering::Relaxed);
    }

    /// The definition of a property, as the API tells it; none where there is none, or where it is archived.
    pub fn property(&self, kind: Kind, name: &str) -> Option<serde_json::Value> {
        self.engine.read(|state| state.property(kind, name).map(|property| property.told(kind)))
    }

    /// A user archives a property.
    pub fn archive_property(&self, kind: Kind, name: &str) {
        self.engine.write(|state| {
            if let Some(property) = state.properties.get_mut(&kind).and_then(|all| all.get_mut(name)) {
                property.archived = true;
            }
        });
    }

    fn as_user<T>(&self, change: impl FnOnce(&mut records::Work<'_>) -> T) -> T {
        let result = self.engine.change_as(&user(), false, change);
        self.engine.wake();
        result
    }

    /// A user creates a record. None when HubSpot does not take it.
    pub fn create_as_user(&self, kind: Kind, values: &[(&str, &str)]) -> Option<String> {
        let values = owned(values);
        self.as_user(|work| work.create(kind, &values, &[]).ok()).map(|id| id.to_string())
    }

    /// A user creates a lead record of a contact. None when HubSpot does not take it.
    pub fn create_lead_as_user(&self, contact: &str, values: &[(&str, &str)]) -> Option<String> {
        let (contact, values) = (number(contact)?, owned(values));
        let primary = kinds::ASSOCIATION_TYPES
            .iter()
            .find(|known| known.from == Kind::Lead && known.to == Kind::Contact && known.primary)?;
        let made = self.as_user(|work| work.create(Kind::Lead, &values, &[(contact, primary.id)]).ok());
        made.map(|id| id.to_string())
    }

    /// A user edits a record; whether HubSpot took it.
    pub fn edit_as_user(&self, kind: Kind, id: &str, values: &[(&str, &str)]) -> bool {
        let values = owned(values);
        number(id).is_some_and(|id| self.as_user(|work| work.update(kind, id, &values).is_ok()))
    }

    /// A user deletes a record.
    pub fn delete_as_user(&self, kind: Kind, id: &str) {
        if let Some(id) = number(id) {
            self.as_user(|work| work.archive(kind, id));
        }
    }

    /// A user takes a record out of the recycle bin; whether it was there.
    pub fn restore_as_user(&self, kind: Kind, id: &str) -> bool {
        number(id).is_some_and(|id| self.as_user(|work| work.restore(kind, id)))
    }

    /// A user merges two records; the id of the third.
    pub fn merge_as_user(&self, kind: Kind, primary: &str, other: &str) -> Option<String> {
        let (primary, other) = (number(primary)?, number(other)?);
        self.as_user(|work| work.merge(kind, primary, other).ok()).map(|id| id.to_string())
    }

    /// A user erases a contact for good.
    pub fn erase_as_user(&self, id: &str) {
        if let Some(id) = number(id) {
            self.as_user(|work| work.erase(id));
        }
    }

    /// A user associates two records; as the primary one, where there is such.
    pub fn associate_as_user(&self, from: (Kind, &str), to: (Kind, &str), primary: bool) -> bool {
        let (Some(a), Some(b)) = (number(from.1), number(to.1)) else { return false };
        let known = kinds::ASSOCIATION_TYPES
            .iter()
            .find(|known| known.from == from.0 && known.to == to.0 && known.primary == primary);
        known.is_some_and(|known| {
            self.as_user(|work| work.associate((from.0, a), (to.0, b), known.id).is_ok())
        })
    }

    /// A user takes the association of two records away.
    pub fn dissociate_as_user(&self, from: (Kind, &str), to: (Kind, &str)) {
        if let (Some(a), Some(b)) = (number(from.1), number(to.1)) {
            self.as_user(|work| work.dissociate((from.0, a), (to.0, b)));
        }
    }

    /// The values of a record that is live, or of the one it was merged into.
    pub fn record(&self, kind: Kind, id: &str) -> Option<Values> {
        let id = number(id)?;
        self.engine.read(|state| {
            state.survivor(kind, id).filter(|record| record.is_live()).map(|record| record.values.clone())
        })
    }

    /// The ids of all live records.
    pub fn ids(&self, kind: Kind) -> Vec<String> {
        self.engine.read(|state| {
            let records = state.records.get(&kind).into_iter().flat_map(|records| records.values());
            records.filter(|record| record.is_live()).map(|record| record.id.to_string()).collect()
        })
    }

    /// The primary associations of a record, or all of them.
    pub fn associated(&self, from: (Kind, &str), to: Kind, primary: bool) -> Vec<String> {
        let Some(id) = number(from.1) else { return Vec::new() };
        self.engine.read(|state| {
            let all = state.associated((from.0, id), to);
            let wanted = all.filter(|each| {
                kinds::association_type(from.0, to, each.type_id).is_some_and(|known| known.primary)
                    == primary
            });
            wanted.map(|each| each.to.1.to_string()).collect()
        })
    }

    /// Closes the port: connections are refused until [`Self::listen_again`].
    pub async fn stop_listening(&self) {
        self.server.stop_listening().await;
    }

    /// Opens the same port again.
    ///
    /// # Errors
    ///
    /// When something else has taken the port.
    pub async fn listen_again(&self) -> io::Result<()> {
        self.server.listen_again().await
    }
}

fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}

fn owned(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
