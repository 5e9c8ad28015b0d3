//! Small files as forms, which a page may send without a preflight: held to what they were signed
//! for as strictly as PUTs are.

use std::time::Duration;

use partway_server::config::Settings;

use crate::support::*;

/// The grant of a file whose checksum comes along, under limits that both sides know.
async fn granted<'a>(app: &'a TestApp, kind: ChecksumKind, asked: NewUpload, bytes: Vec<u8>) -> Upload<'a> {
    let checksums = checksum(kind, &bytes).into_iter().collect();
    app.begin_as(NewUpload { checksums, ..asked }, bytes).await
}

async fn of_kind(kind: ChecksumKind) -> TestApp {
    let setting = match kind {
        ChecksumKind::Crc64Nvme => ChecksumSetting::Crc64Nvme,
        ChecksumKind::Md5 => ChecksumSetting::Md5,
        ChecksumKind::None => ChecksumSetting::None,
    };
    TestApp::with(|settings| settings.uploads.checksum = setting).await
}

fn form_of<'a>(upload: &'a Upload<'_>) -> Option<&'a SignedPut> {
    upload.grant.parts.first().filter(|put| put.form.is_some())
}

const KINDS: [ChecksumKind; 3] = [ChecksumKind::Crc64Nvme, ChecksumKind::Md5, ChecksumKind::None];

#[tokio::test]
async fn a_small_file_goes_as_a_form() {
    for kind in KINDS {
        let app = of_kind(kind).await;
        for size in [0, 1, 64] {
            let page =
                NewUpload { content_type: Some("text/html".to_owned()), ..file("\u{5199} (1).html", 0) };
            let upload = granted(&app, kind, page, noise(size, 1)).await;
            let put = form_of(&upload).unwrap();
            assert_eq!(put.url, format!("{}/{BUCKET}", app.store_origin));
            assert!(put.headers.is_empty(), "a header of its own would cost a preflight");
            let answer = post_form(&app.http, put, &upload.bytes).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert!(
                answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase().contains("etag")
            );
            let etag = ETag::new(answer.header("etag").unwrap());
            let text = answer.text();
            for element in [
                format!("<Bucket>{BUCKET}</Bucket>"),
                format!("<Key>{}</Key>", put.form.as_ref().unwrap()["key"]),
                "<Location>".to_owned(),
                etag.as_str().to_owned(),
            ] {
                assert!(text.contains(&element), "{element} is not in {text}");
            }
            let completed = upload.complete(&[CompletedPart { part_number: number(1), etag }]).await;
            assert_eq!((completed.size, completed.verified), (size as u64, kind));
            upload.assert_stored().await;
            let head = app.store.head_object().bucket(BUCKET).key(&completed.key).send().await.unwrap();
            assert_eq!(
                head.content_type.as_deref(),
                Some("text/html"),
                "not the type that the file's part says"
            );
            assert!(head.content_disposition.unwrap().starts_with("attachment"));
        }
    }
}

#[tokio::test]
async fn a_form_takes_exactly_what_it_was_signed_for() {
    for kind in KINDS {
        let app = of_kind(kind).await;
        let upload = granted(&app, kind, file("a.bin", 0), noise(10, 1)).await;
        let put = form_of(&upload).unwrap();
        let mut altered = upload.bytes.clone();
        altered[5] ^= 1;
        let longer = [&upload.bytes[..], b"x"].concat();
        for (body, code) in [
            (&altered[..], "BadDigest"),
            (&longer, "EntityTooLarge"),
            (&upload.bytes[1..], "EntityTooSmall"),
            (b"", "EntityTooSmall"),
        ] {
            if code == "BadDigest" && kind == ChecksumKind::None {
                continue;
            }
            let answer = post_form(&app.http, put, body).await;
            assert_eq!(answer.status, 400, "{code}: {}", answer.text());
            assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{}", answer.text());
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "the page can read why");
        }
        let mut forgeries = vec![
            ("key", "admin/config".to_owned()),
            ("Content-Type", "text/html".to_owned()),
            ("success_action_status", "204".to_owned()),
            ("x-amz-meta-owner", "eve".to_owned()),
            ("acl", "public-read".to_owned()),
            ("success_action_redirect", "https://evil.example".to_owned()),
            ("x-amz-date", "20990101T000000Z".to_owned()),
            ("x-amz-signature", "0".repeat(64)),
        ];
        match kind {
            ChecksumKind::Crc64Nvme => {
                forgeries.push(("x-amz-checksum-crc64nvme", Crc64Nvme::of(&altered).to_string()));
            }
            ChecksumKind::Md5 => {
                forgeries.push(("Content-MD5", Checksum::from(Md5::of(&altered)).to_string()));
            }
            ChecksumKind::None => {}
        }
        for (field, value) in forgeries {
            let mut forged = put.clone();
            forged.form.as_mut().unwrap().insert(field.to_owned(), value);
            let body =
                if field.contains("MD5") || field.contains("crc64") { &altered } else { &upload.bytes };
            let answer = post_form(&app.http, &forged, body).await;
            assert!((400..404).contains(&answer.status), "{field}: {} {}", answer.status, answer.text());
        }
        // Nor may any of them be left out.
        for field in put.form.as_ref().unwrap().keys() {
            let mut shorn = put.clone();
            shorn.form.as_mut().unwrap().remove(field);
            let answer = post_form(&app.http, &shorn, &upload.bytes).await;
            assert!((400..404).contains(&answer.status), "{field}: {} {}", answer.status, answer.text());
        }
        assert!(!app.exists(&upload.grant.key).await && !app.exists("admin/config").await);
        assert_eq!(post_form(&app.http, put, &upload.bytes).await.status, 201, "the form is still good");
    }
}

/// The policy's own time, since no test waits for a second to pass.
#[tokio::test]
async fn a_form_expires() {
    use partway_s3::signing::{Hosts, Presigner, PutTerms};
    use partway_server::embedded_secrets::ACCESS_KEY_ID;
    use secrecy::ExposeSecret as _;

    let app = TestApp::start().await;
    let credentials = aws_credential_types::Credentials::new(
        ACCESS_KEY_ID,
        app.secret_access_key().expose_secret(),
        None,
        None,
        "test",
    );
    let hosts = Hosts::new(std::slice::from_ref(&app.store_origin), BUCKET, true).unwrap();
    let minute = Duration::from_secs(60);
    for (age, status) in [(2 * minute, 403), (Duration::ZERO, 201)] {
        let now = std::time::SystemTime::now() - age;
        let presigner = Presigner::new(&hosts, "us-east-1", &credentials, minute, now);
        let terms = PutTerms { content_length: 5, ..PutTerms::default() };
        let form = presigner.form("a", &terms).unwrap();
        let put = SignedPut {
            part_number: number(1),
            url: form.url,
            headers: Default::default(),
            form: Some(form.fields),
            expires_in: 60,
        };
        let answer = post_form(&app.http, &put, b"hello").await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_client_whose_form_failed_gets_a_put() {
    let app = TestApp::start().await;
    let upload = granted(&app, ChecksumKind::Crc64Nvme, file("a.bin", 0), noise(10, 1)).await;
    assert!(form_of(&upload).is_some());
    let put = upload.sign([1]).await.remove(0);
    assert_eq!(put.form, None);
    assert_eq!(put_bytes(&app.http, &put, &upload.bytes).await.status, 200);
    upload.finish().await;
}

#[tokio::test]
async fn who_gets_no_form() {
    let without = |change: fn(&mut Settings)| {
        TestApp::with(move |settings| {
            settings.uploads.checksum = ChecksumSetting::None;
            change(settings);
        })
    };
    let off = without(|settings| settings.store.post_forms = Some(false)).await;
    let small = without(|settings| settings.uploads.form_max = bytesize::ByteSize::b(9)).await;
    let odd = without(|settings| settings.uploads.key_prefix = "${filename}/".to_owned()).await;
    for (app, size, why) in [
        (&off, 9, "the store takes none"),
        (&small, 10, "it is too large"),
        (&small, 65, "it goes in parts"),
        (&odd, 9, "a form would change its key"),
    ] {
        let upload = app.begin("a.bin", size).await;
        assert_eq!(upload.grant.parts.len(), 1);
        assert_eq!(form_of(&upload), None, "{why}");
        upload.finish().await;
    }
    assert!(form_of(&small.begin("a.bin", 9).await).is_some());
    // And who has not said the checksum yet gets nothing at once.
    let checked = TestApp::start().await;
    assert_eq!(checked.begin("a.bin", 9).await.grant.parts, []);
}
