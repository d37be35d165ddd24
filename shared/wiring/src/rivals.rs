//! Other integrations between the same systems: coreBOS's own, above all. While one of them is switched on, the pair is
//! not started: two that keep the same records in step answer each other for ever, and blank what the other has filled.
//!
//! Looking costs calls, so it is done by polls, by the command line, and by a push only at first contact with a system.
//! What was seen last stands in the table; pushes read it once a minute and wait while it names anything. So a pair
//! goes on by itself once a poll sees that the other one is off.

use aws::{DynamoStore, SystemClock};
use jiff::Timestamp;
use model::System;
use serde::{Deserialize, Serialize};
use sync::{Clock as _, ConnectorError, Opens, StoreError};

use crate::not_ready::NotReady;

/// What was seen last in a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rivals {
    /// When.
    pub seen_at: Timestamp,
    /// Each in words for an administrator; none is what should be.
    pub running: Vec<String>,
}

/// Looks at a system and remembers what is seen. Where it cannot be seen, what was seen last stays.
///
/// # Errors
/// The table does not answer.
pub async fn look<C: Opens>(
    store: &DynamoStore,
    system: &C,
) -> Result<Result<Rivals, ConnectorError>, StoreError> {
    let running = match system.other_integrations().await {
        Ok(running) => running,
        Err(error) => return Ok(Err(error)),
    };
    let rivals = Rivals { seen_at: SystemClock.now(), running };
    store.put_setting(&aws::store::keys::rivals_setting(system.system()), &rivals).await?;
    Ok(Ok(rivals))
}

/// What was seen last.
///
/// # Errors
/// The table does not answer.
pub async fn seen(store: &DynamoStore, system: &System) -> Result<Option<Rivals>, StoreError> {
    store.setting(&aws::store::keys::rivals_setting(system)).await
}

/// Refuses to go on while another integration was seen in the system. Looks where nobody has looked yet.
pub(crate) async fn refuse<C: Opens>(store: &DynamoStore, system: &C) -> Result<(), NotReady> {
    let rivals = match seen(store, system.system()).await? {
        Some(rivals) => Ok(rivals),
        None => look(store, system).await?,
    };
    match rivals {
        Ok(rivals) if rivals.running.is_empty() => Ok(()),
        Ok(rivals) => Err(NotReady::ByAdministrator {
            reason: "other_integration",
            detail: format!(
                "another integration is switched on beside the bridge: {}. Switch it off (`bridge setup` shows how); \
                 changes wait, and go on within a few minutes after that. Where both shall run all the same, set \
                 allow_other_integration of the pair",
                rivals.running.join("; ")
            ),
        }),
        Err(error) => {
            // An account that may not look must not keep a pair from working; `bridge doctor` says what to look at.
            tracing::warn!(
                record.system = %system.system(),
                reason = error.code(),
                detail = %error,
                "whether another integration is switched on cannot be seen"
            );
            Ok(())
        }
    }
}
