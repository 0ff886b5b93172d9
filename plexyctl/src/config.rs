//! The configuration file, and what of it holds beside options and environment.
//!
//! It says where daemons are and what TLS to them is made of; those belong together,
//! so that nothing of it is taken for another daemon. A file of the folder in which somebody happens to
//! stand is never read: whoever has made that folder could send commands and tokens where they like.

mod edit;
mod target;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plexy_shared::error::{Code, Refusal, nearest, quoted};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::client::{Credentials, Endpoint};
use crate::exit::ClientCode;
use crate::failure::{Failure, Place};
pub(crate) use edit::Edit;
pub(crate) use target::{Origin, Setting, Target, found_at};

/// The file, below a folder of configuration.
const FILE: &str = "plexy/plexyctl.toml";

/// Where all users have theirs.
const SYSTEM_FOLDER: &str = "/etc";

/// Keys of one way to a daemon, each named like the option.
pub(crate) const KEYS: [&str; 6] = ["endpoint", "ca", "cert", "key", "server-name", "token-file"];

/// The key of a context that says that changes there are thought over twice.
pub(crate) const PROTECTED: &str = "protected";

/// The key of a context that says that nothing is changed there.
pub(crate) const READ_ONLY: &str = "read-only";

/// The table of contexts.
const CONTEXT: &str = "context";

/// The context that holds where nothing else is said.
const CURRENT: &str = "current-context";

/// Longest name of a context, in characters.
const NAME_CHARS_MAX: usize = 63;

/// What the files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    way: Way,
    contexts: BTreeMap<String, Context>,
    current: Option<Current>,
}

/// One way to a daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// Where it is; none for the daemon of this machine.
    pub(crate) endpoint: Option<Endpoint>,
    /// What TLS to it is made of, where it speaks TLS.
    pub(crate) credentials: Credentials,
    /// The token that it is shown.
    pub(crate) token_file: Option<PathBuf>,
    /// The file that says so.
    pub(crate) file: PathBuf,
}

/// A way that has a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// The way.
    pub(crate) way: Way,
    /// Whether changes there are thought over twice.
    pub(crate) is_protected: bool,
    /// Whether nothing is changed there.
    pub(crate) is_read_only: bool,
}

/// The context that holds where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Current {
    name: String,
    file: PathBuf,
}

impl Config {
    /// Reads that of the user, and that of the system; neither need be there. What the user says counts
    /// more.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let mut config = Self::default();
        for file in files(|name| env::var_os(name)) {
            match fs::read_to_string(&file) {
                Ok(text) => config = config.over(Self::parse(&text, &file)?),
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    let file = quoted(&file.display().to_string());
                    let message = format!("cannot read the configuration {file}: {error}");
                    return Err(Failure::new(ClientCode::Usage, message));
                }
            }
        }
        Ok(config)
    }

    /// Every context, by name.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.contexts.iter().map(|(name, context)| (name.as_str(), context))
    }

    /// The one that holds where nothing else is said.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_ref().map(|current| current.name.as_str())
    }

    /// The same with the file that says so.
    pub(crate) fn current_of(&self) -> Option<(&str, &Path)> {
        self.current.as_ref().map(|current| (current.name.as_str(), current.file.as_path()))
    }

    /// The one of that name.
    pub(crate) fn context(&self, name: &str) -> Result<&Context, Failure> {
        self.contexts.get(name).ok_or_else(|| {
            let failure = Failure::usage(format!("there is no context {}", quoted(name)));
            let names = || self.contexts.keys().map(String::as_str);
            let hint = "`plexyctl context list` shows them, `context add` makes one";
            Failure { suggestion: nearest(name, names()).map(str::to_owned), ..failure }
                .with_hint(hint)
        })
    }

    /// With what another file says beside; a way is one thing, and comes from one file.
    fn over(mut self, other: Self) -> Self {
        if self.way == Way::default() {
            self.way = other.way;
        }
        for (name, context) in other.contexts {
            self.contexts.entry(name).or_insert(context);
        }
        self.current = self.current.or(other.current);
        self
    }

    /// Reads one; a path in it that is not absolute begins in its folder.
    fn parse(text: &str, file: &Path) -> Result<Self, Failure> {
        let wrong = |span: Range<usize>, refusal: Refusal| mistake(text, file, span, refusal);
        let table = DeTable::parse(text).map_err(|error| {
            let refusal = Refusal::new(Code::InvalidSyntax, error.message());
            wrong(error.span().unwrap_or_default(), refusal)
        })?;
        let mut config = Self::default();
        for (key, value) in table.get_ref() {
            let done = match key.get_ref().as_ref() {
                CONTEXT => config.read_contexts(value, file),
                CURRENT => word(CURRENT, value).map_err(|it| (value.span(), it)).map(|name| {
                    let (name, file) = (name.to_owned(), file.to_owned());
                    config.current = Some(Current { name, file });
                }),
                name => {
                    let valid = || KEYS.into_iter().chain([CONTEXT, CURRENT]);
                    config
                        .way
                        .read(name, value, file)
                        .unwrap_or_else(|| Err((key.span(), unknown(name, valid()))))
                }
            };
            done.map_err(|(span, refusal)| wrong(span, refusal))?;
        }
        Ok(config)
    }

    fn read_contexts(&mut self, value: &Spanned<DeValue<'_>>, file: &Path) -> Read {
        let tables = table(CONTEXT, value)?;
        for (name, value) in tables {
            let text = name.get_ref().as_ref();
            check_name(text).map_err(|refusal| (name.span(), refusal))?;
            let mut context = Context::default();
            context.way.file = file.to_owned();
            for (key, value) in table(text, value)? {
                context.read(key, value, file)?;
            }
            self.contexts.insert(text.to_owned(), context);
        }
        Ok(())
    }
}

/// What was read, or where it is wrong and why.
type Read<T = ()> = Result<T, (Range<usize>, Refusal)>;

impl Context {
    fn read(
        &mut self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
        file: &Path,
    ) -> Read {
        let name = key.get_ref().as_ref();
        let said = match name {
            PROTECTED => Some(&mut self.is_protected),
            READ_ONLY => Some(&mut self.is_read_only),
            _ => None,
        };
        if let Some(said) = said {
            let DeValue::Boolean(is) = value.get_ref() else {
                let message = format!("`{name}` is true or false");
                return Err((value.span(), Refusal::new(Code::InvalidValue, message)));
            };
            *said = *is;
            return Ok(());
        }
        let valid = || KEYS.into_iter().chain([PROTECTED, READ_ONLY]);
        let read = self.way.read(name, value, file);
        read.unwrap_or_else(|| Err((key.span(), unknown(name, valid()))))
    }
}

impl Way {
    /// Reads one key, if it is one of a way.
    fn read(&mut self, name: &str, value: &Spanned<DeValue<'_>>, file: &Path) -> Option<Read> {
        KEYS.contains(&name).then(|| {
            let said = word(name, value).map_err(|refusal| (value.span(), refusal))?;
            self.set(name, said, file).map_err(|refusal| (value.span(), refusal))
        })
    }

    fn set(&mut self, key: &str, said: &str, file: &Path) -> Result<(), Refusal> {
        let path = || Some(file.parent().unwrap_or(Path::new("")).join(said));
        self.file = file.to_owned();
        match key {
            "endpoint" => {
                let endpoint = said.parse::<Endpoint>().map_err(|error| {
                    let suggestion = error.suggestion().map(str::to_owned);
                    Refusal::new(Code::InvalidAddress, error.to_string()).suggesting(suggestion)
                })?;
                self.endpoint = Some(endpoint);
            }
            "ca" => self.credentials.ca = path(),
            "cert" => self.credentials.cert = path(),
            "key" => self.credentials.key = path(),
            "token-file" => self.token_file = path(),
            _ => self.credentials.server_name = Some(said.to_owned()),
        }
        Ok(())
    }
}

/// Where a file may be, the first that counts first (XDG Base Directory Specification).
fn files(variable: impl Fn(&str) -> Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let of_user = file_of_user(variable);
    of_user.into_iter().chain([Path::new(SYSTEM_FOLDER).join(FILE)])
}

fn file_of_user(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".config"));
    folder("XDG_CONFIG_HOME").or_else(home).map(|folder| folder.join(FILE))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A name that needs no quotes anywhere.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let is_good = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= NAME_CHARS_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let message = || {
        format!(
            "{} is no name of a context: letters, digits, `.`, `_` and `-`, {NAME_CHARS_MAX} at most",
            quoted(name)
        )
    };
    if is_good { Ok(()) } else { Err(Refusal::new(Code::InvalidValue, message())) }
}

fn table<'a>(key: &str, value: &'a Spanned<DeValue<'a>>) -> Read<&'a DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Ok(table),
        _ => {
            let message = format!("{} is a table", quoted(key));
            Err((value.span(), Refusal::new(Code::InvalidValue, message)))
        }
    }
}

fn word<'a>(key: &str, value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Refusal> {
    match value.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok(text),
        _ => Err(Refusal::new(Code::InvalidValue, format!("`{key}` is a text in quotes"))),
    }
}

fn unknown<'a>(key: &str, valid: impl Iterator<Item = &'a str>) -> Refusal {
    let message = format!("unknown key {}", quoted(key));
    let refusal = Refusal::new(Code::UnknownOption, message);
    refusal.suggesting(nearest(key, valid).map(str::to_owned))
}

/// A mistake with its line, marked in it.
fn mistake(text: &str, file: &Path, span: Range<usize>, refusal: Refusal) -> Failure {
    let before = text.get(..span.start).unwrap_or(text);
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let number = before.matches('\n').count() + 1;
    let column = before.get(begin..).unwrap_or_default().chars().count() + 1;
    let marked = span.start.saturating_sub(begin)..span.end.saturating_sub(begin).min(line.len());
    let place = Place { text: line.to_owned(), span: marked };
    let message = format!("{}:{number}:{column}: {}", file.display(), refusal.message);
    let failure = Failure::new(ClientCode::Usage, message);
    Failure { place: Some(place), suggestion: refusal.suggestion, ..failure }
}

#[cfg(test)]
mod tests;
