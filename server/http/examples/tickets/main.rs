//! Prints a ticket for a subject, good for an hour: three images of at most 20 MB each into the destination `photos`.
//!
//!     PARTWAY_TICKET_SECRET=… cargo run --package partway-server --example tickets -- ada

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

mod ticket;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("PARTWAY_TICKET_SECRET")?;
    let subject = std::env::args().nth(1).ok_or("say for whom: tickets SUBJECT")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "sub": subject,
        "aud": "partway",
        "exp": now + 3_600,
        "jti": uuid::Uuid::new_v4(),
        "partway": {
            "destinations": ["photos"],
            "key_prefix": "albums/7/",
            "max_file_size": 20_000_000,
            "types": ["image/*"],
            "max_files": 3,
        },
    });
    let ticket = ticket::sign(&secret, &claims).ok_or("the secret cannot be a key")?;
    writeln!(std::io::stdout(), "{ticket}")?;
    Ok(())
}
