//! Which room may use which, and which crates from outside, compared with what cargo says.

use std::process::Command;

use serde_json::Value;

use crate::template::document::workspace;

/// One room, and what it may use besides itself.
struct Room {
    folder: &'static str,
    package: &'static str,
    /// Packages of this workspace that the room itself may use.
    may_use: &'static [&'static str],
    /// Packages of this workspace that its tests may use as well.
    tests_may_use: &'static [&'static str],
}

/// A row that allows a room everything: the command line and the scenarios tie all rooms together.
const EVERYTHING: &[&str] = &["*"];

/// The rooms. What a row does not list, the room does not know.
const ROOMS: [Room; 28] = [
    Room {
        folder: "functions/webhook-mautic",
        package: "webhook-mautic",
        may_use: &["bridge-aws", "connector-mautic", "mapping", "model", "sync"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/webhook-corebos",
        package: "webhook-corebos",
        may_use: &["bridge-aws", "connector-corebos", "mapping", "model", "sync"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/poll-corebos",
        package: "poll-corebos",
        may_use: &["bridge-aws", "connector-corebos", "model", "sync", "wiring"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/poll-mautic",
        package: "poll-mautic",
        may_use: &["bridge-aws", "connector-mautic", "model", "sync", "wiring"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/webhook-hubspot",
        package: "webhook-hubspot",
        may_use: &["bridge-aws", "connector-hubspot", "mapping", "model", "sync"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/poll-hubspot",
        package: "poll-hubspot",
        may_use: &["bridge-aws", "connector-hubspot", "model", "sync", "wiring"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/push-corebos",
        package: "push-corebos",
        may_use: &[
            "bridge-aws",
            "connector-corebos",
            "connector-hubspot",
            "connector-mautic",
            "model",
            "sync",
            "wiring",
        ],
        tests_may_use: &["simulators"],
    },
    Room {
        folder: "functions/push-hubspot",
        package: "push-hubspot",
        may_use: &["bridge-aws", "connector-corebos", "connector-hubspot", "model", "sync", "wiring"],
        tests_may_use: &["simulators"],
    },
    Room {
        folder: "functions/push-mautic",
        package: "push-mautic",
        may_use: &["bridge-aws", "connector-corebos", "connector-mautic", "model", "sync", "wiring"],
        tests_may_use: &["simulators"],
    },
    Room {
        folder: "functions/webhook-signal",
        package: "webhook-signal",
        may_use: &["bridge-aws", "connector-signal", "model", "sync"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/push-visitor",
        package: "push-visitor",
        may_use: &[
            "bridge-aws",
            "connector-mautic",
            "connector-signal",
            "mapping",
            "model",
            "sync",
            "wiring",
        ],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/webhook-campaign",
        package: "webhook-campaign",
        may_use: &["bridge-aws", "connector-mautic", "model", "sync"],
        tests_may_use: &[],
    },
    Room {
        folder: "functions/push-wordpress",
        package: "push-wordpress",
        may_use: &[
            "bridge-aws",
            "connector-mautic",
            "connector-wordpress",
            "mapping",
            "model",
            "sync",
            "wiring",
        ],
        tests_may_use: &[],
    },
    Room { folder: "shared/model", package: "model", may_use: &[], tests_may_use: &[] },
    Room { folder: "shared/mapping", package: "mapping", may_use: &["model"], tests_may_use: &[] },
    Room { folder: "shared/sync", package: "sync", may_use: &["mapping", "model"], tests_may_use: &[] },
    Room {
        folder: "shared/connector-corebos",
        package: "connector-corebos",
        may_use: &["bridge-http", "model", "sync"],
        tests_may_use: &["simulators"],
    },
    Room {
        folder: "shared/connector-hubspot",
        package: "connector-hubspot",
        may_use: &["bridge-http", "model", "sync"],
        tests_may_use: &["simulators"],
    },
    Room {
        folder: "shared/connector-mautic",
        package: "connector-mautic",
        may_use: &["bridge-http", "model", "sync"],
        tests_may_use: &["simulators"],
    },
    // A source only: it calls nobody.
    Room {
        folder: "shared/connector-signal",
        package: "connector-signal",
        may_use: &["model"],
        tests_may_use: &[],
    },
    Room {
        folder: "shared/connector-wordpress",
        package: "connector-wordpress",
        may_use: &["bridge-http", "model", "sync"],
        tests_may_use: &["simulators"],
    },
    Room { folder: "shared/http", package: "bridge-http", may_use: &[], tests_may_use: &[] },
    Room {
        folder: "shared/aws",
        package: "bridge-aws",
        may_use: &["model", "sync"],
        tests_may_use: &["embedded-aws"],
    },
    // Ties the ports to AWS for whatever connectors a function links; it knows none of them itself, or every
    // function would carry all of them.
    Room {
        folder: "shared/wiring",
        package: "wiring",
        may_use: &["bridge-aws", "mapping", "model", "sync"],
        tests_may_use: &[],
    },
    // Stands in for AWS, so it knows nothing of ours.
    Room { folder: "shared/embedded-aws", package: "embedded-aws", may_use: &[], tests_may_use: &[] },
    // Stand in for the systems, so they know nothing of the connectors: both must learn from the recordings.
    Room { folder: "shared/simulators", package: "simulators", may_use: &["model"], tests_may_use: &[] },
    Room { folder: "shared/bridge", package: "bridge", may_use: EVERYTHING, tests_may_use: &[] },
    Room { folder: "tests", package: "scenarios", may_use: EVERYTHING, tests_may_use: &[] },
];

/// Crates from outside, by the beginning of their names, and the only rooms that may use them outside their tests.
const OUTSIDE: [(&str, &[&str]); 13] = [
    ("aws", &["bridge-aws"]),
    ("serde_dynamo", &["bridge-aws"]),
    (
        "lambda_runtime",
        &[
            "bridge",
            "bridge-aws",
            "poll-corebos",
            "poll-hubspot",
            "poll-mautic",
            "push-corebos",
            "push-hubspot",
            "push-mautic",
            "push-visitor",
            "push-wordpress",
            "webhook-campaign",
            "webhook-corebos",
            "webhook-hubspot",
            "webhook-mautic",
            "webhook-signal",
            "wiring",
        ],
    ),
    ("dynoxide", &["embedded-aws"]),
    ("rusqlite", &["embedded-aws"]),
    ("reqwest", &["bridge", "bridge-http", "simulators"]),
    ("rustls", &["bridge-http"]),
    ("axum", &["embedded-aws", "simulators"]),
    ("hyper", &["embedded-aws", "simulators"]),
    ("quick-xml", &["mapping", "simulators"]),
    ("miette", &["bridge", "mapping"]),
    ("clap", &["bridge"]),
    // Errors have types everywhere but at the very edge.
    ("anyhow", &["bridge"]),
];

/// Rooms that do no I/O, and crates that would let them.
const PURE: [&str; 2] = ["mapping", "model"];
const DOES_IO: [&str; 9] =
    ["async-std", "fs-err", "mio", "socket2", "tempfile", "tokio", "tracing-subscriber", "ureq", "walkdir"];

/// One dependency of a package, as its `Cargo.toml` lists it.
struct Edge {
    from: String,
    to: String,
    /// `dev` or `build`; empty for a dependency of the room itself.
    kind: String,
    inside: bool,
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(workspace().join("Cargo.toml"))
        .output();
    let output = output.unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("cargo metadata: {error}"))
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn edges(metadata: &Value) -> Vec<Edge> {
    let mut edges = Vec::new();
    for package in packages(metadata) {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            edges.push(Edge {
                from: text(&package["name"]),
                to: text(&dependency["name"]),
                kind: text(&dependency["kind"]),
                inside: dependency["path"].is_string(),
            });
        }
    }
    assert!(!edges.is_empty(), "cargo metadata lists no dependency");
    edges
}

fn room(package: &str) -> &'static Room {
    match ROOMS.iter().find(|room| room.package == package) {
        Some(room) => room,
        None => panic!("{package} has no row in ROOMS"),
    }
}

fn allows(list: &[&str], package: &str) -> bool {
    list == EVERYTHING || list.contains(&package)
}

#[test]
fn every_room_has_a_row_and_every_row_a_room() {
    let metadata = metadata();
    let root = text(&metadata["workspace_root"]);
    let mut found: Vec<(String, String)> = packages(&metadata)
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let folder =
                manifest.trim_start_matches(&root).trim_end_matches("Cargo.toml").trim_matches(['/', '\\']);
            (folder.replace('\\', "/"), text(&package["name"]))
        })
        .collect();
    let mut rows: Vec<(String, String)> =
        ROOMS.iter().map(|room| (room.folder.to_owned(), room.package.to_owned())).collect();
    found.sort();
    rows.sort();
    assert_eq!(found, rows, "left: the workspace, right: ROOMS");
}

#[test]
fn no_room_reaches_through_a_wall() {
    for edge in edges(&metadata()).iter().filter(|edge| edge.inside && edge.kind.is_empty()) {
        assert!(allows(room(&edge.from).may_use, &edge.to), "{} must not know {}", edge.from, edge.to);
    }
}

#[test]
fn the_tests_of_a_room_reach_no_further_than_their_row() {
    for edge in edges(&metadata()).iter().filter(|edge| edge.inside && edge.kind == "dev") {
        let room = room(&edge.from);
        let allowed = allows(room.may_use, &edge.to) || allows(room.tests_may_use, &edge.to);
        assert!(allowed, "the tests of {} must not know {}", edge.from, edge.to);
    }
}

#[test]
fn no_function_knows_another() {
    let functions: Vec<&str> =
        ROOMS.iter().filter(|room| room.folder.starts_with("functions/")).map(|room| room.package).collect();
    for edge in edges(&metadata()).iter().filter(|edge| functions.contains(&edge.to.as_str())) {
        assert!(allows(&["bridge", "scenarios"], &edge.from), "{} knows the function {}", edge.from, edge.to);
    }
}

#[test]
fn crates_from_outside_stay_in_their_rooms() {
    for edge in edges(&metadata()).iter().filter(|edge| !edge.inside && edge.kind != "dev") {
        for (crates, rooms) in OUTSIDE {
            let free = room(&edge.from).folder == "tests";
            assert!(
                free || !edge.to.starts_with(crates) || rooms.contains(&edge.from.as_str()),
                "{} uses {}",
                edge.from,
                edge.to
            );
        }
    }
}

#[test]
fn nouns_and_maps_do_no_io() {
    for edge in
        edges(&metadata()).iter().filter(|edge| PURE.contains(&edge.from.as_str()) && edge.kind != "dev")
    {
        let stem = |name: &&&str| edge.to == **name || edge.to.starts_with(&format!("{name}-"));
        assert!(DOES_IO.iter().find(stem).is_none(), "{} uses {}", edge.from, edge.to);
    }
}

#[test]
fn no_room_is_built_by_a_script() {
    for edge in edges(&metadata()) {
        assert_ne!(edge.kind, "build", "{} runs {} while it is built", edge.from, edge.to);
    }
}
