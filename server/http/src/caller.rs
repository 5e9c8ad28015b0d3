//! Whoever makes a request: whose uploads it creates, and what it may do less than others.

use partway_shared::error::{ErrorCode, Problem};

use crate::policy::{Limits, SaidBy};

/// The longest subject, in bytes.
const MAX_SUBJECT: usize = 256;

/// Whose uploads are whose. An upload belongs to its subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// A subject as an identity names it.
    ///
    /// # Errors
    /// [`ErrorCode::CredentialsInvalid`] for one that is empty, too long, or has control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, Problem> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_SUBJECT || name.chars().any(char::is_control) {
            let why = format!("a subject has 1 to {MAX_SUBJECT} bytes and no control characters");
            return Err(Problem::new(ErrorCode::CredentialsInvalid, why));
        }
        Ok(Self(name))
    }

    /// The one subject of a server without identities.
    #[must_use]
    pub fn anyone() -> Self {
        Self("anyone".to_owned())
    }

    /// As the identity names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose uploads it creates, and may go on with.
    pub subject: Subject,
    /// What it may do less than its subject.
    pub limits: Limits,
    /// What it came with, if that is counted.
    pub ticket: Option<Ticket>,
}

/// Credentials whose uses are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Different for each.
    pub id: String,
    /// When it need not be counted any longer, in seconds since 1970.
    pub expires_at: u64,
}

impl Caller {
    /// A caller who may do all that the subject may.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, limits: Limits::default(), ticket: None }
    }

    /// Whether what it may do less can be kept; an application that mounts Partway may say anything.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let by = if self.ticket.is_some() { SaidBy::Ticket } else { SaidBy::Application };
        self.limits.check(by).map_err(|why| {
            tracing::error!(why, "the limits that the application says of a caller cannot be kept");
            let why = "the application says limits that cannot be kept; the server's log says more";
            Problem::new(ErrorCode::IdentityUnavailable, why)
        })
    }
}
