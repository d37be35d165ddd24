//! Contacts and their companies: what must hold for the reference between them.

mod world;

use std::time::Duration;

use model::{NoticeKind, Side};
use sync::memory::system::MemoryFault;
use sync::settings::{FirstLink, Operations};
use sync::{Clock as _, PairSettings};

use self::world::{COMPANY, World};

#[tokio::test]
async fn a_contact_with_a_linked_company_is_created_in_it() {
    let mut world = World::new();
    let [account, company] = world.beta().await;
    let ana = world.hub().0.person_creates(&[("lastname", "Ana"), ("account_id", &account)]);
    let before = world.writes();
    world.quiet().await;
    let contact = world.partner(&world.hub().0.reference(&ana));
    assert_eq!(world.company_of(&contact), company);
    // The contact, and the id in coreBOS.
    assert_eq!(world.writes() - before, 2);
    assert_eq!(world.store.children(), []);
}

#[tokio::test]
async fn a_child_that_comes_before_its_parent_is_created_at_once_and_taken_up_when_the_parent_is_there() {
    for side in [Side::Hub, Side::Remote] {
        let mut world = World::new();
        let fields = [("account_id", "accountname"), (COMPANY, "companyname")][World::index(side)];
        let (people, firms) = if side == Side::Hub { world.hub() } else { world.remote() };
        let firm = firms.person_creates(&[(fields.1, "Acme")]);
        let person = people.person_creates(&[("lastname", "Ana"), (fields.0, &firm)]);
        let (person, firm) = (people.reference(&person), firms.reference(&firm));
        // The webhook of the company is lost; the child brings its parent along.
        let notices = world.notices(|record| *record == person);
        for notice in notices {
            world.push(notice).await;
        }
        assert!(!world.store.links().is_empty(), "the rest of the child travels at once");
        assert_eq!(world.store.children().len(), 1);
        world.quiet().await;
        assert_eq!(world.store.children(), []);
        let (there, parent) = (world.partner(&person), world.partner(&firm));
        let found = if side == Side::Hub { world.company_of(&there) } else { world.account_of(&there) };
        assert_eq!(found, parent, "{side:?}");
        // Two creations, two ids, and the reference.
        assert_eq!(world.writes(), 5, "{side:?}");
    }
}

#[tokio::test]
async fn a_move_and_a_clearing_travel_in_both_directions_with_one_write_each() {
    let mut world = World::new();
    let [acme, ana, company, contact] = world.ana_of_acme().await;
    let [beta, beta_company] = world.beta().await;
    let mut before = world.writes();
    let mut one_write = |world: &World| {
        assert_eq!(world.writes() - before, 1);
        before = world.writes();
    };
    world.hub().0.person_edits(&ana, &[("account_id", &beta)]);
    world.quiet().await;
    assert_eq!(world.company_of(&contact), beta_company);
    one_write(&world);
    world.remote().0.person_edits(&contact, &[(COMPANY, &company)]);
    world.quiet().await;
    assert_eq!(world.account_of(&ana), acme);
    one_write(&world);
    world.remote().0.person_edits(&contact, &[(COMPANY, "")]);
    world.quiet().await;
    assert_eq!(world.account_of(&ana), "");
    one_write(&world);
    world.hub().0.person_edits(&ana, &[("account_id", &acme)]);
    world.quiet().await;
    one_write(&world);
    world.hub().0.person_edits(&ana, &[("account_id", "")]);
    world.quiet().await;
    assert_eq!(world.company_of(&contact), "");
    one_write(&world);
}

#[tokio::test]
async fn two_moves_at_the_same_time_are_decided_like_any_conflict() {
    let mut world = World::new();
    let [acme, ana, company, contact] = world.ana_of_acme().await;
    let [beta, _] = world.beta().await;
    let gamma = world.remote().1.person_creates(&[("companyname", "Gamma")]);
    world.quiet().await;
    let gamma_account = world.partner(&world.remote().1.reference(&gamma));
    world.hub().0.person_edits(&ana, &[("account_id", &beta)]);
    world.clock.advance(Duration::from_secs(5));
    world.remote().0.person_edits(&contact, &[(COMPANY, &gamma)]);
    world.quiet().await;
    assert_eq!((world.account_of(&ana), world.company_of(&contact)), (gamma_account, gamma));
    assert_ne!((acme, company), (world.account_of(&ana), world.company_of(&contact)));
}

#[tokio::test]
async fn what_a_deleted_parent_leaves_behind_clears_nothing_on_the_other_side() {
    for gone in [Side::Hub, Side::Remote] {
        for told in [true, false] {
            let mut world = World::new();
            let [acme, ana, company, contact] = world.ana_of_acme().await;
            let (child, blank) = if gone == Side::Hub {
                world.hub().1.person_deletes(&acme);
                (world.hub().0.reference(&ana), "account_id")
            } else {
                world.remote().1.person_deletes(&company);
                (world.remote().0.reference(&contact), COMPANY)
            };
            if told {
                world.quiet().await;
            } else {
                world.notices(|_| false);
            }
            // The reference is gone without a word; the child is told for some other reason.
            world.contacts[World::index(gone)].person_edits(&child.id, &[(blank, ""), ("lastname", "Anna")]);
            world.quiet().await;
            let kept = if gone == Side::Hub {
                (world.company_of(&contact), company.clone())
            } else {
                (world.account_of(&ana), acme.clone())
            };
            assert_eq!(kept.0, kept.1, "{gone:?}, told: {told}");
            let other = if gone == Side::Hub {
                world.remote().0.value(&contact, "lastname")
            } else {
                world.hub().0.value(&ana, "lastname")
            };
            assert_eq!(other.as_deref(), Some("Anna"));
            // The child has told what nobody told: the parent's link is a tombstone either way.
            let active = world.store.links().iter().filter(|l| l.status == model::LinkStatus::Active).count();
            assert_eq!(active, 1, "{gone:?}, told: {told}");
            // Whoever moves the child afterwards is followed.
            let [beta, beta_company] = world.beta().await;
            world.hub().0.person_edits(&ana, &[("account_id", &beta)]);
            world.quiet().await;
            assert_eq!(world.company_of(&contact), beta_company, "{gone:?}, told: {told}");
        }
    }
}

#[tokio::test]
async fn a_parent_that_nobody_may_create_is_waited_for_without_an_exchange_of_notices() {
    let off = Operations { create: false, ..Operations::default() };
    let companies = PairSettings { to_hub: off, to_remote: off, ..PairSettings::default() };
    let mut world = World::with(&PairSettings::default(), &companies);
    let firm = world.remote().1.person_creates(&[("companyname", "Gamma")]);
    let contact = world.remote().0.person_creates(&[("lastname", "Ana"), (COMPANY, &firm)]);
    world.quiet().await;
    let ana = world.partner(&world.remote().0.reference(&contact));
    assert_eq!(world.account_of(&ana), "");
    assert_eq!(world.store.children().len(), 1);
    // Somebody makes the account by hand: the two meet by name, and the child is taken up.
    let account = world.hub().1.person_creates(&[("accountname", "Gamma")]);
    world.quiet().await;
    assert_eq!(world.account_of(&ana), account);
    assert_eq!(world.company_of(&contact), firm);
    assert_eq!(world.store.children(), []);
}

#[tokio::test]
async fn two_records_that_meet_with_different_parents_come_to_rest_whichever_is_linked() {
    for first_link in [FirstLink::Corebos, FirstLink::Remote] {
        for linked in [None, Some(Side::Hub), Some(Side::Remote)] {
            let off = Operations { create: false, ..Operations::default() };
            let companies = PairSettings { to_hub: off, to_remote: off, ..PairSettings::default() };
            let contacts = PairSettings { first_link, ..PairSettings::default() };
            let mut world = World::with(&contacts, &companies);
            let account = world.hub().1.person_creates(&[("accountname", "Acme")]);
            let company = world.remote().1.person_creates(&[("companyname", "Beta")]);
            match linked {
                Some(Side::Hub) => drop(world.remote().1.person_creates(&[("companyname", "Acme")])),
                Some(Side::Remote) => drop(world.hub().1.person_creates(&[("accountname", "Beta")])),
                None => {}
            }
            world.quiet().await;
            let mail = ("email", "ana@example.org");
            let ana = world.hub().0.person_creates(&[("lastname", "Ana"), mail, ("account_id", &account)]);
            world.remote().0.person_creates(&[("lastname", "Ana"), mail, (COMPANY, &company)]);
            world.quiet().await;
            let contact = world.partner(&world.hub().0.reference(&ana));
            let expected = match linked {
                Some(Side::Hub) if first_link == FirstLink::Corebos => {
                    let partner = world.partner(&world.hub().1.reference(&account));
                    (account, partner)
                }
                Some(Side::Remote) if first_link == FirstLink::Remote => {
                    (world.partner(&world.remote().1.reference(&company)), company)
                }
                // The winner cannot be translated: both stay.
                _ => (account, company),
            };
            let found = (world.account_of(&ana), world.company_of(&contact));
            assert_eq!(found, expected, "{first_link:?} {linked:?}");
            let writes = world.writes();
            for record in [world.hub().0.reference(&ana), world.remote().0.reference(&contact)] {
                world.tell(record, NoticeKind::Saved).await;
            }
            world.quiet().await;
            assert_eq!(world.writes(), writes);
        }
    }
}

#[tokio::test]
async fn an_unlinked_parent_that_is_overwritten_is_kept_in_the_history() {
    let off = Operations { create: false, ..Operations::default() };
    let companies = PairSettings { to_hub: off, ..PairSettings::default() };
    let mut world = World::with(&PairSettings::default(), &companies);
    let [_, ana, _, contact] = world.ana_of_acme().await;
    let [beta, beta_company] = world.beta().await;
    let gamma = world.remote().1.person_creates(&[("companyname", "Gamma")]);
    world.remote().0.person_edits(&contact, &[(COMPANY, &gamma)]);
    world.quiet().await;
    assert_ne!(world.account_of(&ana), "", "a company that coreBOS does not know clears nothing");
    world.hub().0.person_edits(&ana, &[("account_id", &beta)]);
    world.quiet().await;
    assert_eq!(world.company_of(&contact), beta_company);
    let link = world.store.links().into_iter().find(|link| link.hub.id == ana).unwrap();
    let lost: Vec<_> = world.store.history(&link.id).into_iter().flat_map(|entry| entry.lost).collect();
    assert!(
        lost.iter().any(|lost| lost.reason == "parent_not_linked" && lost.field == COMPANY),
        "{}",
        lost.len()
    );
}

#[tokio::test]
async fn a_worker_that_dies_after_linking_a_parent_is_made_up_for_by_the_next_delivery() {
    let mut world = World::new();
    let acme = world.hub().1.person_creates(&[("accountname", "Acme")]);
    let ana = world.hub().0.person_creates(&[("lastname", "Ana"), ("account_id", &acme)]);
    let (ana, acme) = (world.hub().0.reference(&ana), world.hub().1.reference(&acme));
    world.notices(|_| false);
    world.tell(ana.clone(), NoticeKind::Saved).await;
    world.notices(|_| false);
    // The parent is linked, and what it told is lost: the worker died before.
    let child = world.store.children();
    world.tell(acme.clone(), NoticeKind::Saved).await;
    world.notices(|_| false);
    let contact = world.partner(&ana);
    assert_eq!(world.company_of(&contact), "");
    for child in child {
        use sync::StateStore as _;
        world.store.wait(&child, world.clock.now() + jiff::SignedDuration::from_hours(1)).await.unwrap();
    }
    world.tell(acme.clone(), NoticeKind::Saved).await;
    world.quiet().await;
    assert_eq!(world.company_of(&contact), world.partner(&acme));
}

#[tokio::test]
async fn an_association_whose_write_was_not_answered_is_found_and_settled() {
    let mut world = World::new();
    let [_, ana, _, contact] = world.ana_of_acme().await;
    let [beta, beta_company] = world.beta().await;
    world.hub().0.person_edits(&ana, &[("account_id", &beta)]);
    world.remote().0.fail_next(MemoryFault::AnswerLost);
    let before = world.writes();
    world.quiet().await;
    assert_eq!((world.company_of(&contact), world.writes() - before), (beta_company, 1));
    // Settled both ways: the next move from the other side is no conflict.
    world.remote().0.person_edits(&contact, &[(COMPANY, "")]);
    world.quiet().await;
    assert_eq!(world.account_of(&ana), "");
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_does_not_vouch_for_the_association() {
    let mut world = World::new();
    let [account, company] = world.beta().await;
    let ana = world.hub().0.person_creates(&[("lastname", "Ana"), ("account_id", &account)]);
    world.remote().0.fail_next(MemoryFault::AnswerLost);
    world.quiet().await;
    let contact = world.partner(&world.hub().0.reference(&ana));
    assert_eq!(world.company_of(&contact), company);
    let writes = world.writes();
    world.remote().0.person_edits(&contact, &[(COMPANY, "")]);
    world.quiet().await;
    assert_eq!((world.account_of(&ana), world.writes() - writes), (String::new(), 1));
}

#[tokio::test]
async fn the_text_that_follows_from_the_association_is_never_written() {
    let mut world = World::new();
    let [_, ana, _, contact] = world.ana_of_acme().await;
    world.hub().0.person_edits(&ana, &[("account_name", "Acme, renamed by hand")]);
    let before = world.writes();
    world.quiet().await;
    assert_eq!(world.remote().0.value(&contact, "company").as_deref(), Some(""));
    assert_eq!(world.writes(), before);
    assert_eq!(world.pairs[0].to_remote.left_to_target(), ["company"]);
}

#[tokio::test]
async fn a_direction_whose_associations_are_off_carries_none_and_writes_the_text() {
    let off = Operations { associations: false, ..Operations::default() };
    let contacts = PairSettings { to_remote: off, ..PairSettings::default() };
    let mut world = World::with(&contacts, &PairSettings::default());
    let [account, company] = world.beta().await;
    let fields = [("lastname", "Ana"), ("account_id", account.as_str()), ("account_name", "Beta")];
    let ana = world.hub().0.person_creates(&fields);
    world.quiet().await;
    let contact = world.partner(&world.hub().0.reference(&ana));
    assert_eq!(world.company_of(&contact), "");
    assert_eq!(world.remote().0.value(&contact, "company").as_deref(), Some("Beta"));
    world.hub().0.person_edits(&ana, &[("account_id", "")]);
    world.quiet().await;
    world.remote().0.person_edits(&contact, &[(COMPANY, &company)]);
    world.quiet().await;
    assert_eq!(world.account_of(&ana), account);
}
