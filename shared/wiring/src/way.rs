//! Which way a push goes: into coreBOS, or out of it.

use std::marker::PhantomData;

use aws::{DynamoStore, SqsChangeQueue, SystemClock};
use model::Direction;
use sync::{KeepsMaps, Opens, World};

use crate::pairs::Systems;

/// A direction between two kinds of system, with AWS behind the ports.
pub trait Way: World<Store = DynamoStore, Queue = SqsChangeQueue, Clock = SystemClock> {
    /// coreBOS.
    type Hub: Opens + KeepsMaps;
    /// The other system.
    type Remote: Opens;
    /// Which way.
    const DIRECTION: Direction;

    /// The system that is read.
    fn source(systems: &Systems<Self::Hub, Self::Remote>) -> &Self::Source;

    /// The system that is written.
    fn target(systems: &Systems<Self::Hub, Self::Remote>) -> &Self::Target;
}

/// From the other system into coreBOS.
#[derive(Debug)]
pub struct ToHub<H, R>(PhantomData<fn() -> (H, R)>);

/// From coreBOS into the other system.
#[derive(Debug)]
pub struct ToRemote<H, R>(PhantomData<fn() -> (H, R)>);

impl<H: Opens, R: Opens> World for ToHub<H, R> {
    type Source = R;
    type Target = H;
    type Store = DynamoStore;
    type Queue = SqsChangeQueue;
    type Clock = SystemClock;
}

impl<H: Opens + KeepsMaps, R: Opens> Way for ToHub<H, R> {
    type Hub = H;
    type Remote = R;
    const DIRECTION: Direction = Direction::ToHub;

    fn source(systems: &Systems<H, R>) -> &R {
        &systems.remote
    }

    fn target(systems: &Systems<H, R>) -> &H {
        &systems.hub
    }
}

impl<H: Opens, R: Opens> World for ToRemote<H, R> {
    type Source = H;
    type Target = R;
    type Store = DynamoStore;
    type Queue = SqsChangeQueue;
    type Clock = SystemClock;
}

impl<H: Opens + KeepsMaps, R: Opens> Way for ToRemote<H, R> {
    type Hub = H;
    type Remote = R;
    const DIRECTION: Direction = Direction::ToRemote;

    fn source(systems: &Systems<H, R>) -> &H {
        &systems.hub
    }

    fn target(systems: &Systems<H, R>) -> &R {
        &systems.remote
    }
}
