//! How much one subject may ask for: requests a second, open uploads, bytes a day, uploads of a ticket.
//!
//! Counters are the one thing that the server remembers of anybody. They live in memory, or in Redis where several
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

/// Keeps the limits.
pub struct Limiter {
    rate: Option<Rate>,
    open_uploads: Option<u32>,
    bytes_per_day: Option<u64>,
    counters: Counters,
}

enum Counters {
    Memory(Memory),
    Redis(Redis),
}

/// One upload that is about to be created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newcomer<'a> {
    /// The name that it is counted under: the same whenever the same is asked for.
    pub(crate) id: &'a str,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When its token expires, in seconds since 1970.
    pub(crate) expires_at: u64,
}

/// Whether one was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// There are as many as may be.
    Refused,
    /// It is one more.
    New,
    /// It was counted when the same was asked for before.
    Known,
}

impl Count {
    /// Whether it is one more, and what to say if there are as many as may be.
    fn is_new(self, refusal: impl FnOnce() -> Problem) -> Result<bool, Problem> {
        match self {
            Self::Refused => Err(refusal()),
            Self::New => Ok(true),
            Self::Known => Ok(false),
        }
    }
}

/// Where an upload was counted now, which is what has to be given back if it is not begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    ticket: bool,
    open: bool,
    bytes: bool,
}

impl Limiter {
    /// Limits as configured. Redis is not called yet.
    ///
    /// # Errors
    /// When Redis's address is none.
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
            counters,
        })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// When there are too many of the subject's.
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
                let why = format!("at most {} requests a second are answered", rate.per_second());
                Err(Problem::new(ErrorCode::TooManyRequests, why).with_retry_after(seconds(wait)))
            }
        }
    }

    /// Counts a new upload. One that was counted before, and whose answer was lost, is not counted again.
    ///
    /// # Errors
    /// When the ticket is used up, the subject has too many open, or no bytes left today. Nothing is counted then.
    pub(crate) async fn admit(
        &self,
        subject: &Subject,
        ticket: Option<(&Ticket, u32)>,
        upload: Newcomer<'_>,
    ) -> Result<Counted, Problem> {
        let mut counted = Counted::default();
        let admitted = self.count(subject, ticket, upload, &mut counted).await;
        if admitted.is_err() {
            self.give_back(subject, ticket.map(|(ticket, _)| ticket), upload, counted).await?;
        }
        admitted.map(|()| counted)
    }

    async fn count(
        &self,
        subject: &Subject,
        ticket: Option<(&Ticket, u32)>,
        upload: Newcomer<'_>,
        counted: &mut Counted,
    ) -> Result<(), Problem> {
        let now = now();
        if let Some((ticket, max)) = ticket {
            let count = match &self.counters {
                Counters::Memory(memory) => memory.stamp(ticket, upload.id, max, now.as_secs()),
                Counters::Redis(redis) => redis.stamp(ticket, upload.id, max).await?,
            };
            counted.ticket = count.is_new(|| {
                let why = format!("the ticket is for {max} uploads; get a new one");
                Problem::new(ErrorCode::TicketUsedUp, why)
            })?;
        }
        if let Some(max) = self.open_uploads {
            let count = match &self.counters {
                Counters::Memory(memory) => memory.open(subject, upload, max, now.as_secs()),
                Counters::Redis(redis) => redis.open(subject, upload, max, now.as_secs()).await?,
            };
            counted.open = count.is_new(|| {
                let why = format!("at most {max} uploads may be open at a time; complete or abort some");
                Problem::new(ErrorCode::TooManyUploads, why).with_retry_after(10)
            })?;
        }
        if let Some(max) = self.bytes_per_day {
            let day = now.as_secs() / DAY;
            let count = match &self.counters {
                Counters::Memory(memory) => memory.take_bytes(subject, day, upload, max),
                Counters::Redis(redis) => redis.take_bytes(subject, day, upload, max).await?,
            };
            counted.bytes = count.is_new(|| {
                let max = bytesize::ByteSize(max);
                let why = format!("{max} a day may be uploaded, and the file is more than is left");
                Problem::new(ErrorCode::QuotaExceeded, why).with_retry_after(DAY - now.as_secs() % DAY)
            })?;
        }
        Ok(())
    }

    /// An upload is completed or aborted. Saying it twice is saying it once.
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

    /// What was admitted was not created after all. What had been counted before stays counted.
    pub(crate) async fn give_back(
        &self,
        subject: &Subject,
        ticket: Option<&Ticket>,
        upload: Newcomer<'_>,
        counted: Counted,
    ) -> Result<(), Problem> {
        if counted.open {
            self.close(subject, upload.id).await?;
        }
        if let Some(ticket) = ticket.filter(|_| counted.ticket) {
            match &self.counters {
                Counters::Memory(memory) => memory.unstamp(ticket, upload.id),
                Counters::Redis(redis) => redis.unstamp(ticket, upload.id).await?,
            }
        }
        if counted.bytes {
            let day = now().as_secs() / DAY;
            match &self.counters {
                Counters::Memory(memory) => memory.give_bytes(subject, day, upload),
                Counters::Redis(redis) => redis.give_bytes(subject, day, upload).await?,
            }
        }
        Ok(())
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole seconds, and never none.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
}
