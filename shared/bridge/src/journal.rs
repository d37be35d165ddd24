//! One readable line per thing that happens in the stack.

use embedded_aws::StackEvent;
use serde_json::Value;

use crate::screen::{BAD, CARE, DIM, GOOD, NAME, styled};

/// What the journal counts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Webhooks that were answered with 2xx.
    pub webhooks: u64,
    /// Webhooks that were refused.
    pub refused: u64,
    /// Notices that came out of them.
    pub notices: u64,
    /// Changes that were written.
    pub written: u64,
    /// Changes that needed no write: echoes and repeats.
    pub skipped: u64,
    /// Changes that were parked.
    pub parked: u64,
    /// Attempts that were put off.
    pub put_off: u64,
    /// Messages in dead-letter queues.
    pub dead_letters: u64,
}

/// Turns events into lines and counts.
#[derive(Debug, Default)]
pub struct Journal {
    /// What was counted so far.
    pub counts: Counts,
    verbose: bool,
}

impl Journal {
    /// A journal; a verbose one gives the log lines of the functions as they are.
    pub fn new(verbose: bool) -> Self {
        Self { counts: Counts::default(), verbose }
    }

    /// The line about an event, if it is worth one.
    pub fn line(&mut self, event: &StackEvent) -> Option<String> {
        match event {
            StackEvent::RequestServed { method, path, status, duration, function } => {
                let good = (200..300).contains(status);
                if good {
                    self.counts.webhooks += 1;
                } else {
                    self.counts.refused += 1;
                }
                let style = if good { GOOD } else { CARE };
                let who = function.as_deref().unwrap_or("front");
                let answer = styled(style, &status.to_string());
                let spent = duration.as_millis();
                Some(told(who, &format!("{method} {path} answered {answer} in {spent} ms")))
            }
            StackEvent::FunctionLog { function, line, .. } => self.log_line(function, line),
            StackEvent::DeadLettered(_) => {
                self.counts.dead_letters += 1;
                Some(told("queue", &styled(BAD, "a message went to the dead letters")))
            }
            StackEvent::ProcessExited { function, status, .. } => Some(told(
                function,
                &styled(CARE, &format!("a process has ended ({status}); the next event starts another")),
            )),
            StackEvent::InvocationFinished { function, error: Some(error), .. } => {
                Some(told(function, &styled(BAD, &format!("an invocation failed: {error}"))))
            }
            StackEvent::Trouble { message } => Some(told("stack", &styled(BAD, message))),
            StackEvent::ScheduleFired { schedule, function } => {
                Some(told(function, &styled(DIM, &format!("schedule {schedule} fired"))))
            }
            StackEvent::InvocationFinished { error: None, .. }
            | StackEvent::ProcessStarted { .. }
            | StackEvent::ProcessReady { .. }
            | StackEvent::BatchFinished { .. } => None,
        }
    }

    fn log_line(&mut self, function: &str, line: &str) -> Option<String> {
        let raw = || told(function, &styled(DIM, line));
        let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(line) else { return Some(raw()) };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        if fields.contains_key("_aws") {
            return self.verbose.then(raw);
        }
        let told_line = match text("message") {
            "event received" => {
                let noticed = fields.get("noticed").and_then(Value::as_u64).unwrap_or_default();
                self.counts.notices += noticed;
                let items = fields.get("items").and_then(Value::as_u64).unwrap_or_default();
                Some(format!("{}: {items} in the body, {noticed} to look at", text("event")))
            }
            "change pushed" => Some(self.pushed(&text)),
            // A contact that is no user of a site and shall be none is not worth a line.
            "user pushed" if ["not_found", "skipped"].contains(&text("outcome")) => None,
            "user pushed" => {
                let outcome = text("outcome").replace('_', " ");
                let style =
                    if ["created", "updated", "relayed"].contains(&text("outcome")) { GOOD } else { DIM };
                let (contact, site) = (text("record.id"), text("target.system"));
                let fields = styled(DIM, text("fields"));
                Some(format!("contact {contact}: user of {site} {} {fields}", styled(style, &outcome)))
            }
            "change waits" | "user waits" => {
                self.counts.put_off += 1;
                let put_off = styled(CARE, &format!("waits ({})", text("reason")));
                Some(format!("{} {put_off} {}", from(&text), styled(DIM, text("detail"))))
            }
            "change waits for an administrator" | "user waits for an administrator" => {
                self.counts.put_off += 1;
                Some(format!("{} {} {}", from(&text), styled(BAD, "stopped:"), text("detail")))
            }
            // The change that waits for it says so.
            "request without an answer" => None,
            _ if matches!(text("level"), "WARN" | "ERROR") => {
                let parts = ["message", "map", "fields", "reason", "detail"].map(text);
                let told: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                Some(styled(CARE, &told.join(" ")))
            }
            _ => None,
        };
        if self.verbose { Some(raw()) } else { told_line.map(|line| told(function, &line)) }
    }

    fn pushed<'a>(&mut self, text: &dyn Fn(&str) -> &'a str) -> String {
        let (outcome, reason, fields, target) =
            (text("outcome"), text("reason"), text("fields"), text("target"));
        let style = match outcome {
            "skipped" | "settled" | "linked" => {
                self.counts.skipped += 1;
                DIM
            }
            "parked" => {
                self.counts.parked += 1;
                CARE
            }
            _ => {
                self.counts.written += 1;
                GOOD
            }
        };
        let done = if reason.is_empty() { outcome.to_owned() } else { format!("{outcome} ({reason})") };
        let done = styled(style, &done.replace('_', " "));
        let fields = if fields.is_empty() { String::new() } else { styled(DIM, fields) };
        let parts = [from(text), done, target.to_owned(), fields];
        let told: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        told.join(" ")
    }
}

fn from<'a>(text: &dyn Fn(&str) -> &'a str) -> String {
    format!("{} {} {}:", text("record.system"), text("record.object"), text("record.id"))
}

fn told(who: &str, what: &str) -> String {
    format!("  {NAME}{who:<15}{NAME:#} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(line: &str) -> StackEvent {
        StackEvent::FunctionLog {
            function: "push-corebos".to_owned(),
            request_id: None,
            line: line.to_owned(),
        }
    }

    #[test]
    fn a_pushed_change_is_one_line_with_its_fields() {
        let mut journal = Journal::default();
        let line = journal
            .line(&log(r#"{"message":"change pushed","record.system":"mautic:main","record.object":"contact","record.id":"47","outcome":"updated","reason":"","target":"corebos:main#Contacts#12x9","fields":"mobile","level":"INFO"}"#))
            .unwrap();
        let plain = anstream::adapter::strip_str(&line).to_string();
        assert_eq!(
            plain,
            "  push-corebos    mautic:main contact 47: updated corebos:main#Contacts#12x9 mobile"
        );
        assert_eq!(journal.counts.written, 1);
    }

    #[test]
    fn a_line_that_is_not_json_is_shown_as_it_is() {
        let line = Journal::default().line(&log("thread panicked")).unwrap();
        assert!(line.contains("thread panicked"));
    }

    #[test]
    fn metrics_are_not_shown() {
        assert_eq!(Journal::default().line(&log(r#"{"_aws":{},"Changes":1}"#)), None);
    }
}
