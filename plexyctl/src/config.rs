//! The configuration file, and what of it holds beside options and environment.
//!
//! It says where plexyd is and what TLS to it is made of; those belong together,
//! so that nothing of it is taken for another daemon.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plexy_shared::error::{Code, Refusal, nearest, quoted};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::args::Options;
use crate::client::{Credentials, Endpoint};
use crate::exit::ClientCode;
use crate::failure::{Failure, Place};

/// The file, below a folder of configuration.
const FILE: &str = "plexy/plexyctl.toml";

/// Where all users have theirs.
const SYSTEM_FOLDER: &str = "/etc";

/// Keys, each named like the option.
const KEYS: [&str; 5] = ["endpoint", "ca", "cert", "key", "server-name"];

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    endpoint: Option<Endpoint>,
    credentials: Credentials,
}

/// Where to go, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The daemon; none for that of this machine.
    pub(crate) endpoint: Option<Endpoint>,
    /// What TLS to it is made of, where it speaks TLS.
    pub(crate) credentials: Credentials,
}

impl Config {
    /// Reads that of the user, else that of the system; it need not be there.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        for file in files(|name| env::var_os(name)) {
            match fs::read_to_string(&file) {
                Ok(text) => return Self::parse(&text, &file),
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    let file = quoted(&file.display().to_string());
                    let message = format!("cannot read the configuration {file}: {error}");
                    return Err(Failure::new(ClientCode::Usage, message));
                }
            }
        }
        Ok(Self::default())
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
            let name = key.get_ref().as_ref();
            if !KEYS.contains(&name) {
                return Err(wrong(key.span(), unknown(name)));
            }
            let said = word(name, value).map_err(|refusal| wrong(value.span(), refusal))?;
            config.set(name, said, file).map_err(|refusal| wrong(value.span(), refusal))?;
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, said: &str, file: &Path) -> Result<(), Refusal> {
        let path = || Some(file.parent().unwrap_or(Path::new("")).join(said));
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
            _ => self.credentials.server_name = Some(said.to_owned()),
        }
        Ok(())
    }

    /// What holds: options and environment, then the file.
    pub(crate) fn target(self, options: &Options) -> Result<Target, Failure> {
        let named = options.endpoint.is_some();
        let is_of_file = !named || self.endpoint.is_none() || options.endpoint == self.endpoint;
        let of_file = if is_of_file { self.credentials } else { Credentials::default() };
        let endpoint = options.endpoint.clone().or(self.endpoint);
        let is_tls = matches!(endpoint, Some(Endpoint::Tls(_)));
        if let Some(option) = options.tls_option.filter(|_| !is_tls) {
            let place = match &endpoint {
                Some(endpoint) => format!("{endpoint} is not"),
                None => "the socket of this machine is not".to_owned(),
            };
            let message = format!("`{option}` is for endpoints of TLS, `wss://host:port`; {place}");
            return Err(Failure::new(ClientCode::Usage, message));
        }
        // Certificate and key are one thing: they come from one place.
        let (cert, key) = match (&options.cert, &options.key) {
            (None, None) => (of_file.cert, of_file.key),
            (cert, key) => (cert.clone(), key.clone()),
        };
        let credentials = Credentials {
            ca: options.ca.clone().or(of_file.ca),
            cert,
            key,
            server_name: options.server_name.clone().or(of_file.server_name),
        };
        Ok(Target { endpoint, credentials })
    }
}

/// Where a file may be, the first that counts first (XDG Base Directory Specification).
fn files(variable: impl Fn(&str) -> Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".config"));
    let of_user = folder("XDG_CONFIG_HOME").or_else(home);
    of_user.into_iter().chain([PathBuf::from(SYSTEM_FOLDER)]).map(|folder| folder.join(FILE))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn word<'a>(key: &str, value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Refusal> {
    match value.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok(text),
        _ => Err(Refusal::new(Code::InvalidValue, format!("`{key}` is a text in quotes"))),
    }
}

fn unknown(key: &str) -> Refusal {
    let message = format!("unknown key {}", quoted(key));
    let refusal = Refusal::new(Code::UnknownOption, message);
    refusal.suggesting(nearest(key, KEYS).map(str::to_owned))
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
        let failure = parse("endpiont = \"ws://a:1\"").unwrap_err();
        assert_eq!(failure.suggestion.as_deref(), Some("endpoint"));
        assert_eq!(failure.place.unwrap().span, 0..8);
    }
}
