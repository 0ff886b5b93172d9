//! What somebody typed, taken apart as far as it is the shell's own matter: the command, and where its
//! answer goes.

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Typed<'a> {
    /// The words of the command.
    pub(super) command: &'a str,
    /// Whether the answer is written with a line for each thing to say, since `\G` stands at the end.
    pub(super) is_vertical: bool,
    /// The command of `sh` that reads the answer.
    pub(super) reader: Option<&'a str>,
}

impl<'a> Typed<'a> {
    /// Reads it.
    pub(super) fn read(line: &'a str) -> Self {
        let (command, reader) = match bar(line) {
            Some((command, reader)) => (command, Some(reader.trim())),
            None => (line, None),
        };
        let vertical = command.trim_end().strip_suffix("\\G");
        Self { command: vertical.unwrap_or(command), is_vertical: vertical.is_some(), reader }
    }
}

/// At the first ` | ` that no quotes hold: `status [full|long]` has none with blanks around it.
fn bar(line: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, character) in line.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '|' if !is_quoted => {
                let (before, after) = (line.get(..at)?, line.get(at + 1..)?);
                if before.ends_with(char::is_whitespace) && after.starts_with(char::is_whitespace) {
                    return Some((before, after));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, command: &str, is_vertical: bool, reader: Option<&str>) {
        assert_eq!(Typed::read(line), Typed { command, is_vertical, reader }, "{line}");
    }

    #[test]
    fn where_the_answer_goes_stands_behind_the_command() {
        check("list", "list", false, None);
        check("list\\G", "list", true, None);
        check("list \\G | less", "list ", true, Some("less"));
        check("list -o json | jq '.a | .b'", "list -o json ", false, Some("jq '.a | .b'"));
        check("close \"unix:/a | b\"", "close \"unix:/a | b\"", false, None);
        check("status full|long", "status full|long", false, None);
        check("conns where idle>1m", "conns where idle>1m", false, None);
    }
}
