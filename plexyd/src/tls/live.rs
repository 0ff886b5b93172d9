//! What is made of files, and made anew when they say something else.
//!
//! Whoever uses it takes what is current: all of one set of files, or all of another. What was made
//! once is never changed, and lives as long as somebody uses it. Files that are no good leave current
//! what was.

use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use super::reading::{Contents, Reading};
use super::standing::Standing;
use super::{Certificate, FileFault};
use crate::watch::{Watch, WatchId, Watches};

/// What can be made of files, whole.
pub(crate) trait FromFiles: Debug + Send + Sync + Sized + 'static {
    /// How, and of which files.
    type Options: Debug + Send + Sync;
    type Error: Display + From<FileFault>;

    /// Whole paths.
    fn files(options: &Self::Options) -> Vec<PathBuf>;

    /// Makes it; `before` was made last by the same options.
    ///
    /// # Errors
    ///
    /// What is wrong with the first file that is no good.
    fn make(
        options: &Self::Options,
        reading: &mut Reading,
        before: Option<&Self>,
    ) -> Result<Self, Self::Error>;

    /// Its pairs and their warnings, for who tells them.
    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>));
}

/// A certificate that is shown to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) file: &'a Path,
    pub(crate) certificate: &'a Certificate,
    /// What somebody should see to, although it works.
    pub(crate) warnings: &'a [String],
}

/// One of them, as it is now.
#[derive(Debug)]
pub(crate) struct Live<M: FromFiles> {
    options: M::Options,
    files: Vec<PathBuf>,
    current: ArcSwap<M>,
    /// What the current one was made of.
    contents: Mutex<Contents>,
    standing: Standing,
    watch: OnceLock<Watch>,
}

/// The same for who does not ask what it is.
pub(crate) trait Renewable: Debug + Send + Sync {
    /// Reads the files again; nothing where they say what is in use.
    ///
    /// # Errors
    ///
    /// What is wrong with them, with the file.
    fn read(self: Arc<Self>, reading: &mut Reading) -> Result<Option<Renewal>, String>;

    fn files(&self) -> &[PathBuf];

    /// Has its files watched from now on.
    fn watch(&self, watches: &Watches) -> WatchId;

    /// The watch of its files, if they are watched.
    fn watch_id(&self) -> Option<WatchId>;

    fn standing(&self) -> &Standing;

    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>));
}

/// What was read anew.
pub(crate) struct Renewal {
    /// The files that say something else.
    pub(crate) files: Vec<PathBuf>,
    /// Called, it is what is current.
    take: Box<dyn FnOnce() + Send>,
}

impl Renewal {
    /// Makes it current, in one step.
    pub(crate) fn take(self) {
        (self.take)();
    }
}

impl Debug for Renewal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewal").field("files", &self.files).finish_non_exhaustive()
    }
}

impl<M: FromFiles> Live<M> {
    /// Makes the first one.
    ///
    /// # Errors
    ///
    /// What is wrong with the first file that is no good.
    pub(crate) fn load(options: M::Options, reading: &mut Reading) -> Result<Self, M::Error> {
        let files = M::files(&options);
        let made = M::make(&options, reading, None)?;
        let contents = reading.contents(&files)?;
        Ok(Self {
            options,
            files,
            current: ArcSwap::from_pointee(made),
            contents: Mutex::new(contents),
            standing: Standing::default(),
            watch: OnceLock::new(),
        })
    }

    /// The one that is current.
    pub(crate) fn current(&self) -> Arc<M> {
        self.current.load_full()
    }

    fn contents(&self) -> Contents {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, made: M, contents: Contents) {
        self.current.store(Arc::new(made));
        *self.contents.lock().unwrap_or_else(PoisonError::into_inner) = contents;
        self.standing.mend();
    }
}

impl<M: FromFiles> Renewable for Live<M> {
    fn read(self: Arc<Self>, reading: &mut Reading) -> Result<Option<Renewal>, String> {
        let contents = reading.contents(&self.files).map_err(|fault| fault.to_string())?;
        let files = contents.differing(&self.contents());
        if files.is_empty() {
            return Ok(None);
        }
        let made = M::make(&self.options, reading, Some(&self.current()));
        let made = made.map_err(|error| error.to_string())?;
        Ok(Some(Renewal { files, take: Box::new(move || self.take(made, contents)) }))
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn watch(&self, watches: &Watches) -> WatchId {
        self.watch.get_or_init(|| watches.begin(self.files.clone())).id
    }

    fn watch_id(&self) -> Option<WatchId> {
        self.watch.get().map(|watch| watch.id)
    }

    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn visit(&self, visitor: &mut dyn FnMut(Shown<'_>)) {
        self.current().visit(visitor);
    }
}
