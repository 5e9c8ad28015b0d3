//! Uploads that end well.

use crate::stores::{Site, Traits};
use crate::support::*;

pub(crate) async fn files_of_all_sizes_arrive(site: &Site, traits: &Traits) {
    let app = site.server().await;
    for size in [0, 1, 63, 64, 65, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7] {
        let upload = app.begin("film.mp4", size).await;
        assert_eq!(upload.grant.checksum, traits.checksum);
        let completed = upload.finish().await;
        assert_eq!((completed.size, completed.verified), (size as u64, traits.checksum), "{size} bytes");
        assert_eq!(completed.part_count, upload.plan.part_count());
        assert!(!completed.etag.is_empty(), "{size} bytes");
        let again = upload.listed().await.completed.expect("it is complete");
        assert_eq!(again, completed, "whoever comes back learns the same");
    }
}

pub(crate) async fn many_small_files_arrive(site: &Site, traits: &Traits) {
    let app = site.server_with(|settings| settings.store.post_forms = Some(traits.forms)).await;
    let file_of = |n: u64| {
        let bytes = noise(40, n + 1);
        NewUpload {
            checksums: checksum(traits.checksum, &bytes).into_iter().collect(),
            ..file(&format!("{n}.jpg"), 40)
        }
    };
    let created = app.create((0..50).map(file_of).collect()).await;
    for (n, created) in created.into_iter().enumerate() {
        let grant = accepted(created);
        let put = grant.parts[0].clone();
        let bytes = noise(40, n as u64 + 1);
        let answer = if put.form.is_some() {
            post_form(&app.http, &put, &bytes).await
        } else {
            put_bytes(&app.http, &put, &bytes).await
        };
        assert!(answer.status / 100 == 2, "{}: {}", answer.status, answer.text());
        assert_eq!(put.form.is_some(), traits.forms);
        let etag = ETag::new(answer.header("etag").unwrap());
        let upload = Upload::new(&app, grant, bytes);
        upload.complete(&[CompletedPart { part_number: number(1), etag }]).await;
        upload.assert_stored().await;
    }
}

pub(crate) async fn an_upload_goes_on_at_another_replica(site: &Site, _: &Traits) {
    let (one, two) = (site.server().await, site.server().await);
    let begun = one.begin("film.mp4", 3 * PART + 1).await;
    begun.send([2, 4]).await;
    one.stop().await;
    let taken_over = Upload::new(&two, begun.grant.clone(), begun.bytes.clone());
    let stored: Vec<_> = taken_over.list().await.iter().map(|part| part.part_number.get()).collect();
    assert_eq!(stored, [2, 4]);
    let completed = taken_over.finish().await;
    let parts: Vec<_> = Vec::new();
    // Its answer may have been lost; asked again with nothing, it is still an error of the asker's.
    taken_over.try_complete(&CompleteUpload { parts, checksum: None }).await.refused(ErrorCode::PartMissing);
    assert_eq!(taken_over.listed().await.completed, Some(completed));
}

pub(crate) async fn names_do_no_harm(site: &Site, _: &Traits) {
    let app = site.server().await;
    for name in [
        "../../etc/passwd",
        "..",
        ".",
        "a/b\\c",
        "Ferien am Meer (2).jpg",
        "写真 🏝.png",
        "a+b c%20d&e=f.txt",
        "con\u{0}trol\r\nset-cookie: x",
        "\u{202e}gpj.exe",
        "${filename}",
        "'\"<script>.html",
        &"ä".repeat(2_000),
    ] {
        for size in [10, 100] {
            app.begin(name, size).await.finish().await;
        }
    }
}

pub(crate) async fn an_aborted_upload_is_gone(site: &Site, _: &Traits) {
    let app = site.server().await;
    let upload = app.begin("film.mp4", PART + 1).await;
    let sent = upload.send_all().await;
    assert_eq!(upload.abort().await.status, 204);
    assert_eq!(upload.abort().await.status, 204, "twice is once");
    app.get(&upload.path("/parts")).await.refused(ErrorCode::UploadGone);
    upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::UploadGone);
    assert!(!app.exists(&upload.grant.key).await);
    let done = app.begin("film.mp4", 100).await;
    done.finish().await;
    done.abort().await.refused(ErrorCode::AlreadyCompleted);
    assert!(app.exists(&done.grant.key).await);
    let single = app.begin("note.txt", 5).await;
    single.send_all().await;
    assert_eq!(single.abort().await.status, 204);
    assert!(!app.exists(&single.grant.key).await);
}
