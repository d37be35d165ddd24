//! coreBOS calls: sessions, queries, sync, settings, faults. Beside the recorded story.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::corebos::{CoreBosOptions, CoreBosUser, start};
use simulators::faults::{Fault, FaultKind};

use crate::corebos_client::{Caller, START, standing};

#[tokio::test]
async fn sync_pages_by_whole_seconds_like_the_recorded_one() {
    // G007, G011, G012: 130 leads in three seconds, after one that was deleted earlier.
    let (simulator, clock) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let at = |second: i64| clock.set(jiff::Timestamp::from_second(START + second).unwrap());
    let gone = simulator.create("Leads", &json!({"lastname": "Gone", "company": "X"})).await.unwrap();
    simulator.delete(&gone).await.unwrap();
    let mut number = 0;
    for (second, count) in [(10, 71), (11, 50), (12, 9)] {
        at(second);
        let elements: Vec<Value> = (0..count)
            .map(|_| {
                number += 1;
                let element = json!({"lastname": format!("Bulk{number:03}"), "company": "Bulk",
                    "assigned_user_id": "19x5"});
                json!({"elementType": "Leads", "element": element})
            })
            .collect();
        let created = caller.ok("MassCreate", &[("elements", &json!(elements).to_string())]).await;
        assert_eq!(created["success_creates"].as_array().unwrap().len(), count);
    }
    let first = caller.sync(START - 1, "Leads").await;
    assert_eq!(
        first["updated"].as_array().unwrap().len(),
        121,
        "the page of 100 is filled up to its last second"
    );
    assert_eq!(first["deleted"], json!([gone]));
    assert_eq!((&first["more"], &first["lastModifiedTime"]), (&json!(true), &json!(START + 11)));
    assert_eq!(first["updated"][0]["converted"], "0");
    assert!(first["updated"][0].get("cbuuid").is_none());
    let second = caller.sync(START + 11, "Leads").await;
    assert_eq!(second["updated"].as_array().unwrap().len(), 9);
    assert_eq!((&second["more"], &second["lastModifiedTime"]), (&json!(false), &json!(START + 12)));

    let caller = &caller;
    let rows = |text: &'static str| async move { caller.call("query", &[("query", text)]).await };
    let default = rows("select id from Leads;").await;
    assert_eq!(default["result"].as_array().unwrap().len(), 100);
    assert_eq!(default["moreinfo"]["totalrows"], "130");
    assert_eq!(rows("select id from Leads limit 500;").await["result"].as_array().unwrap().len(), 130);
    let last = rows("select id,lastname from Leads order by lastname limit 100,50;").await;
    assert_eq!(last["result"].as_array().unwrap().len(), 30);
    assert_eq!(last["result"][0]["lastname"], "Bulk101");
}

#[tokio::test]
async fn a_change_in_the_second_of_the_cursor_is_never_seen_by_sync() {
    let (simulator, clock) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let id = simulator.create("Contacts", &json!({"lastname": "First"})).await.unwrap();
    let cursor = caller.sync(START - 1, "Contacts").await["lastModifiedTime"].as_i64().unwrap();
    assert_eq!(cursor, START);
    simulator.edit(&id, &json!({"lastname": "Same second"})).await.unwrap();
    clock.advance(jiff::SignedDuration::from_secs(5));
    assert_eq!(caller.sync(cursor, "Contacts").await["updated"], json!([]));
    simulator.edit(&id, &json!({"lastname": "Later"})).await.unwrap();
    assert_eq!(caller.sync(cursor, "Contacts").await["updated"][0]["lastname"], "Later");
}

#[tokio::test]
async fn a_restored_record_is_not_in_sync() {
    let (simulator, clock) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let id = simulator.create("Contacts", &json!({"lastname": "Back"})).await.unwrap();
    clock.advance(jiff::SignedDuration::from_secs(5));
    simulator.delete(&id).await.unwrap();
    let after = caller.sync(START, "Contacts").await;
    assert_eq!((&after["deleted"], &after["lastModifiedTime"]), (&json!([id]), &json!(START + 5)));
    clock.advance(jiff::SignedDuration::from_secs(5));
    simulator.restore(&id).await.unwrap();
    let restored = caller.sync(START + 5, "Contacts").await;
    assert_eq!((&restored["updated"], &restored["deleted"]), (&json!([]), &json!([])));
    assert_eq!(caller.query("select id from Contacts;").await.len(), 1);
}

#[tokio::test]
async fn sync_shows_a_user_only_his_own_unless_he_is_the_first_or_asks_as_an_administrator() {
    let mut options = CoreBosOptions::default();
    options.users.push(CoreBosUser::new(6, "clerk"));
    let simulator = start(options).await.unwrap();
    simulator.create("Contacts", &json!({"lastname": "Hers", "assigned_user_id": "19x6"})).await.unwrap();
    simulator.create("Contacts", &json!({"lastname": "His", "assigned_user_id": "19x1"})).await.unwrap();
    let own = [("modifiedTime", "0"), ("elementType", "Contacts")];
    let all = [("modifiedTime", "0"), ("elementType", "Contacts"), ("syncType", "application")];
    let count = |result: &Value| result["updated"].as_array().unwrap().len();
    let clerk = Caller::login(&simulator, "clerk").await;
    assert_eq!(count(&clerk.ok("sync", &own).await), 1);
    assert_eq!(
        clerk.error("sync", &all).await,
        ("ACCESS_DENIED".to_owned(), "Only admin users can perform application sync".to_owned())
    );
    let sync = Caller::login(&simulator, "sync").await;
    assert_eq!(count(&sync.ok("sync", &own).await), 0);
    assert_eq!(count(&sync.ok("sync", &all).await), 2);
    let admin = Caller::login(&simulator, "admin").await;
    assert_eq!(count(&admin.ok("sync", &own).await), 2);
}

#[tokio::test]
async fn another_user_agent_kills_the_session() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let other = reqwest::Client::builder().no_proxy().user_agent("other/1.0").build().unwrap();
    let form = [("operation", "listtypes"), ("sessionName", caller.session.as_str())];
    let answer: Value = other.post(&caller.url).form(&form).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"]["code"], "AUTHENTICATION_REQUIRED");
    assert_eq!(caller.error("listtypes", &[]).await.0, "AUTHENTICATION_REQUIRED");
    assert_eq!(simulator.open_sessions(), 0);
}

#[tokio::test]
async fn sessions_end_by_age_and_by_idleness() {
    let (simulator, clock) = standing().await;
    let idle = Caller::login(&simulator, "sync").await;
    clock.advance(jiff::SignedDuration::from_secs(1_800));
    assert_eq!(idle.error("listtypes", &[]).await.0, "AUTHENTICATION_REQUIRED");
    let busy = Caller::login(&simulator, "sync").await;
    for _ in 0..7 {
        clock.advance(jiff::SignedDuration::from_secs(1_000));
        busy.ok("listtypes", &[]).await;
    }
    clock.advance(jiff::SignedDuration::from_secs(1_000));
    assert_eq!(busy.error("listtypes", &[]).await.0, "AUTHENTICATION_REQUIRED");
}

#[tokio::test]
async fn a_rotated_key_refuses_the_next_login_and_keeps_open_sessions() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let challenge = caller.ok("getchallenge", &[("username", "sync")]).await;
    let token = challenge["token"].as_str().unwrap();
    let key = crate::corebos_client::hashed(token, &simulator.access_key("sync").unwrap());
    simulator.rotate_access_key("sync").unwrap();
    let login = caller.error("login", &[("username", "sync"), ("accessKey", &key)]).await;
    assert_eq!(login.0, "INVALID_USER_CREDENTIALS");
    caller.ok("listtypes", &[]).await;
    simulator.expire_challenges();
    let login = caller.error("login", &[("username", "sync"), ("accessKey", &key)]).await;
    assert_eq!(login.0, "INVALID_AUTH_TOKEN");
}

#[tokio::test]
async fn a_static_token_needs_no_login() {
    let options = CoreBosOptions {
        users: vec![CoreBosUser::new(1, "admin").administrator().with_static_token("static-token")],
        ..CoreBosOptions::default()
    };
    let simulator = start(options).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = |token: &'static str| {
        http.post(format!("{}/webservice.php", simulator.url()))
            .header("corebos-authorization", token)
            .form(&[("operation", "query"), ("query", "select count(*) from Leads")])
            .send()
    };
    let answer: Value = call("static-token").await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"][0]["count"], "0");
    let answer: Value = call("other-token").await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"]["code"], "AUTHENTICATION_REQUIRED");
}

#[tokio::test]
async fn queries_answer_by_the_rules_of_their_parser() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let account = simulator.create("Accounts", &json!({"accountname": "Böhm & Co"})).await.unwrap();
    for (name, email) in [("Álvarez", "A@x.example"), ("Baker", "b@x.example"), ("Clark", "")] {
        let element = json!({"lastname": name, "email": email, "account_id": account});
        simulator.create("Contacts", &element).await.unwrap();
    }
    simulator.create("Contacts", &json!({"lastname": "Dean"})).await.unwrap();
    for (text, count) in [
        ("select id from Contacts where email='a@X.example';", 1),
        ("select id from Contacts where lastname like 'alv%';", 1),
        ("select id from Contacts where lastname in ('baker','CLARK','Nobody');", 2),
        ("select id from Contacts where lastname='Baker' or lastname='Clark' and email='b@x.example';", 1),
        ("select id from Contacts where id>=12x8590 and contact_points=0;", 3),
        ("select id from Contacts where account_id='11x0';", 1),
        ("select id from Contacts where email is null;", 2),
        ("select id from Contacts where email is not null;", 2),
        ("select id from Contacts where lastname not in ('Baker');", 3),
        ("select id from Contacts where (lastname='Baker' or lastname='Clark') and email='b@x.example';", 1),
        ("select id from Contacts where Accounts.accountname like '%bohm%';", 3),
        ("select id from Contacts where (email='');", 2),
        ("select id from Users;", 2),
        ("select id,groupname from Groups;", 3),
        ("select id from Currency;", 1),
    ] {
        assert_eq!(caller.query(text).await.len(), count, "{text}");
    }
    let related =
        caller.query("select lastname,Accounts.accountname from Contacts where lastname='Baker';").await;
    assert_eq!(related[0]["accountsaccountname"], "Böhm & Co");
    let ordered = caller.query("select lastname from Contacts order by account_id,lastname desc;").await;
    let names: Vec<&str> = ordered.iter().map(|row| row["lastname"].as_str().unwrap()).collect();
    assert_eq!(names, ["Dean", "Clark", "Baker", "Álvarez"], "the direction belongs to the last field");
    for (text, code) in [
        ("select id from Contacts where email='';", "INTERNAL_SERVER_ERROR"),
        ("select id from Contacts where firstname=Ana;", "DATABASE_QUERY_ERROR"),
        ("select id from Contacts where account_id='8588';", "INVALID_ID_ATTRIBUTE"),
        ("select id from Contacts order by nosuch;", "DATABASE_QUERY_ERROR"),
        ("select id from Contacts where (nosuch='1');", "ACCESS_DENIED"),
        ("select id from Contacts where ((lastname='a');", "DATABASE_QUERY_ERROR"),
        ("select id from Contacts limit 'x';", "DATABASE_QUERY_ERROR"),
        ("select id from Contacts foo;", "QUERY_SYNTAX_ERROR"),
        ("select id from Invoice;", "OPERATION_NOT_SUPPORTED"),
    ] {
        assert_eq!(caller.error("query", &[("query", text)]).await.0, code, "{text}");
    }
}

#[tokio::test]
async fn a_field_added_later_is_null_in_older_records() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    simulator.create("Contacts", &json!({"lastname": "Old"})).await.unwrap();
    let entry = json!({"name": "cf_vip", "uitype": "56", "type": {"name": "boolean"}, "typeofdata": "C~O"});
    assert!(simulator.add_custom_field("Contacts", &entry));
    simulator.create("Contacts", &json!({"lastname": "New"})).await.unwrap();
    let rows = caller.query("select lastname,cf_vip from Contacts order by lastname;").await;
    assert_eq!((&rows[0]["cf_vip"], &rows[1]["cf_vip"]), (&json!("0"), &json!("")));
    let found = caller.query("select lastname from Contacts where cf_vip!='1';").await;
    assert_eq!(found.len(), 1, "NULL is not different");
}

#[tokio::test]
async fn settings_are_open_to_every_user() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    assert_eq!(caller.ok("getSetting", &[("key", "bridge"), ("default", "none")]).await, json!("none"));
    caller.ok("setSetting", &[("key", "bridge"), ("value", &"x".repeat(1_500))]).await;
    let kept = caller.ok("getsetting", &[("key", "bridge"), ("default", "none")]).await;
    assert_eq!(kept, json!("x".repeat(1_000)));
    caller.ok("delSetting", &[("key", "bridge")]).await;
    assert_eq!(caller.ok("getSetting", &[("key", "bridge"), ("default", "")]).await, json!(""));
}

#[tokio::test]
async fn what_is_not_simulated_says_so() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let (code, message) = caller.error("cbRule", &[("mapid", "x")]).await;
    assert_eq!((code.as_str(), message.as_str()), ("OPERATION_NOT_SUPPORTED", "not simulated: cbrule"));
    let error = caller.error("create", &[("elementType", "Campaigns"), ("element", "{}")]).await;
    assert_eq!(error.1, "not simulated: Campaigns");
}

#[tokio::test]
async fn the_faults_name_operations_and_a_lost_answer_has_done_its_work() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    simulator.clear_requests();
    simulator.faults().add(Fault::new(FaultKind::LoseAnswer).operation("create").times(1));
    let element = json!({"lastname": "Lost", "assigned_user_id": "19x5"}).to_string();
    let form = [
        ("operation", "Create"),
        ("sessionName", &caller.session),
        ("elementType", "Contacts"),
        ("element", &element),
    ];
    assert!(caller.http.post(&caller.url).form(&form).send().await.is_err());
    assert!(simulator.find("Contacts", "lastname", "Lost").is_some());
    let requests = simulator.requests();
    assert_eq!(
        (requests.len(), requests[0].operation.as_deref(), requests[0].status),
        (1, Some("Create"), None)
    );
    let calls = simulator.calls();
    assert_eq!(simulator.counted().values().sum::<usize>(), calls.len());
    assert_eq!(
        (calls.len(), calls[0].module.as_deref(), calls[0].error.as_deref()),
        (1, Some("Contacts"), None)
    );
    simulator.faults().add(Fault::status(500).operation("retrieve").times(1));
    let form = [("operation", "retrieve"), ("sessionName", &caller.session), ("id", "12x1")];
    let answer = caller.http.get(&caller.url).query(&form).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (500, ""));
    assert_eq!(simulator.calls().len(), 1, "nothing was worked on");
    caller.error("retrieve", &[("id", "12x1")]).await;
    assert_eq!(simulator.calls()[1].error.as_deref(), Some("INVALID_ID_ATTRIBUTE"));
}

#[tokio::test]
async fn it_can_go_away_and_come_back() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    simulator.stop_listening().await;
    let refused = caller.http.get(&caller.url).timeout(Duration::from_secs(5)).send().await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    simulator.listen_again().await.unwrap();
    caller.ok("listtypes", &[]).await;
    let missing = caller.http.get(format!("{}/index.php", simulator.url())).send().await.unwrap();
    assert_eq!(missing.status(), 404);
}
