//! The configuration file: TOML, with `tunnels` as specifications and the names of the flags as
//! keys. What it says is what a command line would say: each value is read by the flag itself.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use plexy_shared::error::{Code, Refusal, nearest, quoted};
use plexy_shared::spec::TunnelSpec;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::point_at;
use crate::places::Places;

/// Longest file, in bytes: 10 000 tunnels of a thousand bytes each, and more.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How many mistakes are told: to find the place of one takes a look at all that stands before it.
const MISTAKES_MAX: usize = 100;

/// How much of a line is shown, and how much of that before what is wrong, in bytes.
const SHOWN_MAX: usize = 160;
const SHOWN_BEFORE: usize = 60;

/// The key of the tunnels.
const TUNNELS: &str = "tunnels";

/// Flags that are about one run, and so are no settings.
const NO_SETTINGS: [&str; 6] = ["config", "check", "help-tunnel", "man", "help", "version"];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) settings: Vec<Setting>,
    pub(super) tunnels: Vec<TunnelSpec>,
    /// Where each of them stands: the file, its line and column.
    pub(super) places: Vec<String>,
}

/// One flag.
#[derive(Debug)]
pub(super) struct Setting {
    /// What clap calls it.
    pub(super) id: String,
    /// As they stand on a command line.
    pub(super) words: Vec<OsString>,
}

impl File {
    /// Reads the file for this command line.
    ///
    /// # Errors
    ///
    /// Every mistake in it, each with its place.
    pub(super) fn read(path: &Path, command: &Command) -> Result<Self, Vec<String>> {
        let name = path.display().to_string();
        let text = text_of(path)
            .map_err(|error| vec![format!("cannot read the configuration `{name}`: {error}")])?;
        let mut reader = Reader::new(&name, &text, command);
        let file = reader.read();
        if reader.mistakes.is_empty() { Ok(file) } else { Err(reader.told()) }
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One byte more tells that there is more.
    fs::File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// Reads one text, and notes all that is wrong with it.
struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    command: &'a Command,
    /// Who listens where, by the place of the tunnel in the text.
    places: Places<usize>,
    /// Each with its place.
    mistakes: Vec<(usize, String)>,
    /// How many there are besides.
    further: usize,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, text: &'a str, command: &'a Command) -> Self {
        Self { name, text, command, places: Places::default(), mistakes: Vec::new(), further: 0 }
    }

    fn read(&mut self) -> File {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.note(error.span().unwrap_or_default(), error.message());
        }
        let mut file = File::default();
        // What the parser has made up for what it could not read would be told as further mistakes.
        if !self.mistakes.is_empty() {
            return file;
        }
        for (key, value) in table.get_ref() {
            if key.get_ref() == TUNNELS {
                (file.tunnels, file.places) = self.tunnels(value);
            } else if let Some(flag) = self.flag(key.get_ref()) {
                file.settings.push(self.setting(flag, value));
            } else {
                self.unknown(key.span(), key.get_ref());
            }
        }
        file
    }

    fn flags(&self) -> impl Iterator<Item = (&'a str, &'a Arg)> + use<'a> {
        let flags = self.command.get_arguments().filter_map(|flag| Some((flag.get_long()?, flag)));
        flags.filter(|(name, _)| !NO_SETTINGS.contains(name))
    }

    fn flag(&self, key: &str) -> Option<&'a Arg> {
        self.flags().find_map(|(name, flag)| (name == key).then_some(flag))
    }

    fn unknown(&mut self, span: Range<usize>, key: &str) {
        let keys = self.flags().map(|(name, _)| name).chain([TUNNELS]);
        let message = format!("unknown key {}", quoted(key));
        let refusal = Refusal::new(Code::UnknownOption, message);
        let refusal = refusal.suggesting(nearest(key, keys).map(str::to_owned));
        self.note(span, &refusal.to_string());
    }

    /// The tunnels, and where each of them stands.
    fn tunnels(&mut self, value: &Spanned<DeValue<'_>>) -> (Vec<TunnelSpec>, Vec<String>) {
        let DeValue::Array(array) = value.get_ref() else {
            self.note(value.span(), "`tunnels` is a list of specifications: [\"3000=4000\", …]");
            return (Vec::new(), Vec::new());
        };
        let (mut tunnels, mut starts) = (Vec::new(), Vec::new());
        for item in array.iter() {
            let DeValue::String(text) = item.get_ref() else {
                self.note(item.span(), "a tunnel is a specification in quotes: \"3000=4000\"");
                continue;
            };
            match text.parse::<TunnelSpec>() {
                Ok(spec) => {
                    self.check_place(&spec, item.span());
                    tunnels.push(spec);
                    starts.push(item.span().start);
                }
                Err(error) => {
                    let span = self.within(item.span(), text, error.span.clone());
                    self.note(span, &Refusal::from(error).without_column().to_string());
                }
            }
        }
        (tunnels, self.places_of(&starts))
    }

    /// Lines and columns of these, which stand in their order: the text is looked at once.
    fn places_of(&self, starts: &[usize]) -> Vec<String> {
        let (mut line, mut begin) = (1, 0);
        let place = |start: &usize| {
            let before = self.text.get(begin..*start).unwrap_or_default();
            line += before.matches('\n').count();
            begin += before.rfind('\n').map_or(0, |at| at + 1);
            let column = self.text.get(begin..*start).unwrap_or_default().chars().count() + 1;
            format!("{}:{line}:{column}", self.name)
        };
        starts.iter().map(place).collect()
    }

    /// Two tunnels with one name, or where only one of them can listen, are a mistake. Where a host
    /// name is to be resolved first, only the start tells.
    fn check_place(&mut self, spec: &TunnelSpec, span: Range<usize>) {
        let listen = spec.listen.bound().filter(|listen| listen.port() != Some(0));
        let (listening, named) = (
            listen.as_ref().and_then(|listen| self.places.overlapping(listen)),
            spec.options.name.as_ref().and_then(|name| self.places.named(name)),
        );
        if listening.or(named).is_some() && self.mistakes.len() >= MISTAKES_MAX {
            self.further += 1;
        } else if let Some(first) = listening {
            let line = self.position(first).0;
            self.note(span, &format!("the tunnel of line {line} listens there already"));
        } else if let Some(first) = named {
            let line = self.position(first).0;
            self.note(span, &format!("the tunnel of line {line} has that name already"));
        } else {
            self.places.take(spec.options.name.as_ref(), listen.as_ref(), span.start);
        }
    }

    fn setting(&mut self, flag: &Arg, value: &Spanned<DeValue<'_>>) -> Setting {
        let values = match value.get_ref() {
            DeValue::Array(array) if matches!(flag.get_action(), ArgAction::Append) => {
                array.iter().collect()
            }
            _ => vec![value],
        };
        let name = flag.get_long().unwrap_or_default();
        let mut words = Vec::new();
        for value in values {
            let word = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                _ => {
                    self.note(value.span(), &format!("`{name}` is a text or a number"));
                    continue;
                }
            };
            let word = OsString::from(format!("--{name}={word}"));
            let alone = [OsString::from("plexyd"), word.clone()];
            match self.command.clone().try_get_matches_from(alone) {
                Ok(_) => words.push(word),
                Err(error) => self.note(value.span(), &cause(name, &error)),
            }
        }
        Setting { id: flag.get_id().to_string(), words }
    }

    /// A part of a string, where that stands in the file as it is.
    fn within(&self, whole: Range<usize>, text: &str, part: Range<usize>) -> Range<usize> {
        let start = whole.start + 1;
        match self.text.get(start..start + text.len()) {
            Some(written) if written == text => start + part.start..start + part.end,
            _ => whole,
        }
    }

    fn note(&mut self, span: Range<usize>, message: &str) {
        if self.mistakes.len() >= MISTAKES_MAX {
            self.further += 1;
            return;
        }
        let (line, column) = self.position(span.start);
        let begin = self
            .text
            .get(..span.start)
            .map_or(0, |before| before.rfind('\n').map_or(0, |at| at + 1));
        let shown = self.text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let mark =
            span.start.saturating_sub(begin)..span.end.saturating_sub(begin).min(shown.len());
        // Of a long line what stands around the mark is enough.
        let first = shown.floor_char_boundary(mark.start.saturating_sub(SHOWN_BEFORE));
        let last = shown.floor_char_boundary(first.saturating_add(SHOWN_MAX));
        let mark = mark.start.saturating_sub(first)..mark.end.min(last).saturating_sub(first);
        let shown = shown.get(first..last).unwrap_or_default();
        let place = format!("{}:{line}:{column}", self.name);
        self.mistakes.push((span.start, point_at(&format!("{place}: {message}"), shown, mark)));
    }

    /// What is wrong, in the order of the text: keys come in their own.
    fn told(mut self) -> Vec<String> {
        self.mistakes.sort_by_key(|(at, _)| *at);
        let further = match self.further {
            0 => None,
            further => Some(format!("{}: {further} more mistakes", self.name)),
        };
        self.mistakes.into_iter().map(|(_, mistake)| mistake).chain(further).collect()
    }

    /// Line and column, counted from 1, in characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// What clap says of a value, without what is about a command line.
fn cause(name: &str, error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let cause = first.rsplit_once("': ").map_or("it does not fit", |(_, cause)| cause);
    let values = text.lines().find_map(|line| line.trim().strip_prefix("[possible values: "));
    match values {
        Some(values) => format!("`{name}` is one of {}", values.trim_end_matches(']')),
        None => format!("`{name}`: {cause}"),
    }
}
