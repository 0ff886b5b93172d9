//! Text in lines of a width.

use rustix::termios::tcgetwinsize;

/// The widest lines: longer ones are hard to read. The same as clap has.
pub(in crate::args) const WIDTH_MAX: usize = 100;

/// Widest first column of rows; where there is less room, what it says stands on lines of its own.
const COLUMN_MAX: usize = 24;

/// The columns of the terminal on standard output, or as many as are good to read.
pub(in crate::args) fn width() -> usize {
    let size = tcgetwinsize(std::io::stdout()).ok();
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { WIDTH_MAX } else { columns.min(WIDTH_MAX) }
}

/// The words of a text in lines of at most so many columns, each behind so many blanks. A word that is
/// longer has a line of its own.
pub(super) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        let length = indent + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > width {
            lines += &format!("{:indent$}{line}\n", "");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + &format!("{:indent$}{line}\n", "")
}

/// Rows of a word and what it means, the meanings below each other.
pub(super) fn rows(of: &[(String, String)], width: usize) -> String {
    let longest = of.iter().map(|(word, _)| word.chars().count()).max().unwrap_or_default();
    let indent = longest + 4;
    if longest > COLUMN_MAX || indent * 2 > width {
        let row = |(word, meaning): &(String, String)| {
            format!("  {word}\n{}", wrapped(meaning, width, 6))
        };
        return of.iter().map(row).collect();
    }
    let row = |(word, meaning): &(String, String)| {
        let meaning = wrapped(meaning, width, indent);
        format!("  {word:longest$}  {}", meaning.trim_start())
    };
    of.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_and_lines_short() {
        assert_eq!(wrapped("one two three", 9, 2), "  one two\n  three\n");
        assert_eq!(wrapped("alongerone is kept", 5, 0), "alongerone\nis\nkept\n");
    }

    #[test]
    fn meanings_stand_below_each_other_or_on_lines_of_their_own() {
        let of =
            [("a".to_owned(), "first of all".to_owned()), ("bc".to_owned(), "last".to_owned())];
        assert_eq!(rows(&of, 14), "  a   first of\n      all\n  bc  last\n");
        assert_eq!(rows(&of, 11), "  a\n      first\n      of\n      all\n  bc\n      last\n");
    }
}
