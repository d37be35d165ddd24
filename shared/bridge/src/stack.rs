//! The stack that a command works on: the one that `bridge up` runs on this machine, or one that is deployed.
//!
//! Either way a command gets what a function of that stack gets: the same environment variables and clients of the
//! same services. So it reads and writes with the code of the functions.

mod address;
mod deployed;
pub mod log;

use std::path::PathBuf;

use anyhow::Result;
use aws::{Clients, DynamoStore, Environment, Secrets, SystemClock};
use clap::Args;
use model::{Pair, PairKind, SystemKind};
use sync::pair_spec;

use log::StackLog;

pub use address::{Address, Announced};

/// Which stack a command works on. Without any of these: the one of `bridge up` with its usual port.
#[derive(Clone, Debug, Args)]
#[group(id = "which-stack", multiple = false)]
pub struct StackOptions {
    /// A deployed stack, by its name in CloudFormation. Region and credentials are those of the AWS tools.
    #[arg(long, value_name = "NAME", help_heading = "Which stack")]
    pub stack: Option<String>,
    /// The stack of a running `bridge up --data DIR`.
    #[arg(long, value_name = "DIR", help_heading = "Which stack")]
    pub data: Option<PathBuf>,
    /// The stack of a running `bridge up --port N`.
    #[arg(long, value_name = "N", default_value_t = 8787, help_heading = "Which stack")]
    pub port: u16,
}

/// A stack, found.
#[derive(Debug)]
pub struct Stack {
    /// What its functions are told, taken together.
    pub environment: Environment,
    /// Its services.
    pub clients: Clients,
    /// How it is called in texts: `the stack bridge-prod`, `bridge up on port 8787`.
    pub name: String,
    /// The webhook URLs, by function.
    pub webhook_urls: std::collections::BTreeMap<String, String>,
    /// Where its functions log.
    pub log: StackLog,
}

impl Stack {
    /// Finds a stack. Nothing of it is changed.
    ///
    /// # Errors
    /// There is no such stack, or it does not run.
    pub async fn find(options: &StackOptions) -> Result<Self> {
        match &options.stack {
            Some(name) => deployed::find(name).await,
            None => address::find(options.data.as_deref(), options.port).await,
        }
    }

    /// A stack of this process, whose log is kept in the folder `data`.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn of(stack: &embedded_aws::Stack, data: &std::path::Path) -> Result<Self> {
        Ok(Address::of(stack, Some(data), 0)?.open("the stack of this process".to_owned()))
    }

    /// Its table.
    ///
    /// # Errors
    /// The stack names no table.
    pub fn store(&self) -> Result<DynamoStore> {
        Ok(DynamoStore::new(self.clients.dynamodb.clone(), self.environment.table()?))
    }

    /// The pairs whose systems it connects.
    ///
    /// # Errors
    /// A name of a system is wrong.
    pub fn pairs(&self) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        for kind in PairKind::ALL {
            let remote = pair_spec(kind).remote_kind;
            if self.environment.system(remote).is_err() {
                continue;
            }
            let hub = self.environment.instance(SystemKind::CoreBos)?;
            pairs.push(Pair { kind, hub, remote: self.environment.instance(remote)? });
        }
        Ok(pairs)
    }

    /// The pairs that the settings keep in step.
    ///
    /// # Errors
    /// A name of a system is wrong; or the table does not answer, or holds what cannot be meant.
    pub async fn pairs_in_use(&self, store: &DynamoStore) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        for pair in self.pairs()? {
            let (_, preferences) = wiring::systems::settings_of(store, &pair.remote).await?;
            if pair_spec(pair.kind).is_kept(&preferences) {
                pairs.push(pair);
            }
        }
        Ok(pairs)
    }

    /// Its secrets.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.clients.secrets_manager.clone(), SystemClock)
    }
}
