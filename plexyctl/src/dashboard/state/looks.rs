//! How all of it looks.

use crate::output::Screen;

/// Columns of a text in a dialog, which has room on every terminal of the usual size.
pub(crate) const TEXT_COLUMNS: usize = 76;

/// Colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Theme {
    /// What goes with the background of the terminal.
    #[default]
    Auto,
    /// For a dark background.
    Dark,
    /// For a light one.
    Light,
    /// None: bold, dim and reversed have to do.
    Mono,
    /// Blue and orange in place of green and red.
    Colorblind,
}

impl Theme {
    /// The next one, for who presses a key.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto | Self::Dark => Self::Light,
            Self::Light => Self::Colorblind,
            Self::Colorblind => Self::Mono,
            Self::Mono => Self::Dark,
        }
    }

    /// What it is called.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Mono => "mono",
            Self::Colorblind => "colorblind",
        }
    }
}

/// What bytes are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Units {
    /// Bytes, by thousands.
    #[default]
    Bytes,
    /// Bits, by thousands.
    Bits,
    /// Bytes, by 1024.
    Iec,
}

impl Units {
    /// The next one, for who presses a key.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Bytes => Self::Bits,
            Self::Bits => Self::Iec,
            Self::Iec => Self::Bytes,
        }
    }
}

/// It.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    /// The colours.
    pub(crate) theme: Theme,
    /// Whether there are colours at all.
    pub(crate) has_colour: bool,
    /// Whether only characters of ASCII can be shown.
    pub(crate) is_ascii: bool,
    /// What bytes are counted in.
    pub(crate) units: Units,
    /// Whether more columns are wanted than fit by themselves.
    pub(crate) is_wide: bool,
    /// Whether the mouse is ours.
    pub(crate) has_mouse: bool,
}

impl Looks {
    /// How texts are written that stand in a dialog.
    pub(crate) fn screen(&self) -> Screen {
        Screen {
            columns: Some(TEXT_COLUMNS),
            can_redraw: false,
            has_colour: false,
            is_ascii: self.is_ascii,
        }
    }
}
