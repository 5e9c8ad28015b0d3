//! Our URLs against those of the SDK's own presigner, parameter by parameter.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme, Md5};
use partway_shared::part::{ByteRange, ETag, PartNumber};
use partway_shared::wire::ReadMethod;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::json;

use crate::attributes::Attributes;
use crate::attributes::Encryption;

use super::{AnswerHeaders, CopiedObject, Hosts, Presigner, PutTerms, ReadTerms};

const REGION: &str = "eu-west-1";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const LIFETIME: Duration = Duration::from_secs(900);

fn credentials(session: bool) -> Credentials {
    let token = session.then(|| "a+session/token==".to_owned());
    Credentials::new("AKIDEXAMPLE", SECRET, token, None, "test")
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

fn hosts(endpoints: &[&str], path_style: bool) -> Hosts {
    let endpoints: Vec<_> = endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect();
    Hosts::new(&endpoints, "photos", path_style).unwrap()
}

/// One of either kind, or none.
fn checksums() -> impl Strategy<Value = Option<Checksum>> {
    proptest::option::of(prop_oneof![
        any::<u64>().prop_map(|value| Checksum::from(Crc64Nvme(value))),
        any::<[u8; 16]>().prop_map(|value| Checksum::from(Md5(value))),
    ])
}

/// What signs a part that is copied, computed from its parts by somebody else.
fn signed_copy(
    url: &str,
    headers: &BTreeMap<String, String>,
    session: bool,
    now: SystemTime,
) -> BTreeMap<String, String> {
    use aws_sigv4::http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    };
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    let identity = credentials(session).into();
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(now)
        .settings(settings)
        .build()
        .unwrap();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new("PUT", url, headers, SignableBody::UnsignedPayload).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    let added = instructions.params().iter();
    added.map(|(name, value)| ((*name).to_owned(), super::encode::value(value))).collect()
}

/// What a destination may add.
fn attributes() -> impl Strategy<Value = Attributes> {
    let text = || proptest::option::of("[A-Z_]{1,8}");
    let pairs = || proptest::collection::btree_map("[a-z][a-z0-9-]{0,8}", "[a-z]([ -~]{0,8}[a-z])?", 0..3);
    let pairs = || {
        pairs().prop_map(|pairs| {
            pairs.into_iter().map(|(name, value)| (name, value.replace("  ", " "))).collect()
        })
    };
    (text(), pairs(), pairs(), text(), proptest::option::of(any::<bool>()), text(), text(), any::<bool>())
        .prop_map(|(cache_control, metadata, tags, storage_class, kms, kms_key_id, acl, keeps_existing)| {
            Attributes {
                encryption: kms.map(|kms| if kms { Encryption::Kms } else { Encryption::Aes256 }),
                cache_control,
                metadata,
                tags,
                storage_class,
                kms_key_id,
                acl,
                keeps_existing,
                ..Attributes::default()
            }
        })
}

/// What the SDK wants for them: a CRC64NVME, or an MD5.
fn as_sdk(checksum: Option<Checksum>) -> (Option<String>, Option<String>) {
    let (md5, crc64_nvme): (Vec<_>, Vec<_>) =
        checksum.into_iter().partition(|checksum| checksum.kind() == ChecksumKind::Md5);
    let text = |checksums: Vec<Checksum>| checksums.first().map(ToString::to_string);
    (text(crc64_nvme), text(md5))
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn a_part(
        key in "[ -~äß写]{1,40}",
        upload_id in "[A-Za-z0-9._~+/=-]{1,60}",
        number in 1..=10_000_u32,
        length in 0..=5_368_709_120_u64,
        checksum in checksums(),
        path_style in any::<bool>(),
        session in any::<bool>(),
        port in any::<bool>(),
        several in any::<bool>(),
    ) {
        // Dots as a whole name are normalised away by the SDK, and never made by our policy.
        let key = format!("k{key}");
        let endpoints = match (several, port) {
            (false, false) => &["https://s3.test"][..],
            (false, true) => &["http://s3.test:9000"],
            (true, _) => &["http://a.s3.test:9000", "http://b.s3.test:9000", "https://s3.test"],
        };
        let endpoint = endpoints[(number as usize - 1) % endpoints.len()];
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let (crc64_nvme, md5) = as_sdk(checksum);
        let theirs = block_on(
            sdk(endpoint, path_style, session)
                .upload_part()
                .bucket("photos")
                .key(&key)
                .upload_id(&upload_id)
                .part_number(i32::try_from(number).unwrap())
                .content_length(i64::try_from(length).unwrap())
                .set_checksum_crc64_nvme(crc64_nvme)
                .set_content_md5(md5)
                .presigned(presigning(now)),
        )
        .unwrap();

        let hosts = hosts(endpoints, path_style);
        let presigner = Presigner::new(&hosts, REGION, &credentials(session), LIFETIME, now);
        let template = presigner.parts(&key, &upload_id, checksum.map_or(ChecksumKind::None, Checksum::kind));
        let ours = template.sign(PartNumber::new(number).unwrap(), length, checksum);
        prop_assert_eq!(taken_apart(&ours), taken_apart(theirs.uri()));
        prop_assert_eq!(template.headers(checksum), sent(&theirs));
    }

    #[test]
    fn a_part_that_is_copied(
        key in "[ -~äß写]{1,40}",
        upload_id in "[A-Za-z0-9._~+/=-]{1,60}",
        from in "[ -~äß写]{1,40}",
        version_id in proptest::option::of("[A-Za-z0-9._+/=-]{1,32}"),
        etag in "([0-9a-f]{32}(-[0-9]{1,4})?)?",
        number in 1..=10_000_u32,
        start in 0..=5_368_709_120_u64,
        length in 1..=5_368_709_120_u64,
        path_style in any::<bool>(),
        session in any::<bool>(),
        several in any::<bool>(),
    ) {
        let key = format!("k{key}");
        let endpoints =
            if several { &["http://a.s3.test:9000", "https://s3.test"][..] } else { &["https://s3.test"] };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let hosts = hosts(endpoints, path_style);
        let presigner = Presigner::new(&hosts, REGION, &credentials(session), LIFETIME, now);
        let (etag, version_id) = (ETag::new(&etag), version_id.as_deref());
        let source = CopiedObject { bucket: "films", key: &from, version_id, etag: &etag };
        let range = ByteRange { start, end: start + length };
        let (ours, headers) =
            presigner.copies(&key, &upload_id, &source).sign(PartNumber::new(number).unwrap(), range);

        let mut expected = BTreeMap::from([
            ("x-amz-copy-source".to_owned(), source.copy_source()),
            ("x-amz-copy-source-range".to_owned(), format!("bytes={start}-{}", start + length - 1)),
        ]);
        if !etag.is_empty() {
            expected.insert("x-amz-copy-source-if-match".to_owned(), etag.quoted());
        }
        prop_assert_eq!(&headers, &expected);
        let (place, mut parameters) = taken_apart(&ours);
        prop_assert_eq!(parameters.get("partNumber"), Some(&number.to_string()));
        parameters.retain(|name, _| !name.starts_with("X-Amz-"));
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let theirs = signed_copy(&format!("{place}?{}", query.join("&")), &headers, session, now);
        parameters.extend(theirs);
        prop_assert_eq!(taken_apart(&ours).1, parameters);
    }

    #[test]
    fn a_single_put(
        key in "[ -~äß写]{1,40}",
        length in 0..=5_368_709_120_u64,
        checksum in checksums(),
        content_type in proptest::option::of("[a-z]{1,10}/[a-z0-9.+-]{1,10}( ;  ?charset=utf-8)?"),
        content_disposition in proptest::option::of("attachment; filename\\*=UTF-8''[a-z0-9%]{1,10}"),
        attributes in attributes(),
        path_style in any::<bool>(),
        session in any::<bool>(),
    ) {
        let key = format!("k{key}");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let (crc64_nvme, md5) = as_sdk(checksum);
        let theirs = block_on(
            sdk("https://s3.test", path_style, session)
                .put_object()
                .bucket("photos")
                .key(&key)
                .content_length(i64::try_from(length).unwrap())
                .set_content_type(content_type.clone())
                .set_content_disposition(content_disposition.clone())
                .set_checksum_crc64_nvme(crc64_nvme)
                .set_content_md5(md5)
                .set_cache_control(attributes.cache_control.clone())
                .set_metadata(Some(attributes.metadata.clone().into_iter().collect()))
                .set_tagging(attributes.tagging())
                .set_storage_class(attributes.storage_class.as_deref().map(Into::into))
                .set_server_side_encryption(attributes.encryption.map(|kind| kind.as_str().into()))
                .set_ssekms_key_id(attributes.kms_key_id.clone())
                .set_acl(attributes.acl.as_deref().map(Into::into))
                .set_if_none_match(attributes.keeps_existing.then(|| "*".to_owned()))
                .presigned(presigning(now)),
        )
        .unwrap();

        let hosts = hosts(&["https://s3.test"], path_style);
        let presigner = Presigner::new(&hosts, REGION, &credentials(session), LIFETIME, now);
        let terms = PutTerms {
            content_length: length,
            content_type: content_type.as_deref(),
            content_disposition: content_disposition.as_deref(),
            checksum,
            attributes,
        };
        let (ours, headers) = presigner.put(&key, &terms);
        prop_assert_eq!(taken_apart(&ours), taken_apart(theirs.uri()));
        prop_assert_eq!(headers, sent(&theirs));
    }
}

#[test]
fn no_url_carries_the_checksum_of_an_empty_body() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let hosts = hosts(&["https://s3.test"], true);
    let presigner = Presigner::new(&hosts, REGION, &credentials(false), LIFETIME, now);
    let template = presigner.parts("k", "u", ChecksumKind::Crc64Nvme);
    let url = template.sign(PartNumber::FIRST, 5, Some(Crc64Nvme::of(b"hello").into()));
    let names: Vec<_> =
        taken_apart(&url).1.into_keys().filter(|name| name.to_lowercase().contains("checksum")).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_url_outlives_neither_its_credentials_nor_s3s_limit() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let hosts = hosts(&["https://s3.test"], true);
    let expiring = Credentials::new("id", "secret", None, Some(now + Duration::from_secs(60)), "test");
    let lives = |credentials: &Credentials, lifetime| {
        Presigner::new(&hosts, REGION, credentials, lifetime, now).expires_in()
    };
    assert_eq!(lives(&expiring, LIFETIME), 60);
    assert_eq!(lives(&credentials(false), LIFETIME), 900);
    assert_eq!(lives(&credentials(false), Duration::from_secs(10_000_000)), 604_800);
}

/// What signs the policy, and what the policy says, as somebody else computes them.
fn opened(fields: &BTreeMap<String, String>, now: SystemTime) -> serde_json::Value {
    let policy = &fields["policy"];
    let key = aws_sigv4::sign::v4::generate_signing_key(SECRET, now, REGION, "s3");
    assert_eq!(fields["x-amz-signature"], aws_sigv4::sign::v4::calculate_signature(key, policy.as_bytes()));
    serde_json::from_slice(&STANDARD.decode(policy).unwrap()).unwrap()
}

#[test]
fn a_form_says_exactly_what_it_carries() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let hosts = hosts(&["https://s3.test"], false);
    let crc64_nvme = Crc64Nvme::of(b"hello");
    let md5 = Md5::of(b"hello");
    for (checksum, named) in [
        (
            Some(crc64_nvme.into()),
            &[
                ("x-amz-checksum-crc64nvme", crc64_nvme.to_string()),
                ("x-amz-checksum-algorithm", "CRC64NVME".to_owned()),
            ][..],
        ),
        (Some(md5.into()), &[("Content-MD5", Checksum::from(md5).to_string())]),
        (None, &[]),
    ] {
        for session in [false, true] {
            let terms = PutTerms {
                content_length: 5,
                content_type: Some("text/html; charset=\"ü\""),
                content_disposition: Some("attachment; filename*=UTF-8''a%24.html"),
                checksum,
                attributes: Attributes::default(),
            };
            let presigner = Presigner::new(&hosts, REGION, &credentials(session), LIFETIME, now);
            let form = presigner.form("in/$写 a.html", &terms).unwrap();
            assert_eq!(form.url, "https://photos.s3.test/");
            let mut expected = BTreeMap::from([
                ("key", "in/$写 a.html".to_owned()),
                ("Content-Type", "text/html; charset=\"ü\"".to_owned()),
                ("Content-Disposition", "attachment; filename*=UTF-8''a%24.html".to_owned()),
                ("success_action_status", "201".to_owned()),
                ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
                ("x-amz-credential", "AKIDEXAMPLE/20260921/eu-west-1/s3/aws4_request".to_owned()),
                ("x-amz-date", "20260921T141320Z".to_owned()),
            ]);
            expected.extend(named.iter().cloned());
            expected.extend(session.then(|| ("x-amz-security-token", "a+session/token==".to_owned())));
            let policy = opened(&form.fields, now);
            let mut conditions = vec![json!({ "bucket": "photos" }), json!(["content-length-range", 5, 5])];
            conditions.extend(expected.iter().map(|(name, value)| json!({ *name: value })));
            assert_eq!(policy, json!({ "expiration": "2026-09-21T14:28:20.000Z", "conditions": conditions }));
            let mut sent = form.fields;
            sent.retain(|name, _| name != "policy" && name != "x-amz-signature");
            assert!(
                sent.iter()
                    .map(|(name, value)| (name.as_str(), value))
                    .eq(expected.iter().map(|(name, value)| (*name, value))),
                "{sent:?}"
            );
        }
    }
}

/// S3 would put the name of the form's file into the key.
#[test]
fn a_key_that_a_form_would_change_gets_none() {
    let hosts = hosts(&["https://s3.test"], true);
    let presigner = Presigner::new(&hosts, REGION, &credentials(false), LIFETIME, SystemTime::now());
    assert_eq!(presigner.form("in/${filename}", &PutTerms::default()), None);
    assert_eq!(presigner.form("in/a", &PutTerms::default()).unwrap().url, "https://s3.test/photos");
}

#[test]
fn forms_and_puts_take_turns_among_the_hosts() {
    let hosts = hosts(&["https://a.test", "https://b.test"], true);
    let presigner = Presigner::new(&hosts, REGION, &credentials(false), LIFETIME, SystemTime::now());
    let put = || presigner.put("k", &PutTerms::default()).0.starts_with("https://a.test/");
    let form = || presigner.form("k", &PutTerms::default()).unwrap().url.starts_with("https://a.test/");
    assert_eq!([put(), form(), put(), put(), form(), form()], [true, false, true, false, true, false]);
}

#[tokio::test]
async fn what_reads_is_signed_as_by_the_sdk() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_789_999_999);
    let text = |text: &str| Some(text.to_owned());
    let all = AnswerHeaders {
        cache_control: text("private, max-age=60"),
        content_disposition: text("attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20%C3%BC.txt"),
        content_encoding: text("identity"),
        content_language: text("de, en"),
        content_type: text("text/plain; charset=utf-8"),
        expires: text("Wed, 21 Oct 2026 07:28:00 GMT"),
    };
    for session in [false, true] {
        for path_style in [false, true] {
            for (answer, version_id) in [(&AnswerHeaders::default(), None), (&all, Some("v+1/="))] {
                let (sdk, key) = (sdk("https://s3.test", path_style, session), "a b/$写'(1)*!~.txt");
                let expires = answer
                    .expires
                    .as_ref()
                    .map(|_| 1_792_567_680)
                    .map(aws_sdk_s3::primitives::DateTime::from_secs);
                let get = sdk
                    .get_object()
                    .bucket("photos")
                    .key(key)
                    .set_version_id(version_id.map(str::to_owned))
                    .set_response_cache_control(answer.cache_control.clone())
                    .set_response_content_disposition(answer.content_disposition.clone())
                    .set_response_content_encoding(answer.content_encoding.clone())
                    .set_response_content_language(answer.content_language.clone())
                    .set_response_content_type(answer.content_type.clone())
                    .set_response_expires(expires)
                    .presigned(presigning(now));
                let head = sdk
                    .head_object()
                    .bucket("photos")
                    .key(key)
                    .set_version_id(version_id.map(str::to_owned))
                    .set_response_cache_control(answer.cache_control.clone())
                    .set_response_content_disposition(answer.content_disposition.clone())
                    .set_response_content_encoding(answer.content_encoding.clone())
                    .set_response_content_language(answer.content_language.clone())
                    .set_response_content_type(answer.content_type.clone())
                    .set_response_expires(expires)
                    .presigned(presigning(now));
                let hosts = hosts(&["https://s3.test"], path_style);
                let presigner = Presigner::new(&hosts, REGION, &credentials(session), LIFETIME, now);
                let template = presigner.reads();
                for (method, expected) in
                    [(ReadMethod::Get, get.await.unwrap()), (ReadMethod::Head, head.await.unwrap())]
                {
                    let url = template.sign(&ReadTerms { method, key, version_id, answer });
                    assert_eq!(taken_apart(&url), taken_apart(expected.uri()), "{method:?}");
                    assert_eq!(sent(&expected), BTreeMap::new());
                }
            }
        }
    }
}
