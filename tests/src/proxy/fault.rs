//! The damage that can be done to one exchange.

use std::time::Duration;

use super::gate::Gate;

/// Damage to an exchange.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers in the server's place, once the request's body is read.
    Answer {
        /// The HTTP status.
        status: u16,
        /// Headers besides the length.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Resets the connection when this many bytes of the request's body have come and gone on. The
    /// server sees a request that breaks off; of one without a body, nothing.
    Reset {
        /// Bytes of the body.
        after: u64,
    },
    /// The same after as many bytes as the rule's random numbers say; see [`Rule::at_random`](super::Rule::at_random).
    ResetAnywhere,
    /// Passes the request on with one byte of its body altered.
    FlipByte {
        /// Its offset.
        at: u64,
    },
    /// Passes the request on once the gate is open.
    Hold(Gate),
    /// Passes the request on after so long.
    Delay(Duration),
    /// Passes so much of the request's body on, and the rest once the gate is open.
    Stall {
        /// Bytes of the body.
        after: u64,
        /// Lets the rest pass.
        gate: Gate,
    },
    /// Passes the request on, and resets the connection in place of the answer.
    LoseAnswer,
    /// Passes the request on, but cuts these headers out of the answer (names in lower case).
    StripHeaders(&'static [&'static str]),
    /// Passes the request on, but gives its answer another status.
    Status(u16),
    /// Passes the request on, but of its answer's head only one byte at a time.
    Trickle {
        /// The time between two bytes.
        every: Duration,
    },
    /// Passes the request on, and of its answer's body so much; the rest once the gate is open.
    StallAnswer {
        /// Bytes of the answer's body.
        after: u64,
        /// Lets the rest pass.
        gate: Gate,
    },
    /// Passes the request on, and its answer with one byte of its body altered.
    FlipAnswerByte {
        /// Its offset.
        at: u64,
    },
    /// Passes the request on, and closes the connection when so much of the answer's body has
    /// passed. The head promises at least one byte more.
    Truncate {
        /// Bytes of the answer's body.
        after: usize,
    },
}

impl Fault {
    /// An error as S3 sends it, readable for pages of any origin.
    #[must_use]
    pub fn s3_error(status: u16, code: &str) -> Self {
        Self::Answer {
            status,
            headers: vec![
                ("content-type", "application/xml".to_owned()),
                ("access-control-allow-origin", "*".to_owned()),
            ],
            body: format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Injected</Message></Error>"
            ),
        }
    }
}
