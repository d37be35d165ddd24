//! Nothing personal and no secret is ever in a log line, in an answer to a webhook, or in a message of the queue.

use bridge::simulated::{SAMPLE_SECRETS, WEBHOOK_SECRET};
use scenarios::{Unusual, Written, simulators, world_of};
use serde_json::{Value, json};
use simulators::faults::{Fault, FaultKind};

use crate::BRIDGE;

/// Values that occur nowhere else. None is part of another.
const PERSON: [(&str, &str); 7] = [
    ("firstname", "Zxqwolfgang"),
    ("lastname", "Vbnhildegard"),
    ("email", "kjhgfd.canary@example.org"),
    ("mobile", "+34600717717"),
    ("phone", "+34910828828"),
    ("address1", "Calle Wqrtzpfad 99"),
    ("city", "Ptolmgrad"),
];

fn person() -> Value {
    PERSON
        .iter()
        .map(|(field, value)| ((*field).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn canaries(written: &Written) -> Vec<String> {
    let mut all: Vec<String> = PERSON.iter().map(|(_, value)| (*value).to_owned()).collect();
    all.push("kjhgfd".to_owned());
    all.extend([written.access_key.clone(), written.password.clone(), WEBHOOK_SECRET.to_owned()]);
    all.extend(SAMPLE_SECRETS.map(str::to_owned));
    all
}

fn assert_clean<'a>(what: &str, texts: impl IntoIterator<Item = &'a String>, canaries: &[String]) -> usize {
    let mut seen = 0;
    for line in texts {
        seen += 1;
        for canary in canaries {
            assert!(!line.to_lowercase().contains(&canary.to_lowercase()), "{canary} is in {what}: {line}");
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_and_no_answer_tells_who_it_was() {
    let systems = simulators().await;
    let written = Written::of(&systems);
    let canaries = canaries(&written);
    let mut verbose = Unusual::short_lives();
    verbose.push_environment.insert("LOG_LEVEL".to_owned(), "trace".to_owned());
    let mut world = world_of(BRIDGE, systems, &written.config(), verbose).await;
    // Created, edited, and everything that goes wrong with words about it.
    let (id, hub) = world.linked_contact(&person()).await;
    for kind in [FaultKind::LoseAnswer, FaultKind::AnswerAfterWork(500), FaultKind::DropConnection] {
        let mobile = format!("+34600717717 {kind:?}");
        world.systems.corebos.faults().add(Fault::new(kind).operation("revise").times(1));
        world.systems.mautic.faults().add(Fault::status(500).method("get").times(1));
        assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": mobile })).await);
        world.quiet().await;
    }
    let words = "PHP Fatal error: Vbnhildegard kjhgfd.canary@example.org in /var/www";
    let page = FaultKind::Status { code: 500, retry_after_seconds: None, body: Some(words.to_owned()) };
    world.systems.corebos.faults().add(Fault::new(page.clone()).times(2));
    world.systems.mautic.faults().add(Fault::new(page).method("get").times(2));
    // A refusal: coreBOS wants a last name.
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "" })).await);
    world.quiet().await;
    // Two records with one e-mail: a newcomer with it cannot be told apart.
    let same = json!({ "lastname": "Vbnhildegard", "email": "ptolmgrad@example.org" });
    for _ in 0..2 {
        world.systems.corebos.create("Contacts", &same).await.unwrap();
    }
    let mut twin = person();
    twin["email"] = same["email"].clone();
    twin["corebos_id"] = Value::from("12x1' OR 1=1 Ptolmgrad");
    world.new_contact(&twin).await;
    world.quiet().await;
    assert!(world.systems.mautic.delete_contact(id).await);
    world.until_field(&hub, "deleted_in_mautic", "1").await;
    world.quiet().await;
    // Webhooks with the person in every place that could be quoted.
    let mut answers = Vec::new();
    for body in [
        "Vbnhildegard is not JSON".to_owned(),
        json!({ "Vbnhildegard kjhgfd": [{ "contact": { "id": "Ptolmgrad" } }] }).to_string(),
        json!({ "mautic.lead_post_save_new": [{ "contact": { "id": "Vbnhildegard" } }, "Vbnhildegard", { "Vbnhildegard": 1 }] }).to_string(),
        json!({ "mautic.lead_post_save_new": "Vbnhildegard" }).to_string(),
        json!(["Vbnhildegard"]).to_string(),
    ] {
        let (status, answer) = world.post(body.clone()).await;
        answers.push(format!("{status} {answer}"));
        let (status, answer) = world.post_signed(body.into_bytes(), Some("kjhgfd.canary@example.org")).await;
        assert_eq!(status, 401);
        answers.push(format!("{status} {answer}"));
    }
    world.quiet().await;
    let lines = assert_clean("a log line", &world.log, &canaries);
    assert!(lines > 50, "{lines} lines were read");
    assert_eq!(assert_clean("an answer", &answers, &canaries), 10);
    let mut reasons: Vec<String> = world.parked().await.into_iter().map(|change| change.reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["ambiguous", "refused"], "both kinds of words were there to be told");
    assert_eq!(world.systems.corebos.faults().active() + world.systems.mautic.faults().active(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_tells_who_it_was() {
    let systems = simulators().await;
    let written = Written::of(&systems);
    let canaries = canaries(&written);
    let world = world_of(BRIDGE, systems, &written.config(), Unusual::unread_queue()).await;
    let id = world.new_contact(&person()).await;
    assert!(world.systems.mautic.edit_contact(id, &json!({ "position": "again" })).await);
    assert!(world.systems.mautic.set_points(id, 7).await);
    assert!(world.systems.mautic.delete_contact(id).await);
    let urls = world.local.stack.queue_urls();
    let sqs = &world.local.clients.sqs;
    let mut messages = Vec::new();
    loop {
        let request =
            sqs.receive_message().queue_url(&urls["corebos-changes.fifo"]).max_number_of_messages(10);
        let request = request.message_attribute_names("All").message_system_attribute_names("All".into());
        let answer = request.send().await.unwrap();
        let batch = answer.messages.unwrap_or_default();
        if batch.is_empty() {
            break;
        }
        for message in batch {
            messages.push(format!("{message:?}"));
            let handle = message.receipt_handle.unwrap_or_default();
            let delete = sqs.delete_message().queue_url(&urls["corebos-changes.fifo"]).receipt_handle(handle);
            delete.send().await.unwrap();
        }
    }
    assert!(assert_clean("a message", &messages, &canaries) >= 4, "{messages:#?}");
    assert!(
        messages.iter().all(|message| message.contains(&format!("mautic:main#contact#{id}"))),
        "{messages:#?}"
    );
    world.stop().await;
}
