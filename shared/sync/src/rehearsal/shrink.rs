//! Shrinking: the fewest acts that still break a claim.

use super::act::{Act, Fate, How};
use super::play;
use super::setup::Setup;

/// More attempts than this are not worth the wait.
const ATTEMPTS: usize = 6_000;

/// Leaves out what is not needed, in ever smaller pieces, and makes what is left simpler.
pub(crate) fn shrink(setup: &Setup, acts: &[Act], seed: u64, claim: &str) -> Vec<Act> {
    let mut left = ATTEMPTS;
    let mut breaks = |acts: &[Act]| {
        left = left.saturating_sub(1);
        left > 0 && play::play(setup, acts, seed, false).broken.is_some_and(|broken| broken.claim == claim)
    };
    let mut fewest = acts.to_vec();
    loop {
        let before = fewest.clone();
        let mut size = fewest.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < fewest.len() {
                let end = (at + size).min(fewest.len());
                let mut without = fewest.clone();
                without.drain(at..end);
                if breaks(&without) { fewest = without } else { at = end }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        for at in 0..fewest.len() {
            for simpler in simpler(&fewest[at]) {
                let mut changed = fewest.clone();
                changed[at] = simpler;
                if breaks(&changed) {
                    fewest = changed;
                    break;
                }
            }
        }
        if fewest == before {
            return fewest;
        }
    }
}

/// Acts that say less, simplest first.
fn simpler(act: &Act) -> Vec<Act> {
    match *act {
        Act::Edit { system, record, field, how: How::LikeAnother | How::Blank } => {
            vec![Act::Edit { system, record, field, how: How::New }]
        }
        Act::Webhook { which, fate: Fate::ArrivesTwice } => vec![Act::Webhook { which, fate: Fate::Arrives }],
        Act::Steps { push, .. } | Act::Until { push, .. } => vec![Act::Finish { push }],
        Act::Pass { seconds } if seconds > 1 => vec![Act::Pass { seconds: 1 }],
        _ => Vec::new(),
    }
}
