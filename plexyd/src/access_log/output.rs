//! Where the access log goes: to standard error, or into a file.

use std::fs::File;
use std::io::{self, ErrorKind, Write, stderr};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};

/// The mode of a file that is made: it tells who was here.
const FILE_MODE: u32 = 0o640;

/// It takes whole lines.
#[derive(Debug)]
pub(super) struct Output {
    to: To,
    /// Whether the last thing in it is the begin of a line that has failed.
    is_torn: bool,
}

#[derive(Debug)]
enum To {
    Stderr,
    File(PathBuf, File),
}

impl Output {
    pub(super) fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let to = match file {
            None => To::Stderr,
            Some(path) => {
                let file = append_to(&path)?;
                To::File(path, file)
            }
        };
        Ok(Self { to, is_torn: false })
    }

    /// Opens the file by its name once more. If that fails the old one stays.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let To::File(path, file) = &mut self.to {
            *file = append_to(path)?;
            self.is_torn = false;
        }
        Ok(())
    }

    /// Writes these lines, and says how many of them it could not.
    pub(super) fn write(&mut self, lines: &[u8]) -> u64 {
        if lines.is_empty() {
            return 0;
        }
        if self.is_torn && self.write_part(b"\n") == 0 {
            return count(lines);
        }
        let written = self.write_part(lines);
        let (done, rest) = lines.split_at(written);
        self.is_torn = done.last().is_some_and(|last| *last != b'\n');
        count(rest)
    }

    /// Writes as much as it can, and says how much that is.
    fn write_part(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let written = match &mut self.to {
                To::Stderr => stderr().write(rest),
                To::File(_, file) => file.write(rest),
            };
            match written {
                Ok(0) => break,
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A full disk, a reader who has left: lines are counted, and the next are tried.
                Err(_) => break,
            }
        }
        done
    }
}

/// Lines that end in there.
fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn append_to(path: &Path) -> io::Result<File> {
    // Without blocking, since a named pipe that nobody reads would have the start wait for ever.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    let flags = flags | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = open(path, flags, Mode::from_raw_mode(FILE_MODE))?;
    // But then writing may block: that is what there is a thread for.
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file.into())
}
