//! How the dashboard looks, as somebody chooses it.

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
