//! Runs the binary in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `bridge map ...` in a folder.
pub(crate) fn map_in(folder: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_bridge"))
        .arg("map")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    // A run that a signal ended has no code: it panicked or ran out of stack.
    let code = output.status.code().unwrap_or_else(|| panic!("{}", output.status));
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

/// An empty folder for the test of a name.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("map-{name}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file in a folder.
pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), content).unwrap();
}

/// The folder of the maps that ship with the bundle.
pub(crate) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mapping/maps")
}

/// The folder of the maps that the user published, with their mistakes.
pub(crate) fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mapping/fixtures/published")
}

/// A fixture of these tests.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// A map of some `<field>` elements, one per line, the first on line 3.
pub(crate) fn map_of(fields: &[String]) -> String {
    format!("<map>\n<fields>\n{}\n</fields>\n</map>\n", fields.join("\n"))
}

/// A `<field>` with one part.
pub(crate) fn field(name: &str, directive: &str, source: &str) -> String {
    format!(
        "<field><fieldname>{name}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName>\
         <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
    )
}
