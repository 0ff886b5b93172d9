#![doc = include_str!("../README.md")]

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
mod fold;
mod health;
mod histogram;
mod hops;
mod listener;
mod log;
mod metrics;
mod places;
mod registry;
mod relay;
mod resolver;
mod service;
mod socket;
mod stop;
mod sys;
mod table;
mod tally;
mod traffic;
mod tunnel;
mod worker;

pub use config::Config;
pub use daemon::{Daemon, main};
pub use resolver::NameServers;
pub use service::{Actor, BindFailure, Caller, Door, OpenError, Peer, Service, ServiceError};
