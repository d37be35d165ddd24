//! The folders and files are where a reader looks for them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::template::document::workspace;

/// What a reader sees at the top. Tool files hide behind a dot; `target` is what cargo makes.
const TOP_LEVEL: [&str; 10] = [
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "events",
    "functions",
    "shared",
    "template.yaml",
    "tests",
];

/// Names that say nothing of what is inside.
const SAY_NOTHING: [&str; 10] =
    ["base", "common", "core", "helper", "helpers", "manager", "misc", "util", "utils", "utilities"];

/// A file that is longer is two files.
const MOST_LINES: usize = 500;

/// The main file of a function names what it links; the wiring itself is in its library.
const MOST_LINES_OF_MAIN: usize = 15;

/// All folders and files below a folder, without hidden ones and what cargo makes.
pub(crate) fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in listing.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        let path = entry.path();
        found.push(path.clone());
        if path.is_dir() {
            walk(&path, found);
        }
    }
}

/// Everything in the rooms.
fn everything() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["functions", "shared", "tests"] {
        walk(&workspace().join(folder), &mut found);
    }
    found
}

/// All Rust files of the rooms with their texts.
fn sources() -> Vec<(PathBuf, String)> {
    let is_source = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let sources: Vec<(PathBuf, String)> = everything()
        .into_iter()
        .filter(is_source)
        .map(|path| {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, text)
        })
        .collect();
    assert!(sources.len() > 10, "the sources are not found");
    sources
}

/// Folders of all crates of the workspace. The fuzz targets are a workspace of their own, without a library of ours.
fn crates() -> Vec<PathBuf> {
    let manifests = everything().into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let folders = manifests.filter_map(|path| path.parent().map(Path::to_path_buf));
    folders.filter(|folder| !folder.ends_with("tests/fuzz")).collect()
}

#[test]
fn the_top_level_holds_what_the_readme_shows_and_nothing_else() {
    let mut found: Vec<String> = fs::read_dir(workspace())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    found.sort();
    assert_eq!(found, TOP_LEVEL, "left: the top level, right: what belongs there");
}

#[test]
fn every_source_file_says_first_what_it_is() {
    for (path, text) in sources() {
        let first = text.lines().next().unwrap_or_default();
        let says = first.strip_prefix("//! ").is_some_and(|sentence| sentence.trim().len() > 10);
        assert!(says, "{} begins with `{first}`, not with what it is", path.display());
        assert!(!text.starts_with("//! To be written"), "{} is empty", path.display());
    }
}

#[test]
fn every_crate_tells_what_it_is_and_obeys_the_lints_of_the_workspace() {
    let crates = crates();
    assert!(crates.len() > 10, "the crates are not found");
    for folder in crates {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}: lints are not the workspace's",
            folder.display()
        );
        let library = if folder.ends_with("tests") { "harness/lib.rs" } else { "src/lib.rs" };
        let command_line = folder.ends_with("shared/bridge") && !folder.join(library).exists();
        assert!(command_line || folder.join(library).is_file(), "{} has no {library}", folder.display());
    }
}

#[test]
fn a_crate_has_one_binary_of_integration_tests_at_most() {
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let tests = fs::read_dir(folder.join("tests")).into_iter().flatten().filter_map(Result::ok);
        let loose =
            tests.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs")).count();
        assert!(
            manifest.matches("[[test]]").count() + loose <= 1,
            "{} links its tests more than once",
            folder.display()
        );
    }
}

#[test]
fn no_name_says_nothing() {
    for path in everything() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        assert!(!SAY_NOTHING.contains(&name.as_ref()), "{} may hold anything", path.display());
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_main_file_of_a_function_decides_nothing() {
    let functions: Vec<_> = sources().into_iter().filter(|(path, _)| path.ends_with("src/main.rs")).collect();
    for (path, text) in functions.iter().filter(|(path, _)| path.starts_with(workspace().join("functions"))) {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= MOST_LINES_OF_MAIN, "{} has {lines} lines", path.display());
    }
}
