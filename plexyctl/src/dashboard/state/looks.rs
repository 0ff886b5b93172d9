//! How all of it looks.

pub(crate) use crate::args::{Theme, Units};
use crate::output::Screen;

/// Columns of a text in a dialog, which has room on every terminal of the usual size.
pub(crate) const TEXT_COLUMNS: usize = 76;

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
