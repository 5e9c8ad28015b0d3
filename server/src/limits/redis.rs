//! Counters that several replicas share. Each question is one script, so that no two replicas answer it at once.

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, RedisError, Script, ScriptInvocation};
use partway_shared::error::{ErrorCode, Problem};

use crate::identity::{Subject, Ticket};

use super::Newcomer;
use super::rate::Rate;

/// How long Redis may take to answer; requests wait for it.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Redis {
    connection: ConnectionManager,
    prefix: String,
    request: Script,
    open: Script,
    take: Script,
    give: Script,
    stamp: Script,
}

/// GCRA, as in `rate.rs`; times in microseconds. Gives how long to wait.
const REQUEST: &str = r"
local now, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used_up = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) + interval
if used_up > now + tolerance then return used_up - now - tolerance end
redis.call('SET', KEYS[1], string.format('%.0f', used_up), 'PX', math.ceil((used_up - now) / 1000) + 1000)
return 0";

/// A set of ids, each with when it expires.
const OPEN: &str = r"
local now, expires, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= max then return 0 end
redis.call('ZADD', KEYS[1], expires, ARGV[4])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIREAT', KEYS[1], string.format('%.0f', tonumber(last[2])))
return 1";

/// Lua's numbers lose bytes above 2^53, so that Redis itself does the sum.
const TAKE: &str = r"
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], 172800)
if total > tonumber(ARGV[2]) then
  redis.call('DECRBY', KEYS[1], ARGV[1])
  return 0
end
return 1";

/// Nothing is given back to a counter that has expired.
const GIVE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECRBY', KEYS[1], ARGV[1]) end
return 1";

const STAMP: &str = r"
if (tonumber(redis.call('GET', KEYS[1])) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', KEYS[1])
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
            take: Script::new(TAKE),
            give: Script::new(GIVE),
            stamp: Script::new(STAMP),
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
        upload: Newcomer<'_>,
        max: u32,
        now: u64,
    ) -> Result<bool, Problem> {
        let mut call = self.open.key(self.key("open", subject.as_str()));
        call.arg(now).arg(upload.expires_at).arg(max).arg(upload.id);
        self.ask(call).await
    }

    pub(super) async fn close(&self, subject: &Subject, id: &str) -> Result<(), Problem> {
        let mut command = ::redis::cmd("ZREM");
        command.arg(self.key("open", subject.as_str())).arg(id);
        let removed: Result<(), _> = command.query_async(&mut self.connection.clone()).await;
        removed.map_err(|error| away(&error))
    }

    pub(super) async fn take_bytes(
        &self,
        subject: &Subject,
        day: u64,
        size: u64,
        max: u64,
    ) -> Result<bool, Problem> {
        let mut call = self.take.key(self.key(&format!("bytes:{day}"), subject.as_str()));
        call.arg(size).arg(max);
        self.ask(call).await
    }

    pub(super) async fn give_bytes(&self, subject: &Subject, day: u64, size: u64) -> Result<(), Problem> {
        let mut call = self.give.key(self.key(&format!("bytes:{day}"), subject.as_str()));
        call.arg(size);
        self.ask::<bool>(call).await.map(drop)
    }

    pub(super) async fn stamp(&self, ticket: &Ticket, max: u32, _: u64) -> Result<bool, Problem> {
        let mut call = self.stamp.key(self.key("ticket", &ticket.id));
        call.arg(max).arg(ticket.expires_at);
        self.ask(call).await
    }

    pub(super) async fn unstamp(&self, ticket: &Ticket) -> Result<(), Problem> {
        let mut call = self.give.key(self.key("ticket", &ticket.id));
        call.arg(1);
        self.ask::<bool>(call).await.map(drop)
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    async fn ask<T: FromRedisValue>(&self, call: ScriptInvocation<'_>) -> Result<T, Problem> {
        call.invoke_async(&mut self.connection.clone()).await.map_err(|error| away(&error))
    }
}

fn away(error: &RedisError) -> Problem {
    tracing::error!(%error, "the counters in Redis cannot be reached");
    Problem::new(ErrorCode::LimitsUnavailable, "the counters cannot be reached").with_retry_after(2)
}
