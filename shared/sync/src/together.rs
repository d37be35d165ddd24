//! Questions that several pushes of one process have at the same time, asked as one.
//!
//! A batch of notices is pushed side by side, and each push asks the same table and the same system the same kind of
//! question. Whoever asks first goes on behalf of all who come until the one before is back: a round trip for ten costs
//! hardly more than one for a single push, on either side.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, oneshot};
use tokio::time::timeout;

/// How long those who gather wait for the answer to those before them, before they go as well.
const PATIENCE: Duration = Duration::from_millis(25);

/// Who asks the same kind of question. `Q` is a question, `A` its answer, `E` what can go wrong for all.
#[derive(Debug)]
pub struct Together<Q, A, E> {
    gathering: Mutex<Option<Vec<Asked<Q, A, E>>>>,
    turn: Turn<()>,
    /// What those hear whose leader was dropped on the way; nothing where they may as well ask again.
    lost: Option<E>,
}

#[derive(Debug)]
struct Asked<Q, A, E> {
    question: Q,
    answer: oneshot::Sender<Result<A, E>>,
}

impl<Q, A, E> Default for Together<Q, A, E> {
    fn default() -> Self {
        Self { gathering: Mutex::default(), turn: Turn::default(), lost: None }
    }
}

impl<Q, A, E> Together<Q, A, E> {
    /// For what must not be done twice: those whose leader is dropped on the way hear this, and do not ask again.
    pub fn once(lost: E) -> Self {
        Self { lost: Some(lost), ..Self::default() }
    }
}

/// Whoever goes for the others. If it is dropped before it has gone, the others find out and ask again.
struct Leader<'a, Q, A, E>(&'a Together<Q, A, E>);

impl<Q, A, E> Drop for Leader<'_, Q, A, E> {
    fn drop(&mut self) {
        self.0.gathering().take();
    }
}

/// Those whom somebody has gone for, until each has an answer.
struct Followers<Q, A, E: Clone> {
    waiting: Vec<Asked<Q, A, E>>,
    lost: Option<E>,
}

impl<Q, A, E: Clone> Followers<Q, A, E> {
    fn tell(&mut self, mut answer: impl FnMut(&Q) -> Result<A, E>) {
        for Asked { question, answer: to } in self.waiting.drain(..) {
            // Who does not wait any more needs no answer.
            let _ = to.send(answer(&question));
        }
    }
}

impl<Q, A, E: Clone> Drop for Followers<Q, A, E> {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.tell(|_| Err(lost.clone()));
        }
    }
}

impl<Q: Clone, A, E: Clone> Together<Q, A, E> {
    /// Asks a question, with all who ask at the same time. `fetch` is called by one of them, with the questions of all;
    /// `pick` takes the answer to each out of what it gave.
    ///
    /// # Errors
    /// What `fetch` says: the same to all.
    pub async fn ask<B, F>(
        &self,
        question: Q,
        fetch: impl Fn(Vec<Q>) -> F + Send,
        pick: impl Fn(&mut B, &Q) -> A + Send,
    ) -> Result<A, E>
    where
        F: Future<Output = Result<B, E>> + Send,
        B: Send,
    {
        self.ask_after(question, async { Ok(()) }, fetch, pick).await
    }

    /// Asks a question as [`Self::ask`] does; whoever goes waits for something first, and gathers the others until then.
    ///
    /// # Errors
    /// What `first` or `fetch` says: the same to all.
    pub async fn ask_after<B, F>(
        &self,
        question: Q,
        first: impl Future<Output = Result<(), E>> + Send,
        fetch: impl Fn(Vec<Q>) -> F + Send,
        pick: impl Fn(&mut B, &Q) -> A + Send,
    ) -> Result<A, E>
    where
        F: Future<Output = Result<B, E>> + Send,
        B: Send,
    {
        loop {
            let Some(answer) = self.joined(&question) else { break };
            // No answer: whoever led was dropped, before anything that must not be done twice.
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
        let leader = Leader(self);
        // Others that are about to ask do so while this gives way.
        tokio::task::yield_now().await;
        let ready = first.await;
        let turn = timeout(PATIENCE, self.turn.lock()).await;
        let waiting = self.gathering().take().unwrap_or_default();
        std::mem::forget(leader);
        let mut others = Followers { waiting, lost: self.lost.clone() };
        let questions = std::iter::once(&question).chain(others.waiting.iter().map(|other| &other.question));
        let fetched = match ready {
            Ok(()) => fetch(questions.cloned().collect()).await,
            Err(error) => Err(error),
        };
        drop(turn);
        match fetched {
            Ok(mut fetched) => {
                let own = pick(&mut fetched, &question);
                others.tell(|question| Ok(pick(&mut fetched, question)));
                Ok(own)
            }
            Err(error) => {
                others.tell(|_| Err(error.clone()));
                Err(error)
            }
        }
    }

    /// Joins those who gather. `None`: nobody does, and whoever asks leads from now on.
    fn joined(&self, question: &Q) -> Option<oneshot::Receiver<Result<A, E>>> {
        let mut gathering = self.gathering();
        if let Some(others) = &mut *gathering {
            let (answer, receiver) = oneshot::channel();
            others.push(Asked { question: question.clone(), answer });
            return Some(receiver);
        }
        *gathering = Some(Vec::new());
        None
    }
}

impl<Q, A, E> Together<Q, A, E> {
    fn gathering(&self) -> MutexGuard<'_, Option<Vec<Asked<Q, A, E>>>> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::{join_all, select};
    use futures::pin_mut;

    use super::*;

    /// Answers each number with its double, and keeps how many questions came at a time.
    #[derive(Default)]
    struct Doubler {
        together: Together<u32, u32, String>,
        calls: Mutex<Vec<usize>>,
        failures: AtomicUsize,
    }

    impl Doubler {
        async fn double(&self, number: u32) -> Result<u32, String> {
            self.together.ask(number, |numbers| self.fetch(numbers), |(), number| number * 2).await
        }

        async fn fetch(&self, numbers: Vec<u32>) -> Result<(), String> {
            self.calls.lock().unwrap().push(numbers.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
            let fails = self.failures.load(Ordering::Relaxed) > 0;
            if fails { Err("away".to_owned()) } else { Ok(()) }
        }

        /// What two hears that has joined one, who leads and is dropped after a while.
        async fn two_after_one_is_dropped(&self, after_ms: u64) -> Result<u32, String> {
            let leads = async {
                let (asks, ends) = (self.double(1), tokio::time::sleep(Duration::from_millis(after_ms)));
                pin_mut!(asks, ends);
                select(asks, ends).await;
            };
            futures::future::join(leads, self.double(2)).await.1
        }

        fn calls(&self) -> Vec<usize> {
            self.calls.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_at_the_same_time_is_asked_for_once() {
        let doubler = Doubler::default();
        let answers = join_all((1..=10).map(|number| doubler.double(number))).await;
        assert_eq!(answers, (1..=10).map(|number| Ok(number * 2)).collect::<Vec<_>>());
        assert_eq!(doubler.calls(), [10]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_others_are_on_their_way_goes_next() {
        let doubler = Doubler::default();
        let late = async |number| {
            tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
            doubler.double(number).await
        };
        let answers = join_all((1..=4).map(late)).await;
        assert_eq!(answers, [Ok(2), Ok(4), Ok(6), Ok(8)]);
        assert_eq!(doubler.calls(), [1, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_must_wait_gathers_all_who_come_until_then() {
        let doubler = Doubler::default();
        let ask = async |number: u32, first| {
            tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
            let fetch = |numbers| doubler.fetch(numbers);
            let first = async move {
                tokio::time::sleep(Duration::from_millis(500)).await;
                first
            };
            doubler.together.ask_after(number, first, fetch, |(), number| number * 2).await
        };
        let answers = join_all((1..=100).map(|number| ask(number, Ok(())))).await;
        assert_eq!(answers, (1..=100).map(|number| Ok(number * 2)).collect::<Vec<_>>());
        assert_eq!(doubler.calls(), [100]);
        let refused = join_all((1..=3).map(|number| ask(number, Err("too many".to_owned())))).await;
        assert_eq!(refused, vec![Err("too many".to_owned()); 3]);
        assert_eq!(doubler.calls(), [100], "nobody has gone");
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_wrong_is_told_to_all_and_not_kept() {
        let doubler = Doubler { failures: AtomicUsize::new(1), ..Doubler::default() };
        let answers = join_all((1..=3).map(|number| doubler.double(number))).await;
        assert!(answers.iter().all(|answer| *answer == Err("away".to_owned())), "{answers:?}");
        doubler.failures.store(0, Ordering::Relaxed);
        assert_eq!(doubler.double(7).await, Ok(14));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_who_was_dropped_on_the_way() {
        for dropped_after_ms in [0, 2] {
            let doubler = Doubler::default();
            let followed = doubler.two_after_one_is_dropped(dropped_after_ms).await;
            assert_eq!(followed, Ok(4), "dropped after {dropped_after_ms} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_must_not_be_done_twice_is_not_asked_again_once_somebody_has_gone() {
        for (dropped_after_ms, answer) in [(0, Ok(4)), (2, Err("lost".to_owned()))] {
            let doubler = Doubler { together: Together::once("lost".to_owned()), ..Doubler::default() };
            let followed = doubler.two_after_one_is_dropped(dropped_after_ms).await;
            assert_eq!(followed, answer, "dropped after {dropped_after_ms} ms");
            assert_eq!(doubler.calls().len(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_holds_the_next_up_for_a_moment_only() {
        let together = Together::<u32, u32, String>::default();
        let hangs = async |_| std::future::pending::<Result<(), String>>().await;
        let hanging = together.ask(1, hangs, |(), number| *number);
        let next = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            together.ask(2, async |_| Ok(()), |(), number| *number).await
        };
        pin_mut!(hanging, next);
        let futures::future::Either::Right((answered, _)) = select(hanging, next).await else {
            panic!("who hangs has answered")
        };
        assert_eq!(answered, Ok(2));
    }
}
