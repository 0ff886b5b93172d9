//! One thread of another process, held where it is.

use std::fs;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use nix::sys::ptrace;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// A thread that does nothing while this lives; the others of its process go on.
#[derive(Debug)]
pub struct HeldThread {
    release: Option<Sender<()>>,
    /// Whoever holds a thread has to be the one that lets it go.
    holder: Option<JoinHandle<()>>,
}

impl HeldThread {
    /// Holds the thread of that name. The process is a child of this one.
    #[must_use]
    pub fn of(process: u32, name: &str) -> Self {
        let thread = find(process, name);
        let (held, is_held) = channel();
        let (release, released) = channel();
        let holder = thread::spawn(move || {
            ptrace::attach(thread).expect("a child can be traced");
            waitpid(thread, Some(nix::sys::wait::WaitPidFlag::__WALL)).expect("it stops");
            held.send(()).expect("somebody waits for that");
            // Either way it is to go on.
            released.recv().unwrap_or_default();
            ptrace::detach(thread, None).expect("it is traced");
        });
        is_held.recv().expect("it is held");
        Self { release: Some(release), holder: Some(holder) }
    }
}

impl Drop for HeldThread {
    fn drop(&mut self) {
        drop(self.release.take());
        if let Some(holder) = self.holder.take() {
            holder.join().unwrap_or_default();
        }
    }
}

fn find(process: u32, name: &str) -> Pid {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let has_name = |id: &i32| {
        let path = format!("/proc/{process}/task/{id}/comm");
        fs::read_to_string(path).is_ok_and(|comm| comm.trim() == name)
    };
    let mut ids = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok());
    Pid::from_raw(ids.find(has_name).expect("there is such a thread"))
}
