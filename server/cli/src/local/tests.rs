//! The operations over a real embedded store: an upload in one piece and in parts, through what a machine's driver would call.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use partway_s3::attributes::Attributes;
use partway_s3::discover::fixed_credentials;
use partway_server::app::Application;
use partway_server::config::Settings;
use partway_server::embedded_secrets::{ACCESS_KEY_ID, EmbeddedSecrets};
use partway_shared::checksum::{Checksum, ChecksumKind, Crc64Nvme};
use partway_shared::limits::MIB;
use partway_shared::part::{ETag, PartNumber};
use partway_shared::plan::PlanLimits;
use partway_shared::wire::{
    CompleteUpload, CompleteUploads, CompletedPart, CompletedUpload, Completion, CopyFrom, CopyTo,
    CreateCopy, CreateUploads, CreatedCopy, CreatedUpload, Grant, ListParts, NewUpload, ObjectSigning,
    ObjectToDelete, ObjectToSign, PartToSign, SignParts,
};
use tempfile::TempDir;

use crate::options::CopyArgs;

use super::*;

const BUCKET: &str = "uploads";

struct Store {
    origin: String,
    folder: TempDir,
}

impl Store {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings::default();
        settings.server.listen = any_port;
        settings.server.workers = Some(1);
        settings.embedded.listen = any_port;
        settings.embedded.bucket = BUCKET.to_owned();
        settings.embedded.data = folder.path().join("data");
        let application = Application::build(settings).await.unwrap();
        let origin = application.store_origin().to_owned();
        tokio::spawn(application.run());
        Self { origin, folder }
    }

    /// The operations in another process: nothing is kept but what is in the folders.
    fn local(&self, region: &str, attributes: Attributes) -> Local {
        let plan = PlanLimits { single_put_max: 64, ..PlanLimits::default() };
        let policy = Policy { attributes, plan, ..Policy::default() };
        let terms = RequestTerms { requester_pays: true, expected_owner: Some("123456789012".to_owned()) };
        let mut local = Local::new(LocalSettings { policy, terms, ..LocalSettings::default() });
        let secrets = EmbeddedSecrets::load_or_make(&self.folder.path().join("data")).unwrap();
        let found = Discovered {
            region: Some(region.to_owned()),
            endpoint: Some(self.origin.clone()),
            credentials: Some(fixed_credentials(ACCESS_KEY_ID, &secrets.secret_access_key, "test")),
        };
        local.found.set(found).unwrap();
        local.known = KnownStores::in_folder(Some(self.folder.path().join("cache")));
        local.state = Some(self.folder.path().join("state"));
        local
    }

    fn remembered(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("cache/stores.json")).unwrap_or_default()
    }
}

async fn create(local: &Local, key: &str, size: usize) -> Grant {
    let file = NewUpload {
        name: "whatever".to_owned(),
        path: Some(key.to_owned()),
        size: Some(size as u64),
        content_type: Some("text/plain".to_owned()),
        destination: Some(BUCKET.to_owned()),
        ..NewUpload::default()
    };
    let created = local.call(ControlCall::Create(CreateUploads { files: vec![file] })).await.unwrap();
    let ControlReply::Created(mut created) = created else { panic!("{created:?}") };
    match created.uploads.remove(0) {
        CreatedUpload::Accepted(grant) => *grant,
        CreatedUpload::Refused(problem) => panic!("{problem}"),
    }
}

/// Sends one part, and returns its ETag.
async fn send(local: &Local, token: &str, number: u32, body: &[u8]) -> CompletedPart {
    let part_number = PartNumber::new(number).unwrap();
    let part =
        PartToSign { part_number, size: None, checksum: Some(Checksum::Crc64Nvme(Crc64Nvme::of(body))) };
    let sign = ControlCall::Sign(SignParts { token: token.to_owned(), parts: vec![part], strategy: None });
    let ControlReply::Signed(signed) = local.call(sign).await.unwrap() else { panic!("not signed") };
    let put = &signed.parts[0];
    let mut request = reqwest::Client::new().put(&put.url).body(body.to_vec());
    for (name, value) in &put.headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let etag = ETag::new(answer.headers()["etag"].to_str().unwrap());
    CompletedPart { part_number, etag }
}

async fn complete(local: &Local, token: &str, parts: Vec<CompletedPart>, body: &[u8]) -> CompletedUpload {
    let upload = CompleteUpload { token: token.to_owned(), parts, checksum: Some(Crc64Nvme::of(body)) };
    let completed =
        local.call(ControlCall::Complete(CompleteUploads { uploads: vec![upload] })).await.unwrap();
    let ControlReply::Completed(mut completed) = completed else { panic!("{completed:?}") };
    match completed.uploads.remove(0) {
        Completion::Completed(completed) => *completed,
        Completion::Refused(problem) => panic!("{problem}"),
    }
}

async fn put(local: &Local, key: &str, body: &[u8]) -> CompletedUpload {
    let grant = create(local, key, body.len()).await;
    assert_eq!(grant.key, key);
    let part = send(local, &grant.token, 1, body).await;
    complete(local, &grant.token, vec![part], body).await
}

async fn get(local: &Local, key: &str) -> Vec<u8> {
    let object =
        ObjectToSign { destination: Some(BUCKET.to_owned()), key: key.to_owned(), ..ObjectToSign::default() };
    let signed = local.sign(SignObjects { objects: vec![object] }).await.unwrap();
    let ObjectSigning::Signed(signed) = &signed.objects[0] else { panic!("{signed:?}") };
    reqwest::get(&signed.url).await.unwrap().bytes().await.unwrap().to_vec()
}

async fn keys(local: &Local) -> Vec<String> {
    let listed = local.list(ListObjects { destination: Some(BUCKET.to_owned()), ..ListObjects::default() });
    listed.await.unwrap().objects.into_iter().map(|object| object.key).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_go_straight_to_exactly_their_keys() {
    let store = Store::start().await;
    let local = store.local("us-east-1", Attributes::default());
    let odd = ["a b/c+d%2e.txt", "ü/€.txt", "a//b", ".hidden", "back\\slash", ".partway/mine"];
    for key in odd {
        let completed = put(&local, key, key.as_bytes()).await;
        assert_eq!((completed.key.as_str(), completed.verified), (key, ChecksumKind::Crc64Nvme));
        assert_eq!(get(&local, key).await, key.as_bytes(), "{key}");
    }
    let mut sorted: Vec<_> = odd.iter().map(|&key| key.to_owned()).collect();
    sorted.sort();
    assert_eq!(keys(&local).await, sorted, "and nothing is left of what was tried out");
    put(&local, "ü/€.txt", b"replaced").await;
    assert_eq!(get(&local, "ü/€.txt").await, b"replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_parts_goes_on_in_another_process_with_its_attributes() {
    let store = Store::start().await;
    let attributes = Attributes {
        cache_control: Some("no-store".to_owned()),
        content_disposition: Some("inline".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        content_language: Some("de".to_owned()),
        expires: Some("Sun, 31 Jan 2027 12:00:00 GMT".to_owned()),
        metadata: BTreeMap::from([("app".to_owned(), "demo".to_owned())]),
        tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        storage_class: Some("STANDARD_IA".to_owned()),
        more: BTreeMap::from([("x-amz-website-redirect-location", "/other".to_owned())]),
        ..Attributes::default()
    };
    let body: Vec<u8> = (0..17 * MIB).map(|index| (index % 251) as u8).collect();
    let (first, second) = body.split_at(16 << 20);
    let local = store.local("us-east-1", attributes.clone());
    for (key, body) in [("large", &body[..]), ("small", &body[..10])] {
        let grant = create(&local, key, body.len()).await;
        let parts = if key == "large" {
            let one = send(&local, &grant.token, 1, first).await;
            // With no options: what the upload has is the store's.
            let other = store.local("us-east-1", Attributes::default());
            other.open(BUCKET).await.unwrap();
            let listed =
                other.call(ControlCall::List(ListParts { token: grant.token.clone() })).await.unwrap();
            let ControlReply::Listed(listed) = listed else { panic!("{listed:?}") };
            assert_eq!(listed.parts.len(), 1);
            vec![one, send(&other, &grant.token, 2, second).await]
        } else {
            vec![send(&local, &grant.token, 1, body).await]
        };
        complete(&local, &grant.token, parts, body).await;
        let looked = local.examine(BUCKET, key, None).await.unwrap().unwrap();
        assert_eq!(looked.metadata.get("app").map(String::as_str), Some("demo"), "{key}");
        assert_eq!(looked.headers.cache_control.as_deref(), Some("no-store"), "{key}");
        assert_eq!(looked.headers.content_disposition.as_deref(), Some("inline"), "{key}");
        assert_eq!(looked.headers.content_encoding.as_deref(), Some("gzip"), "{key}");
        assert_eq!(looked.headers.content_language.as_deref(), Some("de"), "{key}");
        assert_eq!(looked.headers.expires, attributes.expires, "{key}");
        assert_eq!(looked.storage_class.as_deref(), Some("STANDARD_IA"), "{key}");
        assert_eq!(looked.website_redirect.as_deref(), Some("/other"), "{key}");
        assert_eq!(local.tags(BUCKET, key, None).await.unwrap(), attributes.tags, "{key}");
        assert_eq!(looked.object.size, body.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_replaced_stays() {
    let store = Store::start().await;
    put(&store.local("us-east-1", Attributes::default()), "a", b"first").await;
    let keeps = store.local("us-east-1", Attributes { keeps_existing: true, ..Attributes::default() });
    let file = NewUpload {
        name: "a".to_owned(),
        size: Some(1),
        destination: Some(BUCKET.to_owned()),
        ..NewUpload::default()
    };
    let created = keeps.call(ControlCall::Create(CreateUploads { files: vec![file] })).await.unwrap();
    let ControlReply::Created(created) = created else { panic!("{created:?}") };
    let CreatedUpload::Refused(problem) = &created.uploads[0] else { panic!("{created:?}") };
    assert_eq!(problem.code, ErrorCode::ObjectExists);
    assert_eq!(get(&keeps, "a").await, b"first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_elsewhere_is_followed_and_remembered() {
    let store = Store::start().await;
    let local = store.local("eu-west-1", Attributes::default());
    assert_eq!(put(&local, "a", b"x").await.key, "a");
    assert!(store.remembered().contains("\"region\":\"us-east-1\""), "{}", store.remembered());
    let again = store.local("eu-west-1", Attributes::default());
    again.open(BUCKET).await.unwrap();
    assert_eq!(again.open.read().await.buckets[BUCKET].bucket.region, "us-east-1");
    assert_eq!(get(&again, "a").await, b"x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_is_tried_out_at_the_first_upload_alone() {
    let store = Store::start().await;
    let local = store.local("us-east-1", Attributes::default());
    assert!(keys(&local).await.is_empty() && local.examine(BUCKET, "a", None).await.unwrap().is_none());
    assert_eq!(store.remembered(), "", "reading tries out nothing");
    put(&local, "a", b"x").await;
    let remembered = store.remembered();
    assert!(remembered.contains("\"puts_only_create\":true"), "{remembered}");
    // Whoever does not look again cannot tell that this is not so.
    let other = remembered.replace("crc64_nvme", "md5");
    std::fs::write(store.folder.path().join("cache/stores.json"), other).unwrap();
    let grant = create(&store.local("us-east-1", Attributes::default()), "b", 1).await;
    assert_eq!(grant.checksum, ChecksumKind::Md5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_keeps_what_its_object_has_or_has_only_what_is_given() {
    let store = Store::start().await;
    let of = |name: &str| Attributes {
        cache_control: Some(name.to_owned()),
        content_disposition: Some(format!("attachment; filename={name}")),
        metadata: BTreeMap::from([(name.to_owned(), "1".to_owned())]),
        tags: BTreeMap::from([(name.to_owned(), "1".to_owned())]),
        ..Attributes::default()
    };
    put(&store.local("us-east-1", of("old")), "a", b"x").await;
    let plain = store.local("us-east-1", Attributes::default());
    let copy_with = async |local: &Local, args: CopyArgs| {
        let mut copy = CreateCopy {
            from: CopyFrom {
                destination: Some(BUCKET.to_owned()),
                key: "a".to_owned(),
                ..CopyFrom::default()
            },
            to: CopyTo { destination: Some(BUCKET.to_owned()), key: Some("b".to_owned()), name: None },
            ..CreateCopy::default()
        };
        args.apply(&mut copy);
        local.call(ControlCall::Copy(Box::new(copy))).await?;
        let looked = local.examine(BUCKET, "b", None).await?.unwrap();
        let mut metadata: Vec<_> = looked.metadata.into_keys().collect();
        metadata.retain(|name| name != "partway-upload");
        let tags: Vec<_> = local.tags(BUCKET, "b", None).await?.into_keys().collect();
        Ok::<_, Failure>((looked.headers.cache_control, looked.headers.content_disposition, metadata, tags))
    };
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let headers = |name: &str| (Some(name.to_owned()), Some(format!("attachment; filename={name}")));
    let (cache, disposition) = headers("old");
    let kept = copy_with(&plain, CopyArgs::default()).await.unwrap();
    assert_eq!(kept, (cache, disposition, names(&["old"]), names(&["old"])));
    let (cache, disposition) = headers("new");
    let added = copy_with(&store.local("us-east-1", of("new")), CopyArgs::default()).await.unwrap();
    assert_eq!(added, (cache.clone(), disposition.clone(), names(&["new", "old"]), names(&["new", "old"])));
    let replace = CopyArgs {
        metadata_directive: Some("replace".to_owned()),
        tagging_directive: Some("REPLACE".to_owned()),
        ..CopyArgs::default()
    };
    let replaced = copy_with(&store.local("us-east-1", of("new")), replace.clone()).await.unwrap();
    assert_eq!(replaced, (cache, disposition, names(&["new"]), names(&["new"])));
    assert_eq!(copy_with(&plain, replace).await.unwrap(), (None, None, names(&[]), names(&[])));
    let changed = CopyArgs { copy_source_if_match: Some("\"other\"".to_owned()), ..CopyArgs::default() };
    let refused = copy_with(&plain, changed).await.unwrap_err();
    assert!(matches!(refused, Failure::Status { code: Some(code), .. } if code == "object_changed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_copied_and_deleted() {
    let store = Store::start().await;
    let local = store.local("us-east-1", Attributes::default());
    put(&local, "a b", b"x").await;
    let copy = CreateCopy {
        from: CopyFrom { destination: Some(BUCKET.to_owned()), key: "a b".to_owned(), ..CopyFrom::default() },
        to: CopyTo { destination: Some(BUCKET.to_owned()), key: Some("c//d".to_owned()), name: None },
        ..CreateCopy::default()
    };
    let copied = local.call(ControlCall::Copy(Box::new(copy))).await.unwrap();
    assert!(
        matches!(&copied, ControlReply::Copied(CreatedCopy::Copied(copy)) if copy.key == "c//d"),
        "{copied:?}"
    );
    let object = ObjectToDelete {
        destination: Some(BUCKET.to_owned()),
        key: "a b".to_owned(),
        ..ObjectToDelete::default()
    };
    local.delete(DeleteObjects { objects: vec![object] }).await.unwrap();
    assert_eq!(keys(&local).await, ["c//d"]);
}
