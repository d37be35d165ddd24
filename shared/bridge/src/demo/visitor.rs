//! The chapter of the demo in which a visitor of a website becomes a contact, and a record in the CRM.

use anyhow::{Context as _, Result, ensure};
use http_client::{BaseUrl, Client, ClientSettings, Method, Request};
use serde_json::{Value, json};

use super::stage::{Stage, text};
use crate::simulated::SAMPLE_WRITE_KEY;

/// A page before anybody says who sits there, an identify, a sign-up; four events of somebody new at one moment.
pub(super) async fn becomes_a_contact(stage: &mut Stage) -> Result<String> {
    let before = stage.simulated.mautic.contacts().len();
    let agreed =
        json!({ "consent": { "canonical": { "marketing": true } }, "campaign": { "source": "newsletter" } });
    let page = json!({ "type": "page", "anonymousId": "b-1", "context": agreed });
    let identify = json!({ "type": "identify", "userId": "jane", "anonymousId": "b-1", "context": agreed,
        "traits": { "email": "jane.doe@example.com", "firstName": "Jane", "lastName": "Doe", "country": "GB" } });
    let signed_up = json!({ "type": "track", "event": "Signed Up", "userId": "jane", "properties": { "method": "email" } });
    let again = json!({ "type": "page", "userId": "jane" });
    send(stage, &json!({ "batch": [page, identify, signed_up, again] })).await?;
    let jane = stage
        .until("Jane in Mautic", |systems| {
            let contacts = systems.mautic.contacts();
            contacts.into_iter().find(|contact| text(contact, "email") == "jane.doe@example.com")
        })
        .await?;
    let id = text(&jane, "id");
    stage.until("Jane in coreBOS", |systems| systems.corebos.find("Contacts", "mautic_id", &id)).await?;
    stage.quiet().await?;
    let contacts = stage.simulated.mautic.contacts();
    ensure!(contacts.len() == before + 1, "she is there {} times", contacts.len() - before);
    ensure!(text(&jane, "country") == "United Kingdom", "her country is {}", text(&jane, "country"));
    Ok("four events, one contact: Jane Doe, United Kingdom, with the tag of who agreed; and coreBOS has her"
        .to_owned())
}

async fn send(stage: &Stage, body: &Value) -> Result<()> {
    let url = stage.webhook_url();
    let base = BaseUrl::parse(url.trim_end_matches("/webhooks/mautic")).context("the stack has no URL")?;
    let request = Request::write(Method::POST, base.join(["v1", "batch"]))
        .header("authorization", &format!("Bearer {SAMPLE_WRITE_KEY}"))
        .json(body)?;
    let answer = Client::new(ClientSettings::default())?.send(&request).await?;
    ensure!(answer.is_success(), "the webhook answers {}", answer.status);
    Ok(())
}
