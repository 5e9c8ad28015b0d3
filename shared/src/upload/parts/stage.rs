//! Where one part stands.

use crate::checksum::Checksum;
use crate::time::Time;
use crate::upload::action::JobId;
use crate::upload::parts::earliest;
use crate::upload::patience::Patience;
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

/// A host name of the store: all of a URL before its path, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upload) struct HostId(u32);

impl HostId {
    pub(super) fn of(url: &str) -> Self {
        let origin = url.splitn(4, '/').take(3).flat_map(str::bytes);
        // FNV-1a. Two hosts taken for one would only share their connections.
        Self(origin.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
    }
}

/// A part on its way, perhaps twice.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) signed: Signed,
    pub(super) first: Flight,
    pub(super) second: Second,
}

/// Whether a straggler is sent a second time.
#[derive(Debug)]
pub(super) enum Second {
    NotYet,
    Wanted,
    Sent(Flight),
    /// Either of the two failed: from here on it is a part like any other.
    Spent,
}

/// One request that carries a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) job: JobId,
    pub(super) started_at: Time,
    pub(super) progress_at: Time,
    pub(super) sent: u64,
}

impl Flight {
    pub(super) const fn new(job: JobId, now: Time) -> Self {
        Self { job, started_at: now, progress_at: now, sent: 0 }
    }

    pub(super) fn stalls_at(&self, patience: Patience) -> Time {
        self.progress_at + patience.with(self.sent)
    }
}

impl Sending {
    pub(super) const fn is_form(&self) -> bool {
        self.signed.put.form.is_some()
    }

    pub(super) const fn wants_second(&self) -> bool {
        matches!(self.second, Second::Wanted)
    }

    /// The furthest of its flights.
    pub(super) fn sent(&self) -> u64 {
        self.flights().map(|flight| flight.sent).max().unwrap_or_default()
    }

    pub(super) fn stalls_at(&self, patience: Patience) -> Option<Time> {
        self.flights().map(|flight| flight.stalls_at(patience)).fold(None, |a, b| earliest(a, Some(b)))
    }

    pub(super) fn flights(&self) -> impl Iterator<Item = &Flight> {
        let second = match &self.second {
            Second::Sent(flight) => Some(flight),
            Second::NotYet | Second::Wanted | Second::Spent => None,
        };
        std::iter::once(&self.first).chain(second)
    }

    pub(super) fn flight_mut(&mut self, job: JobId) -> Option<&mut Flight> {
        match &mut self.second {
            _ if self.first.job == job => Some(&mut self.first),
            Second::Sent(flight) if flight.job == job => Some(flight),
            _ => None,
        }
    }

    /// Takes one of two flights out; false if it is the only one.
    pub(super) fn drop_flight(&mut self, job: JobId) -> bool {
        match std::mem::replace(&mut self.second, Second::Spent) {
            Second::Sent(second) if second.job == job => true,
            Second::Sent(second) => {
                self.first = second;
                true
            }
            Second::NotYet | Second::Wanted | Second::Spent => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_comes_before_the_path() {
        let host = HostId::of("https://a.test:9000/bucket/key?partNumber=1");
        assert_eq!(host, HostId::of("https://a.test:9000/other"));
        assert_ne!(host, HostId::of("https://b.test:9000/bucket/key?partNumber=1"));
        assert_ne!(host, HostId::of("https://a.test/bucket/key?partNumber=1"));
    }
}
