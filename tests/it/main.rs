//! The tests that need more than one crate: a module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic with a good sentence is the way a test fails"
)]

// The house.
mod layers;
mod readme;

// The data path.
mod add_remove;
mod apply;
mod balance;
mod changes;
mod checks;
mod client;
mod close;
mod completions;
mod descriptors;
mod drain;
mod dry_run;
mod ejection;
mod failover;
mod half_close;
mod integrity;
mod live_choice;
mod local_ports;
mod loops;
mod max_conns;
mod model;
mod names;
mod resets;
mod settings;
mod shell;
mod slow_reader;
mod sni;
mod timeouts;
mod tls;
mod top;
mod top_anew;
mod unix_sockets;

// The doors and the programs.
mod bad_input;
mod bench;
mod clients;
mod conns;
mod events;
mod explain;
mod history;
mod limits;
mod line;
mod load;
mod manual;
mod many;
mod metrics;
mod otlp;
mod overview;
mod packaging;
mod parity;
mod process;
mod rpc;
mod rpc_tls;
mod servers;
mod sessions;
mod systemd;
mod top_lines;
mod transcript;
