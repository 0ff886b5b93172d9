//! How far something is: a bar that is drawn over again on a terminal, a line for each tenth elsewhere. It
//! is drawn when there is something to tell, so that nothing runs beside the command.

use super::layout::cut;
use super::listing::Side;
use super::safe::safe;
use super::screen::Screen;
use super::units::{age, some};
use crate::answer::{Goal, Waiting};

/// Of how many pieces a bar is.
const PIECES: u64 = 10;

/// To the begin of the line.
const BEGIN: &str = "\r";

/// What stands behind the cursor is gone (ECMA-48, EL).
const ERASE: &str = "\x1b[K";

/// What is written to tell it, if anything is.
pub(super) fn written(waiting: &Waiting, screen: Screen) -> Option<String> {
    if screen.can_redraw {
        let end = if waiting.is_over { "\n" } else { "" };
        return Some(format!("{BEGIN}{}{ERASE}{end}", bar(waiting, screen)));
    }
    waiting.is_step.then(|| format!("{}\n", step(waiting)))
}

fn step(waiting: &Waiting) -> String {
    let Waiting { all, left, .. } = waiting;
    match waiting.goal {
        Goal::Ends => format!("{} left", some(*left, "connection", "connections")),
        Goal::Up => {
            format!("{} of {} up", all.saturating_sub(*left), some(*all, "backend", "backends"))
        }
    }
}

fn bar(waiting: &Waiting, screen: Screen) -> String {
    let Waiting { all, left, .. } = waiting;
    let done = all.saturating_sub(*left);
    let full = if *all == 0 { PIECES } else { done.saturating_mul(PIECES) / all };
    let (solid, hollow) = if screen.is_ascii { ("#", "-") } else { ("█", "░") };
    let pieces = |piece: &str, count: u64| piece.repeat(usize::try_from(count).unwrap_or_default());
    let pieces = pieces(solid, full) + &pieces(hollow, PIECES.saturating_sub(full));
    let counts = match waiting.goal {
        Goal::Ends => format!("{left}/{all} left"),
        Goal::Up => format!("{done}/{all} up"),
    };
    let rest = waiting.remaining().map(|rest| format!("  eta {}", age(rest.as_secs())));
    let line = format!("{}  {pieces} {counts}{}", safe(&waiting.work), rest.unwrap_or_default());
    // In the last column a terminal may begin a new line.
    let room = screen.columns.map_or(usize::MAX, |columns| columns.saturating_sub(1));
    cut(&line, room, Side::Left, screen.ellipsis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn draining(left: u64) -> Waiting {
        Waiting {
            work: "draining web".to_owned(),
            goal: Goal::Ends,
            all: 1_108,
            left,
            elapsed: Duration::from_secs(10),
            is_step: true,
            is_over: left == 0,
        }
    }

    fn terminal(columns: usize) -> Screen {
        Screen { columns: Some(columns), can_redraw: true, ..Screen::PIPE }
    }

    #[test]
    fn a_terminal_gets_a_bar_that_is_drawn_over() {
        let drawn = |left| written(&draining(left), terminal(80)).unwrap();
        assert_eq!(drawn(1_108), "\rdraining web  ░░░░░░░░░░ 1108/1108 left\x1b[K");
        assert_eq!(drawn(332), "\rdraining web  ███████░░░ 332/1108 left  eta 4s\x1b[K");
        assert_eq!(drawn(0), "\rdraining web  ██████████ 0/1108 left\x1b[K\n");
        let ascii = Screen { is_ascii: true, ..terminal(80) };
        assert!(written(&draining(332), ascii).unwrap().contains("#######---"));
    }

    #[test]
    fn a_bar_is_one_line() {
        use unicode_width::UnicodeWidthStr;
        for columns in 1..60 {
            assert!(bar(&draining(332), terminal(columns)).width() < columns, "{columns}");
        }
    }

    #[test]
    fn whoever_cannot_be_drawn_on_gets_lines() {
        let line = |waiting: &Waiting| written(waiting, Screen::PIPE);
        assert_eq!(line(&draining(1)).as_deref(), Some("1 connection left\n"));
        assert_eq!(line(&Waiting { is_step: false, ..draining(1) }), None);
        let up = Waiting { goal: Goal::Up, all: 3, ..draining(1) };
        assert_eq!(line(&up).as_deref(), Some("2 of 3 backends up\n"));
    }
}
