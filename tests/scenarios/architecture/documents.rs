//! What the documents quote is what the code says.

use model::SystemKind;

const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");
const README: &str = include_str!("../../../README.md");

#[test]
fn the_table_of_differences_is_the_one_in_the_code() {
    let quoted = ARCHITECTURE.split("<!-- differences: begin -->\n").nth(1).expect("it begins");
    let quoted = quoted.split("<!-- differences: end -->").next().expect("it ends");
    assert_eq!(quoted, mapping::differences_as_markdown(), "copy the right side into ARCHITECTURE.md");
}

#[test]
fn the_table_of_settings_is_the_one_in_the_code() {
    let quoted = README.split("<!-- settings: begin -->\n").nth(1).expect("it begins");
    let quoted = quoted.split("<!-- settings: end -->").next().expect("it ends");
    let table = sync::settings::table::settings_as_markdown(&[
        SystemKind::CoreBos,
        SystemKind::Mautic,
        SystemKind::HubSpot,
        SystemKind::WordPress,
    ]);
    assert_eq!(quoted, table, "copy the right side into README.md");
}

#[test]
fn every_shared_file_that_the_readme_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http")) {
        assert!(root.join(link).exists(), "README.md points at {link}, which is not there");
    }
}
