//! The stand-in for HubSpot, over HTTP: each test is named after the quirk that it shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value as Json, json};
use simulators::clock::ManualClock;
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind, Limits};

struct Portal {
    simulator: HubSpotSimulator,
    client: Client,
    token: String,
    clock: ManualClock,
}

async fn portal_with(change: impl FnOnce(&mut HubSpotOptions)) -> Portal {
    let clock = ManualClock::starting_at("2026-11-21T08:00:00Z".parse().unwrap());
    let mut options = HubSpotOptions::default();
    options.clock = clock.as_clock();
    change(&mut options);
    let token = options.token.clone();
    Portal { simulator: hubspot::start(options).await.unwrap(), client: Client::new(), token, clock }
}

async fn portal() -> Portal {
    portal_with(|_| {}).await
}

impl Portal {
    async fn call(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.simulator.url()))
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or(Json::Null))
    }

    async fn get(&self, path: &str) -> (u16, Json) {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Json) -> (u16, Json) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn create(&self, kind: &str, properties: Json) -> String {
        let path = format!("/crm/objects/2026-09/{kind}");
        let (status, body) = self.post(&path, json!({ "properties": properties, "associations": [] })).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    fn wait(&self, seconds: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }
}

fn search(filters: &Json, limit: u32, after: &str) -> Json {
    json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": ["lastmodifieddate"],
        "properties": ["email"],
        "limit": limit,
        "after": after,
    })
}

const CONTACTS: &str = "/crm/objects/2026-09/contacts";

#[tokio::test]
async fn a_taken_email_is_a_conflict_that_names_the_other_record_in_its_text() {
    let portal = portal().await;
    let id = portal.create("contacts", json!({ "email": "Ana@Example.org" })).await;
    let again = json!({ "properties": { "email": "ana@example.org" }, "associations": [] });
    let (status, body) = portal.post(CONTACTS, again).await;
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")));
    assert_eq!(body["message"], format!("Contact already exists. Existing ID: {id}"));
    let other = portal.create("contacts", json!({ "firstname": "Bea" })).await;
    let taken = json!({ "properties": { "email": "ana@example.org" } });
    let (status, _) = portal.call(Method::PATCH, &format!("{CONTACTS}/{other}"), Some(taken)).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn one_wrong_property_stops_the_whole_write_and_is_named() {
    let portal = portal().await;
    let id = portal.create("contacts", json!({ "firstname": "Ana" })).await;
    let body = json!({ "properties": { "firstname": "Bea", "nowhere": "x", "lifecyclestage": "Lead" } });
    let (status, body) = portal.call(Method::PATCH, &format!("{CONTACTS}/{id}"), Some(body)).await;
    assert_eq!(status, 400);
    let codes: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"PROPERTY_DOESNT_EXIST") && codes.contains(&"INVALID_OPTION"), "{codes:?}");
    assert_eq!(portal.simulator.record(Kind::Contact, &id).unwrap()["firstname"], "Ana");
}

#[tokio::test]
async fn values_are_strings_and_associations_are_required() {
    let portal = portal().await;
    for body in [
        json!({ "properties": { "firstname": "Ana" } }),
        json!({ "properties": { "firstname": null }, "associations": [] }),
        json!({ "properties": { "firstname": 7 }, "associations": [] }),
        json!({ "associations": [] }),
    ] {
        let (status, answer) = portal.post(CONTACTS, body.clone()).await;
        assert_eq!(status, 400, "{body} {answer}");
    }
}

#[tokio::test]
async fn a_merge_makes_a_third_record_that_both_old_ids_read() {
    let portal = portal().await;
    let first = portal.create("contacts", json!({ "email": "a@example.org", "firstname": "Ana" })).await;
    let second = portal.create("contacts", json!({ "email": "b@example.org", "lastname": "Gil" })).await;
    let body = json!({ "primaryObjectId": first, "objectIdToMerge": second });
    let (status, merged) = portal.post(&format!("{CONTACTS}/merge"), body).await;
    assert_eq!(status, 200);
    let third = merged["id"].as_str().unwrap();
    assert!(third != first && third != second);
    for old in [&first, &second] {
        let (status, body) =
            portal.get(&format!("{CONTACTS}/{old}?properties=lastname,hs_merged_object_ids")).await;
        assert_eq!((status, &body["id"]), (200, &json!(third)));
        assert_eq!(body["properties"]["hs_merged_object_ids"], format!("{first};{second}"));
        assert_eq!(body["properties"]["lastname"], "Gil");
    }
    let batch = json!({ "inputs": [{ "id": first, "properties": { "firstname": "Bea" } }] });
    let (status, body) = portal.post(&format!("{CONTACTS}/batch/update"), batch).await;
    assert_eq!((status, &body["errors"][0]["context"]["ids"]), (207, &json!([first])));
    let single = json!({ "properties": { "firstname": "Bea" } });
    let (status, _) = portal.call(Method::PATCH, &format!("{CONTACTS}/{first}"), Some(single)).await;
    assert_eq!(
        (status, portal.simulator.record(Kind::Contact, third).unwrap()["firstname"].as_str()),
        (200, "Bea")
    );
}

#[tokio::test]
async fn search_is_behind_and_reads_by_id_are_not() {
    let portal = portal().await;
    let id = portal.create("contacts", json!({ "email": "ana@example.org" })).await;
    let by_email =
        search(&json!([{ "propertyName": "email", "operator": "EQ", "value": "ana@example.org" }]), 10, "");
    let (_, body) = portal.post(&format!("{CONTACTS}/search"), by_email.clone()).await;
    assert_eq!(body["total"], 0);
    let (status, body) = portal.get(&format!("{CONTACTS}/ana@example.org?idProperty=email")).await;
    assert_eq!((status, &body["id"]), (200, &json!(id)));
    portal.wait(3);
    let (_, body) = portal.post(&format!("{CONTACTS}/search"), by_email).await;
    assert_eq!((&body["total"], &body["results"][0]["id"]), (&json!(1), &json!(id)));
}

#[tokio::test]
async fn search_ends_at_ten_thousand_results_and_needs_all_five_members() {
    let portal = portal().await;
    let (status, body) = portal.post(&format!("{CONTACTS}/search"), search(&json!([]), 200, "9900")).await;
    assert_eq!(status, 400, "{body}");
    let (status, _) = portal.post(&format!("{CONTACTS}/search"), search(&json!([]), 201, "0")).await;
    assert_eq!(status, 400);
    let (status, body) = portal.post(&format!("{CONTACTS}/search"), json!({ "limit": 10 })).await;
    assert!(status == 400 && body["message"].as_str().unwrap().contains("filterGroups"), "{body}");
}

#[tokio::test]
async fn archived_records_are_in_their_own_list_and_their_modified_date_stays() {
    let portal = portal().await;
    let id = portal.create("companies", json!({ "name": "Acme" })).await;
    let before = portal.get(&format!("/crm/objects/2026-09/companies/{id}")).await.1["updatedAt"].clone();
    portal.wait(60);
    let path = format!("/crm/objects/2026-09/companies/{id}");
    for _ in 0..2 {
        assert_eq!(portal.call(Method::DELETE, &path, None).await.0, 204);
    }
    let (status, body) = portal.get(&path).await;
    assert!(status == 404 && body.get("category").is_none(), "{body}");
    let (_, body) = portal.get("/crm/objects/2026-09/companies?archived=true&limit=100").await;
    let record = &body["results"][0];
    assert_eq!(
        (&record["id"], &record["updatedAt"], &record["archived"]),
        (&json!(id), &before, &json!(true))
    );
    assert_eq!(record["archivedAt"], "2026-11-21T08:01:00Z");
    assert!(portal.simulator.restore_as_user(Kind::Company, &id));
    assert_eq!(portal.get(&path).await.0, 200);
}

#[tokio::test]
async fn one_clash_refuses_a_whole_upsert() {
    let portal = portal().await;
    let group = json!({ "name": "corebos", "label": "coreBOS" });
    assert_eq!(portal.post("/crm/properties/2026-09/contacts/groups", group).await.0, 201);
    let property = json!({
        "groupName": "corebos", "name": "corebos_id", "label": "coreBOS ID", "type": "string", "fieldType": "text",
        "hasUniqueValue": true,
    });
    assert_eq!(portal.post("/crm/properties/2026-09/contacts", property.clone()).await.0, 201);
    let (status, body) = portal.post("/crm/properties/2026-09/contacts", property).await;
    assert_eq!((status, &body["subCategory"]), (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS")));
    portal.create("contacts", json!({ "email": "taken@example.org" })).await;
    let input = |id: &str, email: &str| json!({ "id": id, "idProperty": "corebos_id", "properties": { "email": email } });
    let both = json!({ "inputs": [input("12x1", "new@example.org"), input("12x2", "taken@example.org")] });
    assert_eq!(portal.post(&format!("{CONTACTS}/batch/upsert"), both).await.0, 409);
    assert_eq!(portal.simulator.ids(Kind::Contact).len(), 1, "nothing of a refused batch stays");
    let one = json!({ "inputs": [input("12x1", "new@example.org")] });
    for new in [true, false] {
        let (status, body) = portal.post(&format!("{CONTACTS}/batch/upsert"), one.clone()).await;
        assert_eq!((status, &body["results"][0]["new"]), (200, &json!(new)));
    }
    let (status, body) = portal.get(&format!("{CONTACTS}/12x1?idProperty=corebos_id")).await;
    assert_eq!((status, &body["properties"]["email"]), (200, &json!("new@example.org")));
}

#[tokio::test]
async fn the_life_of_a_contact_only_moves_forward() {
    let portal = portal().await;
    let id = portal.create("contacts", json!({ "firstname": "Ana" })).await;
    let stage = || portal.simulator.record(Kind::Contact, &id).unwrap().get("lifecyclestage").cloned();
    assert_eq!(stage().as_deref(), Some("lead"));
    let to = |stage: &str| json!({ "properties": { "lifecyclestage": stage } });
    let path = format!("{CONTACTS}/{id}");
    for (sent, stored) in
        [("customer", Some("customer")), ("lead", Some("customer")), ("", None), ("lead", Some("lead"))]
    {
        let (status, _) = portal.call(Method::PATCH, &path, Some(to(sent))).await;
        assert_eq!((status, stage().as_deref()), (200, stored), "after {sent}");
    }
}

#[tokio::test]
async fn stages_belong_to_pipelines() {
    let portal = portal().await;
    let deal = |pipeline: &str, stage: &str| {
        json!({
            "properties": { "dealname": "D", "pipeline": pipeline, "dealstage": stage }, "associations": [],
        })
    };
    assert_eq!(portal.post("/crm/objects/2026-09/deals", deal("default", "contractsent")).await.0, 201);
    assert_eq!(portal.post("/crm/objects/2026-09/deals", deal("422982640", "contractsent")).await.0, 400);
    let (_, body) = portal.get("/crm/pipelines/2026-09/deals").await;
    assert_eq!(body["results"][1]["stages"][1]["label"], "Contract Sent");
    let nameless = json!({ "properties": { "dealstage": "contractsent" }, "associations": [] });
    assert_eq!(portal.post("/crm/objects/2026-09/deals", nameless.clone()).await.0, 400);
    assert_eq!(
        portal.post("/crm/objects/2026-03/deals", nameless).await.0,
        201,
        "older versions do not enforce"
    );
}

#[tokio::test]
async fn a_primary_company_takes_the_rank_from_another_and_moves_no_date() {
    let portal = portal().await;
    let contact = portal.create("contacts", json!({ "firstname": "Ana" })).await;
    let one = portal.create("companies", json!({ "name": "One" })).await;
    let two = portal.create("companies", json!({ "name": "Two" })).await;
    let before = portal.get(&format!("{CONTACTS}/{contact}")).await.1["updatedAt"].clone();
    portal.wait(10);
    for company in [&one, &two] {
        let path = format!("{CONTACTS}/{contact}/associations/companies/{company}");
        let body = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1 }]);
        assert_eq!(portal.call(Method::PUT, &path, Some(body)).await.0, 201);
    }
    let primary = portal.simulator.associated((Kind::Contact, &contact), Kind::Company, true);
    let all = portal.simulator.associated((Kind::Contact, &contact), Kind::Company, false);
    assert_eq!((primary, all), (vec![two.clone()], vec![one, two]));
    let (_, body) = portal.get(&format!("{CONTACTS}/{contact}?associations=companies")).await;
    assert_eq!(
        (&body["updatedAt"], body["associations"]["companies"]["results"].as_array().unwrap().len()),
        (&before, 3)
    );
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_and_searches_have_their_own() {
    let limits = Limits { per_ten_seconds: 4, per_day: 1_000, searches_per_second: 1 };
    let portal = portal_with(|options| options.limits = limits).await;
    let all = search(&json!([]), 10, "");
    assert_eq!(portal.post(&format!("{CONTACTS}/search"), all.clone()).await.0, 200);
    let (status, body) = portal.post(&format!("{CONTACTS}/search"), all).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("SECONDLY")));
    for _ in 0..3 {
        assert_eq!(portal.get(CONTACTS).await.0, 200);
    }
    let (status, body) = portal.get(CONTACTS).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    assert_eq!(portal.simulator.refused_calls(), 2);
    portal.wait(10);
    assert_eq!(portal.get(CONTACTS).await.0, 200);
}

#[tokio::test]
async fn missing_scopes_are_named() {
    let portal = portal().await;
    portal.simulator.set_missing_scopes(&["crm.objects.contacts.write"]);
    let body = json!({ "properties": { "firstname": "Ana" }, "associations": [] });
    let (status, body) = portal.post(CONTACTS, body).await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
    assert_eq!(portal.get(CONTACTS).await.0, 200);
}

#[tokio::test]
async fn a_refresh_token_changes_with_every_use_and_access_tokens_end() {
    let mut portal = portal().await;
    let token = format!("{}/oauth/2026-09/token", portal.simulator.url());
    let ask = |refresh: String| {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "hubspot-client".to_owned()),
            ("client_secret", "hubspot-client-secret".to_owned()),
            ("refresh_token", refresh),
        ];
        let request = portal.client.post(&token).form(&form);
        async move { request.send().await.unwrap() }
    };
    let first: Json = ask("hubspot-refresh-token".to_owned()).await.json().await.unwrap();
    assert_eq!(ask("hubspot-refresh-token".to_owned()).await.status().as_u16(), 400);
    assert_eq!(ask(first["refresh_token"].as_str().unwrap().to_owned()).await.status().as_u16(), 200);
    first["access_token"].as_str().unwrap().clone_into(&mut portal.token);
    assert_eq!(portal.get(CONTACTS).await.0, 200);
    portal.wait(1_800);
    let (status, body) = portal.get(CONTACTS).await;
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
}

#[tokio::test]
async fn leads_need_a_primary_contact_and_go_with_it() {
    let portal = portal().await;
    let contact = portal.create("contacts", json!({ "firstname": "Ana" })).await;
    let lead =
        |associations: Json| json!({ "properties": { "hs_lead_name": "Ana" }, "associations": associations });
    assert_eq!(portal.post("/crm/objects/2026-09/leads", lead(json!([]))).await.0, 400);
    let primary = json!([{
        "to": { "id": contact },
        "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578 }],
    }]);
    let (status, body) = portal.post("/crm/objects/2026-09/leads", lead(primary)).await;
    assert_eq!(status, 201, "{body}");
    portal.simulator.delete_as_user(Kind::Contact, &contact);
    assert_eq!(
        portal.get(&format!("/crm/objects/2026-09/leads/{}", body["id"].as_str().unwrap())).await.0,
        404
    );
}

/// A listener that keeps every body and answers what it is told.
async fn listener(answers: Vec<u16>) -> (String, Arc<Mutex<Vec<Json>>>) {
    let heard: Arc<Mutex<Vec<Json>>> = Arc::default();
    let (kept, answers) = (Arc::clone(&heard), Arc::new(Mutex::new(answers)));
    let app = axum::Router::new().fallback(move |body: axum::body::Bytes| {
        kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        let mut answers = answers.lock().unwrap();
        let status = if answers.is_empty() { 200 } else { answers.remove(0) };
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, app).await.unwrap() });
    (url, heard)
}

async fn until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within five seconds");
}

#[tokio::test]
async fn webhooks_tell_what_was_subscribed_and_come_again_when_refused() {
    let portal = portal_with(|options| {
        options.clock = simulators::clock::real_clock();
        options.retry_after = Duration::from_millis(50);
    })
    .await;
    let (url, heard) = listener(vec![500]).await;
    portal.simulator.set_webhook(&url, &url, "client-secret");
    portal.simulator.subscribe("contact.creation", None, None);
    portal.simulator.subscribe("contact.propertyChange", None, Some("firstname"));
    let id = portal.create("contacts", json!({ "firstname": "Ana", "lastname": "Gil" })).await;
    until(|| heard.lock().unwrap().len() >= 2).await;
    let heard = heard.lock().unwrap();
    let again = heard[1].as_array().unwrap();
    assert_eq!(again.len(), 2, "the last name was not subscribed: {again:?}");
    assert!(
        again
            .iter()
            .all(|event| event["attemptNumber"] == 1 && event["objectId"].as_u64() == id.parse().ok())
    );
    let change = again.iter().find(|event| event["subscriptionType"] == "contact.propertyChange").unwrap();
    assert_eq!(
        (&change["propertyName"], &change["changeSource"]),
        (&json!("firstname"), &json!("INTEGRATION"))
    );
}

#[tokio::test]
async fn a_merge_tells_no_property_changes() {
    let portal = portal_with(|options| options.clock = simulators::clock::real_clock()).await;
    let (url, heard) = listener(Vec::new()).await;
    let first = portal.create("contacts", json!({ "email": "a@example.org" })).await;
    let second = portal.create("contacts", json!({ "email": "b@example.org", "lastname": "Gil" })).await;
    portal.simulator.set_webhook(&url, &url, "client-secret");
    portal.simulator.subscribe("contact.merge", None, None);
    portal.simulator.subscribe("contact.deletion", None, None);
    portal.simulator.subscribe("contact.propertyChange", None, Some("lastname"));
    let third = portal.simulator.merge_as_user(Kind::Contact, &first, &second).unwrap();
    until(|| !heard.lock().unwrap().is_empty()).await;
    let heard = heard.lock().unwrap();
    let events: Vec<&Json> = heard.iter().flat_map(|body| body.as_array().unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["subscriptionType"].as_str().unwrap()).collect();
    assert!(
        kinds.contains(&"contact.merge") && kinds.contains(&"contact.deletion") && kinds.len() == 2,
        "{kinds:?}"
    );
    let merge = events.iter().find(|event| event["subscriptionType"] == "contact.merge").unwrap();
    assert_eq!(merge["newObjectId"].as_u64(), third.parse().ok());
}
