//! What a program wrote, and how it ended.

use std::process::ExitStatus;

/// The whole output of a program that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// The standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The standard error as text.
    #[must_use]
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Whether it ended with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.success()
    }

    /// The standard output as text; it panics, with all that the program said, where it failed.
    #[track_caller]
    #[must_use]
    pub fn success(self) -> String {
        assert!(
            self.is_success(),
            "the program failed ({}):\n{}{}",
            self.status,
            self.text(),
            self.errors()
        );
        self.text()
    }
}
