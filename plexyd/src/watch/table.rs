//! Who watches which files, by which ways those are reached, and which folders are watched for them.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use super::inotify::{Inotify, Noticed};
use super::way::{Step, way};
use super::{LOOK_EVERY, WatchId};
use crate::file::Asker;

/// How often a way is followed that changes while it is: what comes then is found by the next look.
const FOLLOWS_MAX: usize = 4;

/// All of it. What is done here asks the file system, which may be slow.
#[derive(Debug)]
pub(super) struct Table {
    /// None where the kernel gives none: then files are looked at by time alone.
    inotify: Option<Arc<Inotify>>,
    watches: HashMap<WatchId, Vec<PathBuf>>,
    files: HashMap<PathBuf, File>,
    folders: HashMap<PathBuf, Folder>,
    /// A folder that is reached by two ways has one number.
    numbers: HashMap<i32, HashSet<PathBuf>>,
    /// Whether the log knows that a folder cannot be watched.
    is_told: bool,
    asker: Asker,
}

#[derive(Debug, Default)]
struct File {
    watches: HashSet<WatchId>,
    way: Vec<Step>,
    seen: Option<Signature>,
    /// Whether nothing came of it when it was looked at last.
    is_silent: bool,
}

/// A folder on the way to files.
#[derive(Debug, Default)]
struct Folder {
    /// The kernel's, where it watches it.
    number: Option<i32>,
    /// Which files are reached by which entry.
    names: HashMap<OsString, HashSet<PathBuf>>,
}

/// What differs once a file says something else, as far as that is seen without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signature {
    file: (u64, u64),
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What there is of a file.
#[derive(Debug)]
struct Found {
    way: Vec<Step>,
    /// The folders on it, and the numbers that they have with the kernel.
    folders: HashMap<PathBuf, io::Result<i32>>,
    seen: Option<Signature>,
}

impl Table {
    pub(super) fn new(inotify: Option<Arc<Inotify>>) -> Self {
        Self {
            inotify,
            watches: HashMap::new(),
            files: HashMap::new(),
            folders: HashMap::new(),
            numbers: HashMap::new(),
            is_told: false,
            asker: Asker::default(),
        }
    }

    /// All was asked for: what was silent has its time again with the next.
    pub(super) fn rest(&mut self) {
        self.asker = Asker::default();
    }

    /// Begins a watch of these files: which ones nobody has watched before.
    pub(super) fn enter(&mut self, watch: WatchId, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut new = Vec::new();
        for path in &paths {
            let file = self.files.entry(path.clone()).or_default();
            if file.watches.is_empty() {
                new.push(path.clone());
            }
            file.watches.insert(watch);
        }
        self.watches.insert(watch, paths);
        new
    }

    /// Ends one.
    pub(super) fn leave(&mut self, watch: WatchId) {
        for path in self.watches.remove(&watch).unwrap_or_default() {
            let Some(file) = self.files.get_mut(&path) else { continue };
            file.watches.remove(&watch);
            if file.watches.is_empty() {
                let way = self.files.remove(&path).map(|file| file.way).unwrap_or_default();
                self.leave_way(&path, &way);
            }
        }
    }

    /// The files that are reached otherwise, or may say something else, because of that.
    pub(super) fn concerned(&mut self, noticed: &Noticed) -> HashSet<PathBuf> {
        match noticed {
            Noticed::Entry(number, name) => {
                let folders = self.numbers.get(number).into_iter().flatten();
                let folders = folders.filter_map(|folder| self.folders.get(folder));
                folders.filter_map(|it| it.names.get(name)).flatten().cloned().collect()
            }
            Noticed::Moved(number) => {
                if let Some(inotify) = &self.inotify {
                    inotify.remove(*number);
                }
                self.forget(*number)
            }
            Noticed::Gone(number) => self.forget(*number),
            Noticed::Lost => self.files.keys().cloned().collect(),
        }
    }

    /// The kernel watches that one no more.
    fn forget(&mut self, number: i32) -> HashSet<PathBuf> {
        let mut concerned = HashSet::new();
        for folder in self.numbers.remove(&number).into_iter().flatten() {
            if let Some(folder) = self.folders.get_mut(&folder) {
                folder.number = None;
                concerned.extend(folder.names.values().flatten().cloned());
            }
        }
        concerned
    }

    /// The files that differ from when they were looked at last, silent ones included. Folders that could not be watched are
    /// tried again.
    pub(super) fn look(&mut self) -> HashSet<PathBuf> {
        let unwatched = self.folders.iter().filter(|(_, folder)| folder.number.is_none());
        let unwatched: Vec<_> = unwatched.map(|(path, _)| path.clone()).collect();
        if let Some(inotify) = self.inotify.clone() {
            let numbers = self.asker.each(unwatched.clone(), move |folder| inotify.add(folder));
            for (folder, number) in unwatched.iter().zip(numbers) {
                self.number(folder, number.and_then(|number| number));
            }
        }
        let paths: Vec<_> = self.files.keys().cloned().collect();
        let seen = self.asker.each(paths.clone(), signature);
        let differs = |(path, seen): &(PathBuf, io::Result<Option<Signature>>)| {
            let before = self.files.get(path);
            before.is_some_and(|before| match seen {
                Ok(seen) => before.is_silent || before.seen != *seen,
                Err(_) => !before.is_silent,
            })
        };
        paths.into_iter().zip(seen).filter(differs).map(|(path, _)| path).collect()
    }

    /// Follows the ways to these files anew: who watches them.
    pub(super) fn follow(&mut self, mut paths: Vec<PathBuf>) -> HashSet<WatchId> {
        // Somebody may have left meanwhile.
        paths.retain(|path| self.files.contains_key(path));
        let inotify = self.inotify.clone();
        let all = self.asker.each(paths.clone(), move |path| found(path, inotify.as_deref()));
        let (mut concerned, mut left) = (HashSet::new(), Vec::new());
        for (path, found) in paths.into_iter().zip(all) {
            let Some(file) = self.files.get_mut(&path) else { continue };
            concerned.extend(&file.watches);
            file.is_silent = found.is_err();
            let Ok(Found { way, folders, seen }) = found else { continue };
            file.seen = seen;
            let mut gone = std::mem::replace(&mut file.way, way.clone());
            gone.retain(|step| !way.contains(step));
            self.enter_way(&path, &way, folders);
            left.push((path, gone));
        }
        // Behind all that is entered: it may be the same folders.
        left.iter().for_each(|(path, gone)| self.leave_way(path, gone));
        concerned
    }

    fn enter_way(&mut self, path: &Path, way: &[Step], numbers: HashMap<PathBuf, io::Result<i32>>) {
        for Step { folder, name } in way {
            let entry = self.folders.entry(folder.clone()).or_default();
            entry.names.entry(name.clone()).or_default().insert(path.to_owned());
        }
        for (folder, number) in numbers {
            self.number(&folder, number);
        }
    }

    fn leave_way(&mut self, path: &Path, way: &[Step]) {
        for Step { folder, name } in way {
            let Some(entry) = self.folders.get_mut(folder) else { continue };
            if let Some(paths) = entry.names.get_mut(name) {
                paths.remove(path);
                if paths.is_empty() {
                    entry.names.remove(name);
                }
            }
            if entry.names.is_empty() {
                let number = self.folders.remove(folder).and_then(|folder| folder.number);
                self.unwatch(folder, number);
            }
        }
    }

    /// What number a folder has; one that is on no way any more is not watched.
    fn number(&mut self, folder: &Path, number: io::Result<i32>) {
        let Some(entry) = self.folders.get_mut(folder) else {
            let number = number.ok().filter(|number| !self.numbers.contains_key(number));
            if let (Some(inotify), Some(number)) = (&self.inotify, number) {
                inotify.remove(number);
            }
            return;
        };
        match number {
            Ok(number) => {
                let before = entry.number.replace(number);
                self.numbers.entry(number).or_default().insert(folder.to_owned());
                // Another folder is in its place.
                self.unwatch(folder, before.filter(|before| *before != number));
            }
            // One that is gone is missed by the next look.
            Err(error) if !self.is_told && error.kind() != ErrorKind::NotFound => {
                self.is_told = true;
                let seconds = LOOK_EVERY.as_secs();
                warn!(
                    "cannot watch the folder `{}` ({error}): certificates in it, and wherever else that happens, are looked at every {seconds}s",
                    folder.display()
                );
            }
            Err(_) => {}
        }
    }

    fn unwatch(&mut self, folder: &Path, number: Option<i32>) {
        let Some(number) = number else { return };
        let Some(folders) = self.numbers.get_mut(&number) else { return };
        folders.remove(folder);
        if folders.is_empty() {
            self.numbers.remove(&number);
            if let Some(inotify) = &self.inotify {
                inotify.remove(number);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 4] {
        [self.watches.len(), self.files.len(), self.folders.len(), self.numbers.len()]
    }
}

/// Finds a file. A folder is watched before its entries are looked at, so that nothing comes between.
fn found(path: &Path, inotify: Option<&Inotify>) -> Found {
    let (mut steps, mut folders) = (way(path), HashMap::new());
    for _ in 0..FOLLOWS_MAX {
        let before = folders.len();
        for Step { folder, .. } in &steps {
            if let (Some(inotify), false) = (inotify, folders.contains_key(folder)) {
                folders.insert(folder.clone(), inotify.add(folder));
            }
        }
        if folders.len() == before {
            break;
        }
        steps = way(path);
    }
    Found { way: steps, folders, seen: signature(path) }
}

/// None where there is no such file.
fn signature(path: &Path) -> Option<Signature> {
    let metadata = fs::metadata(path).ok()?;
    Some(Signature {
        file: (metadata.dev(), metadata.ino()),
        bytes: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}
