//! Creating uploads: many files in one request.

use std::time::Duration;

use crate::time::Time;

use super::action::FileId;
use super::call::Retried;

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

impl Batch {
    /// Looks whether there is something to gather, and whether enough is.
    ///
    /// `ready` of `queued` files could go now; `room` is how many may.
    pub(super) fn is_due(
        &mut self,
        ready: usize,
        queued: usize,
        room: usize,
        linger: Duration,
        now: Time,
    ) -> bool {
        if ready == 0 || room == 0 {
            if matches!(self, Self::Gathering { .. }) {
                *self = Self::Idle;
            }
            return false;
        }
        match *self {
            Self::Asked { .. } => false,
            _ if ready == queued || ready >= room => true,
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
