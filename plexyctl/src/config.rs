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
mod tests {
    use super::*;
    use crate::args::Args;

    const FOLDER: &str = "/home/ops/.config/plexy";

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(text, &Path::new(FOLDER).join("plexyctl.toml"))
    }

    fn target(file: &str, args: &str) -> Result<Target, Failure> {
        let args = std::iter::once("plexyctl").chain(args.split_whitespace()).map(Into::into);
        parse(file)?.target(&Args::read(args).unwrap().options)
    }

    fn credentials([ca, cert, key, name]: [&str; 4]) -> Credentials {
        let path = |text: &str| Some(PathBuf::from(text)).filter(|it| !it.as_os_str().is_empty());
        let server_name = Some(name.to_owned()).filter(|name| !name.is_empty());
        Credentials { ca: path(ca), cert: path(cert), key: path(key), server_name }
    }

    #[track_caller]
    fn refused(text: &str, sentence: &str) {
        let failure = parse(text).expect_err(text);
        assert!(failure.message.contains(sentence), "{text}: {failure:?}");
        assert_eq!(failure.code, "usage");
    }

    const FILE_OF_ALL: &str = "endpoint = \"wss://a.example:9998\"\nca = \"ca.pem\"\n\
        cert = \"/etc/ops.pem\"\nkey = \"ops.key\"\nserver-name = \"b.example\"\n";

    #[test]
    fn the_file_of_the_user_counts_more_than_that_of_the_system() {
        let files = |variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(key, _)| *key == name);
            let files = files(|name| found(name).map(|(_, value)| OsString::from(value)));
            files.map(|file| file.display().to_string()).collect::<Vec<_>>()
        };
        let system = "/etc/plexy/plexyctl.toml";
        assert_eq!(files(&[]), [system]);
        assert_eq!(files(&[("HOME", "/h")]), ["/h/.config/plexy/plexyctl.toml", system]);
        let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(files(&both), ["/x/plexy/plexyctl.toml", system]);
        // What is empty or relative says nothing, as the specification has it.
        let odd = [("HOME", ""), ("XDG_CONFIG_HOME", "x")];
        assert_eq!(files(&odd), [system]);
    }

    #[test]
    fn all_of_it_is_read_and_paths_begin_in_its_folder() {
        let found = target(FILE_OF_ALL, "ping").unwrap();
        assert_eq!(found.endpoint.unwrap().to_string(), "wss://a.example:9998");
        let (ca, key) = (format!("{FOLDER}/ca.pem"), format!("{FOLDER}/ops.key"));
        let all = credentials([&ca, "/etc/ops.pem", &key, "b.example"]);
        assert_eq!(found.credentials, all);
        assert_eq!(parse("# nothing\n").unwrap(), Config::default());
    }

    #[test]
    fn options_count_more_and_a_pair_comes_from_one_place() {
        let found = target(FILE_OF_ALL, "ping --cert /tmp/me.pem --ca /tmp/ca.pem").unwrap();
        let expected = credentials(["/tmp/ca.pem", "/tmp/me.pem", "", "b.example"]);
        assert_eq!(found.credentials, expected);
    }

    #[test]
    fn what_the_file_says_of_one_daemon_holds_for_no_other() {
        let found = target(FILE_OF_ALL, "ping --endpoint wss://c.example:9998").unwrap();
        assert_eq!(found.credentials, Credentials::default());
        let same = target(FILE_OF_ALL, "ping --endpoint https://a.example:9998").unwrap();
        assert!(same.credentials.ca.is_some());
        let any = target("ca = \"/ca.pem\"", "ping --endpoint wss://c.example:9998").unwrap();
        assert_eq!(any.credentials, credentials(["/ca.pem", "", "", ""]));
    }

    #[test]
    fn an_option_of_tls_without_tls_is_refused() {
        for (args, sentence) in [
            ("ping --ca a.pem", "`--ca` is for endpoints of TLS"),
            ("ping --endpoint ws://localhost:1 --key a.pem", "ws://localhost:1 is not"),
            ("--cert a.pem --endpoint unix:/run/rpc.sock ping", "`--cert` is for"),
        ] {
            let failure = target("", args).expect_err(args);
            assert!(failure.message.contains(sentence), "{args}: {failure:?}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        refused("endpiont = \"ws://a:1\"", "plexyctl.toml:1:1: unknown key `endpiont`");
        refused("ca = \"x\"\n  endpoint = \"a:1\"", "plexyctl.toml:2:14: `a:1` does not say how");
        refused("ca = 5", "plexyctl.toml:1:6: `ca` is a text in quotes");
        refused("ca = \"\"", "`ca` is a text in quotes");
        refused("ca = \"x", "plexyctl.toml:1:");
        refused("context = 5", "plexyctl.toml:1:11: `context` is a table");
        refused("context.a = 5", "`a` is a table");
        refused("[context.\"a b\"]", "`a b` is no name of a context");
        refused("[context.a]\nprotected = \"yes\"", "plexyctl.toml:2:13: `protected` is true or");
        refused("[context.a]\ncurrent-context = \"b\"", "unknown key `current-context`");
        let failure = parse("endpiont = \"ws://a:1\"").unwrap_err();
        assert_eq!(failure.suggestion.as_deref(), Some("endpoint"));
        assert_eq!(failure.place.unwrap().span, 0..8);
    }

    const CONTEXTS: &str = "current-context = \"lab\"\nendpoint = \"ws://top.example:1\"\n\
        [context.lab]\nendpoint = \"ws://lab.example:1\"\ntoken-file = \"lab.token\"\n\
        [context.prod]\nendpoint = \"wss://prod.example:1\"\nca = \"/ca.pem\"\nprotected = true\n";

    #[track_caller]
    fn goes_to(args: &str, endpoint: &str, protected: Option<&str>) {
        let found = target(CONTEXTS, args).unwrap_or_else(|failure| panic!("{args}: {failure:?}"));
        assert_eq!(found.endpoint.unwrap().to_string(), endpoint, "{args}");
        assert_eq!(found.protected.as_deref(), protected, "{args}");
    }

    #[test]
    fn what_is_said_for_this_command_counts_more_than_the_current_context() {
        goes_to("ping", "ws://lab.example:1", None);
        goes_to("ping --context prod", "wss://prod.example:1", Some("prod"));
        goes_to("ping --endpoint ws://c.example:1", "ws://c.example:1", None);
        // By another way it is the same daemon.
        goes_to("ping --endpoint wss://prod.example:1", "wss://prod.example:1", Some("prod"));
        let lab = target(CONTEXTS, "ping").unwrap();
        assert_eq!(lab.token_file, Some(Path::new(FOLDER).join("lab.token")));
        assert_eq!(lab.context.as_deref(), Some("lab"));
        let other = target(CONTEXTS, "ping --endpoint ws://c.example:1").unwrap();
        assert_eq!((other.token_file, other.context), (None, None), "a token goes to its daemon");
    }

    #[test]
    fn a_way_is_told_whole_to_whoever_goes_it_from_elsewhere() {
        #[track_caller]
        fn check(file: &str, args: &str, words: &str) {
            let args = format!("plexyctl ping {args}");
            let options = Args::read(args.split_whitespace().map(Into::into)).unwrap().options;
            let target = parse(file).unwrap().target(&options).unwrap();
            assert_eq!(target.words(&options).join(" "), words, "{args}");
        }
        check("", "", "");
        check("", "--token-file /a", "--token-file /a");
        // What the file says today, it may not say tomorrow.
        check(CONTEXTS, "", "--context lab");
        check(CONTEXTS, "--context prod --ca /b.pem", "--context prod --ca /b.pem");
        check(
            "endpoint = \"ws://a:1\"\ntoken-file = \"/a\"",
            "",
            "--endpoint ws://a:1 --token-file /a",
        );
        let tls = "endpoint = \"wss://a:1\"\nca = \"/ca.pem\"\ncert = \"/c.pem\"\nkey = \"/k.pem\"";
        let words = "--endpoint wss://a:1 --ca /ca.pem --cert /c.pem --key /k.pem";
        check(tls, "", words);
        check(tls, "--server-name b", &format!("{words} --server-name b"));
        check(tls, "--endpoint unix:/b.sock", "--endpoint unix:/b.sock");
        let here = std::env::current_dir().unwrap();
        let relative = format!("--endpoint ws://a:1 --token-file {}/t", here.display());
        check("", "--endpoint ws://a:1 --token-file t", &relative);
    }

    #[test]
    fn where_nothing_is_changed_it_is_so_by_every_way() {
        let file = "[context.look]\nendpoint = \"ws://a.example:1\"\nread-only = true";
        for args in ["ping --context look", "ping --endpoint ws://a.example:1"] {
            assert_eq!(target(file, args).unwrap().read_only.as_deref(), Some("look"), "{args}");
        }
        assert_eq!(target(file, "ping").unwrap().read_only, None);
        refused("[context.a]\nread-only = 1", "plexyctl.toml:2:13: `read-only` is true or false");
    }

    #[test]
    fn two_ways_at_once_are_none() {
        let both = "ping --context prod --endpoint ws://c.example:1";
        let failure = target(CONTEXTS, both).unwrap_err();
        assert_eq!(failure.message, "`--endpoint` and `--context` do not go together");
        let failure = target(CONTEXTS, "ping --context prdo").unwrap_err();
        assert_eq!(failure.suggestion.as_deref(), Some("prod"));
        let failure = target("current-context = \"gone\"", "ping").unwrap_err();
        assert!(failure.details[0].contains("plexyctl.toml"), "{failure:?}");
    }

    #[test]
    fn the_users_contexts_stand_over_those_of_the_system() {
        let user = parse("[context.a]\nendpoint = \"ws://user.example:1\"").unwrap();
        let system = "current-context = \"b\"\nendpoint = \"ws://top.example:1\"\n[context.a]\n\
                      endpoint = \"ws://system.example:1\"\n[context.b]\n";
        let both = user.over(Config::parse(system, Path::new("/etc/plexy/plexyctl.toml")).unwrap());
        let endpoint = |way: &Way| way.endpoint.as_ref().unwrap().to_string();
        assert_eq!(endpoint(&both.context("a").unwrap().way), "ws://user.example:1");
        assert_eq!(endpoint(&both.way), "ws://top.example:1");
        assert_eq!(both.current(), Some("b"));
    }

    #[test]
    fn each_value_is_told_with_where_it_comes_from() {
        let args = "plexyctl ping --context prod --server-name b.example";
        let args = Args::read(args.split_whitespace().map(Into::into)).unwrap();
        let settings = parse(CONTEXTS).unwrap().settings(&args.options).unwrap();
        let told: Vec<_> = settings
            .iter()
            .map(|it| (it.key, it.value.as_deref().unwrap_or("-"), it.origin.to_string()))
            .collect();
        let file = format!("context `prod` in {FOLDER}/plexyctl.toml");
        let by = |text: &str| text.to_owned();
        let expected = [
            ("context", "prod", by("`--context`")),
            ("endpoint", "wss://prod.example:1", file.clone()),
            ("ca", "/ca.pem", file.clone()),
            ("cert", "-", by("default")),
            ("key", "-", by("default")),
            ("server-name", "b.example", by("`--server-name`")),
            ("token-file", "-", by("default")),
            ("protected", "true", file),
            ("read-only", "false", by("default")),
        ];
        assert_eq!(told, expected);
    }
}
