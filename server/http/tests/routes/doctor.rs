//! `partway doctor`, before a store that is well and before others.

use actix_web::HttpRequest;
use partway_s3::doctor::{Options, Outcome, Report, examine};
use partway_s3::probe::{self, Rule};
use partway_server::config::DestinationConfig;
use partway_server::stores::OpenStores;

use crate::support::*;

const ORIGIN: &str = "https://app.example.com";

async fn examined(endpoint: &str, behind: &TestApp, fix: bool) -> Report {
    let data = tempfile::tempdir().unwrap();
    let mut settings = settings(&data);
    before(endpoint, behind.secret_access_key())(&mut settings);
    settings.store.post_forms = Some(true);
    settings.sweep.enabled = Some(true);
    let open = OpenStores::open(&settings).await.unwrap();
    let options = Options { origins: vec![ORIGIN.to_owned()], fix };
    let report = Box::pin(examine(&open.buckets, &options)).await;
    open.close().await;
    report
}

/// What was found wrong: the names of checks, and how bad it is.
fn wrong(report: &Report) -> Vec<(&str, Outcome)> {
    let findings = report.stores.iter().flat_map(|store| &store.findings);
    let wrong = findings.filter(|finding| finding.outcome >= Outcome::Warning);
    wrong.map(|finding| (finding.check.as_str(), finding.outcome)).collect()
}

async fn assert_tidy(behind: &TestApp) {
    assert_eq!(behind.keys_below("").await, [""; 0]);
    assert_eq!(behind.open_uploads().await, [""; 0]);
}

#[tokio::test]
async fn a_store_that_is_well() {
    let behind = TestApp::start().await;
    let report = examined(&behind.store_origin, &behind, false).await;
    assert_eq!(wrong(&report), [], "{report}");
    assert_eq!(report.outcome(), Outcome::Skipped, "it has no lifecycle rule, and is swept");
    let report = examined(&behind.store_origin, &behind, true).await;
    assert_eq!(wrong(&report), [], "{report}");
    assert_eq!(report.outcome(), Outcome::Ok, "{report}");
    let store = &report.stores[0];
    assert_eq!(
        (store.name.as_str(), store.bucket.as_str(), store.checksum),
        ("default", BUCKET, Some("crc64_nvme"))
    );
    for check in [
        "credentials",
        "clock",
        "put an object",
        "abort it",
        "the signed length is enforced",
        "unsigned copy, PUT",
        "unsigned copy, part",
        "HTML forms",
        "If-None-Match, PUT",
        "If-None-Match, complete",
        "CRC64NVME of the whole",
        "MD5 of a part",
        "preflight from https://app.example.com",
        "PUT from https://app.example.com",
        "errors from https://app.example.com",
    ] {
        let finding = store.findings.iter().find(|finding| finding.check == check);
        assert_eq!(finding.map(|finding| finding.outcome), Some(Outcome::Ok), "{check}:\n{report}");
    }
    assert!(report.to_string().contains("checks, 0 failed, 0 with a warning"), "{report}");
    assert_tidy(&behind).await;
}

/// It signs for whoever asks, knows no conditions and no other origins.
#[tokio::test]
async fn a_store_that_believes_everything() {
    let behind = TestApp::start().await;
    let lax = LaxStore::before(&behind, |_, header| match header {
        "if-none-match" => Manners::Ignores,
        _ => Manners::Keeps,
    });
    let report = examined(&lax.endpoint, &behind, false).await;
    let found = wrong(&report);
    for (check, outcome) in [
        ("signatures are checked", Outcome::Failure),
        ("the signed length is enforced", Outcome::Failure),
        ("If-None-Match, PUT", Outcome::Warning),
        ("If-None-Match, complete", Outcome::Warning),
        ("If-None-Match, copy", Outcome::Warning),
        ("preflight from https://app.example.com", Outcome::Failure),
    ] {
        assert!(found.contains(&(check, outcome)), "{check} is not among {found:?}\n{report}");
    }
    assert_eq!(report.outcome(), Outcome::Failure);
    assert_tidy(&behind).await;
}

/// Asked only where a destination has tags.
#[tokio::test]
async fn tags_that_are_lost_are_noticed() {
    let behind = TestApp::start().await;
    let in_parts = |request: &HttpRequest| request.method() == "POST";
    for (loses, lost) in [
        ((|_| false) as fn(&HttpRequest) -> bool, vec![]),
        (in_parts, vec!["tags, upload in parts"]),
        (|_| true, vec!["tags, PUT", "tags, upload in parts"]),
    ] {
        let lax = LaxStore::before(&behind, move |request, header| match header {
            "x-amz-tagging" if loses(request) => Manners::Ignores,
            _ => Manners::Keeps,
        });
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        before(&lax.endpoint, behind.secret_access_key())(&mut settings);
        let tagged = DestinationConfig {
            tags: [("kind".to_owned(), "raw".to_owned())].into(),
            ..DestinationConfig::default()
        };
        settings.destinations.insert("default".to_owned(), tagged);
        let open = OpenStores::open(&settings).await.unwrap();
        let report = Box::pin(examine(&open.buckets, &Options::default())).await;
        let found = wrong(&report).into_iter().filter(|(check, _)| check.starts_with("tags, "));
        assert_eq!(found.map(|(check, _)| check).collect::<Vec<_>>(), lost, "{report}");
        assert_tidy(&behind).await;
    }
}

/// Ceph's gateway answers a question for tags with nothing at all where there are none.
#[tokio::test]
async fn tags_that_nothing_is_said_of_are_lost() {
    let behind = TestApp::start().await;
    let lax = LaxStore::altering(&behind, |request, said| {
        if request.method() == "GET" && request.query_string().contains("tagging") {
            said.body.clear();
        }
    });
    let app = TestApp::with(before(&lax.endpoint, behind.secret_access_key())).await;
    for found in [probe::put_tags(&*app.s3, "").await, probe::upload_tags(&*app.s3, "").await] {
        assert!(matches!(found, Ok(Rule::Broken(_))), "{found:?}");
    }
}

#[tokio::test]
async fn each_permission_is_tried() {
    let behind = TestApp::start().await;
    let refused =
        async |decide: fn(&HttpRequest) -> bool| {
            let lax = LaxStore::before(&behind, move |request, _| {
                if decide(request) { Manners::Refuses(403) } else { Manners::Keeps }
            });
            let report = examined(&lax.endpoint, &behind, false).await;
            let access = |name: &&str| {
                [
                    "put an object",
                    "read it",
                    "see what is not there",
                    "begin an upload in parts",
                    "list its parts",
                    "list open uploads",
                    "abort it",
                    "remove an object",
                ]
                .contains(name)
            };
            wrong(&report)
                .into_iter()
                .map(|(check, _)| check)
                .filter(access)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
    assert_eq!(refused(|request| request.method() == "HEAD").await, ["read it", "see what is not there"]);
    assert_eq!(
        refused(|request| request.method() == "GET" && request.query_string().contains("uploadId=")).await,
        ["list its parts"]
    );
    assert_eq!(
        refused(|request| request.method() == "GET" && request.query_string().starts_with("uploads")).await,
        ["list open uploads"]
    );
    assert_eq!(
        refused(|request| request.method() == "DELETE" && request.query_string().contains("uploadId=")).await,
        ["abort it"]
    );
    assert_eq!(
        refused(|request| request.method() == "DELETE" && !request.query_string().contains("uploadId="))
            .await,
        ["remove an object"]
    );
    assert_eq!(refused(|request| request.method() == "PUT").await, ["put an object"]);
    assert_eq!(
        refused(|request| request.method() == "POST" && request.query_string().starts_with("uploads")).await,
        ["begin an upload in parts"]
    );
}

#[tokio::test]
async fn nothing_is_said_of_a_store_that_is_not_there() {
    let behind = TestApp::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = examined(&format!("http://{nobody}"), &behind, true).await;
    assert_eq!(wrong(&report), [("reachable", Outcome::Failure)], "{report}");
}
