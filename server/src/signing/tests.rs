//! Our URLs against those of the SDK's own presigner, parameter by parameter.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use partway_shared::checksum::Crc64Nvme;
use partway_shared::part::PartNumber;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{Address, Presigner, PutTerms};

const REGION: &str = "eu-west-1";
const LIFETIME: Duration = Duration::from_secs(900);

fn credentials(session: bool) -> Credentials {
    let token = session.then(|| "a+session/token==".to_owned());
    Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token, None, "test")
}

fn sdk(endpoint: &str, path_style: bool, session: bool) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .force_path_style(path_style)
        .credentials_provider(SharedCredentialsProvider::new(credentials(session)))
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}

/// A URL as what it is before its parameters, and those by name.
fn taken_apart(url: &str) -> (String, BTreeMap<String, String>) {
    let (place, query) = url.split_once('?').unwrap();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    (place.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn presigning(now: SystemTime) -> PresigningConfig {
    PresigningConfig::builder().start_time(now).expires_in(LIFETIME).build().unwrap()
}

/// The headers that a client has to send, besides those that it sends anyway.
fn sent(request: &PresignedRequest) -> BTreeMap<String, String> {
    let headers = request.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn a_part(
        key in "[ -~äß写]{1,40}",
        upload_id in "[A-Za-z0-9._~+/=-]{1,60}",
        number in 1..=10_000_u32,
        length in 0..=5_368_709_120_u64,
        checksum in proptest::option::of(any::<u64>()),
        path_style in any::<bool>(),
        session in any::<bool>(),
        port in any::<bool>(),
    ) {
        // Dots as a whole name are normalised away by the SDK, and never made by our policy.
        let key = format!("k{key}");
        let endpoint = if port { "http://s3.test:9000" } else { "https://s3.test" };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let checksum = checksum.map(Crc64Nvme);
        let theirs = block_on(
            sdk(endpoint, path_style, session)
                .upload_part()
                .bucket("photos")
                .key(&key)
                .upload_id(&upload_id)
                .part_number(i32::try_from(number).unwrap())
                .content_length(i64::try_from(length).unwrap())
                .set_checksum_crc64_nvme(checksum.map(String::from))
                .presigned(presigning(now)),
        )
        .unwrap();

        let address = Address::new(endpoint, "photos", path_style).unwrap();
        let presigner = Presigner::new(&address, REGION, &credentials(session), LIFETIME, now);
        let template = presigner.parts(&key, &upload_id, checksum.is_some());
        let ours = template.sign(PartNumber::new(number).unwrap(), length, checksum);
        prop_assert_eq!(taken_apart(&ours), taken_apart(theirs.uri()));
        prop_assert_eq!(template.headers(checksum), sent(&theirs));
    }

    #[test]
    fn a_single_put(
        key in "[ -~äß写]{1,40}",
        length in 0..=5_368_709_120_u64,
        checksum in proptest::option::of(any::<u64>()),
        content_type in proptest::option::of("[a-z]{1,10}/[a-z0-9.+-]{1,10}( ;  ?charset=utf-8)?"),
        content_disposition in proptest::option::of("attachment; filename\\*=UTF-8''[a-z0-9%]{1,10}"),
        path_style in any::<bool>(),
        session in any::<bool>(),
    ) {
        let key = format!("k{key}");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let checksum = checksum.map(Crc64Nvme);
        let theirs = block_on(
            sdk("https://s3.test", path_style, session)
                .put_object()
                .bucket("photos")
                .key(&key)
                .content_length(i64::try_from(length).unwrap())
                .set_content_type(content_type.clone())
                .set_content_disposition(content_disposition.clone())
                .set_checksum_crc64_nvme(checksum.map(String::from))
                .presigned(presigning(now)),
        )
        .unwrap();

        let address = Address::new("https://s3.test", "photos", path_style).unwrap();
        let presigner = Presigner::new(&address, REGION, &credentials(session), LIFETIME, now);
        let terms = PutTerms {
            content_length: length,
            content_type: content_type.as_deref(),
            content_disposition: content_disposition.as_deref(),
            checksum,
        };
        let (ours, headers) = presigner.put(&key, &terms);
        prop_assert_eq!(taken_apart(&ours), taken_apart(theirs.uri()));
        prop_assert_eq!(headers, sent(&theirs));
    }
}

#[test]
fn no_url_carries_the_checksum_of_an_empty_body() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let address = Address::new("https://s3.test", "photos", true).unwrap();
    let presigner = Presigner::new(&address, REGION, &credentials(false), LIFETIME, now);
    let url = presigner.parts("k", "u", true).sign(PartNumber::FIRST, 5, Some(Crc64Nvme::of(b"hello")));
    let names: Vec<_> =
        taken_apart(&url).1.into_keys().filter(|name| name.to_lowercase().contains("checksum")).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_url_outlives_neither_its_credentials_nor_s3s_limit() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let address = Address::new("https://s3.test", "photos", true).unwrap();
    let expiring = Credentials::new("id", "secret", None, Some(now + Duration::from_secs(60)), "test");
    let lives = |credentials: &Credentials, lifetime| {
        Presigner::new(&address, REGION, credentials, lifetime, now).expires_in()
    };
    assert_eq!(lives(&expiring, LIFETIME), 60);
    assert_eq!(lives(&credentials(false), LIFETIME), 900);
    assert_eq!(lives(&credentials(false), Duration::from_secs(10_000_000)), 604_800);
}
