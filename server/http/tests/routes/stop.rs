//! The end of a server: what was begun is answered.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_are_answered() {
    let behind = TestApp::start().await;
    let (reached, is_reached) = channel();
    let (release, released) = channel::<()>();
    let (reached, released) = (Mutex::new(reached), Mutex::new(released));
    let lax = LaxStore::before(&behind, move |request, header| {
        if header == "host" && request.method() == "POST" {
            reached.lock().unwrap().send(()).unwrap();
            // It is over once the test lets go of its end.
            let _ = released.lock().unwrap().recv();
        }
        Manners::Keeps
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;
    let (http, url) = (app.http.clone(), app.url.clone());
    let files = CreateUploads { files: vec![file("a.bin", 100)] };
    let under_way =
        tokio::spawn(async move { Answer::to(http.post(format!("{url}/v1/uploads")).json(&files)).await });
    tokio::task::spawn_blocking(move || is_reached.recv().unwrap()).await.unwrap();

    let stopped = tokio::spawn(app.stop());
    // It no longer listens, and has not dropped what it was asked.
    let refused =
        async { while reqwest::Client::new().get(format!("{}/healthz", app.url)).send().await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), refused).await.expect("it stops listening");
    assert!(!under_way.is_finished());
    drop(release);
    let created: CreatedUploads = under_way.await.unwrap().is(201);
    accepted(created.uploads.into_iter().next().unwrap());
    stopped.await.unwrap();
}
