//! The memory that a process really has, from `/proc`.

use std::fs;
use std::io;

/// The resident memory of the process `pid` in bytes, pages shared with others included (`VmRSS`).
pub fn resident(pid: u32) -> io::Result<u64> {
    field(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// What the process `pid` has written in its memory in bytes (`Anonymous`): unlike its share of all of it,
/// that does not change with how many others run the same program. Only its user, or root, may ask.
pub fn anonymous(pid: u32) -> io::Result<u64> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Anonymous:")
}

/// The number of a line `Name:   123 kB`, in bytes.
fn field(path: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes
        .map(|number| number * 1024)
        .ok_or_else(|| io::Error::other(format!("no {name} in {path}")))
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn this_process_has_memory() {
        let pid = process::id();
        assert!(resident(pid).unwrap() > 100_000);
        assert!(anonymous(pid).unwrap() > 100_000);
        assert!(resident(u32::MAX).is_err());
    }
}
