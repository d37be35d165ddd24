//! `bridge bench` measures what it says, on runs of a few events; its figures are those of a debug build and mean nothing.

use std::process::Command;

use serde_json::Value;

/// Runs the workloads and gives the figures that are written.
fn figures(workloads: &[&str], events: usize) -> Vec<Value> {
    let folder =
        std::env::temp_dir().join(format!("bridge-bench-{}-{}", std::process::id(), workloads.join("-")));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_bridge"))
        .arg("bench")
        .args(workloads)
        .args(["--events", &events.to_string(), "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let figures: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    // The table names every run.
    for run in &figures {
        let name = format!("{} {}", run["workload"].as_str().unwrap(), run["variant"].as_str().unwrap());
        assert!(told.matches(&name).count() >= 2, "{name} is missing in\n{told}");
    }
    figures
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap_or_else(|| panic!("{name} in {figures:#}"))
}

#[test]
fn webhooks_are_measured_all_the_way_and_their_effects_are_counted() {
    let all = figures(&["w1", "w2"], 20);
    assert_eq!(all.len(), 7);
    for run in &all {
        assert_eq!(run["exactly_once"], true, "{run:#}");
        assert!(number(run, "target_calls_per_change") >= 1.0, "{run:#}");
        assert!(number(&run["written_ms"], "p99") >= number(&run["written_ms"], "p50"), "{run:#}");
        if cfg!(target_os = "linux") {
            for role in ["webhook", "push", "emulation"] {
                assert!(number(&run["cpu_seconds_per_1000"], role) > 0.0, "{run:#}");
            }
            assert!(run["peak_memory_mib"].as_object().is_some_and(|peaks| peaks.len() >= 2), "{run:#}");
        }
    }
}

#[test]
fn a_storm_ends_with_both_sides_equal() {
    let all = figures(&["w3"], 50);
    let [storm] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!(
        (storm["exactly_once"].as_bool(), storm["events"].as_u64()),
        (Some(true), Some(100)),
        "{storm:#}"
    );
    assert!(number(&storm["more"], "webhooks told") >= 100.0, "{storm:#}");
}

#[test]
fn starts_maps_and_imports_are_measured() {
    let all = figures(&["w4", "w5", "w6"], 25);
    let of = |workload: &str| all.iter().filter(|run| run["workload"] == workload).collect::<Vec<_>>();
    for start in of("W4") {
        let (next, answer) = (
            number(&start["more"], "start to first next, ms"),
            number(&start["more"], "start to first answer, ms"),
        );
        assert!(0.0 < next && next < answer, "{start:#}");
    }
    assert!(of("W4").len() >= 11 && number(&of("W5")[0]["more"], "fields") >= 27.0);
    assert!(of("W6").len() == 2 && of("W6").iter().all(|run| run["exactly_once"] == true), "{all:#?}");
}

#[test]
fn a_change_and_an_idle_month_have_their_price() {
    let all = figures(&["cost"], 1);
    let (changes, idle): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|run| run["workload"] == "cost");
    assert_eq!((changes.len(), idle.len()), (4, 5), "{all:#?}");
    for change in changes {
        for part in [
            "API Gateway requests",
            "Lambda requests",
            "SQS requests",
            "DynamoDB write units",
            "USD per million",
        ] {
            assert!(number(&change["more"], part) >= 1.0, "{part} in {change:#}");
        }
    }
    let months: Vec<f64> = idle[2..].iter().map(|month| number(&month["more"], "USD a month")).collect();
    assert!(months.is_sorted() && months[0] > 2.0, "{months:?}");
}
