//! Limits for each subject, kept in memory and in Redis alike.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use bytesize::ByteSize;
use partway_server::config::{LimitsConfig, Settings};
use tempfile::TempDir;

use crate::support::*;

/// A Redis of the test's own.
struct RedisServer {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl RedisServer {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server, of Debian's package of that name");
        let server = Self { process, url: format!("redis://127.0.0.1:{port}/"), _folder: folder };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(std::time::Instant::now() < deadline, "redis-server does not listen");
            tokio::task::yield_now().await;
        }
        server
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn limited(limits: LimitsConfig) -> impl FnOnce(&mut Settings) {
    |settings| {
        by_ticket(settings);
        settings.limits = limits;
    }
}

/// Each story in memory, and in Redis with a second replica in between.
async fn everywhere(limits: LimitsConfig, story: impl AsyncFn(&TestApp, &TestApp)) {
    let redis = RedisServer::start().await;
    let shared = LimitsConfig { redis_url: Some(redis.url.clone().into()), ..limits.clone() };
    let (one, two) = (TestApp::with(limited(shared.clone())).await, TestApp::with(limited(shared)).await);
    story(&one, &two).await;
    let alone = TestApp::with(limited(limits)).await;
    story(&alone, &alone).await;
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn requests_a_second() {
    let limits = LimitsConfig { requests_per_second: Some(1), burst: Some(4), ..LimitsConfig::default() };
    everywhere(limits, async |one: &TestApp, two: &TestApp| {
        one.come_as(ticket("ada"));
        two.come_as(ticket("ada"));
        let mut refused = Vec::new();
        for _ in 0..4 {
            for app in [one, two] {
                let answer = app.try_create(file("a.bin", 1)).await;
                if answer.status != 201 {
                    refused.push(answer);
                }
            }
        }
        // Eight at once, of which four may come; a slow machine may let one or two more be due.
        assert!((1..=4).contains(&refused.len()), "{} were refused", refused.len());
        for answer in refused {
            let problem = answer.refused(ErrorCode::TooManyRequests);
            assert_eq!((retry_after(&answer), problem.retry_after), (1, Some(1)));
        }
        two.come_as(ticket("eve"));
        two.try_create(file("a.bin", 1)).await.is::<CreatedUploads>(201);
    })
    .await;
}

#[tokio::test]
async fn open_uploads() {
    let limits = LimitsConfig { open_uploads: Some(2), ..LimitsConfig::default() };
    everywhere(limits, async |one: &TestApp, two: &TestApp| {
        one.come_as(ticket("ada"));
        two.come_as(ticket("ada"));
        let first = one.begin("a.bin", 10).await;
        let created = two.create(vec![file("b.bin", 100), file("c.bin", 1)]).await;
        let [second, third] = <[_; 2]>::try_from(created).unwrap();
        let second = accepted(second);
        let problem = refused(third);
        assert_eq!((problem.code, problem.retry_after.is_some()), (ErrorCode::TooManyUploads, true));
        let answer = one.try_create(file("d.bin", 1)).await;
        answer.refused(ErrorCode::TooManyUploads);
        assert!(retry_after(&answer) >= 1);
        first.finish().await;
        one.begin("e.bin", 1).await;
        one.try_create(file("f.bin", 1)).await.refused(ErrorCode::TooManyUploads);
        let second = Upload::new(two, second, noise(100, 1));
        assert_eq!((second.abort().await.status, second.abort().await.status), (204, 204));
        one.begin("g.bin", 1).await;
        one.try_create(file("h.bin", 1)).await.refused(ErrorCode::TooManyUploads);
        one.come_as(ticket("eve"));
        one.begin("i.bin", 1).await;
    })
    .await;
}

#[tokio::test]
async fn bytes_a_day() {
    let limits = LimitsConfig { bytes_per_day: Some(ByteSize::b(100)), ..LimitsConfig::default() };
    everywhere(limits, async |one: &TestApp, two: &TestApp| {
        one.come_as(ticket("ada"));
        two.come_as(ticket("ada"));
        one.begin("a.bin", 60).await;
        let answer = two.try_create(file("b.bin", 41)).await;
        let problem = answer.refused(ErrorCode::QuotaExceeded);
        assert!(problem.detail.contains("100 B"), "{problem}");
        assert!((1..=86_400).contains(&retry_after(&answer)));
        two.begin("c.bin", 40).await;
        one.try_create(file("d.bin", 1)).await.refused(ErrorCode::QuotaExceeded);
        one.try_create(file("e.bin", 1 << 45)).await.refused(ErrorCode::QuotaExceeded);
        one.begin("empty", 0).await;
        one.come_as(ticket("eve"));
        one.begin("f.bin", 100).await;
    })
    .await;
}

#[tokio::test]
async fn uploads_of_a_ticket() {
    everywhere(LimitsConfig::default(), async |one: &TestApp, two: &TestApp| {
        let ticket = ticket_for("ada", json!({ "max_files": 2 }));
        one.come_as(&ticket);
        two.come_as(&ticket);
        one.begin("a.bin", 1).await;
        two.begin("b.bin", 1).await;
        for app in [one, two] {
            let created = app.create(vec![file("c.bin", 1)]).await;
            assert_eq!(refused(created.into_iter().next().unwrap()).code, ErrorCode::TicketUsedUp);
        }
    })
    .await;
}

/// A request whose answer is lost is sent again, here to the other replica: it is the same creation.
#[tokio::test]
async fn asking_twice_counts_once() {
    let limits = LimitsConfig {
        open_uploads: Some(2),
        bytes_per_day: Some(ByteSize::b(200)),
        ..LimitsConfig::default()
    };
    everywhere(limits, async |one: &TestApp, two: &TestApp| {
        let named = |name: &str, size| NewUpload { id: Some(creation_id(name)), ..file(name, size) };
        let counted = ticket_for("ada", json!({ "max_files": 2 }));
        one.come_as(&counted);
        two.come_as(&counted);
        let mut keys = BTreeSet::new();
        for app in [one, two, one, two] {
            keys.insert(accepted(app.create(vec![named("a.bin", 100)]).await.remove(0)).key);
        }
        assert_eq!(keys.len(), 1, "it gives the same key: {keys:?}");
        // All three limits have room for just one more.
        let last = accepted(two.create(vec![named("b.bin", 100)]).await.remove(0));
        assert!(!keys.contains(&last.key));
        one.create(vec![named("a.bin", 100), named("b.bin", 100)]).await.into_iter().for_each(|created| {
            accepted(created);
        });
        let refusal = refused(one.create(vec![named("c.bin", 0)]).await.remove(0));
        assert_eq!(refusal.code, ErrorCode::TicketUsedUp);
        for app in [one, two] {
            app.come_as(ticket("ada"));
            app.try_create(named("c.bin", 0)).await.refused(ErrorCode::TooManyUploads);
        }
        // One that has ended is open again when it is asked for again, and its bytes still count once.
        Upload::new(two, last, noise(100, 1)).abort().await;
        one.try_create(named("c.bin", 1)).await.refused(ErrorCode::QuotaExceeded);
        accepted(one.create(vec![named("b.bin", 100)]).await.remove(0));
        two.try_create(named("c.bin", 0)).await.refused(ErrorCode::TooManyUploads);
        one.come_as(ticket("eve"));
        let other = accepted(one.create(vec![named("a.bin", 100)]).await.remove(0));
        assert!(!keys.contains(&other.key), "somebody else's is another");
    })
    .await;
}

/// What could not be begun counts for nothing.
#[tokio::test]
async fn a_store_that_is_away_uses_nothing_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = before(&format!("http://{nobody}"), "a secret that nobody checks".into());
    let app = TestApp::with(|settings| {
        let limits = LimitsConfig {
            open_uploads: Some(1),
            bytes_per_day: Some(ByteSize::b(100)),
            ..LimitsConfig::default()
        };
        limited(limits)(settings);
        store(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;
    app.come_as(ticket_for("ada", json!({ "max_files": 1 })));
    app.try_create(file("large.bin", 100)).await.refused(ErrorCode::StoreUnavailable);
    app.try_create(file("small.bin", 10)).await.is::<CreatedUploads>(201);
}

#[tokio::test]
async fn while_redis_is_away_nothing_passes_a_limit() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let limits = LimitsConfig {
        open_uploads: Some(10),
        redis_url: Some(format!("redis://{nobody}/").into()),
        ..LimitsConfig::default()
    };
    let app = TestApp::with(limited(limits)).await;
    app.come_as(ticket("ada"));
    app.try_create(file("a.bin", 1)).await.refused(ErrorCode::LimitsUnavailable);
}
