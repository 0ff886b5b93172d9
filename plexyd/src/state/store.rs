//! The state on the disk, in an embedded store: a change is one transaction, on
//! the disk when it returns. This module knows the file and its tables, and
//! nothing of what is in them.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend,
    StorageError, Table, TableDefinition,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Closed, Delta, FORMAT, Memory, Rows, StateError};

/// By where they listen.
const ROWS: TableDefinition<'_, &str, &str> = TableDefinition::new("tunnels");
/// By what file or arguments say of them.
const CLOSED: TableDefinition<'_, &str, &str> = TableDefinition::new("closed");
/// By the revision.
const CHANGES: TableDefinition<'_, u64, &str> = TableDefinition::new("changes");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");

const FORMAT_KEY: &str = "format";
const REVISION_KEY: &str = "revision";

/// What of the file is held in memory, in bytes: a change touches few pages.
const CACHE_BYTES: usize = 1024 * 1024;

/// How much of the file is copied at once, in bytes.
const COPY_BYTES: usize = 1024 * 1024;

/// How every file of the store begins.
const MAGIC: &[u8] = b"redb\x1a\n\xa9\r\n";

/// The file may be read by nobody else: specifications may hold what is nobody's business.
const MODE: u32 = 0o600;

/// The file, while it is open.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    /// None once something could not be written: what is there then is not known.
    database: Option<Database>,
}

impl Store {
    /// Opens the file, or makes it, and reads all of it.
    pub(super) fn open(path: &Path) -> Result<(Self, Memory, Rows), StateError> {
        let unreadable = |error: io::Error| StateError::Unreadable {
            path: path.to_owned(),
            cause: error.to_string(),
        };
        let is_new = match path.metadata() {
            Ok(metadata) if !metadata.is_file() => {
                return Err(StateError::NotAFile(path.to_owned()));
            }
            // It would be taken for a new one, and all that was kept be lost without a word.
            Ok(metadata) if metadata.len() == 0 => return Err(StateError::Empty(path.to_owned())),
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => return Err(unreadable(error)),
        };
        if is_new {
            let database = Some(make_database(path)?);
            return Ok((Self { path: path.to_owned(), database }, Memory::default(), Vec::new()));
        }
        let file = open_file(path).map_err(unreadable)?;
        // What a bit that has flipped makes the store stumble over is damage too.
        let opened = catch_unwind(AssertUnwindSafe(|| open_database(path, file)));
        let damaged = |cause: String| StateError::Damaged { path: path.to_owned(), cause };
        let (database, memory, rows) =
            opened.unwrap_or_else(|_| Err(damaged("it cannot be read".to_owned())))?;
        Ok((Self { path: path.to_owned(), database: Some(database) }, memory, rows))
    }

    /// Writes a change. If that has failed before, all of it is needed, as it was before the
    /// change.
    pub(super) fn write(
        &mut self,
        delta: &Delta,
        all: Option<&(Memory, Rows)>,
    ) -> Result<(), String> {
        let write = || -> Result<Database, redb::Error> {
            if let Some(database) = self.database.take() {
                write_to(&database, delta, None)?;
                return Ok(database);
            }
            let all = all.ok_or_else(|| corrupted("what is there is not known".to_owned()))?;
            let file = open_file(&self.path).map_err(StorageError::from)?;
            let database = builder().create_with_backend(FileBackend::new(file)?)?;
            write_to(&database, delta, Some(all))?;
            Ok(database)
        };
        match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(database)) => {
                self.database = Some(database);
                Ok(())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the store has failed".to_owned()),
        }
    }
}

#[cfg(test)]
impl Store {
    /// As if something could not be written.
    pub(super) fn lose(&mut self) {
        self.database = None;
    }
}

/// The tables of one transaction.
struct Tables<'a> {
    rows: Table<'a, &'static str, &'static str>,
    closed: Table<'a, &'static str, &'static str>,
    changes: Table<'a, u64, &'static str>,
    numbers: Table<'a, &'static str, u64>,
}

impl Tables<'_> {
    fn apply(&mut self, delta: &Delta) -> Result<(), StorageError> {
        self.numbers.insert(FORMAT_KEY, FORMAT)?;
        self.numbers.insert(REVISION_KEY, delta.revision)?;
        for (listen, row) in &delta.rows {
            put(&mut self.rows, listen, row.as_ref())?;
        }
        for (text, closed) in &delta.closed {
            put(&mut self.closed, text, closed.as_ref())?;
        }
        if let Some(forgotten) = delta.forgotten {
            self.changes.retain(|revision, _| revision > forgotten)?;
        }
        for change in &delta.changes {
            self.changes.insert(change.revision, written(change).as_str())?;
        }
        Ok(())
    }

    fn replace(&mut self, memory: &Memory, rows: &Rows) -> Result<(), StorageError> {
        self.rows.retain(|_, _| false)?;
        self.closed.retain(|_, _| false)?;
        self.changes.retain(|_, _| false)?;
        for (listen, row) in rows {
            put(&mut self.rows, listen, Some(row))?;
        }
        for (text, closed) in &memory.closed {
            put(&mut self.closed, text, Some(closed))?;
        }
        for change in &memory.changes {
            self.changes.insert(change.revision, written(change).as_str())?;
        }
        Ok(())
    }
}

fn put(
    table: &mut Table<'_, &'static str, &'static str>,
    key: &str,
    value: Option<&impl Serialize>,
) -> Result<(), StorageError> {
    match value {
        Some(value) => table.insert(key, written(value).as_str()).map(drop),
        None => table.remove(key).map(drop),
    }
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data with names for keys can always be written")
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(MODE).open(path)
}

/// A file is there after a loss of power only if its folder says so.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes the file: beside its place, so that a start which is cut short leaves none that is half
/// made.
fn make_database(path: &Path) -> Result<Database, StateError> {
    let unreadable = |cause: redb::Error| StateError::Unreadable {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    let of_system = |error: io::Error| unreadable(redb::Error::Io(error));
    let beside = beside(path);
    let file = open_file(&beside).map_err(of_system)?;
    lock(path, &file)?;
    // Who makes one too has moved that to its place before, or is refused.
    if path.exists() {
        fs::remove_file(&beside).map_err(of_system)?;
        return Err(StateError::InUse(path.to_owned()));
    }
    // What an earlier attempt has left there.
    file.set_len(0).map_err(of_system)?;
    let backend = FileBackend::new(file).map_err(|error| refusal(path, error))?;
    let database =
        builder().create_with_backend(backend).map_err(|error| unreadable(error.into()))?;
    write_to(&database, &Delta::default(), None).map_err(unreadable)?;
    fs::rename(&beside, path).and_then(|()| sync_folder(path)).map_err(of_system)?;
    Ok(database)
}

/// Where a file is made before it is moved to its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// What it means that a file cannot be opened.
fn refusal(path: &Path, error: DatabaseError) -> StateError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StateError::InUse(path),
        DatabaseError::UpgradeRequired(version) => {
            StateError::OtherVersion { path, found: format!("{version} of redb") }
        }
        DatabaseError::Storage(StorageError::Io(error)) if !is_about_content(&error) => {
            StateError::Unreadable { path, cause: error.to_string() }
        }
        error => StateError::Damaged { path, cause: error.to_string() },
    }
}

/// Keeps others away from it, as the store itself does while it has the file.
fn lock(path: &Path, file: &File) -> Result<(), StateError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StateError::InUse(path.to_owned()),
        TryLockError::Error(error) => {
            StateError::Unreadable { path: path.to_owned(), cause: error.to_string() }
        }
    })
}

/// Opens the file once a copy of it in memory was good: the store repairs what it opens, and what
/// is refused has to stay as it is.
fn open_database(path: &Path, file: File) -> Result<(Database, Memory, Rows), StateError> {
    lock(path, &file)?;
    let copy = copy(&file).map_err(|error| refusal(path, DatabaseError::Storage(error.into())))?;
    let mut copy = builder().create_with_backend(copy).map_err(|error| refusal(path, error))?;
    let path = || path.to_owned();
    let damaged =
        |error: redb::Error| StateError::Damaged { path: path(), cause: error.to_string() };
    // Every checksum, before anything is believed.
    if !copy.check_integrity().map_err(|error| damaged(error.into()))? {
        return Err(StateError::Damaged { path: path(), cause: "a checksum is wrong".to_owned() });
    }
    match number(&copy, FORMAT_KEY).map_err(damaged)? {
        FORMAT => {}
        found => return Err(StateError::OtherVersion { path: path(), found: found.to_string() }),
    }
    let (memory, rows) = read(&copy).map_err(damaged)?;
    let opened = FileBackend::new(file).and_then(|it| builder().create_with_backend(it));
    Ok((opened.map_err(|error| refusal(&path(), error))?, memory, rows))
}

/// All of the file in memory, if it is one of the store at all.
fn copy(mut file: &File) -> io::Result<InMemoryBackend> {
    let (copy, mut chunk) = (InMemoryBackend::new(), vec![0; COPY_BYTES]);
    let mut length = 0;
    loop {
        let read = file.read(&mut chunk)?;
        let read = chunk.get(..read).unwrap_or_default();
        if length == 0 && !read.starts_with(MAGIC) {
            return Err(io::Error::new(ErrorKind::InvalidData, "it is none"));
        }
        if read.is_empty() {
            return Ok(copy);
        }
        let end = length + read.len() as u64;
        copy.set_len(end)?;
        copy.write(length, read)?;
        length = end;
    }
}

/// Whether the system has read it, and what is there is the matter.
fn is_about_content(error: &io::Error) -> bool {
    // The last is what the store says of a copy that ends too early.
    let kinds = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof, ErrorKind::InvalidInput];
    kinds.contains(&error.kind())
}

/// One transaction, on the disk when this returns.
fn write_to(
    database: &Database,
    delta: &Delta,
    all: Option<&(Memory, Rows)>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut tables = Tables {
            rows: transaction.open_table(ROWS)?,
            closed: transaction.open_table(CLOSED)?,
            changes: transaction.open_table(CHANGES)?,
            numbers: transaction.open_table(NUMBERS)?,
        };
        if let Some((memory, rows)) = all {
            tables.replace(memory, rows)?;
        }
        tables.apply(delta)?;
    }
    Ok(transaction.commit()?)
}

fn number(database: &Database, key: &str) -> Result<u64, redb::Error> {
    let numbers = database.begin_read()?.open_table(NUMBERS)?;
    let number = numbers.get(key)?.map(|number| number.value());
    number.ok_or_else(|| corrupted(format!("it has no {key}")))
}

fn read(database: &Database) -> Result<(Memory, Rows), redb::Error> {
    let transaction = database.begin_read()?;
    let closed: Vec<(String, Closed)> = read_table(&transaction.open_table(CLOSED)?)?;
    let mut changes = VecDeque::new();
    for entry in transaction.open_table(CHANGES)?.iter()? {
        changes.push_back(parsed(entry?.1.value())?);
    }
    let revision = number(database, REVISION_KEY)?;
    let rows = read_table(&transaction.open_table(ROWS)?)?;
    Ok((Memory { revision, closed: closed.into_iter().collect(), changes }, rows))
}

fn read_table<T: DeserializeOwned>(
    table: &impl ReadableTable<&'static str, &'static str>,
) -> Result<Vec<(String, T)>, redb::Error> {
    let mut entries = Vec::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        entries.push((key.value().to_owned(), parsed(value.value())?));
    }
    Ok(entries)
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, redb::Error> {
    serde_json::from_str(text).map_err(|error| corrupted(error.to_string()))
}

fn corrupted(cause: String) -> redb::Error {
    redb::Error::Corrupted(cause)
}

#[cfg(test)]
pub(super) fn set_format(path: &Path, format: u64) {
    let backend = FileBackend::new(open_file(path).unwrap()).unwrap();
    let database = builder().create_with_backend(backend).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(NUMBERS).unwrap().insert(FORMAT_KEY, format).unwrap();
    transaction.commit().unwrap();
}
