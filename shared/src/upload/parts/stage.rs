//! Where one part stands.

use crate::checksum::Checksum;
use crate::time::{Time, earliest};
use crate::transfer::{Flight, Hedged, HostId, JobId, Patience};
use crate::wire::SignedPut;

#[derive(Debug)]
pub(super) struct Part {
    /// Failures in a row.
    pub(super) failures: u32,
    /// How often the store has refused what was sent.
    pub(super) refusals: u32,
    /// Whether the last refusal of its signature was forgiven.
    pub(super) resigned: bool,
    /// How often a request was given up that may have been on its way.
    pub(super) late: u32,
    pub(super) stage: Stage,
}

impl Part {
    /// One of which nothing was tried yet.
    pub(super) const fn new(stage: Stage) -> Self {
        Self { failures: 0, refusals: 0, resigned: false, late: 0, stage }
    }
}

#[derive(Debug)]
pub(super) enum Stage {
    ToHash,
    Hashing,
    ToSign(Option<Checksum>),
    Signing(Option<Checksum>, JobId),
    Ready(Signed),
    Sending(Sending),
    /// It may have arrived without an answer: the store is asked before it is sent again.
    Doubtful(NextStep),
    Asked(NextStep, JobId),
    Backoff {
        until: Time,
        then: NextStep,
        is_doubtful: bool,
    },
}

/// What follows a wait or a doubt.
#[derive(Clone, Debug)]
pub(super) enum NextStep {
    Hash,
    Sign(Option<Checksum>),
    Send(Signed),
}

#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) checksum: Option<Checksum>,
    pub(super) put: SignedPut,
    pub(super) host: HostId,
    pub(super) expires_at: Time,
}

/// A part on its way, perhaps twice.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) signed: Signed,
    pub(super) requests: Hedged<Flight>,
}

impl Sending {
    pub(super) const fn is_form(&self) -> bool {
        self.signed.put.form.is_some()
    }

    /// Whether nobody can see how much has left: listening to a form would cost a preflight, and a copy is the store's own work.
    pub(super) fn is_unseen(&self) -> bool {
        self.is_form() || self.signed.put.is_copy()
    }

    /// The furthest of its flights.
    pub(super) fn sent(&self) -> u64 {
        self.requests.flights().map(|flight| flight.moved).max().unwrap_or_default()
    }

    pub(super) fn stalls_at(&self, patience: Patience) -> Option<Time> {
        self.requests
            .flights()
            .map(|flight| flight.stalls_at(patience))
            .fold(None, |a, b| earliest(a, Some(b)))
    }
}

impl Stage {
    pub(super) fn bytes_sent(&self) -> u64 {
        match self {
            Self::Sending(sending) => sending.sent(),
            _ => 0,
        }
    }

    /// The checksum, if it is known.
    pub(super) const fn checksum(&self) -> Option<Checksum> {
        match self {
            Self::ToHash | Self::Hashing => None,
            Self::ToSign(checksum) | Self::Signing(checksum, _) => *checksum,
            Self::Ready(signed) | Self::Sending(Sending { signed, .. }) => signed.checksum,
            Self::Backoff { then, .. } | Self::Doubtful(then) | Self::Asked(then, _) => then.checksum(),
        }
    }

    /// Whether the store may have a part of so many bytes, although it has not acknowledged it.
    pub(super) fn may_be_stored(&self, len: u64) -> bool {
        match self {
            Self::Doubtful(_) | Self::Asked(..) | Self::Backoff { is_doubtful: true, .. } => true,
            Self::Sending(sending) => len > 0 && sending.sent() >= len,
            _ => false,
        }
    }
}

impl NextStep {
    const fn checksum(&self) -> Option<Checksum> {
        match self {
            Self::Hash => None,
            Self::Sign(checksum) => *checksum,
            Self::Send(signed) => signed.checksum,
        }
    }

    pub(super) fn begin(self) -> Stage {
        match self {
            Self::Hash => Stage::ToHash,
            Self::Sign(checksum) => Stage::ToSign(checksum),
            Self::Send(signed) => Stage::Ready(signed),
        }
    }
}
