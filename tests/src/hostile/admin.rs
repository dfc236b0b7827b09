//! Connections to the admin port that say nothing, or never finish what they say.

use std::io::Write;
use std::net::TcpStream;

/// Opens so many, every second one with half a request; returns those that could be opened. They stay until dropped.
pub fn idle_admin_connections(address: &str, count: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for number in 0..count {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        if number % 2 == 0 {
            // Whether it is taken is nobody's concern.
            let _ = stream.write_all(b"GET /status HTTP/1.1\r\nHost: h\r\nX-Never-Ends: ");
        }
        open.push(stream);
    }
    open
}
