//! Checks that the store can be reached, that the clocks agree, and that the credentials permit what the server does.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use http::Method;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use partway_shared::checksum::ChecksumKind;

use super::report::{Outcome, Section, StoreReport};
use crate::attributes::Attributes;
use crate::bucket::Bucket;
use crate::error_chain::describe;
use crate::http_client::HttpClient;
use crate::probe;
use crate::store::{NewObject, StoreError, UploadRef};

/// S3 refuses requests whose time differs by more than this from its own.
const MAX_SKEW: Duration = Duration::from_secs(15 * 60);
/// Clock skew from here on is reported.
const NOTABLE_SKEW: Duration = Duration::from_secs(60);

/// Finds the credentials, and compares clocks with the store. Returns `None` when no further check makes sense.
pub(super) async fn credentials(
    store: &Bucket,
    http: &HttpClient,
    report: &mut StoreReport,
) -> Option<Credentials> {
    let credentials = match store.credentials.get().await {
        Ok(credentials) => {
            let ends = credentials.expiry().map_or_else(
                || "they do not expire".to_owned(),
                |expiry| {
                    let left = expiry.duration_since(SystemTime::now()).unwrap_or_default().as_secs() / 60;
                    format!("valid for {left} minutes, and renewed before that")
                },
            );
            report.add(Section::Access, "credentials", Outcome::Ok, ends);
            Some(credentials)
        }
        Err(error) => {
            report.add(Section::Access, "credentials", Outcome::Failure, describe(&error)).remedy(
                "Set store.access_key_id and store.secret_access_key, or provide credentials by the environment, a \
                 profile, the container or the instance.",
            );
            None
        }
    };
    let url = store.hosts.first().bucket_url();
    let reply = match http.send(Method::GET, url, [], b"").await {
        Ok(reply) => reply,
        Err(error) => {
            report
                .add(Section::Access, "reachable", Outcome::Failure, error.to_string())
                .remedy("Check store.endpoint, the name's address, its port and its certificate.");
            return None;
        }
    };
    report.add(Section::Access, "reachable", Outcome::Ok, store.hosts.first().origin());
    clock(reply.header("date").as_deref(), report);
    credentials
}

fn clock(date: Option<&str>, report: &mut StoreReport) {
    let theirs = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp());
    let Some(theirs) = theirs else {
        report.add(Section::Access, "clock", Outcome::Skipped, "the store's answer has no Date");
        return;
    };
    let seconds = Timestamp::now().duration_since(theirs).as_secs();
    let skew = Duration::from_secs(seconds.unsigned_abs());
    let direction = if seconds < 0 { "behind" } else { "ahead of" };
    let (outcome, detail) = if skew < NOTABLE_SKEW {
        (Outcome::Ok, format!("within {} s of the store's", NOTABLE_SKEW.as_secs()))
    } else {
        let outcome = if skew < MAX_SKEW { Outcome::Warning } else { Outcome::Failure };
        (
            outcome,
            format!("{} s {direction} the store's; S3 refuses signatures from 15 minutes on", skew.as_secs()),
        )
    };
    let finding = report.add(Section::Access, "clock", outcome, detail);
    if outcome != Outcome::Ok {
        finding.remedy("Keep the clock right by NTP, on this machine or on the store's.");
    }
}

/// Tries each operation that the server needs. Returns false when no further check makes sense.
pub(super) async fn permissions(bucket: &Bucket, report: &mut StoreReport) -> bool {
    let (store, prefix) = (&*bucket.store, &bucket.key_prefix);
    let mut tell = |operation: &str, action: &str, needed: bool, result: Result<(), String>| -> bool {
        match result {
            Ok(()) => {
                report.add(Section::Access, operation, Outcome::Ok, action);
                true
            }
            Err(why) => {
                let outcome = if needed { Outcome::Failure } else { Outcome::Warning };
                report.add(Section::Access, operation, outcome, why).remedy(format!("Allow {action}."));
                false
            }
        }
    };
    let key = probe::key(prefix);
    let put = Box::pin(probe::put_with_any_checksum(store, &key)).await;
    let can_put = tell("put an object", "s3:PutObject", true, put.map_err(said));
    if can_put {
        let head = store.head(&key).await;
        let found =
            head.map_err(said).and_then(|object| object.map(drop).ok_or("it is not there".to_owned()));
        tell("read it", "s3:GetObject", true, found);
        let listed = store.own_page(prefix, None).await.map(drop).map_err(said);
        tell("list what waits", "s3:ListBucket and s3:ListBucketVersions", false, listed);
    }
    let missing = store
        .head(&probe::key(prefix))
        .await
        .map(drop)
        .map_err(|error| format!("{}: what is not there looks like what is forbidden", said(error)));
    tell("see what is not there", "s3:ListBucket", true, missing);
    let object = NewObject {
        key: &key,
        content_type: "text/plain",
        content_disposition: None,
        checksum: ChecksumKind::None,
        attributes: &Attributes::default(),
    };
    let begun = store.create_upload(object).await.map_err(said);
    let upload_id = begun.as_ref().ok().cloned();
    let can_begin = tell("begin an upload in parts", "s3:PutObject", true, begun.map(drop));
    if let Some(upload_id) = &upload_id {
        let upload = UploadRef { key: &key, upload_id };
        let listed = store.list_parts(upload).await.map(drop).map_err(said);
        tell("list its parts", "s3:ListMultipartUploadParts", true, listed);
        let open = store.list_uploads(prefix).await.map_err(said).and_then(|open| {
            let seen = open.iter().any(|open| open.upload_id == *upload_id);
            seen.then_some(()).ok_or_else(|| "an upload that was created is not listed".to_owned())
        });
        tell("list open uploads", "s3:ListBucketMultipartUploads", false, open);
        let aborted = match store.abort_upload(upload).await {
            Err(StoreError::NoSuchUpload) => Err("the upload that was created is gone".to_owned()),
            other => other.map_err(said),
        };
        tell("abort it", "s3:AbortMultipartUpload", true, aborted);
    }
    let deleted = store.delete(&key, None).await.map_err(said);
    tell("remove an object", "s3:DeleteObject", true, deleted);
    can_put && can_begin
}

fn said(error: StoreError) -> String {
    match error {
        StoreError::Denied(why) => format!("refused ({})", why.trim()),
        other => other.to_string(),
    }
}
