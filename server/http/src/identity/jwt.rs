//! Authentication by bearer tokens: JWTs of an identity provider, or tickets that the application issues.
//!
//! A ticket is a JWT whose claim `partway` holds a scope: `{"sub": "ada", "aud": "partway", "exp": …, "partway":
//! {"destinations": ["photos"], "max_files": 3}}`.

use std::collections::HashSet;
use std::fmt;

use actix_web::HttpRequest;
use actix_web::http::header;
use async_trait::async_trait;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use partway_shared::error::{ErrorCode, Problem};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::JwtConfig;
use crate::policy::{Scope, ScopeSource};
use crate::verifying_key::VerifyingKey;

use super::jwks::Jwks;
use super::{Identify, crypto};
use crate::caller::{Caller, Subject, Ticket};

/// The longest accepted token in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1_024;

/// A verifier of bearer tokens.
pub struct Jwt {
    keys: Keys,
    validation: Validation,
}

enum Keys {
    Static(VerifyingKey),
    Published(Box<Jwks>),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    jti: Option<String>,
    #[serde(default)]
    partway: Scope,
}

impl Jwt {
    /// Creates the verifier that is configured. Does not fetch published keys yet.
    ///
    /// # Errors
    /// When a key cannot be read.
    pub fn new(config: &JwtConfig) -> Result<Self, String> {
        crypto::install();
        let keys = match (&config.secret, &config.public_key, &config.jwks_url) {
            (Some(secret), ..) => Keys::Static(VerifyingKey::from_secret(secret.expose_secret())),
            (_, Some(pem), _) => Keys::Static(VerifyingKey::from_pem(pem)?),
            (.., Some(url)) => Keys::Published(Box::new(Jwks::new(url, config)?)),
            _ => return Err("identity.jwt has no key".to_owned()),
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = config.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&config.audience);
        validation.set_required_spec_claims(&["exp", "sub", "aud"]);
        if !config.issuer.is_empty() {
            validation.set_issuer(&config.issuer);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        Ok(Self { keys, validation })
    }

    async fn check(&self, token: &str) -> Result<Caller, Problem> {
        let invalid = |why: &str| Problem::new(ErrorCode::CredentialsInvalid, why);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(invalid("the token must have at most 16 KiB"));
        }
        let header = decode_header(token).map_err(|_| invalid("the bearer token is not a JWT"))?;
        // Extensions that have to be understood, of which none is (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(invalid("the token requires extensions (crit), of which none is supported"));
        }
        let key = match &self.keys {
            Keys::Static(key) => key.clone(),
            Keys::Published(keys) => keys.find(header.kid.as_deref(), header.alg).await?,
        };
        let mut validation = self.validation.clone();
        validation.algorithms = HashSet::from([key.algorithm]).into_iter().collect();
        let claims = decode::<Claims>(token, &key.key, &validation).map_err(|error| refusal(&error))?.claims;
        claims.partway.check(ScopeSource::Ticket).map_err(invalid)?;
        let ticket = claims.partway.max_files.map(|_| Ticket {
            id: claims.jti.unwrap_or_else(|| signed_digest(token)),
            expires_at: claims.exp.saturating_add(self.validation.leeway),
        });
        Ok(Caller { subject: Subject::new(claims.sub)?, scope: claims.partway, ticket })
    }
}

/// Returns the id of a token without `jti`: a digest of what is signed. It excludes the signature, since others can
/// be valid as well: anyone can make a second one of ES256.
fn signed_digest(token: &str) -> String {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    format!("{:x}", Hex(&Sha256::digest(signed)))
}

/// Bytes as hex.
struct Hex<'a>(&'a [u8]);

impl fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Returns what is wrong with a token, for its issuer.
fn refusal(error: &jsonwebtoken::errors::Error) -> Problem {
    let invalid = |why: &str| Problem::new(ErrorCode::CredentialsInvalid, why);
    match error.kind() {
        ErrorKind::ExpiredSignature => {
            Problem::new(ErrorCode::CredentialsExpired, "the token has expired; get a new one")
        }
        ErrorKind::ImmatureSignature => invalid("the token is not valid yet (nbf)"),
        ErrorKind::InvalidAudience => invalid("the token is for another audience (aud)"),
        ErrorKind::InvalidIssuer => invalid("the token is from another issuer (iss)"),
        ErrorKind::InvalidSignature => invalid("the token's signature does not match the configured key"),
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => {
            invalid("the token's algorithm (alg) is not that of the configured key")
        }
        ErrorKind::MissingRequiredClaim(claim) => invalid(&format!("the token has no claim {claim:?}")),
        ErrorKind::Json(error) => invalid(&format!("the token's claims cannot be used: {error}")),
        _ => invalid("the bearer token is not a JWT that this server can verify"),
    }
}

#[async_trait(?Send)]
impl Identify for Jwt {
    async fn identify(&self, request: &HttpRequest) -> Result<Caller, Problem> {
        let Some(header) = request.headers().get(header::AUTHORIZATION) else {
            let why = "the request needs a token in the header Authorization: Bearer";
            return Err(Problem::new(ErrorCode::CredentialsMissing, why));
        };
        let bearer = header.to_str().ok().and_then(|header| header.split_once(' '));
        let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or_else(|| {
            Problem::new(ErrorCode::CredentialsInvalid, "the header Authorization must be Bearer and a token")
        })?;
        self.check(token.trim()).await
    }
}
