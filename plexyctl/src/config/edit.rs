//! Changes of the user's configuration file. What else stands in it, comments too, stays as it is; a
//! reader sees it as it was or as it will be, and never a part.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use plexy_shared::error::{Code, quoted};
use rustix::fs::{FlockOperation, flock};
use toml_edit::{DocumentMut, Item, Table, value};

use super::{
    CONTEXT, CURRENT, Config, Context, PROTECTED, READ_ONLY, check_name, file_of_user, target,
};
use crate::failure::Failure;

/// The mode of a new file: it may name files with secrets.
const MODE: u32 = 0o600;

/// The mode of a new folder.
const FOLDER_MODE: u32 = 0o700;

/// A file that is being changed. Nobody else changes it meanwhile.
pub(crate) struct Edit {
    /// Where it is in truth: a link to it stays one.
    file: PathBuf,
    document: DocumentMut,
    /// What it said.
    config: Config,
    /// The folder, locked until this is dropped.
    _lock: File,
}

impl Edit {
    /// Opens the file of the user, or begins one.
    pub(crate) fn begin() -> Result<Self, Failure> {
        let file = file_of_user(|name| env::var_os(name)).ok_or_else(|| {
            Failure::usage("there is no folder for the configuration")
                .with_hint("`HOME` or `XDG_CONFIG_HOME` names one")
        })?;
        Self::of(&file)
    }

    fn of(file: &Path) -> Result<Self, Failure> {
        let cannot = |error: &io::Error| cannot(file, error);
        let file = in_truth(file).map_err(|error| cannot(&error))?;
        let lock = lock(&file).map_err(|error| cannot(&error))?;
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| cannot(&error))?,
        };
        // What cannot be read is not written.
        let config = Config::parse(&text, &file)?;
        let document = text.parse().map_err(|error| Failure::usage(format!("{error}")))?;
        Ok(Self { file, document, config, _lock: lock })
    }

    /// Where it is written.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Adds a context: whether there was none like it.
    pub(crate) fn add(&mut self, name: &str, context: &Context) -> Result<bool, Failure> {
        check_name(name).map_err(|refusal| Failure::usage(refusal.message))?;
        let credentials = &context.way.credentials;
        let of_tls = [
            ("--ca", credentials.ca.is_some()),
            ("--cert", credentials.cert.is_some()),
            ("--key", credentials.key.is_some()),
            ("--server-name", credentials.server_name.is_some()),
        ];
        let tls_option = of_tls.into_iter().find(|(_, is)| *is).map(|(option, _)| option);
        target::check_tls(tls_option, context.way.endpoint.as_ref())?;
        if let Some(there) = self.config.contexts.get(name) {
            let mut same = context.clone();
            same.way.file.clone_from(&there.way.file);
            if *there == same {
                return Ok(false);
            }
            let message = format!("there is another context {} already", quoted(name));
            let hint = format!("`plexyctl context remove {name}` makes room");
            return Err(Failure::of(Code::NameInUse, message).with_hint(hint));
        }
        let contexts = self.document.entry(CONTEXT).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        if let Some(contexts) = contexts.as_table_like_mut() {
            contexts.insert(name, Item::Table(written(context)));
        }
        Ok(true)
    }

    /// Makes one the current one, or none: whether it was not.
    pub(crate) fn select(&mut self, name: Option<&str>) -> bool {
        if self.config.current() == name {
            return false;
        }
        match name {
            Some(name) => match self.document.get_mut(CURRENT) {
                Some(item) => replace(item, name),
                // Before the first table: behind it, it would be a key of that.
                None => drop(self.document.insert(CURRENT, value(name))),
            },
            None => drop(self.document.remove(CURRENT)),
        }
        true
    }

    /// Takes one away: whether it was there. If it is the current one, there is none from then on.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let contexts = self.document.get_mut(CONTEXT).and_then(Item::as_table_like_mut);
        let is_gone = contexts.and_then(|contexts| contexts.remove(name)).is_some();
        if is_gone && self.config.current() == Some(name) {
            self.select(None);
        }
        is_gone
    }

    /// Writes it: first beside the file, then in its place.
    pub(crate) fn save(self) -> Result<(), Failure> {
        let text = self.document.to_string();
        // What was written has to be read again.
        Config::parse(&text, &self.file)?;
        self.replace(&text).map_err(|error| cannot(&self.file, &error))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let before = fs::metadata(&self.file).ok();
        let beside = self.file.with_extension(format!("toml.{}", std::process::id()));
        let mut new = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside)?;
        let written = (|| {
            if let Some(before) = &before {
                // With sudo it may be somebody else's; who may not give it away keeps it.
                fchown(&new, Some(before.uid()), Some(before.gid())).ok();
                new.set_permissions(Permissions::from_mode(before.mode() & 0o777))?;
            }
            new.write_all(text.as_bytes())?;
            new.sync_all()?;
            fs::rename(&beside, &self.file)
        })();
        if written.is_err() {
            fs::remove_file(&beside).ok();
        }
        written
    }
}

/// Another value in the place of one, with the comment behind it.
fn replace(item: &mut Item, text: &str) {
    let decor = item.as_value().map(|value| value.decor().clone());
    *item = value(text);
    if let (Some(value), Some(decor)) = (item.as_value_mut(), decor) {
        *value.decor_mut() = decor;
    }
}

fn written(context: &Context) -> Table {
    let mut table = Table::new();
    let way = &context.way;
    let endpoint = way.endpoint.as_ref().map(ToString::to_string);
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    for (key, text) in [
        ("endpoint", endpoint),
        ("ca", path(&way.credentials.ca)),
        ("cert", path(&way.credentials.cert)),
        ("key", path(&way.credentials.key)),
        ("server-name", way.credentials.server_name.clone()),
        ("token-file", path(&way.token_file)),
    ] {
        if let Some(text) = text {
            table.insert(key, value(text));
        }
    }
    if context.is_protected {
        table.insert(PROTECTED, value(true));
    }
    if context.is_read_only {
        table.insert(READ_ONLY, value(true));
    }
    table
}

/// The file that a link leads to, or the file.
fn in_truth(file: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(file) {
        Ok(found) if found.is_symlink() => fs::canonicalize(file),
        _ => Ok(file.to_owned()),
    }
}

/// Locks the folder of a file, and makes it where there is none.
fn lock(file: &Path) -> io::Result<File> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let folder = File::open(folder)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(folder)
}

fn cannot(file: &Path, error: &io::Error) -> Failure {
    let file = quoted(&file.display().to_string());
    Failure::usage(format!("cannot change the configuration {file}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const BEFORE: &str = "# ours\nendpoint = \"ws://a.example:1\" # the old one\n\n[context.lab]\n\
                          endpoint = \"ws://lab.example:1\"\n";

    fn context(endpoint: &str, is_protected: bool) -> Context {
        let endpoint = Some(endpoint.parse().unwrap());
        let way = super::super::Way { endpoint, ..super::super::Way::default() };
        Context { way, is_protected, is_read_only: false }
    }

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().mode() & 0o777
    }

    #[test]
    fn what_else_stands_in_the_file_stays_and_its_mode_too() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("plexyctl.toml");
        fs::write(&file, BEFORE).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        let mut edit = Edit::of(&file).unwrap();
        assert!(edit.add("prod", &context("wss://proxy.example:9998", true)).unwrap());
        assert!(edit.select(Some("prod")));
        edit.save().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let expected = "# ours\nendpoint = \"ws://a.example:1\" # the old one\n\
                        current-context = \"prod\"\n\n[context.lab]\nendpoint = \"ws://lab.example:1\"\n\
                        \n[context.prod]\nendpoint = \"wss://proxy.example:9998\"\nprotected = true\n";
        assert_eq!(text, expected);
        assert_eq!(mode(&file), 0o640);
        let names: Vec<_> = fs::read_dir(scene.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");

        let mut edit = Edit::of(&file).unwrap();
        assert!(!edit.select(Some("prod")), "it is that already");
        assert!(edit.remove("prod") && !edit.remove("nobody"));
        edit.save().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), BEFORE);
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_a_link_stays_one() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("new/plexyctl.toml");
        let mut edit = Edit::of(&file).unwrap();
        edit.add("lab", &context("ws://lab.example:1", false)).unwrap();
        edit.save().unwrap();
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));

        let link = scene.path().join("plexyctl.toml");
        symlink(&file, &link).unwrap();
        let mut edit = Edit::of(&link).unwrap();
        edit.select(Some("lab"));
        edit.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().contains("current-context = \"lab\""));
    }

    #[test]
    fn the_same_context_again_is_no_change_and_another_one_a_conflict() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("plexyctl.toml");
        fs::write(&file, BEFORE).unwrap();
        let mut edit = Edit::of(&file).unwrap();
        assert!(!edit.add("lab", &context("ws://lab.example:1", false)).unwrap());
        let conflict = edit.add("lab", &context("ws://lab.example:2", false)).unwrap_err();
        assert_eq!(conflict.code, "name-in-use");
        assert_eq!(edit.add("la b", &context("ws://a:1", false)).unwrap_err().code, "usage");
    }

    #[test]
    fn what_cannot_be_read_is_not_written() {
        let scene = tempfile::tempdir().unwrap();
        let file = scene.path().join("plexyctl.toml");
        fs::write(&file, "endpiont = 5\n").unwrap();
        assert!(Edit::of(&file).err().unwrap().message.contains("unknown key `endpiont`"));
    }
}
