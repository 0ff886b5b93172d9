//! A failure for people: the sentence, the text it is about with a mark under
//! the wrong part, and a way out.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::colour::Tint;
use super::safe::{safe, shown};
use super::screen::Screen;
use crate::failure::{Failure, Place};

/// Longest piece of a text that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 160;

/// How much of a longer one is shown before the mark.
const BEFORE_CHARS: usize = 40;

/// What stands before a way out.
const HELP: &str = "  = help: ";

/// As lines for standard error.
pub(super) fn render(failure: &Failure, screen: Screen) -> String {
    let bad = |text: &str| Tint::Bad.paint(text, screen.has_colour);
    let origin = failure.origin.as_ref();
    let at = origin.map(|it| format!("{}:{}:{}: ", safe(&it.file), it.line, it.column));
    let mut lines =
        vec![format!("{}{} {}", at.unwrap_or_default(), bad("error:"), safe(&failure.message))];
    lines.extend(failure.details.iter().map(|detail| format!("  {}", safe(detail))));
    let meant = failure.suggestion.as_deref().map(|it| format!("did you mean `{}`?", safe(it)));
    let mut help = Vec::new();
    match &failure.place {
        Some(place) => {
            let (text, indent, mark) = marked(place, screen.ellipsis());
            let label = meant.map(|it| format!(" {it}")).unwrap_or_default();
            lines.push("  |".to_owned());
            lines.push(format!("1 | {text}"));
            lines.push(format!("  | {indent}{}", bad(&format!("{mark}{label}"))));
        }
        None => help.extend(meant),
    }
    match &failure.hint {
        Some(hint) => help.push(safe(hint)),
        None if failure.valid.is_empty() => {}
        None => {
            let valid = failure.valid.join(", ");
            let is_told = failure.message.contains(&valid);
            help.extend((!is_told).then(|| format!("valid: {}", safe(&valid))));
        }
    }
    if failure.place.is_some() && !help.is_empty() {
        lines.push("  |".to_owned());
    }
    lines.extend(help.iter().map(|it| wrapped(&format!("{HELP}{it}"), screen.columns)));
    lines.join("\n") + "\n"
}

/// On a terminal, lines of whole words, the next ones below the text of the first.
fn wrapped(text: &str, columns: Option<usize>) -> String {
    let Some(room) = columns.filter(|room| *room > 2 * HELP.len()) else { return text.to_owned() };
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_inclusive(' ') {
        if width > HELP.len() && width + word.trim_end().width() > room {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            lines.push_str(&" ".repeat(HELP.len()));
            width = HELP.len();
        }
        lines.push_str(word);
        width += word.width();
    }
    lines
}

/// The text, blanks, and a mark that stands behind them under the right part of it.
fn marked(place: &Place, ellipsis: &str) -> (String, String, String) {
    // A character that is shown as several moves the mark.
    let shown = |range: Range<usize>| -> Vec<String> {
        place.text.get(range).unwrap_or_default().chars().map(shown).collect()
    };
    let end = place.text.len();
    let is_within = place.text.get(place.span.clone()).is_some();
    let span = if is_within { place.span.clone() } else { end..end };
    let (before, wrong) = (shown(0..span.start), shown(span.start..span.end));
    let all = before.len() + place.text.get(span.start..).unwrap_or_default().chars().count();
    let first = if all > SHOWN_CHARS_MAX { before.len().saturating_sub(BEFORE_CHARS) } else { 0 };
    let last = all.min(first + SHOWN_CHARS_MAX);
    let start = if first > 0 { ellipsis } else { "" };
    let width = |part: &[String]| part.concat().width();
    let indent = start.width() + width(before.get(first..).unwrap_or_default());
    let visible = wrong.len().min(last - before.len());
    let length = width(wrong.get(..visible).unwrap_or_default()).max(1);
    let text = shown(0..end).get(first..last).unwrap_or_default().concat();
    let rest = if last < all { ellipsis } else { "" };
    (format!("{start}{text}{rest}"), " ".repeat(indent), "^".repeat(length))
}

#[cfg(test)]
mod tests {
    use plexy_shared::command::Request;

    use super::*;

    /// The text, and the mark with what stands before it.
    fn marked(place: &Place) -> (String, String) {
        let (text, indent, mark) = super::marked(place, "…");
        (text, indent + &mark)
    }

    fn render(failure: &Failure) -> String {
        super::render(failure, Screen::PIPE)
    }

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let error = Request::parse(line).expect_err(line);
        let rendered = render(&Failure::in_line(error, line));
        assert_eq!(rendered.lines().collect::<Vec<_>>(), expected, "\n{rendered}");
    }

    #[test]
    fn a_way_out_is_as_wide_as_the_terminal() {
        let text = format!("{HELP}one, two, three, four");
        assert_eq!(wrapped(&text, None), text);
        let lines = wrapped(&text, Some(21));
        assert_eq!(lines, format!("{HELP}one, two,\n          three, four"));
        assert_eq!(wrapped(&format!("{HELP}{}", "x".repeat(40)), Some(21)).lines().count(), 1);
    }

    #[test]
    fn the_mark_stands_under_what_is_wrong() {
        check(
            "close db drian",
            &[
                "error: unexpected `drian`",
                "  |",
                "1 | close db drian",
                "  |          ^^^^^ did you mean `drain`?",
                "  |",
                "  = help: expected keep or drain or kill",
            ],
        );
    }

    #[test]
    fn what_is_missing_is_marked_at_the_end() {
        check(
            "detail",
            &[
                "error: expected a tunnel: its name or its listen address",
                "  |",
                "1 | detail",
                "  |       ^",
            ],
        );
    }

    #[test]
    fn hostile_text_is_escaped_and_keeps_the_mark_in_place() {
        let text = "a\x1bb é wrong".to_owned();
        let at = text.find("wrong").unwrap();
        let (text, mark) = marked(&Place { span: at..text.len(), text });
        assert_eq!(text, r"a\u{1b}b é wrong");
        assert_eq!(mark, "            ^^^^^".get(1..).unwrap());
    }

    #[test]
    fn wide_and_combining_characters_take_the_room_they_take() {
        for (before, columns) in [("数据库 ", 7), ("e\u{301} ", 2), ("😀 ", 3)] {
            let text = format!("{before}wrong");
            let (_, mark) = marked(&Place { span: before.len()..text.len(), text });
            assert_eq!(mark, " ".repeat(columns) + "^^^^^", "{before}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}WRONG{}", "x".repeat(1_000), "y".repeat(1_000));
        let (text, mark) = marked(&Place { span: 1_000..1_005, text });
        assert!(text.starts_with("…x") && text.ends_with("y…"), "{text}");
        assert_eq!(text.chars().count(), SHOWN_CHARS_MAX + 2);
        assert_eq!(text.find("WRONG").map(|at| at - "…".len() + 1), mark.find('^'));
    }

    #[test]
    fn a_span_that_is_none_of_the_text_harms_nobody() {
        for span in [5..9, 1..2, Range { start: 3, end: 1 }, usize::MAX..usize::MAX] {
            assert_eq!(marked(&Place { text: "é!".to_owned(), span }).1, "  ^");
        }
    }

    #[test]
    fn on_a_terminal_what_is_wrong_is_red_and_draws_nothing_that_it_has_not() {
        let error = Request::parse("close db drian").unwrap_err();
        let failure = Failure::in_line(error, "close db drian");
        let screen = Screen { has_colour: true, is_ascii: true, ..Screen::PIPE };
        let rendered = super::render(&failure, screen);
        assert!(rendered.starts_with("\x1b[31merror:\x1b[0m unexpected"), "{rendered:?}");
        assert!(rendered.contains("\x1b[31m^^^^^ did you mean `drain`?\x1b[0m"), "{rendered:?}");
        assert!(rendered.is_ascii());
        assert!(!super::render(&failure, Screen::PIPE).contains('\x1b'));
    }

    #[test]
    fn without_a_place_there_is_a_sentence_and_a_way_out() {
        let failure = Failure {
            place: None,
            suggestion: Some("web".to_owned()),
            details: vec!["unix:/a: nobody".to_owned()],
            ..Failure::new(crate::exit::ClientCode::Usage, "no `wbe`\x07")
        };
        let rendered = render(&failure.with_hint("look"));
        assert_eq!(
            rendered,
            "error: no `wbe`\\u{7}\n  unix:/a: nobody\n  = help: did you mean `web`?\n  = help: look\n"
        );
    }
}
