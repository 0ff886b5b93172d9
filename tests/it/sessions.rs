//! How many sessions of the line protocol there may be, and who may have one.

mod bound;
mod token;
mod unix_socket;
