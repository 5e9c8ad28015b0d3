//! The caller of a request: its subject, and the scope of its credentials.

use partway_shared::error::{ErrorCode, Problem};

use crate::policy::{Scope, ScopeSource};

/// The longest subject, in bytes.
const MAX_SUBJECT: usize = 256;

/// The owner of uploads: a user, or whatever else the identity names. An upload belongs to one subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// Creates a subject from the name that an identity gives: 1 to 256 bytes without control characters.
    ///
    /// # Errors
    /// [`ErrorCode::CredentialsInvalid`] for a name that is empty, too long, or has control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, Problem> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_SUBJECT || name.chars().any(char::is_control) {
            let why = format!("a subject must have 1 to {MAX_SUBJECT} bytes, and no control characters");
            return Err(Problem::new(ErrorCode::CredentialsInvalid, why));
        }
        Ok(Self(name))
    }

    /// Returns the one subject of a server without identities.
    #[must_use]
    pub fn anyone() -> Self {
        Self("anyone".to_owned())
    }

    /// Returns the name that the identity gave.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The owner of the uploads that it creates, and may resume.
    pub subject: Subject,
    /// What its credentials permit, of what its subject may do.
    pub scope: Scope,
    /// The ticket that it presented, if uses of that ticket are counted.
    pub ticket: Option<Ticket>,
}

/// A bearer token whose uses are counted, against `max_files` of its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The ticket's id, unique among tickets.
    pub id: String,
    /// When the ticket expires and its counter can be dropped, in seconds since 1970.
    pub expires_at: u64,
}

impl Caller {
    /// Creates a caller that may do all that the subject may.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, scope: Scope::default(), ticket: None }
    }

    /// Checks the scope, which an application that mounts Partway can set to anything.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let by = if self.ticket.is_some() { ScopeSource::Ticket } else { ScopeSource::Application };
        self.scope.check(by).map_err(|why| {
            tracing::error!(why, "the scope that the application gives a caller cannot be enforced");
            let why = "the application gives the caller limits that cannot be enforced; the server's log has the reason";
            Problem::new(ErrorCode::IdentityUnavailable, why)
        })
    }
}
