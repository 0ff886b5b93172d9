//! Help, from the table of verbs: the list of commands, and a page for each verb. Where a command is
//! typed decides how it looks: a shell of the system has quotes of its own, and wants the program's name.

mod layout;

use clap::Subcommand;
use plexy_shared::command::{Group, Request, Topic, VERBS, Verb};
use plexy_shared::spec::grammar;

use super::{HELP, HELP_ABOUT, Own, command};
use crate::failure::Failure;
pub(super) use layout::width;
use layout::{rows, wrapped};

/// Where commands are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind `plexyctl`, in a shell of the system.
    CommandLine,
    /// In a script of ours, or in our own shell.
    Script,
}

impl Place {
    /// A command as it is typed there.
    fn typed(self, command: &str) -> String {
        match self {
            Self::CommandLine => format!("plexyctl {}", shell_quoted(command)),
            Self::Script => command.to_owned(),
        }
    }

    /// Whether a verb can be used there.
    fn knows(self, verb: &Verb) -> bool {
        is_ours(verb) || self == Self::Script && ["help", "exit"].contains(&verb.name)
    }
}

/// Whether it is more than the talk of a session of the line protocol.
pub(crate) fn is_ours(verb: &Verb) -> bool {
    !verb.methods.is_empty()
}

/// A command as it is typed into a shell of the system.
pub(crate) fn typed(command: &str) -> String {
    Place::CommandLine.typed(command)
}

/// What a script, or our shell, says about this, or about all that there is.
pub(crate) fn help_of(topic: Option<Topic>) -> String {
    text(topic, Place::Script)
}

/// What a topic is about, with its last line's end.
fn text(topic: Option<Topic>, place: Place) -> String {
    match topic {
        None => commands(place, width()),
        Some(Topic::Verb(verb)) => page(verb, place, width()),
        Some(Topic::Tunnel) => grammar(),
        Some(Topic::Examples) => all_examples(place),
    }
}

/// The same for who has typed `plexyctl help`.
///
/// # Errors
///
/// Where there is no such topic.
pub(crate) fn help_for(topic: Option<&str>) -> Result<String, Failure> {
    let Some(word) = topic else { return Ok(text(None, Place::CommandLine)) };
    if let Some(page) = own(word) {
        return Ok(page);
    }
    let line = format!("{HELP} {word}");
    match Request::parse(&line).map_err(|error| Failure::in_line(error, &line))? {
        Some(Request::Help(topic)) => Ok(text(topic, Place::CommandLine)),
        _ => Ok(text(None, Place::CommandLine)),
    }
}

/// The page of a command that only the client has.
fn own(name: &str) -> Option<String> {
    let mut all = command();
    all.build();
    let own = all.find_subcommand_mut(name).filter(|_| Own::has_subcommand(name))?;
    Some(own.render_long_help().to_string())
}

/// All commands, under the headings of their groups.
pub(super) fn commands(place: Place, width: usize) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let verbs: Vec<_> = group.verbs().filter(|verb| place.knows(verb)).collect();
        let verbs = verbs.iter().map(|verb| (verb.name.to_owned(), verb.summary().to_owned()));
        text += &section(group.title(), &verbs.collect::<Vec<_>>(), width);
    }
    let own = Own::augment_subcommands(clap::Command::new("plexyctl"));
    let own = own.get_subcommands().filter(|own| !own.is_hide_set());
    let about = |own: &clap::Command| own.get_about().map(ToString::to_string).unwrap_or_default();
    let mut own: Vec<_> = own.map(|own| (own.get_name().to_owned(), about(own))).collect();
    if place == Place::CommandLine {
        own.push((HELP.to_owned(), HELP_ABOUT.to_owned()));
    }
    text += &section("Of plexyctl alone", &own, width);
    let more = "`help COMMAND` tells more of one, `help tunnel` the grammar of a tunnel, and \
        `help examples` shows each at work.";
    text + &wrapped(more, width, 0)
}

fn section(title: &str, of: &[(String, String)], width: usize) -> String {
    if of.is_empty() { String::new() } else { format!("{title}:\n{}\n", rows(of, width)) }
}

/// All that there is to know of a verb.
fn page(verb: &Verb, place: Place, width: usize) -> String {
    let usage = match place {
        Place::CommandLine => format!("plexyctl [OPTIONS] {} {}", verb.name, verb.usage),
        Place::Script => format!("{} {}", verb.name, verb.usage),
    };
    let meaning = wrapped(verb.help, width, 2);
    format!("{}\n\n{meaning}\n{}", usage.trim_end(), details(verb, place, width))
}

/// What its words mean, how it looks, and where to read on.
pub(super) fn details(verb: &Verb, place: Place, width: usize) -> String {
    let explained = verb.explained().map(|it| (it.term.to_owned(), it.meaning.to_owned()));
    let mut text = section("Arguments", &explained.collect::<Vec<_>>(), width);
    text += "Examples:\n";
    for example in examples(verb, place) {
        text += &format!("  {example}\n");
    }
    text += "\n";
    if !verb.aliases.is_empty() {
        text += &format!("Also called: {}\n", verb.aliases.join(", "));
    }
    text += &format!("See also: {}\n", verb.related.join(", "));
    if !verb.methods.is_empty() {
        text += &format!("In JSON-RPC: {}\n", verb.methods.join(", "));
    }
    text
}

/// The examples of a verb. On a command line case counts, so that one which shows that it does not in
/// the line protocol is none there.
pub(super) fn examples(verb: &Verb, place: Place) -> impl Iterator<Item = String> {
    let is_one = move |example: &&str| place == Place::Script || example.starts_with(verb.name);
    verb.examples.into_iter().filter(is_one).map(move |example| place.typed(example))
}

fn all_examples(place: Place) -> String {
    let verbs = VERBS.iter().filter(|verb| place.knows(verb));
    verbs.flat_map(|verb| examples(verb, place)).map(|example| example + "\n").collect()
}

/// An example as a shell takes it: brackets, stars and angles mean something there.
fn shell_quoted(example: &str) -> String {
    let quote = |word: &str| {
        if word.contains(['*', '[', '?', '<', '>']) { format!("'{word}'") } else { word.to_owned() }
    };
    example.split(' ').map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_the_list_once() {
        let list = commands(Place::CommandLine, 80);
        for command in command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let row = format!("\n  {} ", command.get_name());
            assert_eq!(list.matches(&row).count(), 1, "{row}\n{list}");
        }
        assert!(commands(Place::Script, 80).contains("\n  exit "));
    }

    #[test]
    fn a_page_has_all_of_its_verb() {
        for verb in VERBS.iter().filter(|verb| is_ours(verb)) {
            for place in [Place::CommandLine, Place::Script] {
                let page = page(verb, place, 1_000);
                assert!(page.contains(verb.usage) && page.contains(verb.help), "{page}");
                assert!(verb.explained().all(|it| page.contains(it.meaning)), "{page}");
                assert!(page.contains(&format!("  {}\n", place.typed(verb.examples[0]))), "{page}");
                let others = verb.related.iter().chain(verb.methods).chain(verb.aliases);
                assert!(others.into_iter().all(|other| page.contains(other)), "{page}");
            }
        }
    }

    #[test]
    fn nothing_is_wider_than_what_it_is_shown_on_where_words_allow_it() {
        for width in [40, 60, 100] {
            for topic in VERBS.iter().map(Topic::Verb).map(Some).chain([None]) {
                let text = match topic {
                    Some(Topic::Verb(verb)) => {
                        let page = page(verb, Place::Script, width);
                        // What is typed is not broken.
                        page.split_once("\n\n").unwrap().1.split("Examples:").next().unwrap().into()
                    }
                    _ => commands(Place::Script, width),
                };
                let wide = text.lines().find(|line| line.chars().count() > width);
                assert_eq!(wide, None, "{width}");
            }
        }
    }
}
