//! One file, carried through the routes as the widget would.

use std::collections::BTreeMap;

use partway_server::token::UploadClaims;
use partway_shared::plan::Plan;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::*;

/// One file on its way.
pub struct Upload<'a> {
    pub app: &'a TestApp,
    pub grant: Grant,
    pub bytes: Vec<u8>,
    pub plan: Plan,
}

impl<'a> Upload<'a> {
    pub fn new(app: &'a TestApp, grant: Grant, bytes: Vec<u8>) -> Self {
        let plan = Plan::from_strategy(Some(bytes.len() as u64), grant.strategy.clone()).unwrap();
        Self { app, grant, bytes, plan }
    }

    pub fn piece(&self, part: u32) -> &[u8] {
        let range = self.plan.range(number(part)).unwrap();
        &self.bytes[range.start as usize..range.end as usize]
    }

    pub fn to_sign(&self, part: u32) -> PartToSign {
        PartToSign {
            part_number: number(part),
            size: None,
            checksum: checksum(self.grant.checksum, self.piece(part)),
        }
    }

    pub fn token(&self) -> String {
        self.grant.token.clone()
    }

    pub async fn sign(&self, parts: impl IntoIterator<Item = u32>) -> Vec<SignedPut> {
        let signed: SignedParts = self.try_sign(parts).await.is(200);
        signed.parts
    }

    pub async fn try_sign(&self, parts: impl IntoIterator<Item = u32>) -> Answer {
        let parts = parts.into_iter().map(|part| self.to_sign(part)).collect();
        self.app.post("/v1/uploads/sign", &SignParts { token: self.token(), parts, strategy: None }).await
    }

    /// Signs these parts and sends them.
    pub async fn send(&self, parts: impl IntoIterator<Item = u32>) -> Vec<CompletedPart> {
        let mut sent = Vec::new();
        for put in self.sign(parts).await {
            let answer = put_bytes(&self.app.http, &put, self.piece(put.part_number.get())).await;
            assert_eq!(answer.status, 200, "part {}: {}", put.part_number, answer.text());
            let etag = ETag::new(answer.header("etag").expect("an ETag"));
            sent.push(CompletedPart { part_number: put.part_number, etag });
        }
        sent
    }

    pub async fn send_all(&self) -> Vec<CompletedPart> {
        self.send(1..=self.plan.part_count()).await
    }

    pub async fn list(&self) -> Vec<StoredPart> {
        self.listed().await.parts
    }

    pub async fn listed(&self) -> ListedParts {
        self.try_list().await.is(200)
    }

    pub async fn try_list(&self) -> Answer {
        self.app.list_of(&self.grant.token).await
    }

    /// What a client that got everything right asks for.
    pub fn completion(&self, parts: &[CompletedPart]) -> CompleteUpload {
        let checksum = (self.grant.checksum == ChecksumKind::Crc64Nvme).then(|| Crc64Nvme::of(&self.bytes));
        CompleteUpload { token: self.token(), parts: parts.to_vec(), checksum }
    }

    /// Tries to complete it alone.
    pub async fn try_complete(&self, request: &impl Serialize) -> Completed {
        let request = json!({ "uploads": [request] });
        Completed(self.app.post("/v1/uploads/complete", &request).await)
    }

    pub async fn complete(&self, parts: &[CompletedPart]) -> CompletedUpload {
        self.try_complete(&self.completion(parts)).await.done()
    }

    pub async fn abort(&self) -> Answer {
        self.app.post("/v1/uploads/abort", &AbortUpload { token: self.token() }).await
    }

    /// Sends what is missing, completes, and finds the file in the store: nothing was lost on the way.
    pub async fn finish(&self) -> CompletedUpload {
        let ListedParts { parts, completed } = self.listed().await;
        let mut stored: BTreeMap<_, _> =
            parts.into_iter().map(|part| (part.part_number, part.etag)).collect();
        // What is sent straight to its key is there as a whole.
        stored.extend(completed.map(|object| (PartNumber::FIRST, object.etag)));
        let missing = self.plan.part_numbers().filter(|number| !stored.contains_key(number));
        let missing: Vec<_> = missing.map(PartNumber::get).collect();
        let sent = if missing.is_empty() { Vec::new() } else { self.send(missing).await };
        let all = stored.into_iter().chain(sent.into_iter().map(|part| (part.part_number, part.etag)));
        let all: BTreeMap<_, _> = all.collect();
        let all: Vec<_> =
            all.into_iter().map(|(part_number, etag)| CompletedPart { part_number, etag }).collect();
        let completed = self.complete(&all).await;
        self.assert_stored().await;
        completed
    }

    /// The object is the file.
    pub async fn assert_stored(&self) {
        let object = self.app.object(&self.grant.key).await;
        assert_eq!(Sha256::digest(&object), Sha256::digest(&self.bytes), "{} bytes", object.len());
    }

    pub fn claims(&self) -> UploadClaims {
        claims(&self.grant.token)
    }

    pub fn upload_id(&self) -> String {
        self.claims().upload_id.expect("a multipart upload")
    }
}

/// A form as a browser sends it: the fields, then the file.
pub fn form_body(fields: &BTreeMap<String, String>, bytes: &[u8]) -> (String, Vec<u8>) {
    let boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
    let mut body = Vec::new();
    for (name, value) in fields {
        let field =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(field.as_bytes());
    }
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"blob\"\r\nContent-Type: image/png";
    body.extend_from_slice(format!("--{boundary}\r\n{file}\r\n\r\n").as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// Sends these bytes as the grant's form, from a page of another origin.
pub async fn post_form(http: &reqwest::Client, put: &SignedPut, bytes: &[u8]) -> Answer {
    let (content_type, body) = form_body(put.form.as_ref().expect("a form"), bytes);
    let request = http.post(&put.url).header("origin", "https://app.example.com");
    Answer::to(request.header("content-type", content_type).body(body)).await
}

/// Whether it is for a key of the server's own.
pub fn is_staged(put: &SignedPut) -> bool {
    put.url.contains(".partway/incoming/")
        || put.form.as_ref().is_some_and(|form| form["key"].starts_with(".partway/incoming/"))
}

pub async fn put_bytes(http: &reqwest::Client, put: &SignedPut, bytes: &[u8]) -> Answer {
    Answer::to(put_request(http, put, bytes)).await
}

pub fn put_request(http: &reqwest::Client, put: &SignedPut, bytes: &[u8]) -> reqwest::RequestBuilder {
    // Browsers send the length of an empty body too, and reqwest does not.
    let mut request = http.put(&put.url).header("content-length", bytes.len()).body(bytes.to_vec());
    for (name, value) in &put.headers {
        request = request.header(name, value);
    }
    request
}
