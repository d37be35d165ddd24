//! The deduplication ids that a queue remembers, found by id and forgotten by age.

use std::collections::{BTreeSet, HashMap};

use super::queue::Remembered;

/// Remembered ids. What is too old is found without a look at the others: there are as many as messages were sent in
/// five minutes, and every request of the queue asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Deduplication {
    by_key: HashMap<String, Remembered>,
    /// When each was sent, and its key.
    by_time: BTreeSet<(i64, String)>,
}

impl Deduplication {
    pub(super) fn get(&self, key: &str) -> Option<&Remembered> {
        self.by_key.get(key)
    }

    pub(super) fn insert(&mut self, key: String, remembered: Remembered) {
        let sent_ms = remembered.sent_ms;
        if let Some(before) = self.by_key.insert(key.clone(), remembered) {
            self.by_time.remove(&(before.sent_ms, key.clone()));
        }
        self.by_time.insert((sent_ms, key));
    }

    /// Forgets what was sent at this time or before, and gives back the keys.
    pub(super) fn forget_until(&mut self, sent_ms: i64) -> Vec<String> {
        let mut forgotten = Vec::new();
        while self.by_time.first().is_some_and(|(oldest_ms, _)| *oldest_ms <= sent_ms) {
            let Some((_, key)) = self.by_time.pop_first() else { break };
            self.by_key.remove(&key);
            forgotten.push(key);
        }
        forgotten
    }

    /// The highest number of a message that is remembered.
    pub(super) fn highest_number(&self) -> Option<u64> {
        self.by_key.values().map(|remembered| remembered.number).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_at(sent_ms: i64) -> Remembered {
        Remembered { id: sent_ms.to_string(), number: sent_ms.unsigned_abs(), sent_ms }
    }

    #[test]
    fn only_what_is_old_is_forgotten_and_an_id_that_came_again_is_young() {
        let mut all = Deduplication::default();
        for (key, sent_ms) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            all.insert(key.to_owned(), sent_at(sent_ms));
        }
        assert_eq!(all.forget_until(2), ["b"]);
        assert_eq!((all.get("a"), all.get("b"), all.get("c")), (Some(&sent_at(4)), None, Some(&sent_at(3))));
        assert_eq!(all.highest_number(), Some(4));
        assert_eq!(all.forget_until(9), ["c", "a"]);
        assert_eq!((all.forget_until(9), all.highest_number()), (Vec::new(), None));
    }
}
