//! Files as they are at one time: each is read once, whoever wants it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pem::{FileFault, PemFile};
use super::{Pair, SystemRoots};
use crate::file::Asker;

/// SHA-256 of all that is in a file.
pub(super) type Digest = [u8; 32];

/// A pair, by the file of its chain and that of its key.
type PairFiles = (PathBuf, Option<PathBuf>);

/// What was read. Ten thousand tunnels with one certificate read it once, and have it once.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    asker: Asker,
    files: HashMap<PathBuf, Arc<PemFile>>,
    pairs: HashMap<PairFiles, Pair>,
    /// What this machine believes, which is in files, too.
    pub(super) system: SystemRoots,
}

/// What files have said, so that it is known whether they say something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<PathBuf, Digest>);

impl Reading {
    /// Reads all of these that were not read, which is cheaper than one by one.
    pub(crate) fn fetch(&mut self, files: impl Iterator<Item = PathBuf>) {
        let new: BTreeSet<_> = files.filter(|file| !self.files.contains_key(file)).collect();
        let new: Vec<_> = new.into_iter().collect();
        let read = self.asker.each(new.clone(), PemFile::try_read);
        // What is wrong with one is told to who wants it.
        let good =
            new.into_iter().zip(read).filter_map(|(file, read)| Some((file, read.ok()?.ok()?)));
        self.files.extend(good.map(|(file, read)| (file, Arc::new(read))));
    }

    /// One file. What is no good is read again when it is wanted again.
    pub(super) fn file(&mut self, path: &Path) -> Result<Arc<PemFile>, FileFault> {
        if let Some(read) = self.files.get(path) {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(PemFile::read(&mut self.asker, path)?);
        self.files.insert(path.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    /// The pair of these files, where it was made before.
    pub(super) fn pair(
        &mut self,
        chain: &Path,
        key: Option<&Path>,
        make: impl FnOnce(&mut Self) -> Result<Pair, FileFault>,
    ) -> Result<Pair, FileFault> {
        let files = (chain.to_owned(), key.map(ToOwned::to_owned));
        if let Some(pair) = self.pairs.get(&files) {
            return Ok(pair.clone());
        }
        let pair = make(self)?;
        self.pairs.insert(files, pair.clone());
        Ok(pair)
    }

    /// What these files say.
    ///
    /// # Errors
    ///
    /// Which one cannot be read.
    pub(crate) fn contents(&mut self, paths: &[PathBuf]) -> Result<Contents, FileFault> {
        let digest = |path: &PathBuf| Ok((path.clone(), self.file(path)?.digest));
        paths.iter().map(digest).collect::<Result<_, _>>().map(Contents)
    }
}

impl Contents {
    /// The files that say something else than they said then.
    pub(crate) fn differing(&self, before: &Self) -> Vec<PathBuf> {
        let differs = |(path, digest): &(&PathBuf, &Digest)| before.0.get(*path) != Some(digest);
        self.0.iter().filter(differs).map(|(path, _)| path.clone()).collect()
    }
}
