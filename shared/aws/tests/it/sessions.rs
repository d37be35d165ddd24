//! What keeping sessions means, kept by the twin in memory and by the table; and what only the table does.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use bridge_aws::secrets::{ExposeSecret as _, SecretString};
use bridge_aws::{DynamoSessions, DynamoStore};
use jiff::{SignedDuration, Timestamp};
use model::Fingerprint;
use sync::memory::MemorySessions;
use sync::sessions::{KeptSession, Renewal, SessionKey, SessionStore};

use crate::dynamodb::{TABLE, client};

/// Two processes.
type Two = [Arc<dyn SessionStore>; 2];

fn key(binding: &str) -> SessionKey {
    SessionKey {
        system: "mautic:main".parse().unwrap(),
        slot: "token".to_owned(),
        binding: Fingerprint::of_bytes(binding.as_bytes()),
    }
}

fn credentials(text: &str) -> SecretString {
    text.to_owned().into()
}

fn in_seconds(store: &dyn SessionStore, seconds: i64) -> Timestamp {
    store.now() + SignedDuration::from_secs(seconds)
}

fn in_memory() -> Two {
    let first = MemorySessions::default();
    [Arc::new(first.of_another_process()), Arc::new(first)]
}

async fn on_the_table() -> Two {
    let store = DynamoStore::new(client().await, TABLE);
    let process = || DynamoSessions::new(store.clone(), &credentials("the text of the secret"));
    [Arc::new(process()), Arc::new(process())]
}

async fn kept(store: &dyn SessionStore, key: &SessionKey) -> Option<(String, String)> {
    let session: KeptSession = store.session(key).await.unwrap()?;
    Some((session.id, session.value.expose_secret().to_owned()))
}

async fn one_renews_and_everybody_has_it([ours, theirs]: Two) {
    let key = key("a");
    assert!(kept(&*ours, &key).await.is_none());
    let lease = in_seconds(&*ours, 60);
    assert!(matches!(ours.renew(&key, None, lease).await, Ok(Renewal::Ours)));
    assert!(matches!(theirs.renew(&key, None, lease).await, Ok(Renewal::Theirs)));
    // A lost answer makes the client ask again.
    assert!(matches!(ours.renew(&key, None, lease).await, Ok(Renewal::Ours)));
    // While one renews, nobody else's session is kept.
    let until = in_seconds(&*ours, 3600);
    theirs.keep(&key, &credentials("theirs"), until).await.unwrap();
    assert!(kept(&*theirs, &key).await.is_none());
    let id = ours.keep(&key, &credentials("ours"), until).await.unwrap();
    assert_eq!(kept(&*theirs, &key).await, Some((id.clone(), "ours".to_owned())));
    let difference = theirs.session(&key).await.unwrap().unwrap().until.duration_since(until);
    assert!(difference.is_zero());
    // Who has not seen it yet is told.
    let Ok(Renewal::Done(done)) = theirs.renew(&key, None, lease).await else { panic!("it is done") };
    assert_eq!(done.id, id);
    // Before its end it is renewed by one, and stays readable meanwhile.
    assert!(matches!(theirs.renew(&key, Some(&id), lease).await, Ok(Renewal::Ours)));
    assert!(matches!(ours.renew(&key, Some(&id), lease).await, Ok(Renewal::Theirs)));
    assert_eq!(kept(&*ours, &key).await, Some((id, "ours".to_owned())));
}

async fn a_renewal_ends_by_giving_up_or_by_its_time([ours, theirs]: Two) {
    let key = key("a");
    let lease = in_seconds(&*ours, 60);
    assert!(matches!(ours.renew(&key, None, lease).await, Ok(Renewal::Ours)));
    theirs.give_up(&key).await.unwrap();
    assert!(matches!(theirs.renew(&key, None, lease).await, Ok(Renewal::Theirs)), "it was not theirs");
    ours.give_up(&key).await.unwrap();
    let over = in_seconds(&*ours, -1);
    assert!(matches!(theirs.renew(&key, None, over).await, Ok(Renewal::Ours)));
    assert!(matches!(ours.renew(&key, None, lease).await, Ok(Renewal::Ours)), "its time is over");
}

async fn what_is_refused_is_thrown_away_once([ours, theirs]: Two) {
    let key = key("a");
    let until = in_seconds(&*ours, 3600);
    let first = ours.keep(&key, &credentials("first"), until).await.unwrap();
    theirs.discard(&key, &first).await.unwrap();
    assert!(kept(&*ours, &key).await.is_none());
    let second = ours.keep(&key, &credentials("second"), until).await.unwrap();
    theirs.discard(&key, &first).await.unwrap();
    assert_eq!(kept(&*theirs, &key).await, Some((second, "second".to_owned())));
}

async fn another_binding_does_not_find_it_and_takes_its_place([ours, theirs]: Two) {
    let until = in_seconds(&*ours, 3600);
    ours.keep(&key("a"), &credentials("of a"), until).await.unwrap();
    assert!(kept(&*theirs, &key("b")).await.is_none());
    let lease = in_seconds(&*ours, 60);
    assert!(matches!(theirs.renew(&key("b"), None, lease).await, Ok(Renewal::Ours)));
    let id = theirs.keep(&key("b"), &credentials("of b"), until).await.unwrap();
    assert_eq!(kept(&*ours, &key("b")).await, Some((id, "of b".to_owned())));
}

macro_rules! keeps_sessions {
    ($module:ident, $two:expr) => {
        mod $module {
            use super::*;

            #[tokio::test]
            async fn one_renews_and_everybody_has_it() {
                super::one_renews_and_everybody_has_it($two).await;
            }

            #[tokio::test]
            async fn a_renewal_ends_by_giving_up_or_by_its_time() {
                super::a_renewal_ends_by_giving_up_or_by_its_time($two).await;
            }

            #[tokio::test]
            async fn what_is_refused_is_thrown_away_once() {
                super::what_is_refused_is_thrown_away_once($two).await;
            }

            #[tokio::test]
            async fn another_binding_does_not_find_it_and_takes_its_place() {
                super::another_binding_does_not_find_it_and_takes_its_place($two).await;
            }
        }
    };
}

keeps_sessions!(memory, in_memory());
keeps_sessions!(table, on_the_table().await);

#[tokio::test]
async fn the_table_shows_no_session_to_who_has_no_credentials() {
    let client = client().await;
    let store = DynamoStore::new(client.clone(), TABLE);
    let ours = DynamoSessions::new(store.clone(), &credentials("the text of the secret"));
    let until = in_seconds(&ours, 3600);
    ours.keep(&key("a"), &credentials("a very secret token"), until).await.unwrap();
    let items = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1);
    let mut names: Vec<&str> = items[0].keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["expires_at", "good_until", "id", "pk", "sealed", "sk"]);
    let AttributeValue::B(sealed) = &items[0]["sealed"] else { panic!("bytes") };
    assert!(!sealed.as_ref().windows(6).any(|window| window == b"secret"));
    for other in ["", "the text of the secreT", "rotated"] {
        let stranger = DynamoSessions::new(store.clone(), &credentials(other));
        assert!(kept(&stranger, &key("a")).await.is_none(), "{other}");
    }
    assert!(!format!("{ours:?}").contains("secret\""));
}
