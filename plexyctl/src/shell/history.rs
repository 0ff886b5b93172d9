//! The lines that were typed before: in a file that only its user reads, without what should not stand in
//! one.

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use reedline::{
    FileBackedHistory, History as Editors, HistoryItem, HistoryItemId, HistorySessionId, Result,
    SearchQuery,
};

/// Most lines that are kept.
const LINES_MAX: usize = 10_000;
/// The file, below a folder of state.
const FILE: &str = "plexy/history";
/// A line with one of these may tell a secret.
const SECRETS: [&str; 6] = ["token", "passw", "secret", "auth", "check-send", "credential"];

/// Them, and where they are.
#[derive(Debug)]
pub(super) struct History {
    lines: FileBackedHistory,
    file: Option<PathBuf>,
}

impl History {
    /// Those of the user; where they cannot be kept, why.
    pub(super) fn of_user() -> (Self, Option<String>) {
        let in_memory = |why| (Self { lines: memory(), file: None }, Some(why));
        let Some(file) = file(|name| env::var_os(name)) else {
            return in_memory("there is neither XDG_STATE_HOME nor HOME".to_owned());
        };
        let opened = make_private(&file).map_err(|error| error.to_string()).and_then(|()| {
            FileBackedHistory::with_file(LINES_MAX, file.clone()).map_err(|error| error.to_string())
        });
        match opened {
            Ok(lines) => (Self { lines, file: Some(file) }, None),
            Err(error) => in_memory(format!("{}: {error}", file.display())),
        }
    }
}

fn memory() -> FileBackedHistory {
    FileBackedHistory::new(LINES_MAX).unwrap_or_default()
}

/// Where it is (XDG Base Directory Specification).
fn file(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    state.map(|state| state.join(FILE))
}

/// Makes it if it is not there, and ours alone in any case.
fn make_private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    let is_private = opened.metadata()?.permissions().mode() & 0o077 == 0;
    if is_private { Ok(()) } else { opened.set_permissions(fs::Permissions::from_mode(0o600)) }
}

/// Whether a line should stand nowhere: it begins with a blank, or may tell a secret.
fn is_private(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    line.starts_with(char::is_whitespace) || SECRETS.iter().any(|secret| lower.contains(secret))
}

impl Editors for History {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if is_private(&item.command_line) {
            return Ok(item);
        }
        let saved = self.lines.save(item)?;
        // Another shell has them at once, and whatever ends this one leaves them there. A full disk is
        // no reason to take no more commands.
        self.file.as_deref().map(make_private).transpose().unwrap_or_default();
        self.lines.sync().unwrap_or_default();
        Ok(saved)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.lines.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.lines.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.lines.search(query)
    }

    fn update(
        &mut self,
        id: HistoryItemId,
        updater: &dyn Fn(HistoryItem) -> HistoryItem,
    ) -> Result<()> {
        self.lines.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.lines.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.lines.delete(id)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.lines.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.lines.session()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_the_folder_of_state() {
        let file = |variables: &[(&str, &str)]| {
            file(|name| Some(variables.iter().find(|(it, _)| *it == name)?.1.into()))
        };
        let both = [("HOME", "/h"), ("XDG_STATE_HOME", "/x")];
        assert_eq!(file(&both).unwrap(), Path::new("/x/plexy/history"));
        assert_eq!(file(&both[..1]).unwrap(), Path::new("/h/.local/state/plexy/history"));
        assert_eq!(file(&[("XDG_STATE_HOME", "x")]), None);
    }

    #[test]
    fn only_its_user_reads_it_also_where_others_did_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/plexy/history");
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        make_private(&file).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        make_private(&file).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        let mut history = History { lines: memory(), file: None };
        let lines = [
            "list",
            " close db",
            "open 1=2[check=send-expect,check-send=\"AUTH x\\r\\n\"]",
            "auth 7Zq3nP0a",
            "set db name=My-Password",
        ];
        for line in lines {
            history.save(HistoryItem::from_command_line(line)).unwrap();
        }
        assert_eq!(history.count_all().unwrap(), 1);
    }
}
