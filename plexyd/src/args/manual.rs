//! The manual page, plexyd(8): its options as clap knows them, commands and grammar as their tables
//! have them.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use plexy_shared::manual::{Section, tidied, title};

use super::Args;

/// The page as roff, to be read with `man -l`.
///
/// # Errors
///
/// What writing into memory never has.
pub(crate) fn manual() -> io::Result<String> {
    // A page is the same whatever the variables are.
    let command = Args::command().mut_args(|arg| arg.hide_env_values(true));
    let man = Man::new(command);
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    let parts = [
        title("plexyd", 8, env!("CARGO_PKG_VERSION")),
        introduction(),
        tidied(&String::from_utf8_lossy(&options)),
        surroundings(),
        operation(),
    ];
    Ok(parts.concat())
}

fn introduction() -> String {
    let name = Section::new("NAME").text("plexyd - a dynamic TCP proxy");
    let synopsis = Section::new("SYNOPSIS").text("`plexyd` [options] [`TUNNEL`]...");
    let description = Section::new("DESCRIPTION")
        .text(
            "plexyd holds tunnels: each listens on one address and carries its connections to one of \
             several backends. Tunnels are opened, changed and closed while it runs, and nothing that \
             runs is cut by a change that did not ask for it. It is controlled with plexyctl(1), with \
             `nc`, with JSON-RPC, or by its configuration file.",
        )
        .text(
            "Tunnels given as arguments are all opened, or the start fails and says of each why. It \
             stays in the foreground and logs to standard error.",
        );
    let examples = Section::new("EXAMPLES")
        .text("One tunnel, to two databases, and a door for `nc`:")
        .typed([
            "plexyd --control-socket 9999 '5432=10.0.0.1:5432,10.0.0.2:5432[name=db]'",
            "echo status full | nc 127.0.0.1 9999",
        ])
        .text("As a service: tunnels of a file, and what is changed at run time kept:")
        .typed(["plexyd --config /etc/plexy/plexy.toml --state /var/lib/plexy/state"])
        .text("Look whether a configuration is good before it is reloaded:")
        .typed(["plexyd --check --config /etc/plexy/plexy.toml && systemctl reload plexyd"]);
    let commands = Section::new("COMMANDS")
        .text(
            "The line protocol, of every `--control-socket`: one command a line, in any case. An \
             answer begins with OK or ERROR; details follow, each behind a tab. `plexyctl` has the \
             same commands.",
        )
        .verbs(|_| true, str::to_owned);
    let tunnels = Section::new("TUNNELS").grammar();
    [name, synopsis, description, examples, commands, tunnels]
        .map(|section| section.to_string())
        .concat()
}

fn surroundings() -> String {
    let files = Section::new("FILES")
        .item(
            "/etc/plexy/plexy.toml",
            "The configuration of the service, of `--config`: `tunnels`, a list, and options by their \
             names, such as `workers = 2`.",
        )
        .item(
            "/var/lib/plexy/state",
            "What was changed at run time, of `--state`: there again after a restart, or a crash.",
        )
        .item(
            "$RUNTIME_DIRECTORY/rpc.sock, $XDG_RUNTIME_DIR/plexy/rpc.sock, /run/plexy/rpc.sock",
            "JSON-RPC for plexyctl: the first of them whose variable is set, the last as root, else \
             plexy-UID/rpc.sock in the temporary folder. A unix:/path of `--rpc-socket` replaces it.",
        );
    let environment = Section::new("ENVIRONMENT")
        .item("PLEXY_LOG_LEVEL, PLEXY_LOG_FORMAT", "As `--log-level` and `--log-format`.")
        .item("RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, TMPDIR", "Where JSON-RPC listens.")
        .item(
            "OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, ...",
            "The variables of OpenTelemetry's exporter over HTTP, of its resource and its sampler.",
        )
        .item(
            "SSL_CERT_FILE, SSL_CERT_DIR",
            "The authorities that are believed where a tunnel names none.",
        )
        .item(
            "LISTEN_FDS, NOTIFY_SOCKET, WATCHDOG_USEC",
            "Sockets from systemd, by their names, and what it wants to hear.",
        );
    [files, environment].map(|section| section.to_string()).concat()
}

fn operation() -> String {
    let signals = Section::new("SIGNALS")
        .item(
            "TERM, INT",
            "Accepts nobody more, and ends once every connection has ended, or resets them after \
             `--shutdown-deadline`; a second one resets them at once.",
        )
        .item("QUIT", "The same without a deadline.")
        .item("HUP", "Reads the configuration file and all certificates again, as `reload` does.")
        .item("USR1", "Opens the file of the access log again, after a rotation.")
        .item("USR2", "Is logged, and ignored for now.");
    let privileges = Section::new("PRIVILEGES")
        .text(
            "plexyd needs none, and should not run as root. To listen on a port below 1024 it needs \
             CAP_NET_BIND_SERVICE. The unit for systemd gives it that; elsewhere",
        )
        .typed(["setcap cap_net_bind_service=+ep /usr/bin/plexyd"])
        .text("or, for all programs of the machine,")
        .typed(["sysctl net.ipv4.ip_unprivileged_port_start=0"])
        .text(
            "A connection takes two open files, and a tunnel one: plexyd raises its soft limit to the \
             hard one (`LimitNOFILE=` of the unit, `ulimit -Hn` elsewhere). Its Unix sockets have the \
             mode 0660: who is in the group of plexyd may control it. Over TCP every user of the \
             machine may, where there is no `--token-file`.",
        );
    let exits = Section::new("EXIT STATUS")
        .item("0", "Told to end, or `--check` finds no mistake.")
        .item("1", "It cannot start.")
        .item("2", "The command line is no good.")
        .item("78", "The configuration file is no good (EX_CONFIG).");
    let also = Section::new("SEE ALSO").text("plexyctl(1), nc(1), systemd.service(5)");
    [signals, privileges, exits, also].map(|section| section.to_string()).concat()
}
