//! What tests share that speak HTTP by hand, over the routes and over the embedded store.

use std::io::Read as _;
use std::net::TcpStream;

/// Reads up to the end of a head, and no further.
pub(crate) fn next_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}
