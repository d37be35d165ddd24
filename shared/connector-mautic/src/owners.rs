//! Owners by e-mail: the user of Mautic who has an address, and the address of the user who owns a contact.
//!
//! `GET /api/users` — <https://developer.mautic.org/#users>. The list is asked for where a contact has an owner, or gets
//! one, and kept as long as a list of fields. Our user needs the right user:users view for it; without it owners are not
//! told, and cannot be set.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_client::{Method, Request};
use model::{Fields, Value};
use serde_json::Value as Json;
use sync::{ConnectorError, Record};
use tokio::time::Instant;

use crate::client::Mautic;
use crate::objects::OWNER;
use crate::wire;

/// Users of a page, and the most pages.
const PAGE: usize = 200;
const PAGES: usize = 50;

/// The users by id, with their e-mail in small letters; `None` where our user may not list them.
type Users = Option<BTreeMap<u64, String>>;

/// The list of users, and when it was read.
pub(crate) type KeptUsers = Option<(Instant, Arc<Users>)>;

impl Mautic {
    /// A record whose owner is told by e-mail.
    pub(crate) async fn with_owner_email(&self, mut record: Record) -> Result<Record, ConnectorError> {
        let owner = record.fields.get(OWNER).filter(|owner| !owner.is_blank());
        let Some(id) = owner.and_then(|owner| wire::id_of(&owner.to_json())) else { return Ok(record) };
        let users = self.users().await?;
        match users.as_ref().as_ref().and_then(|users| users.get(&id)) {
            Some(email) => record.fields.insert(OWNER, Value::from(email.as_str())),
            // Nothing is known of the owner, which is not the same as having none.
            None => record.fields.remove(OWNER),
        };
        Ok(record)
    }

    /// Values whose owner is the id that Mautic takes.
    ///
    /// # Errors
    /// Rejected, naming the owner, where nobody has this e-mail.
    pub(crate) async fn with_owner_id(&self, values: &Fields) -> Result<Fields, ConnectorError> {
        let mut values = values.clone();
        let Some(owner) = values.get(OWNER).filter(|owner| !owner.is_blank()) else { return Ok(values) };
        let email = owner.php_string().trim().to_lowercase();
        let users = self.users().await?;
        let id = match users.as_ref() {
            Some(users) => users.iter().find(|(_, known)| **known == email).map(|(id, _)| *id),
            None => {
                return Err(refused(
                    "our Mautic user may not list the users: its role needs user:users view",
                ));
            }
        };
        let id = id.and_then(|id| i64::try_from(id).ok());
        let id = id.ok_or_else(|| refused("no user of Mautic has this e-mail"))?;
        values.insert(OWNER, Value::Int(id));
        Ok(values)
    }

    async fn users(&self) -> Result<Arc<Users>, ConnectorError> {
        // Held while asking, so that concurrent calls ask once.
        let mut kept = self.users.lock().await;
        if let Some((read, users)) = kept.as_ref()
            && read.elapsed() < self.schema_lifetime
        {
            return Ok(users.clone());
        }
        let users = match self.list_users().await {
            Ok(users) => Some(users),
            Err(ConnectorError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        let users = Arc::new(users);
        *kept = Some((Instant::now(), users.clone()));
        Ok(users)
    }

    async fn list_users(&self) -> Result<BTreeMap<u64, String>, ConnectorError> {
        let mut users = BTreeMap::new();
        for page in 0..PAGES {
            let request = Request::read(Method::GET, self.api(["users"]))
                .query("limit", &PAGE.to_string())
                .query("start", &(page * PAGE).to_string());
            let json = self.get(request).await?;
            let rows: Vec<&Json> = match json.get("users") {
                Some(Json::Array(list)) => list.iter().collect(),
                Some(Json::Object(map)) => map.values().collect(),
                _ => {
                    let detail = "Mautic answered with no list of users".to_owned();
                    return Err(ConnectorError::Unavailable { detail });
                }
            };
            let complete = rows.len() < PAGE;
            users.extend(rows.into_iter().filter_map(|row| {
                let email = row.get("email")?.as_str()?.trim().to_lowercase();
                Some((row.get("id").and_then(wire::id_of)?, email))
            }));
            if complete {
                break;
            }
        }
        Ok(users)
    }
}

fn refused(words: &str) -> ConnectorError {
    ConnectorError::Rejected {
        message: words.to_owned(),
        fields: BTreeMap::from([(OWNER.to_owned(), words.to_owned())]),
    }
}
