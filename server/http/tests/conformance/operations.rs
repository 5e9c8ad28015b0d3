//! What operators do: examine a store, mend it, sweep it, watch it.

use std::time::Duration;

use partway_s3::bucket::{Bucket, Sweeping};
use partway_s3::doctor::{self, Options, Outcome, Report};
use partway_s3::probe::{self, Rule};
use partway_s3::sweep::{Mode, sweep};
use partway_server::config::Settings;
use partway_server::stores::OpenStores;

use crate::stores::{Site, Traits};
use crate::support::*;

const ORIGIN: &str = "https://app.example.com";

async fn open(site: &Site) -> Bucket {
    OpenStores::open(&settings_of(site)).await.unwrap().buckets.remove(0)
}

fn settings_of(site: &Site) -> Settings {
    let data = tempfile::tempdir().unwrap();
    let mut settings = settings(&data);
    site.configure(&mut settings);
    settings.sweep.enabled = Some(true);
    objects(&[Operation::Get, Operation::List, Operation::Delete, Operation::Copy], "")(&mut settings);
    settings
}

async fn examine(store: &Bucket, fix: bool) -> Report {
    let options = Options { origins: vec![ORIGIN.to_owned()], fix };
    Box::pin(doctor::examine(std::slice::from_ref(store), &options)).await
}

fn weak(report: &Report) -> Vec<&str> {
    let findings = report.stores.iter().flat_map(|store| &store.findings);
    findings
        .filter(|finding| finding.outcome >= Outcome::Warning)
        .map(|finding| finding.check.as_str())
        .collect()
}

pub(crate) async fn doctor_finds_and_mends(site: &Site, traits: &Traits) {
    let store = open(site).await;
    let before = examine(&store, false).await;
    let preflight = format!("preflight from {ORIGIN}");
    if traits.has_rules {
        assert_eq!(before.outcome(), Outcome::Failure, "{before}");
        assert!(weak(&before).contains(&preflight.as_str()), "{before}");
        let mended = examine(&store, true).await;
        assert_eq!(weak(&mended), traits.weak, "{mended}");
    }
    let after = examine(&store, true).await;
    eprintln!("{after}");
    assert_eq!(weak(&after), traits.weak, "mending twice changes nothing\n{after}");
    let client = client_of(&settings_of(site), &site.endpoint);
    if traits.has_rules {
        let rules = client.get_bucket_cors().bucket(BUCKET).send().await.unwrap();
        assert_eq!(rules.cors_rules().len(), 1, "{rules:?}");
        let rules = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap();
        let names: Vec<_> = rules.rules().iter().filter_map(|rule| rule.id()).collect();
        assert_eq!(names, ["partway", "partway-waiting-files"], "one for parts, one for waiting files");
    }
    let left = client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(left.contents().len(), 0, "{left:?}");
    assert_eq!(store.store.list_uploads("").await.unwrap(), []);
}

/// Found out, so that operators are told, and nobody has to know it.
pub(crate) async fn lost_tags_are_noticed(site: &Site, traits: &Traits) {
    let store = open(site).await.store;
    let found = [probe::put_tags(&*store, "").await.unwrap(), probe::upload_tags(&*store, "").await.unwrap()];
    assert_eq!(found.map(|found| found == Rule::Kept), traits.tags);
}

pub(crate) async fn readiness_knows_good_credentials(site: &Site, traits: &Traits) {
    let app = site.server().await;
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let app = site
        .server_with(|settings| {
            settings.store.secret_access_key = Some("somebody else's".to_owned().into());
            // Else it would not be ready for want of an answer to the probes.
            settings.uploads.checksum = match traits.checksum {
                ChecksumKind::Crc64Nvme => ChecksumSetting::Crc64Nvme,
                _ => ChecksumSetting::Md5,
            };
        })
        .await;
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("store_denied"), "{}", answer.text());
    app.try_create(file("a.bin", 100)).await.refused(ErrorCode::StoreDenied);
    // What was begun before the credentials were changed.
    let begun = site.server().await;
    for size in [10, 100] {
        let upload = begun.begin("a.bin", size).await;
        let sent = upload.send_all().await;
        let stranger = Upload::new(&app, upload.grant.clone(), upload.bytes.clone());
        stranger.try_list().await.refused(ErrorCode::StoreDenied);
        stranger.try_complete(&stranger.completion(&sent)).await.refused(ErrorCode::StoreDenied);
        stranger.abort().await.refused(ErrorCode::StoreDenied);
        upload.complete(&sent).await;
    }
    let nowhere = site
        .server_with(|settings| {
            settings.store.bucket = Some("no-such-bucket".to_owned());
            settings.uploads.checksum = ChecksumSetting::Md5;
        })
        .await;
    assert_eq!(nowhere.get("/readyz").await.status, 503);
    nowhere.try_create(file("a.bin", 100)).await.refused(ErrorCode::StoreDenied);
}

pub(crate) async fn sweeping_leaves_nothing(site: &Site, _: &Traits) {
    let app = site.server().await;
    let done = app.begin("done.bin", 100).await;
    done.finish().await;
    for n in 0..5 {
        app.begin(&format!("{n}.bin"), PART + 1).await.send([2]).await;
    }
    let store = open(site).await;
    let young = sweep(&store, Sweeping::Everything, Mode::Remove, Duration::from_secs(3_600), |_, _| {
        panic!("it is young")
    })
    .await
    .unwrap();
    assert!(young.seen >= 5, "{young:?}");
    let swept =
        sweep(&store, Sweeping::Everything, Mode::Remove, Duration::ZERO, |_, error| assert_eq!(error, None))
            .await
            .unwrap();
    assert_eq!((swept.removed, swept.failed), (swept.seen, 0), "{swept:?}");
    assert_eq!(store.store.list_uploads("").await.unwrap(), []);
    done.assert_stored().await;
}
