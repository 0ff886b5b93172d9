//! Whose a socket is that we may not use.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

/// Who may use a socket, and who we are; told as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// What could be looked at: the socket, else its folder.
    known: Option<Known>,
    /// Us.
    uid: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    is_folder: bool,
    uid: u32,
    gid: u32,
    mode: u32,
    group: Option<String>,
}

impl Owner {
    pub(super) fn of(socket: &Path) -> Self {
        let metadata = |path: &Path| fs::metadata(path).ok();
        let folder = || socket.parent().and_then(metadata).map(|it| (true, it));
        let found = metadata(socket).map(|it| (false, it)).or_else(folder);
        let known = found.map(|(is_folder, it)| Known {
            is_folder,
            uid: it.uid(),
            gid: it.gid(),
            mode: it.mode() & 0o7777,
            group: fs::read_to_string("/etc/group").ok().and_then(|text| name_of(it.gid(), &text)),
        });
        Self { known, uid: geteuid().as_raw() }
    }

    /// The group whose members are let in, if that is a group one can join.
    pub(crate) fn group(&self) -> Option<&str> {
        let known = self.known.as_ref()?;
        let lets_in = if known.is_folder { 0o010 } else { 0o020 };
        let can_be_joined = known.gid != 0 && known.mode & lets_in != 0;
        known.group.as_deref().filter(|_| can_be_joined)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(known) = &self.known else {
            return write!(f, " (you are uid {})", self.uid);
        };
        let what = if known.is_folder { "its folder" } else { "it" };
        let (uid, gid, mode) = (known.uid, known.gid, known.mode);
        let group = known.group.clone().unwrap_or_else(|| gid.to_string());
        write!(
            f,
            " ({what} belongs to uid {uid} and group {group}, mode {mode:04o}; you are uid {})",
            self.uid
        )
    }
}

/// The name of a group in the text of `/etc/group` (group(5)); groups that
/// come from elsewhere keep their number.
fn name_of(gid: u32, groups: &str) -> Option<String> {
    let gid = gid.to_string();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == gid).then(|| name.to_owned())
    };
    groups.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(is_folder: bool, gid: u32, mode: u32) -> Owner {
        let group = name_of(gid, "root:x:0:\nbroken\nplexy:x:995:ops,dev\n");
        Owner { known: Some(Known { is_folder, uid: 994, gid, mode, group }), uid: 1000 }
    }

    #[test]
    fn it_is_told_who_may_and_who_we_are() {
        assert_eq!(
            owner(false, 995, 0o660).to_string(),
            " (it belongs to uid 994 and group plexy, mode 0660; you are uid 1000)"
        );
        assert_eq!(
            owner(true, 7, 0o750).to_string(),
            " (its folder belongs to uid 994 and group 7, mode 0750; you are uid 1000)"
        );
        assert_eq!(Owner { known: None, uid: 1000 }.to_string(), " (you are uid 1000)");
    }

    #[test]
    fn a_group_is_named_only_if_joining_it_helps() {
        assert_eq!(owner(false, 995, 0o660).group(), Some("plexy"));
        assert_eq!(owner(true, 995, 0o750).group(), Some("plexy"));
        assert_eq!(owner(false, 995, 0o600).group(), None);
        assert_eq!(owner(false, 0, 0o660).group(), None);
        assert_eq!(owner(false, 7, 0o660).group(), None);
    }
}
