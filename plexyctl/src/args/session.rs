//! One line of a session, of a script or of the shell: the words of a command, and options that hold for
//! it alone.

use std::borrow::Cow;

use clap::builder::Resettable;
use clap::{ArgAction, ArgMatches, Command, FromArgMatches, Subcommand};
use plexy_shared::command::word_spans;

use super::{Asked, Options, Own, asked, command, export_format, is_said, said, with_orders};
use crate::complete::without_options;

/// Options that say where the daemon is, and what is done in the first place: a session has begun with
/// them.
const OF_THE_SESSION: [&str; 10] = [
    "context",
    "endpoint",
    "token_file",
    "ca",
    "cert",
    "key",
    "server_name",
    "file",
    "command",
    "keep_going",
];

/// The command with a verb behind it.
const WATCH: &str = "watch";

/// What one line asks for.
#[derive(Debug)]
pub(crate) enum Asking<'a> {
    /// What a verb says; there may be none.
    Line(Cow<'a, str>),
    /// Something that only the client does.
    Own(Own),
}

/// Reads a line: what it asks for, and the options that hold for it.
pub(crate) fn read<'a>(
    line: &'a str,
    session: &'a Options,
) -> Result<(Asking<'a>, Cow<'a, Options>), clap::Error> {
    let words: Vec<&str> = word_spans(line).into_iter().filter_map(|it| line.get(it)).collect();
    let commands = command();
    let first = without_options(&words, &commands).first().copied();
    let is_own = first.is_some_and(Own::has_subcommand);
    if !is_own && !has_option(&words) {
        return Ok((Asking::Line(Cow::Borrowed(line)), Cow::Borrowed(session)));
    }
    let matches = matches(line, &words, first)?;
    let mut options = session.clone();
    options.update_from_arg_matches(&matches)?;
    if adds_context(&matches) {
        // It is the way that this line tells, and not that of the session.
        options.said = said(&matches);
        options.token_file.take_if(|_| !is_said(&matches, "token_file"));
    }
    options.export = export_format(&matches);
    let asking = match asked(&matches)? {
        Asked::Nothing => Asking::Line(Cow::Borrowed("")),
        Asked::Help(topic) => {
            let topic = topic.map(|topic| format!("help {topic}"));
            Asking::Line(Cow::Owned(topic.unwrap_or_else(|| "help".to_owned())))
        }
        Asked::Line(line) => Asking::Line(Cow::Owned(line)),
        Asked::Own(own) => Asking::Own(own),
    };
    Ok((asking, Cow::Owned(options)))
}

/// Words of a verb keep their quotes, which are part of its grammar, also behind `watch`; those of other
/// commands are words as a shell has them.
fn matches(line: &str, words: &[&str], first: Option<&str>) -> Result<ArgMatches, clap::Error> {
    let is_of_shell = first.is_some_and(|it| Own::has_subcommand(it) && it != WATCH);
    let words = match shlex::split(line).filter(|_| is_of_shell) {
        Some(words) => words,
        None => words.iter().map(ToString::to_string).collect(),
    };
    let args = std::iter::once("plexyctl".to_owned()).chain(words).map(Into::into);
    let command = command_of_session();
    let matches = command.clone().try_get_matches_from(with_orders(args))?;
    // There they are what the command is about.
    let is_about_them = matches!(matches.subcommand_name(), Some("context" | "config"));
    match OF_THE_SESSION.into_iter().find(|id| !is_about_them && is_said(&matches, id)) {
        None => Ok(matches),
        Some(id) => {
            let id = id.replace('_', "-");
            let message = format!("`--{id}` is said once, where plexyctl begins");
            Err(command.clone().error(clap::error::ErrorKind::ArgumentConflict, message))
        }
    }
}

fn adds_context(matches: &ArgMatches) -> bool {
    let context = matches.subcommand().filter(|(name, _)| *name == "context");
    context.is_some_and(|(_, context)| context.subcommand_name() == Some("add"))
}

/// The command line without what counts where nothing is said: there the session counts.
fn command_of_session() -> Command {
    command().mut_args(|arg| {
        let arg = arg.env(Resettable::Reset).default_value(Resettable::Reset);
        match arg.get_action() {
            // A flag of clap is off where it is not said.
            ArgAction::SetTrue => arg
                .action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true"),
            _ => arg,
        }
    })
}

/// Whether there is an option among them: behind `sort` a dash is none, and a note has none.
fn has_option(words: &[&str]) -> bool {
    if words.first().is_some_and(|first| first.starts_with('#')) {
        return false;
    }
    let before = std::iter::once(&"").chain(words);
    words
        .iter()
        .zip(before)
        .any(|(word, before)| word.starts_with('-') && !before.eq_ignore_ascii_case("sort"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Format};

    fn session(args: &str) -> Options {
        let args = std::iter::once("plexyctl").chain(args.split_whitespace()).map(Into::into);
        Args::read(args).unwrap().options
    }

    #[track_caller]
    fn check(line: &str, asked: &str, format: Format, is_quiet: bool, of_session: &str) {
        let session = session(of_session);
        let (asking, options) = read(line, &session).unwrap_or_else(|error| panic!("{error}"));
        let Asking::Line(words) = asking else { panic!("{asking:?}") };
        assert_eq!(words, asked, "{line}");
        assert_eq!((options.output, options.quiet), (format, is_quiet), "{line}");
    }

    #[test]
    fn options_of_a_line_hold_for_it_and_else_those_of_the_session() {
        check("list", "list", Format::Table, false, "");
        check("list -o json", "list", Format::Json, false, "");
        check("list --timeout 5s", "list", Format::Json, false, "-o json");
        check("list --no-headers", "list", Format::Table, true, "-q");
        check("list -q", "list", Format::Table, true, "");
        check("-q close  \"unix:/a b\"", "close \"unix:/a b\"", Format::Table, true, "");
        check("conns sort -bytes", "conns sort -bytes", Format::Table, false, "");
        check("conns sort -bytes -o json", "conns sort -bytes", Format::Json, false, "");
        check("  # -o json", "  # -o json", Format::Table, false, "");
    }

    #[test]
    fn what_the_session_has_begun_with_stays() {
        for line in
            ["list --endpoint ws://a:1", "-c list", "list --token-file t", "list --context c"]
        {
            let error = read(line, &session("")).unwrap_err().to_string();
            assert!(error.contains("is said once, where plexyctl begins"), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_watched_keeps_its_quotes() {
        let session = session("");
        let line = "watch -n 2s conns where subject=\"a and age>1h\"";
        let (Asking::Own(Own::Watch(watched)), _) = read(line, &session).unwrap() else {
            panic!("{line}")
        };
        let words: Vec<_> = watched.words.iter().map(String::as_str).collect();
        assert_eq!(super::super::line_of(&words).unwrap(), "conns where subject=\"a and age>1h\"");
    }

    #[test]
    fn a_context_is_the_way_that_its_line_tells() {
        let session = session("--endpoint ws://a:1 --token-file t --ca ca");
        let (_, options) = read("context add b --endpoint wss://b:1 --cert c", &session).unwrap();
        assert_eq!(options.said, ["endpoint", "cert"]);
        assert_eq!(options.endpoint.as_ref().map(ToString::to_string).unwrap(), "wss://b:1");
        assert_eq!(options.token_file, None);
        let (_, options) = read("context add b --token-file u", &session).unwrap();
        assert!(options.said.is_empty(), "{options:?}");
        assert_eq!(options.token_file, Some("u".into()));
        let (_, options) = read("context list", &session).unwrap();
        assert_eq!(options.said, session.said);
    }

    #[test]
    fn a_command_of_the_client_is_one_here_too() {
        let session = session("");
        let (asking, _) = read("shell", &session).unwrap();
        assert!(matches!(asking, Asking::Own(Own::Shell(_))));
        assert!(read("list --nothing", &session).is_err());
    }
}
