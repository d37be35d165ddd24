//! Logging in, and what becomes of a session that is over.

use http_client::USER_AGENT;
use model::{ObjectName, RecordRef};
use sync::{Connector as _, ConnectorError, Reading};
use tokio::time::Duration;

use crate::replay::{Replay, Reply};

const DESCRIBE: &str = "B001_describe_with_integration_fields_Contacts";
const OVER: &str = "F003_session_expired_in_store";

fn contact(id: &str) -> RecordRef {
    RecordRef::new(&"corebos:main".parse().unwrap(), &ObjectName::new("Contacts"), id)
}

#[tokio::test]
async fn the_login_answers_the_challenge_and_every_call_comes_from_the_same_agent() {
    let server = Replay::of(&[DESCRIBE]).await;
    let corebos = server.corebos();
    assert_eq!(corebos.identity().await.unwrap(), format!("{} as 19x1", server.url));
    corebos.schema(&ObjectName::new("Contacts")).await.unwrap();
    let login = &server.got("login")[0];
    // MD5 of the token 6b010067162ac and the access key, by another implementation.
    assert_eq!(login.parameters["accessKey"], "746a216ea15c459f68c60443471cd065");
    assert_eq!(login.method, "POST");
    let described = &server.got("describe")[0];
    assert_eq!(described.path, "/webservice.php");
    assert_eq!(described.parameters["sessionName"], "629b25545f89da882dbf80a9a6a917d5");
    assert!(!described.has_query, "a session name belongs into no web server's log");
    for got in [login, described, &server.got("getchallenge")[0]] {
        assert_eq!(got.user_agent, USER_AGENT);
    }
}

#[tokio::test]
async fn an_ended_session_is_replaced_and_the_call_repeated() {
    let server = Replay::with(vec![
        Reply::recorded(DESCRIBE),
        Reply::recorded(OVER).to("retrieve"),
        Reply::recorded("F008_getchallenge_reused"),
        Reply::recorded("A112_login_token_reuse"),
        Reply::recorded("A019_retrieve_contact"),
    ])
    .await;
    let found = server.corebos().read(&contact("12x8589")).await.unwrap();
    assert!(matches!(found, Reading::Found(_)));
    let sessions: Vec<_> =
        server.got("retrieve").iter().map(|got| got.parameters["sessionName"].clone()).collect();
    assert_eq!(sessions, ["629b25545f89da882dbf80a9a6a917d5", "52b60bcd22ccd7919c80d60893d283b3"]);
}

#[tokio::test]
async fn a_write_that_met_an_ended_session_is_repeated_too_since_nothing_was_done() {
    let server = Replay::with(vec![
        Reply::recorded(OVER).to("revise"),
        Reply::recorded("F008_getchallenge_reused"),
        Reply::recorded("A112_login_token_reuse"),
        Reply::recorded("A022_revise_contact_one_field"),
    ])
    .await;
    let values = [("phone", "555-2")].into_iter().collect();
    let record = server.corebos().update(&contact("12x8589"), &values).await.unwrap();
    assert_eq!(record.fields.text("phone"), Some("555-2"));
    assert_eq!(server.got("revise").len(), 2);
}

#[tokio::test]
async fn a_session_that_does_not_last_is_not_tried_for_ever() {
    let server = Replay::with(vec![
        Reply::recorded(DESCRIBE),
        Reply::recorded(OVER).to("retrieve"),
        Reply::recorded("F008_getchallenge_reused"),
        Reply::recorded("A112_login_token_reuse"),
        Reply::recorded(OVER).to("retrieve"),
    ])
    .await;
    let found = server.corebos().read(&contact("12x8589")).await;
    assert!(matches!(found, Err(ConnectorError::Unavailable { .. })), "{found:?}");
    assert_eq!(server.got("login").len(), 2);
}

#[tokio::test]
async fn calls_that_run_at_the_same_time_log_in_once_not_each() {
    let slowly = |mut reply: Reply| {
        reply.delay = Duration::from_millis(50);
        reply
    };
    let mut replies = vec![Reply::recorded(DESCRIBE)];
    // All three meet the ended session; all three are answered with the new one.
    replies.extend(vec![slowly(Reply::recorded(OVER).to("retrieve")); 3]);
    replies.push(slowly(Reply::recorded("F008_getchallenge_reused")));
    replies.push(Reply::recorded("A112_login_token_reuse"));
    replies.extend(vec![Reply::recorded("A019_retrieve_contact"); 3]);
    let server = Replay::with(replies).await;
    let corebos = server.corebos();
    corebos.schema(&ObjectName::new("Contacts")).await.unwrap();
    let record = contact("12x8589");
    let (first, second, third) =
        tokio::join!(corebos.read(&record), corebos.read(&record), corebos.read(&record));
    for found in [first, second, third] {
        assert!(matches!(found, Ok(Reading::Found(_))), "{found:?}");
    }
    assert_eq!(server.got("login").len(), 2);
    assert_eq!(server.got("retrieve").len(), 6);
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such() {
    for (challenge, login) in [
        ("A105_getchallenge_unknown_user", None),
        ("A001_getchallenge", Some("A107_login_bad_accesskey")),
        ("A001_getchallenge", Some("A108_login_unknown_user")),
    ] {
        let replies = [Some(challenge), login].into_iter().flatten().map(Reply::recorded).collect();
        let error = Replay::bare(replies).await.corebos().identity().await.unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorized { .. }), "{challenge} {login:?}: {error:?}");
        assert!(!format!("{error:?}").contains("geheim"));
    }
}

#[tokio::test]
async fn a_challenge_that_ended_between_the_two_calls_is_a_matter_of_time() {
    let server = Replay::bare(vec![
        Reply::recorded("A001_getchallenge"),
        Reply::recorded("F006_login_with_expired_challenge"),
    ])
    .await;
    let error = server.corebos().identity().await.unwrap_err();
    assert!(matches!(error, ConnectorError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_corebos_says_what_to_check() {
    for (status, content_type, body, code) in [
        (404, "text/html", "<h1>Not Found</h1>", "configuration"),
        (200, "text/html", "<html>Welcome to nginx</html>", "configuration"),
        (200, "text/html", "Webservice - Service is not active", "configuration"),
        (200, "application/json", "{\"hello\":1}", "configuration"),
        (200, "application/json", "{\"success\":true,\"result\":{}}", "configuration"),
        (301, "text/html", "", "configuration"),
        (401, "text/html", "<h1>Unauthorized</h1>", "configuration"),
        (500, "text/html", "", "unavailable"),
        (503, "text/html", "<h1>Maintenance</h1>", "unavailable"),
        (429, "text/html", "", "rate_limited"),
    ] {
        let server = Replay::bare(vec![Reply::other("getchallenge", status, content_type, body)]).await;
        let error = server.corebos().identity().await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}: {error:?}");
    }
}
