//! What becomes of tunnels, as a diff: `+` comes, `-` goes, `~` is otherwise. The signs say it all;
//! colour only repeats it.

use plexy_shared::info::LiveCounts;
use plexy_shared::plan::{ApplyReply, BackendDifference, Outcome, TunnelDifference};

use super::Written;
use super::colour::Tint;
use super::safe::safe;
use super::screen::Screen;

/// What is said where nothing is otherwise.
const SAME: &str = "nothing differs";

/// What would be done.
pub(super) fn planned(reply: &ApplyReply, screen: Screen) -> Written {
    if reply.is_same() {
        return Written::default().with_note(SAME);
    }
    let note = format!("nothing was done; it would have {reply}");
    Written::new(lines(&reply.tunnels, screen)).with_note(note)
}

/// What was done: a word for each tunnel, and the sum.
pub(super) fn applied(reply: &ApplyReply, screen: Screen) -> Written {
    let told = |tunnel: &TunnelDifference| {
        let word = safe(tunnel.result.as_str());
        format!("{word} {}{}\n{}", which(tunnel), live(tunnel.live), details(tunnel, screen))
    };
    let tunnels: String = reply.tunnels.iter().map(told).collect();
    Written::new(format!("{tunnels}{reply}\n"))
}

/// Each tunnel that does not stay as it is.
pub(super) fn lines(tunnels: &[TunnelDifference], screen: Screen) -> String {
    let line = |tunnel: &TunnelDifference| {
        let head = match tunnel.result.known() {
            Some(Outcome::Unchanged) => return String::new(),
            Some(Outcome::Created) => {
                format!("+ {}", safe(tunnel.after.as_deref().unwrap_or(&tunnel.listen)))
            }
            Some(Outcome::Removed) => format!("- {}{}", which(tunnel), live(tunnel.live)),
            Some(Outcome::Changed) => format!("~ {}{}", which(tunnel), live(tunnel.live)),
            None => format!("{} {}", safe(tunnel.result.as_str()), which(tunnel)),
        };
        format!("{}\n{}", painted(&head, screen), details(tunnel, screen))
    };
    tunnels.iter().map(line).collect()
}

/// The tunnel as somebody calls it, and where it listens.
fn which(tunnel: &TunnelDifference) -> String {
    let listen = safe(&tunnel.listen);
    match &tunnel.name {
        Some(name) => format!("{} on {listen}", safe(name)),
        None => listen,
    }
}

/// What becomes of connections, if there are any.
fn live(live: LiveCounts) -> String {
    if live == LiveCounts::default() { String::new() } else { format!(": {live}") }
}

/// Options and backends of one that is changed.
fn details(tunnel: &TunnelDifference, screen: Screen) -> String {
    let arrow = screen.arrow();
    let options = tunnel
        .options
        .iter()
        .map(|it| format!("~ {}: {} {arrow} {}", safe(&it.key), safe(&it.before), safe(&it.after)));
    let backends = tunnel.backends.iter().map(|BackendDifference { before, after }| {
        match (before.as_deref().map(safe), after.as_deref().map(safe)) {
            (None, after) => format!("+ {}", after.unwrap_or_default()),
            (Some(before), None) => format!("- {before}"),
            (Some(before), Some(after)) => format!("~ {before} {arrow} {after}"),
        }
    });
    let order = tunnel.reordered.then(|| "~ backends in another order".to_owned());
    let all = options.chain(backends).chain(order);
    all.map(|line| format!("    {}\n", painted(&line, screen))).collect()
}

fn painted(line: &str, screen: Screen) -> String {
    let tint = match line.chars().next() {
        Some('+') => Tint::Good,
        Some('-') => Tint::Bad,
        _ => Tint::Doubtful,
    };
    tint.paint(line, screen.has_colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> ApplyReply {
        let spec = |text: &str| text.parse().unwrap();
        let before = spec("3=10.0.0.1:1,10.0.0.2:2,10.0.0.4:4[name=db]");
        let after = spec("3=10.0.0.4:4,10.0.0.1:1+weight=2,10.0.0.3:3[name=db,retries=5]");
        let ended = LiveCounts { ended: 2, ..LiveCounts::default() };
        ApplyReply {
            dry_run: true,
            plan: String::new(),
            created: 1,
            changed: 1,
            unchanged: 1,
            removed: 1,
            tunnels: vec![
                TunnelDifference::created(&spec("1=10.0.0.1:1[name=web]")),
                TunnelDifference::unchanged(&spec("2=10.0.0.1:1")),
                TunnelDifference::changed(&before, &after),
                TunnelDifference::removed(&spec("4=10.0.0.1:1")).with(ended),
            ],
            revision: 1,
        }
    }

    #[test]
    fn a_diff_shows_what_comes_goes_and_changes() {
        let written = planned(&reply(), Screen::PIPE);
        assert_eq!(
            written.data.lines().collect::<Vec<_>>(),
            [
                "+ 127.0.0.1:1=10.0.0.1:1[name=web]",
                "~ db on 127.0.0.1:3",
                "    ~ retries: 3 → 5",
                "    ~ 10.0.0.1:1 → 10.0.0.1:1+weight=2",
                "    + 10.0.0.3:3",
                "    - 10.0.0.2:2",
                "    ~ backends in another order",
                "- 127.0.0.1:4: 2 connections reset",
            ]
        );
        let note = "nothing was done; it would have created 1, changed 1, unchanged 1, removed 1";
        assert_eq!(written.notes, [note]);
    }

    #[test]
    fn what_was_done_is_told_of_each_tunnel() {
        let text = applied(&reply(), Screen::PIPE).data;
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(
            lines,
            [
                "created web on 127.0.0.1:1",
                "unchanged 127.0.0.1:2",
                "changed db on 127.0.0.1:3",
                "removed 127.0.0.1:4: 2 connections reset",
                "created 1, changed 1, unchanged 1, removed 1",
            ]
        );
    }

    #[test]
    fn that_nothing_differs_is_said_in_words() {
        let tunnels = Vec::new();
        let same = ApplyReply { created: 0, changed: 0, removed: 0, tunnels, ..reply() };
        let written = planned(&same, Screen::PIPE);
        assert_eq!((written.data.as_str(), written.notes.join("\n").as_str()), ("", SAME));
    }

    #[test]
    fn colour_repeats_the_sign() {
        let screen = Screen { has_colour: true, ..Screen::PIPE };
        let text = planned(&reply(), screen).data;
        assert!(text.contains("\u{1b}[32m+ 127.0.0.1:1="), "{text:?}");
        assert!(text.contains("\u{1b}[31m- 127.0.0.1:4"), "{text:?}");
    }
}
