//! Passwords of new users: made here, shown in a field of Mautic where an administrator wants that, and kept nowhere.

use std::collections::BTreeMap;
use std::time::Duration;

use connector_mautic::CONTACT;
use jiff::SignedDuration;
use model::{Direction, Fields, Intent, Lease, ObjectName, OwnWrite, RecordRef, RecordState, Value};
use sync::{Canonical, Claimed, Connector as _, ConnectorError, Schema as _, Settlement, StateStore as _};
use uuid::Uuid;

use crate::failure::Failure;
use crate::ports::now;
use crate::work::Work;

/// What a lease of ours is called, so that we know it again.
const HOLDER: &str = "user:";
/// The letters and digits of a password, without those that look alike.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz2345679";
/// How long a password is: 139 bits.
const LENGTH: usize = 24;
/// How long to wait at most before looking again whether somebody else is done with the contact.
const LEASE_POLL: Duration = Duration::from_secs(2);

/// A new password, of the random numbers of the operating system.
pub(crate) fn generate() -> String {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        // The bytes 6 and 8 of a random UUID are not all random.
        let bytes = Uuid::new_v4().into_bytes();
        let random = bytes.iter().enumerate().filter(|(place, _)| ![6, 8].contains(place));
        for (_, byte) in random {
            // 224 is four times 56: every letter has the same chance.
            if *byte < 224
                && password.len() < LENGTH
                && let Some(letter) = ALPHABET.get(usize::from(*byte) % ALPHABET.len())
            {
                password.push(char::from(*letter));
            }
        }
    }
    password
}

/// Puts a password into a field of the contact, or takes it out again; or says why that cannot be. Under the lease of the
/// contact, like every other write to it.
pub(crate) async fn show(
    work: &Work<'_>,
    contact: &RecordRef,
    field: &str,
    password: Option<&str>,
) -> Result<Option<String>, Failure> {
    let mautic = &work.ready.mautic;
    let schema = mautic.schema(&ObjectName::new(CONTACT)).await?;
    let value = match schema.canonical(field, &Value::from(password.unwrap_or_default())) {
        Canonical::Value(value) if value.php_string() == password.unwrap_or_default() => value,
        Canonical::Value(_) => {
            return Ok(Some("the field of Mautic cannot hold a password as it is".to_owned()));
        }
        Canonical::Unfit(reason) => return Ok(Some(reason)),
        Canonical::NoSuchField | Canonical::ReadOnly => {
            return Ok(Some(
                "Mautic has no such field that can be written: see the setting password-field".to_owned(),
            ));
        }
    };
    let store = &work.ports.store;
    let state = store.state(contact).await?;
    let start = now();
    if let Some(lease) = &state.lease
        && (lease.until > start || !lease.holder.starts_with(HOLDER))
    {
        // What died half way is recovered by the push that knows its link.
        return Err(Failure::Wait {
            after: Some(LEASE_POLL),
            reason: "leased",
            detail: format!("the contact is being written, until {}", lease.until),
        });
    }
    let lease = Lease {
        holder: format!("{HOLDER}{}@{start}", work.notice.receipt),
        until: start + SignedDuration::try_from(work.ports.lease).unwrap_or_default(),
        intent: Intent::Write {
            // No link: whoever finds this after our death has nothing to settle.
            link: format!("{HOLDER}{}", work.notice.receipt),
            direction: Direction::ToRemote,
            fields: BTreeMap::new(),
            pending: Vec::new(),
            edited_at: None,
        },
    };
    let Claimed::Yes { version } = store.claim(contact, state.version, &lease).await? else {
        return Err(Failure::contended("the contact was written at the same time"));
    };
    let mut claimed = RecordState { version, lease: None, ..state };
    let mut values = Fields::new();
    values.insert(field, value);
    let written = mautic.update(contact, &values).await;
    if let Ok(record) = &written
        && let Some(produced) = record.modified
    {
        claimed.own_writes.retain(|_, own| own.produced >= produced);
        claimed.own_writes.insert(field.to_owned(), OwnWrite { produced, stands_for: start });
    }
    // The lease stays after a doubt: whether the write was done cannot be known before it has ended.
    if !matches!(&written, Err(ConnectorError::Doubtful { .. })) {
        let states = vec![(contact.clone(), claimed)];
        store.settle(&Settlement { states, ..Settlement::default() }).await?;
    }
    match written {
        Ok(_) => Ok(None),
        Err(ConnectorError::Rejected { fields, .. }) => {
            Ok(Some(fields.into_values().next().unwrap_or_else(|| "Mautic refuses it".to_owned())))
        }
        Err(ConnectorError::Forbidden { detail }) => Ok(Some(detail)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn passwords_are_long_are_different_and_need_no_escaping() {
        let many: BTreeSet<String> = (0..100).map(|_| generate()).collect();
        assert_eq!(many.len(), 100);
        for password in &many {
            assert_eq!(password.len(), LENGTH);
            assert!(password.bytes().all(|byte| ALPHABET.contains(&byte)), "{password}");
        }
        let used: BTreeSet<u8> = many.iter().flat_map(|password| password.bytes()).collect();
        assert_eq!(used.len(), ALPHABET.len(), "every letter occurs");
    }
}
