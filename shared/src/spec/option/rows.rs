//! The rows of the table, a file for those of one matter each, and the table itself. A row that the
//! table does not name is used nowhere: the compiler says so.

mod backend_tls;
mod check;
mod connect;
mod limits;
mod live;
mod tls;
mod tunnel;

use super::OptionRow;

/// Every option of a tunnel, in the order in which they are printed.
pub static OPTIONS: &[OptionRow] = &[
    tunnel::NAME,
    connect::STRATEGY,
    connect::SLOW_START,
    connect::CONNECT_TIMEOUT,
    connect::RETRIES,
    connect::MAX_FAILS,
    connect::FAIL_TIMEOUT,
    check::CHECK,
    check::CHECK_INTERVAL,
    check::CHECK_TIMEOUT,
    check::FALL,
    check::RISE,
    check::CHECK_PORT,
    check::CHECK_SEND,
    check::CHECK_EXPECT,
    check::CHECK_PATH,
    connect::ON_ALL_DOWN,
    live::ON_REMOVE,
    live::ON_DOWN,
    live::DRAIN_DEADLINE,
    live::IDLE_TIMEOUT,
    live::HALF_CLOSE_TIMEOUT,
    live::MAX_DURATION,
    limits::MAX_CONNS,
    limits::QUEUE_TIMEOUT,
    limits::MAX_CONNS_PER_SOURCE,
    limits::CONN_RATE,
    limits::ALLOW,
    limits::DENY,
    tls::TLS_CERT,
    tls::TLS_KEY,
    tls::TLS_CLIENT_CA,
    tls::TLS_CLIENT_AUTH,
    tls::TLS_ALPN,
    tls::TLS_MIN,
    tls::TLS_HANDSHAKE_TIMEOUT,
    backend_tls::BACKEND_TLS,
    backend_tls::BACKEND_SNI,
    backend_tls::BACKEND_CA,
    backend_tls::BACKEND_CERT,
    backend_tls::BACKEND_KEY,
    backend_tls::BACKEND_VERIFY,
    backend_tls::BACKEND_ALPN,
    tunnel::KEEPALIVE,
    tunnel::TCP_USER_TIMEOUT,
    tunnel::BACKLOG,
    tunnel::ADMIN,
];
