//! What stands in grey behind the cursor: the rest of a line that was typed before, else which arguments
//! a verb takes.

use nu_ansi_term::Style;
use plexy_shared::command::{Verb, word_spans};
use reedline::{DefaultHinter, Hinter as Editors, History};

/// It.
pub(super) struct Hinter {
    of_history: DefaultHinter,
    has_colour: bool,
}

impl Hinter {
    pub(super) fn new(has_colour: bool) -> Self {
        let of_history = DefaultHinter::default().with_style(Style::new().dimmed());
        Self { of_history, has_colour }
    }
}

impl Editors for Hinter {
    fn handle(
        &mut self,
        line: &str,
        position: usize,
        history: &dyn History,
        use_ansi_coloring: bool,
        folder: &str,
    ) -> String {
        // Without colours nobody could tell a hint from what was typed.
        if !self.has_colour || position < line.len() {
            self.of_history.handle("", 0, history, false, folder);
            return String::new();
        }
        let hint = self.of_history.handle(line, position, history, use_ansi_coloring, folder);
        if !hint.is_empty() {
            return hint;
        }
        arguments(line).map_or_else(String::new, |it| Style::new().dimmed().paint(it).to_string())
    }

    /// Arguments are a shape, and nothing to be taken over.
    fn complete_hint(&self) -> String {
        self.of_history.complete_hint()
    }

    fn next_hint_token(&self) -> String {
        self.of_history.next_hint_token()
    }
}

/// What the verb takes, where it stands there alone, and complete.
fn arguments(line: &str) -> Option<String> {
    let spans = word_spans(line);
    let [verb] = spans.as_slice() else { return None };
    let verb = Verb::named(line.get(verb.clone())?)?;
    let blank = if line.ends_with(' ') { "" } else { " " };
    (!verb.usage.is_empty()).then(|| format!("{blank}{}", verb.usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_alone_is_followed_by_the_shape_of_its_arguments() {
        assert_eq!(arguments("drain").unwrap(), " tunnel [backend] [deadline=DURATION]");
        assert_eq!(arguments("drain ").unwrap(), "tunnel [backend] [deadline=DURATION]");
        for line in ["", "dra", "drain db", "save"] {
            assert_eq!(arguments(line), None, "{line}");
        }
    }
}
