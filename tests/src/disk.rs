//! A small disk of a test's own, which can be full.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::CloneFlags;
use tempfile::TempDir;

use crate::namespace::in_own;
use crate::tool::Tool;

/// How much is written at once to fill it, in bytes.
const PIECE: usize = 4096;

/// A disk in memory, seen by this test and what it starts.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    umount: Tool,
}

/// Runs a test with a disk of so many bytes, on a thread and a runtime of its own; whatever it
/// starts sees the disk, too.
///
/// Where this user may have none, the reason is printed and the test is skipped; for root it panics
/// where [`REQUIRE`](crate::tool::REQUIRE) is `1`.
pub fn with_small_disk<T: Future<Output = ()>>(
    bytes: u64,
    test: impl FnOnce(Disk) -> T + Send + 'static,
) {
    let Some(mount) = Tool::find("mount", "mount") else { return };
    let Some(umount) = Tool::find("umount", "mount") else { return };
    let test = move || {
        // What is mounted from now on is seen by nobody else.
        run(&mount, ["--make-rprivate", "/"].map(OsStr::new));
        let folder = tempfile::Builder::new().prefix("plexy-disk-").tempdir().unwrap();
        let size = format!("size={bytes}");
        let of_memory = ["-t", "tmpfs", "-o", &size, "tmpfs"].map(OsStr::new);
        run(&mount, of_memory.into_iter().chain([folder.path().as_os_str()]));
        test(Disk { folder, umount })
    };
    in_own((CloneFlags::CLONE_NEWNS, "mount"), || {}, test);
}

impl Disk {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes to it until nothing goes any more.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        while file.write_all(&[b'x'; PIECE]).is_ok() {}
    }

    /// Gives back what it was filled with.
    pub fn free(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let folder = self.folder.path().as_os_str();
        run(&self.umount, [OsStr::new("--lazy"), folder]);
    }
}

fn run<'a>(tool: &Tool, arguments: impl IntoIterator<Item = &'a OsStr>) {
    let status = Command::new(tool.path()).args(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "{} fails", tool.path().display());
}
