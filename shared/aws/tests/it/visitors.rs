//! What is remembered of visitors: changed only by who has read the last version, and gone when its time is over.

use bridge_aws::store::Kept;
use jiff::SignedDuration;

use crate::nouns::at;

#[tokio::test]
async fn only_who_has_read_the_last_version_changes_what_is_remembered() {
    let store = crate::dynamodb::store().await;
    let (now, until) = (at(0), at(0) + SignedDuration::from_hours(1));
    let names = ["person#a".to_owned(), "person#b".to_owned()];
    let read = store.remembered::<String>(&names, now).await.unwrap();
    assert_eq!(read, [Kept::default(), Kept::default()], "nothing yet");
    let first = Kept { value: "first".to_owned(), version: 0 };
    assert!(store.keep_remembered(&names[0], &first, (now, until)).await.unwrap());
    assert!(!store.keep_remembered(&names[0], &first, (now, until)).await.unwrap(), "somebody was faster");
    let read = store.remembered::<String>(&names, now).await.unwrap();
    assert_eq!(read[0], Kept { value: "first".to_owned(), version: 1 });
    let second = Kept { value: "second".to_owned(), version: 1 };
    assert!(store.keep_remembered(&names[0], &second, (now, until)).await.unwrap());
    assert!(!store.keep_remembered(&names[0], &second, (now, until)).await.unwrap());
    let one = store.remembered::<String>(&names[..1], now).await.unwrap();
    assert_eq!(one[0], Kept { value: "second".to_owned(), version: 2 });
    store.forget_remembered(&names[0]).await.unwrap();
    assert_eq!(store.remembered::<String>(&names[..1], now).await.unwrap(), [Kept::default()]);
}

#[tokio::test]
async fn what_has_ended_is_gone_although_the_table_may_still_have_it() {
    let store = crate::dynamodb::store().await;
    let (now, until) = (at(0), at(0) + SignedDuration::from_secs(10));
    let later = until + SignedDuration::from_secs(10);
    let name = ["person#a".to_owned()];
    let old = Kept { value: "old".to_owned(), version: 0 };
    assert!(store.keep_remembered(&name[0], &old, (now, until)).await.unwrap());
    assert_eq!(store.remembered::<String>(&name, later).await.unwrap(), [Kept::default()]);
    let new = Kept { value: "new".to_owned(), version: 0 };
    assert!(!store.keep_remembered(&name[0], &new, (now, until)).await.unwrap(), "it is still alive");
    let ends = (later, later + SignedDuration::from_secs(10));
    assert!(store.keep_remembered(&name[0], &new, ends).await.unwrap(), "somebody new takes its place");
    assert_eq!(store.remembered::<String>(&name, later).await.unwrap()[0].value, "new");
}
