#![doc = include_str!("../README.md")]

pub mod command;
pub mod error;
pub mod info;
pub mod spec;
pub mod units;
