//! Which rules the store enforces: lengths, signatures, checksums, conditions.

use aws_credential_types::Credentials;
use partway_shared::checksum::ChecksumKind;

use super::report::{Outcome, Section, StoreReport};
use crate::bucket::Bucket;
use crate::http_client::HttpClient;
use crate::probe::{self, Check, PresignedClient, Rule};
use crate::store::{Optional, StoreError};
use crate::verification::Findings;

/// The remedy where no setting makes the store enforce a rule.
const NO_REMEDY: &str =
    "This is the store's behaviour, and no setting changes it. A newer version may do better.";

pub(super) async fn examine(
    bucket: &Bucket,
    credentials: &Credentials,
    http: &HttpClient,
    report: &mut StoreReport,
) {
    let (store, prefix) = (&*bucket.store, bucket.key_prefix.as_str());
    let client = PresignedClient::of(bucket, credentials, http);
    let found = Box::pin(Findings::of_all(store, prefix)).await;
    let checksum = found.as_ref().map_or(ChecksumKind::None, Findings::kind);
    let (signature, length, put, part, form) = tokio::join!(
        probe::signature(client),
        probe::length(client),
        probe::copied_put(client),
        probe::copied_part(client),
        probe::form(client, checksum),
    );
    rule(report, Section::PresignedUrls, "signatures are checked", Outcome::Failure, signature, NO_REMEDY);
    rule(
        report,
        Section::PresignedUrls,
        "the signed length is enforced",
        Outcome::Failure,
        length,
        NO_REMEDY,
    );
    let copies = "Everybody who may upload can copy any object that these credentials can read. Give the \
                  server credentials that can read nothing else, or a bucket of its own.";
    rule(report, Section::PresignedUrls, "unsigned copy, PUT", Outcome::Warning, put, copies);
    rule(report, Section::PresignedUrls, "unsigned copy, part", Outcome::Warning, part, copies);
    forms(bucket, form, report);

    Box::pin(conditions(client, report)).await;
    let remedy = "Parts do not grow while a file is on its way, and a stream of unknown length has equal parts of 64 MiB.";
    let unequal = probe::unequal_parts(store, prefix).await;
    rule(report, Section::PresignedUrls, "parts of different sizes", Outcome::Warning, unequal, remedy);
    if bucket.put_headers.contains("x-amz-tagging") {
        let (on_put, on_upload) =
            tokio::join!(probe::put_tags(store, prefix), probe::upload_tags(store, prefix));
        let lost = "Leave tags out of the destinations in this bucket, or write what they say into metadata.";
        rule(report, Section::PresignedUrls, "tags, PUT", Outcome::Warning, on_put, lost);
        rule(report, Section::PresignedUrls, "tags, upload in parts", Outcome::Warning, on_upload, lost);
    }
    if bucket.copies {
        let (found, any_key, tags) = tokio::join!(
            probe::part_copy(client),
            probe::part_copy_key(client),
            probe::copied_tags(store, prefix),
        );
        let refused = "Large objects whose keys have a % are not copied: the store would copy another one.";
        rule(report, Section::PresignedUrls, "copied keys", Outcome::Warning, any_key, refused);
        let lost = "Copies have no tags in this store. Write what tags say into metadata.";
        rule(report, Section::PresignedUrls, "copied tags", Outcome::Warning, tags, lost);
        let remedy = match found {
            Ok(Rule::Broken(_)) => "The server looks at an object again when all of its parts are copied.",
            _ => "Objects larger than uploads.copy_threshold cannot be copied within this store.",
        };
        rule(report, Section::PresignedUrls, "copied parts", Outcome::Warning, found, remedy);
    }
    checksums(found, report);
    for header in Optional::ALL {
        if let Some(words) = store.refuses(header) {
            let detail = format!("refused ({words}); it is left out");
            report.add(Section::PresignedUrls, header.name(), Outcome::Warning, detail);
        }
    }
}

/// Checks the rules that keep a completed object final, and reports which way files go.
async fn conditions(client: PresignedClient<'_>, report: &mut StoreReport) {
    let (store, prefix) = (client.store, client.prefix);
    let (copy, on_put, late, bare, on_complete, on_copy) = tokio::join!(
        probe::copy(store, prefix),
        probe::put_if_none_match(store, prefix),
        probe::late_put_if_none_match(client),
        probe::bare_headers(store, prefix),
        probe::complete_if_none_match(store, prefix),
        probe::copy_if_none_match(store, prefix),
    );
    let on_put = if on_put == Ok(Rule::Kept) { late } else { on_put };
    let is_direct = [&on_put, &bare].into_iter().all(|found| *found == Ok(Rule::Kept));
    let (if_broken, copying) = match copy {
        Ok(Rule::Broken(_)) => (
            Outcome::Warning,
            "The server compares a copy with what it has looked at, and removes one that differs.",
        ),
        _ => (
            Outcome::Failure,
            "Files that are sent as a whole are completed by a copy within the bucket: without one they cannot be.",
        ),
    };
    rule(report, Section::PresignedUrls, "copy within the bucket", if_broken, copy, copying);
    let overwriting = "The server looks before it lets an object be there; of two uploads to the same key that are completed at the \
                       same moment the later one wins.";
    rule(report, Section::PresignedUrls, "If-None-Match, PUT", Outcome::Warning, on_put, overwriting);
    rule(
        report,
        Section::PresignedUrls,
        "If-None-Match, complete",
        Outcome::Warning,
        on_complete,
        overwriting,
    );
    rule(report, Section::PresignedUrls, "If-None-Match, copy", Outcome::Warning, on_copy, overwriting);
    if let Ok(Rule::Broken(_)) = bare {
        rule(
            report,
            Section::PresignedUrls,
            "headers of objects",
            Outcome::Skipped,
            bare,
            "Nothing has to be done.",
        );
    }
    let way = if is_direct {
        "straight to their keys, unless they are looked at or the application is told first"
    } else {
        "by way of .partway/incoming/, and are copied to their keys when they are complete"
    };
    report.add(Section::PresignedUrls, "single PUTs go", Outcome::Ok, way);
}

fn forms(bucket: &Bucket, form: Result<Rule, StoreError>, report: &mut StoreReport) {
    let check = "HTML forms";
    match form {
        Ok(Rule::Kept) if bucket.post_forms => {
            report.add(Section::PresignedUrls, check, Outcome::Ok, "taken, and held to length and checksum");
        }
        Ok(Rule::Kept) => {
            let detail = "taken, and held to length and checksum; not used";
            report
                .add(Section::PresignedUrls, check, Outcome::Ok, detail)
                .remedy("store.post_forms = true would save small files their preflights.");
        }
        Ok(found) if bucket.post_forms => {
            let finding = report.add(Section::PresignedUrls, check, Outcome::Failure, found.to_string());
            finding.remedy("Set store.post_forms = false.");
        }
        Ok(found) => {
            report.add(Section::PresignedUrls, check, Outcome::Skipped, format!("{found}; not used"));
        }
        Err(error) => {
            report.add(Section::PresignedUrls, check, Outcome::Failure, error.to_string());
        }
    }
}

fn rule(
    report: &mut StoreReport,
    section: Section,
    check: &str,
    if_broken: Outcome,
    found: Result<Rule, StoreError>,
    remedy: &str,
) {
    match found {
        Ok(Rule::Kept) => {
            report.add(section, check, Outcome::Ok, "kept");
        }
        Ok(found) => report.add(section, check, if_broken, found.to_string()).remedy(remedy),
        Err(error) => {
            report.add(section, check, Outcome::Failure, error.to_string());
        }
    }
}

fn checksums(found: Result<Findings, StoreError>, report: &mut StoreReport) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            report.add(Section::Checksums, "checksums", Outcome::Failure, error.to_string());
            return;
        }
    };
    let kind = found.kind();
    let crc64_nvme = &found.crc64_nvme;
    let mut add = |check: &str, found: &Check| {
        // MD5 only matters where there is nothing better, and the other way round nothing has to be done.
        let outcome = if *found == Check::Verified { Outcome::Ok } else { Outcome::Skipped };
        report.add(Section::Checksums, check, outcome, found.to_string());
    };
    add("CRC64NVME of a PUT", &crc64_nvme.put);
    add("CRC64NVME of a part", &crc64_nvme.part);
    add("CRC64NVME of the whole", &crc64_nvme.object);
    if let Some(md5) = &found.md5 {
        add("MD5 of a PUT", &md5.put);
        add("MD5 of a part", &md5.part);
    }
    let (name, outcome, detail) = match kind {
        ChecksumKind::Crc64Nvme => {
            ("crc64_nvme", Outcome::Ok, "every part and the whole object are verified")
        }
        ChecksumKind::Md5 => (
            "md5",
            Outcome::Warning,
            "parts are verified by Content-MD5, whole objects only compared by their ETags",
        ),
        ChecksumKind::None => {
            ("none", Outcome::Warning, "nothing is verified: only lengths and ETags are compared")
        }
    };
    report.checksum = Some(name);
    report.add(Section::Checksums, "uploads are checked by", outcome, format!("{name}: {detail}"));
}
