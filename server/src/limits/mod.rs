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

use crate::config::LimitsConfig;
use crate::identity::{Subject, Ticket};

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
    /// The upload's id.
    pub(crate) id: &'a str,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When its token expires, in seconds since 1970.
    pub(crate) expires_at: u64,
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

    /// Counts a new upload.
    ///
    /// # Errors
    /// When the subject has too many open, or no bytes left today. Nothing is counted then.
    pub(crate) async fn admit(&self, subject: &Subject, upload: Newcomer<'_>) -> Result<(), Problem> {
        let now = now();
        if let Some(max) = self.open_uploads {
            let admitted = match &self.counters {
                Counters::Memory(memory) => memory.open(subject, upload, max, now.as_secs()),
                Counters::Redis(redis) => redis.open(subject, upload, max, now.as_secs()).await?,
            };
            if !admitted {
                let why = format!("at most {max} uploads may be open at a time; complete or abort some");
                return Err(Problem::new(ErrorCode::TooManyUploads, why).with_retry_after(10));
            }
        }
        if let Some(max) = self.bytes_per_day {
            let day = now.as_secs() / DAY;
            let admitted = match &self.counters {
                Counters::Memory(memory) => memory.take_bytes(subject, day, upload.size, max),
                Counters::Redis(redis) => redis.take_bytes(subject, day, upload.size, max).await?,
            };
            if !admitted {
                self.close(subject, upload.id).await?;
                let why = format!(
                    "{} a day may be uploaded, and the file is more than is left",
                    bytesize::ByteSize(max)
                );
                let problem = Problem::new(ErrorCode::QuotaExceeded, why);
                return Err(problem.with_retry_after(DAY - now.as_secs() % DAY));
            }
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

    /// What was admitted was not created after all.
    pub(crate) async fn give_back(
        &self,
        subject: &Subject,
        upload: Newcomer<'_>,
        ticket: Option<&Ticket>,
    ) -> Result<(), Problem> {
        self.close(subject, upload.id).await?;
        if let Some(ticket) = ticket {
            self.unstamp(ticket).await?;
        }
        if self.bytes_per_day.is_some() {
            let day = now().as_secs() / DAY;
            match &self.counters {
                Counters::Memory(memory) => memory.give_bytes(subject, day, upload.size),
                Counters::Redis(redis) => redis.give_bytes(subject, day, upload.size).await?,
            }
        }
        Ok(())
    }

    /// Counts a use of a ticket.
    ///
    /// # Errors
    /// When it was used as often as it may be.
    pub(crate) async fn stamp(&self, ticket: &Ticket, max: u32) -> Result<(), Problem> {
        let used = match &self.counters {
            Counters::Memory(memory) => memory.stamp(ticket, max, now().as_secs()),
            Counters::Redis(redis) => redis.stamp(ticket, max, now().as_secs()).await?,
        };
        if used {
            return Ok(());
        }
        Err(Problem::new(ErrorCode::TicketUsedUp, format!("the ticket is for {max} uploads; get a new one")))
    }

    /// A use of a ticket that came to nothing.
    pub(crate) async fn unstamp(&self, ticket: &Ticket) -> Result<(), Problem> {
        match &self.counters {
            Counters::Memory(memory) => memory.unstamp(ticket),
            Counters::Redis(redis) => redis.unstamp(ticket).await?,
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
