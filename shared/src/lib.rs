#![doc = include_str!("../README.md")]

pub mod command;
pub mod connection;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod explanation;
pub mod filter;
pub mod fingerprint;
pub mod history;
pub mod info;
pub mod manual;
pub mod rpc;
pub mod spec;
pub mod units;
pub mod weight;
pub mod word;
