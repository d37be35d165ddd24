//! The chapters of the other direction: coreBOS to Mautic, both at once, companies, and polls.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::chapters::note;
use super::stage::{Stage, corebos_writes, mautic_writes, text};

/// Mautic's reason for a refusal that came from the contact itself: the link at the end of a mail.
const UNSUBSCRIBED: u8 = 1;

/// Writes to coreBOS and to Mautic so far.
fn writes(stage: &Stage) -> (usize, usize) {
    (corebos_writes(&stage.simulated), mautic_writes(&stage.simulated))
}

pub(super) async fn edited(stage: &mut Stage) -> Result<String> {
    note("Somebody corrects Ana's city in coreBOS. Its workflow tells us while the page is being saved.");
    let (id, hub) = stage.ana.clone();
    let before = writes(stage);
    stage.simulated.corebos.edit(&hub, &json!({ "mailingcity": "Vigo" })).await?;
    stage
        .until("the city in Mautic", |s| (text(&s.mautic.contact(id)?, "city") == "Vigo").then_some(()))
        .await?;
    stage.quiet().await?;
    let after = writes(stage);
    ensure!(after.1 - before.1 == 1, "Mautic was written {} times", after.1 - before.1);
    ensure!(after.0 == before.0, "coreBOS was written {} times", after.0 - before.0);
    Ok("one write to Mautic, one field; Mautic's webhook about it needed none".to_owned())
}

pub(super) async fn both(stage: &mut Stage) -> Result<String> {
    note("At the same moment her mobile number is changed in Mautic and her department's phone in coreBOS.");
    let (id, hub) = stage.ana.clone();
    let (mautic, corebos) = (&stage.simulated.mautic, &stage.simulated.corebos);
    let (in_mautic, in_corebos) = (json!({ "mobile": "611" }), json!({ "homephone": "622" }));
    let (_, edited) = tokio::join!(mautic.edit_contact(id, &in_mautic), corebos.edit(&hub, &in_corebos));
    edited?;
    let both = |record: &serde_json::Value, phone: &str| {
        text(record, "mobile") == "611" && text(record, phone) == "622"
    };
    stage
        .until("both numbers on both sides", |s| {
            (both(&s.mautic.contact(id)?, "phone") && both(&s.corebos.record(&hub)?, "homephone"))
                .then_some(())
        })
        .await?;
    stage.quiet().await?;
    ensure!(
        both(&stage.simulated.mautic.contact(id).context("Ana is gone")?, "phone"),
        "Mautic lost a number"
    );
    ensure!(
        both(&stage.simulated.corebos.record(&hub).context("Ana is gone")?, "homephone"),
        "coreBOS lost one"
    );
    Ok("both numbers are on both sides".to_owned())
}

pub(super) async fn companies(stage: &mut Stage) -> Result<String> {
    note("An account is entered in coreBOS, and a company in Mautic.");
    let account = json!({ "accountname": "Analytical Engines", "email1": "info@engines.example" });
    let hub = stage.simulated.corebos.create("Accounts", &account).await?;
    let company = json!({ "companyname": "Difference Works", "companyemail": "info@works.example" });
    stage.simulated.mautic.create_company(&company).await;
    stage
        .until("the company in Mautic", |s| {
            s.mautic.companies().into_iter().find(|c| text(c, "company_corebos_id") == hub)
        })
        .await?;
    let other = stage
        .until("the account in coreBOS", |s| s.corebos.find("Accounts", "accountname", "Difference Works"))
        .await?;
    stage.quiet().await?;
    let (accounts, companies) =
        (stage.simulated.corebos.records("Accounts").len(), stage.simulated.mautic.companies().len());
    ensure!((accounts, companies) == (2, 2), "there are {accounts} accounts and {companies} companies");
    Ok(format!("accounts {hub} and {}, one company each", text(&other, "id")))
}

pub(super) async fn belongs(stage: &mut Stage) -> Result<String> {
    note(
        "Ana goes to work for Analytical Engines, which is entered in coreBOS; then Mautic moves her to the other one.",
    );
    let (id, hub) = stage.ana.clone();
    let engines = stage.simulated.corebos.find("Accounts", "accountname", "Analytical Engines");
    let engines = text(&engines.context("Analytical Engines are gone")?, "id");
    stage.simulated.corebos.edit(&hub, &json!({ "account_id": engines })).await?;
    stage
        .until("Ana in the company", |s| {
            (text(&s.mautic.contact(id)?, "company") == "Analytical Engines").then_some(())
        })
        .await?;
    stage.quiet().await?;
    let companies = stage.simulated.mautic.companies();
    let works = companies.iter().find(|company| text(company, "companyname") == "Difference Works");
    let works = works.context("Difference Works are gone")?;
    let company = works["id"].as_u64().context("a company without an id")?;
    stage.simulated.mautic.add_to_company(company, id).await;
    let account = text(works, "company_corebos_id");
    stage
        .until("Ana in the other account", |s| {
            (text(&s.corebos.record(&hub)?, "account_id") == account).then_some(())
        })
        .await?;
    stage.quiet().await?;
    let now = stage.simulated.corebos.record(&hub).context("Ana is gone")?;
    ensure!(text(&now, "account_id") == account, "she went back to {}", text(&now, "account_id"));
    Ok("a membership in Mautic is the account in coreBOS, made on either side".to_owned())
}

pub(super) async fn unsubscribed(stage: &mut Stage) -> Result<String> {
    note("Ana follows the link at the end of a newsletter, and wants no more of them.");
    let (id, hub) = stage.ana.clone();
    stage.simulated.mautic.set_do_not_contact(id, "email", UNSUBSCRIBED).await;
    stage
        .until("her refusal in coreBOS", |s| {
            (text(&s.corebos.record(&hub)?, "emailoptout") == "1").then_some(())
        })
        .await?;
    stage.quiet().await?;
    Ok("coreBOS has emailoptout set, and sends her nothing either".to_owned())
}

pub(super) async fn polled(stage: &mut Stage) -> Result<String> {
    note("The webhooks are switched off on both sides, and Ana is edited on both.");
    // So that what comes now is found from here on, as after any earlier tick.
    stage.poll("poll-mautic").await?;
    stage.poll("poll-corebos").await?;
    stage.quiet().await?;
    let (id, hub) = stage.ana.clone();
    stage.silence();
    stage.simulated.mautic.edit_contact(id, &json!({ "fax": "633" })).await;
    stage.simulated.corebos.edit(&hub, &json!({ "mailingzip": "36201", "title": "Dr" })).await?;
    note("The schedule fires.");
    stage.poll("poll-mautic").await?;
    stage.poll("poll-corebos").await?;
    stage
        .until("both edits on both sides", |s| {
            let (contact, record) = (s.mautic.contact(id)?, s.corebos.record(&hub)?);
            (text(&record, "fax") == "633" && text(&contact, "title") == "Dr").then_some(())
        })
        .await?;
    stage.quiet().await?;
    stage.hear_again().await?;
    Ok("both edits arrived; the webhooks are on again".to_owned())
}
