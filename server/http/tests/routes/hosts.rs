//! A store of several names: the parts of a file, and small files, are spread over them.

use std::collections::BTreeMap;

use partway_server::config::Settings;

use crate::support::*;

/// Both names of the one port that the embedded store listens on, whichever that turns out to be.
fn two_names(settings: &mut Settings) {
    settings.store.endpoints = ["http://127.0.0.1:0", "http://localhost:0"].map(str::to_owned).into();
}

fn host(put: &SignedPut) -> &str {
    let host = put.url.strip_prefix("http://").unwrap();
    host.split([':', '/']).next().unwrap()
}

#[tokio::test]
async fn parts_are_signed_for_the_names_in_turn() {
    let app = TestApp::with(two_names).await;
    let upload = app.begin("film.mp4", 2 * PART + 7).await;
    assert_eq!(upload.grant.hosts, 2);
    let signed = upload.sign([2, 3, 1]).await;
    assert_eq!(signed.iter().map(host).collect::<Vec<_>>(), ["localhost", "127.0.0.1", "127.0.0.1"]);
    let completed = upload.finish().await;
    assert!(completed.location.starts_with(&app.store_origin), "{}", completed.location);
    assert!(app.store_origin.starts_with("http://127.0.0.1:"), "{}", app.store_origin);

    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", PART + 1).await;
    assert_eq!(upload.grant.hosts, 1);
    assert!(upload.sign([1, 2]).await.iter().all(|put| put.url.starts_with(&app.store_origin)));
}

#[tokio::test]
async fn small_files_are_spread_evenly() {
    let app = TestApp::with(|settings| {
        two_names(settings);
        settings.uploads.checksum = ChecksumSetting::None;
    })
    .await;
    let grants: Vec<_> =
        app.create((0..500).map(|_| file("a.bin", 3)).collect()).await.into_iter().map(accepted).collect();
    let mut spread = BTreeMap::new();
    for grant in &grants {
        *spread.entry(host(&grant.parts[0])).or_insert(0) += 1;
    }
    assert_eq!(spread, BTreeMap::from([("127.0.0.1", 250), ("localhost", 250)]));
    // Signed again, a file goes to another name than before, in case that one is to blame.
    let upload = Upload::new(&app, grants[0].clone(), noise(3, 1));
    let again = [upload.sign([1]).await.remove(0), upload.sign([1]).await.remove(0)];
    assert_ne!(host(&again[0]), host(&again[1]));
    for put in again {
        assert_eq!(put_bytes(&app.http, &put, &upload.bytes).await.status, 200, "{}", put.url);
    }
    upload.finish().await;
}

#[tokio::test]
async fn the_page_may_reach_every_name() {
    let app = TestApp::with(two_names).await;
    let page = app.get("/").await;
    let policy = page.header("content-security-policy").unwrap();
    let port = app.store_origin.rsplit(':').next().unwrap();
    let names = format!("connect-src 'self' http://127.0.0.1:{port} http://localhost:{port};");
    assert!(policy.contains(&names), "{policy}");
}
