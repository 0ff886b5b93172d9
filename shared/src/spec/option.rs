//! The options of a tunnel: one table, from which they are parsed, printed,
//! helped and documented. A new option is one row in `option/rows/`, which
//! [`OPTIONS`] names, one field, and the place that uses it.

mod options;
mod row;
mod rows;
mod text;
mod value;

pub use options::TunnelOptions;
pub use row::OptionRow;
pub(super) use row::words_of;
pub use rows::OPTIONS;
pub use value::DEADLINE_RANGE;
