//! The chapter of the demo in which contacts become users of a WordPress site, by a campaign.

use anyhow::{Context as _, Result, ensure};
use http_client::{Client, ClientSettings, Method, Request};
use serde_json::json;

use super::stage::Stage;
use crate::simulated::ACCESS_KEY;

/// A campaign makes a user of Grace, five times at one moment; it asks for a role that nobody gets; her name changes.
pub(super) async fn becomes_a_user(stage: &mut Stage) -> Result<String> {
    let fields = json!({ "firstname": "Grace", "lastname": "Murray", "email": "grace+shop@example.org", "tags": ["VIP"] });
    let id = stage.simulated.mautic.create_contact(&fields).await.context("Mautic refuses Grace")?;
    for role in ["customer", "customer", "administrator", "customer", "customer"] {
        campaign(stage, id, role).await?;
    }
    stage
        .until("Grace on the site", |systems| {
            let found = systems.wordpress.as_ref()?.users_with("grace+shop@example.org");
            (!found.is_empty()).then_some(())
        })
        .await?;
    stage.quiet().await?;
    ensure!(
        stage.simulated.mautic.edit_contact(id, &json!({ "lastname": "Hopper" })).await,
        "Mautic refuses her name"
    );
    stage
        .until("her new name", |systems| {
            let found = systems.wordpress.as_ref()?.users_with("grace+shop@example.org");
            found.iter().any(|user| user.last_name == "Hopper").then_some(())
        })
        .await?;
    stage.quiet().await?;
    let site = stage.simulated.wordpress.as_ref().context("there is no site")?;
    let users = site.users_with("grace+shop@example.org");
    let [grace] = users.as_slice() else { anyhow::bail!("she is there {} times", users.len()) };
    ensure!(grace.roles == ["customer"], "her roles are {:?}", grace.roles);
    ensure!(grace.meta.get("mautic_tags") == Some(&json!(["VIP"])), "her tags are {:?}", grace.meta);
    Ok(format!(
        "five calls at one moment, one user: {}, a customer with her tags and her new name; nobody became an administrator",
        grace.login
    ))
}

/// Does what an action "Send a webhook" of a campaign does.
async fn campaign(stage: &Stage, contact: u64, role: &str) -> Result<()> {
    let url = url::Url::parse(&stage.campaign_url()).context("the stack has no URL for campaigns")?;
    let request = Request::write(Method::GET, url)
        .query("wpf_action", "add")
        .query("contact_id", &contact.to_string())
        .query("role", role)
        .header("x-bridge-key", ACCESS_KEY);
    let answer = Client::new(ClientSettings::default())?.send(&request).await?;
    ensure!(answer.is_success(), "the campaign is answered with {}", answer.status);
    Ok(())
}
