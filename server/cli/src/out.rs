//! Standard output, which may be closed before all is written: `partway ls … | head` ends quietly.

use std::io::{self, BufWriter, StdoutLock, Write};

/// Standard output, buffered.
pub(crate) struct Out {
    out: BufWriter<StdoutLock<'static>>,
}

impl Out {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::with_capacity(64 << 10, io::stdout().lock()) }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), WriteError> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        Ok(self.out.flush()?)
    }
}

/// Why a line was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Nobody reads any more.
    #[error("standard output is closed")]
    Closed,
    /// The system refuses, as where a disk is full.
    #[error("standard output cannot be written to: {0}")]
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Io(error) }
    }
}

/// Writes a line to standard error. That it is closed is no reason to stop.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "partway: {line}");
}

/// Returns a text without what would move a terminal's cursor or end the line: a key may have any character.
pub(crate) fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return text.into();
    }
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
