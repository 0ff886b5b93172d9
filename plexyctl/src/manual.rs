//! The manual page, plexyctl(1): its options as clap knows them, its commands as the table of verbs has
//! them.

use clap::{Command, CommandFactory, Subcommand};
use clap_mangen::Man;
use plexy_shared::manual::{Section, tidied, title};

use crate::args::{Options, Own, is_ours, typed};
use crate::exit::ClientCode;
use crate::failure::Failure;

/// The page as roff, to be read with `man -l`.
///
/// # Errors
///
/// What writing into memory never has.
pub(crate) fn page() -> Result<String, Failure> {
    // A page is the same whatever the variables are.
    let options = Options::command().mut_args(|arg| arg.hide_env_values(true));
    let man = Man::new(options);
    let mut flags = Vec::new();
    man.render_options_section(&mut flags).map_err(|error| {
        Failure::new(ClientCode::OutputFailed, format!("cannot write the page: {error}"))
    })?;
    let parts = [
        title("plexyctl", 1, env!("CARGO_PKG_VERSION")),
        introduction(),
        commands().to_string(),
        tidied(&String::from_utf8_lossy(&flags)),
        surroundings(),
    ];
    Ok(parts.concat())
}

fn introduction() -> String {
    let name = Section::new("NAME").text("plexyctl - the client of Plexy, a dynamic TCP proxy");
    let synopsis = Section::new("SYNOPSIS")
        .text("`plexyctl` [options] `COMMAND` [words]")
        .text("`plexyctl` [options] `-f` FILE | `-c` COMMANDS | < FILE")
        .text("`plexyctl`");
    let description = Section::new("DESCRIPTION")
        .text(
            "plexyctl has plexyd(8) open, change and close tunnels while it runs, and shows what goes \
             through them. With a command it does that one and ends. Without one it does those of a \
             script: of a file, of `-c`, or of standard input, one a line, up to the first that \
             fails; on a terminal it is a shell.",
        )
        .text(
            "Answers go to standard output, all else to standard error; the exit status tells how it \
             went without reading a word. Of what would be changed nothing is touched before all of \
             it is found to be good.",
        );
    let examples = Section::new("EXAMPLES")
        .text("Open a tunnel, look at it, and add a backend:")
        .typed([
            "plexyctl open '5432=10.0.0.1:5432[name=db]'",
            "plexyctl detail db",
            "plexyctl add db 10.0.0.2:5432",
        ])
        .text("Take a backend out, and wait until the last of its connections has ended:")
        .typed(["plexyctl drain db 10.0.0.1:5432 --wait=10m"])
        .text("Which connections have moved most, as JSON, and end one of them:")
        .typed([
            "plexyctl conns db sort -bytes limit 5 -o json",
            "plexyctl kill 7355149516800000001",
        ])
        .text("A script, all of which is read before anything is done:")
        .typed(["plexyctl -f tunnels.plexy", "plexyctl -c 'drain db 10.0.0.1:5432; detail db'"])
        .text("Another machine's daemon:")
        .typed(["plexyctl --endpoint wss://plexy.example:9998 --ca ca.pem status full"]);
    [name, synopsis, description, examples].map(|section| section.to_string()).concat()
}

fn commands() -> Section {
    let verbs = Section::new("COMMANDS")
        .text("The words are those of the line protocol, where case does not matter but here.")
        .verbs(is_ours, typed);
    let own = Own::augment_subcommands(Command::new("plexyctl"));
    let own = own.get_subcommands().filter(|own| !own.is_hide_set());
    let section = verbs.part("Of plexyctl alone").item(
        "help [topic]",
        "Lists the commands, or explains one, or the grammar of a tunnel (`help tunnel`).",
    );
    own.fold(section, |section, own| told(section, "", own))
}

/// Of a command that only the client has, and of those that stand behind its name.
fn told(section: Section, before: &str, own: &Command) -> Section {
    let name = format!("{before}{}", own.get_name());
    let about = own.get_long_about().or(own.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let section = section.item(&usage(&name, own), &format!("{about}."));
    let section = match own.get_after_help() {
        Some(more) => section.typed_of_item(more.to_string().lines()),
        None => section,
    };
    let inner = own.get_subcommands().filter(|inner| !inner.is_hide_set());
    inner.fold(section, |section, inner| told(section, &format!("{name} "), inner))
}

/// Its name and what stands behind it.
fn usage(name: &str, own: &Command) -> String {
    let positional = own.get_positionals().map(|arg| {
        let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let name = name.unwrap_or_else(|| arg.get_id().to_string());
        if arg.is_required_set() { name } else { format!("[{name}]") }
    });
    let options = own.get_opts().filter_map(|arg| Some(format!("[--{}]", arg.get_long()?)));
    let command = own.has_subcommands().then(|| "COMMAND".to_owned());
    let words = std::iter::once(name.to_owned()).chain(options).chain(positional).chain(command);
    words.collect::<Vec<_>>().join(" ")
}

fn surroundings() -> String {
    let files = Section::new("FILES")
        .item(
            "$XDG_CONFIG_HOME/plexy/plexyctl.toml",
            "Where plexyd is, and with what it is talked to: contexts, each with `endpoint`, `ca`, `cert`, \
             `key`, `server-name`, `token-file`, `protected`, `read-only`, and `current-context`, which names one of \
             them. Without that variable it is in `~/.config`. `/etc/plexy/plexyctl.toml` is for all \
             users and counts less; options and variables count more.",
        )
        .item(
            "$XDG_RUNTIME_DIR/plexy/rpc.sock, /run/plexy/rpc.sock",
            "Sockets that plexyd makes by itself; the first that answers is taken where nobody says \
             which one.",
        );
    let environment = Section::new("ENVIRONMENT")
        .item(
            "PLEXY_ENDPOINT, PLEXY_CONTEXT",
            "As `--endpoint` and `--context`. An empty variable says nothing.",
        )
        .item("PLEXY_CA, PLEXY_CERT, PLEXY_KEY", "As `--ca`, `--cert`, `--key`.")
        .item("PLEXY_SERVER_NAME", "As `--server-name`.")
        .item(
            "RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, TMPDIR",
            "Where sockets of plexyd are looked for.",
        )
        .item(
            "NO_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM",
            "Whether words have colours, where no `--color` says it.",
        );
    let exits = [
        ("0", "Done."),
        ("1", "Refused or failed, or the connection broke behind a change: it may have happened."),
        ("2", "The command, or a specification in it, is wrong."),
        ("3", "There is no such tunnel, backend or connection."),
        ("4", "Something that exists stands in the way."),
        ("5", "Not permitted."),
        ("6", "No daemon was reached."),
        ("7", "`--timeout` or `--wait` has passed."),
        ("130", "Ctrl-C."),
    ];
    let exits = exits
        .into_iter()
        .fold(Section::new("EXIT STATUS"), |section, (code, why)| section.item(code, why))
        .text("Where a command has codes of its own, they stand with it.");
    let also = Section::new("SEE ALSO").text("plexyd(8), nc(1)");
    [files, environment, exits, also].map(|section| section.to_string()).concat()
}
