//! Stores that verify no CRC64NVME: `Content-MD5` guards the parts, and ETags the whole.

use partway_server::config::{Settings, UploadsConfig};

use crate::support::*;

fn md5(settings: &mut Settings) {
    settings.uploads.checksum = ChecksumSetting::Md5;
}

#[tokio::test]
async fn a_file_is_verified_by_its_md5s() {
    let app = TestApp::with(md5).await;
    for size in [0, 10, 100, PART + 1] {
        let upload = app.begin("a.bin", size).await;
        assert_eq!(upload.grant.checksum, ChecksumKind::Md5);
        let put = upload.sign([1]).await.remove(0);
        assert_eq!(put.headers["content-md5"], *Checksum::from(Md5::of(upload.piece(1))).to_string());
        let completed = upload.finish().await;
        assert_eq!((completed.size, completed.verified), (size as u64, ChecksumKind::Md5));
        assert_eq!(completed.checksum, None, "nobody has compared it with the file's");
        assert_eq!(upload.listed().await.completed, Some(completed));
    }
}

#[tokio::test]
async fn the_store_takes_exactly_the_bytes_that_were_signed() {
    let app = TestApp::with(md5).await;
    for size in [10, 100] {
        let upload = app.begin("a.bin", size).await;
        let put = upload.sign([1]).await.remove(0);
        let mut altered = upload.bytes.clone();
        altered[size / 2] ^= 1;
        let longer = [&upload.bytes[..], b"x"].concat();
        for (body, status) in [(&altered[..], 400), (&longer, 403), (&upload.bytes[1..], 403)] {
            let answer = put_bytes(&app.http, &put, body).await;
            assert_eq!(answer.status, status, "{} bytes: {}", body.len(), answer.text());
        }
        let mut forged = put.clone();
        forged.headers.insert("content-md5".to_owned(), Checksum::from(Md5::of(&altered)).to_string());
        assert_eq!(put_bytes(&app.http, &forged, &altered).await.status, 403);
        forged.headers.clear();
        assert_eq!(put_bytes(&app.http, &forged, &altered).await.status, 403);
        assert!(!app.exists(&upload.grant.key).await);
        upload.finish().await;
    }
}

/// Clients begin with CRC64NVME, and learn from the grant that it is not wanted here.
#[tokio::test]
async fn a_checksum_of_another_kind_is_none() {
    let app = TestApp::with(|settings| {
        // First URLs come with the grant where both sides plan alike.
        settings.uploads = UploadsConfig { checksum: ChecksumSetting::Md5, ..UploadsConfig::default() };
    })
    .await;
    let bytes = noise(10, 1);
    let (crc64_nvme, md5): (Checksum, Checksum) = (Crc64Nvme::of(&bytes).into(), Md5::of(&bytes).into());
    for (known, urls) in [(crc64_nvme, 0), (md5, 1)] {
        let asked = NewUpload { checksums: vec![known], ..file("a.bin", 0) };
        assert_eq!(app.begin_as(asked, bytes.clone()).await.grant.parts.len(), urls);
    }
    let other = TestApp::start().await;
    for (app, wrong, wanted) in [(&app, crc64_nvme, "MD5"), (&other, md5, "CRC64NVME")] {
        let upload = app.begin("a.bin", 10).await;
        for checksum in [None, Some(wrong)] {
            let parts = vec![PartToSign { part_number: number(1), size: None, checksum }];
            let asked = SignParts { token: upload.token(), parts, strategy: None };
            let problem = app.post("/v1/uploads/sign", &asked).await.refused(ErrorCode::InvalidField);
            assert_eq!(problem.field.as_deref(), Some("parts[0].checksum"));
            assert!(problem.detail.contains(wanted), "{problem}");
        }
    }
}

/// The object is there under the upload's key, and yet is not what the parts make.
#[tokio::test]
async fn an_object_of_other_parts_is_found_out() {
    let app = TestApp::with(md5).await;
    let upload = app.begin("a.bin", 100).await;
    let sent = upload.send_all().await;
    // Another upload to the same key is completed, of other bytes, and this one is gone.
    let create = app.store.create_multipart_upload().bucket(BUCKET).key(&upload.grant.key);
    let other = create.send().await.unwrap().upload_id.unwrap();
    let part = app.store.upload_part().bucket(BUCKET).key(&upload.grant.key).upload_id(&other).part_number(1);
    let etag = part.body(noise(100, 2).into()).send().await.unwrap().e_tag;
    let part = aws_sdk_s3::types::CompletedPart::builder().part_number(1).set_e_tag(etag).build();
    let parts = aws_sdk_s3::types::CompletedMultipartUpload::builder().parts(part).build();
    let complete = app.store.complete_multipart_upload().bucket(BUCKET).key(&upload.grant.key);
    complete.upload_id(other).multipart_upload(parts).send().await.unwrap();
    let abort = app.store.abort_multipart_upload().bucket(BUCKET).key(&upload.grant.key);
    abort.upload_id(upload.upload_id()).send().await.unwrap();

    let problem = upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::ChecksumMismatch);
    assert!(problem.detail.contains("ETag"), "{problem}");
}
