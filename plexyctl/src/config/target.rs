//! Where to go, and with what: of options, environment and files that which counts most, and where it was
//! said.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Config, Context, Way};
use crate::args::Options;
use crate::client::{Credentials, Endpoint};
use crate::exit::ClientCode;
use crate::failure::Failure;

/// Where to go, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The daemon; none for that of this machine.
    pub(crate) endpoint: Option<Endpoint>,
    /// What TLS to it is made of, where it speaks TLS.
    pub(crate) credentials: Credentials,
    /// The token that it is shown.
    pub(crate) token_file: Option<PathBuf>,
    /// The context, where it is one that has a name.
    pub(crate) context: Option<String>,
    /// The name of the context where changes are thought over twice.
    pub(crate) protected: Option<String>,
    /// The name of the context where nothing is changed.
    pub(crate) read_only: Option<String>,
    /// Where it was said that it is there.
    pub(crate) origin: Origin,
}

/// Where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line, with this option.
    Line(&'static str),
    /// In this variable.
    Variable(&'static str),
    /// In this file.
    File(PathBuf),
    /// In this context of that file.
    Context(String, PathBuf),
    /// Nowhere: it is so by itself.
    Default,
}

/// One value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// What it is called.
    pub(crate) key: &'static str,
    /// What it is; none where there is none.
    pub(crate) value: Option<String>,
    /// Where it was said.
    pub(crate) origin: Origin,
}

/// What says where the daemon is.
enum Chosen<'a> {
    Endpoint(Endpoint, Origin),
    Context(String, &'a Context, Origin),
    Top,
}

impl Target {
    /// The words of a command line that lead there too, whatever variables and files say where it is given,
    /// and whatever they become. Where the daemon of this machine is, they do not say: whoever has found it
    /// puts that before them ([`found_at`]).
    pub(crate) fn words(&self, options: &Options) -> Vec<String> {
        // Of a context, only what was said besides.
        let (context, endpoint) = match &self.context {
            Some(name) => (Some(name.clone()), None),
            None => (None, self.endpoint.as_ref().map(ToString::to_string)),
        };
        let is_of_context = context.is_some();
        let said = credentials(options, &Way::default());
        let held = if is_of_context { said } else { self.credentials.clone() };
        let is_tls = matches!(self.endpoint, Some(Endpoint::Tls(_)));
        let Credentials { ca, cert, key, server_name } =
            if is_tls { held } else { Credentials::default() };
        let token = if is_of_context { &options.token_file } else { &self.token_file };
        let words = [
            ("--context", context),
            ("--endpoint", endpoint),
            ("--token-file", token.as_deref().map(absolute)),
            ("--ca", ca.as_deref().map(absolute)),
            ("--cert", cert.as_deref().map(absolute)),
            ("--key", key.as_deref().map(absolute)),
            ("--server-name", server_name),
        ];
        let said =
            words.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?]));
        said.flatten().collect()
    }
}

/// The words that lead to the daemon of this machine, once it was found there: without the address a
/// variable or a file that chooses another one would lead elsewhere.
pub(crate) fn found_at(endpoint: &str, words: &[String]) -> Vec<String> {
    let found = ["--endpoint".to_owned(), endpoint.to_owned()];
    found.into_iter().chain(words.iter().cloned()).collect()
}

/// A path for whoever stands elsewhere.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

impl Config {
    /// What holds.
    pub(crate) fn target(&self, options: &Options) -> Result<Target, Failure> {
        let chosen = self.chosen(options)?;
        let (way, context, origin) = match &chosen {
            Chosen::Endpoint(endpoint, origin) => (self.way_to(endpoint), None, origin.clone()),
            Chosen::Context(name, context, origin) => {
                (context.way.clone(), Some((name, *context)), origin.clone())
            }
            Chosen::Top => (self.way.clone(), None, self.way.origin()),
        };
        check_tls(options.tls_option, way.endpoint.as_ref())?;
        let where_it_holds = |is_so: fn(&Context) -> bool| match context {
            Some((name, context)) => is_so(context).then(|| name.clone()),
            None => self.context_at(way.endpoint.as_ref(), is_so),
        };
        let protected = where_it_holds(|context| context.is_protected);
        let read_only = where_it_holds(|context| context.is_read_only);
        Ok(Target {
            credentials: credentials(options, &way),
            token_file: options.token_file.clone().or(way.token_file),
            endpoint: way.endpoint,
            context: context.map(|(name, _)| name.clone()),
            protected,
            read_only,
            origin,
        })
    }

    /// Each value that holds, and where it comes from.
    pub(crate) fn settings(&self, options: &Options) -> Result<Vec<Setting>, Failure> {
        let target = self.target(options)?;
        let of_way = match &target.context {
            Some(name) => Origin::Context(name.clone(), self.context(name)?.way.file.clone()),
            None => self.way.origin(),
        };
        let said = |id: &'static str, option, variable: &'static str| match () {
            () if options.said.contains(&id) => Origin::Line(option),
            () if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) => {
                Origin::Variable(variable)
            }
            () => of_way.clone(),
        };
        let setting = |key, value: Option<String>, origin| {
            let origin = if value.is_some() { origin } else { Origin::Default };
            Setting { key, value, origin }
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let Credentials { ca, cert, key, server_name } = &target.credentials;
        let at = match (&target.context, &target.origin) {
            (Some(_), _) => of_way.clone(),
            (None, origin) => origin.clone(),
        };
        let token = if options.token_file.is_some() {
            Origin::Line("--token-file")
        } else {
            of_way.clone()
        };
        let guard = |key, holds: &Option<String>| {
            let origin = holds.as_ref().and_then(|name| {
                let context = self.contexts.get(name)?;
                Some(Origin::Context(name.clone(), context.way.file.clone()))
            });
            setting(key, Some(holds.is_some().to_string()), origin.unwrap_or(Origin::Default))
        };
        Ok(vec![
            setting("context", target.context.clone(), target.origin.clone()),
            setting("endpoint", target.endpoint.as_ref().map(ToString::to_string), at),
            setting("ca", path(ca), said("ca", "--ca", "PLEXY_CA")),
            setting("cert", path(cert), said("cert", "--cert", "PLEXY_CERT")),
            setting("key", path(key), said("key", "--key", "PLEXY_KEY")),
            setting(
                "server-name",
                server_name.clone(),
                said("server_name", "--server-name", "PLEXY_SERVER_NAME"),
            ),
            setting("token-file", path(&target.token_file), token),
            guard(super::PROTECTED, &target.protected),
            guard(super::READ_ONLY, &target.read_only),
        ])
    }

    /// The first rank in which something is said counts; two things of one rank are none.
    fn chosen(&self, options: &Options) -> Result<Chosen<'_>, Failure> {
        let is_line = |id: &str| options.said.contains(&id);
        for (of_line, endpoint_by, context_by) in [
            (true, Origin::Line("--endpoint"), Origin::Line("--context")),
            (false, Origin::Variable("PLEXY_ENDPOINT"), Origin::Variable("PLEXY_CONTEXT")),
        ] {
            let endpoint = options.endpoint.as_ref().filter(|_| is_line("endpoint") == of_line);
            let context = options.context.as_ref().filter(|_| is_line("context") == of_line);
            match (endpoint, context) {
                (Some(_), Some(_)) => {
                    let message = format!("{endpoint_by} and {context_by} do not go together");
                    return Err(Failure::usage(message).with_hint("each says where plexyd is"));
                }
                (Some(endpoint), None) => {
                    return Ok(Chosen::Endpoint(endpoint.clone(), endpoint_by));
                }
                (None, Some(name)) => {
                    return Ok(Chosen::Context(name.clone(), self.context(name)?, context_by));
                }
                (None, None) => {}
            }
        }
        let Some(current) = &self.current else { return Ok(Chosen::Top) };
        let context = self.context(&current.name).map_err(|failure| {
            let file = current.file.display();
            Failure { details: vec![format!("{file} says so: current-context")], ..failure }
        })?;
        Ok(Chosen::Context(current.name.clone(), context, Origin::File(current.file.clone())))
    }

    /// What is said of one daemon holds for no other.
    fn way_to(&self, endpoint: &Endpoint) -> Way {
        let is_of_file = self.way.endpoint.as_ref().is_none_or(|known| known == endpoint);
        let way = if is_of_file { self.way.clone() } else { Way::default() };
        Way { endpoint: Some(endpoint.clone()), ..way }
    }

    /// The context of a place of which that is so, by whatever way somebody has come to it.
    fn context_at(
        &self,
        endpoint: Option<&Endpoint>,
        is_so: fn(&Context) -> bool,
    ) -> Option<String> {
        let mut contexts = self.contexts.iter().filter(|(_, context)| is_so(context));
        contexts
            .find(|(_, context)| context.way.endpoint.as_ref() == endpoint)
            .map(|(name, _)| name.clone())
    }
}

impl Way {
    fn origin(&self) -> Origin {
        match self.endpoint {
            Some(_) => Origin::File(self.file.clone()),
            None => Origin::Default,
        }
    }
}

/// An option of TLS is for an endpoint of TLS.
pub(super) fn check_tls(
    option: Option<&'static str>,
    endpoint: Option<&Endpoint>,
) -> Result<(), Failure> {
    let is_tls = matches!(endpoint, Some(Endpoint::Tls(_)));
    let Some(option) = option.filter(|_| !is_tls) else { return Ok(()) };
    let place = match endpoint {
        Some(endpoint) => format!("{endpoint} is not"),
        None => "the socket of this machine is not".to_owned(),
    };
    let message = format!("`{option}` is for endpoints of TLS, `wss://host:port`; {place}");
    Err(Failure::new(ClientCode::Usage, message))
}

/// Certificate and key are one thing: they come from one place.
fn credentials(options: &Options, way: &Way) -> Credentials {
    let of_file = way.credentials.clone();
    let (cert, key) = match (&options.cert, &options.key) {
        (None, None) => (of_file.cert, of_file.key),
        (cert, key) => (cert.clone(), key.clone()),
    };
    Credentials {
        ca: options.ca.clone().or(of_file.ca),
        cert,
        key,
        server_name: options.server_name.clone().or(of_file.server_name),
    }
}

/// For people.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(option) => write!(f, "`{option}`"),
            Self::Variable(name) => write!(f, "`{name}`"),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Context(name, file) => write!(f, "context `{name}` in {}", file.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
