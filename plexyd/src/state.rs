//! What was changed at run time, and how it came to that: in memory, and on the
//! disk where `--state` asks for it. There a change is written before it is
//! made: what cannot be saved is refused, and what was answered is never lost.
//!
//! Tunnels as file and arguments have them are not kept: those say it again.

mod store;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use plexy_shared::history::{CHANGES_MAX, Edit};
use plexy_shared::info::Origin;
use plexy_shared::spec::TunnelSpec;
use plexy_shared::word::Word;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use store::Store;

/// Tunnels that all remembered changes together may be of: two bulk changes of a full daemon.
const EDITS_MAX: usize = 20_000;

/// What all remembered changes together may take, in bytes: a specification may be long, and a
/// change of it holds it twice.
const EDITS_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A tunnel that is not as file and arguments have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The specification that opens it as it is.
    pub(crate) spec: String,
    pub(crate) origin: Word<Origin>,
    /// What file or arguments say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) configured: Option<String>,
    /// Its place in the order of opening.
    pub(crate) order: u64,
}

/// Rows, by where the tunnels listen.
pub(crate) type Rows = Vec<(String, Row)>;

/// A tunnel of file or arguments that was closed at run time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// Where it listened.
    pub(crate) listen: String,
    pub(crate) origin: Word<Origin>,
}

/// One change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) time: String,
    pub(crate) door: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// How many tunnels it is of.
    count: usize,
    /// The edits, as JSON: ten thousand of them are a text, and not as many objects.
    edits: Box<str>,
}

/// What one change makes of one tunnel.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) before: Option<TunnelSpec>,
    pub(crate) after: Option<TunnelSpec>,
    pub(crate) origin: Origin,
    /// As file or arguments have it, where they do.
    pub(crate) configured: Option<Arc<TunnelSpec>>,
    /// Its place in the order of opening.
    pub(crate) order: u64,
}

/// What a change makes of tunnels, gathered one by one: of ten thousand no more is held than is kept.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    count: usize,
    /// As JSON, without the end of the array.
    json: String,
    /// None where there is no file to keep them in.
    rows: Option<Vec<(String, Option<Row>)>>,
    closed: Vec<(String, Option<Closed>)>,
}

/// A change that is about to be made.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) door: String,
    pub(crate) actor: Option<String>,
    pub(crate) edits: Edits,
    /// What the configuration file said of tunnels, and says no more.
    pub(crate) unconfigured: Vec<String>,
    /// Every row as it is now, to write all of it anew where writing has failed before.
    pub(crate) rows: Option<Rows>,
}

/// What was kept when the daemon starts.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// In their order.
    pub(crate) rows: Rows,
    /// By what file or arguments say of them.
    pub(crate) closed: BTreeMap<String, Closed>,
}

/// What is in memory.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Memory {
    revision: u64,
    closed: BTreeMap<String, Closed>,
    /// The oldest first.
    changes: VecDeque<Change>,
}

/// What changes make of all that is kept.
#[derive(Debug, Default)]
struct Delta {
    revision: u64,
    /// By where they listen.
    rows: Vec<(String, Option<Row>)>,
    closed: Vec<(String, Option<Closed>)>,
    changes: Vec<Change>,
    /// Changes up to this revision are forgotten.
    forgotten: Option<u64>,
}

/// The state of a daemon.
#[derive(Debug, Default)]
pub(crate) struct State {
    memory: Mutex<Memory>,
    disk: Option<Disk>,
}

#[derive(Debug)]
struct Disk {
    path: PathBuf,
    /// Changes that wait for the disk. Who gets it next writes all of them.
    waiting: Mutex<Vec<(Proposal, Ticket)>>,
    /// Held while the disk writes, for as long as that takes.
    store: Mutex<Store>,
    commits: AtomicU64,
    failures: AtomicU64,
    /// Whether the last thing that was to be saved was.
    is_saving: AtomicBool,
}

/// What came of a change that has waited: its revision, if it has one.
type Ticket = Arc<OnceLock<Result<Option<u64>, StateError>>>;

/// Why there is no state, or none that can be written.
#[derive(Debug, Clone, Error)]
pub(crate) enum StateError {
    /// Another process has it open.
    #[error("the state `{}` is open in another plexyd; each needs a file of its own", .0.display())]
    InUse(PathBuf),
    /// A folder, or a device.
    #[error("the state `{}` is no file", .0.display())]
    NotAFile(PathBuf),
    /// Nothing is in it.
    #[error("the state `{}` is empty: if nothing was to be kept there, remove it", .0.display())]
    Empty(PathBuf),
    /// A newer plexyd has written it.
    #[error("the state `{}` is of another version of plexyd: its format is {found}, this one reads {FORMAT}", .path.display())]
    OtherVersion {
        /// Where it is.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// It is not as it was written.
    #[error("the state `{}` is damaged ({cause}); put a copy in its place, or move it away to begin without", .path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// The system says no.
    #[error("cannot open the state `{}`: {cause}", .path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The system says no.
    #[error("the change cannot be saved in `{}`: {cause}", .path.display())]
    NotSaved {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
}

/// The format of the files of this version.
const FORMAT: u64 = 1;

impl State {
    /// The state in that file, which is made if there is none. It blocks.
    pub(crate) fn open(path: &Path) -> Result<(Self, Kept), StateError> {
        let (store, memory, mut rows) = Store::open(path)?;
        rows.sort_by_key(|(_, row)| row.order);
        let kept = Kept { rows, closed: memory.closed.clone() };
        let (path, store) = (path.to_owned(), Mutex::new(store));
        let disk = Disk {
            path,
            waiting: Mutex::default(),
            store,
            commits: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            is_saving: AtomicBool::new(true),
        };
        Ok((Self { memory: Mutex::new(memory), disk: Some(disk) }, kept))
    }

    /// The file, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.disk.as_ref().map(|disk| disk.path.as_path())
    }

    /// The revision of the last change that is kept.
    pub(crate) fn revision(&self) -> u64 {
        self.memory().revision
    }

    /// Whether the last thing that was to be saved was; nothing without a file. It does not wait
    /// for a disk that is writing.
    pub(crate) fn is_saving(&self) -> Option<bool> {
        self.disk.as_ref().map(|disk| disk.is_saving.load(Ordering::Relaxed))
    }

    /// What file or arguments say of tunnels that were closed against that.
    pub(crate) fn closed(&self) -> BTreeMap<String, Closed> {
        self.memory().closed.clone()
    }

    /// What file or arguments say of the tunnel that was closed there.
    pub(crate) fn closed_on(&self, listen: &str) -> Option<(Arc<TunnelSpec>, Origin)> {
        let memory = self.memory();
        let (text, closed) = memory.closed.iter().find(|(_, closed)| closed.listen == listen)?;
        Some((Arc::new(text.parse().ok()?), closed.origin.known()?))
    }

    /// The newest changes, the newest first.
    pub(crate) fn changes(&self, count: usize) -> Vec<Change> {
        self.memory().changes.iter().rev().take(count).cloned().collect()
    }

    /// For the tunnels of a change.
    pub(crate) fn edits(&self) -> Edits {
        Edits { rows: self.disk.is_some().then(Vec::new), ..Edits::default() }
    }

    /// The next revision, for what need not be kept.
    pub(crate) fn issue_revision(&self) -> u64 {
        let mut memory = self.memory();
        memory.revision += 1;
        memory.revision
    }

    /// Keeps a change that is about to be made: its revision, unless there is nothing in it that
    /// anybody could see. Where it cannot be saved, nothing has changed here either. It blocks while
    /// the disk does, and changes that come meanwhile are then written together.
    pub(crate) fn keep(&self, proposal: Proposal) -> Result<Option<u64>, StateError> {
        let Some(disk) = &self.disk else {
            let mut memory = self.memory();
            let (delta, revisions) = memory.delta(vec![proposal]);
            memory.apply(delta);
            return Ok(revisions.into_iter().next().flatten());
        };
        let ticket = Ticket::default();
        disk.waiting().push((proposal, Arc::clone(&ticket)));
        let mut store = disk.store();
        // Whoever had the store before has written it, or else it waits still.
        let waiting = std::mem::take(&mut *disk.waiting());
        if !waiting.is_empty() {
            self.keep_all(disk, &mut store, waiting);
        }
        let lost = || StateError::not_saved(&disk.path, "it was not written".to_owned());
        ticket.get().cloned().unwrap_or_else(|| Err(lost()))
    }

    /// Keeps all of these, or none.
    fn keep_all(&self, disk: &Disk, store: &mut Store, waiting: Vec<(Proposal, Ticket)>) {
        let (mut proposals, tickets): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let rows = proposals.iter_mut().find_map(|proposal| proposal.rows.take());
        let (delta, revisions) = self.memory().delta(proposals);
        let written = self.write_to(disk, store, delta, rows);
        for (ticket, revision) in tickets.into_iter().zip(revisions) {
            // Set once, here.
            ticket.set(written.clone().map(|()| revision)).ok();
        }
    }

    /// Forgets rows, by where they listen, and closed tunnels, by what file or arguments said.
    pub(crate) fn forget(&self, rows: Vec<String>, closed: Vec<String>) -> Result<(), StateError> {
        if rows.is_empty() && closed.is_empty() {
            return Ok(());
        }
        let rows = rows.into_iter().map(|listen| (listen, None)).collect();
        let closed = closed.into_iter().map(|text| (text, None)).collect();
        self.write(Delta { revision: self.revision(), rows, closed, ..Delta::default() }, None)
    }

    /// Tries to write again, all of it if it has failed before.
    pub(crate) fn save(&self, rows: Option<Rows>) -> Result<(), StateError> {
        self.write(Delta { revision: self.revision(), ..Delta::default() }, rows)
    }

    fn write(&self, delta: Delta, rows: Option<Rows>) -> Result<(), StateError> {
        match &self.disk {
            Some(disk) => self.write_to(disk, &mut disk.store(), delta, rows),
            None => {
                self.memory().apply(delta);
                Ok(())
            }
        }
    }

    fn write_to(
        &self,
        disk: &Disk,
        store: &mut Store,
        delta: Delta,
        rows: Option<Rows>,
    ) -> Result<(), StateError> {
        // Where the last writing has failed, all of it is written.
        let all = rows.map(|rows| (self.memory().clone(), rows));
        let written = store.write(&delta, all.as_ref());
        let counted = if written.is_ok() { &disk.commits } else { &disk.failures };
        counted.fetch_add(1, Ordering::Relaxed);
        disk.is_saving.store(written.is_ok(), Ordering::Relaxed);
        written.map_err(|cause| StateError::not_saved(&disk.path, cause))?;
        self.memory().apply(delta);
        Ok(())
    }

    /// How often the file was written, and how often that has failed; nothing without one.
    pub(crate) fn commits(&self) -> Option<(u64, u64)> {
        let disk = self.disk.as_ref()?;
        Some((disk.commits.load(Ordering::Relaxed), disk.failures.load(Ordering::Relaxed)))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateError {
    fn not_saved(path: &Path, cause: String) -> Self {
        Self::NotSaved { path: path.to_owned(), cause }
    }
}

impl Disk {
    fn waiting(&self) -> MutexGuard<'_, Vec<(Proposal, Ticket)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    /// How many tunnels it is of.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// What it did to each.
    pub(crate) fn edits(&self) -> Vec<Edit> {
        serde_json::from_str(&self.edits).unwrap_or_default()
    }
}

impl Row {
    /// What is kept of a tunnel: nothing if it is as file or arguments have it.
    pub(crate) fn of(
        spec: &TunnelSpec,
        origin: Origin,
        configured: Option<&TunnelSpec>,
        order: u64,
    ) -> Option<Self> {
        let is_as_configured =
            configured.is_some_and(|it| it.backends == spec.backends && it.options == spec.options);
        let (spec, configured) = (spec.to_string(), configured.map(ToString::to_string));
        (!is_as_configured).then(|| Self { spec, origin: origin.into(), configured, order })
    }
}

impl Memory {
    /// What these make of it together, and the revision of each.
    fn delta(&self, proposals: Vec<Proposal>) -> (Delta, Vec<Option<u64>>) {
        let mut delta = Delta { revision: self.revision, ..Delta::default() };
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let mut revisions = Vec::with_capacity(proposals.len());
        for Proposal { door, actor, edits, unconfigured, .. } in proposals {
            let Edits { count, json, rows, closed } = edits;
            delta.rows.extend(rows.unwrap_or_default());
            delta.closed.extend(closed);
            delta.closed.extend(unconfigured.into_iter().map(|text| (text, None)));
            // Of no tunnel: nothing that anybody could see, or undo.
            let revision = (count > 0).then_some(delta.revision + 1);
            if let Some(revision) = revision {
                let (time, edits) = (time.clone(), (json + "]").into());
                delta.changes.push(Change { revision, time, door, actor, count, edits });
                delta.revision = revision;
            }
            revisions.push(revision);
        }
        delta.forgotten = self.outgrown(&delta.changes);
        (delta, revisions)
    }

    /// The last of the oldest changes that have to go for more.
    fn outgrown(&self, more: &[Change]) -> Option<u64> {
        let all = || self.changes.iter().chain(more);
        let (mut changes, mut edits) = (all().count(), all().map(Change::len).sum::<usize>());
        let mut bytes = all().map(|change| change.edits.len()).sum::<usize>();
        let mut last = None;
        for change in &self.changes {
            if changes <= CHANGES_MAX && edits <= EDITS_MAX && bytes <= EDITS_BYTES_MAX {
                break;
            }
            changes -= 1;
            edits -= change.len();
            bytes -= change.edits.len();
            last = Some(change.revision);
        }
        last
    }

    fn apply(&mut self, delta: Delta) {
        self.revision = delta.revision;
        for (text, closed) in delta.closed {
            match closed {
                Some(closed) => self.closed.insert(text, closed),
                None => self.closed.remove(&text),
            };
        }
        let forgotten = delta.forgotten.unwrap_or(0);
        while self.changes.front().is_some_and(|change| change.revision <= forgotten) {
            self.changes.pop_front();
        }
        self.changes.extend(delta.changes);
    }
}

impl Edits {
    /// One more.
    pub(crate) fn add(&mut self, edit: &Edited) {
        let Some(spec) = edit.after.as_ref().or(edit.before.as_ref()) else { return };
        let shown = |spec: &Option<TunnelSpec>| spec.as_ref().map(ToString::to_string);
        let shown = Edit { before: shown(&edit.before), after: shown(&edit.after) };
        self.json.push(if self.count == 0 { '[' } else { ',' });
        self.json.push_str(&serde_json::to_string(&shown).unwrap_or_default());
        self.count += 1;
        let (listen, configured) = (spec.listen.to_string(), edit.configured.as_deref());
        if let Some(configured) = configured {
            let closed = Closed { listen: listen.clone(), origin: edit.origin.into() };
            let closed = edit.after.is_none().then_some(closed);
            self.closed.push((configured.to_string(), closed));
        }
        if let Some(rows) = &mut self.rows {
            let after = edit.after.as_ref();
            let row = after.and_then(|after| Row::of(after, edit.origin, configured, edit.order));
            rows.push((listen, row));
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests;
