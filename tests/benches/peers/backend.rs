//! What the peers have in Partway's place: their page, and a signing server that is as fast as can
//! be. It signs with Partway's own module, holds everything in memory, and asks no store. Each
//! client finds the requests that it makes by itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Data, Json, Path, Query};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::{Context as _, Result};
use aws_sdk_s3::config::Credentials;
use partway_s3::signing::{Hosts, Presigner, PutTerms};
use partway_shared::checksum::ChecksumKind;
use partway_shared::part::PartNumber;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sink::Sink;

pub(crate) const BUCKET: &str = "bench";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const LIFETIME: Duration = Duration::from_secs(900);
/// better-upload's default.
const BETTER_UPLOAD_PART: u64 = 50 << 20;
const PAGE: &str =
    "<!doctype html><meta charset=utf-8><title>Peers</title><script type=module src=/peers.js></script>";

/// A running back end. It ends with the process.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    shared: Data<Shared>,
}

struct Shared {
    sink: Sink,
    /// Where the browser reaches the store.
    store: Mutex<Arc<Hosts>>,
    credentials: Credentials,
    bundle: PathBuf,
}

#[derive(Deserialize)]
struct NewFile {
    name: String,
    size: u64,
    #[serde(default)]
    r#type: String,
}

impl Backend {
    /// Serves what is in `bundle`, and signs for the sink.
    pub(crate) fn start(bundle: PathBuf, sink: &Sink) -> Result<Self> {
        let store = Mutex::new(address(&format!("http://{}", sink.address))?);
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "bench");
        let shared = Data::new(Shared { sink: sink.clone(), store, credentials, bundle });
        let data = shared.clone();
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes))
            .workers(1)
            .disable_signals()
            .bind("127.0.0.1:0")?;
        let address = *server.addrs().first().context("the back end has no address")?;
        tokio::spawn(server.run());
        Ok(Self { address, shared })
    }

    /// Signs for the store at this address from now on.
    pub(crate) fn set_store(&self, url: &str) -> Result<()> {
        *self.shared.store.lock().unwrap_or_else(PoisonError::into_inner) = address(url)?;
        Ok(())
    }
}

fn address(url: &str) -> Result<Arc<Hosts>> {
    Ok(Arc::new(Hosts::new(&[url.to_owned()], BUCKET, true)?))
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(async || HttpResponse::Ok().content_type("text/html").body(PAGE)))
        .route("/bare", web::post().to(bare))
        .route("/better-upload", web::post().to(better_upload))
        .route("/uppy/create", web::post().to(uppy_create))
        .route("/forms", web::post().to(forms))
        .route("/s3/params", web::get().to(companion_params))
        .route("/s3/multipart", web::post().to(companion_create))
        .route("/s3/multipart/{id}", web::delete().to(async || Json(json!({}))))
        .route("/s3/multipart/{id}/complete", web::post().to(companion_complete))
        .route("/s3/multipart/{id}/{number}", web::get().to(companion_sign))
        .route("/{script}", web::get().to(script));
}

impl Shared {
    fn store(&self) -> Arc<Hosts> {
        Arc::clone(&self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn signed<T>(&self, sign: impl FnOnce(&Presigner<'_>) -> T) -> T {
        let store = self.store();
        sign(&Presigner::new(&store, REGION, &self.credentials, LIFETIME, SystemTime::now()))
    }

    /// A form's address and fields. Its policy is as long as a real one, which is all that the
    /// sink and the line notice of it.
    fn form(&self, name: &str) -> Value {
        let store = self.store();
        json!({
            "method": "POST",
            "url": format!("{}/{BUCKET}", store.first().origin()),
            "expires": LIFETIME.as_secs(),
            "fields": {
                "key": name,
                "success_action_status": "201",
                "content-type": "application/octet-stream",
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Credential": format!("{ACCESS_KEY}/20260401/{REGION}/s3/aws4_request"),
                "X-Amz-Date": "20260401T000000Z",
                "Policy": "e".repeat(500),
                "X-Amz-Signature": "0".repeat(64),
            },
        })
    }

    fn put(&self, name: &str, size: u64) -> String {
        let terms = PutTerms { content_length: size, ..PutTerms::default() };
        self.signed(|presigner| presigner.put(name, &terms).0)
    }

    /// An upload's id and the URLs of its parts.
    fn create(&self, name: &str, size: u64, part_size: u64) -> (String, Vec<String>) {
        let id = self.sink.create();
        let count = u32::try_from(size.div_ceil(part_size)).unwrap_or(u32::MAX);
        let urls = self.signed(|presigner| {
            let template = presigner.parts(name, &id, ChecksumKind::None);
            let numbers = (1..=count).filter_map(|number| PartNumber::new(number).ok());
            let length = |number: PartNumber| part_size.min(size - u64::from(number.get() - 1) * part_size);
            numbers.map(|number| template.sign(number, length(number), None)).collect()
        });
        (id, urls)
    }
}

#[derive(Deserialize)]
struct Bare {
    files: Vec<NewFile>,
    part_size: u64,
}

async fn bare(shared: Data<Shared>, Json(request): Json<Bare>) -> Json<Value> {
    let files = request.files.iter().map(|NewFile { name, size, .. }| {
        if *size > request.part_size {
            json!({ "urls": shared.create(name, *size, request.part_size).1 })
        } else {
            json!({ "urls": [shared.put(name, *size)] })
        }
    });
    Json(json!({ "files": files.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
struct BetterUpload {
    route: String,
    files: Vec<NewFile>,
}

async fn better_upload(shared: Data<Shared>, Json(request): Json<BetterUpload>) -> Json<Value> {
    let store = shared.store();
    let files = request.files.iter().map(|NewFile { name, size, r#type }| {
        let file =
            json!({ "name": name, "size": size, "type": r#type, "objectKey": name, "objectMetadata": {} });
        if request.route != "multipart" {
            return json!({ "signedUrl": shared.put(name, *size), "file": file });
        }
        let (id, urls) = shared.create(name, *size, BETTER_UPLOAD_PART);
        let parts = urls.iter().zip(1_u64..).map(|(url, number)| {
            let size = BETTER_UPLOAD_PART.min(size - (number - 1) * BETTER_UPLOAD_PART);
            json!({ "signedUrl": url, "partNumber": number, "size": size })
        });
        let whole = format!("{}/{BUCKET}/{name}?uploadId={id}", store.first().origin());
        json!({
            "file": file,
            "parts": parts.collect::<Vec<_>>(),
            "uploadId": id,
            "completeSignedUrl": whole,
            "abortSignedUrl": whole,
        })
    });
    let files: Vec<_> = files.collect();
    Json(if request.route == "multipart" {
        json!({ "multipart": { "files": files, "partSize": BETTER_UPLOAD_PART }, "metadata": {} })
    } else {
        json!({ "files": files, "metadata": {} })
    })
}

#[derive(Deserialize)]
struct UppyCreate {
    name: String,
    size: u64,
    part_size: u64,
}

async fn uppy_create(shared: Data<Shared>, Json(request): Json<UppyCreate>) -> Json<Value> {
    let (id, urls) = shared.create(&request.name, request.size, request.part_size);
    Json(json!({ "key": request.name, "uploadId": id, "urls": urls }))
}

#[derive(Deserialize)]
struct Forms {
    names: Vec<String>,
}

async fn forms(shared: Data<Shared>, Json(request): Json<Forms>) -> Json<HashMap<String, Value>> {
    let forms = request.names.into_iter().map(|name| {
        let form = shared.form(&name);
        (name, form)
    });
    Json(forms.collect())
}

async fn companion_params(shared: Data<Shared>, query: Query<HashMap<String, String>>) -> Json<Value> {
    Json(shared.form(query.get("filename").map_or("", String::as_str)))
}

async fn companion_create(shared: Data<Shared>, Json(request): Json<Value>) -> Json<Value> {
    Json(json!({ "key": request["filename"], "uploadId": shared.sink.create(), "bucket": BUCKET }))
}

async fn companion_sign(
    shared: Data<Shared>,
    path: Path<(String, u32)>,
    query: Query<HashMap<String, String>>,
) -> Json<Value> {
    let (id, number) = path.into_inner();
    let key = query.get("key").map_or("", String::as_str);
    let number = PartNumber::new(number).unwrap_or(PartNumber::FIRST);
    let url = shared.signed(|presigner| presigner.parts(key, &id, ChecksumKind::None).sign(number, 0, None));
    Json(json!({ "url": url, "expires": LIFETIME.as_secs() }))
}

async fn companion_complete(
    shared: Data<Shared>,
    id: Path<String>,
    query: Query<HashMap<String, String>>,
) -> HttpResponse {
    let key = query.get("key").map_or("", String::as_str);
    if shared.sink.complete(key, &id, None) {
        return HttpResponse::Ok()
            .json(json!({ "location": format!("/{key}"), "key": key, "bucket": BUCKET }));
    }
    HttpResponse::NotFound().json(json!({ "message": "no such upload" }))
}

async fn script(shared: Data<Shared>, name: Path<String>) -> HttpResponse {
    let Ok(script) = std::fs::read(shared.bundle.join(name.as_str())) else {
        return HttpResponse::NotFound().finish();
    };
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).content_type("text/javascript").body(script)
}
