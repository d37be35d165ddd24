//! Pages of a stock and many searches at once, over real HTTP, against recorded answers.

use model::ObjectName;
use sync::Stock as _;
use sync::import::Stocked;

use crate::replay::{Replay, Reply, exchange};

const DESCRIBE: &str = "B001_describe_with_integration_fields_Contacts";

fn contacts() -> ObjectName {
    ObjectName::new("Contacts")
}

#[tokio::test]
async fn a_page_lists_ids_behind_an_id_and_tells_how_many_are_left() {
    let server = Replay::of(&["A033_query_all"]).await;
    let page = server.corebos().stock(&contacts(), Some("12x7")).await.unwrap();
    let rows = [("12x8589".to_owned(), Stocked::Listed), ("12x8590".to_owned(), Stocked::Listed)];
    assert_eq!((page.rows.as_slice(), page.more, page.left), (&rows[..], false, Some(2)));
    let query = &server.got("query")[0].parameters["query"];
    assert_eq!(query, "select id from Contacts where id > '12x7' order by id limit 100;");
}

#[tokio::test]
async fn several_searches_are_one_query_and_each_gets_what_it_would_have_found() {
    let server = Replay::of(&[DESCRIBE, "A033_query_all"]).await;
    let values = ["ANA@acme.example", "nobody@acme.example", "back\\slash"].map(str::to_owned);
    let found = server.corebos().find_many(&contacts(), "email", &values).await.unwrap();
    let found: Vec<_> = found.iter().map(|(value, found)| (value.as_str(), found.len())).collect();
    // What cannot be searched for has no answer.
    assert_eq!(found, [("ANA@acme.example", 1), ("nobody@acme.example", 0)]);
    let query = &server.got("query")[0].parameters["query"];
    assert_eq!(
        query,
        "select * from Contacts where email='ANA@acme.example' or email='nobody@acme.example' limit 500;"
    );
}

#[tokio::test]
async fn records_are_read_together_as_retrieve_gives_them() {
    // `MassRetrieve` gives by id what `retrieve` gives (recorded: A094, of another module).
    let one = exchange("A019_retrieve_contact")["response"]["body"]["result"].clone();
    let all = serde_json::json!({ "success": true, "result": { "12x8589": one } });
    let reply = Reply::other("MassRetrieve", 200, "application/json", &all.to_string());
    let server = Replay::with(vec![Reply::recorded(DESCRIBE), reply]).await;
    let ids = ["12x8589", "11x8588", "12x1"].map(str::to_owned);
    let records = server.corebos().read_many(&contacts(), &ids).await.unwrap();
    assert_eq!(records.iter().map(|r| r.reference.id.as_str()).collect::<Vec<_>>(), ["12x8589"]);
    assert!(records[0].fields.contains("cbuuid") && !records[0].fields.contains("account_idename"));
    // The module of the last id decides how all look: no other module's id is among them.
    assert_eq!(server.got("MassRetrieve")[0].parameters["ids"], "12x8589,12x1");
}
