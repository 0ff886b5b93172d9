//! Programs of other people, as Debian packages them: finding one (or skipping the test), running
//! one to its end, and talking with one line by line.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

mod conversation;
mod output;
mod run;

pub use self::conversation::Conversation;
pub use self::output::Output;
pub use self::run::Run;

/// Where this is `1`, a missing program is an error and not a reason to skip: CI sets it, so that
/// no test is skipped there for ever without anybody seeing it.
pub const REQUIRE: &str = "PLEXY_REQUIRE_SERVERS";

/// Where servers lie that a user's `PATH` often lacks.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// A program that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    path: PathBuf,
}

impl Tool {
    /// Finds `program` of the Debian package `package`, in `PATH` and the folders of the system.
    ///
    /// A test begins with `let Some(tool) = Tool::find(…) else { return };`. Where the program is
    /// missing, the reason is printed and the test is skipped; where [`REQUIRE`] is `1`, it panics.
    #[must_use]
    pub fn find(program: &str, package: &str) -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
        Self::find_in(folders, program, package)
    }

    /// Finds `program` in these folders only, where a package keeps it out of `PATH`.
    #[must_use]
    pub fn find_in(
        folders: impl IntoIterator<Item = PathBuf>,
        program: &str,
        package: &str,
    ) -> Option<Self> {
        let found =
            folders.into_iter().map(|folder| folder.join(program)).find(|path| is_program(path));
        if found.is_none() {
            missing(program, package, env::var_os(REQUIRE).as_deref());
        }
        found.map(|path| Self { path })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Prepares a run with these arguments; [`Run::output`] runs it.
    pub fn run<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        Run::new(&self.path, arguments.into_iter().map(Into::into).collect())
    }

    /// Starts it with these arguments and leaves its input open, to talk with it.
    pub fn converse<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Conversation {
        Conversation::start(&self.path, arguments)
    }
}

/// Says that a program is missing: the reason of a skip, or a panic where servers are required.
fn missing(program: &str, package: &str, require: Option<&OsStr>) {
    let reason = format!("{program} is not installed (apt-get install {package})");
    assert!(require != Some(OsStr::new("1")), "{reason}, and {REQUIRE}=1 says that it must be");
    eprintln!("skipped: {reason}");
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_the_path_is_found() {
        assert!(Tool::find("sh", "dash").unwrap().path().ends_with("sh"));
    }

    #[test]
    fn a_missing_program_is_a_skip() {
        missing("no-such-program", "no-such-package", None);
        missing("no-such-program", "no-such-package", Some(OsStr::new("0")));
    }

    #[test]
    #[should_panic(expected = "no-such-program is not installed (apt-get install no-such-package)")]
    fn a_missing_program_is_an_error_where_servers_are_required() {
        missing("no-such-program", "no-such-package", Some(OsStr::new("1")));
    }
}
