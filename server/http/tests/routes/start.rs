//! Settings under which the server does not start, each with a word of what to do.

use std::io::Write as _;
use std::path::Path;

use partway_server::app::Application;
use partway_server::config::Settings;

use crate::support::*;

async fn error_of(change: impl FnOnce(&mut Settings)) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut settings = settings(&data);
    change(&mut settings);
    match Application::build(settings).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn others_cannot_reach_a_server_without_identities() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "[2001:db8::1]:8080", "[::ffff:192.0.2.1]:80"] {
        let error = error_of(|settings| settings.server.listen = listen.parse().unwrap()).await;
        assert!(error.starts_with("server.listen: ") && error.contains(listen), "{error}");
        assert!(error.contains("loopback"), "it says what would do: {error}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let error = error_of(|settings| settings.server.listen = addr).await;
    assert!(error.contains(&addr.to_string()) && error.contains("server.listen"), "{error}");
    let error = error_of(|settings| settings.embedded.listen = addr).await;
    assert!(error.contains(&addr.to_string()) && error.contains("embedded.listen"), "{error}");
}

#[tokio::test]
async fn a_store_that_is_in_use_is_not_opened_twice() {
    let app = TestApp::start().await;
    let data = app.data().to_owned();
    let error = error_of(|settings| settings.embedded.data = data.clone()).await;
    assert!(error.contains(&data.display().to_string()), "{error}");
    app.begin("a.bin", 100).await.finish().await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_one_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = error_of(|settings| settings.embedded.data = file.path().to_owned()).await;
    assert!(error.contains(&file.path().display().to_string()), "{error}");
}

#[tokio::test]
async fn with_an_identity_others_can_reach_it() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.server.listen = "0.0.0.0:0".parse().unwrap();
    })
    .await;
    assert!(app.url.starts_with("http://0.0.0.0:"), "{}", app.url);
    app.list_of("x").await.refused(ErrorCode::CredentialsMissing);
    let error = error_of(|settings| {
        settings.server.listen = "0.0.0.0:0".parse().unwrap();
        settings.identity.jwt.secret = Some(TICKET_SECRET.to_owned().into());
    })
    .await;
    assert!(error.contains("[identity]"), "a secret alone is no identity: {error}");
}

#[test]
fn an_unknown_setting_is_an_error_that_names_it() {
    let load = |toml: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(toml.as_bytes()).unwrap();
        Settings::load(Some(file.path())).unwrap_err().to_string()
    };
    for (toml, named) in [
        ("[server]\nlissen = \"127.0.0.1:1\"", "lissen"),
        ("[uploads]\nmax_size = 1", "max_size"),
        ("[embedded]\nfolder = \"x\"", "folder"),
        ("[store]\nbuckets = []", "buckets"),
        ("[identity]\nkid = \"none\"", "kid"),
        ("listen = \"127.0.0.1:1\"", "listen"),
    ] {
        let error = load(toml);
        assert!(error.contains("unknown setting") && error.contains(named), "{toml:?} gave {error:?}");
    }
    let error = load("[server]\nlisten = 8080");
    assert!(error.contains("server.listen"), "{error}");
    let missing = Settings::load(Some(Path::new("/no/such/partway.toml"))).unwrap_err().to_string();
    assert!(missing.contains("partway.toml"), "{missing}");
}
