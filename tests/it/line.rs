//! The line protocol, verb by verb and byte by byte.

mod concurrent;
mod events;
mod framing;
mod http;
mod modes;
mod verbs;
