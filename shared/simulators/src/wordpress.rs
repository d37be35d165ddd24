//! The stand-in for a WordPress site: its users over the REST API, with a must-use plugin or without, and WP Fusion.
//!
//! | quirk | where |
//! |---|---|
//! | A login or e-mail that is taken is a 500 without a status of its own | `users_api` |
//! | Nothing in the table of users is unique: creates at the same moment make several users of one e-mail | `users_api` |
//! | Wrong credentials are no error but make a stranger; a stranger's list is empty, with 200 | `users_api`, `engine` |
//! | An application password may be written with blanks | `state` |
//! | Keys of meta that are not registered are dropped in silence; a text for a list is split at blanks and commas | `users_api` |
//! | A create or edit that fails at its meta has written everything else | `users_api` |
//! | `roles: []` is no role at all, not the default one | `users_api` |
//! | A search finds parts: `jane@x` also finds `xjane@x` | `users_api` |
//! | An e-mail of 100 characters and more ends in PHP's fatal error | `users_api` |
//! | Editing a password or e-mail mails the person, also where nothing changes | `users_api` |
//! | Whoever may promote users can make administrators, unless the plugin guards | `users_api` |
//! | With the plugin, whoever works on the site is missing in the bridge's lists, and a 403 where it is read | `users_api` |
//! | Maintenance is a 503 in JSON, a lost database a 500 in JSON, a firewall a page | `http` |
//! | WP Fusion answers pages, and 200 when it did nothing | `fusion` |
//!
//! Left out: everything but users; multisite.

mod answer;
mod clean;
mod engine;
mod fusion;
mod http;
mod parameters;
mod roles;
mod state;
mod users_api;
mod view;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value as Json;

use crate::RequestRecord;
use crate::clock::{Clock, real_clock};
use crate::faults::Faults;
use crate::server::Server;
use engine::Engine;
use state::State;
pub use state::{Mail, MetaType};

/// How a simulated site starts.
#[derive(Clone)]
pub struct WordPressOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// File of the snapshot: read at the start, written after each change. None keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Login of the bridge's user, whose role is `crm_sync`.
    pub username: String,
    /// Its application password.
    pub application_password: String,
    /// Whether the must-use plugin is installed.
    pub plugin: bool,
    /// How long a create takes between looking and storing: what makes duplicates.
    pub create_window: Duration,
    /// The time of day.
    pub clock: Clock,
}

impl Default for WordPressOptions {
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            username: "syncbot".to_owned(),
            application_password: "abcd EFGH 1234 ijkl MNOP 5678".to_owned(),
            plugin: true,
            create_window: Duration::from_millis(5),
            clock: real_clock(),
        }
    }
}

/// Shows no credentials.
impl std::fmt::Debug for WordPressOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WordPressOptions").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A user, as tests look at it.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    /// Its id.
    pub id: u64,
    /// Its login.
    pub login: String,
    /// Its e-mail.
    pub email: String,
    /// The password in clear text, as nobody but a simulator can tell it.
    pub password: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Stored meta, registered or not any more.
    pub meta: std::collections::BTreeMap<String, Json>,
}

/// A running site.
#[derive(Debug)]
pub struct WordPressSimulator {
    engine: Arc<Engine>,
    server: Server<Engine>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Starts a site, with the snapshot's users if there is one.
///
/// # Errors
///
/// When the port is taken, or the snapshot cannot be read.
pub async fn start(options: WordPressOptions) -> io::Result<WordPressSimulator> {
    let mut state = match &options.data {
        Some(path) if path.exists() => serde_json::from_slice(&std::fs::read(path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        _ => State::fresh((options.clock)(), options.plugin),
    };
    let password: String = options.application_password.chars().filter(|c| !c.is_whitespace()).collect();
    state.application_passwords.retain(|(login, _)| *login != options.username);
    state.application_passwords.push((options.username, password));
    let engine = Arc::new(Engine::new(state, options.clock, options.data, options.create_window));
    let server = Server::start(options.port, Faults::default(), Arc::clone(&engine)).await?;
    engine.set_url(server.url());
    // The installation gives its first administrator the site's address.
    engine.change(|state| {
        if let Some(admin) = state.user_mut(1) {
            admin.url = server.url();
        }
    });
    Ok(WordPressSimulator { engine, server })
}

impl WordPressSimulator {
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

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.server.clear_requests();
    }

    /// Mails that the site sent.
    pub fn mails(&self) -> Vec<Mail> {
        self.engine.state().mails.clone()
    }

    /// All users, by id.
    pub fn users(&self) -> Vec<UserView> {
        self.engine.state().users.iter().map(shown).collect()
    }

    /// Users with this e-mail, in any case. More than one is what must never be.
    pub fn users_with(&self, email: &str) -> Vec<UserView> {
        self.users().into_iter().filter(|user| user.email.eq_ignore_ascii_case(email)).collect()
    }

    /// An administrator makes a user.
    pub fn add_user(&self, login: &str, email: &str, role: &str) -> u64 {
        let now = self.engine.now();
        self.engine.change(|state| state.seat(login, email, role, now))
    }

    /// An administrator removes a user.
    pub fn remove_user(&self, id: u64) {
        self.engine.change(|state| state.users.retain(|user| user.id != id));
    }

    /// Somebody edits a profile in WordPress's own pages: first and last name.
    pub fn rename_user(&self, id: u64, first_name: &str, last_name: &str) {
        self.engine.change(|state| {
            if let Some(user) = state.user_mut(id) {
                first_name.clone_into(&mut user.first_name);
                last_name.clone_into(&mut user.last_name);
            }
        });
    }

    /// An administrator gives a user other roles.
    pub fn set_roles(&self, id: u64, roles: &[&str]) {
        self.engine.change(|state| {
            if let Some(user) = state.user_mut(id) {
                user.roles = roles.iter().map(|role| (*role).to_owned()).collect();
            }
        });
    }

    /// A shop adds a role of its own (`customer`).
    pub fn add_role(&self, role: &str) {
        self.engine.change(|state| state.roles.push(role.to_owned()));
    }

    /// A further application password.
    pub fn add_application_password(&self, login: &str, password: &str) {
        let password: String = password.chars().filter(|c| !c.is_whitespace()).collect();
        self.engine.change(|state| state.application_passwords.push((login.to_owned(), password)));
    }

    /// Installs the must-use plugin, with further keys of meta.
    pub fn install_plugin(&self, further_keys: &[&str]) {
        self.engine.change(|state| state.install_plugin(further_keys));
    }

    /// Ids go on from here, as they do where users were removed.
    pub fn next_user_id(&self, id: u64) {
        self.engine.change(|state| state.next_id = id);
    }

    /// Installs WP Fusion with this access key. `contacts` is what it finds in Mautic: id and e-mail.
    pub fn install_fusion(&self, access_key: &str, contacts: &[(&str, &str)]) {
        self.engine.change(|state| {
            state.fusion_key = Some(access_key.to_owned());
            state.fusion_contacts =
                contacts.iter().map(|(id, email)| ((*id).to_owned(), (*email).to_owned())).collect();
        });
    }

    /// Puts the site into maintenance, or out of it.
    pub fn set_maintenance(&self, on: bool) {
        self.engine.maintenance.store(on, Ordering::Relaxed);
    }

    /// Takes the database away, or brings it back.
    pub fn set_database_away(&self, away: bool) {
        self.engine.no_database.store(away, Ordering::Relaxed);
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

fn shown(user: &state::User) -> UserView {
    UserView {
        id: user.id,
        login: user.login.clone(),
        email: user.email.clone(),
        password: user.password.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        roles: user.roles.clone(),
        meta: user.meta.clone(),
    }
}
