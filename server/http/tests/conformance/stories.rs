//! Uploads that end well.

use futures_util::stream::{self, StreamExt as _};
use partway_s3::store::UploadRef;
use partway_server::config::DestinationConfig;
use partway_server::policy::KeyTemplate;

use crate::stores::{Site, Traits};
use crate::support::upload::put_request;
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
    let app = site.server_with(|settings| settings.store.post_forms = Some(true)).await;
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
        assert_eq!(put.form.is_some(), traits.forms);
        let mut altered = bytes.clone();
        altered[7] ^= 1;
        let answer = send_small(&app, &put, &altered).await;
        assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text());
        let answer = send_small(&app, &put, &bytes).await;
        assert!(answer.status / 100 == 2, "{}: {}", answer.status, answer.text());
        let etag = ETag::new(answer.header("etag").expect("an ETag"));
        let upload = Upload::new(&app, grant, bytes);
        upload.complete(&[CompletedPart { part_number: number(1), etag }]).await;
        upload.assert_stored().await;
    }
}

async fn send_small(app: &TestApp, put: &SignedPut, bytes: &[u8]) -> Answer {
    if put.form.is_some() {
        post_form(&app.http, put, bytes).await
    } else {
        put_bytes(&app.http, put, bytes).await
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
    // Its answer may have been lost; asked again with nothing, it is still an error of the asker's.
    taken_over.try_complete(&taken_over.completion(&[])).await.refused(ErrorCode::PartMissing);
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

pub(crate) async fn an_aborted_upload_is_gone(site: &Site, traits: &Traits) {
    let app = site.server().await;
    let upload = app.begin("film.mp4", PART + 1).await;
    let sent = upload.send_all().await;
    assert_eq!(upload.abort().await.status, 204);
    assert_eq!(upload.abort().await.status, 204, "twice is once");
    upload.try_list().await.refused(ErrorCode::UploadGone);
    upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::UploadGone);
    assert!(!app.exists(&upload.grant.key).await);
    let done = app.begin("film.mp4", 100).await;
    done.finish().await;
    done.abort().await.refused(ErrorCode::AlreadyCompleted);
    assert!(app.exists(&done.grant.key).await);
    let single = app.begin("note.txt", 5).await;
    assert_eq!(single.abort().await.status, 204, "nothing is there yet");
    let is_direct = !is_staged(&single.sign([1]).await[0]);
    assert_eq!(is_direct, traits.direct);
    single.send_all().await;
    if is_direct {
        single.abort().await.refused(ErrorCode::AlreadyCompleted);
    } else {
        assert_eq!(single.abort().await.status, 204);
        assert_eq!(single.listed().await, ListedParts { parts: Vec::new(), completed: None });
        assert!(!app.exists(&single.grant.key).await);
    }
}

/// Whatever the store keeps of conditions: what is complete is neither replaced nor removed.
pub(crate) async fn completed_objects_are_final(site: &Site, traits: &Traits) {
    let sniffing = DestinationConfig { sniff: true, ..DestinationConfig::default() };
    let any =
        || NewUpload { content_type: Some("application/x-unheard-of".to_owned()), ..file("note.txt", 0) };
    let straight = site.server().await;
    let by_way =
        site.server_with(|settings| drop(settings.destinations.insert("default".to_owned(), sniffing))).await;
    // What earlier stories were refused waits for the sweep.
    let before = by_way.keys_below(".partway/incoming/").await;
    for (app, is_direct) in [(&straight, traits.direct), (&by_way, false)] {
        let upload = app.begin_as(any(), noise(10, 1)).await;
        let put = upload.sign([1]).await.remove(0);
        assert_eq!(is_staged(&put), !is_direct);
        let sent = upload.send_all().await;
        assert_eq!(app.exists(&upload.grant.key).await, is_direct, "what nobody completed is not at its key");
        let (one, two) = tokio::join!(upload.complete(&sent), upload.complete(&sent));
        assert_eq!(one, two);
        let status = put_bytes(&app.http, &put, &upload.bytes).await.status;
        assert_eq!(status, if is_direct { 412 } else { 200 });
        assert_eq!(upload.complete(&sent).await, one);
        upload.try_sign([1]).await.refused(ErrorCode::AlreadyCompleted);
        upload.abort().await.refused(ErrorCode::AlreadyCompleted);
        assert_eq!(upload.listed().await.completed, Some(one));
        upload.assert_stored().await;
    }
    assert_eq!(by_way.keys_below(".partway/incoming/").await, before);
}

/// Stores keep them, and this is none of what was signed.
pub(crate) async fn unsigned_headers_are_not_stored(site: &Site, traits: &Traits) {
    let app = site.server().await;
    let upload = app.begin("note.txt", 10).await;
    let put = upload.sign([1]).await.remove(0);
    let request = put_request(&app.http, &put, &upload.bytes).header("content-encoding", "gzip");
    let answer = Answer::to(request.header("content-language", "de")).await;
    if answer.status == 200 {
        let etag = ETag::new(answer.header("etag").unwrap());
        let completion = upload.completion(&[CompletedPart { part_number: number(1), etag }]);
        let completed = upload.try_complete(&completion).await;
        if traits.direct {
            completed.refused(ErrorCode::ContentMismatch);
            assert!(!app.exists(&upload.grant.key).await);
            return;
        }
        assert!(completed.is_done(), "{completed:?}");
        let head = app.store.head_object().bucket(BUCKET).key(&upload.grant.key).send().await.unwrap();
        assert_eq!((head.content_encoding(), head.content_language()), (None, None));
    }
}

/// The hook is told until it has answered, and then no more.
pub(crate) async fn an_application_is_told_once(site: &Site, _: &Traits) {
    let application = Peer::start(|_| actix_web::HttpResponse::NoContent().finish());
    let url = format!("{}/after", application.url);
    let app = site
        .server_with(|settings| {
            settings.hooks.after_complete = Some(url);
            settings.hooks.secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into());
        })
        .await;
    for (told, size) in [10, PART + 1].into_iter().enumerate() {
        let upload = app.begin("note.txt", size).await;
        let sent = upload.send_all().await;
        let completed = upload.complete(&sent).await;
        assert_eq!(upload.complete(&sent).await, completed);
        assert_eq!(upload.listed().await.completed, Some(completed));
        assert_eq!(application.calls().len(), told + 1);
    }
}

pub(crate) async fn several_are_completed_in_one_call(site: &Site, _: &Traits) {
    let app = site.server().await;
    let mut uploads = Vec::new();
    for size in [0, 50, 100, PART + 1] {
        uploads.push(app.begin("a.bin", size).await);
    }
    let mut request = CompleteUploads { uploads: Vec::new() };
    for upload in &uploads {
        request.uploads.push(upload.completion(&upload.send_all().await));
    }
    request.uploads[1].parts[0].etag = ETag::new("0");
    for _ in 0..2 {
        let completed: CompletedUploads = app.post("/v1/uploads/complete", &request).await.is(200);
        for (n, completion) in completed.uploads.iter().enumerate() {
            match completion {
                Completion::Completed(completed) if n != 1 => {
                    assert_eq!(completed.key, uploads[n].grant.key);
                    uploads[n].assert_stored().await;
                }
                Completion::Refused(problem) if n == 1 => assert_eq!(problem.code, ErrorCode::PartMismatch),
                other => panic!("{n}: {other:?}"),
            }
        }
    }
}

/// Signed into URLs and said at the beginning of uploads in parts, and so in what is stored.
pub(crate) async fn objects_have_what_their_destination_says(site: &Site, traits: &Traits) {
    let pairs = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let config = DestinationConfig {
        metadata: pairs("app", "demo; v=1"),
        cache_control: Some("private, max-age=60".to_owned()),
        tags: if traits.tags[0] { pairs("kind", "raw") } else { <_>::default() },
        ..DestinationConfig::default()
    };
    let app =
        site.server_with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await;
    for (size, has_tags) in [(10, traits.tags[0]), (100, traits.tags[1])] {
        let page = NewUpload { content_type: Some("text/html".to_owned()), ..file("ä.html", 0) };
        let upload = app.begin_as(page, noise(size, 1)).await;
        upload.finish().await;
        let head = app.store.head_object().bucket(BUCKET).key(&upload.grant.key).send().await.unwrap();
        assert_eq!(head.content_type(), Some("text/html"));
        assert!(head.content_disposition().unwrap().starts_with("attachment"), "browsers would execute it");
        assert_eq!(head.cache_control(), Some("private, max-age=60"));
        assert_eq!(head.metadata().unwrap()["app"], "demo; v=1");
        if has_tags {
            let tagging = app.store.get_object_tagging().bucket(BUCKET).key(&upload.grant.key);
            let tags = tagging.send().await.unwrap().tag_set;
            assert_eq!((tags[0].key(), tags[0].value()), ("kind", "raw"));
        }
    }
}

pub(crate) async fn an_object_that_is_there_stays(site: &Site, traits: &Traits) {
    let config = DestinationConfig { key: KeyTemplate::parse("stays/{filename}").unwrap(), ..<_>::default() };
    let app =
        site.server_with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await;
    for size in [10, 100] {
        let name = format!("{size}.bin");
        let first = app.begin(&name, size).await;
        let second = app.begin_as(file(&name, 0), vec![7; size]).await;
        let sent = first.send_all().await;
        let completed = first.complete(&sent).await;
        if size == 100 {
            let sent = second.send_all().await;
            second.try_complete(&second.completion(&sent)).await.refused(ErrorCode::ObjectExists);
        } else if traits.direct {
            let put = second.sign([1]).await.remove(0);
            assert_eq!(put_bytes(&app.http, &put, second.piece(1)).await.status, 412);
        } else {
            let sent = second.send_all().await;
            second.try_complete(&second.completion(&sent)).await.refused(ErrorCode::ObjectExists);
        }
        assert_eq!(first.complete(&sent).await, completed, "twice is once");
        first.assert_stored().await;
        assert_eq!(refused(app.create(vec![file(&name, 1)]).await.remove(0)).code, ErrorCode::ObjectExists);
    }
}

pub(crate) async fn a_file_that_is_something_else_is_removed(site: &Site, _: &Traits) {
    let config = DestinationConfig { sniff: true, ..DestinationConfig::default() };
    let app =
        site.server_with(|settings| drop(settings.destinations.insert("default".to_owned(), config))).await;
    let named = |kind: &str| NewUpload { content_type: Some(kind.to_owned()), ..file("a.png", 0) };
    for size in [0, 50, PART + 1] {
        app.begin_as(named("application/x-unheard-of"), noise(size, 1)).await.finish().await;
        let page = b"<!DOCTYPE html>".iter().copied().chain(noise(size, 1)).collect();
        let upload = app.begin_as(named("image/png"), page).await;
        let sent = upload.send_all().await;
        upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::ContentMismatch);
        assert!(!app.exists(&upload.grant.key).await);
    }
}

/// A page of ListParts has 1,000.
pub(crate) async fn all_parts_are_listed_in_order(site: &Site, _: &Traits) {
    const PARTS: i32 = 1_005;
    let app = site.server().await;
    let key = "many-parts.bin";
    let begun = app.store.create_multipart_upload().bucket(BUCKET).key(key).send().await.unwrap();
    let upload_id = begun.upload_id.unwrap();
    // The last first, so that their order is the store's doing.
    let sent: Vec<_> = stream::iter((1..=PARTS).rev())
        .map(|part| {
            let request = app.store.upload_part().bucket(BUCKET).key(key).upload_id(&upload_id);
            request.part_number(part).body(vec![1; part as usize].into()).send()
        })
        .buffer_unordered(16)
        .collect()
        .await;
    assert!(sent.iter().all(Result::is_ok));
    let upload = UploadRef { key, upload_id: &upload_id };
    let listed = app.s3.list_parts(upload).await.unwrap();
    assert!(listed.iter().map(|part| part.part_number.get()).eq(1..=PARTS as u32), "{} parts", listed.len());
    assert!(listed.iter().map(|part| part.size).eq(1..=PARTS as u64));
    app.s3.abort_upload(upload).await.unwrap();
}
