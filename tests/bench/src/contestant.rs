//! Who is measured: builds of plexyd, HAProxy and nginx.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::child::Launch;
use crate::cpus::Cpus;
use crate::launch::raise_descriptors;

mod plexyd;
mod template;

pub(crate) use self::plexyd::{build, build_of};
use self::template::Template;

/// Where servers lie that a user's `PATH` often lacks.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Which proxy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A build of plexyd.
    Plexyd,
    /// HAProxy.
    Haproxy,
    /// nginx, with its stream module.
    Nginx,
}

/// A proxy that can be started.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    /// What it is called in the table.
    pub(crate) label: String,
    /// Which proxy it is.
    pub(crate) kind: Kind,
    /// Its version, as it tells.
    pub(crate) version: String,
    program: PathBuf,
    /// The program that runs it, with its arguments; usually none.
    under: Vec<OsString>,
}

/// What a proxy is to do, and where it may write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    /// A folder of its own.
    pub(crate) home: &'a Path,
    /// Its CPUs.
    pub(crate) cpus: &'a Cpus,
    /// Where each tunnel listens, and its backend.
    pub(crate) tunnels: &'a [(SocketAddr, SocketAddr)],
    /// The file with the certificate and the key of tunnels that terminate TLS.
    pub(crate) certificate: Option<&'a Path>,
    /// Where it may serve metrics.
    pub(crate) metrics: SocketAddr,
}

impl Contestant {
    /// A build of plexyd.
    pub(crate) fn plexyd(label: &str, program: &Path) -> anyhow::Result<Self> {
        let program = program.canonicalize().with_context(|| format!("`{}`", program.display()))?;
        Self::new(label, Kind::Plexyd, program, "--version")
    }

    /// The HAProxy or nginx of this machine.
    pub(crate) fn installed(kind: Kind) -> anyhow::Result<Self> {
        match kind {
            Kind::Plexyd => bail!("plexyd is built, not installed"),
            Kind::Haproxy => Self::new("haproxy", kind, find("haproxy", "haproxy")?, "-vv"),
            Kind::Nginx => {
                let program = find("nginx", "nginx libnginx-mod-stream")?;
                Self::new("nginx", kind, program, "-V")
            }
        }
    }

    fn new(label: &str, kind: Kind, program: PathBuf, version: &str) -> anyhow::Result<Self> {
        let output = Command::new(&program).arg(version).output();
        let output = output.with_context(|| format!("cannot run `{}`", program.display()))?;
        // nginx tells it as an error.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let version = version_of(&text);
        Ok(Self { label: label.to_owned(), kind, version, program, under: Vec::new() })
    }

    /// Whether it is plexyd.
    pub(crate) fn is_plexyd(&self) -> bool {
        self.kind == Kind::Plexyd
    }

    /// Run by another program, with these words before its own.
    #[must_use]
    pub(crate) fn under(mut self, runner: &Path, words: &[&str]) -> Self {
        self.under = vec![runner.into()];
        self.under.extend(words.iter().map(OsString::from));
        self
    }

    /// How it is started, its configuration written.
    pub(crate) fn launch(&self, site: Site<'_>) -> anyhow::Result<Launch> {
        let launch = Launch::new(&self.label, &self.program, site.home, site.cpus);
        let launch = launch.under(&self.under);
        match self.kind {
            Kind::Plexyd => Ok(plexyd::arguments(launch, site)),
            Kind::Haproxy => {
                let config = configure(site, "haproxy.cfg", include_str!("../haproxy.cfg"))?;
                Ok(launch.argument("-db").argument("-f").argument(config))
            }
            Kind::Nginx => {
                let config = configure(site, "nginx.conf", include_str!("../nginx.conf"))?;
                Ok(launch.argument("-c").argument(config).argument("-e").argument("stderr"))
            }
        }
    }
}

/// The first line, and the OpenSSL with which it runs where it is told.
fn version_of(text: &str) -> String {
    let version = text.lines().next().unwrap_or_default().trim();
    // HAProxy: "Running on OpenSSL version : OpenSSL 3.0.19 …"; nginx: "built with OpenSSL 3.0.22 …
    // (running with OpenSSL 3.0.19 …)", without what is in parentheses where it is the same.
    let ways =
        [("Running on OpenSSL version : ", '\n'), ("(running with ", ')'), ("built with ", '\n')];
    let openssl = ways.iter().find_map(|(before, after)| {
        let told = text.lines().find_map(|line| Some(line.split_once(before)?.1))?;
        let told = told.split(*after).next()?.trim();
        told.starts_with("OpenSSL").then_some(told)
    });
    openssl.map_or_else(|| version.to_owned(), |openssl| format!("{version}, {openssl}"))
}

/// Writes a configuration file.
fn configure(site: Site<'_>, name: &str, template: &str) -> anyhow::Result<PathBuf> {
    let path = site.home.join(name);
    let home = site.home.display().to_string();
    let descriptors = raise_descriptors()?.to_string();
    let pair = site.certificate.map(|file| file.display().to_string());
    let tls = |text: &str| pair.as_ref().map_or_else(String::new, |pair| text.replace("{}", pair));
    let values = [
        ("home", home.as_str()),
        ("descriptors", &descriptors),
        ("crt", &tls(" ssl crt {}")),
        ("ssl", &tls(" ssl")),
        ("pair", &tls("ssl_certificate {}; ssl_certificate_key {};")),
    ];
    let text = Template::parse(template)?.fill(&values, site.tunnels);
    fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

/// Finds a program in `PATH` and the folders of the system.
pub(crate) fn find(program: &str, packages: &str) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    let found = folders.find_map(|folder| Some(folder.join(program)).filter(|it| it.is_file()));
    found.with_context(|| {
        format!("{program} is not installed (apt-get install {packages}); --only leaves it out")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(version_of(text), expected);
    }

    #[test]
    fn the_openssl_that_runs_is_told_with_the_version() {
        check("plexyd 1.0\n", "plexyd 1.0");
        let haproxy = "HAProxy 2.6\nBuilt with OpenSSL version : OpenSSL 3.0.2\n\
                       Running on OpenSSL version : OpenSSL 3.0.1 27 Jan\n";
        check(haproxy, "HAProxy 2.6, OpenSSL 3.0.1 27 Jan");
        let nginx =
            "nginx 1\nbuilt with OpenSSL 3.0.2 5 Jan (running with OpenSSL 3.0.1 2 Jan)\nTLS";
        check(nginx, "nginx 1, OpenSSL 3.0.1 2 Jan");
        check("nginx 1\nbuilt with OpenSSL 3.0.2 5 Jan\nTLS", "nginx 1, OpenSSL 3.0.2 5 Jan");
    }
}
