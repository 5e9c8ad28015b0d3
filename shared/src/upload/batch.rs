//! Creating uploads: many files in one request.

use std::time::Duration;

use crate::time::Time;
use crate::transfer::{FileId, Retried};

/// The one create request that is under way or being gathered.
#[derive(Debug, Default)]
pub(super) enum Batch {
    /// Nothing to create.
    #[default]
    Idle,
    /// Files whose first checksum is known wait for others.
    Gathering { until: Time },
    /// A request for these files, in this order.
    Asked { files: Vec<FileId>, create: Retried },
}

/// What there is to create.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Files that could go now, …
    pub(super) ready: usize,
    /// … of so many, …
    pub(super) queued: usize,
    /// … and how many may.
    pub(super) room: usize,
    /// Whether the connections have enough to do until further ones are ready.
    pub(super) has_time: bool,
}

impl Batch {
    /// Looks whether there is something to gather, and whether enough is.
    pub(super) fn is_due(&mut self, waiting: Waiting, linger: Duration, now: Time) -> bool {
        let Waiting { ready, queued, room, has_time } = waiting;
        match *self {
            Self::Asked { .. } => false,
            Self::Idle | Self::Gathering { .. } if ready == 0 || room == 0 => {
                *self = Self::Idle;
                false
            }
            _ if ready == queued || ready >= room => true,
            _ if has_time => {
                *self = Self::Idle;
                false
            }
            Self::Gathering { until } => until <= now,
            Self::Idle => {
                *self = Self::Gathering { until: now + linger };
                false
            }
        }
    }

    pub(super) const fn deadline(&self) -> Option<Time> {
        match self {
            Self::Idle => None,
            Self::Gathering { until } => Some(*until),
            Self::Asked { create, .. } => create.deadline(),
        }
    }
}
