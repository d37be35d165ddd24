//! How a schedule ends: what is in the air arrives or not, everything comes to rest, and is told once more.

use model::{Direction, NoticeKind, RecordRef};

use super::play::{Broken, Play};
use super::stage::{Lane, Told};

/// More calls than any schedule needs to come to rest.
const REST: u32 = 40_000;
/// More pushes than any schedule needs to come to rest.
const PUSHES: u32 = 1_500;

impl Play<'_> {
    /// What is in the air when the schedule ends arrives, or some of it does.
    pub(super) fn let_go(&mut self) {
        self.stage.listen();
        for told in std::mem::take(&mut self.stage.air) {
            let lost = self.setup.losses && self.end.one_in(2);
            if !lost {
                self.stage.arrive(&told);
            }
            let what = if lost { "is lost" } else { "arrives" };
            let line = format!("The notice of {} towards {} {what}.", told.record, self.towards(told.lane));
            self.tell(&line);
        }
    }

    /// Runs everything until nothing is left to do; every webhook arrives.
    pub(super) fn rest(&mut self) -> Result<(), Broken> {
        let (mut calls, mut pushes) = (0, 0);
        while calls < REST && pushes < PUSHES {
            if !self.stage.running.is_empty() {
                calls += 1;
                self.step(0)?;
                continue;
            }
            self.stage.listen();
            for told in std::mem::take(&mut self.stage.air) {
                self.stage.arrive(&told);
            }
            if self.stage.start(0) {
                pushes += 1;
                if self.story.is_some() {
                    let task = &self.stage.running[0];
                    let line = format!(
                        "A push of {} towards {} begins ({}).",
                        task.notice.record,
                        self.towards(task.lane),
                        task.notice.receipt
                    );
                    self.tell(&line);
                }
            } else if !self.stage.wait() {
                return Ok(());
            }
        }
        Err(Broken::new(
            "It comes to rest.",
            format!("{pushes} pushes and {calls} calls later it still goes on"),
        ))
    }

    /// One notice of each link, from one of its sides; of records that have none, their own.
    pub(super) fn one_notice_each(&mut self) {
        let mut told = Vec::new();
        let links = self.stage.store.links();
        for lane in self.stage.lanes() {
            let source = lane.direction.source();
            let system = self.stage.at(lane, source);
            for id in system.ids() {
                let record = system.reference(&id);
                let pair = &self.stage.context(lane).pair;
                if !links.iter().any(|link| link.pair == *pair && *link.record(source) == record) {
                    told.push(Told { lane, record, kind: NoticeKind::Saved });
                }
            }
        }
        for link in &links {
            let Some(lane) = self.stage.lanes().find(|lane| self.stage.context(*lane).pair == link.pair)
            else {
                continue;
            };
            let first = if self.end.one_in(2) { Direction::ToHub } else { Direction::ToRemote };
            let both = self.setup.records_end();
            for direction in [first, first.reverse()].into_iter().take(1 + usize::from(both)) {
                let lane = Lane { direction, ..lane };
                told.push(self.about(lane, link.record(direction.source())));
            }
        }
        for told in told {
            self.stage.arrive(&told);
        }
    }

    /// A notice about a record as it is now.
    pub(super) fn about(&self, lane: Lane, record: &RecordRef) -> Told {
        let there = self.stage.source(lane).value(&record.id, "ident").is_some();
        let kind = if there { NoticeKind::Saved } else { NoticeKind::Deleted };
        Told { lane, record: record.clone(), kind }
    }

    /// Notices of everything.
    pub(super) fn poll(&mut self) {
        let mut told = Vec::new();
        for lane in self.stage.lanes() {
            let system = self.stage.source(lane);
            told.extend(system.ids().iter().map(|id| self.about(lane, &system.reference(id))));
        }
        for link in self.stage.store.links() {
            for lane in self.stage.lanes().filter(|lane| self.stage.context(*lane).pair == link.pair) {
                let notice = self.about(lane, link.record(lane.direction.source()));
                if notice.kind == NoticeKind::Deleted {
                    told.push(notice);
                }
            }
        }
        for told in told {
            self.stage.arrive(&told);
        }
    }
}
