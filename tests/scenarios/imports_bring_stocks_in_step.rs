//! `bridge import`: two stocks of records meet once, whatever ends the import in between.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws::{Clients, DynamoStore, LocalEndpoints};
use bridge::simulated::Simulated;
use scenarios::{Ended, Folder, Program, Written, simulators, text};
use serde_json::{Value, json};
use simulators::faults::Fault;

use crate::BRIDGE;

/// How long a story waits for what it claims.
const PATIENCE: Duration = Duration::from_secs(90);

/// Mautic's and coreBOS's contacts with the same e-mails, of which there are so many.
const SHARED: usize = 40;
const ONLY_IN_MAUTIC: usize = 90;
const ONLY_IN_COREBOS: usize = 20;

/// A stack of `bridge up`, to which no webhook points and which polls nobody: what an import writes is told by nobody.
async fn up(config: &Path, data: &Path) -> Program {
    // Dates have seconds: what was made in the second in which the bridge starts is found by its first poll.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let arguments = ["up", "--config", &config.display().to_string(), "--data", &data.display().to_string()]
        .map(str::to_owned);
    let mut program = Program::start(BRIDGE, arguments.into_iter().chain(["--port".into(), "0".into()]));
    program.until_said("/webhooks/mautic").await;
    // A record that is being written when the import is killed is free again after 5 seconds, not 45.
    let note = data.join("running.json");
    let text = std::fs::read_to_string(&note).unwrap();
    std::fs::write(&note, text.replace(r#""LEASE_SECONDS": "45""#, r#""LEASE_SECONDS": "5""#)).unwrap();
    let store = table(data);
    for system in ["corebos:main", "mautic:main"] {
        let key = sync::settings::poll_key(&system.parse().unwrap());
        store.put_setting(&key, &json!({ "enabled": false })).await.unwrap();
    }
    program
}

/// The table of a stack of `bridge up`, by the note that it leaves.
fn table(data: &Path) -> DynamoStore {
    let note = std::fs::read_to_string(data.join("running.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    let url = |service: &str| text(&note, service);
    let endpoints = LocalEndpoints {
        dynamodb: url("dynamodb"),
        sqs: url("sqs"),
        secrets_manager: url("secrets_manager"),
    };
    let clients = Clients::local(&url("region"), &endpoints);
    DynamoStore::new(clients.dynamodb, text(&note["environment"], "BRIDGE_TABLE"))
}

fn start(data: &Path, arguments: &[&str]) -> Program {
    let data = data.display().to_string();
    let all = ["import", "--data", &data].into_iter().chain(arguments.iter().copied());
    Program::start(BRIDGE, all)
}

async fn run(data: &Path, arguments: &[&str]) -> Ended {
    let ended = start(data, arguments).end().await;
    assert!(!ended.text().contains("panicked"), "{}", ended.text());
    ended
}

/// The counts in front of these words, added up.
fn count(ended: &Ended, words: &str) -> usize {
    let lines = ended.said.iter().filter_map(|line| {
        let (number, rest) = line.trim_start().split_once("  ")?;
        rest.starts_with(words).then(|| number.replace(',', "").parse::<usize>().ok())?
    });
    lines.sum()
}

struct Stage {
    systems: Simulated,
    folder: Folder,
    config: PathBuf,
}

impl Stage {
    async fn new() -> Self {
        let (systems, folder) = (simulators().await, Folder::new());
        let config = folder.write("bridge.toml", Written::of(&systems).text());
        Self { systems, folder, config }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn mautic(&self, fields: &Value) {
        self.systems.mautic.create_contact(fields).await.unwrap();
    }

    async fn corebos(&self, fields: &Value) -> String {
        self.systems.corebos.create("Contacts", fields).await.unwrap()
    }

    fn corebos_contacts(&self) -> Vec<Value> {
        self.systems.corebos.records("Contacts")
    }

    /// Everybody, and some companies; a pair of twins, and visitors who are nobody yet.
    async fn fill(&self) {
        for number in 0..SHARED {
            let email = format!("both{number}@example.org");
            // Each has what the other lacks; the last name differs in letter case only.
            let last = format!("Both {number}");
            self.mautic(&json!({ "lastname": last.to_uppercase(), "email": email, "mobile": "600", "city": "Bilbao" }))
                .await;
            self.corebos(&json!({ "lastname": last, "email": email.to_uppercase(), "title": "Chief" })).await;
        }
        for number in 0..ONLY_IN_MAUTIC {
            self.mautic(
                &json!({ "lastname": format!("M {number}"), "email": format!("m{number}@example.org") }),
            )
            .await;
        }
        for number in 0..ONLY_IN_COREBOS {
            self.corebos(
                &json!({ "lastname": format!("C {number}"), "email": format!("c{number}@example.org") }),
            )
            .await;
        }
        for _ in 0..2 {
            self.corebos(&json!({ "lastname": "Twin", "email": "twin@example.org" })).await;
        }
        self.mautic(&json!({ "lastname": "Twin", "email": "twin@example.org" })).await;
        for number in 0..10 {
            self.mautic(&json!({ "phone": format!("{number}") })).await;
        }
        for number in 0..5 {
            self.systems
                .mautic
                .create_company(&json!({ "companyname": format!("Firm {number}") }))
                .await
                .unwrap();
        }
    }

    /// Every contact of coreBOS by its e-mail.
    fn by_email(&self) -> BTreeMap<String, Vec<Value>> {
        let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in self.corebos_contacts() {
            all.entry(text(&record, "email").to_lowercase()).or_default().push(record);
        }
        all
    }

    /// Both systems know each other's ids, one to one.
    fn check_links(&self, expected: usize) {
        let contacts = self.systems.mautic.contacts();
        let known = contacts.iter().filter(|contact| !text(contact, "corebos_id").is_empty());
        let mut linked = 0;
        for contact in known {
            let record = self.systems.corebos.record(&text(contact, "corebos_id")).unwrap();
            assert_eq!(text(&record, "mautic_id"), contact["id"].to_string(), "{contact}");
            linked += 1;
        }
        assert_eq!(linked, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stocks_meet_once_although_the_import_is_killed() {
    let stage = Stage::new().await;
    stage.fill().await;
    let data = stage.data();
    let bridge = up(&stage.config, &data).await;
    let from_mautic = ["--pair", "contacts,companies", "--from", "mautic"];

    let before = stage.systems.corebos.calls().len();
    let dry = run(&data, &[&from_mautic[..], &["--dry-run", "--show", "3"]].concat()).await;
    assert_eq!(dry.code, Some(0), "{}", dry.text());
    assert_eq!(stage.corebos_contacts().len(), SHARED + ONLY_IN_COREBOS + 2, "a dry run writes nothing");
    let writes = ["create", "revise"];
    let written = stage.systems.corebos.calls().split_off(before);
    assert!(written.iter().all(|call| !writes.contains(&call.operation.as_str())));
    assert_eq!(count(&dry, "would be linked and updated"), SHARED);
    assert_eq!(count(&dry, "would be parked: several could be meant"), 1);
    assert_eq!(count(&dry, "would be skipped: nobody yet"), 10);
    assert!(dry.text().contains("mobile: \"\" -> \"600\""), "{}", dry.text());
    assert!(dry.text().contains("MauticToContacts line "), "{}", dry.text());
    let companies =
        dry.said.iter().position(|line| line.contains("company to corebos:main Accounts: dry run"));
    let contacts =
        dry.said.iter().position(|line| line.contains("contact to corebos:main Contacts: dry run"));
    assert!(companies < contacts, "companies first: {}", dry.text());

    let calls = |stage: &Stage| (stage.systems.mautic.requests().len(), stage.systems.corebos.calls().len());
    let before = calls(&stage);
    let first = start(&data, &from_mautic);
    let begun = Instant::now();
    while stage.corebos_contacts().len() < SHARED + ONLY_IN_COREBOS + 2 + 65 {
        assert!(begun.elapsed() < PATIENCE, "the import does not get on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(first.kill().await.code, None);
    let second = run(&data, &from_mautic).await;
    assert_eq!(second.code, Some(1), "the twin was parked: {}", second.text());
    assert!(second.text().contains("going on behind 100 records"), "{}", second.text());
    assert!(second.text().contains("bridge parked list"), "{}", second.text());

    let emails = stage.by_email();
    for number in 0..ONLY_IN_MAUTIC {
        assert_eq!(emails[&format!("m{number}@example.org")].len(), 1, "m{number}");
    }
    for number in 0..SHARED {
        let both = &emails[&format!("both{number}@example.org")];
        assert_eq!(both.len(), 1);
        let now = ["lastname", "title", "mobile", "mailingcity"].map(|field| text(&both[0], field));
        assert_eq!(
            now,
            [&format!("Both {number}"), "Chief", "600", "Bilbao"],
            "coreBOS wins, blanks are filled"
        );
    }
    assert_eq!(stage.corebos_contacts().len(), SHARED + ONLY_IN_MAUTIC + ONLY_IN_COREBOS + 2);
    assert_eq!(stage.systems.corebos.records("Accounts").len(), 5);
    stage.check_links(SHARED + ONLY_IN_MAUTIC);
    let contacts = SHARED + ONLY_IN_MAUTIC;
    let (mautic, corebos) = calls(&stage);
    let spent = mautic - before.0 + corebos - before.1;
    // One create or update, one look before it, one id written back; what the two had both to tell is told back by
    // push-mautic, with two looks and a write. Each look at a contact in Mautic is two calls: its companies are asked
    // for beside it. The rest is logging in, and a few calls per page.
    assert!(spent < contacts * 5 + SHARED * 3 + 200, "{spent} calls for {contacts} contacts");

    let back = run(&data, &["--pair", "contacts", "--from", "corebos"]).await;
    assert_eq!(count(&back, "created"), ONLY_IN_COREBOS, "{}", back.text());
    assert_eq!(count(&back, "parked: the only match belongs to another one"), 1, "the second of the twins");
    let everybody = SHARED + ONLY_IN_MAUTIC + ONLY_IN_COREBOS + 1;
    stage.check_links(everybody);
    // The way back of fields that are made one way; then all is in step, and an import writes nothing.
    run(&data, &from_mautic).await;
    let revised = stage.systems.corebos.calls().len();
    let again = run(&data, &["--pair", "contacts", "--from", "mautic"]).await;
    assert_eq!(count(&again, "skipped: nothing has changed"), everybody, "{}", again.text());
    let calls = stage.systems.corebos.calls().split_off(revised);
    assert!(calls.iter().all(|call| !writes.contains(&call.operation.as_str())), "{calls:?}");
    bridge.interrupt();
    assert_eq!(bridge.end().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_ends_well_at_control_c_and_is_refused_beside_another_one() {
    let stage = Stage::new().await;
    for number in 0..60 {
        stage
            .mautic(&json!({ "lastname": format!("M {number}"), "email": format!("m{number}@example.org") }))
            .await;
    }
    let data = stage.data();
    let bridge = up(&stage.config, &data).await;
    stage
        .systems
        .corebos
        .faults()
        .add(Fault::delay(Duration::from_millis(400)).operation("create").times(1_000));
    let from_mautic = ["--pair", "contacts", "--from", "mautic"];
    let mut first = start(&data, &[&from_mautic[..], &["--parallel", "1"]].concat());
    first.until_said("records per second").await;
    let second = run(&data, &from_mautic).await;
    assert_eq!(second.code, Some(1));
    assert!(second.text().contains("this import is under way elsewhere"), "{}", second.text());
    first.interrupt();
    let ended = first.end().await;
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert!(ended.text().contains("The same command goes on from here"), "{}", ended.text());
    let created = stage.corebos_contacts().len();
    assert!(created > 0 && created < 60, "{created}");
    stage.check_links(created);
    stage.systems.corebos.faults().clear();
    let third = run(&data, &from_mautic).await;
    assert_eq!(third.code, Some(0), "{}", third.text());
    assert_eq!(stage.corebos_contacts().len(), 60);
    stage.check_links(60);
    bridge.interrupt();
    bridge.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_map_is_shown_and_applied_by_an_import_of_what_changed() {
    let stage = Stage::new().await;
    for number in 0..8 {
        let fields = json!({ "firstname": "Ana", "lastname": format!("M {number}"), "email": format!("m{number}@example.org") });
        stage.mautic(&fields).await;
    }
    let data = stage.data();
    let bridge = up(&stage.config, &data).await;
    assert_eq!(run(&data, &["--pair", "contacts", "--from", "mautic"]).await.code, Some(0));
    bridge.interrupt();
    bridge.end().await;

    let shipped = mapping::shipped::find("MauticToContacts").unwrap().xml;
    let plain = "<OrgfieldName>firstname</OrgfieldName>";
    let (before, rest) = shipped.split_once(plain).unwrap();
    let after = rest.split_once("</Orgfield>").unwrap().1;
    let upper =
        "<OrgfieldName>uppercase(firstname)</OrgfieldName><OrgfieldID>EXPRESSION</OrgfieldID></Orgfield>";
    stage.folder.write("edited.xml", format!("{before}{upper}{after}"));
    let mut written = Written::of(&stage.systems);
    written.more = "[maps]\nMauticToContacts = \"edited.xml\"\n".to_owned();
    let config = stage.folder.write("edited.toml", written.text());
    let bridge = up(&config, &data).await;
    let changed = ["--pair", "contacts", "--from", "mautic", "--changed"];
    let dry = run(&data, &[&changed[..], &["--dry-run"]].concat()).await;
    assert_eq!(count(&dry, "would be updated"), 8, "{}", dry.text());
    assert!(dry.text().contains("firstname: \"Ana\" -> \"ANA\""), "{}", dry.text());
    assert!(stage.corebos_contacts().iter().all(|record| text(record, "firstname") == "Ana"));
    let done = run(&data, &changed).await;
    assert_eq!((done.code, count(&done, "updated")), (Some(0), 8), "{}", done.text());
    assert!(stage.corebos_contacts().iter().all(|record| text(record, "firstname") == "ANA"));
    let again = run(&data, &changed).await;
    assert_eq!(count(&again, "updated"), 0, "{}", again.text());
    bridge.interrupt();
    bridge.end().await;
}
