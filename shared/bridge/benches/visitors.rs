//! 10,000 visitor events on the embedded stack with the stand-ins, in batches of 100, every batch sent twice.
//!
//! `cargo bench -p bridge --bench visitors [-- --events N]`. Five events each of so many visitors: a page, an identify, a
//! sign-up, two more pages. Prints how fast they are taken, how fast they are dealt with, and how many calls Mautic got.
//! Without `--bench`, as in `cargo test --all-targets`, a few events only.

#![recursion_limit = "256"]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bridge::local::{self, Local, LocalOptions};
use bridge::screen::line;
use bridge::simulated::{self, SAMPLE_WRITE_KEY};
use http_client::{BaseUrl, Client, ClientSettings, Method, Request};
use serde_json::{Value, json};

/// Events of one visitor.
const EVENTS_EACH: usize = 5;
/// Events of one request.
const BATCH: usize = 100;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The functions of the stack are this program.
    if arguments.get(1).is_some_and(|verb| verb == "function") {
        return bridge::run(arguments);
    }
    let texts: Vec<String> = arguments.iter().map(|text| text.to_string_lossy().into_owned()).collect();
    let given =
        texts.iter().position(|text| text == "--events").and_then(|at| texts.get(at + 1)?.parse().ok());
    let usual = if texts.iter().any(|text| text == "--bench") { 10_000 } else { 50 };
    let done = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into);
    match done.and_then(|runtime| runtime.block_on(run(given.unwrap_or(usual)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bridge::screen::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(count: usize) -> Result<()> {
    let visitors = (count / EVENTS_EACH).max(1);
    let systems = simulated::start((0, 0), None).await?;
    let stack = local::start(&simulated::with_visitors(systems.config()?)?, LocalOptions::default()).await?;
    let url = stack.webhook_url("webhook-mautic");
    let base = BaseUrl::parse(url.trim_end_matches("/webhooks/mautic")).context("the stack has no URL")?;
    let client = Client::new(ClientSettings::default())?;
    // Visitors come at the same time: first all their pages, then who they are, and so on.
    let events: Vec<Value> =
        (0..EVENTS_EACH).flat_map(|step| (0..visitors).map(move |visitor| event(visitor, step))).collect();

    let begun = Instant::now();
    for batch in events.chunks(BATCH) {
        let body = json!({ "batch": batch });
        // The second time is what a client does that has not got the answer.
        for _ in 0..2 {
            let request = Request::write(Method::POST, base.join(["v1", "batch"]))
                .header("authorization", &format!("Bearer {SAMPLE_WRITE_KEY}"))
                .json(&body)?;
            let answer = client.send(&request).await?;
            ensure!(answer.is_success(), "the webhook answers {}", answer.status);
        }
    }
    let taken = begun.elapsed();
    until_quiet(&stack).await;
    let dealt_with = begun.elapsed();

    let contacts = systems.mautic.contacts().len();
    ensure!(contacts == visitors, "{visitors} visitors are {contacts} contacts");
    let calls = systems.mautic.requests();
    let writes = calls.iter().filter(|call| call.method != "GET").count();
    line(&format!("events                {} of {visitors} visitors, each sent twice", events.len()));
    line(&format!("taken per second      {:.0}", per_second(2 * events.len(), taken)));
    line(&format!("dealt with per second {:.0}", per_second(events.len(), dealt_with)));
    line(&format!(
        "calls of Mautic       {:.2} per visitor, {:.2} of them write",
        per(calls.len(), visitors),
        per(writes, visitors)
    ));
    stack.stack.stop(Duration::from_secs(5)).await;
    Ok(())
}

fn event(visitor: usize, step: usize) -> Value {
    let context = json!({ "consent": { "canonical": { "marketing": true } }, "ip": "203.0.113.50",
        "campaign": { "source": "newsletter" } });
    let mut event = json!({ "messageId": format!("{visitor}-{step}"), "anonymousId": format!("b{visitor}"), "context": context });
    let more = match step {
        1 => json!({ "type": "identify", "userId": format!("u{visitor}"),
            "traits": { "email": format!("visitor{visitor}@example.org"), "first_name": "Ana", "country": "ES" } }),
        2 => {
            json!({ "type": "track", "event": "Signed Up", "userId": format!("u{visitor}"), "properties": { "method": "email" } })
        }
        _ => json!({ "type": "page" }),
    };
    if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
        event.extend(more.clone());
    }
    event
}

/// Waits until no message of visitors waits or is in flight, and none comes for a moment.
async fn until_quiet(stack: &Local) {
    let mut calm = 0;
    while calm < 5 {
        let status = stack.stack.status();
        let of_visitors = status.queues.iter().filter(|(name, _)| name.starts_with("visitor-events"));
        let waiting: usize =
            of_visitors.map(|(_, queue)| queue.visible + queue.in_flight + queue.delayed).sum();
        calm = if waiting == 0 { calm + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with two decimals")]
fn per(calls: usize, visitors: usize) -> f64 {
    calls as f64 / visitors as f64
}

#[expect(clippy::cast_precision_loss, reason = "it is shown without decimals")]
fn per_second(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}
