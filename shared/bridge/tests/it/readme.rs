//! The chapter on maps: its examples give what it says, and its tables are complete.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use connector_corebos::CoreBosSchema;
use mapping::{DIFFERENCES, differences_as_markdown, language};
use model::Value;
use serde_json::{Value as Json, json};
use sync::{Canonical, Schema as _};

use crate::running::{folder, map_in, published, write};

fn chapter() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mapping/README.md");
    std::fs::read_to_string(path).unwrap()
}

/// The fenced blocks, each with the words behind its fence.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(words) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((words.to_owned(), block.join("\n") + "\n"));
        }
    }
    blocks
}

/// The rows of all tables whose first cells of the head are these; code without its backticks.
fn rows(text: &str, head: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut is_ours = false;
    for line in text.lines() {
        let Some(cells) = cells(line) else {
            is_ours = false;
            continue;
        };
        if is_ours && !line.starts_with("|---") {
            rows.push(cells);
        } else if cells.len() >= head.len() && cells.iter().zip(head).all(|(cell, name)| cell == name) {
            is_ours = true;
        }
    }
    rows
}

fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?.replace("\\|", "\u{0}");
    let plain = |cell: &str| {
        let cell = cell.trim().replace('\u{0}', "|");
        cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).map(str::to_owned).unwrap_or(cell)
    };
    Some(inner.split('|').map(plain).collect())
}

/// The record of the examples: the one before the heading about functions.
fn record(text: &str) -> Json {
    let before = text.split_once("### Expressions").unwrap().0;
    let (_, record) = blocks(before).into_iter().rfind(|(words, _)| words == "json record").unwrap();
    serde_json::from_str(&record).unwrap()
}

#[test]
fn every_map_in_the_chapter_makes_what_it_says() {
    let folder = folder("readme-maps");
    let mut checked = 0;
    for (words, block) in blocks(&chapter()) {
        let apply = |semantics: &str| {
            map_in(
                &folder,
                &["apply", "--map", "map.xml", "--record", "record.json", "--semantics", semantics],
            )
        };
        match words.as_str() {
            "xml" if block.trim_start().starts_with("<map>") => write(&folder, "map.xml", block),
            "xml" => write(&folder, "map.xml", format!("<map><fields>{block}</fields></map>")),
            "json record" => write(&folder, "record.json", block),
            "json result" => {
                let run = apply("bridge");
                let made: Json =
                    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}\n{block}"));
                assert_eq!(made, serde_json::from_str::<Json>(&block).unwrap(), "{block}");
                checked += 1;
            }
            "text error" => {
                let run = apply("bridge");
                assert_eq!((run.code, run.err), (1, block));
                checked += 1;
            }
            "console" => {
                let (command, output) = block.split_once('\n').unwrap();
                let arguments: Vec<_> =
                    command.strip_prefix("$ bridge map ").unwrap().split_whitespace().collect();
                assert_eq!(map_in(&published(), &arguments).out, output);
                checked += 1;
            }
            other => panic!("nobody runs a block `{other}`"),
        }
    }
    assert!(checked >= 11, "{checked}");
}

#[test]
fn every_expression_in_the_chapter_has_the_value_it_says() {
    let chapter = chapter();
    let record = record(&chapter);
    let examples = rows(&chapter, &["expression", "value"])
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .chain(rows(&chapter, &["function", "gives"]).into_iter().map(|row| (row[2].clone(), row[3].clone())))
        .filter(|(expression, _)| !expression.is_empty());
    let mut cases = String::new();
    let mut count = 0;
    for (expression, value) in examples {
        let value: Json = serde_json::from_str(&value).unwrap_or_else(|_| panic!("{expression}: {value}"));
        let case =
            json!({"id": expression, "feature": "", "expr": expression, "env": record, "result": value});
        writeln!(cases, "{case}").unwrap();
        count += 1;
    }
    assert!(count >= 68, "{count}");
    let folder = folder("readme-expressions");
    write(&folder, "cases.jsonl", cases);
    let run = map_in(&folder, &["verify", "--semantics", "bridge", "cases.jsonl"]);
    assert_eq!(run.out, format!("cases.jsonl: {count} of {count} agree\n"));
}

#[test]
fn every_post_process_in_the_chapter_does_what_it_says() {
    let folder = folder("readme-postprocess");
    let rows = rows(&chapter(), &["name", "does", "example", "value"]);
    let names: BTreeSet<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, language::post_processes().collect(), "the table of postProcess is complete");
    for row in &rows {
        let [name, _, example, value] = &row[..] else { panic!("{row:?}") };
        let map = format!(
            "<map><fields><field><fieldname>t</fieldname><Orgfields><Orgfield><OrgfieldName><![CDATA[{example}]]>\
             </OrgfieldName><OrgfieldID>CONST</OrgfieldID><postProcess>{name}</postProcess></Orgfield></Orgfields>\
             </field></fields></map>"
        );
        write(&folder, "map.xml", map);
        write(&folder, "record.json", "{}");
        let run = map_in(&folder, &["apply", "--map", "map.xml", "--record", "record.json"]);
        let made: Json = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!(made["t"], serde_json::from_str::<Json>(value).unwrap(), "{name}");
    }
}

#[test]
fn the_tables_of_directives_and_functions_are_complete() {
    let chapter = chapter();
    let directives: BTreeSet<_> = rows(&chapter, &["directive", "the value is"])
        .iter()
        .map(|row| row[0].split(',').next().unwrap().to_owned())
        .collect();
    assert_eq!(directives, language::directives().map(str::to_owned).collect());
    let functions: Vec<_> = rows(&chapter, &["function", "gives"])
        .iter()
        .map(|row| row[0].split('(').next().unwrap().to_owned())
        .collect();
    let unique: BTreeSet<_> = functions.iter().cloned().collect();
    assert_eq!(unique.len(), functions.len(), "a function is there twice");
    assert_eq!(unique, language::functions().map(str::to_owned).collect());
    let of_corebos: Vec<_> = language::functions_of_corebos().map(|name| format!("`{name}`")).collect();
    let list = of_corebos.join(", ") + ".";
    assert!(chapter.contains(&format!("\n{list}\n")), "the functions of coreBOS are\n{list}");
}

#[test]
fn the_table_of_differences_is_that_of_the_code() {
    assert!(DIFFERENCES.len() > 10);
    let table = differences_as_markdown();
    assert!(chapter().ends_with(&format!("\n\n{table}")), "it is\n{table}");
}

#[test]
fn the_conversions_of_corebos_are_those_of_the_connector() {
    let rows = rows(&chapter(), &["coreBOS type", "value", "stored"]);
    assert!(rows.len() > 10);
    for row in rows {
        let [kind, value, stored] = &row[..] else { panic!("{row:?}") };
        let field = json!({"name": "f", "type": {"name": kind}, "mandatory": false, "editable": true,
            "uitype": "1", "displaytype": "1", "typeofdata": "V~O"});
        let schema = CoreBosSchema::from_description(&json!({"idPrefix": "12", "fields": [field]})).unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        match schema.canonical("f", &value) {
            Canonical::Value(made) => assert_eq!(made.to_json_text(), *stored, "{row:?}"),
            Canonical::Unfit(_) => assert_eq!(stored, "refused", "{row:?}"),
            _ => panic!("{row:?}"),
        }
    }
}
