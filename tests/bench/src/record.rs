//! The raw rows: a file of JSON lines, written as they come.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::cpus::Pin;
use crate::environment::Environment;
use crate::figure::Figures;

/// What one measurement of one proxy came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    /// Counted from 1.
    pub(crate) round: u32,
    /// The row.
    pub(crate) row: String,
    /// Whether the proxy had a CPU to itself.
    pub(crate) pin: Pin,
    /// The contestant's label.
    pub(crate) proxy: String,
    /// What was measured; nothing where that failed.
    pub(crate) figures: Figures,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// The file.
#[derive(Debug)]
pub(crate) struct RawRows {
    file: File,
    path: PathBuf,
}

impl RawRows {
    /// Creates it; its first line is the environment.
    pub(crate) fn create(path: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let shown = path.display();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make a folder for `{shown}`"))?;
        }
        let file = File::create(path).with_context(|| format!("cannot create `{shown}`"))?;
        let mut rows = Self { file, path: path.to_owned() };
        rows.write(environment)?;
        Ok(rows)
    }

    /// Adds a line.
    pub(crate) fn write(&mut self, line: &impl Serialize) -> anyhow::Result<()> {
        let line = serde_json::to_string(line)? + "\n";
        self.file.write_all(line.as_bytes()).context("cannot write the raw rows")
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
