//! Maps that read records which the record refers to.

use model::{NoticeKind, Side};
use sync::memory::system::MemoryFault;
use sync::{ConnectorError, Outcome, PairSettings};

use crate::world::World;

/// The name of the account of a contact, as a field of the other system.
const COMPANY: &str = "<field><fieldname>company</fieldname><Orgfields><Orgfield>\
    <OrgfieldName>$(account_id : (Accounts) accountname)</OrgfieldName><OrgfieldID>TEMPLATE</OrgfieldID>\
    </Orgfield></Orgfields></field>";

/// The e-mail of the owner, and the account's name again, in one field.
const OWNER: &str = "<field><fieldname>owner</fieldname><Orgfields><Orgfield>\
    <OrgfieldName>$(assigned_user_id : (Users) email1) of $(account_id : (Accounts) accountname)</OrgfieldName>\
    <OrgfieldID>TEMPLATE</OrgfieldID></Orgfield></Orgfields></field>";

/// The other way: the title of a contact in coreBOS is the name of the account that Mautic names by id.
const LABEL: &str = "<field><fieldname>leadsource</fieldname><Orgfields><Orgfield>\
    <OrgfieldName>$(account : (Accounts) accountname)</OrgfieldName><OrgfieldID>TEMPLATE</OrgfieldID>\
    </Orgfield></Orgfields></field>";

fn world(fields: &[&str]) -> World {
    let mut world = World::new(PairSettings::default());
    world.map_to_remote_gets(&fields.concat());
    world.hub.has_related("Accounts", "11x74", &[("accountname", "Chemex")]);
    world.hub.has_related("Users", "19x5", &[("email1", "rep@example.org")]);
    world
}

fn ana(world: &World, account: &str) -> String {
    world.hub.person_creates(&[
        ("lastname", "Pérez"),
        ("email", "ana@example.org"),
        ("account_id", account),
        ("assigned_user_id", "19x5"),
    ])
}

/// The value of a field of the partner of a record of coreBOS.
fn there(world: &World, hub: &str, field: &str) -> String {
    let remote = world.partner(Side::Hub, hub).unwrap();
    world.remote.value(&remote, field).unwrap()
}

#[test]
fn the_name_of_the_account_and_the_owners_mail_arrive_with_the_contact() {
    let mut world = world(&[COMPANY, OWNER]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "Chemex");
    assert_eq!(there(&world, &ana, "owner"), "rep@example.org of Chemex");
    assert_eq!(world.remote.api_creates(), 1);
}

#[test]
fn a_push_reads_each_related_record_once_and_none_if_the_map_has_no_reference() {
    let mut world = world(&[COMPANY, OWNER]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    let before = world.hub.related_reads().len();
    world.hub.person_edits(&ana, &[("phone", "555")]);
    world.webhooks(|_| 1);
    world.start(0);
    while !world.running.is_empty() {
        world.step(0);
    }
    let mut reads = world.hub.related_reads().split_off(before);
    reads.sort();
    assert_eq!(reads, ["11x74", "19x5"]);

    let mut plain = self::world(&[]);
    self::ana(&plain, "11x74");
    plain.run_until_quiet();
    assert!(plain.hub.related_reads().is_empty());
}

#[test]
fn a_renamed_account_travels_with_the_next_edit_of_the_contact_and_is_no_edit_itself() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    world.hub.has_related("Accounts", "11x74", &[("accountname", "Chemex Labs")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "Chemex");
    world.hub.person_edits(&ana, &[("phone", "555")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "Chemex Labs");
    let writes = world.remote.api_writes();
    let written: Vec<_> = writes.last().unwrap().1.keys().map(String::as_str).collect();
    assert_eq!(written, ["company", "phone"]);
}

#[test]
fn an_edit_on_the_other_side_brings_the_new_name_along_too() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    world.hub.has_related("Accounts", "11x74", &[("accountname", "Chemex Labs")]);
    let remote = world.partner(Side::Hub, &ana).unwrap();
    world.remote.person_edits(&remote, &[("phone", "555")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "Chemex Labs");
    assert_eq!(world.hub.value(&ana, "phone").as_deref(), Some("555"));
}

#[test]
fn a_reference_that_is_blank_or_leads_nowhere_is_blank_on_the_other_side() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    // The second is an id of another module.
    for account in ["11x99", "12x74", ""] {
        world.hub.person_edits(&ana, &[("account_id", "11x74")]);
        world.run_until_quiet();
        assert_eq!(there(&world, &ana, "company"), "Chemex");
        world.hub.person_edits(&ana, &[("account_id", account)]);
        world.run_until_quiet();
        assert_eq!(there(&world, &ana, "company"), "", "{account}");
    }
}

#[test]
fn a_related_record_that_cannot_be_read_for_now_is_tried_again_and_nothing_is_blanked_meanwhile() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    world.hub.fail_next_related(ConnectorError::Unavailable { detail: "asked to fail".to_owned() });
    world.hub.person_edits(&ana, &[("phone", "555")]);
    world.run_until_quiet();
    assert!(
        world
            .outcomes
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Retry { reason: "unavailable", .. }))
    );
    assert_eq!(there(&world, &ana, "phone"), "555");
    assert!(world.remote.api_writes().iter().all(|(_, fields)| !fields.contains_key("company")));
}

#[test]
fn a_related_record_that_may_not_be_read_parks_its_field_with_the_reason_and_blanks_nothing() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    let forbidden = ConnectorError::Forbidden { detail: "our role does not see accounts".to_owned() };
    world.hub.fail_next_related(forbidden);
    world.hub.person_edits(&ana, &[("phone", "555")]);
    world.run_until_quiet();
    assert_eq!(
        (there(&world, &ana, "phone"), there(&world, &ana, "company")),
        ("555".into(), "Chemex".into())
    );
    let parked = world.store.parked();
    assert!(
        parked.iter().any(|change| change.fields.get("company").is_some_and(|why| why.contains("our role"))),
        "{parked:?}"
    );
}

#[test]
fn a_map_into_corebos_reads_its_records_too() {
    let mut world = world(&[]);
    world.map_to_hub_gets(LABEL);
    let ana = world.remote.person_creates(&[("email", "ana@example.org"), ("account", "11x74")]);
    world.run_until_quiet();
    let hub = world.partner(Side::Remote, &ana).unwrap();
    assert_eq!(world.hub.value(&hub, "leadsource").as_deref(), Some("Chemex"));
    assert!(world.remote.related_reads().is_empty());
}

#[test]
fn a_write_whose_worker_died_is_settled_with_the_related_records_too() {
    let mut world = world(&[COMPANY]);
    world.map_to_hub_gets(LABEL);
    let ana = ana(&world, "11x74");
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &ana).unwrap();
    world.remote.fail_next(MemoryFault::AnswerLost);
    world.hub.person_edits(&ana, &[("account_id", ""), ("phone", "555")]);
    world.webhooks(|_| 1);
    world.start(0);
    // It dies after the write and before the settlement.
    while world.remote.value(&remote, "phone").as_deref() != Some("555") {
        world.step(0);
    }
    world.crash(0);
    world.run_until_quiet();
    assert_eq!((there(&world, &ana, "phone"), there(&world, &ana, "company")), ("555".into(), String::new()));
    let writes = world.remote.api_writes().len();
    world.notice(world.hub.reference(&ana), NoticeKind::Saved);
    world.run_until_quiet();
    assert_eq!(world.remote.api_writes().len(), writes);
}
