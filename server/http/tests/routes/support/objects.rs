//! Destinations that let callers at what is there, and objects to look at.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytesize::ByteSize;
use partway_server::config::{DestinationConfig, ObjectsConfig, Settings};
use partway_server::policy::{KeyScope, KeyTemplate};

use super::*;

/// All that may be done with objects, besides copying.
pub const ALL: [Operation; 3] = [Operation::Get, Operation::List, Operation::Delete];

/// Lets callers do this with the objects of the default destination, within this scope.
pub fn objects(allow: &[Operation], scope: &str) -> impl FnOnce(&mut Settings) + use<> {
    let objects = ObjectsConfig {
        allow: allow.to_vec(),
        scope: Some(KeyScope::parse(scope).unwrap()),
        ..ObjectsConfig::default()
    };
    |settings| {
        let destination =
            settings.destinations.entry("default".to_owned()).or_insert_with(|| DestinationConfig {
                key: KeyTemplate::parse("{subject}/{path}").unwrap(),
                ..DestinationConfig::default()
            });
        destination.objects = objects;
    }
}

/// Lets callers copy the objects of the default destination within this scope, as in `objects`. Those of more than 64 bytes are
/// copied in parts as small as S3 allows.
pub fn copies(scope: &str) -> impl FnOnce(&mut Settings) + use<> {
    let objects = objects(&[Operation::Get, Operation::Copy], scope);
    |settings| {
        objects(settings);
        settings.uploads.copy_threshold = ByteSize::b(64);
        settings.uploads.copy_part_size = ByteSize::b(PART as u64);
    }
}

impl TestApp {
    pub async fn try_copy(&self, request: Value) -> Answer {
        self.post("/v1/copies", &request).await
    }

    /// Copies a small object.
    pub async fn copy(&self, request: Value) -> CompletedUpload {
        match self.try_copy(request).await.is(201) {
            CreatedCopy::Copied(completed) => *completed,
            CreatedCopy::Accepted(grant) => panic!("to be copied in parts: {grant:?}"),
        }
    }

    /// Begins the copy of a large object, of which these are the bytes.
    pub async fn copy_in_parts(&self, request: Value, bytes: Vec<u8>) -> Upload<'_> {
        match self.try_copy(request).await.is(201) {
            CreatedCopy::Accepted(grant) => Upload::new(self, *grant, bytes),
            CreatedCopy::Copied(completed) => panic!("copied at once: {completed:?}"),
        }
    }

    /// What an object was stored with.
    pub async fn head(&self, key: &str) -> HeadObjectOutput {
        self.store.head_object().bucket(BUCKET).key(key).send().await.unwrap()
    }

    /// The tags of an object.
    pub async fn tags(&self, key: &str) -> BTreeMap<String, String> {
        let got = self.store.get_object_tagging().bucket(BUCKET).key(key).send().await.unwrap();
        got.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }

    /// Puts an object, past the server.
    pub async fn put(&self, key: &str, content_type: &str, bytes: &[u8]) {
        let put = self.store.put_object().bucket(BUCKET).key(key).content_type(content_type);
        put.body(ByteStream::from(bytes.to_vec())).send().await.unwrap();
    }

    pub async fn put_all(&self, keys: &[&str]) {
        for key in keys {
            self.put(key, "text/plain", key.as_bytes()).await;
        }
    }

    pub async fn sign(&self, object: Value) -> SignedObject {
        match self.try_sign(object).await {
            ObjectSigning::Signed(signed) => *signed,
            ObjectSigning::Refused(problem) => panic!("refused: {problem}, {:?}", problem.field),
        }
    }

    pub async fn sign_refused(&self, object: Value) -> Problem {
        match self.try_sign(object).await {
            ObjectSigning::Refused(problem) => problem,
            ObjectSigning::Signed(signed) => panic!("signed: {}", signed.url),
        }
    }

    async fn try_sign(&self, object: Value) -> ObjectSigning {
        let signed: SignedObjects =
            self.post("/v1/objects/sign", &json!({ "objects": [object] })).await.is(200);
        signed.objects.into_iter().next().unwrap()
    }

    /// Lists by a query without its question mark.
    pub async fn list(&self, query: &str) -> ListedObjects {
        self.get(&format!("/v1/objects?{query}")).await.is(200)
    }

    pub async fn look(&self, keys: &[&str]) -> Vec<Result<ObjectInfo, Problem>> {
        let objects: Vec<_> = keys.iter().map(|key| json!({ "key": key })).collect();
        let looked: LookedAtObjects =
            self.post("/v1/objects/look", &json!({ "objects": objects })).await.is(200);
        let one = |look| match look {
            ObjectLook::Found(object) => Ok(*object),
            ObjectLook::Refused(problem) => Err(problem),
        };
        looked.objects.into_iter().map(one).collect()
    }

    pub async fn delete(&self, objects: Value) -> Vec<Result<String, Problem>> {
        let deleted: DeletedObjects =
            self.post("/v1/objects/delete", &json!({ "objects": objects })).await.is(200);
        let one = |deletion| match deletion {
            ObjectDeletion::Deleted(deleted) => Ok(deleted.key),
            ObjectDeletion::Refused(problem) => Err(problem),
        };
        deleted.objects.into_iter().map(one).collect()
    }

    /// Reads a signed URL as anybody would.
    pub async fn read(&self, url: &str) -> Answer {
        Answer::to(self.http.get(url)).await
    }
}

impl Upload<'_> {
    /// Signs these parts of a copy, and has the store copy them.
    pub async fn copy_parts(&self, parts: impl IntoIterator<Item = u32>) -> Vec<CompletedPart> {
        let mut copied = Vec::new();
        for put in self.sign(parts).await {
            let answer = put_bytes(&self.app.http, &put, b"").await;
            assert_eq!(answer.status, 200, "part {}: {}", put.part_number, answer.text());
            copied.push(CompletedPart { part_number: put.part_number, etag: copied_etag(&answer) });
        }
        copied
    }

    pub async fn copy_all_parts(&self) -> Vec<CompletedPart> {
        self.copy_parts(1..=self.plan.part_count()).await
    }
}

/// The ETag in the XML that answers the copy of a part.
fn copied_etag(answer: &Answer) -> ETag {
    let text = answer.text();
    let tag = text.split_once("<ETag>").and_then(|(_, rest)| rest.split_once("</ETag>"));
    ETag::new(&tag.unwrap_or_else(|| panic!("no ETag: {text}")).0.replace("&quot;", "\""))
}

/// The parameters of a URL.
pub fn parameters(url: &str) -> BTreeMap<String, String> {
    reqwest::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}
