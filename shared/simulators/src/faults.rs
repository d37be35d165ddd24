//! Faults on request: what a simulator does wrong, for which requests, and how often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong with a request that a [`Fault`] matches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The request waits this long before anything is done, then goes on as usual.
    Delay(Duration),
    /// Nothing is done; the answer has this status.
    Status {
        /// HTTP status code.
        code: u16,
        /// `Retry-After` header in seconds; none when `None`, as the real Mautic does.
        retry_after_seconds: Option<u64>,
        /// Body of the answer; the system's own words for this status when `None`.
        body: Option<String>,
    },
    /// Nothing is done and the connection ends without an answer.
    DropConnection,
    /// The work is done, webhooks included, then the connection ends without an answer.
    LoseAnswer,
    /// The work is done, webhooks included, then the answer has this status instead of the real one.
    AnswerAfterWork(u16),
    /// The work is done twice, as behind a proxy that retries; the second answer is the one given.
    WorkTwice,
}

/// A rule: which requests go wrong, how, and how often.
///
/// Conditions that are not set match everything. Rules are tried in the order they were added and the
/// first that matches is used, except that delays add to what follows them.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path: Option<String>,
    operation: Option<String>,
    skip: u32,
    remaining: Option<u32>,
    every: u32,
    until_next: u32,
}

impl Fault {
    /// A rule that matches every request until it is cleared.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            path: None,
            operation: None,
            skip: 0,
            remaining: None,
            every: 1,
            until_next: 0,
        }
    }

    /// Every matching request waits `delay` first.
    pub fn delay(delay: Duration) -> Self {
        Self::new(FaultKind::Delay(delay))
    }

    /// Every matching request is refused with `code`, in the system's own words.
    pub fn status(code: u16) -> Self {
        Self::new(FaultKind::Status { code, retry_after_seconds: None, body: None })
    }

    /// Every matching request is answered 429 with a `Retry-After` of this many seconds.
    pub fn rate_limit(retry_after_seconds: u64) -> Self {
        Self::new(FaultKind::Status { code: 429, retry_after_seconds: Some(retry_after_seconds), body: None })
    }

    /// Only requests with this method, upper or lower case.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Only requests whose path contains this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only requests for this operation: coreBOS's `operation` parameter, letter case ignored.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Leaves the first `requests` matching requests alone.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Meets only the first of every `requests` matching requests.
    #[must_use]
    pub fn every(mut self, requests: u32) -> Self {
        self.every = requests.max(1);
        self
    }

    /// Ends the rule after it has been used this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.remaining = Some(times);
        self
    }

    fn matches(&self, method: &str, path: &str, operation: Option<&str>) -> bool {
        self.remaining != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path.as_deref().is_none_or(|part| path.contains(part))
            && self
                .operation
                .as_deref()
                .is_none_or(|wanted| operation.is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
    }
}

/// The rules of one simulator; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<(u64, Fault)>>>,
    next: Arc<Mutex<u64>>,
}

/// What is wrong with one request: the delays before it and at most one other fault.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) delay: Duration,
    pub(crate) kind: Option<FaultKind>,
}

impl Faults {
    /// Adds a rule; the number returned removes it again.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next += 1;
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push((*next, fault));
        *next
    }

    /// Removes one rule; an unknown number is ignored.
    pub fn remove(&self, number: u64) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).retain(|(each, _)| *each != number);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many rules can still be used.
    pub fn active(&self) -> usize {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().filter(|(_, fault)| fault.remaining != Some(0)).count()
    }

    /// Uses up the rules that this request meets.
    pub(crate) fn judge(&self, method: &str, path: &str, operation: Option<&str>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, fault) in rules.iter_mut().filter(|(_, fault)| fault.matches(method, path, operation)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.until_next > 0 {
                fault.until_next -= 1;
                continue;
            }
            fault.until_next = fault.every - 1;
            fault.remaining = fault.remaining.map(|remaining| remaining.saturating_sub(1));
            if let FaultKind::Delay(delay) = fault.kind {
                verdict.delay = verdict.delay.saturating_add(delay);
            } else {
                verdict.kind = Some(fault.kind.clone());
                break;
            }
        }
        rules.retain(|(_, fault)| fault.remaining != Some(0));
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_matches_by_method_path_and_operation_and_ends_after_its_count() {
        let faults = Faults::default();
        faults.add(Fault::status(500).method("post").path("/contacts").times(2));
        assert_eq!(faults.judge("GET", "/api/contacts", None), Verdict::default());
        assert_eq!(faults.judge("POST", "/api/hooks", None), Verdict::default());
        assert!(faults.judge("POST", "/api/contacts/new", None).kind.is_some());
        assert!(faults.judge("POST", "/api/contacts/new", None).kind.is_some());
        assert_eq!(faults.judge("POST", "/api/contacts/new", None), Verdict::default());
        assert_eq!(faults.active(), 0);

        faults.add(Fault::new(FaultKind::DropConnection).operation("create").after(1));
        assert_eq!(faults.judge("POST", "/webservice.php", Some("Create")).kind, None);
        assert_eq!(
            faults.judge("POST", "/webservice.php", Some("Create")).kind,
            Some(FaultKind::DropConnection)
        );
        assert_eq!(faults.judge("POST", "/webservice.php", Some("revise")).kind, None);
        assert_eq!(faults.judge("POST", "/webservice.php", None).kind, None);
    }

    #[test]
    fn a_rule_for_every_third_request_meets_the_first_and_the_fourth() {
        let faults = Faults::default();
        faults.add(Fault::status(429).operation("create").every(3));
        let met = |operation| faults.judge("POST", "/", Some(operation)).kind.is_some();
        let seen = ["create", "create", "revise", "create", "create"].map(met);
        assert_eq!(seen, [true, false, false, false, true]);
    }

    #[test]
    fn delays_add_up_and_go_before_the_other_fault() {
        let faults = Faults::default();
        let first = faults.add(Fault::delay(Duration::from_millis(2)));
        faults.add(Fault::delay(Duration::from_millis(3)));
        faults.add(Fault::rate_limit(7));
        let verdict = faults.judge("GET", "/", None);
        assert_eq!(verdict.delay, Duration::from_millis(5));
        assert_eq!(
            verdict.kind,
            Some(FaultKind::Status { code: 429, retry_after_seconds: Some(7), body: None })
        );
        faults.remove(first);
        assert_eq!(faults.judge("GET", "/", None).delay, Duration::from_millis(3));
        faults.clear();
        assert_eq!(faults.judge("GET", "/", None), Verdict::default());
    }
}
