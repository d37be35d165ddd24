//! How long compiling a map takes, and evaluating it: the published contact map (27 fields), an expression map
//! and a template map; and evaluation with re-reading the XML each time, as coreBOS does it.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark stops by panicking")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mapping::{FieldMap, Semantics};
use model::{Fields, Value};

fn field(target: &str, directive: &str, text: &str) -> String {
    format!(
        "<field><fieldname>{target}</fieldname><Orgfields><Orgfield><OrgfieldName>{text}</OrgfieldName>\
         <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
    )
}

fn map_of(fields: &[String]) -> String {
    format!("<map><fields>{}</fields></map>", fields.concat())
}

fn compile(xml: &str) -> FieldMap {
    FieldMap::compile("bench", xml.as_bytes(), Semantics::Bridge).unwrap()
}

/// A record that has a value for every field that a map reads.
fn record(map: &FieldMap) -> Fields {
    map.targets()
        .flat_map(mapping::Target::sources)
        .map(|source| (source.root.clone(), Value::from("a value of usual length")))
        .collect()
}

fn contact_map(criterion: &mut Criterion) {
    let xml = include_str!("../fixtures/published/ContactsToMautic.xml");
    let map = compile(xml);
    let source = record(&map);
    let mut group = criterion.benchmark_group("contact map");
    group.bench_function("compile", |bencher| bencher.iter(|| compile(black_box(xml))));
    group.bench_function("evaluate", |bencher| bencher.iter(|| map.evaluate(black_box(&source)).unwrap()));
    group.bench_function("compile and evaluate each time", |bencher| {
        bencher.iter(|| compile(black_box(xml)).evaluate(black_box(&source)).unwrap());
    });
    group.finish();
}

fn other_maps(criterion: &mut Criterion) {
    let expressions = map_of(&[
        field("name", "EXPRESSION", "concat(uppercasefirst(firstname),' ',lastname)"),
        field(
            "stage",
            "EXPRESSION",
            "if points > 100 then 'hot' else if points > 10 then 'warm' else 'cold' end end",
        ),
        field("next", "EXPRESSION", "add_days('2024-01-31',30)"),
        field("plain", "EXPRESSION", "regexreplace('[^0-9]+','',phone)"),
    ]);
    let templates = map_of(&[
        field("greeting", "TEMPLATE", "Dear $salutation $firstname $lastname,"),
        field("address", "TEMPLATE", "$street, $zip $city"),
        field("city", "FIELD", "city"),
    ]);
    for (name, xml) in [("expression map", expressions), ("template map", templates)] {
        let map = compile(&xml);
        let source = record(&map);
        let mut group = criterion.benchmark_group(name);
        group.bench_function("compile", |bencher| bencher.iter(|| compile(black_box(&xml))));
        group
            .bench_function("evaluate", |bencher| bencher.iter(|| map.evaluate(black_box(&source)).unwrap()));
        group.finish();
    }
}

criterion_group!(benches, contact_map, other_maps);
criterion_main!(benches);
