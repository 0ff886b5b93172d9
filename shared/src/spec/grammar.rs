//! The grammar of a tunnel as people read it, made from the tables of options and attributes.

use super::{ATTRIBUTES, OPTIONS};

/// All that can be said of a tunnel: what `help tunnel` and `plexyd --help-tunnel` print.
///
/// ```
/// let text = plexy_shared::spec::grammar();
/// assert!(text.starts_with("A tunnel: local=backend[,backend...][[option=value,...]]\n"));
/// ```
#[must_use]
pub fn grammar() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("\nAttributes of a backend, each behind a `+`:\n");
    for row in ATTRIBUTES {
        let value = if row.value.is_empty() { String::new() } else { format!("={}", row.value) };
        text.push_str(&format!(
            "  {}{value}\n      {} (default: {})\n",
            row.key, row.meaning, row.default
        ));
    }
    text.push_str("\nOptions, in brackets and separated by commas:\n");
    for row in OPTIONS {
        let aliases = match row.aliases {
            [] => String::new(),
            aliases => format!(" (also {})", aliases.join(", ")),
        };
        text.push_str(&format!(
            "  {}{aliases} = {}\n      {} (default: {})\n",
            row.key,
            row.value.replace('`', ""),
            row.meaning,
            row.default()
        ));
    }
    text
}

const INTRODUCTION: &str = "\
A tunnel: local=backend[,backend...][[option=value,...]]

  3000=10.0.0.1:5432
      listens on 127.0.0.1:3000, carries to one backend
  *:3000=10.0.0.1:5432+weight=2,db.example:5432+backup[name=db,strategy=least-conn]
      listens on all interfaces; two backends, the second for emergencies

An address:
  host:port      a name is resolved; to listen, its first IPv4 address is taken
  port           127.0.0.1:port
  *:port         all interfaces, IPv4 and IPv6 (to listen)
  [v6]:port      an IPv6 address; [::] is all interfaces of IPv6 only
  unix:/path     a Unix socket
  Listening on port 0 takes a free port and tells which.

Durations are 250ms, 2s, 5m, 1h; a bare number is seconds, decimals are allowed.
A value or an address with a comma, bracket, plus or blank is written in quotes.
";
