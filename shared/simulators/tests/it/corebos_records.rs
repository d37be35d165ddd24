//! coreBOS records: what a write makes of a value, references, owners, deletion, conversion. Beside the recorded story.

use serde_json::{Value, json};
use simulators::corebos::{CoreBosOptions, CoreBosUser, start};

use crate::corebos_client::{Caller, standing};

#[tokio::test]
async fn a_create_with_a_bad_owner_fails_and_leaves_the_record_behind() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let element = json!({"lastname": "Ghost", "mautic_id": "77", "assigned_user_id": "19x999"}).to_string();
    let (code, message) = caller.error("create", &[("elementType", "Contacts"), ("element", &element)]).await;
    assert_eq!(code, "DATABASE_QUERY_ERROR");
    assert_eq!(message, "Database error while performing requested operation");
    let found = caller.query("select id,mautic_id from Contacts where mautic_id='77';").await;
    assert_eq!(found.len(), 1, "a blind retry would make a second one");
    assert_eq!(caller.query("select count(*) from Contacts;").await[0]["count"], "1");
    let sync = caller.sync(0, "Contacts").await;
    assert_eq!(sync["updated"], json!([]), "sync leaves it out");
    let (code, _) = caller.error("query", &[("query", "select * from Contacts;")]).await;
    assert_eq!(code, "INVALID_ID_ATTRIBUTE", "its owner cannot be shown");
}

#[tokio::test]
async fn an_empty_reference_is_kept_by_update_and_cleared_by_revise() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let account = caller.create("Accounts", json!({"accountname": "ACME", "assigned_user_id": "19x5"})).await;
    let contact = caller
        .create("Contacts", json!({"lastname": "A", "account_id": account["id"], "assigned_user_id": "19x5"}))
        .await;
    assert_eq!(contact["account_id"], account["id"]);
    let update = json!({"id": contact["id"], "lastname": "A", "account_id": "", "assigned_user_id": "19x5"});
    let updated = caller.ok("update", &[("element", &update.to_string())]).await;
    assert_eq!(updated["account_id"], account["id"]);
    assert_eq!(updated["account_idename"]["reference"], "ACME");
    let revised = caller.revise(json!({"id": contact["id"], "account_id": ""})).await;
    assert_eq!(revised["account_id"], "");
    assert!(revised.get("account_idename").is_none());
}

#[tokio::test]
async fn a_reference_to_a_deleted_record_reads_empty_until_it_is_restored() {
    let (simulator, _) = standing().await;
    let account = simulator.create("Accounts", &json!({"accountname": "Gone"})).await.unwrap();
    let contact =
        simulator.create("Contacts", &json!({"lastname": "A", "account_id": account})).await.unwrap();
    simulator.delete(&account).await.unwrap();
    assert_eq!(simulator.record(&contact).unwrap()["account_id"], "");
    assert!(simulator.record(&account).is_none());
    simulator.restore(&account).await.unwrap();
    assert_eq!(simulator.record(&contact).unwrap()["account_id"], json!(account));
}

#[tokio::test]
async fn control_fields_are_stored_as_their_display_type_allows() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let contact = caller
        .create(
            "Contacts",
            json!({"lastname": "H", "assigned_user_id": "19x5", "hubspotrecord": "https://h.example/1",
                "hubspotlastsync": "2026-01-01 00:00:00", "hubspotid": "1".repeat(30)}),
        )
        .await;
    assert_eq!(contact["hubspotrecord"], "https://h.example/1", "display type 4: on create only");
    assert_eq!(contact["hubspotlastsync"], "", "display type 2: never");
    assert_eq!(contact["hubspotid"], "1".repeat(25));
    let revised = caller
        .revise(json!({"id": contact["id"], "hubspotrecord": "https://h.example/2", "hubspotsyncwith": "1",
            "createdtime": "2020-01-01 00:00:00", "contact_no": "CON1"}))
        .await;
    assert_eq!(revised["hubspotrecord"], "https://h.example/1");
    assert_eq!(revised["hubspotsyncwith"], "1");
    assert_eq!(revised["createdtime"], contact["createdtime"]);
    assert_eq!(revised["contact_no"], contact["contact_no"]);
}

#[tokio::test]
async fn values_are_coerced_without_an_error() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let entry = json!({"name": "cf_colours", "uitype": "33", "type": {"name": "multipicklist"}});
    assert!(simulator.add_custom_field("Contacts", &entry));
    let contact = caller
        .create(
            "Contacts",
            json!({"lastname": "C", "assigned_user_id": "19x5", "emailoptout": "true", "donotcall": true,
                "contact_points": "12.6", "email": "jo (x)@acme.example", "cf_colours": "Red|##|Blue",
                "birthday": "tomorrow", "mailingzip": 3001}),
        )
        .await;
    assert_eq!(contact["emailoptout"], "0", "the text true is not a tick");
    assert_eq!(contact["donotcall"], "1");
    assert_eq!(contact["contact_points"], "13");
    assert_eq!(contact["email"], "jox@acme.example");
    assert_eq!(contact["cf_colours"], "Red |##| Blue");
    assert_eq!(contact["birthday"], "0000-00-00");
    assert_eq!(contact["mailingzip"], "3001");
}

#[tokio::test]
async fn a_user_with_other_formats_writes_other_values() {
    let options = CoreBosOptions {
        users: vec![CoreBosUser::new(1, "admin").administrator()],
        ..CoreBosOptions::default()
    };
    let simulator = start(options).await.unwrap();
    let admin = Caller::login(&simulator, "admin").await;
    let user = json!({"user_name": "paco", "user_password": "Secreto-1", "last_name": "Paz", "roleid": "H5",
        "email1": "paco@x.example", "status": "Active", "is_admin": "on", "date_format": "dd-mm-yyyy",
        "time_zone": "Europe/Madrid", "currency_decimal_separator": ",", "currency_grouping_separator": ".",
        "currency_id": "21x1"});
    let created = admin.create("Users", user).await;
    assert_eq!(created["currency_id"], "21x1");
    assert!(created.get("cbuuid").is_none());
    let paco = Caller::login(&simulator, "paco").await;
    let account = paco
        .create(
            "Accounts",
            json!({"accountname": "S", "annual_revenue": "1.234,56", "assigned_user_id": created["id"]}),
        )
        .await;
    assert_eq!(account["annual_revenue"], "1234.560000");
    let revised = paco.revise(json!({"id": account["id"], "annual_revenue": "1234.56"})).await;
    assert_eq!(revised["annual_revenue"], "123456.000000", "a neutral number is mangled");
}

#[tokio::test]
async fn mandatory_fields_are_asked_for_by_label() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    assert!(simulator.set_mandatory("Contacts", "email", true));
    let element = json!({"lastname": "M", "assigned_user_id": "19x5"}).to_string();
    let error = caller.error("create", &[("elementType", "Contacts"), ("element", &element)]).await;
    let wanted = ("MANDATORY_FIELDS_MISSING".to_owned(), "Email (email) does not have a value".to_owned());
    assert_eq!(error, wanted);
    let described = caller.ok("describe", &[("elementType", "Contacts")]).await;
    let fields = described["fields"].as_array().unwrap();
    let email = fields.iter().find(|field| field["name"] == "email").unwrap();
    assert_eq!((&email["mandatory"], &email["typeofdata"]), (&json!(true), &json!("E~M")));
    assert!(!simulator.set_mandatory("Contacts", "nosuchfield", true));
    let other = json!({"lastname": "N", "email": "n@x.example", "assigned_user_id": "19x5"});
    let contact = caller.create("Contacts", other).await;
    let update = json!({"id": contact["id"], "lastname": "N", "assigned_user_id": "19x5"}).to_string();
    assert_eq!(caller.error("update", &[("element", &update)]).await, wanted, "update wants all of them");
    let revised = caller.revise(json!({"id": contact["id"], "phone": "1"})).await;
    assert_eq!(revised["phone"], "1", "revise wants only what is there");
}

#[tokio::test]
async fn records_are_found_by_uuid_and_by_bare_number() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let contact = caller.create("Contacts", json!({"lastname": "U", "assigned_user_id": "20x3"})).await;
    let uuid = contact["cbuuid"].as_str().unwrap();
    assert_eq!(uuid.len(), 40);
    let by_uuid = caller.ok("retrieve", &[("id", uuid)]).await;
    assert_eq!(by_uuid["id"], contact["id"]);
    assert_eq!(
        by_uuid["assigned_user_idename"],
        json!({"module": "Groups", "reference": "Marketing Group", "cbuuid": ""})
    );
    let number = contact["id"].as_str().unwrap().split_once('x').unwrap().1;
    assert_eq!(caller.ok("retrieve", &[("id", number)]).await["id"], contact["id"]);
}

#[tokio::test]
async fn a_mass_create_finds_what_is_there_and_lists_what_fails() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let elements = json!([
        {"elementType": "Contacts", "referenceId": "c", "element":
            {"lastname": "Ref", "account_id": "@{a}", "assigned_user_id": "19x5"}},
        {"elementType": "Accounts", "referenceId": "a", "searchon": "accountname", "element":
            {"accountname": "Base", "assigned_user_id": "19x5"}},
        {"elementType": "Leads", "element": {"lastname": "NoCompany", "assigned_user_id": "19x5"}},
    ])
    .to_string();
    let envelope = caller.call("MassCreate", &[("elements", &elements)]).await;
    assert_eq!(envelope["success"], json!(false), "a failure makes it no success, without an error");
    assert!(envelope.get("error").is_none());
    let created = envelope["result"]["success_creates"].as_array().unwrap().clone();
    assert_eq!(created.len(), 2);
    assert_eq!(created[1]["account_id"], created[0]["id"], "the account went first");
    assert_eq!(envelope["result"]["failed_creates"][0]["code"], "MANDATORY_FIELDS_MISSING");
    assert_eq!(envelope["result"]["failed_creates"][0]["record"]["element"]["lastname"], "NoCompany");
    caller.call("MassCreate", &[("elements", &elements)]).await;
    assert_eq!(simulator.records("Accounts").len(), 1);
    assert_eq!(simulator.records("Contacts").len(), 1, "without searchon, all values are looked for");
    let circle =
        json!([{"elementType": "Leads", "referenceId": "x", "element": {"lastname": "@{x}"}}]).to_string();
    assert_eq!(caller.error("MassCreate", &[("elements", &circle)]).await.0, "REFERENCE_INVALID");
}

#[tokio::test]
async fn mass_update_and_mass_delete_go_on_after_a_failure() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let id = simulator.create("Contacts", &json!({"lastname": "A"})).await.unwrap();
    let elements = json!([{"id": "12x1", "phone": "1"}, {"id": id, "phone": "2"}]).to_string();
    let updated = caller.ok("massupdate", &[("elements", &elements)]).await;
    assert_eq!(updated["success_updates"][0]["phone"], "2");
    let failed =
        json!([{"id": "12x1", "code": "INVALID_ID_ATTRIBUTE", "message": "Id specified is incorrect"}]);
    assert_eq!(updated["failed_updates"], failed, "1 is the number of a user");
    let deleted = caller.ok("MassDelete", &[("ids", &format!("12x999999,{id}"))]).await;
    assert_eq!(deleted["success_deletes"], json!([id]));
    assert_eq!(deleted["failed_deletes"][0]["code"], "ACCESS_DENIED");
    let read = caller.ok("massretrieve", &[("ids", &id)]).await;
    assert_eq!(read, json!([]));
}

#[tokio::test]
async fn an_upsert_writes_only_the_named_fields() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let id =
        simulator.create("Contacts", &json!({"lastname": "Old", "phone": "1", "email": "u@x.example"})).await;
    let element =
        json!({"lastname": "New", "phone": "2", "email": "U@x.example", "assigned_user_id": "19x5"});
    let parameters = |search| {
        [
            ("elementType", "Contacts".to_owned()),
            ("element", element.to_string()),
            ("searchOn", search),
            ("updatedfields", "lastname".to_owned()),
        ]
    };
    let given = parameters("email".to_owned());
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let upserted = caller.ok("upsert", &given).await;
    assert_eq!(upserted["id"], json!(id.unwrap()), "letter case does not matter");
    assert_eq!((&upserted["lastname"], &upserted["phone"]), (&json!("New"), &json!("1")));
    let given = parameters("email,mobile".to_owned());
    let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (code, message) = caller.error("upsert", &given).await;
    assert_eq!(code, "SEARCH_VALUE_NOT_PROVIDED");
    assert_eq!(message, "No value is provided for the search field: mobile");
}

#[tokio::test]
async fn a_converted_lead_is_gone_for_queries_and_there_for_retrieve() {
    let (simulator, clock) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let lead = json!({"firstname": "Jo", "lastname": "Doe", "company": "Acme", "email": "jo@acme.example",
        "assigned_user_id": "19x5"});
    let lead = caller.create("Leads", lead).await;
    clock.advance(jiff::SignedDuration::from_secs(60));
    let wish = json!({"leadId": lead["id"], "assignedTo": "19x5", "entities": {
        "Accounts": {"create": true, "name": "Accounts", "accountname": "Acme"},
        "Contacts": {"create": true, "name": "Contacts"},
        "Potentials": {"create": true, "name": "Potentials", "sales_stage": "Prospecting"}}});
    let ids = caller.ok("convertlead", &[("element", &wish.to_string())]).await;
    let read = |id: &Value| id.as_str().unwrap().to_owned();
    let contact = caller.ok("retrieve", &[("id", &read(&ids["Contacts"]))]).await;
    assert_eq!((&contact["lastname"], &contact["email"]), (&json!("Doe"), &json!("jo@acme.example")));
    assert_eq!(contact["account_id"], ids["Accounts"]);
    assert_eq!((&contact["isconvertedfromlead"], &contact["convertedfromlead"]), (&json!("1"), &lead["id"]));
    let potential = caller.ok("retrieve", &[("id", &read(&ids["Potentials"]))]).await;
    assert_eq!((&potential["related_to"], &potential["potentialname"]), (&ids["Accounts"], &json!("Acme")));
    assert!(caller.query("select id from Leads;").await.is_empty());
    assert_eq!(caller.ok("retrieve", &[("id", &read(&lead["id"]))]).await["lastname"], "Doe");
    let since = crate::corebos_client::START + 1;
    let sync = caller.sync(since, "Leads").await;
    assert_eq!((&sync["updated"], &sync["deleted"]), (&json!([]), &json!([lead["id"]])));
    let several = caller.sync(since, "Leads,Contacts").await;
    assert_eq!(several["deleted"], json!([]), "a sync over several modules does not notice");
    let again = caller.error("convertlead", &[("element", &wish.to_string())]).await;
    assert_eq!(again.0, "LEAD_ALREADY_CONVERTED");
}

#[tokio::test]
async fn a_merge_keeps_the_survivor_and_moves_what_pointed_to_the_loser() {
    let (simulator, _) = standing().await;
    let kept = simulator.create("Accounts", &json!({"accountname": "Kept"})).await.unwrap();
    let gone = simulator.create("Accounts", &json!({"accountname": "Gone"})).await.unwrap();
    let contact = simulator.create("Contacts", &json!({"lastname": "A", "account_id": gone})).await.unwrap();
    simulator.merge(&kept, &gone).await.unwrap();
    assert_eq!(simulator.record(&contact).unwrap()["account_id"], json!(kept));
    assert!(simulator.record(&gone).is_none());
    assert_eq!(simulator.merge(&kept, &contact).await.unwrap_err().code, "INVALID_ID_ATTRIBUTE");
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let folder = std::env::temp_dir().join(format!("corebos-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&folder).unwrap();
    let options = || CoreBosOptions { data: Some(folder.join("corebos.json")), ..CoreBosOptions::default() };
    let simulator = start(options()).await.unwrap();
    let key = simulator.rotate_access_key("sync").unwrap();
    let id = simulator.create("Contacts", &json!({"lastname": "Kept"})).await.unwrap();
    let record = simulator.record(&id).unwrap();
    simulator.stop().await;
    let simulator = start(options()).await.unwrap();
    assert_eq!(simulator.record(&id).unwrap(), record);
    assert_eq!(simulator.access_key("sync").unwrap(), key);
    let next = simulator.create("Contacts", &json!({"lastname": "Next"})).await.unwrap();
    assert_ne!(next, id);
    assert_eq!(simulator.record(&next).unwrap()["contact_no"], "CON12");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn no_value_of_any_field_brings_it_down() {
    let (simulator, _) = standing().await;
    let caller = Caller::login(&simulator, "sync").await;
    let values = [
        json!(null),
        json!(true),
        json!([]),
        json!(["a", null, {"b": 1}]),
        json!({"a": {}}),
        json!(1e308),
        json!(-0.0),
        json!(u64::MAX),
        json!("😀'\"\\\0"),
        json!("x"),
        json!("12x"),
        json!("x12"),
        json!("9999x1"),
        json!("12x99999999999999999999999"),
        json!("-9999999-99-99"),
        json!("é".repeat(5_000)),
    ];
    for module in ["Contacts", "Accounts", "Leads", "Potentials", "cbMap", "Users"] {
        let described = caller.ok("describe", &[("elementType", module)]).await;
        let fields = described["fields"].as_array().unwrap();
        for field in fields.iter().map(|field| field["name"].as_str().unwrap()) {
            for value in &values {
                let mut element = json!({"lastname": "L", "accountname": "A", "company": "C", "potentialname": "P",
                    "related_to": "11x1", "closingdate": "2026-01-01", "sales_stage": "S", "mapname": "M",
                    "user_name": "u", "email1": "u@x.example", "last_name": "U", "roleid": "H2"});
                element[field] = value.clone();
                if let Ok(id) = simulator.create(module, &element).await {
                    let change = simulator.edit(&id, &json!({ field: value })).await;
                    let code = change.err().map(|error| error.code).unwrap_or_default();
                    assert_ne!(code, "HTTP 500", "{module}.{field} = {value}");
                    if module != "Users" {
                        simulator.delete(&id).await.unwrap();
                    }
                }
            }
        }
    }
    assert!(caller.query("select * from Contacts;").await.is_empty());
}
