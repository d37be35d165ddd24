//! Secrets over HTTP: typed, cached for five minutes, never told.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use bridge_aws::secrets::{ExposeSecret, SecretError, SecretPlace, SecretString, Secrets};
use jiff::Timestamp;
use model::SystemKind;
use serde_json::json;
use sync::Clock;

use crate::endpoint::{Answer, Endpoint, error};
use crate::nouns::at;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mautic-a1b2c3";

#[derive(Debug, serde::Deserialize)]
struct MauticSecret {
    username: String,
    password: SecretString,
}

#[derive(Clone, Default)]
struct Seconds(Arc<AtomicI64>);

impl Clock for Seconds {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// The service with one answer that a test may change, the secrets, and the clock.
async fn service(first: Answer) -> (Endpoint, Arc<Mutex<Answer>>, Secrets<Seconds>, Seconds) {
    let answer = Arc::new(Mutex::new(first));
    let given = Arc::clone(&answer);
    let endpoint = Endpoint::start(move |_, _| given.lock().unwrap().clone()).await;
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(&endpoint.url)
        .build();
    let clock = Seconds::default();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    (endpoint, answer, Secrets::new(client, clock.clone()), clock)
}

fn secret(text: &str) -> Answer {
    (200, json!({ "ARN": ARN, "Name": "mautic", "SecretString": text }))
}

fn password(text: &str) -> Answer {
    secret(&json!({ "username": "bridge", "password": text }).to_string())
}

fn place() -> SecretPlace {
    place_of(SystemKind::Mautic)
}

fn place_of(kind: SystemKind) -> SecretPlace {
    SecretPlace { arn: ARN.to_owned(), kind }
}

async fn read(secrets: &Secrets<Seconds>) -> Result<String, SecretError> {
    let secret = secrets.secret::<MauticSecret>(&place()).await?;
    assert_eq!(secret.username, "bridge");
    Ok(secret.password.expose_secret().to_owned())
}

#[tokio::test]
async fn a_secret_is_read_once_in_five_minutes_and_a_rotated_one_then_takes_effect() {
    let (endpoint, answer, secrets, clock) = service(password("old")).await;
    assert_eq!(read(&secrets).await.unwrap(), "old");
    *answer.lock().unwrap() = password("new");
    clock.0.store(299, Ordering::SeqCst);
    assert_eq!(read(&secrets).await.unwrap(), "old");
    assert_eq!(endpoint.calls(), [("GetSecretValue".to_owned(), json!({ "SecretId": ARN }))]);
    clock.0.store(300, Ordering::SeqCst);
    assert_eq!(read(&secrets).await.unwrap(), "new");
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_a_secret() {
    let (_endpoint, answer, secrets, clock) = service(password("old")).await;
    clock.0.store(10_000, Ordering::SeqCst);
    read(&secrets).await.unwrap();
    *answer.lock().unwrap() = password("new");
    clock.0.store(0, Ordering::SeqCst);
    assert_eq!(read(&secrets).await.unwrap(), "new");
}

#[tokio::test]
async fn a_forgotten_secret_is_read_anew() {
    let (_endpoint, answer, secrets, _clock) = service(password("old")).await;
    read(&secrets).await.unwrap();
    *answer.lock().unwrap() = password("new");
    secrets.forget(&place());
    assert_eq!(read(&secrets).await.unwrap(), "new");
}

#[tokio::test]
async fn an_outage_is_bridged_for_an_hour_and_lost_rights_are_not() {
    let (_endpoint, answer, secrets, clock) = service(password("old")).await;
    read(&secrets).await.unwrap();
    *answer.lock().unwrap() = error(500, "InternalServiceError", "sorry");
    clock.0.store(3599, Ordering::SeqCst);
    assert_eq!(read(&secrets).await.unwrap(), "old");
    clock.0.store(3600, Ordering::SeqCst);
    let unreadable = read(&secrets).await.unwrap_err();
    assert!(matches!(unreadable, SecretError::Unreadable { .. }), "{unreadable}");

    clock.0.store(400, Ordering::SeqCst);
    for code in ["AccessDeniedException", "ResourceNotFoundException"] {
        *answer.lock().unwrap() = error(400, code, "no");
        let refused = read(&secrets).await.unwrap_err();
        assert!(
            matches!(&refused, SecretError::Refused { arn, detail } if arn == ARN && detail.contains(code))
        );
    }
}

#[tokio::test]
async fn a_wrong_secret_names_the_arn_and_the_missing_key_and_never_a_value() {
    let cases = [
        (r#"{"username":"hunter2"}"#, "missing field `password`"),
        (r#"{"username":["hunter2"],"password":"x"}"#, "an unexpected shape"),
        ("hunter2", "it is not JSON"),
        (r#"{"username":"hunter2"#, "it is not JSON"),
    ];
    for (text, problem) in cases {
        let (_endpoint, _answer, secrets, _clock) = service(secret(text)).await;
        let error = secrets.secret::<MauticSecret>(&place()).await.unwrap_err();
        assert_eq!(error, SecretError::Wrong { arn: ARN.to_owned(), problem: problem.to_owned() });
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let (_endpoint, _answer, secrets, _clock) = service((200, json!({ "SecretBinary": "AAAA" }))).await;
    assert!(
        secrets.secret::<MauticSecret>(&place()).await.unwrap_err().to_string().contains("it holds bytes")
    );
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let (_endpoint, _answer, secrets, _clock) = service(password("hunter2")).await;
    let secret: MauticSecret = secrets.secret(&place()).await.unwrap();
    assert!(!format!("{secrets:?} {secret:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_secret_that_does_not_fit_is_read_again_and_strangers_cannot_make_us_read_all_the_time() {
    let (endpoint, answer, secrets, clock) = service(password("old")).await;
    let fits = |wanted: &'static str| move |secret: &MauticSecret| secret.password.expose_secret() == wanted;
    let place = place();
    let read = |wanted| secrets.secret_that_fits::<MauticSecret>(&place, fits(wanted));
    assert_eq!(read("old").await.unwrap().password.expose_secret(), "old");
    *answer.lock().unwrap() = password("new");
    // Within the moment in which it was read, what does not fit is a stranger's.
    assert_eq!(read("new").await.unwrap().password.expose_secret(), "old");
    assert_eq!(endpoint.calls().len(), 1);
    clock.0.store(2, Ordering::SeqCst);
    assert_eq!(read("new").await.unwrap().password.expose_secret(), "new");
    for _ in 0..5 {
        assert_eq!(read("a stranger's").await.unwrap().password.expose_secret(), "new");
    }
    assert_eq!(endpoint.calls().len(), 2);
    // An outage leaves us with what we know.
    *answer.lock().unwrap() = error(500, "InternalServiceError", "away");
    clock.0.store(10, Ordering::SeqCst);
    assert_eq!(read("a stranger's").await.unwrap().password.expose_secret(), "new");
}

#[tokio::test]
async fn a_change_keeps_the_other_members() {
    let (endpoint, _, secrets, _) = service(password("old")).await;
    secrets
        .change(&place(), |members| drop(members.insert("webhook_secrets".to_owned(), json!(["a", "b"]))))
        .await
        .unwrap();
    let sent = endpoint.calls();
    let put = &sent.last().unwrap().1;
    assert_eq!(put["SecretId"], ARN);
    let stored: serde_json::Value = serde_json::from_str(put["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(stored, json!({ "username": "bridge", "password": "old", "webhook_secrets": ["a", "b"] }));
}

/// One secret for three systems.
fn shared() -> String {
    json!({
        "corebos": { "username": "sync", "access_key": "hunter3" },
        "mautic": { "username": "bridge", "password": "hunter2" },
        "wordpress": { "sites": {} },
    })
    .to_string()
}

#[tokio::test]
async fn a_secret_that_systems_share_is_read_once_and_gives_each_its_own_part_and_text() {
    let (endpoint, _, secrets, _) = service(secret(&shared())).await;
    let (mautic, text) = secrets.secret_with_text::<MauticSecret>(&place()).await.unwrap();
    assert_eq!((mautic.username.as_str(), mautic.password.expose_secret()), ("bridge", "hunter2"));
    let text: serde_json::Value = serde_json::from_str(text.expose_secret()).unwrap();
    assert_eq!(text, json!({ "username": "bridge", "password": "hunter2" }));
    let corebos: serde_json::Value = secrets.secret(&place_of(SystemKind::CoreBos)).await.unwrap();
    assert_eq!(corebos, json!({ "username": "sync", "access_key": "hunter3" }));
    assert_eq!(endpoint.calls().len(), 1);
}

#[tokio::test]
async fn a_change_of_a_shared_secret_touches_one_system_only() {
    let (endpoint, _, secrets, _) = service(secret(&shared())).await;
    secrets
        .change(&place(), |members| drop(members.insert("webhook_secrets".to_owned(), json!(["a"]))))
        .await
        .unwrap();
    let put = endpoint.calls().pop().unwrap().1;
    let stored: serde_json::Value = serde_json::from_str(put["SecretString"].as_str().unwrap()).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(&shared()).unwrap();
    expected["mautic"]["webhook_secrets"] = json!(["a"]);
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_system_that_a_shared_secret_lacks_is_named_and_so_is_the_key_that_a_part_lacks() {
    let cases = [
        (SystemKind::HubSpot, shared(), r#"several systems share it, and "hubspot" is missing"#),
        (
            SystemKind::Mautic,
            r#"{"mautic":{"username":"hunter2"}}"#.into(),
            r#""mautic": missing field `password`"#,
        ),
        (SystemKind::Mautic, r#"{"mautic":"hunter2"}"#.into(), r#""mautic": an unexpected shape"#),
        // Nobody else's credentials are taken for those of a system, even if they would do.
        (
            SystemKind::Mautic,
            r#"{"username":"hunter2","password":"hunter2","corebos":{}}"#.into(),
            r#"several systems share it, and "mautic" is missing"#,
        ),
    ];
    for (kind, text, problem) in cases {
        let (_endpoint, _answer, secrets, _clock) = service(secret(&text)).await;
        let error = secrets.secret::<MauticSecret>(&place_of(kind)).await.unwrap_err();
        assert_eq!(error, SecretError::Wrong { arn: ARN.to_owned(), problem: problem.to_owned() });
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        if problem.contains("is missing") {
            let change = secrets.change(&place_of(kind), |_| panic!("nothing is there to change")).await;
            assert_eq!(change.unwrap_err(), error);
        }
    }
}
