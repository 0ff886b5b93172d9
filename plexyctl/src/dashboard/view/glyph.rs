//! Signs: what is how, in one column, and what they are where only ASCII can be shown.

use plexy_shared::connection::Phase;
use plexy_shared::overview::Health;
use plexy_shared::word::Word;

use super::super::state::Looks;
use super::super::theme::Role;
use crate::output::safe;

/// A sign that stands for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyph {
    /// As it should be.
    Ok,
    /// Partly so.
    Degraded,
    /// It drains.
    Draining,
    /// Not so at all.
    Down,
    /// Out of service, or closed.
    Off,
    /// Nobody knows.
    Unknown,
}

impl Glyph {
    /// Of what a newer daemon has made up, nothing is known.
    pub(crate) fn of_health(health: &Word<Health>) -> Self {
        match health.known() {
            Some(Health::Ok) => Self::Ok,
            Some(Health::Degraded) => Self::Degraded,
            Some(Health::Draining) => Self::Draining,
            Some(Health::Down) => Self::Down,
            Some(Health::Disabled) => Self::Off,
            None => Self::Unknown,
        }
    }

    /// Where a connection is in its life; none where bytes go both ways.
    pub(crate) fn of_phase(phase: &Word<Phase>) -> Option<Self> {
        match phase.known() {
            Some(Phase::Relaying) => None,
            Some(Phase::HalfClosed) => Some(Self::Draining),
            Some(Phase::Connecting) => Some(Self::Degraded),
            Some(Phase::Parked) => Some(Self::Off),
            Some(Phase::Closing) => Some(Self::Down),
            None => Some(Self::Unknown),
        }
    }

    /// What it means.
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Ok => Role::Ok,
            Self::Degraded => Role::Warning,
            Self::Draining => Role::Drain,
            Self::Down => Role::Bad,
            Self::Off | Self::Unknown => Role::Dim,
        }
    }

    /// What it looks like.
    pub(crate) fn sign(self, is_ascii: bool) -> &'static str {
        let [sign, ascii] = match self {
            Self::Ok => ["●", "+"],
            Self::Degraded => ["▲", "!"],
            Self::Draining => ["◐", "~"],
            Self::Down => ["✖", "X"],
            Self::Off => ["○", "-"],
            Self::Unknown => ["?", "?"],
        };
        if is_ascii { ascii } else { sign }
    }
}

impl Looks {
    /// One of two signs.
    pub(crate) fn sign(&self, sign: &'static str, ascii: &'static str) -> &'static str {
        if self.is_ascii { ascii } else { sign }
    }

    /// A line across the screen is made of these.
    pub(crate) fn rule(&self) -> &'static str {
        self.sign("─", "-")
    }

    /// What stands for what was left out.
    pub(crate) fn ellipsis(&self) -> &'static str {
        self.sign("…", "...")
    }

    /// What stands where there is nothing to say.
    pub(crate) fn nothing(&self) -> &'static str {
        self.sign("—", "-")
    }

    /// In front of what somebody has come through.
    pub(crate) fn inward(&self) -> &'static str {
        self.sign("▸", ">")
    }

    /// A key, as it is written on it, or by its name where it has no letter.
    pub(crate) fn key(&self, key: &'static str) -> &'static str {
        match key {
            _ if !self.is_ascii => key,
            "↑" => "Up",
            "↓" => "Down",
            "←" => "Left",
            "→" => "Right",
            "⏎" => "Enter",
            key => key,
        }
    }

    /// Somebody else's text: nothing in it acts on the terminal, and where that knows ASCII alone, it gets
    /// nothing else.
    pub(crate) fn safe(&self, text: &str) -> String {
        let text = safe(text);
        match self.is_ascii && !text.is_ascii() {
            true => text.chars().map(in_ascii).collect(),
            false => text,
        }
    }
}

fn in_ascii(character: char) -> String {
    match character.is_ascii() {
        true => character.to_string(),
        false => character.escape_unicode().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn each_sign_has_one_column_and_is_another_one() {
        let glyphs =
            [Glyph::Ok, Glyph::Degraded, Glyph::Draining, Glyph::Down, Glyph::Off, Glyph::Unknown];
        for is_ascii in [false, true] {
            let signs: std::collections::HashSet<_> =
                glyphs.iter().map(|glyph| glyph.sign(is_ascii)).collect();
            assert_eq!(signs.len(), glyphs.len());
            assert!(signs.iter().all(|sign| sign.width() == 1));
            assert!(!is_ascii || signs.iter().all(|sign| sign.is_ascii()));
        }
    }
}
