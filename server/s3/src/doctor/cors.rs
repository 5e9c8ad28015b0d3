//! Checks that the bucket's CORS lets pages send parts, read objects, and read the store's answers.

use std::collections::BTreeSet;

use aws_credential_types::Credentials;
use aws_sdk_s3::types::CorsRule;
use http::Method;
use partway_shared::wire::ReadMethod;

use super::Options;
use super::report::{Outcome, Section, StoreReport};
use crate::bucket::Bucket;
use crate::http_client::HttpClient;
use crate::probe::{self, PresignedClient};
use crate::signing::{AnswerHeaders, PutTerms, ReadTerms};

/// The headers that a page may send with any PUT.
const HEADERS: [&str; 4] = ["content-disposition", "content-md5", "content-type", "x-amz-checksum-crc64nvme"];
/// The name of the rule that `--fix` writes.
const RULE: &str = "partway";
const BODY: &[u8] = b"Partway looks at CORS.";
/// The headers of an answer that a page reads to know what it has downloaded.
const READ_HEADERS: [&str; 2] = ["etag", "content-range"];

pub(super) async fn examine(
    bucket: &Bucket,
    credentials: &Credentials,
    http: &HttpClient,
    options: &Options,
    report: &mut StoreReport,
) {
    if options.origins.is_empty() {
        report.add(Section::Cors, "origins", Outcome::Skipped, "no page's origin is known").remedy(
            "Name the pages' origins in server.allowed_origins, or with --origin https://app.example.com.",
        );
        return;
    }
    let seen = look(bucket, credentials, http, &options.origins).await;
    let is_well = seen.iter().all(|(_, outcome, _)| *outcome == Outcome::Ok);
    if is_well || !options.fix {
        add(seen, report);
        return;
    }
    match fix(bucket, &options.origins).await {
        Ok(()) => {
            let seen = look(bucket, credentials, http, &options.origins).await;
            report.add(Section::Cors, "mended", Outcome::Ok, "the bucket has a rule for these origins now");
            add(seen, report);
        }
        Err(error) => {
            add(seen, report);
            report.add(Section::Cors, "mended", Outcome::Failure, error);
        }
    }
}

type Seen = Vec<(String, Outcome, String)>;

fn add(seen: Seen, report: &mut StoreReport) {
    let fails = seen.iter().any(|(_, outcome, _)| *outcome == Outcome::Failure);
    let last = seen.len().saturating_sub(1);
    for (index, (check, outcome, detail)) in seen.into_iter().enumerate() {
        let finding = report.add(Section::Cors, check, outcome, detail);
        if index == last && fails {
            finding.remedy("`partway doctor --fix` adds a CORS rule to the bucket.");
        }
    }
}

/// Tries each origin at each address that browsers use.
async fn look(bucket: &Bucket, credentials: &Credentials, http: &HttpClient, origins: &[String]) -> Seen {
    let client =
        PresignedClient { hosts: &bucket.public_hosts, ..PresignedClient::of(bucket, credentials, http) };
    let headers = HEADERS.into_iter().chain(bucket.put_headers.iter().map(String::as_str));
    // As a browser asks for them: sorted, in one line.
    let headers = Vec::from_iter(BTreeSet::from_iter(headers)).join(",");
    let mut seen = Seen::new();
    for _ in 0..bucket.public_hosts.count() {
        for pattern in origins {
            let origin = &sample(pattern);
            // Each URL is for the next address in turn.
            let key = probe::key(&bucket.key_prefix);
            let terms = PutTerms { content_length: BODY.len() as u64, ..PutTerms::default() };
            let (url, _) = client.presigner().put(&key, &terms);
            let at = match bucket.public_hosts.count() {
                1 => pattern.clone(),
                _ => format!("{pattern} at {}", url.split('/').nth(2).unwrap_or_default()),
            };
            let (preflight, put, error) = tokio::join!(
                preflight(http, &url, origin, &headers, bucket.post_forms),
                put(http, &url, origin),
                error(http, &url, origin),
            );
            let mut found = vec![("preflight", preflight), ("PUT", put), ("errors", error)];
            if bucket.reads {
                let answer = AnswerHeaders::default();
                let terms =
                    ReadTerms { method: ReadMethod::Get, key: &key, version_id: None, answer: &answer };
                found.push(("GET", get(http, &client.presigner().reads().sign(&terms), origin).await));
            }
            for (what, found) in found {
                let check = format!("{what} from {at}");
                // Errors that a page cannot read are taken for a broken connection; parts are sent again all the same.
                let if_not = if what == "errors" { Outcome::Warning } else { Outcome::Failure };
                seen.push(match found {
                    Ok(detail) => (check, Outcome::Ok, detail),
                    Err(detail) => (check, if_not, detail),
                });
            }
            // It is there only if the PUT came through.
            let _ = bucket.store.delete(&key, None).await;
        }
    }
    seen
}

type Looked = Result<String, String>;

async fn preflight(http: &HttpClient, url: &str, origin: &str, names: &str, post: bool) -> Looked {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", names),
    ];
    let reply = http.send(Method::OPTIONS, url, headers, b"").await.map_err(|error| error.to_string())?;
    if !reply.is_success() {
        return Err(format!("refused ({}): no rule is for this origin", reply.said()));
    }
    allows(reply.header("access-control-allow-origin").as_deref(), origin)?;
    let methods = reply.header("access-control-allow-methods").unwrap_or_default();
    if !lists(&methods, "PUT") && methods != "*" {
        return Err(format!("PUT is not among the allowed methods ({methods})"));
    }
    let allowed = reply.header("access-control-allow-headers").unwrap_or_default();
    if let Some(missing) = names.split(',').find(|name| allowed != "*" && !lists(&allowed, name)) {
        return Err(format!("the header {missing} is not allowed ({allowed})"));
    }
    if post {
        // Browsers do not ask before they send a form, and may read the answer only if a rule is for it.
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let reply = http.send(Method::OPTIONS, url, headers, b"").await.map_err(|error| error.to_string())?;
        let allowed = allows(reply.header("access-control-allow-origin").as_deref(), origin);
        if !reply.is_success() || allowed.is_err() {
            return Err("PUT is allowed, and POST is not, which store.post_forms needs".to_owned());
        }
    }
    Ok(match reply.header("access-control-max-age") {
        Some(age) => format!("allowed, and remembered for {age} s"),
        None => "allowed; without AccessControlMaxAge browsers ask again every few seconds".to_owned(),
    })
}

async fn put(http: &HttpClient, url: &str, origin: &str) -> Looked {
    let reply =
        http.send(Method::PUT, url, [("origin", origin)], BODY).await.map_err(|error| error.to_string())?;
    if !reply.is_success() {
        return Err(format!("refused ({})", reply.said()));
    }
    allows(reply.header("access-control-allow-origin").as_deref(), origin)?;
    let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
    if !lists(&exposed, "etag") && exposed != "*" {
        return Err(
            "ETag is not exposed, so that a page cannot read what the store has acknowledged".to_owned()
        );
    }
    Ok("allowed, and its ETag is exposed".to_owned())
}

/// Reads a range, as a page does: without a preflight, since `Range` needs none.
async fn get(http: &HttpClient, url: &str, origin: &str) -> Looked {
    let headers = [("origin", origin), ("range", "bytes=0-0")];
    let reply = http.send(Method::GET, url, headers, b"").await.map_err(|error| error.to_string())?;
    if !reply.is_success() {
        return Err(format!("refused ({})", reply.said()));
    }
    allows(reply.header("access-control-allow-origin").as_deref(), origin)?;
    let exposed = reply.header("access-control-expose-headers").unwrap_or_default();
    if let Some(hidden) = READ_HEADERS.iter().find(|name| exposed != "*" && !lists(&exposed, name)) {
        return Err(format!("{hidden} is not exposed, by which a page knows what it has read ({exposed})"));
    }
    Ok("allowed, with the headers that tell what was read".to_owned())
}

async fn error(http: &HttpClient, url: &str, origin: &str) -> Looked {
    let forged = format!("{}0000", url.get(..url.len().saturating_sub(4)).unwrap_or_default());
    let reply = http
        .send(Method::PUT, &forged, [("origin", origin)], BODY)
        .await
        .map_err(|error| error.to_string())?;
    allows(reply.header("access-control-allow-origin").as_deref(), origin)
        .map_err(|_| "pages cannot read errors, and take them for a broken connection".to_owned())?;
    Ok("readable".to_owned())
}

fn allows(allowed: Option<&str>, origin: &str) -> Result<(), String> {
    match allowed {
        Some(allowed) if allowed == "*" || allowed == origin => Ok(()),
        Some(other) => Err(format!("the answer is for {other}")),
        None => Err("the answer does not allow the origin".to_owned()),
    }
}

fn lists(list: &str, name: &str) -> bool {
    list.split(',').any(|item| item.trim().eq_ignore_ascii_case(name))
}

/// Adds the CORS rule, or replaces the one that an earlier run wrote. Other rules stay.
async fn fix(bucket: &Bucket, origins: &[String]) -> Result<(), String> {
    let rules = bucket.store.cors_rules().await;
    let mut rules =
        rules.map_err(|error| format!("the rules cannot be read: {error}; allow s3:GetBucketCORS"))?;
    rules.retain(|rule| rule.id.as_deref() != Some(RULE));
    let (mut methods, mut exposed) = (vec!["PUT", "POST"], vec!["ETag"]);
    if bucket.reads {
        methods.extend(["GET", "HEAD"]);
        exposed.extend(["Content-Range", "x-amz-checksum-crc64nvme"]);
    }
    let owned = |names: Vec<&str>| Some(names.into_iter().map(str::to_owned).collect());
    let rule = CorsRule::builder()
        .id(RULE)
        .set_allowed_origins(Some(origins.to_vec()))
        .set_allowed_methods(owned(methods))
        .allowed_headers("*")
        .set_expose_headers(owned(exposed))
        .max_age_seconds(7_200)
        .build()
        .map_err(|error| error.to_string())?;
    rules.push(rule);
    let written = bucket.store.put_cors_rules(rules).await;
    written.map_err(|error| format!("the rule cannot be written: {error}; allow s3:PutBucketCORS"))
}

/// Returns an origin that matches a pattern.
fn sample(origin: &str) -> String {
    origin.replacen("://*.", "://partway-doctor.", 1)
}
