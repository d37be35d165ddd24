//! A story with every system and every function, in which much goes wrong, listened to between the functions and AWS: nothing
//! personal and no secret is in a log line, a metric, an answer to a webhook, an attribute of a message or a key of the
//! table; and every function calls what its role allows, and all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bridge::local::TEMPLATE;
use bridge::recorded::{Call, Recorder};
use bridge::simulated::{
    ACCESS_KEY, CLIENT_SECRET, SAMPLE_CLIENT_SECRET, SAMPLE_SIGNING_SECRET, SAMPLE_WRITE_KEY, SITE,
    WEBHOOK_KEY, WEBHOOK_SECRET, with_visitors,
};
use scenarios::{Unusual, World, simulators, text, world_of};
use serde_json::{Value, json};
use simulators::faults::{Fault, FaultKind};
use simulators::hubspot::{HubSpotOptions, Kind};
use simulators::mautic::MauticOptions;
use simulators::wordpress::WordPressOptions;

use crate::BRIDGE;
use crate::template::document::{name_of, template};
use crate::template::permissions::{Allowed, may_query, rights};

/// Somebody whose every value occurs nowhere else.
fn person() -> Value {
    json!({
        "firstname": "Zxqwolfgang", "lastname": "Vbnhildegard", "email": "kjhgfd.canary@example.org",
        "mobile": "+34600717717", "phone": "+34910828828", "city": "Ptolmgrad",
    })
}

/// All that must not be seen: the person, and every secret.
fn canaries(world: &World) -> Vec<String> {
    let mautic = MauticOptions::default();
    let wordpress = WordPressOptions::default();
    let secrets = [
        mautic.password,
        wordpress.application_password,
        HubSpotOptions::default().token,
        world.systems.corebos.access_key("sync").unwrap(),
        "kjhgfd".to_owned(),
    ];
    let keys = [
        ACCESS_KEY,
        CLIENT_SECRET,
        SAMPLE_CLIENT_SECRET,
        SAMPLE_SIGNING_SECRET,
        SAMPLE_WRITE_KEY,
        WEBHOOK_KEY,
        WEBHOOK_SECRET,
    ];
    let person = person();
    let values = person.as_object().unwrap().values().filter_map(Value::as_str);
    values.chain(keys).map(str::to_owned).chain(secrets).map(|canary| canary.to_lowercase()).collect()
}

fn assert_clean<'a>(what: &str, texts: impl IntoIterator<Item = &'a String>, canaries: &[String]) -> usize {
    let mut seen = 0;
    for told in texts {
        let lower = told.to_lowercase();
        let found = canaries.iter().find(|canary| lower.contains(canary.as_str()));
        assert!(found.is_none(), "{found:?} is in {what}: {told}");
        seen += 1;
    }
    seen
}

/// All systems, a site and visitors; every function tells whatever it can; the settings let everything happen.
async fn world(recorder: &Recorder) -> World {
    let mut systems = simulators().await;
    systems.add_hubspot(HubSpotOptions::default()).await.unwrap();
    systems.add_wordpress(WordPressOptions::default(), None).await.unwrap();
    let mut config = with_visitors(systems.config().unwrap()).unwrap();
    let site = config.wordpress.as_mut().unwrap().sites.get_mut(SITE).unwrap();
    site.preferences.insert("password_field".to_owned(), "position".into());
    let mut unusual = Unusual::short_lives();
    unusual.template_edits.push(("    Default: info\n".to_owned(), "    Default: trace\n".to_owned()));
    unusual.between = recorder.between();
    let world = world_of(BRIDGE, systems, &config, unusual).await;
    recorder.lead_to(&world.local.stack);
    world.systems.point_hubspot_at(&world.local.webhook_url("webhook-hubspot")).unwrap();
    let corebos = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&corebos).await.unwrap();
    world
}

/// The person comes, is edited everywhere, visits, becomes a user, and is deleted.
///
/// The password of the user that was made for her.
async fn live(world: &mut World) -> String {
    poll(world).await;
    let (id, hub) = world.linked_contact(&person()).await;
    let systems = &world.systems;
    // To HubSpot, and back from there.
    systems.corebos.edit(&hub, &json!({ "hubspotsyncwith": "1" })).await.unwrap();
    let remote = world.hubspot_record_of(Kind::Contact, &hub).await;
    world.until_field(&hub, "hubspotid", &remote).await;
    world.quiet().await;
    assert!(world.hubspot().edit_as_user(Kind::Contact, &remote, &[("city", "Ptolmgrad Alto")]));
    world.until_field(&hub, "mailingcity", "Ptolmgrad Alto").await;
    world.quiet().await;
    // A company of which the contact is told before the company itself is linked.
    world.systems.mautic.faults().add(Fault::status(503).path("/api/companies").times(2));
    world.hubspot().faults().add(Fault::status(503).path("/0-2").times(3));
    let account = json!({ "accountname": "Vbnhildegard GmbH", "hubspotsyncwith": "1" });
    let account = world.systems.corebos.create("Accounts", &account).await.unwrap();
    world.systems.corebos.edit(&hub, &json!({ "account_id": account })).await.unwrap();
    world.quiet().await;
    world.until_field(&hub, "account_id", &account).await;
    // The other way round: coreBOS has not taken the company yet when it hears who belongs to it.
    let member = json!({ "lastname": "Vbnhildegard", "email": "kjhgfd.member@example.org" });
    let (member, _) = world.linked_contact(&member).await;
    world.systems.corebos.faults().add(Fault::status(503).operation("create").times(3));
    let company =
        world.systems.mautic.create_company(&json!({ "companyname": "Ptolmgrad AG" })).await.unwrap();
    world.systems.mautic.add_to_company(company, member).await;
    world.quiet().await;
    assert!(world.corebos_contact_of(member).await["account_id"].as_str().is_some_and(|id| !id.is_empty()));
    // A visit, and a campaign.
    let url = world.local.webhook_url("webhook-mautic").replace("/webhooks/mautic", "/v1/identify");
    let agreed = json!({ "consent": { "canonical": { "marketing": true } }, "ip": "203.0.113.50" });
    world.systems.mautic.faults().add(Fault::status(503).path("/api/contacts").times(1));
    // Somebody who is known, and somebody who is not.
    for (visitor, email) in
        [("visitor-9", "kjhgfd.canary@example.org"), ("visitor-8", "kjhgfd.other@example.org")]
    {
        let event = json!({ "type": "identify", "userId": visitor, "anonymousId": format!("browser-{visitor}"),
            "messageId": visitor, "traits": { "email": email, "firstName": person()["firstname"] }, "context": agreed });
        let request = reqwest::Client::new().post(&url).bearer_auth(SAMPLE_WRITE_KEY).json(&event);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    }
    world.quiet().await;
    assert!(world.told("visitor event pushed").len() >= 2);
    world.campaign_for("add", id, &[("role", "customer")]).await;
    let user = world.user("kjhgfd.canary@example.org");
    assert_eq!(user.first_name, "Zxqwolfgang");
    go_wrong(world, id, &hub, &remote).await;
    go_untold(world, id, &hub, &remote).await;
    // The end: forgotten in HubSpot, deleted in Mautic.
    world.hubspot().erase_as_user(&remote);
    world.quiet().await;
    assert!(world.systems.mautic.delete_contact(id).await);
    poll(world).await;
    user.password
}

async fn poll(world: &mut World) {
    for poll in ["poll-corebos", "poll-mautic", "poll-hubspot"] {
        world.poll_at_once(poll).await;
    }
    world.quiet().await;
}

/// Edits that no webhook tells of: a push finds them on its way, or a poll.
async fn go_untold(world: &mut World, id: u64, hub: &str, remote: &str) {
    world.forget_mautics_webhook();
    world.hubspot().set_silent(true);
    let edit = async |world: &World, round: u32| {
        assert!(
            world.systems.mautic.edit_contact(id, &json!({ "phone": format!("+34910828828 {round}") })).await
        );
        let city = format!("Ptolmgrad {round}");
        assert!(world.hubspot().edit_as_user(Kind::Contact, remote, &[("city", &city)]));
        world
            .systems
            .corebos
            .edit(hub, &json!({ "mobile": format!("+34600717717 b{round}") }))
            .await
            .unwrap();
    };
    edit(world, 1).await;
    world.quiet().await;
    world.systems.corebos.clear_workflow_hooks();
    edit(world, 2).await;
    poll(world).await;
    world.until_field(hub, "homephone", "+34910828828 2").await;
    world.quiet().await;
}

/// Every system refuses, fails and loses answers, with words about the person.
async fn go_wrong(world: &mut World, id: u64, hub: &str, remote: &str) {
    let words = "PHP Fatal error: Vbnhildegard kjhgfd.canary@example.org in /var/www".to_owned();
    let page = FaultKind::Status { code: 500, retry_after_seconds: None, body: Some(words) };
    let away = FaultKind::Status { code: 503, retry_after_seconds: None, body: None };
    for (round, kind) in
        [page, away, FaultKind::LoseAnswer, FaultKind::DropConnection].into_iter().enumerate()
    {
        let systems = &world.systems;
        let portal = systems.hubspot.as_ref().unwrap();
        systems.corebos.faults().add(Fault::new(kind.clone()).operation("revise").times(1));
        systems.mautic.faults().add(Fault::new(kind.clone()).path("/api/contacts").times(1));
        portal.faults().add(Fault::new(kind.clone()).path("/objects/").times(1));
        world.site().faults().add(Fault::new(kind).times(1));
        let mobile = format!("+34600717717 {round}");
        assert!(systems.mautic.edit_contact(id, &json!({ "mobile": mobile })).await);
        world.until_field(hub, "mobile", &mobile).await;
        world.until_property(Kind::Contact, remote, "mobilephone", &mobile).await;
        world.campaign_for("update", id, &[]).await;
        world.quiet().await;
    }
    // A refusal, which is parked with coreBOS's words.
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "" })).await);
    world.quiet().await;
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": person()["lastname"] })).await);
    world.quiet().await;
}

/// What strangers are told, and who sends nonsense with a right key.
async fn answers(world: &World) -> Vec<String> {
    let client = reqwest::Client::new();
    let person = person().to_string();
    let functions = ["webhook-mautic", "webhook-hubspot", "webhook-corebos", "webhook-campaign"];
    let mut urls: Vec<String> = functions.map(|function| world.local.webhook_url(function)).into();
    urls.push(urls[0].replace("/webhooks/mautic", "/signal"));
    let mut answers = Vec::new();
    for url in &urls {
        for header in
            ["webhook-signature", "x-hubspot-signature-v3", "x-bridge-key", "x-signature", "authorization"]
        {
            let request = client.post(url).header("content-type", "application/json").body(person.clone());
            let answer = request.header(header, "kjhgfd.canary@example.org").send().await.unwrap();
            assert!((400..404).contains(&answer.status().as_u16()), "{url}: {}", answer.status());
            answers.push(answer.text().await.unwrap());
        }
    }
    for body in [
        person.clone(),
        "Vbnhildegard is not JSON".to_owned(),
        json!({ "Vbnhildegard kjhgfd": [1] }).to_string(),
    ] {
        answers.push(format!("{:?}", world.post(body.clone()).await));
        for (url, name, key) in [
            (&urls[2], "x-bridge-key", WEBHOOK_KEY.to_owned()),
            (&urls[3], "x-bridge-key", ACCESS_KEY.to_owned()),
            (&urls[4], "authorization", format!("Bearer {SAMPLE_WRITE_KEY}")),
        ] {
            let request = client.post(url).header("content-type", "application/json").body(body.clone());
            let answer = request.header(name, key).send().await.unwrap();
            answers.push(answer.text().await.unwrap());
        }
    }
    answers
}

/// Messages that nobody can read go to the dead letters at once.
async fn unreadable(world: &World) {
    let sources: Vec<String> =
        world.local.stack.queue_urls().into_keys().filter(|name| !name.contains("dead")).collect();
    for queue in &sources {
        let body = "Vbnhildegard kjhgfd.canary@example.org";
        world.local.stack.send_message(queue, body, Some("nobody"), Some("once")).await.unwrap();
    }
    let begun = Instant::now();
    let dead = || {
        let queues = world.local.stack.status().queues;
        queues.iter().filter(|(name, queue)| name.contains("dead") && queue.visible > 0).count()
    };
    while dead() < sources.len() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {} dead letters", dead(), sources.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What was called: by function, each action with the logical id of what it was done to.
fn called(world: &World, calls: &[Call]) -> BTreeMap<String, Allowed> {
    let template = template();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (id, queue) in template.resources_of("AWS::SQS::Queue") {
        let url = &world.local.stack.queue_urls()[name_of(&queue["QueueName"], "")];
        names.insert(url.clone(), id.to_owned());
    }
    let table = world.local.stack.resources().tables.first().unwrap();
    names.insert(table.name.clone(), template.resources_of("AWS::DynamoDB::Table")[0].0.to_owned());
    let mut called: BTreeMap<String, Allowed> = BTreeMap::new();
    for call in calls {
        let resource = names.get(&call.resource).cloned().unwrap_or_else(|| call.resource.clone());
        let of_caller = called.entry(call.caller.clone()).or_default();
        of_caller.extend(call.actions.iter().map(|action| (action.clone(), resource.clone())));
    }
    called
}

/// What AWS does in a function's name: its event source takes and deletes messages, and Lambda writes its logs.
fn by_aws(action: &str) -> bool {
    [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ]
    .contains(&action)
}

/// What stays unused in this story, and why the function may do it all the same.
const ELSEWHERE: [(&str, &str, &str); 3] = [
    ("poll-corebos", "dynamodb:DeleteItem", "forgets what has waited for a system that was switched off"),
    ("poll-mautic", "dynamodb:DeleteItem", "the same"),
    ("poll-hubspot", "dynamodb:DeleteItem", "the same"),
];

/// Compares what was called with what the roles allow. The secret is one for all, so every function is taken to be
/// allowed to read it by the parameter that it is given.
fn compare(called: &BTreeMap<String, Allowed>, calls: &[Call]) {
    let template = template();
    let (mut missing, mut unused) = (BTreeSet::new(), BTreeSet::new());
    for (function, allowed) in rights(&template) {
        let used = called.get(function).cloned().unwrap_or_default();
        let is_secret = |(action, _): &&(String, String)| action.starts_with("secretsmanager:");
        let reads_secrets = used.iter().any(|used| is_secret(&used));
        for (action, resource) in used.iter().filter(|used| !is_secret(used)) {
            if !allowed.contains(&(action.clone(), resource.clone())) {
                missing.insert(format!("{function}: {action} on {resource}"));
            }
        }
        assert_eq!(
            reads_secrets,
            allowed.iter().any(|allowed| is_secret(&allowed)),
            "{function} and the secret"
        );
        for (action, resource) in allowed.iter().filter(|allowed| !is_secret(allowed)) {
            let elsewhere = ELSEWHERE.iter().any(|(who, what, _)| *who == function && what == action);
            if !used.contains(&(action.clone(), resource.clone())) && !by_aws(action) && !elsewhere {
                unused.insert(format!("{function}: {action} on {resource}"));
            }
        }
    }
    assert!(missing.is_empty() && unused.is_empty(), "missing: {missing:#?}\nunused: {unused:#?}");
    let partitions = may_query(&template);
    for call in calls.iter().filter(|call| call.actions.contains("dynamodb:Query")) {
        let allowed = &partitions[call.caller.as_str()];
        assert!(!call.queried.is_empty(), "{call:?}");
        for key in &call.queried {
            assert!(allowed.iter().any(|start| key.starts_with(start)), "{} queries {key}", call.caller);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_seen_and_every_function_does_what_it_may() {
    assert!(TEMPLATE.contains("    Default: info\n"));
    let recorder = Recorder::start().await.unwrap();
    let mut world = world(&recorder).await;
    let mut canaries = canaries(&world);
    canaries.push(live(&mut world).await.to_lowercase());
    let answers = answers(&world).await;
    unreadable(&world).await;
    world.listen();
    let calls = recorder.calls();
    compare(&called(&world, &calls), &calls);

    assert!(assert_clean("a log line", &world.log, &canaries) > 300);
    let metrics = world.log.iter().filter(|line| line.contains("CloudWatchMetrics"));
    assert!(assert_clean("a metric", metrics, &canaries) > 20);
    let functions: BTreeSet<String> = world
        .log
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|line| text(&line, "function"))
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(
        functions.len(),
        world.local.stack.resources().functions.len(),
        "who was heard: {functions:?}"
    );
    assert!(assert_clean("an answer", &answers, &canaries) >= 37);
    let open: Vec<String> =
        calls.iter().map(|call| call.open.clone()).filter(|open| !open.is_empty()).collect();
    assert!(assert_clean("a key or an attribute", &open, &canaries) > 300);
    world.stop().await;
}
