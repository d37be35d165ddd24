//! The rate budget: `sync::BudgetStore` on the table, one item for each limit of a system.
//!
//! Turns are taken by conditional updates of one number. Whoever loses the race for one looks again.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sync::{BudgetKey, BudgetStore, Clock as _, Pace, StoreError, Turn};

use super::DynamoStore;
use super::expression::{Item, key_attributes};
use super::keys;
use crate::aws_error::store_error;
use crate::clock::SystemClock;

/// How often a turn is tried for that others keep taking.
const ROUNDS: usize = 8;
/// How long to leave it alone then.
const CROWDED: SignedDuration = SignedDuration::from_secs(1);

/// The rate budgets of all systems.
#[derive(Debug)]
pub struct DynamoBudget {
    store: DynamoStore,
}

/// What an update of the item came to.
enum Updated {
    /// It is this now.
    Yes(Item),
    /// The condition did not hold; it is this.
    No(Item),
}

impl DynamoBudget {
    /// The budgets in this table.
    pub fn new(store: DynamoStore) -> Self {
        Self { store }
    }

    fn update(&self, key: &BudgetKey, expression: &str, condition: &str) -> UpdateItemFluentBuilder {
        self.store
            .client
            .update_item()
            .table_name(&self.store.table)
            .set_key(Some(key_attributes(&keys::budget(key))))
            .update_expression(expression)
            .condition_expression(condition)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn turn(&self, key: &BudgetKey, pace: Pace, latest: Timestamp) -> Result<Turn, StoreError> {
        let interval = SignedDuration::try_from(pace.interval).unwrap_or_default();
        let usable = |item: &Item| {
            let due = moment(item, "due").unwrap_or(Timestamp::UNIX_EPOCH);
            pace.usable_from(due).max(paused(item))
        };
        // The latest time at which the next turn may be due, so that it can be used in time.
        let latest_due = latest + (latest.duration_since(pace.usable_from(latest)) - interval);
        for _ in 0..ROUNDS {
            let now = self.now();
            let not_paused = "attribute_not_exists(paused) OR paused <= :latest";
            let follow = self
                .update(
                    key,
                    "SET due = due + :interval",
                    &format!("due >= :now AND due <= :latest_due AND ({not_paused})"),
                )
                .expression_attribute_values(":interval", number(interval.as_millis().max(1)))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":latest_due", at(latest_due))
                .expression_attribute_values(":latest", at(latest));
            let item = match sent(follow).await? {
                Updated::Yes(item) => return Ok(Turn::Ours { from: usable(&item) }),
                Updated::No(item) => item,
            };
            let due = moment(&item, "due").unwrap_or(Timestamp::UNIX_EPOCH);
            if paused(&item) > latest {
                return Ok(Turn::TooLate { from: paused(&item) });
            }
            if due >= now && due > latest_due {
                return Ok(Turn::TooLate { from: pace.usable_from(due + interval) });
            }
            let begin = self
                .update(key, "SET due = :next", "attribute_not_exists(due) OR due < :now")
                .expression_attribute_values(":next", at(now + interval))
                .expression_attribute_values(":now", at(now));
            if let Updated::Yes(item) = sent(begin).await? {
                return Ok(Turn::Ours { from: usable(&item) });
            }
        }
        Ok(Turn::TooLate { from: self.now() + CROWDED })
    }
}

impl BudgetStore for DynamoBudget {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(SystemClock.sleep(duration))
    }

    fn take<'a>(
        &'a self,
        key: &'a BudgetKey,
        pace: Pace,
        latest: Timestamp,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(self.turn(key, pace, latest))
    }

    fn pause<'a>(&'a self, key: &'a BudgetKey, until: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let request = self
                .update(key, "SET paused = :until", "attribute_not_exists(paused) OR paused < :until")
                .expression_attribute_values(":until", at(until));
            sent(request).await.map(drop)
        })
    }
}

async fn sent(request: UpdateItemFluentBuilder) -> Result<Updated, StoreError> {
    match request.send().await {
        Ok(answer) => Ok(Updated::Yes(answer.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Updated::No(failed.item.clone().unwrap_or_default()))
            }
            _ => Err(store_error("UpdateItem", &error)),
        },
    }
}

fn number(value: i128) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn at(time: Timestamp) -> AttributeValue {
    number(time.as_millisecond().into())
}

fn moment(item: &Item, name: &str) -> Option<Timestamp> {
    let text = item.get(name)?.as_n().ok()?;
    Timestamp::from_millisecond(text.parse().ok()?).ok()
}

fn paused(item: &Item) -> Timestamp {
    moment(item, "paused").unwrap_or(Timestamp::UNIX_EPOCH)
}
