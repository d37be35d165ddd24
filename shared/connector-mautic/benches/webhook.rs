//! How long verifying and splitting a webhook takes: a queued body of ten items, 94 KB, from a real Mautic.
#![expect(missing_docs, reason = "criterion's macros make functions without docs")]

use std::hint::black_box;

use connector_mautic::webhook::{parse, verify};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use model::System;
use secrecy::SecretString;

const BODY: &[u8] = include_bytes!("../fixtures/webhooks/five_events__I36-queue_process__1.json");
const SIGNATURE: &str = "vn8SlOLbeZZD0hiThzVovi4PmbPer/g7+bRB3rrlz3M=";

fn webhook(criterion: &mut Criterion) {
    let secrets = [SecretString::from("peer-secret-1")];
    let Ok(system) = "mautic:main".parse::<System>() else { return };
    let mut group = criterion.benchmark_group("webhook of 10 items, 94 KB");
    group.throughput(Throughput::Bytes(BODY.len() as u64));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verify(black_box(&secrets), Some(SIGNATURE), black_box(BODY)).is_ok());
    });
    group.bench_function("verify and split", |bencher| {
        bencher.iter(|| {
            let verified = verify(black_box(&secrets), Some(SIGNATURE), black_box(BODY)).ok()?;
            parse(verified, &system, "request", Timestamp::UNIX_EPOCH).ok()
        });
    });
    group.finish();
}

criterion_group!(benches, webhook);
criterion_main!(benches);
