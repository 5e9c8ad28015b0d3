//! Whatever is written into the configuration, or sent as a token or a body: a refusal, and no panic.

use std::path::Path;

use partway_server::config::Settings;
use partway_server::token::TokenMint;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_oneof, proptest};

use crate::support::*;

/// Settings as somebody may mistype them.
fn toml() -> impl Strategy<Value = String> {
    let section = prop_oneof![
        Just("server"),
        Just("store"),
        Just("uploads"),
        Just("embedded"),
        Just("sweep"),
        Just("tls"),
        Just("operations"),
        Just("stor"),
    ];
    let name = prop_oneof![
        Just("listen"),
        Just("bucket"),
        Just("key_prefix"),
        Just("part_size"),
        Just("url_lifetime"),
        Just("endpoint"),
        Just("endpoints"),
        Just("interval"),
        Just("certificate"),
        Just("allowed_hosts"),
        Just("allowed_origins"),
        Just("checksum"),
        Just("max_body"),
        Just("token_secret"),
        Just("socket"),
        Just("log_format"),
    ];
    let value = prop_oneof![
        any::<String>().prop_map(|text| format!("{text:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"1h\"".to_owned()),
        Just("\"5 MiB\"".to_owned()),
        Just("[\"https://a.test\", 3]".to_owned()),
        Just("\"-1s\"".to_owned()),
        Just("\"999999999999 TiB\"".to_owned()),
        Just("\"99999999999999999999y\"".to_owned()),
    ];
    prop::collection::vec((section, name, value), 0..6).prop_map(|settings| {
        settings.into_iter().map(|(section, name, value)| format!("{section}.{name} = {value}\n")).collect()
    })
}

proptest! {
    #[test]
    fn no_configuration_brings_it_down(toml in prop_oneof![toml(), any::<String>()]) {
        let settings = Settings::from_toml(Path::new("partway.toml"), &toml);
        if let Err(error) = settings.and_then(|settings| settings.validate()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn no_token_brings_it_down(token in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,300}\\.[A-Za-z0-9_-]{0,50}"]) {
        prop_assert!(TokenMint::new(&TOKEN_SECRET.into()).check(&token, "ada", 0).is_err());
    }
}

#[tokio::test]
async fn bodies_that_are_meant_badly() {
    let app = TestApp::start().await;
    let files = |file: serde_json::Value| json!({ "files": [file] }).to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        (deep.clone(), ErrorCode::InvalidField),
        (format!("{{\"files\":{deep}}}"), ErrorCode::InvalidField),
        (format!("{{\"files\":[{{\"name\":{deep}}}]}}"), ErrorCode::InvalidField),
        ("\u{0}".to_owned(), ErrorCode::InvalidJson),
        (files(json!({ "name": "x".repeat(10 << 20), "size": 1 })), ErrorCode::BodyTooLarge),
        (files(json!({ "name": "a", "size": -1 })), ErrorCode::InvalidField),
        (files(json!({ "name": "a", "size": 1e300 })), ErrorCode::InvalidField),
        (files(json!({ "name": "a", "size": 1, "sise": 1 })), ErrorCode::UnknownField),
    ] {
        let answer = app.post_text("/v1/uploads", body).await;
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        assert!(problem.code == code || problem.code == ErrorCode::InvalidJson, "{problem}");
        assert!(answer.body.len() < 2 * KIB, "what is sent back of it is short");
    }
    assert_eq!(app.get("/healthz").await.status, 200);
}
