//! The stand-in for Mautic 5.1: its REST API, its people, its webhooks, its quirks.
//!
//! "item" is a row of section 8 of the project's Mautic reference; a letter with two digits is a capture of a
//! real Mautic 5.1.0 (`fixtures/mautic`, replayed by `tests/it/mautic_*.rs`).
//!
//! | quirk | source |
//! |---|---|
//! | Webhooks go out before the API answers, and the API waits for the listener, however long | item 2, I01-I03 |
//! | Any answer of a listener settles an event; refused connections lose it in immediate mode and keep it in the queue | items 4, 5, I04-I14, I36-I43 |
//! | 410 unpublishes a webhook; so do failures alone on a webhook not changed for two days | item 4, I08, reference 1.3 |
//! | Queue bodies hold up to ten events, grouped by key in order of first appearance | item 5, I36 |
//! | Header order and names, `GuzzleHttp/7`, escaped slashes, `\uXXXX`, signature over the raw body | item 1 |
//! | A sent boolean shows its old value under `fields.core` and the new one only under `fields.all` | item 6, F02-F06 |
//! | Merge, company text and points calls show values from before | item 6, F38, D21, C09 |
//! | Overlapping edits keep each other's fields, their webhooks do not show each other's | item 7, K01 |
//! | A save without a change tells nothing, but moves `modifiedBy` | item 9, B08 |
//! | Every save of a company is told, changed or not | item 9, D04-D06 |
//! | Contacts without name, e-mail, company or social name are anonymous: silent, but for their deletion | item 10, B03, G10 |
//! | The first identifying edit is told as new; clearing the last one silences the contact | item 10, B05, F16 |
//! | Points: change before update, 0 ignored but by PUT, PUT without points resets them | item 11, F09-F12 |
//! | Do-not-contact: another reason over one is told but not stored, over "unsubscribed" nothing happens | item 13, F18-F24 |
//! | Segments and companies: one event per contact, no update of it | items 14, 15, C40, D21 |
//! | Deleting a company tells nothing of its contacts and leaves its name with them | item 15, D42, D43 |
//! | Renaming a company reaches the first of its contacts only, without a date or an event | D41, E13 |
//! | `company` finds or makes a company; `companies` replaces them; the last added is the primary one | item 16, D24, D31-D36 |
//! | Merging newer over older is told as new; newest values win whichever side they are on | item 17, F38, L07 |
//! | A known contact that submits a form without a cookie gets a new id | item 18, H03 |
//! | The id of a merged contact acts on the survivor, DELETE included | item 20, F41, F42 |
//! | The same id twice in a contact batch makes a copy without its custom fields; in a company batch a 500 after the first | item 21, E03, F26, F29 |
//! | Parallel creates with one e-mail make several contacts, every later save is then a 422 | item 22, J08, F27 |
//! | E-mail duplicates: POST edits the newest, letter case ignored; PATCH, PUT and batch answer 422 | item 23, B50-B55 |
//! | POST of a known company name blanks all that is not sent | item 23, D10 |
//! | `overwriteWithBlank` counts in the body only; '' leaves dates alone; 0 and "0" are dropped | item 24, B14-B33, F13-F15 |
//! | "false" and "no" for booleans, unreadable dates and unknown aliases are ignored without a word | items 24, 25, F07, B46, B11 |
//! | Seconds of date-times are dropped, offsets honoured, texts trimmed and stripped of HTML | item 25, B41-B49 |
//! | Multi-selects keep the order of the values that were there, new ones follow | B01, B27 |
//! | PUT to an unknown id creates a contact with another id; PATCH is a 404; a wrong verb is a 404 | item 27, B57-B60 |
//! | Lists and plain text as a body make an empty contact; broken JSON is a 400 without details | item 27, E41-E45 |
//! | Error envelopes differ: with `details` from controllers, with `type` before them | item 28 |
//! | 429 has `X-RateLimit-*` and no `Retry-After` | item 28, K90 |
//! | A used alias is a 400, reserved words get `f_`, 25 characters | item 29, A07, A18, A19 |
//! | PUT of a webhook without a secret makes a new one; unknown triggers are taken | item 29, A27, A32 |
//! | Totals are texts; nested `where` knows `date_modified` only; an unknown expression filters nothing | item 30, E16-E21 |
//! | Fields of records made now look different from those that were loaded, and again from those that were listed | B01, B02, E21 |
//! | Deletions are told without tags, those of merged contacts with an empty list per tag | F38, F42 |
//!
//! Left out, because nothing here needs it: e-mails, pages, campaigns, notes, assets, reports, statistics,
//! editing of fields. Regions of select fields are a subset, never more than Mautic takes.

mod answer;
mod api;
mod auth;
mod batch;
mod companies_api;
mod company;
mod contact;
mod contacts;
mod contacts_api;
mod deliver;
mod engine;
mod events;
mod hooks_api;
mod lists_api;
mod membership;
mod merge;
mod parameters;
mod people;
mod php;
mod places;
mod query;
mod refusals;
mod schema;
mod setup_api;
mod sheet;
mod stamp;
mod state;
mod values;
mod view;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, real_clock};
use crate::faults::Faults;
use crate::server::Server;
use crate::{RequestRecord, WorkRecord};
use engine::{Client, Engine, Setup};
use state::State;

/// How Mautic hands its events over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Within the request that causes them, one per POST: Mautic's default.
    #[default]
    Immediate,
    /// Into a queue, which [`MauticSimulator::process_queue`] sends in batches.
    Queue,
}

/// A webhook that was sent, or that nobody took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Id of the webhook.
    pub hook: u64,
    /// Event keys of the body, such as `mautic.lead_post_save_new`.
    pub keys: Vec<String>,
    /// Events in the body.
    pub events: usize,
    /// Status of the answer; none when there was no HTTP answer.
    pub status: Option<u16>,
}

/// What a run over the queue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueReport {
    /// POSTs that were answered.
    pub posts: usize,
    /// Events in them.
    pub events: usize,
    /// Those of them that are gone although the answer was not 2xx.
    pub lost: usize,
    /// Events that still wait.
    pub waiting: usize,
}

/// How a simulated Mautic starts.
#[derive(Clone)]
pub struct MauticOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// File of the snapshot: read at the start, written after each change. None keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Name of the API user; "admin" is the administrator, who is there in any case.
    pub username: String,
    /// Password of the API user and of the administrator.
    pub password: String,
    /// OAuth client that may use the grant `client_credentials`.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its name, which shows up as who modified a record.
    pub client_name: String,
    /// How events are handed over.
    pub delivery: Delivery,
    /// Most events in one POST of the queue (`webhook_limit`).
    pub webhook_limit: usize,
    /// How long Mautic works on a save between reading and writing: long enough for requests to overlap.
    pub work_time: Duration,
    /// API calls per hour, for all callers together; none for no limit.
    pub calls_per_hour: Option<u32>,
    /// Leaves out the custom fields `corebos_id`, `company_corebos_id` and those beside them.
    pub stock_fields_only: bool,
    /// The time of day.
    pub clock: Clock,
}

impl Default for MauticOptions {
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            username: "syncuser".to_owned(),
            password: "mautic-password".to_owned(),
            client_id: "1_bridge".to_owned(),
            client_secret: "mautic-client-secret".to_owned(),
            client_name: "bridge".to_owned(),
            delivery: Delivery::Immediate,
            webhook_limit: 10,
            work_time: Duration::from_millis(1),
            calls_per_hour: None,
            stock_fields_only: false,
            clock: real_clock(),
        }
    }
}

impl std::fmt::Debug for MauticOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MauticOptions")
            .field("port", &self.port)
            .field("data", &self.data)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// A running Mautic.
#[derive(Debug)]
pub struct MauticSimulator {
    engine: Arc<Engine>,
    server: Server<Engine>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Starts a Mautic, with the snapshot's records if there is one.
///
/// # Errors
///
/// When the port is taken, or the snapshot cannot be read.
pub async fn start(options: MauticOptions) -> io::Result<MauticSimulator> {
    let state = match &options.data {
        Some(path) if path.exists() => serde_json::from_slice(&std::fs::read(path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        _ => first_state(&options),
    };
    let client = Client {
        id: options.client_id,
        secret: options.client_secret,
        name: options.client_name,
        role: state.users.values().last().map_or(0, |user| user.role),
    };
    let engine = Arc::new(Engine::new(
        state,
        Setup {
            clock: options.clock,
            data: options.data,
            work_time: options.work_time,
            queue_limit: options.webhook_limit,
            clients: vec![client],
            rate: options.calls_per_hour,
            delivery: options.delivery,
        },
    ));
    let server = Server::start(options.port, Faults::default(), Arc::clone(&engine)).await?;
    let _ = engine.origin.set(server.url());
    Ok(MauticSimulator { engine, server })
}

fn first_state(options: &MauticOptions) -> State {
    let mut state = State::fresh();
    setup_api::first_people(&mut state, &options.username, &options.password);
    if !options.stock_fields_only {
        let admin = state.users.values().next().map_or_else(stamp::Actor::nobody, state::User::actor);
        setup_api::captured_fields(&mut state, &admin, (options.clock)());
    }
    state
}

impl MauticSimulator {
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

    /// Webhooks that were sent since the start or the last clearing.
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.engine.delivered()
    }

    /// Forgets the webhooks that were sent.
    pub fn clear_deliveries(&self) {
        self.engine.clear_delivered();
    }

    /// Adds a published webhook for these event keys and gives its id.
    pub fn add_webhook(&self, url: &str, secret: &str, triggers: &[&str]) -> u64 {
        self.engine.write(|state, now| {
            let actor = people::administrator(state);
            let mut hook = hooks_api::blank(now, &actor);
            "webhook".clone_into(&mut hook.name);
            url.clone_into(&mut hook.url);
            secret.clone_into(&mut hook.secret);
            hook.triggers = triggers.iter().map(|trigger| (*trigger).to_owned()).collect();
            hooks_api::insert(state, hook).id
        })
    }

    /// Removes a webhook.
    pub fn remove_webhook(&self, id: u64) {
        self.engine.write(|state, _| state.hooks.remove(&id));
    }

    /// Removes all webhooks.
    pub fn remove_webhooks(&self) {
        self.engine.write(|state, _| state.hooks.clear());
    }

    /// Switches a webhook off, as Mautic does after failures; false when there is no such webhook.
    pub fn switch_webhook_off(&self, id: u64) -> bool {
        self.engine.write(|state, _| state.hooks.get_mut(&id).map(|hook| hook.published = false)).is_some()
    }

    /// Whether a webhook is published; none when there is no such webhook.
    pub fn webhook_published(&self, id: u64) -> Option<bool> {
        self.engine.read(|state| state.hooks.get(&id).map(|hook| hook.published))
    }

    /// Switches between immediate delivery and the queue.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.engine.set_delivery(delivery);
    }

    /// Sends every webhook twice, byte for byte.
    pub fn set_repeated_delivery(&self, repeated: bool) {
        self.engine.set_repeats(repeated);
    }

    /// One run of `mautic:webhooks:process`.
    pub async fn process_queue(&self) -> QueueReport {
        self.engine.process_queue().await
    }

    /// Events that wait in the queue.
    pub fn queue_length(&self) -> usize {
        self.engine.read(|state| state.queue.len())
    }

    /// The switches "API enabled" and "enable HTTP basic auth" of Mautic's configuration.
    pub fn set_api_enabled(&self, api: bool, basic_auth: bool) {
        self.engine.api_enabled.store(api, Ordering::Relaxed);
        self.engine.basic_auth_enabled.store(basic_auth, Ordering::Relaxed);
    }

    /// Ends all tokens that were given out.
    pub fn expire_tokens(&self) {
        let now = self.engine.now();
        let mut tokens = self.engine.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.values_mut().for_each(|(_, until)| *until = now);
    }

    /// Gives the role of the API's user these rights instead of its own: area and actions.
    pub fn set_rights(&self, rights: &[(&str, &[&str])]) {
        let words = |actions: &[&str]| php::Php::List(actions.iter().copied().map(php::Php::text).collect());
        let permissions = php::Php::Map(
            rights.iter().map(|(area, actions)| ((*area).to_owned(), words(actions))).collect(),
        );
        self.engine.write(|state, _| {
            let role = state.users.values().last().map(|user| user.role);
            if let Some(role) = role.and_then(|role| state.roles.get_mut(&role)) {
                role.permissions = permissions;
            }
        });
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

    /// Ends the simulator; what is being worked on is finished first.
    pub async fn stop(self) {
        self.server.stop_listening().await;
    }
}
