//! Sections of a manual page, for the pages of both programs: what is typed here becomes roff
//! (groff_man(7)), and what stands between backticks becomes bold.

use std::fmt::{self, Display};

use crate::command::{Group, Verb};
use crate::spec::{ATTRIBUTES, OPTIONS};

/// When what the pages say has last changed. The day of the build would make two builds differ.
const DATE: &str = "2026-11-27";

/// The beginning of a page, in that section of the manual.
///
/// ```
/// let title = plexy_shared::manual::title("plexyctl", 1, "0.1.0");
/// assert!(title.starts_with(".TH PLEXYCTL 1 ") && title.ends_with(" \"plexyctl 0.1.0\" Plexy\n"));
/// ```
#[must_use]
pub fn title(program: &str, section: u8, version: &str) -> String {
    format!(".TH {} {section} {DATE} \"{program} {version}\" Plexy\n", program.to_uppercase())
}

/// What a generator has written, without what checkers complain about: blanks at ends of lines, and an
/// empty line between two that are broken already.
#[must_use]
pub fn tidied(roff: &str) -> String {
    let lines = roff.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect::<String>().replace("\n.br\n\n.br\n", "\n.sp\n")
}

/// One section, from its heading on.
///
/// ```
/// use plexy_shared::manual::Section;
///
/// let section = Section::new("FILES").item("/etc/a.toml", "read by `plexyd --config`");
/// assert_eq!(
///     section.to_string(),
///     ".SH FILES\n.TP\n\\fB/etc/a.toml\\fR\nread by \\fBplexyd \\-\\-config\\fR\n"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Section {
    roff: String,
}

impl Section {
    /// An empty one. A heading is in capitals.
    pub fn new(title: &str) -> Self {
        Self { roff: format!(".SH {}\n", quoted(title)) }
    }

    /// A heading inside it.
    pub fn part(self, title: &str) -> Self {
        self.with(&format!(".SS {}\n", quoted(title)))
    }

    /// A paragraph.
    pub fn text(self, text: &str) -> Self {
        // A heading begins one by itself.
        let begin = match self.roff.lines().last() {
            Some(line) if line.starts_with(".SH ") || line.starts_with(".SS ") => "",
            _ => ".PP\n",
        };
        let text = inline(text);
        self.with(&format!("{begin}{text}\n"))
    }

    /// A word, as it is typed, and what it means.
    pub fn item(self, term: &str, meaning: &str) -> Self {
        let (term, meaning) = (escaped(term), inline(meaning));
        self.with(&format!(".TP\n\\fB{term}\\fR\n{meaning}\n"))
    }

    /// A further paragraph of what a word means.
    pub fn more(self, text: &str) -> Self {
        let text = inline(text);
        self.with(&format!(".IP\n{text}\n"))
    }

    /// Lines as they are typed.
    pub fn typed<L: AsRef<str>>(self, lines: impl IntoIterator<Item = L>) -> Self {
        let lines: String =
            lines.into_iter().map(|line| at_the_start(&escaped(line.as_ref())) + "\n").collect();
        self.with(&format!(".RS 4\n.EX\n{lines}.EE\n.RE\n"))
    }

    /// Lines as they are typed, or stand in a table, about the word before.
    pub fn typed_of_item<L: AsRef<str>>(self, lines: impl IntoIterator<Item = L>) -> Self {
        self.with(".RS\n").typed(lines).with(".RE\n")
    }

    /// The verbs that pass, under the headings of their groups; `typed` is how a command is typed there.
    pub fn verbs(self, passes: fn(&Verb) -> bool, typed: fn(&str) -> String) -> Self {
        let mut section = self;
        for group in Group::ALL {
            let mut verbs = group.verbs().filter(|verb| passes(verb)).peekable();
            if verbs.peek().is_some() {
                section = section.part(group.title());
            }
            for verb in verbs {
                section = section.verb(verb, typed);
            }
        }
        section
    }

    fn verb(self, verb: &Verb, typed: fn(&str) -> String) -> Self {
        let usage = format!("{} {}", verb.name, verb.usage);
        let mut section = self.item(usage.trim_end(), &sentence(verb.help));
        for argument in verb.explained() {
            section = section.more(&format!("`{}`: {}.", argument.term, argument.meaning));
        }
        let examples: Vec<_> =
            verb.examples.into_iter().filter(|it| it.starts_with(verb.name)).map(typed).collect();
        let mut also: Vec<_> = verb.aliases.iter().map(|alias| format!("also `{alias}`")).collect();
        also.push(format!("see also `{}`", verb.related.join("`, `")));
        if !verb.methods.is_empty() {
            also.push(format!("in JSON-RPC `{}`", verb.methods.join("`, `")));
        }
        section.typed_of_item(examples).more(&sentence(&also.join("; ")))
    }

    /// The grammar of a tunnel: addresses, attributes of backends, options.
    pub fn grammar(self) -> Self {
        let mut section = self
            .text("A tunnel is `local=backend[,backend...][[option=value,...]]`. It is one of")
            .item("port", "127.0.0.1:port")
            .item("host:port", "a name is resolved; to listen, its first IPv4 address is taken")
            .item("*:port", "to listen on all interfaces, IPv4 and IPv6")
            .item("[v6]:port", "an IPv6 address; [::] is all interfaces of IPv6 only")
            .item("unix:/path", "a Unix socket")
            .text(
                "where it listens, and where a backend is. Durations are 250ms, 2s, 5m, 1h; a bare \
                 number is seconds. A value or an address with a comma, bracket, plus or blank is \
                 written in quotes.",
            )
            .part("Attributes of a backend, each behind a +");
        for row in ATTRIBUTES {
            let value = if row.value.is_empty() { "" } else { "=" };
            let term = format!("{}{value}{}", row.key, row.value);
            section = section.item(&term, &format!("{} (default: {})", row.meaning, row.default));
        }
        section = section.part("Options, in brackets and separated by commas");
        for row in OPTIONS {
            let names: Vec<_> = std::iter::once(&row.key).chain(row.aliases).copied().collect();
            let meaning = format!("{} (default: {})", row.meaning, row.default());
            section =
                section.item(&names.join(", "), &sentence(row.value)).more(&sentence(&meaning));
        }
        section
    }

    fn with(mut self, roff: &str) -> Self {
        self.roff.push_str(roff);
        self
    }
}

impl Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.roff)
    }
}

/// With a capital letter and a full stop, as prose.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), rest.as_str()),
        None => String::new(),
    }
}

/// Text of a line: what stands between backticks is bold.
fn inline(text: &str) -> String {
    let mut roff = String::new();
    for (place, part) in text.split('`').enumerate() {
        match place % 2 {
            _ if part.is_empty() => {}
            0 => roff.push_str(&escaped(part)),
            _ => roff.push_str(&format!("\\fB{}\\fR", escaped(part))),
        }
    }
    at_the_start(&roff)
}

/// Text in which nothing is a command of roff. A minus is one that can be copied into a shell.
fn escaped(text: &str) -> String {
    let mut roff = String::new();
    for character in text.chars() {
        match character {
            '\\' => roff.push_str("\\e"),
            '-' => roff.push_str("\\-"),
            '^' => roff.push_str("\\(ha"),
            '~' => roff.push_str("\\(ti"),
            '`' => roff.push_str("\\(ga"),
            '\'' => roff.push_str("\\(aq"),
            '\n' => roff.push(' '),
            other => roff.push(other),
        }
    }
    roff
}

/// A line that begins with a full stop is no command of roff.
fn at_the_start(line: &str) -> String {
    if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() }
}

/// An argument of a command of roff.
fn quoted(text: &str) -> String {
    let text = escaped(text);
    if text.contains(' ') { format!("\"{text}\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_told_is_a_command_of_roff() {
        let section = Section::new("A").text(".so /etc/passwd").text("\\n[x] a-b 'c' ~ ^");
        let expected = ".SH A\n\\&.so /etc/passwd\n.PP\n\\en[x] a\\-b \\(aqc\\(aq \\(ti \\(ha\n";
        assert_eq!(section.to_string(), expected);
        let typed = Section::new("A B").typed([".TH", "'x"]).to_string();
        assert_eq!(typed, ".SH \"A B\"\n.RS 4\n.EX\n\\&.TH\n\\(aqx\n.EE\n.RE\n");
    }

    #[test]
    fn every_verb_option_and_attribute_is_told() {
        let verbs = Section::new("COMMANDS").verbs(|_| true, str::to_owned).to_string();
        for verb in crate::command::VERBS {
            let usage = format!("{} {}", verb.name, verb.usage);
            assert!(verbs.contains(&escaped(usage.trim_end())), "{usage}");
        }
        let grammar = Section::new("TUNNELS").grammar().to_string();
        for key in OPTIONS.iter().map(|row| row.key).chain(ATTRIBUTES.iter().map(|row| row.key)) {
            assert!(grammar.contains(&format!(".TP\n\\fB{}", escaped(key))), "{key}");
        }
    }
}
