//! Whatever is sent as a token is refused, and whatever claims we sign read back, for their subject and until they expire.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use partway_server::token::{MAX_TOKEN_BYTES, TokenMint, UploadClaims};

static MINT: LazyLock<TokenMint> = LazyLock::new(|| TokenMint::new(&"a secret that the fuzzer does not know".into()));

fuzz_target!(|text: &str| {
    assert!(MINT.check(text, "ada", 0).is_err());
    let Ok(claims) = serde_json::from_str::<UploadClaims>(text) else { return };
    let _ = claims.plan();
    let token = MINT.issue(&claims);
    if token.len() > MAX_TOKEN_BYTES || claims.key.len() > 1_024 {
        return;
    }
    let read = MINT.check(&token, &claims.subject, claims.expires_at.saturating_sub(1));
    assert_eq!(read.ok(), (claims.expires_at > 0).then_some(claims.clone()));
    assert!(MINT.check(&token, &claims.subject, claims.expires_at).is_err());
    assert!(MINT.check(&token, &[&claims.subject, "x"].concat(), 0).is_err());
});
