//! A contact of an account in coreBOS is a member of the company in Mautic, and the other way round: made, moved and
//! ended on either side, parents before and after their children, without an exchange that never ends.

use scenarios::{Unusual, World, text, unusual_world, world, world_with_workflows};
use serde_json::json;

use crate::BRIDGE;

/// The map of a user who wants to see the name of the account in Mautic.
const NAMES_THE_COMPANY: &str = "<map>
<originmodule><originname>Contacts</originname></originmodule>
<fields>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>mobile</fieldname><Orgfields><Orgfield><OrgfieldName>mobile</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>company</fieldname><Orgfields><Orgfield><OrgfieldName>department</OrgfieldName></Orgfield></Orgfields></field>
</fields></map>";

/// The map of a user who keeps Mautic's company text in coreBOS.
const KEEPS_THE_TEXT: &str = "<map>
<originmodule><originname>MauticContact</originname></originmodule>
<fields>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>mobile</fieldname><Orgfields><Orgfield><OrgfieldName>mobile</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>department</fieldname><Orgfields><Orgfield><OrgfieldName>company</OrgfieldName></Orgfield></Orgfields></field>
</fields></map>";

async fn account(world: &World, name: &str) -> String {
    world.systems.corebos.create("Accounts", &json!({ "accountname": name })).await.unwrap()
}

/// Waits for the Mautic company of an account.
async fn company_of(world: &mut World, account: &str) -> u64 {
    world
        .until(&format!("{account} in Mautic"), |systems| {
            let companies = systems.mautic.companies();
            companies.iter().find(|company| text(company, "company_corebos_id") == account)?["id"].as_u64()
        })
        .await
}

/// Waits until this is the only company of a contact.
async fn until_company(world: &mut World, contact: u64, company: Option<u64>) {
    let expected = (company.into_iter().collect::<Vec<_>>(), company);
    world
        .until(&format!("contact {contact} to be in {expected:?}"), |systems| {
            (systems.mautic.companies_of(contact) == expected).then_some(())
        })
        .await;
}

/// An account with its company, and a contact in both: account, company, coreBOS contact, Mautic contact.
async fn ana_of(world: &mut World, name: &str) -> (String, u64, String, u64) {
    let acme = account(world, name).await;
    let company = company_of(world, &acme).await;
    let ana = json!({ "lastname": "Pérez", "email": "ana@example.org", "leadsource": "Partner", "account_id": acme });
    let (contact, hub) = world.linked_corebos_contact(&ana).await;
    until_company(world, contact, Some(company)).await;
    world.quiet().await;
    (acme, company, hub, contact)
}

fn writes(world: &World) -> (usize, usize) {
    (world.corebos_writes(), world.mautic_writes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_an_account_is_a_member_of_its_company_and_follows_it() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (_, acme, hub, contact) = ana_of(&mut world, "Acme").await;
    // Two records, two ids, one membership, and no echo of any of them.
    assert_eq!(writes(&world), (2, 3));
    assert_eq!(text(&world.systems.mautic.contact(contact).unwrap(), "company"), "Acme");
    let beta = account(&world, "Beta").await;
    let beta_company = company_of(&mut world, &beta).await;
    // A membership that somebody in Mautic gave for reasons of their own.
    let own = world.systems.mautic.create_company(&json!({ "companyname": "Club" })).await.unwrap();
    world.systems.mautic.add_to_company(own, contact).await;
    let club = world
        .until("the club in coreBOS", |systems| systems.corebos.find("Accounts", "accountname", "Club"))
        .await;
    world.until_field(&hub, "account_id", &text(&club, "id")).await;
    world.quiet().await;
    assert_eq!(world.systems.mautic.companies_of(contact), (vec![acme, own], Some(own)));
    world.systems.corebos.edit(&hub, &json!({ "account_id": beta })).await.unwrap();
    world
        .until("Ana in Beta", |systems| {
            (systems.mautic.companies_of(contact) == (vec![acme, beta_company], Some(beta_company)))
                .then_some(())
        })
        .await;
    world.quiet().await;
    // The company that she left by hand is the one that was the primary one; a membership that is none stays.
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "account_id"), beta);
    assert!(world.parked().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_made_moved_and_ended_in_mautic_is_the_account_in_corebos() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (acme, company, hub, contact) = ana_of(&mut world, "Acme").await;
    let beta = account(&world, "Beta").await;
    let beta_company = company_of(&mut world, &beta).await;
    world.quiet().await;
    let before = writes(&world);
    world.systems.mautic.add_to_company(beta_company, contact).await;
    world.until_field(&hub, "account_id", &beta).await;
    world.systems.mautic.remove_from_company(beta_company, contact).await;
    world.until_field(&hub, "account_id", &acme).await;
    world.systems.mautic.remove_from_company(company, contact).await;
    world.until_field(&hub, "account_id", "").await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0 + 3, before.1), "one write each, none back");
    assert_eq!(world.systems.mautic.companies_of(contact), (vec![], None));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_taken_off_a_contact_ends_the_membership() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (_, _, hub, contact) = ana_of(&mut world, "Acme").await;
    let before = writes(&world);
    world.systems.corebos.edit(&hub, &json!({ "account_id": "" })).await.unwrap();
    until_company(&mut world, contact, None).await;
    world.quiet().await;
    assert_eq!(writes(&world), (before.0, before.1 + 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_brings_along_the_parent_that_nobody_told_of() {
    // Without webhooks: only the contact is ever told of.
    let mut world = world(BRIDGE).await;
    world.forget_mautics_webhook();
    let company = world.systems.mautic.create_company(&json!({ "companyname": "Unheard" })).await.unwrap();
    let contact = world.new_contact(&json!({ "lastname": "Pérez", "email": "ana@example.org" })).await;
    world.systems.mautic.add_to_company(company, contact).await;
    let body = json!({ "mautic.lead_company_change": [{ "added": true, "contact": { "id": contact }, "company": { "id": company } }] });
    assert_eq!(world.post(body.to_string()).await.0, 200);
    let hub = text(&world.corebos_contact_of(contact).await, "id");
    let parent = world
        .until("the parent in coreBOS", |systems| systems.corebos.find("Accounts", "accountname", "Unheard"))
        .await;
    world.until_field(&hub, "account_id", &text(&parent, "id")).await;
    world.quiet().await;
    assert!(world.parked().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_is_deleted_in_mautic_takes_no_contact_out_of_its_account() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (acme, company, hub, contact) = ana_of(&mut world, "Acme").await;
    // Mautic tells nothing of the contacts.
    assert!(world.systems.mautic.delete_company(company).await);
    world.until_field(&acme, "deleted_in_mautic", "1").await;
    assert!(world.systems.mautic.edit_contact(contact, &json!({ "mobile": "700" })).await);
    world.until_field(&hub, "mobile", "700").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "account_id"), acme);
    assert!(world.parked().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_deleted_in_corebos_takes_no_contact_out_of_its_company() {
    let mut world = world_with_workflows(BRIDGE).await;
    let (acme, company, hub, contact) = ana_of(&mut world, "Acme").await;
    world.systems.corebos.delete(&acme).await.unwrap();
    world.systems.corebos.edit(&hub, &json!({ "mobile": "700" })).await.unwrap();
    world.until_mautic_field(contact, "mobile", "700").await;
    world
        .until("the company to forget the account", |systems| {
            let company = systems.mautic.company(company)?;
            text(&company, "company_corebos_id").is_empty().then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "account_id"), "");
    assert_eq!(world.systems.mautic.companies_of(contact), (vec![company], Some(company)));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_company_text_makes_no_company_and_no_loop() {
    let mut world = world_with_workflows(BRIDGE).await;
    for (name, map) in [("ContactsToMautic", NAMES_THE_COMPANY), ("MauticToContacts", KEEPS_THE_TEXT)] {
        world.local.store.put_setting(&format!("map:{name}"), &map).await.unwrap();
    }
    let (_, company, hub, contact) = ana_of(&mut world, "Acme").await;
    // The text that follows from the membership arrives in coreBOS, and is not written back.
    world.until_field(&hub, "department", "Acme").await;
    world.quiet().await;
    let before = writes(&world);
    // A map that would write it is told so, and left without it.
    world.systems.corebos.edit(&hub, &json!({ "department": "Research", "mobile": "700" })).await.unwrap();
    world.until_mautic_field(contact, "mobile", "700").await;
    world.quiet().await;
    assert_eq!(world.systems.mautic.companies().len(), 1);
    assert_eq!(world.systems.mautic.companies_of(contact), (vec![company], Some(company)));
    assert_eq!(text(&world.systems.mautic.contact(contact).unwrap(), "company"), "Acme");
    assert_eq!(writes(&world), (before.0, before.1 + 1));
    let warned = world.log.iter().filter(|line| line.contains("fills by itself from an association")).count();
    assert_eq!(warned, 1, "said once");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn associations_can_be_switched_off() {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |mut config| {
        let mut pair = sync::PairSettings::default();
        (pair.to_hub.associations, pair.to_remote.associations) = (false, false);
        config.settings.insert("mautic-contacts".to_owned(), pair.into());
        config
    })
    .await;
    let company = world.systems.mautic.create_company(&json!({ "companyname": "Acme" })).await.unwrap();
    let (contact, hub) = world.linked_contact(&json!({ "lastname": "Pérez" })).await;
    world.systems.mautic.add_to_company(company, contact).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.corebos.record(&hub).unwrap(), "account_id"), "");
    // Nobody asks for what nobody needs.
    let asked = world.systems.mautic.requests();
    assert!(
        !asked
            .iter()
            .any(|request| request.path.ends_with("/companies") && request.path.contains("contacts"))
    );
    world.stop().await;
}
