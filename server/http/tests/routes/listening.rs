//! Other ways in than a port without TLS: a certificate that changes while the server runs, and a Unix socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use partway_server::app::Application;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::*;

fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
    cert.der().clone()
}

/// Asks over TLS, trusting this certificate alone.
fn asked(url: &str, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(url.strip_prefix("https://").expect("TLS"))?;
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_certificate(folder.path());
    let app = TestApp::with(|settings| {
        settings.tls.certificate = Some(folder.path().join("certificate.pem"));
        settings.tls.key = Some(folder.path().join("key.pem"));
    })
    .await;
    assert!(asked(&app.url, &first).unwrap().starts_with("HTTP/1.1 200 OK"));

    // What is no certificate changes nothing.
    std::fs::write(folder.path().join("certificate.pem"), "half of a").unwrap();
    let second = write_certificate(
        &std::fs::create_dir(folder.path().join("new")).map(|()| folder.path().join("new")).unwrap(),
    );
    assert!(asked(&app.url, &second).is_err());
    assert!(asked(&app.url, &first).is_ok());
    for name in ["key.pem", "certificate.pem"] {
        std::fs::rename(folder.path().join("new").join(name), folder.path().join(name)).unwrap();
    }
    let begun = Instant::now();
    while asked(&app.url, &second).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(asked(&app.url, &first).is_err());
}

#[tokio::test]
async fn files_that_are_no_certificate_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let other = tempfile::tempdir().unwrap();
    write_certificate(other.path());
    let key = other.path().join("key.pem");
    for (certificate, key, named) in [
        (folder.path().join("none.pem"), folder.path().join("key.pem"), "none.pem"),
        (folder.path().join("key.pem"), folder.path().join("key.pem"), "holds no certificate"),
        (folder.path().join("certificate.pem"), folder.path().join("certificate.pem"), "tls.key"),
        (folder.path().join("certificate.pem"), key, "cannot be used"),
    ] {
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(&data);
        settings.tls.certificate = Some(certificate);
        settings.tls.key = Some(key);
        let Err(error) = Application::build(settings).await else { panic!("it started") };
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_listened_on_and_taken_over_from_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partway.sock");
    // Left behind: nobody listens any more once it is dropped, and the file stays.
    drop(UnixListener::bind(&path).unwrap());
    let app = TestApp::with(|settings| settings.server.socket = Some(path.clone())).await;
    assert_eq!(app.url, format!("unix:{}", path.display()));
    let asked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let mut stream = UnixStream::connect(path).unwrap();
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }
    });
    assert!(asked.await.unwrap().starts_with("HTTP/1.1 200 OK"));

    let data = tempfile::tempdir().unwrap();
    let mut settings = settings(&data);
    settings.server.socket = Some(path.clone());
    let Err(error) = Application::build(settings).await else { panic!("two at one socket") };
    let error = error.to_string();
    assert!(error.contains("server.socket") && error.contains("another process"), "{error}");
}
