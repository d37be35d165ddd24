//! Two maps that are each other's way back: what does not come back as it went.

use crate::finding::{Finding, Severity};
use crate::map::FieldMap;

/// Checks that what one map carries over, the other brings back. The findings are about the first map.
///
/// A field that goes to one place and comes back from another makes two edits overwrite each other without
/// being a conflict; several parts in one field cannot be taken apart again.
pub fn check_pair(forward: &FieldMap, reverse: &FieldMap) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut warn = |target: &crate::target::Target, problem: String, advice: &str| {
        findings.push(Finding {
            severity: Severity::Warning,
            map: forward.name().to_owned(),
            position: target.position(),
            source_line: format!("<fieldname>{}</fieldname>", target.name()),
            problem,
            advice: advice.to_owned(),
        });
    };
    for target in forward.targets() {
        let comes_back: Vec<_> = reverse
            .targets()
            .filter(|back| back.reads(target.name()))
            .map(crate::target::Target::name)
            .collect();
        if target.sources().len() > 1 && !comes_back.is_empty() {
            let problem = format!(
                "`{}` is made of {} fields, but {} takes it back as a whole",
                target.name(),
                target.sources().len(),
                reverse.name()
            );
            warn(target, problem, "bring each field back by itself, or none of them");
            continue;
        }
        for source in target.sources() {
            let Some(back) = reverse.target(&source.path) else { continue };
            if back.is_constant() || back.reads(target.name()) {
                continue;
            }
            let others: Vec<_> = back.sources().iter().map(|source| format!("`{}`", source.path)).collect();
            let problem = format!(
                "`{}` goes to `{}`, but {} brings it back from {}",
                source.path,
                target.name(),
                reverse.name(),
                others.join(" and ")
            );
            warn(target, problem, "an edit on one side can then overwrite an edit on the other");
        }
    }
    findings
}
