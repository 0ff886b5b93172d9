//! How a thing looks that means something. Text and background are those of the terminal, and colours
//! those 16 that its user may have chosen, never black or white: one of them cannot be read there. Each
//! meaning has a glyph or a word beside its colour, so that it is there without colours too.

use ratatui::style::{Color, Modifier, Style};

use super::state::{Looks, Theme};

/// What something means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing beyond what it says.
    Text,
    /// It is there, and can be passed over.
    Dim,
    /// As it should be.
    Ok,
    /// Somebody should look.
    Warning,
    /// Broken.
    Bad,
    /// On its way out, as somebody wants it.
    Drain,
    /// A name, or the view that is open.
    Accent,
    /// Over a column.
    Head,
    /// Over the column that rows are sorted by.
    Sorted,
    /// A key that can be pressed.
    Key,
    /// What has to be seen before all else.
    Alarm,
}

impl Looks {
    /// How that looks.
    pub(crate) fn style(&self, role: Role) -> Style {
        let is_mono = !self.has_colour || self.theme == Theme::Mono;
        let style = Style::new().add_modifier(modifier(role, is_mono));
        let is_plain = is_mono || matches!(role, Role::Text | Role::Dim | Role::Head | Role::Alarm);
        match is_plain || role == Role::Sorted {
            true => style,
            false => style.fg(self.colour(role)),
        }
    }

    fn colour(&self, role: Role) -> Color {
        let [ok, warning, bad, drain] = match self.theme {
            // Most terminals are dark, and those that are not have a yellow that can be read.
            Theme::Auto | Theme::Dark | Theme::Mono => {
                [Color::Green, Color::Yellow, Color::Red, Color::Cyan]
            }
            Theme::Light => [Color::Green, Color::Magenta, Color::Red, Color::Blue],
            // Who takes red for green sees blue and yellow apart; bad is bold beside.
            Theme::Colorblind => [Color::LightBlue, Color::Yellow, Color::Yellow, Color::Cyan],
        };
        match role {
            Role::Ok => ok,
            Role::Warning => warning,
            Role::Bad => bad,
            Role::Drain | Role::Accent | Role::Key => drain,
            Role::Text | Role::Dim | Role::Head | Role::Sorted | Role::Alarm => Color::Reset,
        }
    }
}

/// What is left of it where there is no colour: bold, and underlined where it is broken.
fn modifier(role: Role, is_mono: bool) -> Modifier {
    match role {
        Role::Dim => Modifier::DIM,
        Role::Bad if is_mono => Modifier::BOLD.union(Modifier::UNDERLINED),
        Role::Warning if is_mono => Modifier::BOLD,
        Role::Bad | Role::Accent | Role::Key | Role::Head => Modifier::BOLD,
        Role::Sorted => Modifier::BOLD.union(Modifier::UNDERLINED),
        Role::Alarm => Modifier::REVERSED.union(Modifier::BOLD),
        Role::Text | Role::Ok | Role::Warning | Role::Drain => Modifier::empty(),
    }
}

impl Theme {
    /// The one that goes with the background, where the terminal tells it in `COLORFGBG`: the number of
    /// its colour stands last there (rxvt(1), `COLORFGBG`), and of the 16 only white and light grey are
    /// light enough.
    pub(crate) fn on(self, colours: Option<&str>) -> Self {
        let background = colours.and_then(|it| it.rsplit(';').next()?.parse::<u8>().ok());
        match (self, background) {
            (Self::Auto, Some(7 | 15)) => Self::Light,
            (theme, _) => theme,
        }
    }
}

/// A row that is selected: so that it is seen without colours too, whatever stands in it.
pub(crate) const SELECTED: Modifier = Modifier::REVERSED;

/// A row that was there a moment ago.
pub(crate) const GONE: Modifier = Modifier::CROSSED_OUT.union(Modifier::DIM);

#[cfg(test)]
mod tests {
    use super::super::state::Units;
    use super::*;

    const ROLES: [Role; 11] = [
        Role::Text,
        Role::Dim,
        Role::Ok,
        Role::Warning,
        Role::Bad,
        Role::Drain,
        Role::Accent,
        Role::Head,
        Role::Sorted,
        Role::Key,
        Role::Alarm,
    ];

    fn looks(theme: Theme, has_colour: bool) -> Looks {
        let (is_ascii, is_wide, has_mouse) = (false, false, true);
        Looks { theme, has_colour, is_ascii, units: Units::Bytes, is_wide, has_mouse }
    }

    #[test]
    fn no_text_is_black_or_white_and_no_background_has_a_colour() {
        for theme in [Theme::Auto, Theme::Dark, Theme::Light, Theme::Mono, Theme::Colorblind] {
            for role in ROLES {
                let style = looks(theme, true).style(role);
                let is_unreadable = matches!(
                    style.fg,
                    Some(
                        Color::Black
                            | Color::White
                            | Color::Gray
                            | Color::DarkGray
                            | Color::Rgb(..)
                            | Color::Indexed(_)
                    )
                );
                assert!(!is_unreadable && style.bg.is_none(), "{theme:?} {role:?}: {style:?}");
            }
        }
    }

    #[test]
    fn a_light_background_is_known_where_the_terminal_tells_it() {
        let on = |colours| Theme::Auto.on(colours);
        assert_eq!([on(Some("0;15")), on(Some("0;default;7"))], [Theme::Light; 2]);
        let others = [on(Some("15;0")), on(Some("7;8")), on(Some("")), on(Some("7;x")), on(None)];
        assert_eq!(others, [Theme::Auto; 5]);
        assert_eq!(Theme::Dark.on(Some("0;15")), Theme::Dark, "who has chosen knows");
    }

    #[test]
    fn without_colours_there_are_none_and_bad_is_told_from_ok() {
        for looks in [looks(Theme::Mono, true), looks(Theme::Auto, false)] {
            assert!(ROLES.iter().all(|role| looks.style(*role).fg.is_none()));
            let states = [Role::Ok, Role::Warning, Role::Bad].map(|role| looks.style(role));
            assert!(states[0] != states[1] && states[1] != states[2] && states[0] != states[2]);
        }
    }
}
