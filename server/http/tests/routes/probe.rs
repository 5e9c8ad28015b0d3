//! What the server finds out of its store at the start, and how it goes on from there: before the
//! embedded store, which verifies everything, and before stores that do not.

use std::time::Duration;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpRequest, HttpResponse};
use partway_s3::http_client::HttpClient;
use partway_s3::probe::{self, Check, PresignedClient, Rule};
use partway_s3::store::StoreError;
use partway_server::stores::OpenStores;

use crate::support::*;

/// The server of a store that is as lax as this.
async fn app_before(lax: &LaxStore, behind: &TestApp) -> TestApp {
    TestApp::with(before(&lax.endpoint, behind.secret_access_key())).await
}

/// No key and no upload is left of what was tried.
async fn assert_tidy(behind: &TestApp) {
    assert_eq!(behind.keys_below(".partway/").await, [""; 0]);
    let open = behind.open_uploads().await;
    assert!(open.iter().all(|key| !key.contains(".partway/")), "{open:?}");
}

fn is_crc64_nvme(header: &str) -> bool {
    header.starts_with("x-amz-checksum-") || header == "x-amz-sdk-checksum-algorithm"
}

fn is_completion(request: &HttpRequest) -> bool {
    request.method() == "POST" && request.query_string().contains("uploadId=")
}

fn is_part(request: &HttpRequest) -> bool {
    request.query_string().contains("partNumber=")
}

#[tokio::test]
async fn each_property_is_seen_for_itself() {
    use Check::{Ignored, Unreported, Verified};
    let behind = TestApp::start().await;
    let unsupported = |answer: &Check| matches!(answer, Check::Unsupported(_));
    let all = async |decide: fn(&HttpRequest, &str) -> Manners| {
        let lax = LaxStore::before(&behind, decide);
        let app = app_before(&lax, &behind).await;
        probe::access(&*app.s3, "").await.unwrap();
        let found = [
            probe::put_crc64nvme(&*app.s3, "").await,
            probe::part_crc64nvme(&*app.s3, "").await,
            probe::object_crc64nvme(&*app.s3, "").await,
            probe::put_md5(&*app.s3, "").await,
            probe::part_md5(&*app.s3, "").await,
        ];
        assert_tidy(&behind).await;
        found.map(Result::unwrap)
    };
    assert_eq!(all(|_, _| Manners::Keeps).await, [Verified, Verified, Verified, Verified, Verified]);
    let found = all(|_, header| if is_crc64_nvme(header) { Manners::Ignores } else { Manners::Keeps }).await;
    assert_eq!(found, [Ignored, Ignored, Ignored, Verified, Verified]);
    let found =
        all(|_, header| if header == "content-md5" { Manners::Ignores } else { Manners::Keeps }).await;
    assert_eq!(found, [Verified, Verified, Verified, Ignored, Ignored]);
    let found = all(|request, header| match header {
        header if is_crc64_nvme(header) && is_completion(request) => Manners::Ignores,
        "content-md5" if is_part(request) => Manners::Ignores,
        _ => Manners::Keeps,
    })
    .await;
    assert_eq!(found, [Verified, Verified, Ignored, Verified, Ignored]);
    let found = all(|_, header| match header {
        "x-amz-checksum-mode" => Manners::Ignores,
        _ => Manners::Keeps,
    })
    .await;
    assert_eq!(found, [Unreported, Verified, Unreported, Verified, Verified]);
    let found = all(|_, header| match header {
        header if is_crc64_nvme(header) && header != "x-amz-checksum-mode" => Manners::Refuses(501),
        "content-md5" => Manners::Refuses(400),
        _ => Manners::Keeps,
    })
    .await;
    assert!(found.iter().all(unsupported), "{found:?}");
}

#[tokio::test]
async fn a_store_that_verifies_is_believed() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, _| Manners::Keeps);
    let app = app_before(&lax, &behind).await;
    for size in [10, 100] {
        let upload = app.begin("a.bin", size).await;
        assert_eq!(upload.grant.checksum, ChecksumKind::Crc64Nvme);
        assert_eq!(upload.finish().await.verified, ChecksumKind::Crc64Nvme);
    }
    assert_tidy(&behind).await;
}

#[tokio::test]
async fn md5s_take_the_place_of_checksums_that_are_ignored() {
    let behind = TestApp::start().await;
    for refuses in [false, true] {
        let lax = LaxStore::before(&behind, move |_, header| match header {
            header if !is_crc64_nvme(header) || header == "x-amz-checksum-mode" => Manners::Keeps,
            _ if refuses => Manners::Refuses(501),
            _ => Manners::Ignores,
        });
        let app = app_before(&lax, &behind).await;
        for size in [10, PART + 1] {
            let upload = app.begin("a.bin", size).await;
            assert_eq!(upload.grant.checksum, ChecksumKind::Md5);
            let put = upload.sign([1]).await.remove(0);
            let mut altered = upload.piece(1).to_vec();
            altered[0] ^= 1;
            assert_eq!(put_bytes(&app.http, &put, &altered).await.status, 400);
            assert_eq!(upload.finish().await.verified, ChecksumKind::Md5);
        }
        assert_tidy(&behind).await;
    }
}

#[tokio::test]
async fn where_nothing_is_verified_nothing_is_claimed() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, header| {
        if is_crc64_nvme(header) || header == "content-md5" { Manners::Ignores } else { Manners::Keeps }
    });
    let app = app_before(&lax, &behind).await;
    for size in [10, 100] {
        let upload = app.begin("a.bin", size).await;
        assert_eq!(upload.grant.checksum, ChecksumKind::None);
        assert_eq!(upload.finish().await.verified, ChecksumKind::None);
    }
    // Nor where the configuration is more trusting than the store deserves.
    let trusting = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.checksum = ChecksumSetting::Crc64Nvme;
    })
    .await;
    for size in [10, 100] {
        let upload = trusting.begin("a.bin", size).await;
        assert_eq!(upload.grant.checksum, ChecksumKind::Crc64Nvme);
        let completed = upload.finish().await;
        assert_eq!((completed.verified, completed.checksum), (ChecksumKind::None, None));
    }
}

#[tokio::test]
async fn a_probe_stays_below_the_prefix() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |request, _| {
        let path = request.uri().path();
        if path.starts_with("/uploads/in/") { Manners::Keeps } else { Manners::Refuses(403) }
    });
    let app = TestApp::with(|settings| {
        before(&lax.endpoint, behind.secret_access_key())(settings);
        settings.uploads.key_prefix = "in/".to_owned();
    })
    .await;
    assert_eq!(app.begin("a.bin", 10).await.grant.checksum, ChecksumKind::Crc64Nvme);
}

/// Nothing is assumed of a store that does not answer, and nothing has to be done once it does.
#[tokio::test]
async fn a_store_that_is_away_at_the_start_is_asked_again() {
    let behind = TestApp::start().await;
    for (status, code) in [(503, ErrorCode::StoreUnavailable), (403, ErrorCode::StoreDenied)] {
        let is_away = Arc::new(AtomicBool::new(true));
        let away = Arc::clone(&is_away);
        let lax = LaxStore::before(&behind, move |_, _| {
            if away.load(Ordering::Relaxed) { Manners::Refuses(status) } else { Manners::Keeps }
        });
        let app = app_before(&lax, &behind).await;
        let files = CreateUploads { files: vec![file("a.bin", 10)] };
        app.post("/v1/uploads", &files).await.refused(code);
        assert_eq!(app.get("/healthz").await.status, 200, "the server itself is well");
        let found = probe::access(&*app.s3, "").await.unwrap_err();
        let expected = if status == 403 {
            matches!(found, StoreError::Denied(_))
        } else {
            matches!(found, StoreError::Unavailable { .. })
        };
        assert!(expected, "{found}");

        is_away.store(false, Ordering::Relaxed);
        let asked = tokio::time::timeout(std::time::Duration::from_secs(60), async {
            while app.post("/v1/uploads", &files).await.status != 201 {}
        });
        asked.await.expect("the server asks again by itself");
        assert_eq!(app.begin("a.bin", 10).await.grant.checksum, ChecksumKind::Crc64Nvme);
        assert_tidy(&behind).await;
    }
}

/// Ceph's gateway passes over the `Content-MD5` of a form, so that a form would be checked by nobody.
#[tokio::test]
async fn a_form_is_tried_out_for_all_that_it_says() {
    const ETAG: &str = "<PostResponse><ETag>9b2cf535f27731c974343645a3985328</ETag></PostResponse>";
    // The file, once: the body that was signed for.
    fn as_long_as_signed(form: &str) -> (u16, &'static str) {
        if form.matches("Partway tries out").count() == 1 { (201, ETAG) } else { (400, "") }
    }
    let found = async |checksum, respond: fn(&str) -> (u16, &'static str)| {
        let store = Peer::start(move |call| {
            let (status, body) = respond(&String::from_utf8_lossy(&call.body));
            HttpResponse::build(status.try_into().unwrap()).body(body)
        });
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        before(&store.url, "a secret that nobody checks".to_owned().into())(&mut settings);
        let open = OpenStores::open(&settings).await.unwrap();
        let bucket = &open.buckets[0];
        let (credentials, http) =
            (bucket.credentials.get().await.unwrap(), HttpClient::new(Duration::from_secs(20)).unwrap());
        probe::form(PresignedClient::of(bucket, &credentials, &http), checksum).await.unwrap()
    };
    for (checksum, respond, rule) in [
        (ChecksumKind::Md5, (|_| (405, "")) as fn(&str) -> _, Rule::Unsupported("405".to_owned())),
        (ChecksumKind::Md5, |_| (204, ""), Rule::Broken("the answer names no ETag")),
        (ChecksumKind::Md5, |_| (201, ETAG), Rule::Broken("a longer file is accepted")),
        (ChecksumKind::Md5, as_long_as_signed, Rule::Broken("a file with another checksum is accepted")),
        (ChecksumKind::None, as_long_as_signed, Rule::Kept),
    ] {
        assert_eq!(found(checksum, respond).await, rule);
    }
}

#[tokio::test]
async fn forms_are_given_where_they_are_held_to_their_terms() {
    let behind = TestApp::start().await;
    let takes_none = LaxStore::before(&behind, |request, _| {
        let is_form = request
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.to_str().unwrap().starts_with("multipart/form-data"));
        if is_form { Manners::Refuses(405) } else { Manners::Keeps }
    });
    for (endpoint, are_given) in [(&behind.store_origin, true), (&takes_none.endpoint, false)] {
        let app = TestApp::with(|settings| {
            before(endpoint, behind.secret_access_key())(settings);
            settings.store.post_forms = Some(true);
            // First URLs come with the grant where both sides plan alike.
            settings.uploads = <_>::default();
        })
        .await;
        let bytes = noise(10, 1);
        let known = NewUpload { checksums: vec![Crc64Nvme::of(&bytes).into()], ..file("a.bin", 0) };
        let upload = app.begin_as(known, bytes).await;
        assert_eq!(upload.grant.parts[0].form.is_some(), are_given);
        upload.finish().await;
        assert_tidy(&behind).await;
    }
}
