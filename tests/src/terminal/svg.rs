//! A screen as a picture (SVG): text and its colours, on a dark background.

use std::fmt::Write;

/// The room of one character, in pixels.
const CELL: (u32, u32) = (8, 17);

/// Around all of it, in pixels.
const MARGIN: u32 = 8;

const FOREGROUND: &str = "#d0d0d0";
const BACKGROUND: &str = "#1c1c1c";

/// The sixteen colours, muted enough to be read on that background.
const COLOURS: [&str; 16] = [
    "#3a3a3a", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d0d0d0",
    "#7f848e", "#ff7a85", "#b5e890", "#ffd68a", "#82c4ff", "#dc9cf0", "#7fd8e4", "#ffffff",
];

/// Characters side by side that look alike.
struct Run {
    row: u16,
    column: u16,
    columns: u32,
    text: String,
    style: Style,
}

#[derive(Clone, PartialEq, Eq)]
struct Style {
    colour: String,
    background: String,
    is_bold: bool,
    is_dim: bool,
}

/// It, as a document.
pub(super) fn picture(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = u32::from(columns) * CELL.0 + 2 * MARGIN;
    let height = u32::from(rows) * CELL.1 + 2 * MARGIN;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{BACKGROUND}\"/>\n"
    );
    for run in (0..rows).flat_map(|row| runs(screen, row, columns)) {
        picture.push_str(&drawn(&run));
    }
    picture + "</svg>\n"
}

fn runs(screen: &vt100::Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { continue };
        if cell.is_wide_continuation() {
            continue;
        }
        let style = Style::of(cell);
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let room = if cell.is_wide() { 2 } else { 1 };
        match runs.last_mut().filter(|last| last.style == style) {
            Some(last) => {
                last.text.push_str(text);
                last.columns += room;
            }
            None => runs.push(Run { row, column, columns: room, text: text.to_owned(), style }),
        }
    }
    runs
}

impl Style {
    fn of(cell: &vt100::Cell) -> Self {
        let colour = named(cell.fgcolor(), FOREGROUND);
        let background = named(cell.bgcolor(), BACKGROUND);
        let (colour, background) =
            if cell.inverse() { (background, colour) } else { (colour, background) };
        Self { colour, background, is_bold: cell.bold(), is_dim: cell.dim() }
    }
}

fn named(colour: vt100::Color, otherwise: &str) -> String {
    match colour {
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        vt100::Color::Idx(index) => {
            COLOURS.get(usize::from(index)).copied().unwrap_or(otherwise).to_owned()
        }
        vt100::Color::Default => otherwise.to_owned(),
    }
}

fn drawn(run: &Run) -> String {
    let Run { row, column, columns, text, style } = run;
    let (x, y) = (u32::from(*column) * CELL.0 + MARGIN, u32::from(*row) * CELL.1 + MARGIN);
    let width = columns * CELL.0;
    let mut drawn = String::new();
    if style.background != BACKGROUND {
        let (height, fill) = (CELL.1, &style.background);
        writeln!(
            drawn,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"
        )
        .expect("text can be written into memory");
    }
    if !text.trim().is_empty() {
        let bold = if style.is_bold { " font-weight=\"bold\"" } else { "" };
        let dim = if style.is_dim { " opacity=\"0.6\"" } else { "" };
        let (baseline, fill) = (y + CELL.1 - 4, &style.colour);
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            drawn,
            "<text x=\"{x}\" y=\"{baseline}\" fill=\"{fill}\"{bold}{dim} textLength=\"{width}\" \
             xml:space=\"preserve\">{text}</text>"
        )
        .expect("text can be written into memory");
    }
    drawn
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    #[test]
    fn a_screen_is_drawn_with_its_colours() {
        let size = |count| NonZero::new(count).unwrap();
        let mut parser = vt100::Parser::new(size(2), size(10), 0);
        parser.process(b"\x1b[31;1ma<b\x1b[0m \x1b[7mc");
        let picture = picture(parser.screen());
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
        let red = "fill=\"#e06c75\" font-weight=\"bold\" textLength=\"24\" xml:space=\"preserve\">a&lt;b</text>";
        assert!(picture.contains(red), "{picture}");
        // What is reversed has a background.
        let reversed = format!("width=\"8\" height=\"17\" fill=\"{FOREGROUND}\"/>");
        assert!(picture.contains(&reversed), "{picture}");
    }
}
