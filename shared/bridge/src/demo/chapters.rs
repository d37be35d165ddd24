//! The chapters of the story. Each does something, waits for what it promises, and says what was seen.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use simulators::mautic::Delivery;

use super::stage::{Stage, corebos_writes, text};
use super::{back, second, user, visitor};
use crate::screen::{DIM, line, styled};
use crate::simulated::TRIGGERS;

type Playing<'a> = Pin<Box<dyn Future<Output = Result<String>> + 'a>>;

/// One chapter.
pub(super) struct Chapter {
    pub(super) title: &'static str,
    pub(super) play: for<'a> fn(&'a mut Stage) -> Playing<'a>,
}

/// The story.
pub(super) const ALL: &[Chapter] = &[
    Chapter {
        title: "A contact is created in Mautic and appears in coreBOS, its id written back",
        play: |stage| Box::pin(created(stage)),
    },
    Chapter {
        title: "An edit travels: only the changed field is written",
        play: |stage| Box::pin(edited(stage)),
    },
    Chapter {
        title: "The echo of our own write is recognised and stops",
        play: |stage| Box::pin(echoed(stage)),
    },
    Chapter { title: "A batch of ten in one webhook body: all arrive", play: |stage| Box::pin(ten(stage)) },
    Chapter { title: "A webhook with a bad signature is refused", play: |stage| Box::pin(forged(stage)) },
    Chapter {
        title: "A contact that coreBOS refuses is parked with its words; the next one goes through",
        play: |stage| Box::pin(refused(stage)),
    },
    Chapter {
        title: "An edit in coreBOS reaches Mautic, and does not come back",
        play: |stage| Box::pin(back::edited(stage)),
    },
    Chapter {
        title: "Both sides edit the same person at once: nothing is lost",
        play: |stage| Box::pin(back::both(stage)),
    },
    Chapter {
        title: "An account becomes a company, and a company becomes an account",
        play: |stage| Box::pin(back::companies(stage)),
    },
    Chapter {
        title: "Who works for whom is the same on both sides",
        play: |stage| Box::pin(back::belongs(stage)),
    },
    Chapter {
        title: "Who refuses mail in Mautic gets none from coreBOS",
        play: |stage| Box::pin(back::unsubscribed(stage)),
    },
    Chapter {
        title: "Who is ticked for HubSpot is in step there too, and an edit in Mautic reaches HubSpot",
        play: |stage| Box::pin(second::ticked(stage)),
    },
    Chapter {
        title: "A lead becomes hot in coreBOS, and nurturing begins in HubSpot",
        play: |stage| Box::pin(second::nurtured(stage)),
    },
    Chapter {
        title: "Webhooks are lost, and the polls find what they would have told",
        play: |stage| Box::pin(back::polled(stage)),
    },
    Chapter {
        title: "A form merges a known contact into a new id: the link moves, nothing is doubled",
        play: |stage| Box::pin(merged(stage)),
    },
    Chapter {
        title: "A deletion in Mautic becomes a mark in coreBOS",
        play: |stage| Box::pin(deleted(stage)),
    },
    Chapter {
        title: "A visitor of a website signs up, and is one contact with the right country",
        play: |stage| Box::pin(visitor::becomes_a_contact(stage)),
    },
    Chapter {
        title: "A campaign makes a user of a WordPress site, once, and it follows the contact",
        play: |stage| Box::pin(user::becomes_a_user(stage)),
    },
    Chapter {
        title: "coreBOS is down for a while, and nothing is lost",
        play: |stage| Box::pin(outage(stage)),
    },
];

pub(super) fn note(text: &str) {
    line(&styled(DIM, &format!("  {text}")));
}

async fn created(stage: &mut Stage) -> Result<String> {
    note("Somebody enters Ana Pérez in Mautic.");
    let fields = json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org", "mobile": "600 100 200" });
    let id = stage.simulated.mautic.create_contact(&fields).await;
    let id = id.ok_or_else(|| anyhow::anyhow!("Mautic did not take the contact"))?;
    let record =
        stage.until("Ana in coreBOS", |s| s.corebos.find("Contacts", "mautic_id", &id.to_string())).await?;
    let hub = text(&record, "id");
    stage
        .until("her coreBOS id in Mautic", |s| {
            (text(&s.mautic.contact(id)?, "corebos_id") == hub).then_some(())
        })
        .await?;
    stage.quiet().await?;
    ensure!(text(&record, "lastname") == "Pérez", "the last name is {}", text(&record, "lastname"));
    stage.ana = (id, hub.clone());
    Ok(format!("Mautic contact {id} is coreBOS contact {hub}, and each knows the other's id"))
}

async fn edited(stage: &mut Stage) -> Result<String> {
    note("Somebody changes her mobile number in Mautic.");
    let before = corebos_writes(&stage.simulated);
    let (id, hub) = stage.ana.clone();
    stage.simulated.mautic.edit_contact(id, &json!({ "mobile": "600 999 888" })).await;
    stage
        .until("the new number in coreBOS", |s| {
            (text(&s.corebos.record(&hub)?, "mobile") == "600 999 888").then_some(())
        })
        .await?;
    stage.quiet().await?;
    let writes = corebos_writes(&stage.simulated) - before;
    ensure!(writes == 1, "coreBOS was written {writes} times");
    Ok("one write to coreBOS, one field".to_owned())
}

async fn echoed(stage: &mut Stage) -> Result<String> {
    note(
        "Mautic repeats what it has said: the same contact is saved again, twice, with nothing new for coreBOS.",
    );
    let before = corebos_writes(&stage.simulated);
    let skipped = stage.journal.counts.skipped;
    let (id, _) = stage.ana.clone();
    for tag in ["newsletter", "customer"] {
        stage.simulated.mautic.edit_contact(id, &json!({ "tags": [tag] })).await;
    }
    stage.quiet().await?;
    let writes = corebos_writes(&stage.simulated) - before;
    ensure!(writes == 0, "coreBOS was written {writes} times");
    // The webhook for our own write of the id, in the first chapter, is one of these too.
    let echoes = stage.journal.counts.skipped;
    ensure!(echoes > skipped, "no notice came");
    Ok(format!("{echoes} notices so far needed no write, the one about our own id among them"))
}

async fn ten(stage: &mut Stage) -> Result<String> {
    note("Mautic works in queue mode: its cron sends ten events in one body.");
    let webhooks = stage.journal.counts.webhooks;
    stage.simulated.mautic.set_delivery(Delivery::Queue);
    let mut ids = Vec::new();
    for number in 1..=10 {
        let fields = json!({ "lastname": format!("Visitor {number}"), "email": format!("visitor-{number}@example.org") });
        ids.extend(stage.simulated.mautic.create_contact(&fields).await);
    }
    let report = stage.simulated.mautic.process_queue().await;
    stage.simulated.mautic.set_delivery(Delivery::Immediate);
    stage
        .until("ten visitors in coreBOS", |s| {
            let all = ids.iter().all(|id| s.corebos.find("Contacts", "mautic_id", &id.to_string()).is_some());
            all.then_some(())
        })
        .await?;
    stage.quiet().await?;
    ensure!(report.events == 10, "Mautic sent {} events", report.events);
    let extra = stage.journal.counts.webhooks - webhooks;
    Ok(format!(
        "{} events in {} body, ten records in coreBOS ({extra} webhooks in all: the others tell of the ids)",
        report.events, report.posts
    ))
}

async fn forged(stage: &mut Stage) -> Result<String> {
    note("Somebody who does not know the secret sends a webhook.");
    let before = corebos_writes(&stage.simulated);
    let refused = stage.journal.counts.refused;
    let url = stage.webhook_url();
    let forger = stage.simulated.mautic.add_webhook(&url, "not-the-secret", &TRIGGERS);
    let (id, _) = stage.ana.clone();
    // A points change that no map carries into coreBOS as such: what counts is the answer to the forger.
    stage.simulated.mautic.edit_contact(id, &json!({ "tags": ["forged"] })).await;
    stage.quiet().await?;
    let answer = stage
        .simulated
        .mautic
        .deliveries()
        .into_iter()
        .rev()
        .find(|d| d.hook == forger)
        .and_then(|d| d.status);
    stage.simulated.mautic.remove_webhook(forger);
    ensure!(answer == Some(401), "the answer was {answer:?}");
    ensure!(stage.journal.counts.refused > refused, "nothing was refused");
    ensure!(corebos_writes(&stage.simulated) == before, "coreBOS was written");
    Ok("401, and nothing was queued".to_owned())
}

async fn refused(stage: &mut Stage) -> Result<String> {
    note("A contact without a last name, which coreBOS requires, and right behind it one that is complete.");
    let parked = stage.parked().await?.len();
    stage.simulated.mautic.create_contact(&json!({ "firstname": "Cher", "email": "cher@example.org" })).await;
    let good = json!({ "firstname": "Joan", "lastname": "Clarke", "email": "joan@example.org" });
    let good = stage.simulated.mautic.create_contact(&good).await.unwrap_or_default();
    stage
        .until("the complete contact in coreBOS", |s| {
            s.corebos.find("Contacts", "mautic_id", &good.to_string())
        })
        .await?;
    stage.quiet().await?;
    let all = stage.parked().await?;
    ensure!(all.len() == parked + 1, "{} changes are parked", all.len());
    let words = all.last().map(|change| change.message.clone()).unwrap_or_default();
    Ok(format!("parked with coreBOS's words: “{words}”"))
}

async fn merged(stage: &mut Stage) -> Result<String> {
    note(
        "Ana fills in a form on another computer. Mautic merges the known contact into the new visitor: her id changes.",
    );
    let contacts = stage.simulated.corebos.records("Contacts").len();
    let (old, hub) = stage.ana.clone();
    let new =
        stage.simulated.mautic.submit_form(&json!({ "email": "ana@example.org", "firstname": "Ana" })).await;
    let new = new.ok_or_else(|| anyhow::anyhow!("Mautic did not take the form"))?;
    ensure!(new != old, "Mautic kept the id");
    stage
        .until("the new Mautic id in coreBOS", |s| {
            (text(&s.corebos.record(&hub)?, "mautic_id") == new.to_string()).then_some(())
        })
        .await?;
    stage.quiet().await?;
    let record = stage.simulated.corebos.record(&hub).unwrap_or_default();
    ensure!(text(&record, "deleted_in_mautic") != "1", "coreBOS was told that she was deleted");
    let now = stage.simulated.corebos.records("Contacts").len();
    ensure!(now == contacts, "there are {now} contacts instead of {contacts}");
    stage.ana = (new, hub.clone());
    Ok(format!("coreBOS contact {hub} is Mautic contact {new} now; no second record, no mark"))
}

async fn deleted(stage: &mut Stage) -> Result<String> {
    note(
        "Somebody deletes Ana in Mautic. A delete is a question: the bridge reads the record again before it believes it.",
    );
    let (id, hub) = stage.ana.clone();
    stage.simulated.mautic.delete_contact(id).await;
    let record = stage
        .until("the mark in coreBOS", |s| {
            let record = s.corebos.record(&hub)?;
            (text(&record, "deleted_in_mautic") == "1").then_some(record)
        })
        .await?;
    stage.quiet().await?;
    ensure!(text(&record, "mautic_id").is_empty(), "the Mautic id is still there");
    Ok(format!("{hub} is still there, with deleted_in_mautic=1 and no Mautic id"))
}

async fn outage(stage: &mut Stage) -> Result<String> {
    note("coreBOS stops listening. Five contacts are created in Mautic meanwhile.");
    stage.simulated.corebos.stop_listening().await;
    let mut ids = Vec::new();
    for number in 1..=5 {
        let fields =
            json!({ "lastname": format!("Night {number}"), "email": format!("night-{number}@example.org") });
        ids.extend(stage.simulated.mautic.create_contact(&fields).await);
    }
    let put_off = stage.journal.counts.put_off;
    for _ in 0..60 {
        stage.show();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    let waiting = stage.waiting();
    ensure!(waiting > 0, "nothing waits in the queue");
    note(&format!("{waiting} messages wait in the queue. coreBOS comes back."));
    stage.simulated.corebos.listen_again().await?;
    stage
        .until("five contacts in coreBOS", |s| {
            let all = ids.iter().all(|id| s.corebos.find("Contacts", "mautic_id", &id.to_string()).is_some());
            all.then_some(())
        })
        .await?;
    stage.quiet().await?;
    let tries = stage.journal.counts.put_off - put_off;
    for id in &ids {
        let twins = stage
            .simulated
            .corebos
            .records("Contacts")
            .iter()
            .filter(|r| text(r, "mautic_id") == id.to_string())
            .count();
        ensure!(twins == 1, "contact {id} is there {twins} times");
    }
    Ok(format!("all five arrived once; {tries} attempts were put off"))
}
