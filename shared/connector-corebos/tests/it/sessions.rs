//! Logging in, and what becomes of a session that is over.

use std::sync::Arc;

use connector_corebos::{Account, CoreBos};
use http_client::USER_AGENT;
use model::{ObjectName, RecordRef};
use sync::memory::MemorySessions;
use sync::{Connector as _, ConnectorError, Reading, Writer};
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
        Reply::recorded(DESCRIBE),
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
    let corebos = server.corebos_with(|settings| settings.sessions = 1);
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
async fn calls_that_run_at_the_same_time_do_not_wait_for_one_session() {
    let mut slow = Reply::recorded("A019_retrieve_contact");
    slow.delay = Duration::from_millis(100);
    let mut replies = vec![Reply::recorded(DESCRIBE), slow.clone(), slow];
    replies.extend([Reply::recorded("F008_getchallenge_reused"), Reply::recorded("A112_login_token_reuse")]);
    replies.extend(vec![Reply::recorded("A019_retrieve_contact"); 2]);
    let server = Replay::with(replies).await;
    let corebos = server.corebos();
    corebos.schema(&ObjectName::new("Contacts")).await.unwrap();
    let record = contact("12x8589");
    let (first, second) = tokio::join!(corebos.read(&record), corebos.read(&record));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let used = |server: &Replay| -> Vec<String> {
        server.got("retrieve").iter().map(|got| got.parameters["sessionName"].clone()).collect()
    };
    assert_ne!(used(&server)[0], used(&server)[1]);
    // One after the other needs one only.
    for _ in 0..2 {
        corebos.read(&record).await.unwrap();
    }
    assert_eq!(used(&server)[2..], [used(&server)[2].clone(), used(&server)[2].clone()]);
    assert_eq!(server.got("login").len(), 2);
}

/// As many connectors as processes, which share their sessions.
fn processes<const N: usize>(server: &Replay) -> [CoreBos; N] {
    let first = MemorySessions::default();
    std::array::from_fn(|_| {
        let sessions = Arc::new(first.of_another_process());
        server.corebos_with(|settings| settings.shared_sessions = sessions)
    })
}

#[tokio::test]
async fn processes_share_a_session_and_replace_it_once() {
    let server = Replay::with(vec![
        Reply::recorded("A019_retrieve_contact"),
        Reply::recorded("A019_retrieve_contact"),
        Reply::recorded(DESCRIBE),
        Reply::recorded(DESCRIBE),
        Reply::recorded(OVER).to("retrieve"),
        Reply::recorded("F008_getchallenge_reused"),
        Reply::recorded("A112_login_token_reuse"),
        Reply::recorded("A019_retrieve_contact"),
        Reply::recorded(OVER).to("retrieve"),
        Reply::recorded("A019_retrieve_contact"),
    ])
    .await;
    let processes: [CoreBos; 2] = processes(&server);
    let record = contact("12x8589");
    for process in &processes {
        process.read(&record).await.unwrap();
    }
    assert_eq!(server.got("login").len(), 1);
    // It ends; both meet that, one after the other.
    for process in &processes {
        process.read(&record).await.unwrap();
    }
    assert_eq!(server.got("login").len(), 2);
    let names: Vec<_> =
        server.got("retrieve").iter().map(|got| got.parameters["sessionName"].clone()).collect();
    let (old, new) = (&names[0], &names[3]);
    assert_eq!(names, [old, old, old, new, old, new].map(Clone::clone));
}

#[tokio::test]
async fn another_access_key_does_not_meet_the_session_of_the_old_one() {
    let server = Replay::with(vec![
        Reply::recorded("F008_getchallenge_reused"),
        Reply::recorded("A112_login_token_reuse"),
    ])
    .await;
    let first = MemorySessions::default();
    let with_key = |key: &str| {
        let sessions = Arc::new(first.of_another_process());
        server.corebos_with(|settings| {
            settings.account = Account::AccessKey { username: "admin".to_owned(), access_key: key.into() };
            settings.shared_sessions = sessions;
        })
    };
    with_key("geheim").identity().await.unwrap();
    with_key("rotated").identity().await.unwrap();
    let logins = server.got("login");
    assert_eq!(logins.len(), 2);
    assert_ne!(logins[0].parameters["accessKey"], logins[1].parameters["accessKey"]);
}

fn with_static_token(server: &Replay) -> CoreBos {
    server.corebos_with(|settings| {
        settings.account =
            Account::StaticToken { username: "Admin".to_owned(), token: "a-static-token".into() };
    })
}

#[tokio::test]
async fn a_static_token_needs_no_login_and_its_owner_is_looked_up_once() {
    let server = Replay::bare(vec![
        Reply::recorded("A012_query_users"),
        Reply::recorded(DESCRIBE),
        Reply::recorded("A019_retrieve_contact"),
    ])
    .await;
    let corebos = with_static_token(&server);
    assert_eq!(corebos.identity().await.unwrap(), format!("{} as 19x1", server.url));
    let Reading::Found(record) = corebos.read(&contact("12x8589")).await.unwrap() else { panic!() };
    assert_eq!(record.last_writer, Writer::Us);
    assert_eq!(server.calls(), 3);
    let asked = &server.got("query")[0];
    assert_eq!(asked.parameters["query"], "select id,user_name from Users where user_name='Admin' limit 2;");
    for got in [asked, &server.got("describe")[0], &server.got("retrieve")[0]] {
        assert_eq!(got.token.as_deref(), Some("a-static-token"));
        assert!(!got.parameters.contains_key("sessionName") && !got.has_query);
    }
}

#[tokio::test]
async fn a_refused_static_token_is_a_matter_of_credentials() {
    let server = Replay::bare(vec![Reply::recorded(OVER).to("query")]).await;
    let error = with_static_token(&server).identity().await.unwrap_err();
    assert_eq!(error.code(), "credentials");
    assert!(
        error.to_string().contains("static token") && !format!("{error:?}").contains("a-static"),
        "{error}"
    );
    // It ends in the middle of our work, too.
    let server = Replay::bare(vec![
        Reply::recorded("A012_query_users"),
        Reply::recorded(DESCRIBE),
        Reply::recorded(OVER).to("retrieve"),
    ])
    .await;
    let error = with_static_token(&server).read(&contact("12x8589")).await.unwrap_err();
    assert_eq!(error.code(), "credentials", "{error}");
    assert_eq!(server.calls(), 3);
    // Nobody of this name, or a user who may not see users.
    let server = Replay::bare(vec![Reply::recorded("A038_query_empty")]).await;
    let error = with_static_token(&server).identity().await.unwrap_err();
    assert!(error.to_string().contains("username"), "{error}");
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
