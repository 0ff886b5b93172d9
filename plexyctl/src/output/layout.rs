//! Tables: columns in line, without boxes. On a terminal a row is one line: where it is narrow, columns of
//! less weight are left out, then long cells are cut. A file or pipe gets all of it.

use std::cell::RefCell;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::listing::{Cell, Listing, Row, Side};
use super::screen::Screen;
use super::view::View;

/// Blanks between two columns.
const GAP: usize = 2;

/// What is left of a column at least before another one gives way too.
const CUT_COLUMNS_MIN: usize = 8;

/// What is left of a column of words before another column is left out.
const WORDS_COLUMNS: usize = 24;

/// How tables are laid out.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) view: &'a View,
    pub(super) has_headers: bool,
    pub(super) screen: Screen,
    /// Titles of columns for which there was no room.
    left_out: RefCell<Vec<&'static str>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(view: &'a View, has_headers: bool, screen: Screen) -> Self {
        Self { view, has_headers, screen, left_out: RefCell::default() }
    }

    /// A list as lines, as somebody wants to see it.
    pub(super) fn table(&self, listing: Listing) -> String {
        let mut listing = listing.viewed(self.view);
        // Whoever names columns gets them.
        let is_named = self.view.columns.is_some();
        if let Some(room) = self.screen.columns.filter(|_| !is_named) {
            listing = self.narrowed(listing, room);
        }
        let mut widths = self.widths(&listing);
        if let Some(room) = self.screen.columns {
            shrink(&mut widths, &listing, room);
        }
        self.lines(&listing, &widths)
    }

    /// What there was no room for, as a note.
    pub(super) fn note(&self) -> Option<String> {
        let titles = self.left_out.borrow();
        let note = || format!("no room for: {}", titles.join(", "));
        (!titles.is_empty()).then(note)
    }

    /// Lines of two columns, whose second may be as long as it is.
    pub(super) fn pairs(lines: &[(&str, String)]) -> String {
        let width = lines.iter().map(|(title, _)| title.width()).max().unwrap_or_default();
        let line = |(title, text): &(&str, String)| {
            let pad = " ".repeat(width - title.width() + GAP);
            format!("{title}{pad}{text}").trim_end().to_owned() + "\n"
        };
        lines.iter().map(line).collect()
    }

    /// A list with a line for each cell, and one before each row that names it.
    pub(super) fn vertical(&self, listing: &Listing) -> String {
        let row = |row: &Row| {
            let lines = listing.heads.iter().zip(&row.cells);
            let lines: Vec<_> =
                lines.map(|(head, cell)| (head.title, cell.shown.clone())).collect();
            format!("*** {}\n{}", row.name, Self::pairs(&lines))
        };
        listing.rows.iter().map(row).collect()
    }

    /// Without as many columns as have no room; the first one always stays.
    fn narrowed(&self, mut listing: Listing, room: usize) -> Listing {
        while total(&self.widths_needed(&listing)) > room && listing.heads.len() > 1 {
            let goes = listing.heads.iter().enumerate().skip(1).rev();
            let Some((_, head)) = goes.min_by_key(|(_, head)| head.rank) else { break };
            let mut left_out = self.left_out.borrow_mut();
            // Of two tables both may have it.
            if !left_out.contains(&head.title) {
                left_out.push(head.title);
            }
            let key = head.key;
            listing = listing.without(&[key]);
        }
        listing
    }

    /// The same, where words are cut before another column goes.
    fn widths_needed(&self, listing: &Listing) -> Vec<usize> {
        let mut widths = self.widths(listing);
        for (width, head) in widths.iter_mut().zip(&listing.heads) {
            if head.side == Side::Left {
                *width = (*width).min(WORDS_COLUMNS);
            }
        }
        widths
    }

    fn widths(&self, listing: &Listing) -> Vec<usize> {
        let title = |title: &str| if self.has_headers { title.width() } else { 0 };
        let mut widths: Vec<_> = listing.heads.iter().map(|head| title(head.title)).collect();
        for row in &listing.rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = cell.shown.width().max(*width);
            }
        }
        widths
    }

    fn lines(&self, listing: &Listing, widths: &[usize]) -> String {
        let mut text = String::new();
        if self.has_headers {
            let titles = listing.heads.iter().map(|head| Cell::text(head.title)).collect();
            text.push_str(&self.line(listing, &Row { name: String::new(), cells: titles }, widths));
        }
        for row in &listing.rows {
            text.push_str(&self.line(listing, row, widths));
        }
        text
    }

    fn line(&self, listing: &Listing, row: &Row, widths: &[usize]) -> String {
        let mut line = String::new();
        let columns = listing.heads.iter().zip(&row.cells).zip(widths);
        // Blanks are only written before something: no line ends with them.
        let mut blanks = 0;
        for ((head, cell), width) in columns {
            let shown = cut(&cell.shown, *width, head.side, self.screen.ellipsis());
            let pad = width.saturating_sub(shown.width());
            let (before, after) = if head.side == Side::Right { (pad, 0) } else { (0, pad) };
            if !shown.is_empty() {
                line.push_str(&" ".repeat(blanks + before));
                line.push_str(&match cell.tint {
                    Some(tint) => tint.paint(&shown, self.screen.has_colour),
                    None => shown,
                });
                blanks = 0;
            } else {
                blanks += before;
            }
            blanks += after + GAP;
        }
        line + "\n"
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Takes from the widest column of words what is too much, then from the next one; last of all from
/// numbers, which are of no use without their end, but a row is one line.
fn shrink(widths: &mut [usize], listing: &Listing, room: usize) {
    let floors = [CUT_COLUMNS_MIN, 1];
    for floor in floors {
        while total(widths) > room {
            let excess = total(widths) - room;
            let may_give = |at: usize, width: usize| {
                let is_text = listing.heads.get(at).is_some_and(|head| head.side != Side::Right);
                (is_text || floor == 1) && width > floor
            };
            let candidates = widths.iter_mut().enumerate().filter(|(at, it)| may_give(*at, **it));
            let Some((_, widest)) = candidates.max_by_key(|(_, width)| **width) else { break };
            *widest = widest.saturating_sub(excess).max(floor);
        }
    }
}

/// As much of a text as has room: its begin, or its end, and a sign that there was more.
pub(crate) fn cut(text: &str, room: usize, side: Side, ellipsis: &str) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let ellipsis = if ellipsis.width() < room { ellipsis } else { "" };
    let mut left = room - ellipsis.width();
    let mut fits = |character: &char| {
        let width = character.width().unwrap_or_default();
        let fits = width <= left;
        left = if fits { left - width } else { 0 };
        fits
    };
    match side {
        Side::Address => {
            let mut end: Vec<char> = text.chars().rev().take_while(&mut fits).collect();
            end.reverse();
            format!("{ellipsis}{}", end.into_iter().collect::<String>())
        }
        // The first digits of a number are another number.
        Side::Right => ellipsis.to_owned(),
        Side::Left => {
            let begin: String = text.chars().take_while(&mut fits).collect();
            format!("{begin}{ellipsis}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::colour::Tint;
    use super::super::listing::Column;
    use super::*;
    use crate::args::Format;

    struct Thing(&'static str, &'static str, u64);

    type Field = Column<Thing>;

    const COLUMNS: &[Field] = &[
        Field::text("name", "NAME", |it| Cell::text(it.0)).rank(9),
        Field::address("listen", "LISTEN", |it| Cell::text(it.1)),
        Field::text("state", "STATE", |_| Cell::text("down").tinted(Some(Tint::Bad))).rank(5),
        Field::number("in", "IN", |it| Cell::count(it.2)).rank(2),
    ];

    const THINGS: [Thing; 2] =
        [Thing("web", "127.0.0.1:8080", 7), Thing("数据库", "[2001:db8::7]:5432", 42_100)];

    fn laid_out(screen: Screen, columns: Option<&[&str]>) -> (Vec<String>, Option<String>) {
        let columns = columns.map(|keys| keys.iter().map(|&key| key.to_owned()).collect());
        let view = View { format: Format::Table, columns, order: None };
        let layout = Layout::new(&view, true, screen);
        let listing = Listing::new(COLUMNS, &THINGS, |it| it.0.to_owned());
        let text = layout.table(listing);
        (text.lines().map(str::to_owned).collect(), layout.note())
    }

    fn wide(columns: usize) -> Screen {
        Screen { columns: Some(columns), ..Screen::PIPE }
    }

    #[test]
    fn long_words_are_cut_before_a_column_goes() {
        let view = View { format: Format::Table, columns: None, order: None };
        let layout = Layout::new(&view, true, wide(60));
        let long = "x".repeat(200).leak();
        let listing = Listing::new(COLUMNS, &[Thing(long, "127.0.0.1:8080", 7)], |_| String::new());
        let text = layout.table(listing);
        assert_eq!(layout.note(), None);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("…  127.0.0.1:8080  down    7"), "{text}");
    }

    #[test]
    fn a_line_for_each_cell_is_as_wide_as_it_is() {
        let view = View { format: Format::Vertical, columns: None, order: None };
        let listing = Listing::new(COLUMNS, &THINGS[..1], |it| it.0.to_owned());
        let text = Layout::new(&view, true, wide(10)).vertical(&listing);
        let expected = "*** web\nNAME    web\nLISTEN  127.0.0.1:8080\nSTATE   down\nIN      7\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn columns_stand_in_line_whatever_room_a_character_takes() {
        let expected = [
            "NAME    LISTEN              STATE     IN",
            "web     127.0.0.1:8080      down       7",
            "数据库  [2001:db8::7]:5432  down   42.1k",
        ];
        assert_eq!(laid_out(Screen::PIPE, None), (expected.map(str::to_owned).to_vec(), None));
        // All of it has room.
        assert_eq!(laid_out(wide(40), None).0, expected);
    }

    #[test]
    fn where_it_is_narrow_what_matters_least_goes_first() {
        let (lines, note) = laid_out(wide(39), None);
        assert_eq!(lines, ["NAME    STATE     IN", "web     down       7", "数据库  down   42.1k"]);
        assert_eq!(note.as_deref(), Some("no room for: LISTEN"));
        assert_eq!(laid_out(wide(14), None).0, ["NAME    STATE", "web     down", "数据库  down"]);
        assert_eq!(laid_out(wide(5), None).0, ["NAME", "web", "数据…"]);
    }

    #[test]
    fn whoever_names_columns_gets_them_cut() {
        let (lines, note) = laid_out(wide(20), Some(&["name", "listen"]));
        assert_eq!(lines, ["NAME    LISTEN", "web     ….0.0.1:8080", "数据库  …b8::7]:5432"]);
        assert_eq!(note, None);
    }

    #[test]
    fn no_row_is_ever_longer_than_the_terminal() {
        for columns in 1..60 {
            for named in [None, Some(&["name", "listen", "state", "in"][..])] {
                for line in laid_out(wide(columns), named).0 {
                    // Four columns have three gaps.
                    let least = if named.is_some() { 10 } else { 1 };
                    assert!(line.width() <= columns.max(least), "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn colour_changes_no_column() {
        let colourful = laid_out(Screen { has_colour: true, ..Screen::PIPE }, None).0;
        assert_eq!(colourful[1], "web     127.0.0.1:8080      \x1b[31mdown\x1b[0m       7");
        let plain =
            colourful.iter().map(|line| line.replace("\x1b[31m", "").replace("\x1b[0m", ""));
        assert_eq!(plain.collect::<Vec<_>>(), laid_out(Screen::PIPE, None).0);
    }

    #[test]
    fn a_cut_is_marked_with_what_the_terminal_has() {
        assert_eq!(cut("abcdef", 4, Side::Left, "…"), "abc…");
        assert_eq!(cut("abcdef", 4, Side::Left, "..."), "a...");
        assert_eq!(cut("abcdef", 4, Side::Address, "…"), "…def");
        assert_eq!(cut("数据库", 4, Side::Left, "…"), "数…");
        assert_eq!(cut("abcdef", 1, Side::Left, "…"), "a");
        assert_eq!(cut("abc", 3, Side::Left, "…"), "abc");
        assert_eq!(cut("42.1k", 3, Side::Right, "…"), "…");
    }
}
