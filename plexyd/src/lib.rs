#![doc = include_str!("../README.md")]

mod access_log;
mod admin;
mod args;
mod backend;
mod balance;
mod bind;
mod config;
mod connection;
mod control;
mod daemon;
mod descriptors;
mod dial;
mod engine;
mod events;
mod fold;
mod gate;
mod health;
mod hello;
mod histogram;
mod hops;
mod introduction;
mod listener;
mod log;
mod metrics;
mod otlp;
mod places;
mod process;
mod queue;
mod refusal;
mod registry;
mod relay;
mod resolver;
mod sample;
mod service;
mod socket;
mod state;
mod stop;
mod sys;
mod systemd;
mod table;
mod tally;
mod tls;
mod trace;
mod traffic;
mod tunnel;
mod watch;
mod worker;

pub use access_log::{AccessEvents, AccessFormat, AccessLogConfig};
pub use config::Config;
pub use control::tls::{ClientCertificates, RpcTls};
pub use daemon::{Daemon, main};
pub use otlp::OtlpSettings;
pub use resolver::NameServers;
pub use service::{
    Actor, BindFailure, Caller, Door, OpenError, Peer, Service, ServiceError, TlsFault,
};
