//! The environment of a function, read once at cold start. What is missing or wrong stops it there, by name.
//!
//! | variable | holds | default |
//! |---|---|---|
//! | `BRIDGE_TABLE` | name of the table | |
//! | `<SYSTEM>_SYSTEM_NAME` | name of the instance, part of every key | `main` |
//! | `<SYSTEM>_URL` | base address of the instance | |
//! | `<SYSTEM>_SECRET_ARN` | ARN of the instance's secret; several systems may share one | |
//! | `<SYSTEM>_CHANGES_QUEUE_URL` | queue towards the instance; absent: no push function is deployed for it | |
//! | `<SYSTEM>_CHANGES_DEAD_LETTERS_URL` | dead-letter queue of that queue; absent: see [`crate::events`] | |
//! | `WORDPRESS_SITES` | the sites of WordPress: `shop=https://shop.example.com,blog=https://blog.example.com` | none |
//! | `<SYSTEM>_WEBHOOK_URL` | the URL that the instance signs its webhooks for; absent: the gateway's own | |
//! | `VISITOR_EVENTS_QUEUE_URL`, `VISITOR_EVENTS_DEAD_LETTERS_URL` | the queue of visitor events, and its dead-letter queue | |
//! | `LEASE_SECONDS` | how long a lease lasts; more than a function's timeout | 45 |
//! | `MAPS_FRESH_SECONDS` | how long what coreBOS has said about its field maps is believed | 30 |
//! | `LOG_LEVEL` | error, warn, info, debug, trace | `info` |
//! | `AWS_LAMBDA_FUNCTION_NAME` | set by Lambda | `unknown` |
//!
//! `<SYSTEM>` is a kind of system in capitals: `COREBOS`, `MAUTIC`, `HUBSPOT`, ... Each function asks only for the
//! parts that it uses. An empty variable counts as absent, as CloudFormation cannot leave one out.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{System, SystemKind};
use tracing::level_filters::LevelFilter;
use url::{Host, Url};

use crate::secrets::SecretPlace;

/// What a lease lasts where the environment says nothing.
const DEFAULT_LEASE: Duration = Duration::from_secs(45);
/// How long what coreBOS has said about its field maps is believed where the environment says nothing.
const DEFAULT_MAPS_FRESH: Duration = Duration::from_secs(30);
/// The longest lease that makes sense: SQS keeps a message invisible for 12 hours at most.
const LONGEST_LEASE: Duration = Duration::from_secs(12 * 3600);

/// Why a function cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that this function needs is not set.
    #[error("the environment variable {name} is missing: {holds}")]
    Missing {
        /// Which.
        name: String,
        /// What it should hold.
        holds: &'static str,
    },
    /// A variable holds something else.
    #[error("the environment variable {name} is wrong: {problem}")]
    Wrong {
        /// Which.
        name: String,
        /// What is wrong and how it should be.
        problem: String,
    },
}

/// The environment variables of the process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// The names only: an environment may hold credentials.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// One outside system: who it is, where it is, and where its credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemConfig {
    /// The instance.
    pub system: System,
    /// Its base address, without a slash at its end.
    pub url: String,
    /// Where its credentials stand.
    pub secret: SecretPlace,
}

/// The secret of an outside system, for functions that never call the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretConfig {
    /// The instance.
    pub system: System,
    /// Where its credentials stand.
    pub secret: SecretPlace,
}

/// The queue that a push function is fed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushQueue {
    /// The instance that it leads to.
    pub target: System,
    /// Its URL.
    pub url: String,
    /// Where messages go that nobody can read.
    pub dead_letters_url: Option<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_this_process() -> Self {
        // A variable that is not Unicode is none of ours.
        let unicode = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_pairs(unicode)
    }

    /// An environment made of names and values.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into().trim().to_owned()));
        Self { variables: pairs.filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// The name of the table.
    pub fn table(&self) -> Result<String, ConfigError> {
        self.required("BRIDGE_TABLE", "the name of the DynamoDB table")
    }

    /// An outside system with its address and secret.
    pub fn system(&self, kind: SystemKind) -> Result<SystemConfig, ConfigError> {
        let SecretConfig { system, secret } = self.secret(kind)?;
        let name = variable(kind, "URL");
        let url =
            self.required(&name, "the base address of the system, for example https://crm.example.com")?;
        let url = base_address(&url).map_err(|problem| ConfigError::Wrong { name, problem })?;
        Ok(SystemConfig { system, url, secret })
    }

    /// Whether a system of this kind is connected: some are only on request, and have no secret otherwise.
    pub fn connects(&self, kind: SystemKind) -> bool {
        self.optional(&variable(kind, "SECRET_ARN")).is_some()
    }

    /// The secret of an outside system.
    pub fn secret(&self, kind: SystemKind) -> Result<SecretConfig, ConfigError> {
        Ok(SecretConfig { system: self.instance(kind)?, secret: self.secret_place(kind)? })
    }

    /// The instance of a kind.
    pub fn instance(&self, kind: SystemKind) -> Result<System, ConfigError> {
        let name = variable(kind, "SYSTEM_NAME");
        let instance = self.optional(&name).unwrap_or("main");
        System::new(kind, instance).map_err(|error| ConfigError::Wrong { name, problem: error.to_string() })
    }

    /// The queue towards a system, for a function that cannot do without it.
    pub fn changes_queue(&self, kind: SystemKind) -> Result<(System, String), ConfigError> {
        let url =
            self.required(&variable(kind, "CHANGES_QUEUE_URL"), "the URL of the queue towards the system")?;
        Ok((self.instance(kind)?, url))
    }

    /// The queues towards all systems that have one, for [`crate::SqsChangeQueue`].
    pub fn changes_queues(&self) -> Result<BTreeMap<System, String>, ConfigError> {
        let one_each = SystemKind::ALL.into_iter().filter(|kind| *kind != SystemKind::WordPress);
        let with_queue = one_each.filter_map(|kind| {
            let url = self.optional(&variable(kind, "CHANGES_QUEUE_URL"))?.to_owned();
            Some(self.instance(kind).map(|system| (system, url)))
        });
        let mut queues: BTreeMap<System, String> = with_queue.collect::<Result<_, _>>()?;
        if let Some(url) = self.optional(&variable(SystemKind::WordPress, "CHANGES_QUEUE_URL")) {
            queues.extend(self.sites()?.into_iter().map(|(site, _)| (site, url.to_owned())));
        }
        Ok(queues)
    }

    /// The sites of WordPress, with their addresses. All of them share one queue and one secret.
    pub fn sites(&self) -> Result<Vec<(System, String)>, ConfigError> {
        let name = "WORDPRESS_SITES";
        let wrong = |problem: String| ConfigError::Wrong { name: name.to_owned(), problem };
        let mut sites: Vec<(System, String)> = Vec::new();
        let listed = self.optional(name).unwrap_or_default().split(',').map(str::trim);
        for entry in listed.filter(|entry| !entry.is_empty()) {
            let form = || wrong("write name=https://address, several with commas between them".to_owned());
            let (site, url) = entry.split_once('=').ok_or_else(form)?;
            let site =
                System::new(SystemKind::WordPress, site.trim()).map_err(|error| wrong(error.to_string()))?;
            let url = base_address(url.trim()).map_err(|problem| wrong(format!("{site}: {problem}")))?;
            if sites.iter().any(|(known, _)| *known == site) {
                return Err(wrong(format!("{site} is listed twice")));
            }
            sites.push((site, url));
        }
        Ok(sites)
    }

    /// Where the credentials of a kind of system stand, whatever its instances are called.
    pub fn secret_place(&self, kind: SystemKind) -> Result<SecretPlace, ConfigError> {
        let arn = self.required(&variable(kind, "SECRET_ARN"), "the ARN of the system's secret")?;
        Ok(SecretPlace { arn, kind })
    }

    /// The queue that the push function of a system is fed from.
    pub fn push_queue(&self, kind: SystemKind) -> Result<PushQueue, ConfigError> {
        let (target, url) = self.changes_queue(kind)?;
        let dead_letters_url = self.optional(&variable(kind, "CHANGES_DEAD_LETTERS_URL")).map(str::to_owned);
        Ok(PushQueue { target, url, dead_letters_url })
    }

    /// The URL that a system signs its webhooks for, where it is another than the gateway's own.
    pub fn webhook_url(&self, kind: SystemKind) -> Result<Option<String>, ConfigError> {
        let name = variable(kind, "WEBHOOK_URL");
        let Some(url) = self.optional(&name) else { return Ok(None) };
        // Not a slash is added or taken away: it is part of what is signed.
        base_address(url).map_err(|problem| ConfigError::Wrong { name, problem })?;
        Ok(Some(url.to_owned()))
    }

    /// The queue of visitor events.
    pub fn visitor_queue(&self) -> Result<PushQueue, ConfigError> {
        let url = self.required("VISITOR_EVENTS_QUEUE_URL", "the URL of the queue of visitor events")?;
        let dead_letters_url = self.optional("VISITOR_EVENTS_DEAD_LETTERS_URL").map(str::to_owned);
        Ok(PushQueue { target: self.instance(SystemKind::Mautic)?, url, dead_letters_url })
    }

    /// How long a lease lasts.
    pub fn lease(&self) -> Result<Duration, ConfigError> {
        self.seconds("LEASE_SECONDS", DEFAULT_LEASE)
    }

    /// How long what coreBOS has said about its field maps is believed.
    pub fn maps_fresh(&self) -> Result<Duration, ConfigError> {
        self.seconds("MAPS_FRESH_SECONDS", DEFAULT_MAPS_FRESH)
    }

    fn seconds(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        let longest = LONGEST_LEASE.as_secs();
        match text.parse() {
            Ok(seconds) if (1..=longest).contains(&seconds) => Ok(Duration::from_secs(seconds)),
            _ => Err(ConfigError::Wrong {
                name: name.to_owned(),
                problem: format!("write a number of seconds from 1 to {longest}"),
            }),
        }
    }

    /// How much is logged.
    pub fn log_level(&self) -> Result<LevelFilter, ConfigError> {
        let name = "LOG_LEVEL";
        match self.optional(name).unwrap_or("info").to_ascii_lowercase().as_str() {
            "error" => Ok(LevelFilter::ERROR),
            "warn" => Ok(LevelFilter::WARN),
            "info" => Ok(LevelFilter::INFO),
            "debug" => Ok(LevelFilter::DEBUG),
            "trace" => Ok(LevelFilter::TRACE),
            _ => Err(ConfigError::Wrong {
                name: name.to_owned(),
                problem: "write error, warn, info, debug or trace".to_owned(),
            }),
        }
    }

    /// What the function is called, in logs and metrics.
    pub fn function_name(&self) -> &str {
        self.optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or("unknown")
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn required(&self, name: &str, holds: &'static str) -> Result<String, ConfigError> {
        let missing = || ConfigError::Missing { name: name.to_owned(), holds };
        self.optional(name).map(str::to_owned).ok_or_else(missing)
    }
}

fn variable(kind: SystemKind, part: &str) -> String {
    format!("{}_{part}", kind.as_str().to_uppercase())
}

/// Checks an address: HTTPS, or HTTP on this machine. Credentials and queries have no place in it.
fn base_address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
    let on_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if on_this_machine => {}
        _ => return Err("write https://; plain http:// is for addresses of this machine only".to_owned()),
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err("write it without user, password, query and fragment".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::from_pairs([
            ("BRIDGE_TABLE", "bridge"),
            ("COREBOS_URL", "https://crm.example.com/crm/"),
            ("COREBOS_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:corebos"),
            ("COREBOS_CHANGES_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/corebos-changes.fifo"),
            ("MAUTIC_SYSTEM_NAME", "shop"),
            ("MAUTIC_SECRET_ARN", " "),
        ])
    }

    #[test]
    fn a_function_gets_the_parts_that_it_asks_for() {
        let environment = environment();
        let corebos = environment.system(SystemKind::CoreBos).unwrap();
        assert_eq!(
            (corebos.system.to_string().as_str(), corebos.url.as_str()),
            ("corebos:main", "https://crm.example.com/crm")
        );
        assert_eq!(environment.instance(SystemKind::Mautic).unwrap().to_string(), "mautic:shop");
        assert_eq!(environment.lease().unwrap(), Duration::from_secs(45));
        assert_eq!(environment.log_level().unwrap(), LevelFilter::INFO);
        let queues = environment.changes_queues().unwrap();
        assert_eq!(queues.keys().map(ToString::to_string).collect::<Vec<_>>(), ["corebos:main"]);
        assert_eq!(environment.push_queue(SystemKind::CoreBos).unwrap().dead_letters_url, None);
    }

    #[test]
    fn a_missing_variable_is_named_and_an_empty_one_is_missing() {
        let error = environment().secret(SystemKind::Mautic).unwrap_err();
        let text = "the environment variable MAUTIC_SECRET_ARN is missing: the ARN of the system's secret";
        assert_eq!(error.to_string(), text);
        let error = environment().changes_queue(SystemKind::Mautic).unwrap_err();
        assert!(error.to_string().contains("MAUTIC_CHANGES_QUEUE_URL"), "{error}");
        assert!(Environment::default().table().is_err());
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        let with =
            |name: &str, value: &str| Environment::from_pairs([("MAUTIC_SECRET_ARN", "arn"), (name, value)]);
        for lease in ["0", "-1", "soon", "43201"] {
            assert!(with("LEASE_SECONDS", lease).lease().unwrap_err().to_string().contains("LEASE_SECONDS"));
            let error = with("MAPS_FRESH_SECONDS", lease).maps_fresh().unwrap_err();
            assert!(error.to_string().contains("MAPS_FRESH_SECONDS"), "{error}");
        }
        assert!(with("LOG_LEVEL", "loud").log_level().unwrap_err().to_string().contains("LOG_LEVEL"));
        assert!(with("MAUTIC_SYSTEM_NAME", "My Shop").instance(SystemKind::Mautic).is_err());
        let unsafe_urls = [
            "http://mautic.example.com",
            "mautic.example.com",
            "ftp://localhost",
            "https://a:b@mautic.example.com",
        ];
        for url in unsafe_urls {
            let error = with("MAUTIC_URL", url).system(SystemKind::Mautic).unwrap_err();
            assert!(error.to_string().contains("MAUTIC_URL"), "{error}");
        }
        for url in
            ["http://127.0.0.1:8080", "http://localhost:1/m", "http://[::1]:1", "https://mautic.example.com"]
        {
            assert_eq!(with("MAUTIC_URL", url).system(SystemKind::Mautic).unwrap().url, url);
        }
    }

    #[test]
    fn sites_share_a_queue_and_each_has_a_name_and_a_safe_address() {
        let with = |sites: &str| {
            Environment::from_pairs([
                ("WORDPRESS_SITES", sites),
                ("WORDPRESS_CHANGES_QUEUE_URL", "https://sqs.example.com/wordpress-changes.fifo"),
            ])
        };
        let environment = with("shop=https://shop.example.com/, blog=http://127.0.0.1:8080");
        let sites: Vec<String> =
            environment.sites().unwrap().iter().map(|(site, url)| format!("{site} {url}")).collect();
        assert_eq!(
            sites,
            ["wordpress:shop https://shop.example.com", "wordpress:blog http://127.0.0.1:8080"]
        );
        let queues = environment.changes_queues().unwrap();
        assert_eq!(queues.len(), 2);
        assert!(queues.values().all(|url| url.ends_with("wordpress-changes.fifo")));
        assert!(with("").changes_queues().unwrap().is_empty());
        for wrong in
            ["https://x.com", "Shop=https://x.com", "a=http://x.com", "a=https://x.com,a=https://y.com"]
        {
            assert!(with(wrong).sites().unwrap_err().to_string().contains("WORDPRESS_SITES"), "{wrong}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        assert!(!format!("{:?}", environment()).contains("example.com"));
    }
}
