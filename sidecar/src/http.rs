//! The HTTP/1.1 server that Prometheus and people meet.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | one scrape, as text format 0.0.4 or `OpenMetrics` 1.0, with gzip for who takes it; `?name[]=` selects families |
//! | `GET /healthz` | 200 while the sidecar lives |
//! | `GET /` | a page for people: what this is, and where to look |
//!
//! `HEAD` is answered alike; anything else is 404 or 405. Every wait for a client has an end, and
//! there are so many clients and no more: who connects and does nothing, or reads slowly, can
//! neither hold memory nor keep Prometheus out for long. Whoever has been answered may keep its
//! connection: by that scrapers are told from each other.

mod body;
mod connection;
mod conversation;
mod delivery;
mod listener;
mod routes;
mod server;
mod socket;

pub(crate) use listener::listen;
pub(crate) use routes::{RouteState, routes};
pub(crate) use server::{said, serve};
