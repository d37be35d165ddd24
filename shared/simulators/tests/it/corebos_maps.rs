//! coreBOS's `ProcessMap`, against recorded answers of its engine on records.

use serde_json::{Value, json};
use simulators::corebos::{CoreBosOptions, CoreBosSimulator, CoreBosUser, start};

use crate::corebos_client::Caller;

const CASES: &str = include_str!("../../fixtures/corebos/process_map.jsonl");

const RULE: &str = "<map><fields><field><fieldname>t</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName><OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule></Orgfield></Orgfields></field></fields></map>";

async fn simulator() -> CoreBosSimulator {
    let mut options = CoreBosOptions::default();
    options.users.push(CoreBosUser::new(6, "third"));
    start(options).await.unwrap()
}

fn number(id: &Value) -> String {
    id.as_str().unwrap().split_once('x').unwrap().1.to_owned()
}

/// The parameters of the operation for a record.
fn of(record: &Value, outfields: &Value) -> String {
    json!({ "infields": { "record_id": record }, "outfields": outfields }).to_string()
}

#[tokio::test]
async fn recorded_maps_make_what_corebos_made_of_them() {
    let simulator = simulator().await;
    let caller = Caller::login(&simulator, "sync").await;
    let account = simulator.create("Accounts", &json!({ "accountname": "Referred to" })).await.unwrap();
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let mut record = case["record"].clone();
        let mut renumbered = Vec::new();
        for reference in ["account_id", "related_to"] {
            if let Some(id) = record.get(reference).filter(|id| *id != "").cloned() {
                renumbered.push((number(&id), number(&json!(account))));
                record[reference] = json!(account);
            }
        }
        let recorded_id = record.as_object_mut().unwrap().remove("id").unwrap();
        let created = caller.create(case["module"].as_str().unwrap(), record).await;
        renumbered.push((number(&recorded_id), number(&created["id"])));
        let mut expected = case["result"].clone();
        for value in expected.as_object_mut().unwrap().values_mut() {
            if let Some((_, now)) = renumbered.iter().find(|(then, _)| value.as_str() == Some(then)) {
                *value = json!(now);
            }
        }
        simulator.put_map("M", case["map"].as_str().unwrap()).await.unwrap();
        let parameters = of(&created["id"], &case["target"]);
        let made = caller.ok("ProcessMap", &[("mapid", "M"), ("parameters", &parameters)]).await;
        assert_eq!(made, expected, "{}", case["id"]);
    }
}

#[tokio::test]
async fn a_map_is_found_by_name_id_and_number_and_makes_nothing_without_fields() {
    let simulator = simulator().await;
    let caller = Caller::login(&simulator, "sync").await;
    let contact = json!(simulator.create("Contacts", &json!({ "lastname": "Zoé" })).await.unwrap());
    let map = simulator.put_map("Empty", "<map><fields></fields></map>").await.unwrap();
    for id in ["Empty", &map, &number(&json!(map))] {
        let made = caller.ok("processmap", &[("mapid", id), ("parameters", &of(&contact, &json!({})))]).await;
        assert_eq!(made, json!([]), "{id}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_denied_and_what_is_not_said_is_missing() {
    let simulator = simulator().await;
    let caller = Caller::login(&simulator, "sync").await;
    let contact = json!(simulator.create("Contacts", &json!({ "lastname": "Zoé" })).await.unwrap());
    simulator.put_map("M", RULE).await.unwrap();
    simulator.put_map_of_type("Other", "Condition Query", "<map/>").await.unwrap();
    let here = of(&contact, &json!({}));
    let gone = simulator.create("Contacts", &json!({ "lastname": "Gone" })).await.unwrap();
    simulator.delete(&gone).await.unwrap();
    let account = contact.as_str().unwrap().replace("12x", "11x");
    for (map, parameters, code, words) in [
        ("Nosuch", here.as_str(), "ACCESS_DENIED", "for id: 0"),
        ("Other", &here, "OPERATION_NOT_SUPPORTED", "business map type not supported"),
        ("M", "{}", "MANDATORY_FIELDS_MISSING", "infields parameter"),
        ("M", &of(&json!(gone), &json!({})), "ACCESS_DENIED", "infields module"),
        ("M", &of(&json!(account), &json!({})), "INVALID_ID_ATTRIBUTE", "infields record"),
        ("M", &of(&json!("999x1"), &json!({})), "ACCESS_DENIED", "for id: 999"),
        ("M", &here, "INVALID_BUSINESSMAP", "Invalid Business Map identifier: Segments"),
        (contact.as_str().unwrap(), &here, "ACCESS_DENIED", "denied"),
    ] {
        let (told, message) = caller.error("ProcessMap", &[("mapid", map), ("parameters", parameters)]).await;
        assert!(told == code && message.contains(words), "{map} {parameters}: {told} {message}");
    }
}

#[tokio::test]
async fn a_rule_decides_as_the_test_says_and_other_directives_are_not_simulated() {
    let simulator = simulator().await;
    let caller = Caller::login(&simulator, "sync").await;
    let contact = json!(simulator.create("Contacts", &json!({ "lastname": "Zoé" })).await.unwrap());
    simulator.put_map("M", RULE).await.unwrap();
    simulator.put_map_of_type("Segments", "Condition Expression", "<map/>").await.unwrap();
    let parameters = of(&contact, &json!({}));
    let asked = [("mapid", "M"), ("parameters", parameters.as_str())];
    assert_eq!(caller.error("ProcessMap", &asked).await.0, "OPERATION_NOT_SUPPORTED");
    simulator.decide_rule("Segments", |record| format!("gold for {}", record["lastname"]));
    assert_eq!(caller.ok("ProcessMap", &asked).await, json!({ "t": "gold for Zo&eacute;" }));
    for other in ["FIELD", "TEMPLATE", "expression"] {
        simulator.put_map("M", &RULE.replace("RULE", other)).await.unwrap();
        let (code, message) = caller.error("ProcessMap", &asked).await;
        assert!(code == "OPERATION_NOT_SUPPORTED" && message.starts_with("not simulated: "), "{message}");
    }
}
