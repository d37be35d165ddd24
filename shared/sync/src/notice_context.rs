//! What a push begins with: all that the table knows of the record of a notice.

use model::{Link, Pair, RecordRef, RecordState};

use crate::error::StoreError;
use crate::ports::StateStore;
use crate::sabotage::{Break, broken};

/// What the table knows of the record of a notice.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeContext {
    /// The state of the record.
    pub state: RecordState,
    /// Its link in the pair.
    pub link: Option<Link>,
    /// The state of the record on the link's other side.
    pub partner: RecordState,
}

/// The context of a notice, read by the single reads of the store.
///
/// # Errors
/// The store does not answer.
pub async fn one_by_one<S: StateStore + ?Sized>(
    store: &S,
    record: &RecordRef,
    pair: &Pair,
) -> Result<Option<NoticeContext>, StoreError> {
    let (link, state) = futures::future::try_join(store.find_link(record, pair), store.state(record)).await?;
    let Some(link) = link else {
        return Ok(Some(NoticeContext { state, link: None, partner: RecordState::default() }));
    };
    let partner = store.state(link.partner_of(record)).await?;
    if !broken(Break::TrustAnOldLink) {
        // It was read before the states: it must still be the same.
        let now = store.link(&link.id).await?;
        if now.is_none_or(|now| now.version != link.version) {
            return Ok(None);
        }
    }
    Ok(Some(NoticeContext { state, link: Some(link), partner }))
}
