//! Filling a table that nobody uses yet, for measurements: what settlements store, without their transactions.

use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use sync::{Settlement, StoreError};

use super::{DynamoStore, settle};
use crate::aws_error::store_error;

/// Items in one `BatchWriteItem`.
const BATCH_ITEMS: usize = 25;
/// How often DynamoDB is asked again for items that it left out of a batch, and the first wait; doubled each time.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(20);

impl DynamoStore {
    /// Stores the items that settlements would store if nothing was there before. Whatever is there is overwritten, and a
    /// failure leaves a part: never for a table in use.
    ///
    /// # Errors
    /// The table does not answer, or a settlement is none.
    pub async fn fill(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let mut puts = Vec::new();
        for settlement in settlements {
            for item in settle::items(settlement)? {
                let put = PutRequest::builder().set_item(Some(item)).build();
                let put = put.map_err(|_| StoreError { detail: "BatchWriteItem: no item".to_owned() })?;
                puts.push(WriteRequest::builder().put_request(put).build());
            }
        }
        for batch in puts.chunks(BATCH_ITEMS) {
            self.put_all(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn put_all(&self, mut puts: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut wait = FIRST_WAIT;
        for _ in 0..ATTEMPTS {
            let call = self.client.batch_write_item().request_items(&self.table, puts);
            let answer = call.send().await.map_err(|error| store_error("BatchWriteItem", &error))?;
            puts = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, rest)| rest).collect();
            if puts.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(StoreError { detail: "BatchWriteItem: items left unwritten, the table is throttled".to_owned() })
    }
}
