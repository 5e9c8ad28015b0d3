//! The log: what an operator needs, and nothing that opens a door.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use partway_server::config::ServerConfig;
use partway_server::embedded_secrets::EmbeddedSecrets;
use partway_server::telemetry;
use secrecy::ExposeSecret as _;

use crate::support::*;

/// What all threads have logged; the subscriber is the process's only one, and other tests log too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_urls_nor_tokens_nor_secrets_are_logged() {
    let log = Log::default();
    let config = ServerConfig::default();
    let writer = log.clone();
    // As chatty as it can be made.
    telemetry::init_to("trace", config.log_format, move || writer.clone(), false).unwrap();

    let app = TestApp::start().await;
    let upload = app.begin("film.mp4", PART + 1).await;
    let signed = upload.sign([1, 2]).await;
    let sent = upload.send_all().await;
    upload.try_complete(&upload.completion(&[])).await.refused(ErrorCode::PartMissing);
    let expensive = CompleteUpload { checksum: Some(Crc64Nvme::EMPTY), ..upload.completion(&sent) };
    upload.try_complete(&expensive).await.refused(ErrorCode::ChecksumMismatch);
    // Only the route is logged: a client that is wrong about where a token goes does not show it.
    let misplaced = format!("/v1/uploads/{}/parts?token={}", upload.token(), upload.token());
    app.call(Method::PUT, "/v1/uploads/sign").await.refused(ErrorCode::MethodNotAllowed);
    app.get(&misplaced).await.refused(ErrorCode::NotFound);
    app.post(&format!("/v1/uploads/sign?{}", upload.token()), &json!({}))
        .await
        .refused(ErrorCode::InvalidField);
    app.list_of(&format!("{}x", upload.grant.token)).await.refused(ErrorCode::TokenInvalid);
    upload.complete(&sent).await;
    let aborted = app.begin("film.mp4", 100).await;
    aborted.abort().await;
    let single = app.begin("note.txt", 5).await;
    let signed_single = single.sign([1]).await;
    single.finish().await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in [
        format!("upload.id=\"{}\"", upload.upload_id()),
        format!("upload.key=\"{}\"", upload.grant.key),
        "upload completed".to_owned(),
        "upload aborted".to_owned(),
        "route=\"/v1/uploads/complete\"".to_owned(),
        "refused".to_owned(),
    ] {
        assert!(text.contains(&told), "{told} is not in the log");
    }

    let secrets = EmbeddedSecrets::load_or_make(app.data()).unwrap();
    let mut hidden = vec![
        TOKEN_SECRET.to_owned(),
        secrets.secret_access_key.expose_secret().to_owned(),
        secrets.token_secret.expose_secret().to_owned(),
        "X-Amz-Signature".to_owned(),
        "X-Amz-Credential".to_owned(),
    ];
    for token in [&upload.grant.token, &aborted.grant.token, &single.grant.token] {
        hidden.extend(token.split('.').map(str::to_owned));
    }
    for put in signed.iter().chain(&signed_single) {
        hidden.push(put.url.rsplit('=').next().unwrap().to_owned());
    }
    for hidden in hidden {
        assert!(hidden.len() > 10 && !text.contains(&hidden), "{hidden} is in the log");
    }
}
