//! The way to a file: every entry of a folder on it that leads elsewhere once it is replaced.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links on one way, as many as Linux follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// An entry of a folder. The folder is written without links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) folder: PathBuf,
    pub(super) name: OsString,
}

/// Each link on the way, and the file; where something is missing, that is the last one.
///
/// A file of a mounted secret of Kubernetes is three of them: `tls.crt -> ..data/tls.crt`,
/// `..data -> ..2026_11_27`, and the file in that folder.
pub(super) fn way(path: &Path) -> Vec<Step> {
    let (mut steps, mut links) = (Vec::new(), 0);
    let mut here = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = names(path).collect();
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&name);
        let metadata = fs::symlink_metadata(&next);
        let step = || Step { folder: here.clone(), name: name.clone() };
        match metadata {
            Ok(metadata) if metadata.is_symlink() => {
                steps.push(step());
                links += 1;
                let Ok(target) = fs::read_link(&next) else { break };
                if links > LINKS_MAX {
                    break;
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for name in names(&target).rev() {
                    rest.push_front(name);
                }
            }
            Ok(_) if !rest.is_empty() => here = next,
            // It is the file, or all that is there of the way.
            Ok(_) | Err(_) => {
                steps.push(step());
                break;
            }
        }
    }
    steps
}

fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The steps below that folder, as `folder:name`.
    #[track_caller]
    fn check(root: &Path, path: &str, expected: &[&str]) {
        let root = root.canonicalize().unwrap();
        let shown = |step: Step| {
            let folder = step.folder.strip_prefix(&root).unwrap().display().to_string();
            format!("{folder}:{}", step.name.display())
        };
        let steps: Vec<_> = way(&root.join(path)).into_iter().map(shown).collect();
        assert_eq!(steps, expected, "{path}");
    }

    #[test]
    fn a_way_has_every_link_and_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("secret/..2026")).unwrap();
        fs::write(root.join("secret/..2026/tls.crt"), "").unwrap();
        symlink("..2026", root.join("secret/..data")).unwrap();
        symlink("..data/tls.crt", root.join("secret/tls.crt")).unwrap();
        symlink(root.join("secret"), root.join("certs")).unwrap();
        symlink("loop", root.join("loop")).unwrap();

        check(root, "secret/..2026/tls.crt", &["secret/..2026:tls.crt"]);
        let links = ["secret:tls.crt", "secret:..data", "secret/..2026:tls.crt"];
        check(root, "secret/tls.crt", &links);
        check(root, "secret/../secret/./tls.crt", &links);
        check(root, "certs/tls.crt", &[&[":certs"], &links[..]].concat());
        // What is missing may come.
        check(root, "secret/no/tls.crt", &["secret:no"]);
        check(root, "loop", &[":loop"; LINKS_MAX + 1]);
    }
}
