//! The command line of `plexyctl`: options of its own, and the verbs of
//! [`plexy_shared::command`] as sub-commands. What stands behind a verb is one
//! line of that grammar; clap does not look into it.

mod help;
mod looks;
mod options;
mod order;
mod own;
mod session;

use std::borrow::Cow;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches, Subcommand};
use plexy_shared::command::{VERBS, Verb};
use plexy_shared::error::quoted;

use help::Place;
pub(crate) use help::{help_for, help_of, is_ours, typed};
pub(crate) use looks::{Theme, Units};
pub(crate) use options::{CONTEXT, ColorChoice, ENDPOINT, Format, Options};
pub(crate) use order::Order;
pub(crate) use own::{
    ConfigCommand, ContextCommand, Declaration, ExportFormat, Keys, Own, Shell, ShellOptions,
    ToComplete, TopOptions, TopView, WatchOptions,
};
pub(crate) use session::{Asking, read as read_line};

/// Options with a variable, which says nothing where it is empty, as everywhere.
const VARIABLES: [(&str, &str); 6] = [
    ("endpoint", ENDPOINT),
    ("context", CONTEXT),
    ("ca", "PLEXY_CA"),
    ("cert", "PLEXY_CERT"),
    ("key", "PLEXY_KEY"),
    ("server_name", "PLEXY_SERVER_NAME"),
];

/// Options that are about TLS alone.
const TLS_OPTIONS: [(&str, &str); 4] =
    [("ca", "--ca"), ("cert", "--cert"), ("key", "--key"), ("server_name", "--server-name")];

/// The command that explains the others, what it does, and what it is asked about.
const HELP: &str = "help";
const HELP_ABOUT: &str = "Lists the commands, or explains one";
const TOPIC: &str = "topic";

/// The words of a command behind its verb.
const WORDS: &str = "words";

/// The verb that writes in several formats, and the option that chooses one: no other door has it.
const EXPORT: &str = "export";
const EXPORT_FORMAT: &str = "format";

/// What somebody typed.
#[derive(Debug)]
pub(crate) struct Args {
    /// The options.
    pub(crate) options: Options,
    /// What is to be done.
    pub(crate) asked: Asked,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nothing, as far as the command line says.
    Nothing,
    /// The verb as it was typed and the words behind it, joined by blanks.
    Line(String),
    /// Something that only the client does.
    Own(Own),
    /// All commands to be listed, or this one to be explained.
    Help(Option<String>),
}

impl Args {
    /// Reads the arguments of the program, its own name first.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args = with_orders(args);
        let matches = command().color(color_of(&args)).try_get_matches_from(args)?;
        let is_said = |id: &str| is_said(&matches, id);
        let tls_option = TLS_OPTIONS.into_iter().find(|(id, _)| is_said(id)).map(|(_, name)| name);
        let (said, export) = (said(&matches), export_format(&matches));
        let options = Options { tls_option, said, export, ..Options::from_arg_matches(&matches)? };
        Ok(Self { options, asked: asked(&matches)? })
    }
}

/// Whether that option stands on the command line.
fn is_said(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// The options with a variable that do, by their ids.
fn said(matches: &ArgMatches) -> Vec<&'static str> {
    VARIABLES.into_iter().map(|(id, _)| id).filter(|id| is_said(matches, id)).collect()
}

/// How `export` is to write, if somebody says so.
fn export_format(matches: &ArgMatches) -> Option<ExportFormat> {
    let (_, of_verb) = matches.subcommand().filter(|(verb, _)| *verb == EXPORT)?;
    of_verb.get_one(EXPORT_FORMAT).copied()
}

fn asked(matches: &ArgMatches) -> Result<Asked, clap::Error> {
    match matches.subcommand() {
        None => Ok(Asked::Nothing),
        Some((name, _)) if Own::has_subcommand(name) => {
            Own::from_arg_matches(matches).map(Asked::Own)
        }
        Some((HELP, matches)) => Ok(Asked::Help(matches.get_one(TOPIC).cloned())),
        Some(verb) => line(verb).map(Asked::Line),
    }
}

/// Whether what is wrong with a command line is told in colour: clap wants to know before it reads.
fn color_of(args: &[OsString]) -> clap::ColorChoice {
    let behind = args.windows(2).filter_map(|pair| match pair {
        [option, value] if option == "--color" => value.to_str(),
        _ => None,
    });
    let joined = args.iter().filter_map(|arg| arg.to_str()?.strip_prefix("--color="));
    match behind.chain(joined).last() {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

/// The arguments, with `sort` and the `-bytes` behind it as one of them: clap would take that for
/// options of one letter each.
fn with_orders(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut is_of_conns = false;
    for arg in args {
        is_of_conns |= arg == "conns";
        match (joined.last_mut(), descending(&arg)) {
            (Some(sort), Some(key)) if is_of_conns && sort == "sort" => sort.push(key),
            _ => joined.push(arg),
        }
    }
    joined
}

/// A key with a dash, behind a blank. No option of ours has one dash and more than a letter.
fn descending(arg: &OsString) -> Option<String> {
    let key = arg.to_str()?.strip_prefix('-').filter(|key| key.len() > 1)?;
    (!key.starts_with('-')).then(|| format!(" -{key}"))
}

/// The whole command line.
pub(crate) fn command() -> Command {
    let is_empty = |name: &str| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let empty = VARIABLES.into_iter().filter(|(_, name)| is_empty(name));
    let options = <Options as clap::CommandFactory>::command();
    let options = empty
        .fold(options, |options, (id, _)| options.mut_arg(id, |arg| arg.env(Resettable::Reset)));
    let list = help::commands(Place::CommandLine, help::width());
    let verbs = options
        .about("The client of Plexy: one command to plexyd, and its answer")
        .disable_help_subcommand(true)
        .subcommand_value_name("COMMAND")
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}\nOptions:\n{{options}}"
        ))
        .subcommands(VERBS.iter().filter(|verb| is_ours(verb)).flat_map(spellings));
    Own::augment_subcommands(verbs.subcommand(help_subcommand()))
}

/// The command of that name that only the client has.
pub(crate) fn own_command(word: &str) -> Option<String> {
    let own = Own::augment_subcommands(Command::new(""));
    own.find_subcommand(word).map(|own| own.get_name().to_owned())
}

/// A sub-command for the name, and a hidden one for each alias: an alias of
/// clap would not tell which of them was typed, and `list` is not `status`.
fn spellings(verb: &'static Verb) -> Vec<Command> {
    let aliases = verb.aliases.iter().map(|alias| subcommand(verb, alias).hide(true));
    std::iter::once(subcommand(verb, verb.name)).chain(aliases).collect()
}

fn subcommand(verb: &'static Verb, spelling: &'static str) -> Command {
    let words = Arg::new(WORDS)
        .num_args(0..)
        .value_name(verb.usage)
        .hide(verb.usage.is_empty())
        .help("As in the line protocol; `plexyctl help tunnel` tells the grammar of a tunnel");
    let format = Arg::new(EXPORT_FORMAT)
        .long(EXPORT_FORMAT)
        .value_name("FORMAT")
        .value_parser(clap::value_parser!(ExportFormat))
        .conflicts_with_all(["output", "quiet"])
        .help("How the tunnels are written [default: toml]");
    Command::new(spelling)
        .about(verb.help)
        .args((verb.name == EXPORT).then_some(format))
        .override_usage(
            format!("plexyctl [OPTIONS] {spelling} {}", verb.usage).trim_end().to_owned(),
        )
        .arg(words)
        .after_help(help::details(verb, Place::CommandLine, help::width()))
}

/// What is explained is one word, of which clap knows nothing.
fn help_subcommand() -> Command {
    let topic = Arg::new(TOPIC).value_name("TOPIC").help(
        "A command; or tunnel, for the grammar of a tunnel; or examples, for those of every verb",
    );
    Command::new(HELP).about(HELP_ABOUT).arg(topic)
}

fn line((verb, matches): (&str, &ArgMatches)) -> Result<String, clap::Error> {
    let words = matches.get_many::<String>(WORDS).into_iter().flatten().map(String::as_str);
    let words: Vec<&str> = std::iter::once(verb).chain(words).collect();
    line_of(&words).map_err(|why| command().error(ErrorKind::InvalidValue, why))
}

/// The line that a verb and the words behind it are. An empty word would be none in it: what is left may
/// be another command, for all of what was meant to be named.
pub(crate) fn line_of(words: &[&str]) -> Result<String, String> {
    let before = std::iter::once(None).chain(words.iter().map(Some));
    let empty = words.iter().zip(before).find(|(word, _)| word.is_empty());
    let Some((_, before)) = empty else {
        let written = words.iter().enumerate();
        let written = written.map(|(at, it)| if at == 0 { (*it).into() } else { word(it) });
        return Ok(written.collect::<Vec<_>>().join(" "));
    };
    let what = match before {
        Some(before) => format!("the argument behind {} is empty", quoted(before)),
        None => "the command is empty".to_owned(),
    };
    Err(format!("{what}; is it a variable that is not set?"))
}

/// What the shell took for one word is one: an address with a blank in it needs the quotes that the
/// shell has taken away. What has more than an address in it has a place for quotes of its own.
fn word(given: &str) -> Cow<'_, str> {
    let has_address_alone = !given.contains(['"', '=', '+', '[', '<', '>']);
    if given.contains(char::is_whitespace) && has_address_alone && !given.starts_with("sort -") {
        Cow::Owned(format!("\"{given}\""))
    } else {
        Cow::Borrowed(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &str) -> Result<Args, clap::Error> {
        Args::read(std::iter::once("plexyctl").chain(args.split_whitespace()).map(Into::into))
    }

    #[track_caller]
    fn line_of(args: Args) -> String {
        let Asked::Line(line) = args.asked else { panic!("{args:?}") };
        line
    }

    #[track_caller]
    fn check(args: &str, line: &str) {
        assert_eq!(line_of(read(args).unwrap_or_else(|error| panic!("{error}"))), line);
    }

    #[track_caller]
    fn refused(args: &str, sentence: &str) {
        let error = read(args).expect_err(args);
        assert!(error.to_string().contains(sentence), "{args}: {error}");
        assert_eq!(error.exit_code(), 2, "{args}");
    }

    #[test]
    fn clap_has_nothing_against_it() {
        command().debug_assert();
    }

    #[test]
    fn every_verb_with_methods_is_a_subcommand_and_no_other() {
        let command = command();
        for verb in VERBS {
            let found = command.find_subcommand(verb.name);
            let is_ours = !verb.methods.is_empty() || verb.name == HELP;
            assert_eq!(found.is_some(), is_ours, "{}", verb.name);
        }
        for session_only in ["mode", "auth", "exit"] {
            assert!(command.find_subcommand(session_only).is_none(), "{session_only}");
        }
    }

    #[test]
    fn what_was_typed_is_kept() {
        check("list", "list");
        check("status full", "status full");
        check("open 3000=10.0.0.1:80, 10.0.0.2:80", "open 3000=10.0.0.1:80, 10.0.0.2:80");
        check("-q close db drain deadline=30s", "close db drain deadline=30s");
        check("close db drain deadline=30s -o json", "close db drain deadline=30s");
        assert!(matches!(read("").unwrap().asked, Asked::Nothing));
        assert!(matches!(read("shell").unwrap().asked, Asked::Own(Own::Shell(_))));
    }

    #[test]
    fn what_the_shell_took_for_one_word_is_one() {
        let typed = |words: &[&str]| {
            let words = std::iter::once(&"plexyctl").chain(words).map(Into::into);
            line_of(Args::read(words).unwrap())
        };
        assert_eq!(typed(&["close", "unix:/my app"]), r#"close "unix:/my app""#);
        assert_eq!(typed(&["close", r#""unix:/my app""#]), r#"close "unix:/my app""#);
        assert_eq!(typed(&["open", "1=2, 3[name=a]"]), "open 1=2, 3[name=a]");
        assert_eq!(typed(&["add", "db", "unix:/a b+backup"]), "add db unix:/a b+backup");
    }

    #[test]
    fn an_empty_word_is_not_left_out() {
        for (typed, before) in [
            (&["kill", "", "where", "age>1h"][..], "kill"),
            (&["drain", "web", ""], "web"),
            (&["kill", "where", "age>1h", "", "-q"], "age>1h"),
            (&["conns", "sort", "-bytes", ""], "sort -bytes"),
        ] {
            let words = std::iter::once(&"plexyctl").chain(typed).map(Into::into);
            let error = Args::read(words).expect_err(before);
            let sentence = format!("the argument behind `{before}` is empty; is it a variable");
            assert!(error.to_string().contains(&sentence), "{error}");
            assert_eq!(error.exit_code(), 2, "{typed:?}");
        }
        assert_eq!(
            super::line_of(&["detail", "unix:/a b"]).as_deref(),
            Ok(r#"detail "unix:/a b""#)
        );
        assert!(super::line_of(&["", "list"]).unwrap_err().starts_with("the command is empty"));
        // What is blank alone stays a word, for the grammar to refuse.
        for line in ["kill \" \" where age>1h", "drain web \" \"", "kill \"\" where age>1h"] {
            assert!(plexy_shared::command::Request::parse(line).is_err(), "{line}");
        }
        assert_eq!(super::line_of(&["drain", "web", " "]).as_deref(), Ok("drain web \" \""));
    }

    #[test]
    fn a_descending_order_is_no_option() {
        check("conns sort -bytes -o json", "conns sort -bytes");
        check("-q conns db sort -idle limit 3", "conns db sort -idle limit 3");
        check("conns where bytes>1k sort -q", "conns where bytes>1k sort");
        check("close sort -o json", "close sort");
        refused("close sort -bytes", "unexpected argument '-b'");
        let typed = ["plexyctl", "conns", "where", "bytes > 1k and idle<1s", "sort", "-id"];
        let args = Args::read(typed.into_iter().map(Into::into)).unwrap();
        assert_eq!(line_of(args), "conns where bytes > 1k and idle<1s sort -id");
    }

    #[test]
    fn every_example_is_a_command() {
        for verb in VERBS.iter().filter(|verb| is_ours(verb)) {
            for example in help::examples(verb, Place::CommandLine) {
                let words = shlex::split(&example).unwrap().into_iter().map(Into::into);
                assert!(Args::read(words).is_ok(), "{example}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        refused("opne 3000=4000", "'open'");
        refused("exit", "unrecognized");
        refused("mode json", "unrecognized");
        refused("ping --timeout 2d", "unknown unit");
        refused("ping --timeout 99ms", "100ms to 1h");
        refused("ping --timeout nan", "finite");
        refused("ping -o yaml", "possible values: table, wide, vertical, json, ndjson, name, csv");
        refused("ping -q -o json", "cannot be used with");
        refused("list -q --columns name", "cannot be used with");
        refused("top --once --batch", "cannot be used with");
        refused("top --once -n 2", "cannot be used with");
        refused("top --batch --theme mono", "cannot be used with");
        refused("top --batch -n 0", "0 is not in 1..");
        refused("top -d 50ms", "100ms to 1h");
        refused("top --view events", "possible values: tunnels, backends, connections");
        refused("list --sort-by -", "the key of a column is missing");
        refused("ping --endpoint localhost:1", "did you mean `ws://localhost:1`?");
    }
}
