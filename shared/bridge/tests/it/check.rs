//! `bridge map check`: findings for people and for programs, exit codes.

use serde_json::Value as Json;

use crate::running::{field, folder, map_in, map_of, published, shipped, write};

fn findings(out: &str) -> Vec<(String, String, u64, u64, String, String)> {
    let json: Json = serde_json::from_str(out).unwrap();
    let of = |finding: &Json, name: &str| finding[name].as_str().unwrap().to_owned();
    json.as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let [line, column] = ["line", "column"].map(|name| finding[name].as_u64().unwrap());
            let [severity, file, message, advice] =
                ["severity", "file", "message", "advice"].map(|name| of(finding, name));
            assert!(finding["source"].is_string());
            (severity, file, line, column, message, advice)
        })
        .collect()
}

#[test]
fn the_shipped_maps_have_no_errors() {
    let run = map_in(&shipped(), &["check", ".", "--format", "json"]);
    let errors: Vec<_> = findings(&run.out).into_iter().filter(|found| found.0 == "error").collect();
    assert!(run.code == 0 && errors.is_empty(), "{errors:#?}\n{}", run.err);
}

#[test]
fn the_mistakes_in_the_users_own_maps_are_found_with_their_places() {
    let run = map_in(&published(), &["check", ".", "--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let found = findings(&run.out);
    for (file, line, column, severity, message, advice) in [
        (
            "ContactsToMautic.xml",
            73,
            24,
            "error",
            "a Mautic contact has no field `zip`",
            "did you mean `zipcode`?",
        ),
        (
            "MauticToContacts.xml",
            76,
            35,
            "error",
            "a Mautic contact has no field `zip`",
            "did you mean `zipcode`?",
        ),
        (
            "AccountsToMautic.xml",
            10,
            24,
            "error",
            "a Mautic company has no field `corebos_id`",
            "did you mean `company_corebos_id`?",
        ),
        ("AccountsToMautic.xml", 37, 24, "warning", "a Mautic company has no field `mobile`", ""),
    ] {
        let is_it = |finding: &&(String, String, u64, u64, String, String)| {
            finding.1.ends_with(file) && finding.2 == line && finding.3 == column
        };
        let finding =
            found.iter().find(is_it).unwrap_or_else(|| panic!("{file}:{line}:{column}\n{}", run.out));
        assert_eq!(finding.0, severity);
        assert_eq!(finding.4, message);
        assert!(finding.5.contains(advice), "{finding:?}");
    }
}

#[test]
fn people_get_the_place_the_line_and_what_was_meant() {
    let folder = folder("check-people");
    let contacts = map_of(&[field("firstname", "", "firstname"), field("zip", "", "mailingzip")]);
    write(&folder, "ContactsToMautic.xml", contacts);
    let run = map_in(&folder, &["check", "ContactsToMautic.xml"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.err, "");
    assert_eq!(
        run.out,
        "ContactsToMautic.xml:4:19: error: a Mautic contact has no field `zip`\n  \
         |\n\
         4 | <field><fieldname>zip</fieldname><Orgfields><Orgfield><OrgfieldName>mailingzip</OrgfieldName>\
         <OrgfieldID></OrgfieldID></\n  \
         |                   ^\n  \
         = did you mean `zipcode`?\n\n\
         1 error and 0 warnings in 1 map\n"
    );
}

#[test]
fn warnings_alone_end_with_0_and_so_does_a_good_map() {
    let folder = folder("check-warnings");
    write(&folder, "good.xml", map_of(&[field("a", "", "b")]));
    let run = map_in(&folder, &["check", "good.xml"]);
    assert_eq!((run.code, run.out.as_str()), (0, "0 errors and 0 warnings in 1 map\n"));
    write(&folder, "chain.xml", map_of(&[field("a", "EXPRESSION", "x - 1 - 2")]));
    let run = map_in(&folder, &["check", "chain.xml"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.starts_with("chain.xml:3:69: warning: everything behind this operator"), "{}", run.out);
    assert!(run.out.ends_with("0 errors and 1 warning in 1 map\n"), "{}", run.out);
    let run = map_in(&folder, &["check", "--format", "json", "good.xml"]);
    assert_eq!((run.code, run.out.as_str()), (0, "[]\n"));
}

#[test]
fn what_only_corebos_can_evaluate_is_a_warning_on_the_way_out_and_an_error_on_the_way_in() {
    let folder = folder("check-by-corebos");
    let map =
        |extra: &str| map_of(&[field(extra, "", "email"), field("title", "EXPRESSION", "getSetting('x')")]);
    write(&folder, "ContactsToMautic.xml", map("email"));
    write(&folder, "MauticToContacts.xml", map("lastname"));
    let run = map_in(&folder, &["check", "ContactsToMautic.xml"]);
    assert_eq!(run.code, 0, "{}", run.out);
    let place = "ContactsToMautic.xml:4:71: warning: the function `getSetting` needs coreBOS's own data, so coreBOS \
                 evaluates this field";
    assert!(run.out.starts_with(place), "{}", run.out);
    let run = map_in(&folder, &["check", "MauticToContacts.xml", "--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.out);
    let found = findings(&run.out);
    assert_eq!((found.len(), found[0].0.as_str(), found[0].2, found[0].3), (1, "error", 4, 71));
    // Two maps of a pair still speak of each other.
    write(
        &folder,
        "MauticToContacts.xml",
        map_of(&[field("email", "", "email"), field("lastname", "", "x")]),
    );
    assert_eq!(map_in(&folder, &["check", "."]).code, 0);
}

#[test]
fn a_folder_is_searched_with_its_subfolders_and_files_that_are_no_maps_are_left_out() {
    let folder = folder("check-folder");
    std::fs::create_dir_all(folder.join("maps/deeper")).unwrap();
    write(&folder, "maps/b.xml", map_of(&[field("a", "CONSTANT", "b")]));
    write(&folder, "maps/deeper/a.XML", "no map");
    write(&folder, "maps/notes.txt", "no map");
    let run = map_in(&folder, &["check", "maps", "--format", "json"]);
    assert_eq!(run.code, 1);
    let places: Vec<_> = findings(&run.out).into_iter().map(|found| (found.1, found.2)).collect();
    assert_eq!(places, [("maps/b.xml".to_owned(), 3), ("maps/deeper/a.XML".to_owned(), 1)]);
}

#[test]
fn two_maps_that_belong_together_are_checked_for_what_does_not_come_back() {
    let folder = folder("check-pair");
    let out = map_of(&[field("phone", "", "mobile"), field("email", "", "email")]);
    let back = map_of(&[
        field("lastname", "", "lastname"),
        field("mobile", "", "mobile"),
        field("email", "", "email"),
    ]);
    write(&folder, "ContactsToMautic.xml", out);
    write(&folder, "MauticToContacts.xml", back);
    let run = map_in(&folder, &["check", "ContactsToMautic.xml", "MauticToContacts.xml", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.out);
    let found = findings(&run.out);
    let (severity, file, line, column, message, _) = found.first().unwrap();
    assert_eq!(
        (severity.as_str(), file.as_str(), *line, *column),
        ("warning", "ContactsToMautic.xml", 3, 19)
    );
    assert_eq!(message, "`mobile` goes to `phone`, but MauticToContacts brings it back from `mobile`");
}

#[test]
fn what_cannot_be_read_is_told_and_the_others_are_checked() {
    let folder = folder("check-missing");
    write(&folder, "good.xml", map_of(&[field("a", "", "b")]));
    let run = map_in(&folder, &["check", "missing.xml", "good.xml"]);
    assert_eq!(run.code, 1);
    assert!(run.err.starts_with("error: cannot read missing.xml: "), "{}", run.err);
    assert_eq!(run.out, "0 errors and 0 warnings in 1 map; 1 file cannot be read\n");
    std::fs::create_dir(folder.join("empty")).unwrap();
    let run = map_in(&folder, &["check", "empty"]);
    assert_eq!((run.code, run.err.as_str()), (1, "error: there is no map (*.xml) in empty\n"));
    assert_eq!(map_in(&folder, &["check"]).code, 2);
    assert_eq!(map_in(&folder, &["check", "good.xml", "--format", "xml"]).code, 2);
}

#[test]
fn a_map_cannot_command_the_terminal() {
    let folder = folder("check-terminal");
    write(&folder, "bad.xml", map_of(&[field("a", "EXPRESSION", "conact(b)\u{9b}31m&#x85;")]));
    let run = map_in(&folder, &["check", "bad.xml"]);
    assert_eq!(run.code, 1);
    assert!(!run.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", run.out);
}
