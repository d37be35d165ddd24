//! The recorded webhooks and exchanges; fixtures/README.md tells where each comes from.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A webhook: its name, its signature, its raw body.
pub(crate) struct Webhook {
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) raw: Vec<u8>,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Response,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) body: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Map<String, Value>,
    pub(crate) body: Value,
}

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fixtures", name].iter().collect()
}

/// All recorded webhooks.
pub(crate) fn webhooks() -> Vec<Webhook> {
    let table = std::fs::read_to_string(folder("webhooks").join("signatures.tsv")).unwrap();
    table
        .lines()
        .map(|line| {
            let (name, signature) = line.split_once('\t').unwrap();
            let raw = std::fs::read(folder("webhooks").join(name)).unwrap();
            Webhook { name: name.to_owned(), signature: signature.to_owned(), raw }
        })
        .collect()
}

/// The body of the recorded webhook with this name.
pub(crate) fn webhook(name: &str) -> Webhook {
    webhooks().into_iter().find(|w| w.name == format!("{name}.json")).unwrap()
}

/// The recorded exchange with this name.
pub(crate) fn exchange(name: &str) -> Exchange {
    let text = std::fs::read_to_string(folder("api").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}
