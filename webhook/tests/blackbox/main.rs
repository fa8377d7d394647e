//! The program `emberscope` as its users run it: real processes, real TLS, curl as the client.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // In a test that is the message.

mod api_server;
mod certificates;
mod check;
mod command_line;
mod harness;
mod server;
mod why;
