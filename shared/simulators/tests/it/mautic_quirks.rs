//! What the recordings cannot replay in order: overlapping requests, waiting, batches, people, limits.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::clock::ManualClock;
use simulators::mautic::{self, Delivery, MauticOptions, MauticSimulator};

use crate::mautic_listener::Listener;

const ALL: [&str; 10] = [
    "mautic.company_post_delete",
    "mautic.company_post_save",
    "mautic.form_on_submit",
    "mautic.lead_channel_subscription_changed",
    "mautic.lead_company_change",
    "mautic.lead_list_change",
    "mautic.lead_points_change",
    "mautic.lead_post_delete",
    "mautic.lead_post_save_new",
    "mautic.lead_post_save_update",
];

/// A caller with the API user's name and password.
pub(crate) struct Api {
    client: reqwest::Client,
    url: String,
}

impl Api {
    pub(crate) fn of(mautic: &MauticSimulator) -> Self {
        Self { client: reqwest::Client::new(), url: mautic.url() }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let response = self.try_send(method, path, body).await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.url));
        request.basic_auth("syncuser", Some("mautic-password")).json(body).send().await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url));
        let response = request.basic_auth("syncuser", Some("mautic-password")).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

/// The event keys of what the listener took, in order.
fn keys(listener: &Listener) -> Vec<String> {
    listener
        .taken()
        .iter()
        .flat_map(|post| {
            serde_json::from_str::<Value>(&post.body)
                .unwrap()
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        })
        .map(|key| key.trim_start_matches("mautic.").to_owned())
        .collect()
}

async fn mautic_and_listener(options: MauticOptions) -> (MauticSimulator, Listener) {
    let mautic = mautic::start(options).await.unwrap();
    let listener = Listener::start().await;
    mautic.add_webhook(&listener.url, "secret", &ALL);
    (mautic, listener)
}

#[tokio::test]
async fn the_webhook_comes_before_the_answer_and_the_new_value_can_be_read_meanwhile() {
    let (mautic, listener) = mautic_and_listener(MauticOptions::default()).await;
    let api = Api::of(&mautic);
    let id = mautic.create_contact(&json!({"email": "a@example.test", "city": "Old"})).await.unwrap();
    listener.taken();
    listener.hold(true);
    let path = format!("/api/contacts/{id}/edit");
    let sent = json!({"city": "New"});
    let edit = api.send("PATCH", &path, &sent);
    let read = async {
        while listener.count() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let stored = api.get(&format!("/api/contacts/{id}")).await;
        let answered = mautic.requests().iter().any(|request| request.method == "PATCH");
        listener.hold(false);
        (stored, answered)
    };
    let ((status, _), (stored, answered)) = tokio::join!(edit, read);
    assert_eq!(status, 200);
    assert_eq!(stored.1["contact"]["fields"]["all"]["city"], "New");
    assert!(!answered, "the edit waits for the listener");
}

#[tokio::test]
async fn parallel_creates_with_one_email_make_several_contacts_and_block_each_other() {
    let options = MauticOptions { work_time: Duration::from_millis(400), ..MauticOptions::default() };
    let (mautic, _listener) = mautic_and_listener(options).await;
    let api = Api::of(&mautic);
    let sent = json!({"email": "twin@example.test"});
    let (one, other) = tokio::join!(
        api.send("POST", "/api/contacts/new", &sent),
        api.send("POST", "/api/contacts/new", &sent)
    );
    assert_eq!((one.0, other.0), (201, 201), "as in capture J08");
    assert_eq!(mautic.contacts().len(), 2);
    let (status, answer) = api.send("POST", "/api/contacts/new", &sent).await;
    assert_eq!(status, 422);
    assert_eq!(
        answer,
        json!({"errors": [{"code": 422, "message": "email: This field must be unique.",
            "details": {"email": ["This field must be unique."]}}]})
    );
    let id = one.1["contact"]["id"].as_u64().unwrap();
    assert_eq!(api.send("PATCH", &format!("/api/contacts/{id}/edit"), &json!({"city": "X"})).await.0, 422);
    assert_eq!(mautic.deduplicate_contacts().await, 1);
    assert_eq!(api.send("PATCH", &format!("/api/contacts/{id}/edit"), &json!({"city": "X"})).await.0, 200);
}

#[tokio::test]
async fn overlapping_edits_keep_both_fields_and_their_webhooks_do_not_show_each_other() {
    let options = MauticOptions { work_time: Duration::from_millis(400), ..MauticOptions::default() };
    let (mautic, listener) = mautic_and_listener(options).await;
    let api = Api::of(&mautic);
    let id = mautic.create_contact(&json!({"email": "a@example.test"})).await.unwrap();
    listener.taken();
    let path = format!("/api/contacts/{id}/edit");
    let (city, phone) = (json!({"city": "Bilbao"}), json!({"phone": "1"}));
    tokio::join!(api.send("PATCH", &path, &city), api.send("PATCH", &path, &phone));
    let stored = mautic.contact(id).unwrap();
    assert_eq!((&stored["city"], &stored["phone"]), (&json!("Bilbao"), &json!("1")));
    let posts = listener.taken();
    assert_eq!(posts.len(), 2);
    for post in posts {
        let body: Value = serde_json::from_str(&post.body).unwrap();
        let core = &body["mautic.lead_post_save_update"][0]["contact"]["fields"]["core"];
        assert_ne!(
            core["city"]["value"].is_null(),
            core["phone"]["value"].is_null(),
            "one of them, as in K01"
        );
    }
}

#[tokio::test]
async fn the_queue_sends_ten_at_a_time_and_keeps_what_nobody_answered() {
    let options = MauticOptions { delivery: Delivery::Queue, ..MauticOptions::default() };
    let (mautic, listener) = mautic_and_listener(options).await;
    for number in 0..12 {
        mautic.create_contact(&json!({"email": format!("c{number}@example.test")})).await.unwrap();
    }
    assert!(listener.taken().is_empty());
    assert_eq!(mautic.queue_length(), 12);
    let report = mautic.process_queue().await;
    assert_eq!((report.posts, report.events, report.lost, report.waiting), (2, 12, 0, 0));
    let sizes: Vec<usize> = listener
        .taken()
        .iter()
        .map(|post| {
            let body: Value = serde_json::from_str(&post.body).unwrap();
            body["mautic.lead_post_save_new"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(sizes, [10, 2]);

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    mautic.add_webhook(&format!("http://{closed}/"), "secret", &["mautic.lead_post_delete"]);
    mautic.delete_contact(1).await;
    assert_eq!(mautic.queue_length(), 2);
    assert_eq!(mautic.process_queue().await.waiting, 1, "a refused connection keeps the event");
}

#[tokio::test]
async fn a_gone_webhook_is_unpublished_at_once_and_a_failing_one_when_it_is_old() {
    let clock = ManualClock::starting_at("2026-11-21T00:00:00Z".parse().unwrap());
    let options = MauticOptions { clock: clock.as_clock(), ..MauticOptions::default() };
    let mautic = mautic::start(options).await.unwrap();
    let listener = Listener::start().await;
    let hook = mautic.add_webhook(&listener.url, "secret", &ALL);
    listener.answer_with(500);
    mautic.create_contact(&json!({"email": "a@example.test"})).await.unwrap();
    assert_eq!(mautic.webhook_published(hook), Some(true), "it was made today");
    clock.advance(jiff::SignedDuration::from_hours(49));
    mautic.create_contact(&json!({"email": "b@example.test"})).await.unwrap();
    assert_eq!(mautic.webhook_published(hook), Some(false));
    let other = mautic.add_webhook(&listener.url, "secret", &ALL);
    listener.answer_with(410);
    mautic.create_contact(&json!({"email": "c@example.test"})).await.unwrap();
    assert_eq!(mautic.webhook_published(other), Some(false));
    assert_eq!(
        mautic.deliveries().iter().map(|each| each.status).collect::<Vec<_>>(),
        [Some(500), Some(500), Some(410)]
    );
}

#[tokio::test]
async fn a_known_contact_that_submits_a_form_gets_a_new_id_and_the_old_one_leads_to_it() {
    let (mautic, listener) = mautic_and_listener(MauticOptions::default()).await;
    let api = Api::of(&mautic);
    let known =
        mautic.create_contact(&json!({"email": "k@example.test", "corebos_id": "12x9"})).await.unwrap();
    listener.taken();
    let id = mautic.submit_form(&json!({"email": "K@example.test", "firstname": "K"})).await.unwrap();
    assert_ne!(id, known);
    assert_eq!(
        keys(&listener),
        ["lead_post_save_new", "lead_post_delete", "lead_post_save_update", "form_on_submit"]
    );
    let (status, answer) = api.get(&format!("/api/contacts/{known}")).await;
    assert_eq!((status, answer["contact"]["id"].as_u64()), (200, Some(id)));
    assert_eq!(answer["contact"]["fields"]["all"]["corebos_id"], "12x9");
    // The old id acts on the survivor: deleting it deletes the contact.
    assert_eq!(api.send("DELETE", &format!("/api/contacts/{known}/delete"), &json!({})).await.0, 200);
    assert_eq!(api.get(&format!("/api/contacts/{id}")).await.0, 404);
}

#[tokio::test]
async fn what_people_do_is_told_as_what_the_api_does_with_another_name() {
    let (mautic, listener) = mautic_and_listener(MauticOptions::default()).await;
    let api = Api::of(&mautic);
    let id = mautic.create_contact(&json!({"email": "a@example.test"})).await.unwrap();
    let company = mautic.create_company(&json!({"companyname": "Acme"})).await.unwrap();
    mautic.add_to_company(company, id).await;
    mautic.add_to_company(company, id).await;
    mautic.set_points(id, 5).await;
    mautic.set_do_not_contact(id, "email", 3).await;
    let segment = mautic.create_segment("VIP people");
    mautic.set_segment(segment, id, true).await;
    mautic.set_segment(segment, id, true).await;
    mautic.remove_from_company(company, id).await;
    assert!(mautic.edit_contact(id, &json!({"city": "Bilbao"})).await);
    assert!(mautic.edit_contact(id, &json!({"city": "Bilbao"})).await, "saved, but nothing to tell");
    mautic.delete_company(company).await;
    assert_eq!(
        keys(&listener),
        [
            "lead_post_save_new",
            "company_post_save",
            "lead_company_change",
            "lead_points_change",
            "lead_post_save_update",
            "lead_channel_subscription_changed",
            "lead_post_save_update",
            "lead_list_change",
            "lead_company_change",
            "lead_post_save_update",
            "company_post_delete",
        ]
    );
    let by = |answer: &Value| answer["contact"]["modifiedByUser"].as_str().unwrap().to_owned();
    assert_eq!(by(&api.get(&format!("/api/contacts/{id}")).await.1), "Ada Admin");
    let edited = api.send("PATCH", &format!("/api/contacts/{id}/edit"), &json!({"city": "Vigo"})).await.1;
    assert_eq!(by(&edited), "Sync User");
    assert!(!mautic.edit_contact(999, &json!({})).await);
    assert!(!mautic.merge_contacts(id, 999).await);
}

#[tokio::test]
async fn the_test_payload_has_several_keys_and_a_timestamp_beside_them() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let listener = Listener::start().await;
    let hook = mautic.add_webhook(
        &listener.url,
        "secret",
        &["mautic.lead_post_save_new", "mautic.lead_post_delete"],
    );
    assert_eq!(mautic.send_test_payload(hook).await, Some(200));
    let posts = listener.taken();
    let body: Value = serde_json::from_str(&posts[0].body).unwrap();
    assert!(body["timestamp"].is_string());
    assert_eq!(body["mautic.lead_post_delete"][0]["contact"]["id"], 52);
    assert_eq!(body.as_object().unwrap().len(), 3);
    assert!(mautic.contacts().is_empty());
}

#[tokio::test]
async fn the_rate_limit_refuses_with_its_headers_and_no_retry_after() {
    let clock = ManualClock::starting_at("2026-11-21T03:02:12Z".parse().unwrap());
    let options =
        MauticOptions { calls_per_hour: Some(2), clock: clock.as_clock(), ..MauticOptions::default() };
    let mautic = mautic::start(options).await.unwrap();
    let api = Api::of(&mautic);
    assert_eq!(api.get("/api/contacts").await.0, 200);
    assert_eq!(api.get("/api/contacts").await.0, 200);
    let refused = api.try_send("GET", "/api/contacts", &json!({})).await.unwrap();
    assert_eq!(refused.status().as_u16(), 429);
    let header = |name: &str| refused.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("X-RateLimit-Limit").as_deref(), Some("2"));
    assert_eq!(header("X-RateLimit-Remaining").as_deref(), Some("0"));
    assert_eq!(
        header("X-RateLimit-Reset").as_deref(),
        Some("1795233732"),
        "an hour later, as in capture K90"
    );
    assert_eq!(header("Retry-After"), None);
    let body = refused.text().await.unwrap();
    let recorded = "{ \"errors\": [ { \"code\": 429, \"message\": \"You exceeded the rate limit of 2 API calls per hour.\", \"details\": [] } ]}";
    assert_eq!(body, recorded);
    clock.advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(api.get("/api/contacts").await.0, 200);
}

#[tokio::test]
async fn a_token_opens_the_api_for_an_hour() {
    let clock = ManualClock::starting_at("2026-11-21T03:00:00Z".parse().unwrap());
    let mautic =
        mautic::start(MauticOptions { clock: clock.as_clock(), ..MauticOptions::default() }).await.unwrap();
    let client = reqwest::Client::new();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "1_bridge"),
        ("client_secret", "mautic-client-secret"),
    ];
    let token = client.post(format!("{}/oauth/v2/token", mautic.url())).form(&form).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let list = || client.get(format!("{}/api/contacts", mautic.url())).bearer_auth(token).send();
    assert_eq!(list().await.unwrap().status().as_u16(), 200);
    clock.advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(list().await.unwrap().status().as_u16(), 401);
}

#[tokio::test]
async fn default_fields_are_those_of_the_recorded_instance() {
    let mautic = mautic::start(MauticOptions::default()).await.unwrap();
    let api = Api::of(&mautic);
    let (_, contact) = api.get("/api/fields/contact?limit=100").await;
    let (_, company) = api.get("/api/fields/company?limit=100").await;
    assert_eq!((contact["total"].as_u64(), company["total"].as_u64()), (Some(40), Some(17)));
    let aliases = |fields: &Value| -> Vec<String> {
        let fields = fields["fields"].as_object().unwrap().values();
        fields.map(|field| field["alias"].as_str().unwrap().to_owned()).collect()
    };
    for alias in ["corebos_id", "f_longtext", "a_very_long_alias_that_is", "zipcode"] {
        assert!(aliases(&contact).contains(&alias.to_owned()), "{alias}");
    }
    assert!(aliases(&company).contains(&"company_corebos_id".to_owned()));
}
