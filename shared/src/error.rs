//! The one table of error codes: each with its status, whether trying again can
//! help, and a title. Errors travel as problem details (RFC 9457).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is known of a code besides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorSpec {
    /// The stable code, as it stands in answers and logs.
    pub code: &'static str,
    /// The HTTP status; `None` for what only a client can find.
    pub status: Option<u16>,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// The kind of error in a few words, the same for every occurrence.
    pub title: &'static str,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal { status: $status:expr, retryable: $retryable:literal, title: $title:literal })*) => {
        /// Everything that can go wrong, by its stable code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the code's row of the table.
            #[must_use]
            pub const fn spec(self) -> &'static ErrorSpec {
                match self {
                    $(Self::$name => &ErrorSpec { code: $code, status: $status, retryable: $retryable, title: $title },)*
                }
            }
        }
    };
}

error_codes! {
    // What a request got wrong.

    /// The body is not JSON at all.
    InvalidJson = "invalid_json" { status: Some(400), retryable: false, title: "The body is not valid JSON" }
    /// A field is missing, of the wrong type or out of bounds.
    InvalidField = "invalid_field" { status: Some(400), retryable: false, title: "A field is not valid" }
    /// A field that the route does not know.
    UnknownField = "unknown_field" { status: Some(400), retryable: false, title: "A field is unknown" }
    /// The body is not declared as JSON.
    UnsupportedMediaType = "unsupported_media_type" { status: Some(415), retryable: false, title: "The body must be application/json" }
    /// The body is longer than the server reads.
    BodyTooLarge = "body_too_large" { status: Some(413), retryable: false, title: "The body is too large" }
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout" { status: Some(408), retryable: true, title: "The request did not arrive in time" }
    /// No such route.
    NotFound = "not_found" { status: Some(404), retryable: false, title: "There is nothing here" }
    /// The route does not take this method.
    MethodNotAllowed = "method_not_allowed" { status: Some(405), retryable: false, title: "The method is not allowed here" }
    /// A page of this origin may not call the server.
    OriginNotAllowed = "origin_not_allowed" { status: Some(403), retryable: false, title: "Pages of this origin may not call the server" }
    /// The server does not answer to the host name of the request.
    HostNotAllowed = "host_not_allowed" { status: Some(421), retryable: false, title: "The server does not answer to this host name" }
    /// The file exceeds what the destination or S3 takes.
    FileTooLarge = "file_too_large" { status: Some(413), retryable: false, title: "The file is too large" }
    /// The destination does not take files of this type or extension.
    TypeNotAllowed = "type_not_allowed" { status: Some(415), retryable: false, title: "Files of this type are not accepted here" }
    /// The bytes are not of the type that the file was said to be; they were removed.
    ContentMismatch = "content_mismatch" { status: Some(422), retryable: false, title: "The file's content does not match its type" }
    /// There is an object under the key already, and it stays.
    ObjectExists = "object_exists" { status: Some(409), retryable: false, title: "An object with this key exists already" }
    /// The application refuses the upload.
    UploadRefused = "upload_refused" { status: Some(403), retryable: false, title: "The application refused the upload" }
    /// The destination does not exist for this subject.
    UnknownDestination = "unknown_destination" { status: Some(404), retryable: false, title: "There is no such destination" }

    // Objects.

    /// There is no such object, or the caller may not know of it.
    ObjectNotFound = "object_not_found" { status: Some(404), retryable: false, title: "There is no such object" }
    /// The object is another one than it was.
    ObjectChanged = "object_changed" { status: Some(412), retryable: false, title: "The object has changed" }
    /// The object is in an archive, and has to be restored before it can be read.
    ObjectArchived = "object_archived" { status: Some(409), retryable: false, title: "The object is archived" }
    /// The store cannot copy the object to that place: it is another store's, or the store copies nothing.
    CopyNotPossible = "copy_not_possible" { status: Some(409), retryable: false, title: "The store cannot copy this object" }
    /// The destination, or the caller's ticket, does not allow this.
    OperationNotAllowed = "operation_not_allowed" { status: Some(403), retryable: false, title: "This is not allowed here" }
    /// The application refuses access to the object.
    AccessRefused = "access_refused" { status: Some(403), retryable: false, title: "The application refused access" }
    /// A link that nobody signed, or that has expired or was revoked.
    LinkInvalid = "link_invalid" { status: Some(410), retryable: false, title: "The link does not work any more" }

    // Who asks.

    /// The request carries no credentials.
    CredentialsMissing = "credentials_missing" { status: Some(401), retryable: false, title: "The request carries no credentials" }
    /// Forged, of another issuer or for another audience, or not of the form that is needed.
    CredentialsInvalid = "credentials_invalid" { status: Some(401), retryable: false, title: "The credentials are not valid" }
    /// The credentials have expired; new ones help.
    CredentialsExpired = "credentials_expired" { status: Some(401), retryable: false, title: "The credentials have expired" }
    /// The application knows the caller, and does not permit the request.
    NotPermitted = "not_permitted" { status: Some(403), retryable: false, title: "The application does not permit it" }
    /// The ticket's number of uploads is used up.
    TicketUsedUp = "ticket_used_up" { status: Some(403), retryable: false, title: "The ticket is used up" }

    // The upload token.

    /// Forged, cut short, or signed with another secret.
    TokenInvalid = "token_invalid" { status: Some(401), retryable: false, title: "The upload token is not valid" }
    /// The upload token has expired.
    TokenExpired = "token_expired" { status: Some(410), retryable: false, title: "The upload token has expired" }
    /// It belongs to another subject, or to a destination that does not exist for this one.
    TokenForeign = "token_foreign" { status: Some(403), retryable: false, title: "The upload token belongs to somebody else" }

    // The parts.

    /// A part number that the plan does not have.
    PartOutOfPlan = "part_out_of_plan" { status: Some(400), retryable: false, title: "The upload has no such part" }
    /// A part number given twice.
    PartDuplicate = "part_duplicate" { status: Some(400), retryable: false, title: "A part is given twice" }
    /// The store lacks a part, or the request does.
    PartMissing = "part_missing" { status: Some(409), retryable: false, title: "A part is missing" }
    /// A stored part differs from what the client or the plan says.
    PartMismatch = "part_mismatch" { status: Some(409), retryable: false, title: "A stored part is not the one that was sent" }
    /// The object's checksum is not that of its parts, or the store refused it.
    ChecksumMismatch = "checksum_mismatch" { status: Some(409), retryable: false, title: "The checksum does not match" }
    /// The upload was aborted or never existed.
    UploadGone = "upload_gone" { status: Some(404), retryable: false, title: "The upload no longer exists" }
    /// The upload is complete; there is nothing to abort.
    AlreadyCompleted = "already_completed" { status: Some(409), retryable: false, title: "The upload is already complete" }

    // The store and the server.

    /// The store could not be reached or failed.
    StoreUnavailable = "store_unavailable" { status: Some(503), retryable: true, title: "The store is not available" }
    /// The store refuses the server's credentials or the operation.
    StoreDenied = "store_denied" { status: Some(502), retryable: false, title: "The store refused the server" }
    /// The store answered something that makes no sense.
    StoreMisbehaved = "store_misbehaved" { status: Some(502), retryable: false, title: "The store gave an answer that cannot be used" }
    /// The store has no space left.
    StoreFull = "store_full" { status: Some(507), retryable: true, title: "The store is full" }
    /// Too many requests.
    TooManyRequests = "too_many_requests" { status: Some(429), retryable: true, title: "Too many requests" }
    /// The subject has as many uploads open as it may have.
    TooManyUploads = "too_many_uploads" { status: Some(429), retryable: true, title: "Too many uploads are open" }
    /// The subject has used up its bytes per day.
    QuotaExceeded = "quota_exceeded" { status: Some(429), retryable: true, title: "The daily quota is used up" }
    /// The counters of quotas cannot be reached.
    LimitsUnavailable = "limits_unavailable" { status: Some(503), retryable: true, title: "The quotas cannot be checked" }
    /// The application or the identity provider that authenticates callers cannot be reached.
    IdentityUnavailable = "identity_unavailable" { status: Some(503), retryable: true, title: "The caller cannot be authenticated now" }
    /// The application has not answered a hook; what it decides or has to know waits for it.
    HookUnavailable = "hook_unavailable" { status: Some(503), retryable: true, title: "The application has not answered" }
    /// So many requests are being read that there is no room for another.
    ServerBusy = "server_busy" { status: Some(503), retryable: true, title: "The server is busy" }
    /// A bug of the server.
    Internal = "internal" { status: Some(500), retryable: true, title: "The server failed" }

    // What only a client can find.

    /// Partway's server does not answer.
    ServerUnreachable = "server_unreachable" { status: None, retryable: true, title: "The upload server cannot be reached" }
    /// Something else than Partway's server answered.
    ServerMisbehaved = "server_misbehaved" { status: None, retryable: true, title: "The upload server's answer cannot be used" }
    /// The store does not answer the browser.
    StoreUnreachable = "store_unreachable" { status: None, retryable: true, title: "The store cannot be reached" }
    /// The store's answers lack the ETag header.
    StoreEtagHidden = "store_etag_hidden" { status: None, retryable: true, title: "The bucket's CORS does not expose ETag" }
    /// The store refused a part.
    PartRefused = "part_refused" { status: None, retryable: true, title: "The store refused a part" }
    /// The connection sent nothing for too long.
    Stalled = "stalled" { status: None, retryable: true, title: "The connection stalled" }
    /// The file changed, moved or vanished since it was chosen.
    FileChanged = "file_changed" { status: None, retryable: false, title: "The file changed or vanished since it was chosen" }
    /// The file chosen to resume an upload is not the one that it was begun with.
    FileMismatch = "file_mismatch" { status: None, retryable: false, title: "This is not the file that was being uploaded" }
    /// Another tab is sending the upload.
    UploadBusy = "upload_busy" { status: None, retryable: true, title: "Another tab is sending this upload" }
    /// The file cannot be read: a folder, or no permission.
    FileUnreadable = "file_unreadable" { status: None, retryable: false, title: "The file cannot be read" }
    /// The page's function for a token or for headers returned none.
    CredentialsUnavailable = "credentials_unavailable" { status: None, retryable: true, title: "There are no credentials for the upload server" }
    /// The store refused a download.
    DownloadRefused = "download_refused" { status: None, retryable: true, title: "The store refused the download" }
    /// The bytes that came are not those that the store verified.
    DownloadCorrupt = "download_corrupt" { status: None, retryable: true, title: "The file did not arrive as it is stored" }
    /// What was downloaded cannot be written: the disk is full, or writing is not permitted any more.
    FileUnwritable = "file_unwritable" { status: None, retryable: true, title: "The file cannot be written" }
    /// The user cancelled.
    Cancelled = "cancelled" { status: None, retryable: false, title: "The upload was cancelled" }
    /// A call on an uploader that was closed.
    Closed = "closed" { status: None, retryable: false, title: "The uploader was closed" }
    /// An option or argument of the JavaScript API is not acceptable.
    InvalidOption = "invalid_option" { status: None, retryable: false, title: "An option is not valid" }
    /// The WebAssembly engine could not be loaded.
    EngineUnavailable = "engine_unavailable" { status: None, retryable: true, title: "The upload engine could not be loaded" }
}

impl ErrorCode {
    /// The stable code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().code
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A code that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an error code of Partway")
    }
}

impl FromStr for ErrorCode {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = UnknownCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Problem details (RFC 9457): the body of every refusal, and of one file's in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The stable code.
    pub code: ErrorCode,
    /// The field that is to blame, as a path (`files[3].size`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In how many seconds trying again can help, where that is known; the answer's `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind, with what happened this time.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let spec = code.spec();
        Self {
            kind: format!("urn:partway:error:{}", spec.code),
            title: spec.title.to_owned(),
            status: spec.status.unwrap_or(500),
            detail: detail.into(),
            code,
            field: None,
            retry_after: None,
        }
    }

    /// The same, with when to try again.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same, blaming a field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_sound() {
        let mut seen = BTreeSet::new();
        for &code in ErrorCode::ALL {
            let spec = code.spec();
            assert!(seen.insert(spec.code), "{} is declared twice", spec.code);
            assert!(spec.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", spec.code);
            assert!(spec.status.is_none_or(|status| (400..=599).contains(&status)), "{}", spec.code);
            assert!(!spec.title.is_empty() && !spec.title.ends_with('.'), "{}", spec.code);
            assert_eq!(spec.code.parse(), Ok(code));
            // A 4xx is the request's fault, so repeating it is no help; 408 and 429 are the exceptions.
            if let Some(status @ 400..500) = spec.status {
                assert_eq!(spec.retryable, matches!(status, 408 | 429), "{}", spec.code);
            }
        }
    }

    #[test]
    fn a_problem_reads_back() {
        let problem = Problem::new(ErrorCode::InvalidField, "-1 is below 0").with_field("files[0].size");
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
        assert!(json.contains(r#""type":"urn:partway:error:invalid_field""#));
        assert!(serde_json::from_str::<ErrorCode>("\"no_such_code\"").is_err());
    }
}
