//! Bearer tokens: who is let in, who is not, and for which reason.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use partway_server::config::{IdentityKind, Settings};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::Value;

use crate::support::*;

/// A key that signs tokens, of each kind.
enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    fn rsa() -> Self {
        // The one key that ring cannot make.
        Self::Rsa(RsaKeyPair::from_pkcs8(include_bytes!("keys/rsa.pk8")).unwrap())
    }

    fn p256() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap())
    }

    fn ed25519() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn token(&self, kid: Option<&str>, claims: &Value) -> String {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = match kid {
            Some(kid) => json!({ "alg": self.algorithm(), "kid": kid }),
            None => json!({ "alg": self.algorithm() }),
        };
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let (message, random) = (signed.as_bytes(), SystemRandom::new());
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn jwk(&self, kid: &str) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(key) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Self::P256(key) => {
                let point = &key.public_key().as_ref()[1..];
                json!({ "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": encode(&point[..32]), "y": encode(&point[32..]) })
            }
            Self::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(key.public_key().as_ref()) })
            }
        }
    }

    /// The public key as `openssl pkey -pubout` writes it.
    fn pem(&self) -> String {
        let (prefix, key): (&str, Vec<u8>) = match self {
            Self::Rsa(key) => {
                ("30820122300d06092a864886f70d01010105000382010f00", key.public().as_ref().to_vec())
            }
            Self::P256(key) => {
                ("3059301306072a8648ce3d020106082a8648ce3d030107034200", key.public_key().as_ref().to_vec())
            }
            Self::Ed25519(key) => ("302a300506032b6570032100", key.public_key().as_ref().to_vec()),
        };
        let prefix =
            (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap());
        let der: Vec<u8> = prefix.chain(key).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }
}

fn by_public_key(pem: String) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.identity.kind = IdentityKind::Jwt;
        settings.identity.jwt.public_key = Some(pem);
    }
}

fn by_jwks(url: String) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.identity.kind = IdentityKind::Jwt;
        settings.identity.jwt.jwks_url = Some(url);
    }
}

#[tokio::test]
async fn a_file_goes_up_with_a_token_of_each_kind_of_key() {
    for key in [Key::rsa(), Key::p256(), Key::ed25519()] {
        let app = TestApp::with(by_public_key(key.pem())).await;
        app.come_as(key.token(None, &ticket_claims("ada")));
        app.begin("a.bin", 100).await.finish().await;
        let other = match key {
            Key::Rsa(_) => Key::p256(),
            Key::P256(_) | Key::Ed25519(_) => Key::rsa(),
        };
        app.come_as(other.token(None, &ticket_claims("ada")));
        app.try_create(file("a.bin", 1)).await.refused(ErrorCode::CredentialsInvalid);
    }
}

#[tokio::test]
async fn without_a_good_token_nobody_gets_in() {
    let app = TestApp::with(by_ticket).await;
    let good = ticket_claims("ada");
    let with = |pointer: &str, value: Value| ticket_of(&changed(&good, pointer, value));
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        ticket_of(&claims)
    };
    let fine = ticket("ada");
    let (signed, signature) = fine.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let header = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let (invalid, expired) = (ErrorCode::CredentialsInvalid, ErrorCode::CredentialsExpired);
    for (token, code, why) in [
        (String::new(), invalid, ""),
        ("x".to_owned(), invalid, "not a JWT"),
        ("a.b.c".to_owned(), invalid, "not a JWT"),
        ("x".repeat(20_000), invalid, "16 KiB"),
        (format!("{signed}."), invalid, "signature"),
        (format!("{signed}.{}", &signature[1..]), invalid, ""),
        (format!("{}.{claims}.", header(r#"{"alg":"none"}"#)), invalid, "not a JWT"),
        (format!("{}.{claims}.{signature}", header(r#"{"alg":"RS256"}"#)), invalid, "alg"),
        (
            format!("{}.{claims}.{signature}", header(r#"{"alg":"HS256","crit":["b64"]}"#)),
            invalid,
            "extensions",
        ),
        (with("/exp", json!(now() - 60)), expired, "new one"),
        (with("/exp", json!("99999999999")), invalid, ""),
        (with("/nbf", json!(now() + 60)), invalid, "nbf"),
        (with("/aud", json!("another service")), invalid, "aud"),
        (with("/sub", json!("")), invalid, "subject"),
        (with("/sub", json!("a\u{0}b")), invalid, "subject"),
        (with("/sub", json!("x".repeat(300))), invalid, "subject"),
        (with("/sub", json!(7)), invalid, ""),
        (with("/partway", json!({ "max_file_sise": 1 })), invalid, "max_file_sise"),
        (with("/partway", json!({ "key_prefix": "../" })), invalid, "segments"),
        (with("/partway", json!({ "types": ["image"] })), invalid, "types"),
        (without("exp"), invalid, ""),
        (without("aud"), invalid, "aud"),
        (without("sub"), invalid, ""),
    ] {
        app.come_as(token.clone());
        let answer = app.try_create(file("a.bin", 1)).await;
        let problem = answer.refused(code);
        assert!(problem.detail.contains(why), "{token} gave {problem}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    for header in ["Basic YWRhOng=", "Bearer", "", "Token x"] {
        let request = app.http.post(format!("{}/v1/uploads", app.url)).header("authorization", header);
        Answer::to(request.json(&json!({ "files": [] }))).await.refused(invalid);
    }
    let nobody = app.http.post(format!("{}/v1/uploads", app.url)).json(&json!({ "files": [] }));
    Answer::to(nobody).await.refused(ErrorCode::CredentialsMissing);
    app.come_as(fine);
    app.begin("a.bin", 100).await.finish().await;
}

#[tokio::test]
async fn issuers_and_clocks() {
    let app = TestApp::with(|settings| {
        by_ticket(settings);
        settings.identity.jwt.issuer = vec!["https://id.example.com".to_owned()];
    })
    .await;
    let good = changed(&ticket_claims("ada"), "/iss", json!("https://id.example.com"));
    app.come_as(ticket_of(&changed(&good, "/exp", json!(now() - 10))));
    app.try_create(file("a.bin", 1)).await.is::<CreatedUploads>(201);
    app.come_as(ticket_of(&changed(&good, "/iss", json!("https://evil.example"))));
    assert!(
        app.try_create(file("a.bin", 1)).await.refused(ErrorCode::CredentialsInvalid).detail.contains("iss")
    );
    app.come_as(ticket("ada"));
    app.try_create(file("a.bin", 1)).await.refused(ErrorCode::CredentialsInvalid);
}

/// An upload belongs to whoever began it.
#[tokio::test]
async fn nobody_elses_token_works_on_an_upload() {
    let app = TestApp::with(by_ticket).await;
    app.come_as(ticket("ada"));
    let upload = app.begin("a.bin", PART + 1).await;
    let sent = upload.send_all().await;
    app.come_as(ticket("eve"));
    upload.try_list().await.refused(ErrorCode::TokenForeign);
    upload.try_sign([1]).await.refused(ErrorCode::TokenForeign);
    upload.try_complete(&upload.completion(&sent)).await.refused(ErrorCode::TokenForeign);
    upload.abort().await.refused(ErrorCode::TokenForeign);
    app.come_as("nonsense");
    upload.abort().await.refused(ErrorCode::CredentialsInvalid);
    // Another of the same subject's does.
    app.come_as(ticket_of(&changed(&ticket_claims("ada"), "/jti", json!("another"))));
    upload.complete(&sent).await;
}

/// A provider whose keys can be exchanged.
fn provider_of(keys: &Arc<Mutex<Value>>) -> Peer {
    let published = Arc::clone(keys);
    Peer::start(move |_| HttpResponse::Ok().json(&*published.lock().unwrap()))
}

#[tokio::test]
async fn published_keys_are_kept() {
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "secret" });
    let provider = provider_of(&Arc::new(Mutex::new(json!({ "keys": [Key::rsa().jwk("one"), secret] }))));
    let app = TestApp::with(by_jwks(format!("{}/jwks.json", provider.url))).await;
    assert_eq!(provider.calls().len(), 0, "nothing is fetched before it is needed");
    app.come_as(Key::rsa().token(Some("one"), &ticket_claims("ada")));
    app.begin("a.bin", 100).await.finish().await;
    app.come_as(Key::rsa().token(None, &ticket_claims("ada")));
    app.begin("a.bin", 100).await.finish().await;
    assert_eq!(provider.calls().len(), 1, "the keys are kept");

    // Keys that nobody has published do not let anybody flood the provider.
    for n in 0..20 {
        app.come_as(Key::p256().token(Some(&format!("made up {n}")), &ticket_claims("ada")));
        app.try_create(file("a.bin", 1)).await.refused(ErrorCode::CredentialsInvalid);
    }
    assert_eq!(provider.calls().len(), 1, "it was asked a moment ago");
    app.come_as(Key::ed25519().token(Some("one"), &ticket_claims("ada")));
    app.try_create(file("a.bin", 1)).await.refused(ErrorCode::CredentialsInvalid);
}

#[tokio::test]
async fn published_keys_rotate() {
    let (old, new) = (Key::p256(), Key::ed25519());
    let keys = Arc::new(Mutex::new(json!({ "keys": [old.jwk("old")] })));
    let provider = provider_of(&keys);
    let app = TestApp::with(|settings| {
        by_jwks(provider.url.clone())(settings);
        settings.identity.jwt.jwks_cool_down = Duration::ZERO;
    })
    .await;
    let try_with = async |key: &Key, kid: &str| {
        app.come_as(key.token(Some(kid), &ticket_claims("ada")));
        app.try_create(file("a.bin", 1)).await
    };
    try_with(&old, "old").await.is::<CreatedUploads>(201);
    try_with(&new, "new").await.refused(ErrorCode::CredentialsInvalid);
    *keys.lock().unwrap() = json!({ "keys": [old.jwk("old"), new.jwk("new")] });
    try_with(&new, "new").await.is::<CreatedUploads>(201);
    assert_eq!(provider.calls().len(), 3, "once for each key that was not known");
    try_with(&old, "old").await.is::<CreatedUploads>(201);
    // A key that is withdrawn is good until the next time that they are fetched.
    *keys.lock().unwrap() = json!({ "keys": [new.jwk("new")] });
    try_with(&new, "none").await.refused(ErrorCode::CredentialsInvalid);
    try_with(&old, "old").await.refused(ErrorCode::CredentialsInvalid);
    try_with(&new, "new").await.is::<CreatedUploads>(201);
}

#[tokio::test]
async fn a_key_set_with_each_kind_of_key() {
    let all = [Key::rsa(), Key::p256(), Key::ed25519()];
    let set = json!({ "keys": all.iter().map(|key| key.jwk(key.algorithm())).collect::<Vec<_>>() });
    let provider = Peer::start(move |_| HttpResponse::Ok().json(&set));
    let app = TestApp::with(by_jwks(provider.url.clone())).await;
    for key in &all {
        app.come_as(key.token(Some(key.algorithm()), &ticket_claims("ada")));
        app.begin("a.bin", 100).await.finish().await;
        app.come_as(key.token(Some("RS256"), &ticket_claims("ada")));
        assert_eq!(app.try_create(file("a.bin", 1)).await.status == 201, key.algorithm() == "RS256");
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be() {
    for respond in [
        |_: &_| HttpResponse::InternalServerError().finish(),
        |_: &_| HttpResponse::Ok().body("<html>"),
        |_: &_| HttpResponse::Ok().json(json!({ "keys": [] })),
        |_: &_| HttpResponse::Found().insert_header(("location", "http://127.0.0.1:1/")).finish(),
        |_: &_| HttpResponse::Ok().body("x".repeat(2 * MIB)),
    ] {
        let provider = Peer::start(respond);
        let app = TestApp::with(by_jwks(provider.url.clone())).await;
        app.come_as(Key::rsa().token(Some("one"), &ticket_claims("ada")));
        app.try_create(file("a.bin", 1)).await.refused(ErrorCode::IdentityUnavailable);
    }
}

/// The order of P-256, from which everybody can make a second signature of one that is good: `s` becomes `n - s`.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn with_the_other_s(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let left = i16::from(P256_ORDER[place]) - i16::from(signature[32 + place]) - borrow;
        borrow = i16::from(left < 0);
        signature[32 + place] = left.rem_euclid(256) as u8;
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The same bytes, written otherwise: the bits of the last character that are not used.
fn with_other_last_bits(token: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let place = ALPHABET.find(last).unwrap();
    format!("{rest}{}", &ALPHABET[place ^ 1..=place ^ 1])
}

#[tokio::test]
async fn a_ticket_without_an_id_counts_once_however_it_is_signed() {
    let p256 = Key::p256();
    let claims = changed(&ticket_claims("ada"), "/partway", json!({ "max_files": 1 }));
    let hmac = TestApp::with(by_ticket).await;
    let ecdsa = TestApp::with(by_public_key(p256.pem())).await;
    for (app, token) in [(&hmac, ticket_of(&claims)), (&ecdsa, p256.token(None, &claims))] {
        app.come_as(&token);
        accepted(app.create(vec![file("a", 1)]).await.remove(0));
        let again = [token.clone(), with_other_last_bits(&token), format!("{token}="), format!(" {token} ")];
        for same in again {
            app.come_as(&same);
            let answer = app.try_create(file("b", 1)).await;
            if answer.status == 201 {
                let created: CreatedUploads = answer.is(201);
                let problem = refused(created.uploads.into_iter().next().unwrap());
                assert_eq!(problem.code, ErrorCode::TicketUsedUp, "{same}");
            } else {
                answer.refused(ErrorCode::CredentialsInvalid);
            }
        }
    }
    let token = p256.token(None, &changed(&claims, "/sub", json!("eve")));
    let other = with_the_other_s(&token);
    assert_ne!(token, other);
    ecdsa.come_as(&other);
    accepted(ecdsa.create(vec![file("a", 1)]).await.remove(0));
    ecdsa.come_as(&token);
    assert_eq!(refused(ecdsa.create(vec![file("b", 1)]).await.remove(0)).code, ErrorCode::TicketUsedUp);
}
