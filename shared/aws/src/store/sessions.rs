//! Sessions: `sync::SessionStore` on the table, sealed with the system's own credentials.
//!
//! A renewal is a lease of the item, as that of a cursor. What else the item holds is left as it is meanwhile, so the
//! others go on with the session that is there.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use sync::sessions::{KeptSession, Renewal, SessionKey, SessionStore};
use sync::{Clock as _, StoreError};

use super::DynamoStore;
use super::expression::{Item, expiry, key_attributes, text};
use super::items::{later, text_attribute};
use super::keys;
use crate::aws_error::store_error;
use crate::clock::SystemClock;
use crate::seal::Seal;

/// How long an item is kept at least: longer than any session.
const KEPT_DAYS: i64 = 2;

/// The sessions of one system, for who has its credentials.
#[derive(Debug)]
pub struct DynamoSessions {
    store: DynamoStore,
    seal: Seal,
    holder: String,
}

impl DynamoSessions {
    /// The sessions that were made with these credentials: the text of the system's secret.
    pub fn new(store: DynamoStore, credentials: &SecretString) -> Self {
        Self { store, seal: Seal::of(credentials), holder: random_name() }
    }

    /// The session that an item holds, if it is ours to read.
    fn opened(&self, key: &SessionKey, item: &Item) -> Option<KeptSession> {
        let id = text_attribute(item, "id")?;
        let until = text_attribute(item, "good_until")?.parse().ok()?;
        let sealed = item.get("sealed").and_then(|value| value.as_b().ok())?;
        let value = self.seal.open(&purpose(key), sealed.as_ref())?;
        Some(KeptSession { id: id.to_owned(), value, until })
    }

    async fn read(&self, key: &SessionKey) -> Result<Option<KeptSession>, StoreError> {
        let item = super::read::get(&self.store, &keys::session(key)).await?;
        Ok(item.and_then(|item| self.opened(key, &item)))
    }

    fn update(&self, key: &SessionKey, expression: &str) -> UpdateItemFluentBuilder {
        self.store
            .client
            .update_item()
            .table_name(&self.store.table)
            .set_key(Some(key_attributes(&keys::session(key))))
            .update_expression(expression)
    }

    async fn take(
        &self,
        key: &SessionKey,
        seen: Option<&str>,
        until: Timestamp,
    ) -> Result<Renewal, StoreError> {
        let mut seen = seen.map(str::to_owned);
        // Twice: the second time past a session that was made with other credentials.
        for _ in 0..2 {
            let same = if seen.is_some() { "#id = :seen" } else { "attribute_not_exists(#id)" };
            let free = "attribute_not_exists(renewed_by) OR renewed_by = :us OR renewed_until <= :now";
            let now = self.now();
            let mut request = self
                .update(
                    key,
                    "SET renewed_by = :us, renewed_until = :until, expires_at = if_not_exists(expires_at, :expires)",
                )
                .condition_expression(format!("({free}) AND ({same})"))
                .expression_attribute_names("#id", "id")
                .expression_attribute_values(":us", text(&self.holder))
                .expression_attribute_values(":until", text(keys::sortable(until)))
                .expression_attribute_values(":now", text(keys::sortable(now)))
                .expression_attribute_values(":expires", expiry(later(now, KEPT_DAYS)))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            if let Some(seen) = &seen {
                request = request.expression_attribute_values(":seen", text(seen));
            }
            let Err(error) = request.send().await else { return Ok(Renewal::Ours) };
            let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
            else {
                return Err(store_error("UpdateItem", &error));
            };
            let item = failed.item.clone().unwrap_or_default();
            let found = text_attribute(&item, "id").map(str::to_owned);
            if found == seen {
                return Ok(Renewal::Theirs);
            }
            if let Some(session) = self.opened(key, &item) {
                return Ok(Renewal::Done(session));
            }
            seen = found;
        }
        Ok(Renewal::Theirs)
    }

    async fn store(
        &self,
        key: &SessionKey,
        value: &SecretString,
        until: Timestamp,
    ) -> Result<String, StoreError> {
        let id = random_name();
        let sealed = self.seal.close(&purpose(key), value);
        let sealed = sealed.ok_or_else(|| StoreError { detail: "a session cannot be sealed".to_owned() })?;
        let request = self
            .update(
                key,
                "SET #id = :id, sealed = :sealed, good_until = :until, expires_at = :expires REMOVE renewed_by, \
                 renewed_until",
            )
            .condition_expression("attribute_not_exists(renewed_by) OR renewed_by = :us OR renewed_until <= :now")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":id", text(&id))
            .expression_attribute_values(":sealed", AttributeValue::B(Blob::new(sealed)))
            .expression_attribute_values(":until", text(keys::sortable(until)))
            .expression_attribute_values(":expires", expiry(later(until, KEPT_DAYS)))
            .expression_attribute_values(":us", text(&self.holder))
            .expression_attribute_values(":now", text(keys::sortable(self.now())));
        done_or_not_ours(request).await?;
        Ok(id)
    }
}

/// What is sealed together with a session.
fn purpose(key: &SessionKey) -> String {
    format!("{}\n{}\n{}", key.system, key.slot, key.binding.as_str())
}

/// A name that nobody else has. Only of use among the few who share an item.
fn random_name() -> String {
    let mut bytes = [0_u8; 12];
    // Without chance there would be no TLS either; a fixed name then only makes holders look alike.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
}

/// Sends an update; that the item is not ours to change any more is no error.
async fn done_or_not_ours(request: UpdateItemFluentBuilder) -> Result<(), StoreError> {
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(store_error("UpdateItem", &error)),
        },
    }
}

impl SessionStore for DynamoSessions {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(SystemClock.sleep(duration))
    }

    fn session<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<KeptSession>, StoreError>> {
        Box::pin(self.read(key))
    }

    fn renew<'a>(
        &'a self,
        key: &'a SessionKey,
        seen: Option<&'a str>,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Renewal, StoreError>> {
        Box::pin(self.take(key, seen, until))
    }

    fn keep<'a>(
        &'a self,
        key: &'a SessionKey,
        value: &'a SecretString,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(self.store(key, value, until))
    }

    fn give_up<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>> {
        let request = self
            .update(key, "REMOVE renewed_by, renewed_until")
            .condition_expression("renewed_by = :us")
            .expression_attribute_values(":us", text(&self.holder));
        Box::pin(done_or_not_ours(request))
    }

    fn discard<'a>(&'a self, key: &'a SessionKey, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let request = self
            .update(key, "REMOVE #id, sealed, good_until")
            .condition_expression("#id = :id")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":id", text(id));
        Box::pin(done_or_not_ours(request))
    }
}
