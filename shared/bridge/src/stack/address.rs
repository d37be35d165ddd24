//! Where a running `bridge up` is: it leaves a note in its data folder, or in the user's state folder when it has
//! none, and other commands find it by that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws::{Clients, Environment, LocalEndpoints};
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use super::Stack;
use super::log::StackLog;

/// How long a stack on this machine may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// What other commands need to know of a stack on this machine. Holds no secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct Address {
    region: String,
    dynamodb: String,
    sqs: String,
    secrets_manager: String,
    environment: BTreeMap<String, String>,
    webhook_urls: BTreeMap<String, String>,
    log: PathBuf,
}

impl Address {
    /// The address of a stack whose log is kept in the file that [`Self::log_file`] gives.
    ///
    /// # Errors
    /// There is neither a data folder nor a home folder.
    pub fn of(stack: &embedded_aws::Stack, data: Option<&Path>, port: u16) -> Result<Self> {
        let endpoints = stack.endpoints();
        let functions = stack.resources().functions.iter();
        // Of several routes of a function the one without a variable is its address.
        let routes = stack.routes().into_iter().filter(|(_, url, _)| !url.contains('{'));
        Ok(Self {
            region: stack.region().to_owned(),
            dynamodb: endpoints.dynamodb.clone(),
            sqs: endpoints.sqs.clone(),
            secrets_manager: endpoints.secrets.clone(),
            environment: functions.flat_map(|function| function.environment.clone()).collect(),
            webhook_urls: routes.map(|(_, url, function)| (function, url)).collect(),
            log: Self::log_file(data, port)?,
        })
    }

    /// Where the log of a stack is kept.
    ///
    /// # Errors
    /// There is neither a data folder nor a home folder.
    pub fn log_file(data: Option<&Path>, port: u16) -> Result<PathBuf> {
        let file = file_of(data, port)?.with_extension("log");
        std::path::absolute(&file).with_context(|| format!("cannot find {}", file.display()))
    }

    /// The stack at this address.
    pub(crate) fn open(self, name: String) -> Stack {
        let endpoints =
            LocalEndpoints { dynamodb: self.dynamodb, sqs: self.sqs, secrets_manager: self.secrets_manager };
        Stack {
            clients: Clients::local(&self.region, &endpoints),
            environment: Environment::from_pairs(self.environment),
            name,
            webhook_urls: self.webhook_urls,
            log: StackLog::Kept(self.log),
        }
    }

    /// Leaves the note. It is taken away when what this gives is dropped.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn announce(&self, data: Option<&Path>, port: u16) -> Result<Announced> {
        let file = file_of(data, port)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Announced(file))
    }
}

/// A note that is there as long as this.
#[derive(Debug)]
pub struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // A note that stays behind is found out: nobody answers at the address that it gives.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The stack of a running `bridge up`.
pub(super) async fn find(data: Option<&Path>, port: u16) -> Result<Stack> {
    let (name, start) = match data {
        Some(folder) => {
            let folder = folder.display();
            (format!("bridge up --data {folder}"), format!("bridge up --data {folder}"))
        }
        None => (format!("bridge up on port {port}"), "bridge up".to_owned()),
    };
    let file = file_of(data, port)?;
    let not_running =
        || format!("{name} is not running: start `{start}`, or name a deployed stack with --stack");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(not_running()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let address: Address =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged; delete it", file.display()))?;
    let reachable = tokio::time::timeout(CONNECT, listens(&address.dynamodb)).await;
    if !matches!(reachable, Ok(Ok(()))) {
        bail!(not_running());
    }
    Ok(address.open(name))
}

/// Whether somebody listens at a URL of this machine.
async fn listens(url: &str) -> Result<()> {
    let url = url::Url::parse(url)?;
    let address = url.socket_addrs(|| None)?;
    tokio::net::TcpStream::connect(address.as_slice()).await?;
    Ok(())
}

/// Where the note is.
fn file_of(data: Option<&Path>, port: u16) -> Result<PathBuf> {
    if let Some(folder) = data {
        return Ok(folder.join("running.json"));
    }
    let base = etcetera::choose_base_strategy()
        .context("there is no home folder to find `bridge up` by; use --data DIR with both commands")?;
    let folder = base.state_dir().unwrap_or_else(|| base.cache_dir());
    Ok(folder.join("corebos-bridge").join(format!("up-{port}.json")))
}
