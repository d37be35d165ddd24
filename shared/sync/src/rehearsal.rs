//! Rehearsals: random schedules of everything that can happen, against the algorithm itself and the in-memory twins of
//! its ports, and the claims that must hold afterwards.
//!
//! A seed makes a setup (systems, maps, settings, dangers) and a schedule of acts: people who edit, create, delete,
//! merge and restore, webhooks that arrive late, twice, in another order or never, pushes that are stopped, interleaved
//! or killed at any call, systems that do the work and lose the answer. The same seed always plays the same schedule.
//! A schedule that breaks a claim is shrunk and told as a story.
//!
//! Nothing of this is used by a function; it is here, and not in the tests, because `bridge simulate` plays it too.

mod act;
mod chance;
mod claims;
mod closing;
#[cfg(test)]
mod endings;
mod families;
mod gated;
mod grounds;
mod ledger;
mod people;
mod play;
#[cfg(test)]
mod portal;
mod portrait;
#[cfg(test)]
mod proofs;
mod records;
mod remotes;
mod rest;
mod setup;
mod shrink;
mod stage;
#[cfg(test)]
mod stories;
mod style;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use act::Act;
pub use chance::Chance;
use setup::Setup;

/// A schedule that broke a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The seed that plays it.
    pub seed: u64,
    /// The claim that broke.
    pub claim: &'static str,
    /// What was seen instead.
    pub detail: String,
    /// What happened, one line each.
    pub story: Vec<String>,
    /// How everything stands at the end: records, links, bases.
    pub portrait: Vec<String>,
    /// How many acts the schedule had before it was shrunk.
    pub acts_before: usize,
    /// How many it has now.
    pub acts: usize,
}

/// Plays the schedule of a seed. A counterexample is shrunk and told.
#[must_use]
pub fn rehearse(seed: u64) -> Option<Counterexample> {
    let (setup, acts) = schedule(seed);
    let broken = play::play(&setup, &acts, seed, false).broken?;
    Some(told(seed, &setup, &acts, broken.claim))
}

/// Plays the schedules of seeds on several threads and gives the counterexample of the lowest seed that has one, the
/// same whatever the number of threads. `played` counts along.
#[must_use]
pub fn search(seeds: Range<u64>, threads: usize, played: &AtomicU64) -> Option<Counterexample> {
    let (next, lowest) = (AtomicU64::new(seeds.start), AtomicU64::new(u64::MAX));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || seed > lowest.load(Ordering::Relaxed) {
                return;
            }
            let (setup, acts) = schedule(seed);
            if play::play(&setup, &acts, seed, false).broken.is_some() {
                lowest.fetch_min(seed, Ordering::Relaxed);
            }
            played.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let lowest = lowest.into_inner();
    (lowest < u64::MAX).then(|| rehearse(lowest)).flatten()
}

/// The setup and the acts of a seed.
fn schedule(seed: u64) -> (Setup, Vec<Act>) {
    let mut chance = Chance::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let setup = Setup::by_chance(&mut chance);
    let acts = act::by_chance(&setup, &mut chance);
    (setup, acts)
}

/// A schedule that breaks a claim, shrunk and told.
fn told(seed: u64, setup: &Setup, acts: &[Act], claim: &'static str) -> Counterexample {
    let fewest = shrink::shrink(setup, acts, seed, claim);
    let played = play::play(setup, &fewest, seed, true);
    let detail = played.broken.map(|broken| broken.detail).unwrap_or_default();
    let (story, portrait) = (folded(&played.story), played.portrait);
    Counterexample { seed, claim, detail, story, portrait, acts_before: acts.len(), acts: fewest.len() }
}

/// A story in which what happens again and again, such as a push that waits for a lease, is told once and counted.
fn folded(story: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    let mut rest = story;
    while let [first, second, after @ ..] = rest {
        let again = after.chunks_exact(2).take_while(|pair| pair[0] == *first && pair[1] == *second).count();
        if again < 2 {
            told.push(first.clone());
            rest = &rest[1..];
        } else {
            told.extend([first.clone(), second.clone(), format!("  ... and so {again} times more.")]);
            rest = &after[2 * again..];
        }
    }
    told.extend(rest.iter().cloned());
    told
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn what_happens_again_and_again_is_told_once() {
        let story = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let long =
            story(&["edit", "begins", "waits", "begins", "waits", "begins", "waits", "begins", "writes"]);
        let short = story(&["edit", "begins", "waits", "  ... and so 2 times more.", "begins", "writes"]);
        assert_eq!(folded(&long), short);
        assert_eq!(folded(&short), short);
    }
}
