//! Uploads that have expired their tokens, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use partway_s3::bucket::{Bucket, Sweeping};
use partway_s3::sweep::{Mode, Swept, sweep};
use partway_server::config::Settings;
use partway_server::metrics::Metrics;
use partway_server::stores::OpenStores;
use partway_server::sweep_timer::Timer;

use crate::support::*;

/// The store of this server, as a command sees it, with tokens of no life at all.
async fn store_of(app: &TestApp, prefix: &str) -> Bucket {
    let data = tempfile::tempdir().unwrap();
    let mut settings: Settings = settings(&data);
    before(&app.store_origin, app.secret_access_key())(&mut settings);
    settings.uploads.key_prefix = prefix.to_owned();
    let mut stores = OpenStores::open(&settings).await.unwrap().buckets;
    Bucket { token_lifetime: Duration::ZERO, sweeping: Sweeping::Everything, ..stores.remove(0) }
}

async fn swept(store: &Bucket, mode: Mode, min_age: Duration) -> (Swept, Vec<String>) {
    let mut told = Vec::new();
    let swept = sweep(store, Sweeping::Everything, mode, min_age, |expired, error| {
        assert_eq!(error, None);
        told.push(expired.left.upload_id().unwrap_or(expired.left.key()).to_owned());
    });
    (swept.await.unwrap(), told)
}

#[tokio::test]
async fn what_is_old_is_aborted_and_nothing_else_is_touched() {
    let app = TestApp::start().await;
    let (old, done) = (app.begin("old.bin", PART + 1).await, app.begin("done.bin", 100).await);
    old.send([1]).await;
    done.finish().await;
    // After a crash as before it: all that counts is in the store.
    let (id, key) = (old.upload_id(), done.grant.key.clone());
    let app = app.restart().await;
    let store = store_of(&app, "").await;

    let (found, told) = swept(&store, Mode::Remove, Duration::from_secs(3_600)).await;
    assert_eq!((found, told), (Swept { seen: 1, ..Swept::default() }, vec![]), "it is young");
    let (found, told) = swept(&store, Mode::DryRun, Duration::ZERO).await;
    assert_eq!((found, told), (Swept { seen: 1, expired: 1, ..Swept::default() }, vec![id.clone()]));
    assert_eq!(app.open_uploads().await.len(), 1, "a dry run changes nothing");
    let (found, told) = swept(&store, Mode::Remove, Duration::ZERO).await;
    assert_eq!((found, told), (Swept { seen: 1, expired: 1, removed: 1, failed: 0 }, vec![id]));
    assert!(app.open_uploads().await.is_empty());
    assert!(app.exists(&key).await, "objects stay");
}

#[tokio::test]
async fn uploads_of_others_are_not_looked_at() {
    let app = TestApp::start().await;
    app.begin("ours.bin", 100).await;
    let theirs = app.store.create_multipart_upload().bucket(BUCKET).key("elsewhere/b.bin");
    theirs.send().await.unwrap();
    let (found, _) = swept(&store_of(&app, "elsewhere/").await, Mode::Remove, Duration::ZERO).await;
    assert_eq!((found.seen, found.removed), (1, 1));
    assert_eq!(app.open_uploads().await.len(), 1);
}

/// Files that were sent and never completed wait in keys of the server's own, in a bucket that is others' too.
#[tokio::test]
async fn files_that_nobody_completed_are_removed() {
    let app = TestApp::with(|settings| settings.uploads.checksum = ChecksumSetting::None).await;
    let (waiting, done) = (app.begin("a.bin", 10).await, app.begin("b.bin", 10).await);
    for upload in [&waiting, &done] {
        assert_eq!(post_form(&app.http, &upload.grant.parts[0], &upload.bytes).await.status, 201);
    }
    done.finish().await;
    let theirs = app.begin("theirs.bin", 100).await;
    let store = store_of(&app, "").await;
    let sweep_files = async |min_age| {
        let mut told = Vec::new();
        let swept = sweep(&store, Sweeping::OwnFiles, Mode::Remove, min_age, |expired, error| {
            assert_eq!((error, expired.left.upload_id()), (None, None));
            told.push(expired.left.key().to_owned());
        });
        (swept.await.unwrap(), told)
    };
    let (found, told) = sweep_files(Duration::from_secs(3_600)).await;
    assert_eq!((found, told), (Swept { seen: 1, ..Swept::default() }, vec![]), "it is young");
    let (found, told) = sweep_files(Duration::ZERO).await;
    assert_eq!(found, Swept { seen: 1, expired: 1, removed: 1, failed: 0 });
    assert_eq!(told, [format!(".partway/incoming/{}", waiting.claims().id)]);
    assert_eq!(waiting.list().await, []);
    assert_eq!(app.open_uploads().await, [theirs.grant.key], "uploads in parts may be somebody else's");
    done.assert_stored().await;
}

/// More than a page of them, and two replicas at the same work.
#[tokio::test]
async fn replicas_sweep_the_same_store() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        app.create((0..600).map(|n| file(&format!("{n}.bin"), 100)).collect()).await;
    }
    let store = store_of(&app, "").await;
    let metrics = Metrics::new();
    let timers = [(), ()].map(|()| {
        let stores = vec![(Arc::new(store.clone()), metrics.of("default"))];
        Timer::start(stores, Duration::from_millis(50), Duration::ZERO)
    });
    let gone = async {
        while !store.store.list_uploads("").await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("all are swept");
    for timer in timers {
        timer.stop().await;
    }
    assert!(metrics.text().contains(r#"outcome="swept""#), "{}", metrics.text());
}
