//! Quotas of one subject: requests per second, open uploads, bytes per day in and out, uploads per ticket. The settings call them `[limits]`.
//!
//! Counters are the only state that the server keeps. They live in memory, or in Redis where several
//! replicas have to agree; losing them loses no upload. Time is given from outside.

mod memory;
mod rate;
mod redis;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partway_shared::error::{ErrorCode, Problem};
use secrecy::ExposeSecret;

use crate::caller::{Subject, Ticket};
use crate::config::LimitsConfig;

use self::memory::Memory;
use self::rate::Rate;
use self::redis::Redis;

const DAY: u64 = 24 * 60 * 60;

/// Counts each subject's requests and uploads, and refuses those that exceed a quota.
pub struct Quotas {
    rate: Option<Rate>,
    open_uploads: Option<u32>,
    bytes_per_day: Option<u64>,
    signed_bytes_per_day: Option<u64>,
    counters: Counters,
}

enum Counters {
    Memory(Memory),
    Redis(Redis),
}

/// An upload that is about to be created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// The id that it is counted under: the same whenever the same upload is requested.
    pub(crate) id: &'a str,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When its token expires, in seconds since 1970.
    pub(crate) expires_at: u64,
}

/// Which way bytes go that are counted by the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    /// Into the store.
    In,
    /// Out of it.
    Out,
}

/// What came of counting an upload against a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// The quota is exhausted. Nothing was counted.
    Refused,
    /// The upload was counted.
    New,
    /// An earlier request for the same upload was counted already.
    Known,
}

impl Count {
    /// Returns whether the upload was counted now.
    ///
    /// # Errors
    /// `refusal` where the quota is exhausted.
    fn is_new(self, refusal: impl FnOnce() -> Problem) -> Result<bool, Problem> {
        match self {
            Self::Refused => Err(refusal()),
            Self::New => Ok(true),
            Self::Known => Ok(false),
        }
    }
}

/// The quotas that a request has taken something of. It is released if the upload is not created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reservation {
    ticket: bool,
    open: bool,
    bytes: bool,
}

impl Quotas {
    /// Creates the quotas that are configured. Does not connect to Redis yet.
    ///
    /// # Errors
    /// When `limits.redis_url` is not an address of a Redis.
    pub fn new(config: &LimitsConfig) -> Result<Self, String> {
        let counters = match &config.redis_url {
            None => Counters::Memory(Memory::default()),
            Some(url) => {
                let prefix = config.redis_prefix.as_deref().unwrap_or("partway:");
                Counters::Redis(Redis::new(url.expose_secret(), prefix)?)
            }
        };
        Ok(Self {
            rate: config.requests_per_second.map(|rate| Rate::new(rate, config.burst)),
            open_uploads: config.open_uploads,
            bytes_per_day: config.bytes_per_day.map(|bytes| bytes.as_u64()),
            signed_bytes_per_day: config.signed_bytes_per_day.map(|bytes| bytes.as_u64()),
            counters,
        })
    }

    /// Counts a request against the rate limit.
    ///
    /// # Errors
    /// [`ErrorCode::TooManyRequests`] when the subject exceeds the rate, with the seconds to wait.
    pub(crate) async fn request(&self, subject: &Subject) -> Result<(), Problem> {
        let Some(rate) = &self.rate else { return Ok(()) };
        let now = now();
        let waits = match &self.counters {
            Counters::Memory(memory) => memory.request(subject, rate, now),
            Counters::Redis(redis) => redis.request(subject, rate, now).await?,
        };
        match waits {
            None => Ok(()),
            Some(wait) => {
                let why = format!("at most {} requests per second are allowed", rate.per_second());
                Err(Problem::new(ErrorCode::TooManyRequests, why).with_retry_after(seconds(wait)))
            }
        }
    }

    /// Counts a new upload against each quota. A repeated request, whose first answer was lost, is not counted again.
    ///
    /// # Errors
    /// When the ticket is used up, the subject has too many open uploads, or no bytes left today. Nothing is counted then.
    pub(crate) async fn reserve(
        &self,
        subject: &Subject,
        ticket: Option<(&Ticket, u32)>,
        upload: Candidate<'_>,
    ) -> Result<Reservation, Problem> {
        let mut reservation = Reservation::default();
        let reserved = self.count(subject, ticket, upload, &mut reservation).await;
        if reserved.is_err() {
            self.release(subject, ticket.map(|(ticket, _)| ticket), upload, reservation).await?;
        }
        reserved.map(|()| reservation)
    }

    async fn count(
        &self,
        subject: &Subject,
        ticket: Option<(&Ticket, u32)>,
        upload: Candidate<'_>,
        reservation: &mut Reservation,
    ) -> Result<(), Problem> {
        let now = now();
        if let Some((ticket, max)) = ticket {
            let count = match &self.counters {
                Counters::Memory(memory) => memory.reserve_ticket_use(ticket, upload.id, max, now.as_secs()),
                Counters::Redis(redis) => redis.reserve_ticket_use(ticket, upload.id, max).await?,
            };
            reservation.ticket = count.is_new(|| {
                let why = format!("the ticket's {max} uploads are used up; get a new ticket");
                Problem::new(ErrorCode::TicketUsedUp, why)
            })?;
        }
        if let Some(max) = self.open_uploads {
            let count = match &self.counters {
                Counters::Memory(memory) => memory.open(subject, upload, max, now.as_secs()),
                Counters::Redis(redis) => redis.open(subject, upload, max, now.as_secs()).await?,
            };
            reservation.open = count.is_new(|| {
                let why = format!("at most {max} uploads may be open at a time; complete or abort some");
                Problem::new(ErrorCode::TooManyUploads, why).with_retry_after(10)
            })?;
        }
        if let Some(max) = self.bytes_per_day {
            let day = now.as_secs() / DAY;
            let count = match &self.counters {
                Counters::Memory(memory) => memory.reserve_bytes(Way::In, subject, day, upload, max),
                Counters::Redis(redis) => redis.reserve_bytes(Way::In, subject, day, upload, max).await?,
            };
            reservation.bytes = count.is_new(|| bytes_used_up(max, now))?;
        }
        Ok(())
    }

    /// Counts the bytes of a stream, whose size was not known when it was created. Asked twice, it counts once.
    ///
    /// # Errors
    /// When the subject has not as many bytes left today. Nothing is counted then.
    pub(crate) async fn charge(&self, subject: &Subject, id: &str, size: u64) -> Result<(), Problem> {
        let Some(max) = self.bytes_per_day else { return Ok(()) };
        let now = now();
        let day = now.as_secs() / DAY;
        // Its creation is counted under its own id, with no bytes.
        let id = format!("{id}.stream");
        let stream = Candidate { id: &id, size, expires_at: 0 };
        let count = match &self.counters {
            Counters::Memory(memory) => memory.reserve_bytes(Way::In, subject, day, stream, max),
            Counters::Redis(redis) => redis.reserve_bytes(Way::In, subject, day, stream, max).await?,
        };
        count.is_new(|| bytes_used_up(max, now)).map(drop)
    }

    /// Returns whether objects are counted that are signed for, so that their size has to be known.
    pub(crate) const fn counts_signed(&self) -> bool {
        self.signed_bytes_per_day.is_some()
    }

    /// Counts the bytes of an object for which a URL that reads is signed, each object once a day.
    ///
    /// # Errors
    /// When the subject has not as many bytes left today. Nothing is counted then.
    pub(crate) async fn sign(&self, subject: &Subject, id: &str, size: u64) -> Result<(), Problem> {
        let Some(max) = self.signed_bytes_per_day else { return Ok(()) };
        let now = now();
        let day = now.as_secs() / DAY;
        let object = Candidate { id, size, expires_at: 0 };
        let count = match &self.counters {
            Counters::Memory(memory) => memory.reserve_bytes(Way::Out, subject, day, object, max),
            Counters::Redis(redis) => redis.reserve_bytes(Way::Out, subject, day, object, max).await?,
        };
        count.is_new(|| {
            let max = bytesize::ByteSize(max);
            let why = format!("at most {max} may be read per day, and the object exceeds what is left");
            Problem::new(ErrorCode::QuotaExceeded, why).with_retry_after(DAY - now.as_secs() % DAY)
        })?;
        Ok(())
    }

    /// Ends an open upload, which was completed or aborted. Does nothing the second time.
    pub(crate) async fn close(&self, subject: &Subject, id: &str) -> Result<(), Problem> {
        if self.open_uploads.is_none() {
            return Ok(());
        }
        match &self.counters {
            Counters::Memory(memory) => memory.close(subject, id),
            Counters::Redis(redis) => redis.close(subject, id).await?,
        }
        Ok(())
    }

    /// Releases what [`reserve`](Self::reserve) counted, for an upload that was not created. What earlier requests counted stays.
    pub(crate) async fn release(
        &self,
        subject: &Subject,
        ticket: Option<&Ticket>,
        upload: Candidate<'_>,
        reservation: Reservation,
    ) -> Result<(), Problem> {
        if reservation.open {
            self.close(subject, upload.id).await?;
        }
        if let Some(ticket) = ticket.filter(|_| reservation.ticket) {
            match &self.counters {
                Counters::Memory(memory) => memory.release_ticket_use(ticket, upload.id),
                Counters::Redis(redis) => redis.release_ticket_use(ticket, upload.id).await?,
            }
        }
        if reservation.bytes {
            let day = now().as_secs() / DAY;
            match &self.counters {
                Counters::Memory(memory) => memory.release_bytes(subject, day, upload),
                Counters::Redis(redis) => redis.release_bytes(subject, day, upload).await?,
            }
        }
        Ok(())
    }
}

fn bytes_used_up(max: u64, now: Duration) -> Problem {
    let max = bytesize::ByteSize(max);
    let why = format!("at most {max} may be uploaded per day, and the file exceeds what is left");
    Problem::new(ErrorCode::QuotaExceeded, why).with_retry_after(DAY - now.as_secs() % DAY)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns a wait in seconds, rounded up, and at least 1.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
}
