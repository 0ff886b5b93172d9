//! What stands in front of the tables and has the keys.

use tui_input::Input;

/// One of them.
#[derive(Debug)]
pub(crate) enum Dialog {
    /// What rows somebody looks for, as they type it.
    Find(Input),
    /// The columns that rows can be sorted by; this one is selected.
    Sort(usize),
    /// What the keys do, scrolled so far.
    Help(usize),
}
