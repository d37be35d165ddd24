//! A map that reads the account of a contact and its owner: the values travel with the contact, and a renamed account
//! with its next edit.

use scenarios::{World, text, world_with_workflows};
use serde_json::json;

use crate::BRIDGE;

/// The title of a contact in Mautic is the name of its account, the second line of the address is its owner's e-mail.
const MAP: &str = "<map>
<originmodule><originname>Contacts</originname></originmodule>
<fields>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>mobile</fieldname><Orgfields><Orgfield><OrgfieldName>mobile</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>position</fieldname><Orgfields><Orgfield><OrgfieldName>$(account_id : (Accounts) accountname)</OrgfieldName><OrgfieldID>FIELD</OrgfieldID></Orgfield></Orgfields></field>
<field><fieldname>address2</fieldname><Orgfields><Orgfield><OrgfieldName>$(assigned_user_id : (Users) email1)</OrgfieldName><OrgfieldID>TEMPLATE</OrgfieldID></Orgfield></Orgfields></field>
</fields></map>";

async fn world() -> World {
    let world = world_with_workflows(BRIDGE).await;
    world.local.store.put_setting("map:ContactsToMautic", &MAP).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_brings_the_name_of_its_account_and_the_mail_of_its_owner() {
    let mut world = world().await;
    let account =
        world.systems.corebos.create("Accounts", &json!({ "accountname": "Chemex" })).await.unwrap();
    let ana = json!({
        "lastname": "Pérez", "email": "ana@example.org", "leadsource": "Partner", "account_id": account,
    });
    let (id, hub) = world.linked_corebos_contact(&ana).await;
    let contact = world.systems.mautic.contact(id).unwrap();
    let owner = text(&world.systems.corebos.record(&hub).unwrap(), "assigned_user_id");
    let mail = text(&world.systems.corebos.record(&owner).unwrap(), "email1");
    assert!(mail.contains('@'), "the stand-in's user has no e-mail");
    assert_eq!((text(&contact, "position"), text(&contact, "address2")), ("Chemex".into(), mail));

    // That the account is renamed is no edit of the contact; the next edit takes the new name along.
    world.systems.corebos.edit(&account, &json!({ "accountname": "Chemex Labs" })).await.unwrap();
    world.until_told("event received", |line| text(line, "event") == "Accounts saved").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "position"), "Chemex");
    let before = world.mautic_writes();
    world.systems.corebos.edit(&hub, &json!({ "mobile": "700" })).await.unwrap();
    world.until_mautic_field(id, "mobile", "700").await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "position"), "Chemex Labs");
    assert_eq!(world.mautic_writes(), before + 1, "both fields in one write");

    // A contact that leaves its account leaves the name too.
    world.systems.corebos.edit(&hub, &json!({ "account_id": "" })).await.unwrap();
    world.until_mautic_field(id, "position", "").await;
    world.stop().await;
}
