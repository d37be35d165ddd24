//! `bridge simulate`: random schedules against the algorithm, and the story of the first one that breaks a claim.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sync::rehearsal::{Counterexample, search};

use crate::arguments::SimulateOptions;
use crate::{progress, screen};

/// How often the bar is drawn.
const DRAWN: Duration = Duration::from_millis(200);

/// Plays the schedules on all processors. The exit code is 1 if one of them breaks a claim.
pub(crate) fn simulate(options: &SimulateOptions) -> ExitCode {
    let last = options.seed.saturating_add(options.schedules);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (played, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    let found = std::thread::scope(|scope| {
        scope.spawn(|| draw(options.schedules, &played, &over));
        let found = search(options.seed..last, threads, &played);
        over.store(true, Ordering::Relaxed);
        found
    });
    screen::line(&rate(played.into_inner(), begun.elapsed(), threads));
    let Some(found) = found else {
        screen::line(&screen::styled(screen::GOOD, "Every claim held."));
        return ExitCode::SUCCESS;
    };
    for line in told(&found) {
        screen::line(&line);
    }
    ExitCode::FAILURE
}

/// How many were played, and how fast.
fn rate(played: u64, took: Duration, threads: usize) -> String {
    let per_second = u128::from(played) * 1000 / took.as_millis().max(1);
    let schedules = screen::count(usize::try_from(played).unwrap_or(usize::MAX), "schedule");
    let threads = screen::count(threads, "thread");
    format!("{schedules} in {:.1} s, {per_second} in a second, on {threads}", took.as_secs_f64())
}

/// Draws the bar until it is over; nothing where nobody watches.
fn draw(schedules: u64, played: &AtomicU64, over: &AtomicBool) {
    let bar = progress::bar(usize::try_from(schedules).unwrap_or(usize::MAX), "schedules");
    while !over.load(Ordering::Relaxed) {
        bar.set_position(played.load(Ordering::Relaxed));
        std::thread::sleep(DRAWN);
    }
    bar.finish_and_clear();
}

/// The claim, what happened line by line, and how everything stands.
fn told(found: &Counterexample) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("{}: {}", screen::styled(screen::BAD, "A claim broke"), found.claim),
        found.detail.clone(),
        String::new(),
        screen::styled(screen::BOLD, "What happened"),
    ];
    lines.extend(found.story.iter().enumerate().map(|(number, line)| format!("{:>4}  {line}", number + 1)));
    lines.extend([String::new(), screen::styled(screen::BOLD, "How everything stands")]);
    lines.extend(found.portrait.iter().map(|line| format!("      {line}")));
    lines.extend([
        String::new(),
        format!(
            "The schedule had {} before it was shrunk to {}. Again: bridge simulate --schedules 1 --seed {}",
            screen::count(found.acts_before, "act"),
            found.acts,
            found.seed
        ),
    ]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_that_hold_end_well() {
        let options = SimulateOptions { schedules: 25, seed: 7 };
        assert_eq!(simulate(&options), ExitCode::SUCCESS);
    }

    #[test]
    fn the_rate_is_that_of_what_was_played() {
        let told = rate(3_000, Duration::from_millis(1_500), 2);
        assert_eq!(told, "3000 schedules in 1.5 s, 2000 in a second, on 2 threads");
    }

    #[test]
    fn a_counterexample_is_told_with_its_claim_its_story_and_the_way_to_play_it_again() {
        let found = Counterexample {
            seed: 77,
            claim: "Both sides converge.",
            detail: "city differs".to_owned(),
            story: vec!["Somebody edits.".to_owned(), "A push begins.".to_owned()],
            portrait: vec!["corebos:main#Contacts#C1: city=a".to_owned()],
            acts_before: 40,
            acts: 2,
        };
        let text = anstream::adapter::strip_str(&told(&found).join("\n")).to_string();
        for part in [
            "A claim broke: Both sides converge.\ncity differs",
            "   1  Somebody edits.\n   2  A push begins.",
            "corebos:main#Contacts#C1: city=a",
            "The schedule had 40 acts before it was shrunk to 2. Again: bridge simulate --schedules 1 --seed 77",
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
    }
}
