//! What a stand-in for coreBOS is started with.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::{Clock, real_clock};

/// How to start a stand-in for coreBOS.
#[derive(Clone)]
pub struct CoreBosOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// A file that keeps the records: read at the start, replaced after each change. In memory only when `None`.
    ///
    /// Sessions, workflow hooks and changes of the layout are not in it.
    pub data: Option<PathBuf>,
    /// The users that a new database has; the first one also plays the person at the screen.
    pub users: Vec<CoreBosUser>,
    /// Where the time comes from.
    pub clock: Clock,
    /// How long a session lives, however busy it is.
    pub session_life: Duration,
    /// How long a session lives without a call.
    pub session_idle: Duration,
    /// How long a login token lives; recorded: two hours.
    pub challenge_life: Duration,
    /// Rows of a `sync` page before the rest of the last second.
    pub sync_page: usize,
    /// Whether the fields of the Mautic and HubSpot integrations are installed.
    pub integration_fields: bool,
    /// Whether webservice writes fire their hooks before they commit, so that a receiver which reads at once sees
    /// the old record. A person's own save has always committed when its hooks fire.
    pub hooks_before_commit: bool,
    /// Number of the first record of a new database.
    pub first_record: u64,
    /// First number of contacts, accounts, leads and potentials (`CON11`).
    pub first_number: u64,
    /// First number of business maps (`BMAP-0000025`).
    pub first_map_number: u64,
}

/// A user of a new database.
#[derive(Clone)]
pub struct CoreBosUser {
    /// The number in the webservice id, `19x<id>`. Groups have 2, 3 and 4.
    pub id: u64,
    /// Login name.
    pub name: String,
    /// Key for the login; left empty, a random one is made.
    pub access_key: String,
    /// Password; the login accepts it in place of the key.
    pub password: String,
    /// Administrators see all modules.
    pub admin: bool,
    /// First name; the built-in administrator has none.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Tokens that stand for a session of this user in the `corebos-authorization` header.
    pub static_tokens: Vec<String>,
}

impl CoreBosUser {
    /// A user with this number and login name.
    pub fn new(id: u64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            access_key: String::new(),
            password: name.to_owned(),
            admin: false,
            first_name: String::new(),
            last_name: name.to_owned(),
            email: format!("{name}@crm.example"),
            static_tokens: Vec::new(),
        }
    }

    /// The same user as an administrator.
    #[must_use]
    pub fn administrator(mut self) -> Self {
        self.admin = true;
        self
    }

    /// The same user with this access key.
    #[must_use]
    pub fn with_access_key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.access_key);
        self
    }

    /// The same user with this static token.
    #[must_use]
    pub fn with_static_token(mut self, token: &str) -> Self {
        self.static_tokens.push(token.to_owned());
        self
    }

    /// The same user under this name.
    #[must_use]
    pub fn called(mut self, first_name: &str, last_name: &str) -> Self {
        first_name.clone_into(&mut self.first_name);
        last_name.clone_into(&mut self.last_name);
        self
    }
}

impl Default for CoreBosOptions {
    /// A fresh coreBOS with `admin` (19x1) and `sync` (19x5), both administrators.
    fn default() -> Self {
        Self {
            port: 0,
            data: None,
            users: vec![
                CoreBosUser::new(1, "admin").administrator().called("", "Administrator"),
                CoreBosUser::new(5, "sync").administrator().called("Bridge", "Sync"),
            ],
            clock: real_clock(),
            session_life: Duration::from_secs(7_200),
            session_idle: Duration::from_secs(1_800),
            challenge_life: Duration::from_secs(7_200),
            sync_page: 100,
            integration_fields: true,
            hooks_before_commit: true,
            first_record: 8_588,
            first_number: 11,
            first_map_number: 25,
        }
    }
}

impl std::fmt::Debug for CoreBosOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CoreBosOptions")
            .field("port", &self.port)
            .field("data", &self.data)
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CoreBosUser {
    /// Without the key, the password and the tokens.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CoreBosUser")
            .field("id", &self.id)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}
