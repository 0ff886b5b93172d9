//! The rows of the table, a file for those of each [`Group`](super::Group), and the table itself. A row
//! that the table does not name is used nowhere: the compiler says so.

mod backends;
mod changes;
mod connections;
mod daemon;
mod live;
mod looking;
mod session;
mod tunnels;

use super::Verb;

pub(super) use connections::CLAUSES;
pub(super) use tunnels::is_setting;

/// Every verb, in the order of `help`. The contract wants the first three and
/// the last two where they are.
pub static VERBS: &[Verb] = &[
    tunnels::OPEN,
    tunnels::CLOSE,
    looking::STATUS,
    looking::DETAIL,
    backends::ADD,
    backends::REMOVE,
    backends::SWITCH,
    tunnels::SET,
    backends::DRAIN,
    backends::DISABLE,
    backends::ENABLE,
    connections::CONNS,
    connections::KILL,
    looking::EXPLAIN,
    looking::EVENTS,
    changes::HISTORY,
    changes::UNDO,
    changes::SAVE,
    changes::LOAD,
    changes::EXPORT,
    changes::RELOAD,
    daemon::LOG,
    daemon::PING,
    daemon::VERSION,
    session::MODE,
    session::AUTH,
    session::EXIT,
    session::HELP,
];
