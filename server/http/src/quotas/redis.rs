//! Counters in Redis, which replicas share. Each operation is one script, and so atomic.

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, RedisError, Script, ScriptInvocation};
use partway_shared::error::{ErrorCode, Problem};

use crate::caller::{Subject, Ticket};

use super::rate::Rate;
use super::{Candidate, Count, Way};

/// The timeout of a call, for which requests wait.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Redis {
    connection: ConnectionManager,
    prefix: String,
    request: Script,
    open: Script,
    reserve_bytes: Script,
    release_bytes: Script,
    reserve_ticket_use: Script,
}

/// GCRA, as in `rate.rs`, with times in microseconds. Returns how long to wait.
const REQUEST: &str = r"
local now, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used_up = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) + interval
if used_up > now + tolerance then return used_up - now - tolerance end
redis.call('SET', KEYS[1], string.format('%.0f', used_up), 'PX', math.ceil((used_up - now) / 1000) + 1000)
return 0";

/// A set of ids with their times of expiry. Like the following scripts, it returns 0 if the quota is exhausted, 1 if
/// the upload was counted now, and 2 if it had been counted before.
const OPEN: &str = r"
local now, expires, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], ARGV[4])
if not known and redis.call('ZCARD', KEYS[1]) >= max then return 0 end
redis.call('ZADD', KEYS[1], expires, ARGV[4])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2])))
return known and 2 or 1";

/// Sizes by the ids of uploads, and their total. Redis adds, since numbers in Lua are inexact above 2^53.
const RESERVE_BYTES: &str = r"
if redis.call('HEXISTS', KEYS[1], ARGV[3]) == 1 then return 2 end
local total = redis.call('HINCRBY', KEYS[1], 'total', ARGV[1])
redis.call('EXPIRE', KEYS[1], 172800)
if total > tonumber(ARGV[2]) then
  redis.call('HINCRBY', KEYS[1], 'total', '-' .. ARGV[1])
  return 0
end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[1])
return 1";

/// Releases an upload's bytes once, and only from a counter that has not expired.
const RELEASE_BYTES: &str = r"
local size = redis.call('HGET', KEYS[1], ARGV[1])
if size then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'total', '-' .. size)
end
return 1";

/// The uploads that a ticket was used for.
const TICKET_USE: &str = r"
if redis.call('SISMEMBER', KEYS[1], ARGV[3]) == 1 then return 2 end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('SADD', KEYS[1], ARGV[3])
redis.call('EXPIREAT', KEYS[1], ARGV[2])
return 1";

impl Redis {
    pub(super) fn new(url: &str, prefix: &str) -> Result<Self, String> {
        let client = Client::open(url).map_err(|error| format!("limits.redis_url: {error}"))?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|error| format!("limits.redis_url: {error}"))?;
        Ok(Self {
            connection,
            prefix: prefix.to_owned(),
            request: Script::new(REQUEST),
            open: Script::new(OPEN),
            reserve_bytes: Script::new(RESERVE_BYTES),
            release_bytes: Script::new(RELEASE_BYTES),
            reserve_ticket_use: Script::new(TICKET_USE),
        })
    }

    pub(super) async fn request(
        &self,
        subject: &Subject,
        rate: &Rate,
        now: Duration,
    ) -> Result<Option<Duration>, Problem> {
        let key = self.key("rate", subject.as_str());
        let mut call = self.request.key(key);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        call.arg(micros(now)).arg(micros(rate.interval)).arg(micros(rate.tolerance));
        let wait: u64 = self.ask(call).await?;
        Ok((wait > 0).then(|| Duration::from_micros(wait)))
    }

    pub(super) async fn open(
        &self,
        subject: &Subject,
        upload: Candidate<'_>,
        max: u32,
        now: u64,
    ) -> Result<Count, Problem> {
        let mut call = self.open.key(self.key("open", subject.as_str()));
        call.arg(now).arg(upload.expires_at).arg(max).arg(upload.id);
        self.count(call).await
    }

    pub(super) async fn close(&self, subject: &Subject, id: &str) -> Result<(), Problem> {
        self.remove("ZREM", self.key("open", subject.as_str()), id).await
    }

    pub(super) async fn reserve_bytes(
        &self,
        way: Way,
        subject: &Subject,
        day: u64,
        upload: Candidate<'_>,
        max: u64,
    ) -> Result<Count, Problem> {
        let mut call = self.reserve_bytes.key(self.bytes_key(way, subject, day));
        call.arg(upload.size).arg(max).arg(upload.id);
        self.count(call).await
    }

    pub(super) async fn release_bytes(
        &self,
        subject: &Subject,
        day: u64,
        upload: Candidate<'_>,
    ) -> Result<(), Problem> {
        let mut call = self.release_bytes.key(self.bytes_key(Way::In, subject, day));
        call.arg(upload.id);
        self.ask::<u32>(call).await.map(drop)
    }

    pub(super) async fn reserve_ticket_use(
        &self,
        ticket: &Ticket,
        upload: &str,
        max: u32,
    ) -> Result<Count, Problem> {
        let mut call = self.reserve_ticket_use.key(self.key("ticket", &ticket.id));
        call.arg(max).arg(ticket.expires_at).arg(upload);
        self.count(call).await
    }

    pub(super) async fn release_ticket_use(&self, ticket: &Ticket, upload: &str) -> Result<(), Problem> {
        self.remove("SREM", self.key("ticket", &ticket.id), upload).await
    }

    fn bytes_key(&self, way: Way, subject: &Subject, day: u64) -> String {
        let kind = match way {
            Way::In => "bytes",
            Way::Out => "signed",
        };
        self.key(&format!("{kind}:{day}"), subject.as_str())
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    /// Removes a member from a set.
    async fn remove(&self, command: &str, key: String, member: &str) -> Result<(), Problem> {
        let mut command = ::redis::cmd(command);
        command.arg(key).arg(member);
        let removed: Result<(), _> = command.query_async(&mut self.connection.clone()).await;
        removed.map_err(|error| away(&error))
    }

    async fn count(&self, call: ScriptInvocation<'_>) -> Result<Count, Problem> {
        Ok(match self.ask::<u32>(call).await? {
            0 => Count::Refused,
            1 => Count::New,
            _ => Count::Known,
        })
    }

    async fn ask<T: FromRedisValue>(&self, call: ScriptInvocation<'_>) -> Result<T, Problem> {
        call.invoke_async(&mut self.connection.clone()).await.map_err(|error| away(&error))
    }
}

fn away(error: &RedisError) -> Problem {
    tracing::error!(%error, "the counters in Redis cannot be reached");
    Problem::new(ErrorCode::LimitsUnavailable, "the server cannot reach the counters of its quotas")
        .with_retry_after(2)
}
