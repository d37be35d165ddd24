//! How long a decision takes: the user's own 27-field map, both directions projected, one field changed and none.
#![expect(missing_docs, reason = "the macro of the benchmark library makes an undocumented function")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use mapping::{FieldMap, Semantics, shipped};
use model::{Bases, Direction, Link, LinkStatus, ObjectName, Pair, PairKind, RecordRef, Value};
use sync::decide::{Situation, SourceNow, States, TargetNow, decide};
use sync::memory::{MemoryField, MemorySchema};
use sync::project::project;
use sync::{PairContext, PairMap, PairSettings, Plan, Record, Related, Writer, pair_spec};

struct Case {
    context: PairContext,
    link: Link,
    source: Record,
    target: Record,
    source_schema: MemorySchema,
    target_schema: MemorySchema,
}

fn fields_of(map: &PairMap, more: &[&'static str]) -> MemorySchema {
    let names: Vec<&'static str> = map.targets().map(|name| &*name.to_owned().leak()).collect();
    MemorySchema::of(names.into_iter().chain(more.iter().copied()).map(|name| (name, MemoryField::default())))
}

fn case() -> Case {
    let spec = pair_spec(PairKind::MauticContacts);
    let map = |name: &str, xml: &str, direction| {
        let compiled = FieldMap::compile(name, xml.as_bytes(), Semantics::Bridge);
        PairMap::new(compiled.unwrap_or_else(|error| panic!("{error}")), spec, direction)
    };
    let to_hub = map("MauticToContacts", shipped::MAUTIC_TO_CONTACTS, Direction::ToHub);
    let to_remote = map("ContactsToMautic", shipped::CONTACTS_TO_MAUTIC, Direction::ToRemote);
    let target_schema = fields_of(&to_hub, &["contact_points", "deleted_in_mautic"]);
    let source_schema = fields_of(&to_remote, &["points"]);
    let hub = "corebos:main".parse().unwrap_or_else(|_| unreachable!());
    let remote = "mautic:main".parse().unwrap_or_else(|_| unreachable!());
    let pair = Pair { kind: PairKind::MauticContacts, hub, remote };
    let record = |system, object: &str, id: &str, map: &PairMap| Record {
        reference: RecordRef::new(system, &ObjectName::new(object), id),
        fields: map
            .targets()
            .map(|name| (name.to_owned(), Value::Text(format!("value of {name}"))))
            .chain([("id".to_owned(), Value::Text(id.to_owned()))])
            .collect(),
        modified: None,
        last_writer: Writer::Other,
        related: Related::default(),
    };
    let source = record(&pair.remote, "contact", "47", &to_remote);
    let mut target = record(&pair.hub, "Contacts", "12x9", &to_hub);
    let context = PairContext {
        pair: pair.clone(),
        spec,
        settings: PairSettings::default(),
        to_hub,
        to_remote,
        hub_is_pushed: true,
        remote_is_pushed: true,
        associations: Vec::new(),
    };
    let forward = project(&context.to_hub, &source, &target_schema, Timestamp::UNIX_EPOCH);
    for (name, field) in &forward.fields {
        target.fields.insert(name.clone(), field.value.clone());
    }
    let reverse = project(&context.to_remote, &target, &source_schema, Timestamp::UNIX_EPOCH);
    let mut bases = Bases::default();
    bases.to_hub.extend(forward.fields.into_iter().map(|(name, field)| (name, field.base)));
    bases.to_remote.extend(reverse.fields.into_iter().map(|(name, field)| (name, field.base)));
    let link = Link {
        id: "l".to_owned(),
        version: 1,
        pair,
        hub: target.reference.clone(),
        remote: source.reference.clone(),
        status: LinkStatus::Active,
        bases,
        refused: Vec::new(),
        breaker: None,
        paused: false,
    };
    Case { context, link, source, target, source_schema, target_schema }
}

fn plan(case: &Case, source: &SourceNow, target: &TargetNow, states: &States) -> Plan {
    decide(&Situation {
        context: &case.context,
        direction: Direction::ToHub,
        link: Some(&case.link),
        source,
        target,
        states,
        now: Timestamp::UNIX_EPOCH,
        source_schema: &case.source_schema,
        target_schema: &case.target_schema,
    })
}

fn benchmarks(criterion: &mut Criterion) {
    let case = case();
    let states = States::default();
    let target = TargetNow::Linked(case.target.clone());
    let same = SourceNow::Found(case.source.clone());
    let mut edited = case.source.clone();
    edited.fields.insert("mobile", "another");
    let edited = SourceNow::Found(edited);
    criterion.bench_function("decide an echo", |bencher| {
        bencher.iter(|| black_box(plan(&case, &same, &target, &states)));
    });
    criterion.bench_function("decide one changed field", |bencher| {
        bencher.iter(|| black_box(plan(&case, &edited, &target, &states)));
    });
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
