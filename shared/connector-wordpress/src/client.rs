//! Calls to WordPress's REST API.
//!
//! `/wp-json/wp/v2/users`, <https://developer.wordpress.org/rest-api/reference/users/>, recorded from WordPress 6.1.9.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_client::{Answer, BaseUrl, Client, Effect, Method, Request};
use model::{Fields, Fingerprint, ObjectName, RecordRef, System};
use secrecy::{ExposeSecret as _, SecretString};
use sync::{Connector, ConnectorError, Lookup, Reading, Record};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{forbids_context, refusal, staff, unanswered, unreadable};
use crate::schema::{CONTACT_ID, USER, WordPressSchema};
use crate::settings::WordPressSettings;
use crate::wire::{self, WireUser};

/// Users of a page; WordPress gives no more.
const PAGE: usize = 100;
/// The most pages of a search. An address that is part of a thousand others is no address.
const PAGES: usize = 10;
/// How many records a search gives at most: more than one is already too many.
const FOUND: usize = 3;

/// Our own user on a site, and what it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: u64,
    /// Its login.
    pub username: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// What it may.
    pub capabilities: Vec<String>,
    /// What it can write to users.
    pub schema: WordPressSchema,
}

/// One site.
pub struct WordPress {
    system: System,
    base: BaseUrl,
    client: Client,
    authorization: SecretString,
    plain_permalinks: bool,
    lifetime: std::time::Duration,
    account: Mutex<Option<(Instant, Account)>>,
}

impl std::fmt::Debug for WordPress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordPress")
            .field("system", &self.system)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl WordPress {
    /// A connector to the site of these settings. Calls nobody.
    ///
    /// # Errors
    /// Misconfigured: a URL that is none or is not safe, no TLS certificates on this machine.
    pub fn new(system: System, settings: &WordPressSettings) -> Result<Self, ConnectorError> {
        let misconfigured = |detail: String| ConnectorError::Misconfigured { detail };
        let base = BaseUrl::parse(&settings.url)
            .map_err(|error| misconfigured(format!("the URL of {system}: {error}")))?
            .without_last("wp-json");
        let client = Client::new(settings.http).map_err(|error| misconfigured(error.to_string()))?;
        let password = settings.application_password.expose_secret();
        let password: String = password.chars().filter(|c| !c.is_whitespace()).collect();
        let encoded = BASE64.encode(format!("{}:{password}", settings.username));
        Ok(Self {
            system,
            base,
            client,
            authorization: format!("Basic {encoded}").into(),
            plain_permalinks: settings.preferences.plain_permalinks,
            lifetime: settings.schema_lifetime,
            account: Mutex::new(None),
        })
    }

    /// The mark of a password, which tells a changed one from the same one and nothing else about it: it is made with our
    /// application password, so whoever reads the table cannot try words against it. Another application password makes
    /// other marks; the second part tells that.
    pub fn mark_of(&self, password: &str) -> (Fingerprint, Fingerprint) {
        let key = Fingerprint::of_bytes(self.authorization.expose_secret().as_bytes());
        let keyed = [key.as_str().as_bytes(), b"\0", self.authorization.expose_secret().as_bytes(), b"\0"];
        let mark = Fingerprint::of_bytes(&[&keyed.concat(), password.as_bytes()].concat());
        (mark, Fingerprint::of_bytes(key.as_str().as_bytes()))
    }

    /// A request to the users of the site: `path` is empty, `me`, or an id.
    fn users(&self, method: &Method, path: &str, effect: Effect) -> Request {
        let request = |url| match effect {
            Effect::Read => Request::read(method.clone(), url),
            Effect::Write => Request::write(method.clone(), url),
        };
        let tail: Vec<&str> = if path.is_empty() { Vec::new() } else { vec![path] };
        if self.plain_permalinks {
            let route = ["", "wp", "v2", "users"].into_iter().chain(tail).collect::<Vec<_>>().join("/");
            // The address of the site itself ends with a slash; without it some servers redirect.
            return request(self.base.join([""])).query("rest_route", &route);
        }
        request(self.base.join(["wp-json", "wp", "v2", "users"].into_iter().chain(tail)))
    }

    async fn call(&self, request: Request) -> Result<Answer, ConnectorError> {
        let signed = request.header("authorization", self.authorization.expose_secret());
        self.client.send(&signed).await.map_err(unanswered)
    }

    async fn read_user(&self, path: &str) -> Result<WireUser, ConnectorError> {
        // Without the context a stranger would be answered, too.
        let request = self.users(&Method::GET, path, Effect::Read).query("context", "edit");
        let answer = self.call(request).await?;
        // Of one user it is no missing right of ours: the must-use plugin hides whoever works on the site.
        if is_id(path) && forbids_context(&answer) {
            return Err(staff());
        }
        user(&answer, Effect::Read)
    }

    /// `GET /users/me`: who we are, what we may, and which keys of meta the site has registered.
    ///
    /// # Errors
    /// Unauthorized: the site takes us for a stranger.
    pub async fn ask_for_account(&self) -> Result<Account, ConnectorError> {
        let me = self.read_user("me").await?;
        Ok(Account {
            id: me.id,
            username: me.username.clone(),
            roles: me.roles.clone(),
            capabilities: me.capabilities().map(str::to_owned).collect(),
            schema: WordPressSchema::new(me.meta_keys()),
        })
    }

    /// The account, asked for at most every few minutes.
    async fn account(&self) -> Result<Account, ConnectorError> {
        // Held while asking, so that concurrent calls ask once.
        let mut kept = self.account.lock().await;
        if let Some((asked, account)) = kept.as_ref()
            && asked.elapsed() < self.lifetime
        {
            return Ok(account.clone());
        }
        let account = self.ask_for_account().await?;
        *kept = Some((Instant::now(), account.clone()));
        Ok(account)
    }

    async fn write(&self, path: &str, values: &Fields) -> Result<Record, ConnectorError> {
        let schema = self.account().await?.schema;
        let body = wire::body(&schema, values);
        let request = self.users(&Method::POST, path, Effect::Write).json(&body).map_err(|_| {
            let message = "a value that JSON cannot write".to_owned();
            ConnectorError::Rejected { message, fields: std::collections::BTreeMap::new() }
        })?;
        let answer = self.call(request).await?;
        Ok(user(&answer, Effect::Write)?.record(&self.system))
    }
}

fn user(answer: &Answer, effect: Effect) -> Result<WireUser, ConnectorError> {
    if !answer.is_success() {
        return Err(refusal(answer, effect));
    }
    answer.json().map_err(|_| unreadable(answer, effect, "not a user"))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() < 20 && text.bytes().all(|b| b.is_ascii_digit())
}

impl Connector for WordPress {
    type Schema = WordPressSchema;

    fn system(&self) -> &System {
        &self.system
    }

    /// The URL and our user.
    async fn identity(&self) -> Result<String, ConnectorError> {
        Ok(format!("{} as user {}", self.base, self.account().await?.id))
    }

    async fn schema(&self, object: &ObjectName) -> Result<WordPressSchema, ConnectorError> {
        if object.as_str() != USER {
            let detail = format!("{} has no {object}; the bridge knows its users only", self.system);
            return Err(ConnectorError::Misconfigured { detail });
        }
        Ok(self.account().await?.schema)
    }

    /// `GET /users/{id}`.
    async fn read_with(&self, record: &RecordRef, _: &[&str]) -> Result<Reading, ConnectorError> {
        if !is_id(&record.id) {
            return Ok(Reading::Gone);
        }
        match self.read_user(&record.id).await {
            Ok(user) => Ok(Reading::Found(user.record(&self.system))),
            Err(ConnectorError::Gone) => Ok(Reading::Gone),
            Err(error) => Err(error),
        }
    }

    /// `GET /users?search=` for `user_email`, which finds parts of addresses; `GET /users?mautic_contact_id=` with the
    /// must-use plugin. What WordPress gives is compared here: it passes over parameters that it does not know.
    async fn find(&self, _: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let parameter = match lookup.field.as_str() {
            "user_email" => "search",
            CONTACT_ID if self.account().await?.schema.has_plugin() => CONTACT_ID,
            CONTACT_ID => return Ok(Vec::new()),
            other => {
                let detail = format!("users of WordPress cannot be found by {other}");
                return Err(ConnectorError::Misconfigured { detail });
            }
        };
        let wanted = lookup.value.trim().to_lowercase();
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let request = self
                .users(&Method::GET, "", Effect::Read)
                .query("context", "edit")
                .query("per_page", &PAGE.to_string())
                .query("page", &page.to_string())
                .query(parameter, lookup.value.trim());
            let answer = self.call(request).await?;
            if !answer.is_success() {
                return Err(refusal(&answer, Effect::Read));
            }
            let listed: Vec<WireUser> =
                answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not a list of users"))?;
            // Whom we may not edit is missing in a page, and counted all the same.
            let pages = answer.header("x-wp-totalpages").and_then(|pages| pages.parse::<usize>().ok());
            let is_last = pages.map_or(listed.len() < PAGE, |pages| page >= pages);
            for user in listed {
                let record = user.record(&self.system);
                let value =
                    record.fields.get(&lookup.field).map(|value| value.php_string().trim().to_lowercase());
                if value.as_deref() == Some(wanted.as_str()) {
                    found.push(record);
                }
            }
            if is_last || found.len() >= FOUND {
                break;
            }
        }
        found.truncate(FOUND);
        Ok(found)
    }

    /// `POST /users`.
    ///
    /// # Errors
    /// Rejected naming `user_email` or `user_login`: somebody has them already. Rejected naming anything else may have
    /// made the user all the same, because WordPress writes meta after it.
    async fn create(&self, _: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        self.write("", values).await
    }

    /// `POST /users/{id}`: what is not sent stays as it is. An e-mail or password that is sent is mailed to the person.
    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        if !is_id(&record.id) {
            return Err(ConnectorError::Gone);
        }
        self.write(&record.id, values).await
    }
}
