//! Deliberate breaks of the algorithm, one per rule: what tells whether the proofs would notice if the rule were lost.
//!
//! Only this crate's own tests can switch one on. Everywhere else [`broken`] is a constant, and nothing of it is left in
//! what is built.

/// A rule that is left out, or done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Rule 1: every field counts as changed, settled or not.
    DropTheEchoCheck,
    /// Rule 2: a field that is there already is written all the same.
    WriteWhatIsThere,
    /// Rule 3: a conflict is not noticed, whoever pushes first wins.
    SeeNoConflict,
    /// Rule 3: a pending field is a rival although the source holds its value already.
    ContestAnAgreement,
    /// Rule 4: nobody claims anything.
    SkipTheClaim,
    /// Rule 4: the write comes first, and the claim after it.
    WriteBeforeTheClaim,
    /// Rule 4: records that meet are written before their link is stored.
    WriteBeforeTheLink,
    /// Rule 4: the lease is kept per link and record, not per record.
    LeasePerLink,
    /// Rule 4: who has created a record clears whatever lease it carries by then.
    ClearAnyLease,
    /// Rule 4: a creation whose record another pair has written by then is not settled.
    SettleCreationsOnce,
    /// Rule 4: the source's state is not looked at again after the claim of the target.
    LookOnceAtTheSource,
    /// Rule 4: the link is not looked at again after the states.
    TrustAnOldLink,
    /// Rule 5: the whole reverse base is settled after a write.
    SettleAllReverse,
    /// Rule 5: every reverse field that reads a written one is settled, partner or not.
    SettleReadersReverse,
    /// Rule 5: what somebody else has made the same on the target is still to travel back.
    LetTheSameTravel,
    /// Rule 5: the forward base of a field that lost is settled.
    SettleTheLoser,
    /// Rule 6: what is left for the other direction is not told.
    TellNothingLeft,
    /// Rule 6: the other pairs of a coreBOS record are not told.
    TellNoOtherPair,
    /// Rule 6: what is left is told with an id that is used again within one second.
    ReuseAnId,
    /// Rule 6: what is found to have been written is told to nobody.
    RecoverInSilence,
    /// Rule 6: what is pending is not told where the direction of the push is off.
    BeSilentWhereItIsOff,
    /// Rule 6: the record that a ticked one would be linked with is not told of where only its own way is switched on.
    KeepATickSecret,
    /// Rule 6: what was to lose against a refused value is not told.
    ForgetWhatWasToLose,
    /// Rule 7: only the target's intent stands in the way.
    MindOnlyTheTarget,
    /// Rule 7: an expired intent is cleared, and nobody looks what was written.
    ForgetTheIntent,
    /// Rule 7: the intent of a mark on the record that the notice is about says that the other record is written.
    MarkTheWrongWay,
    /// Rule 7: an expired intent of another pair is cleared by whoever meets it.
    ClearWhatOthersIntend,
    /// Rule 7: a record of ours that was created and not settled is taken for untouched because its last writer is us,
    /// although that may have been another pair.
    TrustTheLastWriter,
    /// Rule 7: our own write that the target has recoded counts as a later edit.
    TakeRecodedForAnEdit,
    /// Rule 9: a field without a base is simply written.
    NoRuleWithoutBase,
    /// Rule 9: a loser waits for a winner that is there already.
    WaitForWhatIsThere,
    /// Rule 9: a field whose partner is still to travel is settled.
    SettleHalfAMeeting,
    /// Rule 9: what the target holds and has never travelled counts for nothing.
    OverwriteWhatNeverTravelled,
    /// Rule 9: a base holds although the map was edited.
    KeepBasesOfEditedMaps,
    /// Rule 10: no natural key is claimed.
    ClaimNoKey,
    /// Rule 10: a natural key is claimed per pair, not per target.
    ClaimKeyPerPair,
    /// Rule 10: a natural key is given back as soon as its record is there.
    GiveTheKeyBack,
    /// Rule 10: nobody looks for a record that is there before one is created.
    MatchNothing,
    /// Rule 10: a creation that was not answered is not looked for.
    RepeatCreationsBlindly,
    /// Rule 10: ids are not written back.
    WriteNoIdBack,
    /// Rule 11: a tombstone stops nobody.
    IgnoreTombstones,
    /// Rule 11: a record whose mark an administrator clears stays deleted.
    IgnoreClearedMarks,
    /// Rule 11: a record that comes back after its partner has gone, too, is not marked.
    LeaveTheReturnedUnmarked,
    /// Rule 11: a record that is restored stays unlinked.
    IgnoreRestores,
    /// Rule 11: a restored record keeps its old bases.
    KeepBasesOfTheDead,
    /// Rule 11: the id of a merged record counts as gone.
    TakeMergesForDeletes,
    /// Rule 11: there is no brake.
    NoBrake,
    /// Rule 11: the survivor of a merge is not asked whose partner it is.
    AskNoSurvivor,
    /// Rule 11: nobody looks for who stands for a record that is gone before its partner goes into the recycle bin.
    LookForNoHeir,
    /// Rule 11: what is kept of who wants to be forgotten stays.
    ForgetNobody,
    /// Rule 12: what a record says about being kept in step counts for nothing.
    IgnoreTheGate,
    /// Rule 12: nobody writes down that a record was not to be kept in step any more.
    ForgetThePause,
    /// Rule 12: the switches switch nothing.
    IgnoreSwitches,
    /// Rule 12: pending fields of a direction that is off count.
    WaitForWhatIsOff,
    /// Rule 14: what rides along is written although all that it rode along with was refused.
    WriteWhatRidesAlong,
    /// Rule 14: a value that was refused still wins at a first meeting, and is waited for.
    WaitForRefused,
    /// Rule 14: a refused creation counts as another one whenever the clock has moved.
    RefuseByTheClock,
    /// Rule 14: a refusal is not remembered.
    ForgetRefusals,
    /// Associations: nobody writes down which child waits for its parent.
    ForgetTheChildren,
    /// Associations: what loses against a parent that is not linked yet is settled.
    SettleWhatAwaitsAParent,
    /// Associations: the parent is not looked for again after its child has begun to wait.
    LookOnceAtTheParent,
}

/// Whether this is broken on purpose.
#[cfg(not(test))]
#[inline]
pub(crate) const fn broken(_: Break) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static BROKEN: std::cell::Cell<Option<Break>> = const { std::cell::Cell::new(None) };
}

/// Whether this is broken on purpose.
#[cfg(test)]
pub(crate) fn broken(rule: Break) -> bool {
    BROKEN.get() == Some(rule)
}

/// Runs something with a rule broken on this thread.
#[cfg(test)]
pub(crate) fn with_broken<T>(rule: Break, run: impl FnOnce() -> T) -> T {
    BROKEN.set(Some(rule));
    let done = run();
    BROKEN.set(None);
    done
}
