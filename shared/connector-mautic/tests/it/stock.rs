//! Pages of a stock and many searches at once, over real HTTP, against recorded answers.

use connector_mautic::CONTACT;
use model::ObjectName;
use sync::Stock as _;
use sync::import::Stocked;

use crate::replay::Replay;

const SELF: &str = "A01-users_self";
const FIELDS: &str = "fields_contact";
const LIST: &str = "E15-list_where_corebos";

#[tokio::test]
async fn a_page_begins_behind_an_id_and_holds_records_as_a_read_gives_them() {
    let server = Replay::of(&[SELF, LIST]).await;
    let page = server.mautic().stock(&ObjectName::new(CONTACT), Some("0")).await.unwrap();
    assert_eq!((page.rows.len(), page.more, page.left), (1, false, Some(1)));
    let (id, Stocked::Record(record)) = &page.rows[0] else { panic!("{page:?}") };
    assert_eq!((id.as_str(), record.fields.text("corebos_id")), ("1", Some("12x345")));
    let query = &server.got_at("/api/contacts")[0].query;
    assert_eq!(
        query,
        "limit=100&order%5B0%5D%5Bcol%5D=id&order%5B0%5D%5Bdir%5D=asc&where%5B0%5D%5Bcol%5D=id&\
         where%5B0%5D%5Bexpr%5D=gt&where%5B0%5D%5Bval%5D=0"
    );
}

#[tokio::test]
async fn several_searches_are_one_list_and_each_gets_what_it_would_have_found() {
    let server = Replay::of(&[SELF, FIELDS, LIST]).await;
    let values = ["12x345".to_owned(), "12x9".to_owned()];
    let found = server.mautic().find_many(&ObjectName::new(CONTACT), "corebos_id", &values).await.unwrap();
    let found: Vec<_> = found.iter().map(|(value, found)| (value.as_str(), found.len())).collect();
    assert_eq!(found, [("12x345", 1), ("12x9", 0)]);
    let query = &server.got_at("/api/contacts")[0].query;
    assert!(query.contains("where%5B0%5D%5Bexpr%5D=orX"), "{query}");
    assert!(query.contains("where%5B0%5D%5Bval%5D%5B1%5D%5Bval%5D=12x9"), "{query}");
}

#[tokio::test]
async fn no_line_is_longer_than_a_web_server_takes() {
    let lists = std::iter::repeat_n(LIST, 20);
    let names: Vec<&str> = [SELF, FIELDS].into_iter().chain(lists).collect();
    let server = Replay::of(&names).await;
    let values: Vec<String> = (0..100).map(|n| format!("somebody+{n}@a-long-name.example.org")).collect();
    let found = server.mautic().find_many(&ObjectName::new(CONTACT), "email", &values).await.unwrap();
    assert_eq!(found.len(), values.len());
    let asked = server.got_at("/api/contacts");
    assert!(asked.len() > 1 && asked.iter().all(|got| got.query.len() < 8_000), "{}", asked.len());
}

#[tokio::test]
async fn records_are_read_together_by_their_ids_and_what_is_no_id_is_left_out() {
    let server = Replay::of(&[SELF, LIST]).await;
    let ids = ["1".to_owned(), "12x345".to_owned(), "7".to_owned()];
    let records = server.mautic().read_many(&ObjectName::new(CONTACT), &ids).await.unwrap();
    assert_eq!(records.iter().map(|r| r.reference.id.as_str()).collect::<Vec<_>>(), ["1"]);
    let query = &server.got_at("/api/contacts")[0].query;
    assert!(query.contains("%5B1%5D%5Bval%5D=7") && !query.contains("12x345"), "{query}");
}
