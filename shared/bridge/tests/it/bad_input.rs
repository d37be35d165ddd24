//! Bad maps: each a clear error with line and column from `check` and from `apply`, in bounded time and memory.

use crate::running::{Run, field, folder, map_in, map_of, write};

/// Checks a map and applies it, under both semantics.
fn runs(name: &str, map: &[u8], record: &str) -> [Run; 3] {
    let folder = folder(&format!("bad-{name}"));
    write(&folder, "M.xml", map);
    write(&folder, "record.json", record);
    let apply = ["apply", "--map", "M.xml", "--record", "record.json", "--semantics"];
    [
        map_in(&folder, &["check", "M.xml"]),
        map_in(&folder, &[&apply[..], &["bridge"]].concat()),
        map_in(&folder, &[&apply[..], &["corebos"]].concat()),
    ]
}

/// The map must be refused by `check` and by `apply` with the same finding.
fn refused(name: &str, map: impl AsRef<[u8]>, place: &str, words: &str) {
    let [check, apply, _] = runs(name, map.as_ref(), "{}");
    let start = format!("M.xml:{place}: error: ");
    for (run, told) in [(&check, &check.out), (&apply, &apply.err)] {
        assert_eq!(run.code, 1, "{name}: {run:?}");
        assert!(told.starts_with(&start) && told.contains(words), "{name}, {start}{words}\n{told}");
        assert!(told.contains("\n  |") || told.contains(" | "), "{name}: the line is shown\n{told}");
    }
    assert_eq!(apply.out, "", "{name}");
}

#[test]
fn what_is_not_xml() {
    refused("empty", "", "1:1", "no XML element");
    refused("text", "not XML", "1:1", "not XML");
    refused("json", "{\"a\":1}", "1:1", "not XML");
    refused("unclosed", "<map>\n<fields>\n<field>\n</fields></map>", "4:1", "`</field>` is expected");
    refused("ampersand", map_of(&[field("a", "CONST", "b & c")]), "3:69", "`&`");
    refused("entity", map_of(&[field("a", "CONST", "b&nbsp;c")]), "3:68", "nbsp");
    refused("no fields", "<map></map>", "1:1", "no fields");
}

#[test]
fn what_is_not_utf_8() {
    refused("latin", b"<map>\n<fields>\n \xe9</fields></map>", "3:2", "not UTF-8");
    refused("utf16", b"\xff\xfe<\0m\0a\0p\0>\0", "1:1", "not UTF-8");
}

#[test]
fn an_entity_bomb() {
    let bomb = "<!DOCTYPE m [\n<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\n\
                <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">\n]>\n<map><fields>&c;</fields></map>";
    refused("bomb", bomb, "1:1", "document type");
    let [_, _, corebos] = runs("bomb-corebos", bomb.as_bytes(), "{}");
    assert_eq!(
        (corebos.code, corebos.out.as_str()),
        (1, ""),
        "no semantics reads a document type: {corebos:?}"
    );
}

#[test]
fn a_map_of_ten_megabytes_and_one_of_a_hundred_levels() {
    refused("long", "a".repeat(10 << 20), "1:1", "the map has 10485760 bytes");
    let fields = field("a", "", "b").repeat(20_000);
    refused("fields", format!("<map><fields>{fields}</fields></map>"), "1:1", "the limit is");
    let deep = format!("<map>{}{}</map>", "<x>".repeat(100), "</x>".repeat(100));
    refused("deep", deep, "1:99", "32");
    let deep = "<x>".repeat(300_000);
    refused("deeper", deep, "1:97", "32");
}

#[test]
fn mistakes_in_expressions() {
    let of = |expression: &str| map_of(&[field("t", "EXPRESSION", expression)]);
    refused("bracket", of("concat(a, b"), "3:78", "`)` is expected");
    refused("function", of("conact(a, b)"), "3:67", "did you mean `concat`?");
    refused("quote", of("concat('a, b)"), "3:74", "never ends");
    refused("if", of("if a then b"), "3:78", "`else` is expected");
    refused("corebos", of("getSetting('x')"), "3:67", "needs coreBOS's own data");
    refused("brackets", of(&"(".repeat(100_000)), "3:267", "200 deep");
    refused("calls", of(&"concat(".repeat(100_000)), "3:1467", "200 deep");
    refused("signs", of(&"-".repeat(400_000)), "3:267", "200 deep");
}

#[test]
fn mistakes_in_fields() {
    refused("directive", map_of(&[field("t", "CONSTANT", "a")]), "3:95", "did you mean `CONST`?");
    refused("rule", map_of(&[field("t", "RULE", "a")]), "3:95", "RULE evaluates another map");
    refused("nameless", map_of(&[field("", "", "a")]), "3:19", "no name");
    refused(
        "crlf",
        "<map>\r\n<fields>\r\n<field><fieldname></fieldname></field></fields></map>",
        "3:19",
        "no name",
    );
    let [check, apply, _] =
        runs("repeated", map_of(&[field("t", "", "a"), field("t", "", "b")]).as_bytes(), "{}");
    assert!(check.out.starts_with("M.xml:4:19: error: the field `t` is repeated"), "{}", check.out);
    assert_eq!((check.code, apply.code), (1, 0), "coreBOS takes the second, and so does the bridge");
}

#[test]
fn a_map_for_another_module() {
    let folder = folder("bad-module");
    let map = "<map>\n<originmodule><originname>Accounts</originname></originmodule>\n<targetmodule><targetname>\
               MauticAccount</targetname></targetmodule><fields><field><fieldname>companyname</fieldname><Orgfields>\
               <Orgfield><OrgfieldName>accountname</OrgfieldName></Orgfield></Orgfields></field></fields></map>";
    write(&folder, "ContactsToMautic.xml", map);
    let run = map_in(&folder, &["check", "ContactsToMautic.xml"]);
    assert_eq!(run.code, 1);
    assert!(
        run.out.starts_with("ContactsToMautic.xml:2:27: error: a map of this name is not for"),
        "{}",
        run.out
    );
}

#[test]
fn expressions_that_would_never_end_or_fill_the_memory() {
    for (name, expression, words) in [
        ("backtracking", r"regex('^(a+)+\\1b$', s)", ""),
        ("replacing", r"regexreplace('^(?=(a+))(a|aa)+\\1$', 'x', s)", ""),
        ("gigabyte", "stringreplace('a', s, stringreplace('a', s, stringreplace('a', s, s)))", "longer than"),
        ("digits", "number_format(1, 1000000000)", ""),
        ("workdays", "add_workdays('2024-01-01', 9000000000000000000)", ""),
        ("years", "add_months('2024-01-01', 9000000000000000000)", ""),
        ("power", "power(9, power(9, power(9, 9)))", ""),
    ] {
        let record = format!(r#"{{"s":"{}!"}}"#, "a".repeat(5_000));
        let map = map_of(&[field("t", "EXPRESSION", expression)]);
        let [_, bridge, corebos] = runs(name, map.as_bytes(), &record);
        for run in [&bridge, &corebos] {
            assert!(run.out.len() < 2 << 20, "{name}: {} bytes", run.out.len());
            assert_eq!(run.code == 0, !run.out.is_empty(), "{name}: {run:?}");
        }
        assert!(bridge.err.contains(words), "{name}: {}", bridge.err);
    }
}
