//! Field maps as an administrator writes them: the document, what the checker says of it, and what it makes of a record.
#![no_main]

use bridge_fuzz::{halves, record_of};
use libfuzzer_sys::fuzz_target;
use mapping::check::check;
use mapping::{FieldMap, Semantics, Surroundings};

fuzz_target!(|data: &[u8]| {
    let (xml, record) = halves(data);
    let record = record_of(record);
    for finding in check("ContactsToMautic", xml, None) {
        let _ = finding.to_string();
    }
    for semantics in [Semantics::Bridge, Semantics::CoreBos] {
        let Ok(map) = FieldMap::compile_with_corebos("MauticToContacts", xml, semantics) else { continue };
        for surroundings in [
            Surroundings::default(),
            Surroundings {
                now: Some(1_795_000_000),
                chance: Some(7),
                neutral_formats: true,
                ..Surroundings::default()
            },
        ] {
            let again = |_| map.evaluate_onto(&record, record.clone(), &surroundings).ok();
            // Compared as texts: a value may be a number that is none, which is not equal to itself.
            assert_eq!(format!("{:?}", again(())), format!("{:?}", again(())), "a map gives one answer");
        }
        for (target, value) in map.evaluate_each(&record) {
            let _ = (target, value.map_err(|error| error.to_string()));
        }
    }
});
