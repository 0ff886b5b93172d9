//! What keys do: the one table that reads them, fills the last line, and is the help.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Pane, Scope, State};

/// What somebody wants by a key, a menu or a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    HalfPageUp,
    HalfPageDown,
    First,
    Last,
    Open,
    Back,
    /// The pane with this number, from 0.
    Pane(usize),
    NextPane,
    PreviousPane,
    Find,
    Sort,
    Reverse,
    SortLeft,
    SortRight,
    Lock,
    Menu,
    OpenTunnel,
    AddBackend,
    RemoveBackend,
    Drain,
    Enable,
    Disable,
    Close,
    Kill,
    Edit,
    Copy,
    Export,
    Pause,
    Slower,
    Faster,
    Wide,
    Zoom,
    Follow,
    Retry,
    Theme,
    Units,
    Mouse,
    Line,
    Shell,
    Help,
    Redraw,
    Suspend,
    Quit,
}

impl Action {
    /// Whether it goes a page, or half of one.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::PageUp | Self::PageDown | Self::HalfPageUp | Self::HalfPageDown)
    }
}

/// A key, and what it does.
#[derive(Debug)]
pub(crate) struct Binding {
    /// What it does.
    pub(crate) action: Action,
    /// The keys, as they are written; the first one stands in the last line.
    pub(crate) keys: &'static [&'static str],
    /// In a word, for the last line; nothing where it has no place there.
    pub(crate) word: &'static str,
    /// In a sentence, for the help.
    pub(crate) help: &'static str,
    /// Where it does something.
    pub(crate) place: Place,
}

/// Where an action does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Everywhere.
    Everywhere,
    /// In these panes.
    In(&'static [Pane]),
    /// Where a tunnel is selected, or looked into.
    AtTunnel,
    /// Where a backend is selected, or looked into.
    AtBackend,
    /// Where a tunnel or a backend is.
    AtTunnelOrBackend,
    /// Where a connection is selected.
    AtConnection,
    /// Where any of them is.
    AtRow,
}

const TABLES: Place = Place::In(&[Pane::Tunnels, Pane::Backends, Pane::Connections, Pane::Latency]);

/// All keys, in the order of the help. Of those that can be told in the last line, the first ones have
/// room there.
pub(crate) static BINDINGS: &[Binding] = &[
    bind(Action::Up, &["↑", "k"], "", "one row up", Place::Everywhere),
    bind(Action::Down, &["↓", "j"], "", "one row down", Place::Everywhere),
    bind(Action::PageUp, &["PgUp", "Ctrl-B"], "", "one page up", Place::Everywhere),
    bind(Action::PageDown, &["PgDn", "Ctrl-F"], "", "one page down", Place::Everywhere),
    bind(Action::HalfPageUp, &["Ctrl-U"], "", "half a page up", Place::Everywhere),
    bind(Action::HalfPageDown, &["Ctrl-D"], "", "half a page down", Place::Everywhere),
    bind(Action::First, &["Home", "g"], "", "to the first row", Place::Everywhere),
    bind(Action::Last, &["End", "G"], "", "to the last row", Place::Everywhere),
    bind(Action::Open, &["⏎", "→", "l"], "open", "look into what is selected", TABLES),
    bind(
        Action::Back,
        &["Esc", "←", "h", "Backspace"],
        "back",
        "clear what is looked for, then go back to where you came from",
        Place::Everywhere,
    ),
    bind(Action::Pane(0), &["1"], "", "the first view", Place::Everywhere),
    bind(Action::Pane(1), &["2"], "", "the second", Place::Everywhere),
    bind(Action::Pane(2), &["3"], "", "the third", Place::Everywhere),
    bind(Action::Pane(3), &["4"], "", "the fourth", Place::Everywhere),
    bind(Action::Pane(4), &["5"], "", "the fifth", Place::Everywhere),
    bind(Action::NextPane, &["Tab"], "pane", "the next view", Place::Everywhere),
    bind(Action::PreviousPane, &["Shift-Tab"], "", "the view before", Place::Everywhere),
    bind(Action::Menu, &["a"], "actions", "what can be done with the selected row", Place::AtRow),
    bind(Action::OpenTunnel, &["o"], "open tunnel", "open a tunnel", Place::In(&[Pane::Tunnels])),
    bind(Action::Close, &["c"], "close", "close the tunnel", Place::AtTunnel),
    bind(
        Action::Drain,
        &["d"],
        "drain",
        "drain the tunnel, or the backend",
        Place::AtTunnelOrBackend,
    ),
    bind(
        Action::Enable,
        &["u"],
        "enable",
        "end the drain, or put it into service again",
        Place::AtTunnelOrBackend,
    ),
    bind(Action::Disable, &["D"], "disable", "take the backend out of service", Place::AtBackend),
    bind(
        Action::AddBackend,
        &["b"],
        "add",
        "add a backend to the tunnel",
        Place::AtTunnelOrBackend,
    ),
    bind(Action::RemoveBackend, &["x"], "remove", "remove the backend", Place::AtBackend),
    bind(
        Action::Edit,
        &["e"],
        "edit",
        "change options, after a look at the difference",
        Place::AtTunnelOrBackend,
    ),
    bind(Action::Kill, &["K"], "kill", "end the connection", Place::AtConnection),
    bind(
        Action::Find,
        &["/"],
        "filter",
        "show rows with a text: !text without it, ~text with its letters in between, column:text",
        TABLES,
    ),
    bind(Action::Sort, &["s"], "sort", "choose the column to sort by", TABLES),
    bind(Action::Reverse, &["S", "i"], "", "reverse the order", TABLES),
    bind(Action::SortLeft, &["<"], "", "sort by the column to the left", TABLES),
    bind(Action::SortRight, &[">"], "", "sort by the column to the right", TABLES),
    bind(Action::Lock, &["L"], "", "rows stay where they are, whatever they become", TABLES),
    bind(
        Action::Follow,
        &["f"],
        "",
        "show the newest events as they come, or freeze those that are seen",
        Place::Everywhere,
    ),
    bind(
        Action::Copy,
        &["y"],
        "copy",
        "copy the name, or the address, to the clipboard of the terminal",
        Place::Everywhere,
    ),
    bind(
        Action::Export,
        &["E"],
        "",
        "show the tunnel as it would be written in a file",
        Place::AtTunnel,
    ),
    bind(Action::Pause, &["p", "Space"], "pause", "hold what is shown", Place::Everywhere),
    bind(Action::Slower, &["+"], "", "look less often, up to each 10 s", Place::Everywhere),
    bind(Action::Faster, &["-"], "", "look more often, down to each 250 ms", Place::Everywhere),
    bind(
        Action::Wide,
        &["w"],
        "",
        "more columns; where events are listed, warnings only",
        Place::Everywhere,
    ),
    bind(Action::Zoom, &["z"], "", "only the main table", Place::Everywhere),
    bind(
        Action::Retry,
        &["r"],
        "",
        "try to reach plexyd now; where it answers, forget the peaks",
        Place::Everywhere,
    ),
    bind(Action::Theme, &["t"], "", "other colours", Place::Everywhere),
    bind(Action::Units, &["U"], "", "bytes, bits, or bytes by 1024", Place::Everywhere),
    bind(
        Action::Mouse,
        &["m"],
        "",
        "give the mouse to the terminal, or take it; Shift-drag selects text",
        Place::Everywhere,
    ),
    bind(Action::Line, &[":"], "cmd", "a command, as in the shell", Place::Everywhere),
    bind(Action::Shell, &["!"], "", "the shell; `exit` comes back", Place::Everywhere),
    bind(Action::Help, &["?", "F1"], "help", "these lines", Place::Everywhere),
    bind(Action::Redraw, &["Ctrl-L"], "", "draw all of it anew", Place::Everywhere),
    bind(Action::Suspend, &["Ctrl-Z"], "", "stop; `fg` comes back", Place::Everywhere),
    bind(Action::Quit, &["q", "Ctrl-C"], "quit", "leave", Place::Everywhere),
];

const fn bind(
    action: Action,
    keys: &'static [&'static str],
    word: &'static str,
    help: &'static str,
    place: Place,
) -> Binding {
    Binding { action, keys, word, help, place }
}

/// What a key asks for where somebody is.
pub(crate) fn action_of(key: KeyEvent, state: &State) -> Option<Action> {
    let is_pressed = |binding: &&Binding| binding.keys.iter().any(|name| is_key(key, name));
    let here = BINDINGS.iter().filter(|binding| binding.place.is_here(state));
    here.into_iter().find(is_pressed).map(|binding| binding.action)
}

/// Whether an action does something where somebody is.
pub(crate) fn is_here(action: Action, state: &State) -> bool {
    BINDINGS.iter().any(|binding| binding.action == action && binding.place.is_here(state))
}

/// What can be told of keys where somebody is, in the order of the table.
pub(crate) fn bindings_here(state: &State) -> impl Iterator<Item = &'static Binding> {
    BINDINGS
        .iter()
        .filter(|binding| binding.place.is_here(state) && is_useful(binding.action, state))
}

impl Place {
    /// Whether somebody is there.
    pub(crate) fn is_here(self, state: &State) -> bool {
        let level = state.level();
        let at_tunnel =
            level.scope != Scope::All || matches!(level.pane, Pane::Tunnels | Pane::Latency);
        let at_backend = level.pane == Pane::Backends || level.scope.backend().is_some();
        match self {
            Self::Everywhere => true,
            // The times of one tunnel are no rows.
            Self::In(_) if level.pane == Pane::Latency && level.scope != Scope::All => false,
            Self::In(panes) => panes.contains(&level.pane),
            Self::AtTunnel => at_tunnel,
            Self::AtBackend => at_backend,
            Self::AtTunnelOrBackend => at_tunnel || at_backend,
            Self::AtConnection => level.pane == Pane::Connections,
            Self::AtRow => at_tunnel || at_backend || level.pane == Pane::Connections,
        }
    }
}

/// Whether it would do anything now.
fn is_useful(action: Action, state: &State) -> bool {
    match action {
        Action::OpenTunnel
        | Action::Close
        | Action::Drain
        | Action::Enable
        | Action::Disable
        | Action::AddBackend
        | Action::RemoveBackend
        | Action::Edit => state.can_act(),
        Action::Kill => state.can_act() && has_row(state),
        // It knows nothing of what may not be done here.
        Action::Shell => !state.place.is_read_only,
        Action::Back => state.levels().len() > 1,
        Action::Open => state.level().pane != Pane::Connections && has_row(state),
        Action::Menu => has_row(state),
        _ => true,
    }
}

/// Whether there is a row that it can be done with, where rows are.
fn has_row(state: &State) -> bool {
    let level = state.level();
    match level.pane {
        Pane::Tunnels => level.tunnels.selected_row().is_some(),
        Pane::Latency if level.scope == Scope::All => level.tunnels.selected_row().is_some(),
        Pane::Backends => level.backends.selected_row().is_some(),
        Pane::Connections => level.connections.selected_row().is_some(),
        Pane::Events | Pane::Options | Pane::Latency => true,
    }
}

/// Whether a key is the one that is written so.
fn is_key(key: KeyEvent, name: &str) -> bool {
    let (code, modifiers) = named(name);
    // Terminals tell Shift with a capital, or leave it out.
    let ignored = if matches!(code, KeyCode::Char(_) | KeyCode::BackTab) {
        KeyModifiers::SHIFT
    } else {
        KeyModifiers::NONE
    };
    key.code == code && key.modifiers - ignored == modifiers
}

/// The key that is written so.
fn named(name: &str) -> (KeyCode, KeyModifiers) {
    let letter = |text: &str| text.chars().next().map_or(KeyCode::Null, KeyCode::Char);
    if let Some(held) = name.strip_prefix("Ctrl-") {
        return (letter(&held.to_ascii_lowercase()), KeyModifiers::CONTROL);
    }
    let code = match name {
        "↑" => KeyCode::Up,
        "↓" => KeyCode::Down,
        "←" => KeyCode::Left,
        "→" => KeyCode::Right,
        "⏎" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "Backspace" => KeyCode::Backspace,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Space" => KeyCode::Char(' '),
        "F1" => KeyCode::F(1),
        text => letter(text),
    };
    (code, KeyModifiers::NONE)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut seen = HashSet::new();
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(seen.insert(key), "{key} twice");
                assert_ne!(named(key).0, KeyCode::Null, "{key}");
            }
        }
    }

    #[test]
    fn capitals_are_keys_of_their_own() {
        let pressed = |code, modifiers| KeyEvent::new(code, modifiers);
        let capital = pressed(KeyCode::Char('S'), KeyModifiers::SHIFT);
        assert!(is_key(capital, "S") && !is_key(capital, "s"));
        assert!(!is_key(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), "c"));
        assert!(is_key(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), "Ctrl-C"));
        assert!(is_key(pressed(KeyCode::BackTab, KeyModifiers::SHIFT), "Shift-Tab"));
    }
}
