//! Options among the words of a line. What there is of them is asked of the command line itself.

use clap::builder::StyledStr;
use clap::{Arg, Command, ValueHint};

use super::Place;

/// What clap says of one, in one line.
pub(super) fn about(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The words that are no options, nor values of them.
pub(crate) fn without<'a>(words: &[&'a str], commands: &Command) -> Vec<&'a str> {
    let own = words.iter().find_map(|word| commands.find_subcommand(word));
    let mut rest: Vec<&str> = Vec::new();
    let mut is_value = false;
    for word in words {
        if std::mem::take(&mut is_value) {
            continue;
        }
        // Behind `sort` a dash is for descending.
        let is_option = word.starts_with('-')
            && !rest.last().is_some_and(|last| last.eq_ignore_ascii_case("sort"));
        if is_option {
            let arg = named(word, commands, own);
            is_value = arg.is_some_and(wants_value) && !word.contains('=');
        } else {
            rest.push(*word);
        }
    }
    rest
}

impl Place<'_> {
    /// Whether the place is that of an option or of its value; what could stand there is offered.
    pub(super) fn has_option(&mut self, commands: &Command) -> bool {
        let own = self.before.iter().find_map(|word| commands.find_subcommand(word));
        let (word, last) = (self.word(), self.before.last().copied().unwrap_or_default());
        if let Some(arg) = named(last, commands, own).filter(|arg| wants_value(arg)) {
            self.values(arg, self.start);
            return true;
        }
        if !word.starts_with('-') || last.eq_ignore_ascii_case("sort") {
            return false;
        }
        match word.split_once('=') {
            Some((name, _)) => {
                if let Some(arg) = named(name, commands, own) {
                    self.values(arg, self.start + name.len() + 1);
                }
            }
            None => {
                for arg in all(commands, own).filter(|arg| !arg.is_hide_set()) {
                    let Some(long) = arg.get_long() else { continue };
                    self.offer(self.start, &format!("--{long}"), about(arg.get_help()), true);
                }
            }
        }
        true
    }

    fn values(&mut self, arg: &Arg, start: usize) {
        self.completion.is_file |= is_of_file(arg);
        for value in arg.get_possible_values().iter().filter(|value| !value.is_hide_set()) {
            self.offer(start, value.get_name(), about(value.get_help()), true);
        }
    }
}

/// What could stand as an argument of a command of the client, behind so many others.
pub(super) fn arguments(own: &Command, count: usize, place: &mut Place<'_>) {
    let start = place.start;
    for command in own.get_subcommands().filter(|command| count == 0 && !command.is_hide_set()) {
        place.offer(start, command.get_name(), about(command.get_about()), true);
    }
    let argument = own.get_positionals().nth(count).or_else(|| own.get_positionals().last());
    if let Some(argument) = argument {
        place.values(argument, start);
        if argument.get_value_names().is_some_and(|names| names.iter().any(|it| it == "TUNNEL")) {
            place.tunnels(start);
        }
    }
}

fn all<'a>(commands: &'a Command, own: Option<&'a Command>) -> impl Iterator<Item = &'a Arg> {
    let own = own.into_iter().flat_map(Command::get_opts);
    commands.get_opts().chain(own).filter(|arg| arg.get_long().is_some())
}

/// The option that a word is the name of.
fn named<'a>(word: &str, commands: &'a Command, own: Option<&'a Command>) -> Option<&'a Arg> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    all(commands, own).find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => name.strip_prefix('-').is_some_and(|it| {
            let mut letters = it.chars();
            letters.next() == arg.get_short() && it.len() == 1
        }),
    })
}

/// Whether its value is the next word.
fn wants_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

fn is_of_file(arg: &Arg) -> bool {
    let is_named = arg.get_value_names().is_some_and(|names| names.iter().any(|it| it == "FILE"));
    is_named || matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::AnyPath)
}
