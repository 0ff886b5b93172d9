//! PostgreSQL: one cluster in a temporary folder, everybody trusted, nothing written safely.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Signal, geteuid};

use crate::tool::Tool;

use super::{Kind, Server, Site, asks};

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The user that runs it where the test runs as root, which PostgreSQL refuses.
const USER: &str = "postgres";

/// What `ReadyForQuery` would come after: `AuthenticationOk`, the answer to a start-up packet.
const AUTHENTICATION_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

/// A PostgreSQL with the superuser and the database `postgres`; its data survives a restart.
#[derive(Debug, Clone, Default)]
pub struct Postgres {
    settings: Vec<String>,
}

impl Postgres {
    /// Starts one; nothing where it is not installed.
    pub async fn start() -> Option<Server<Self>> {
        Server::start(Self::default()).await
    }

    /// Starts one with further settings (`["max_connections=500"]`).
    pub async fn start_with(settings: &[&str]) -> Option<Server<Self>> {
        let settings = settings.iter().map(ToString::to_string).collect();
        Server::start(Self { settings }).await
    }
}

impl Server<Postgres> {
    /// The URL of its database through another address, such as that of a tunnel.
    #[must_use]
    pub fn url_through(&self, addr: std::net::SocketAddr) -> String {
        format!("postgresql://{USER}@{addr}/postgres")
    }

    /// A program of the same version (`pgbench`, `psql`).
    #[must_use]
    pub fn client(&self, program: &str) -> Option<Tool> {
        let folder = self.site().tool().path().parent().map(Path::to_owned);
        Tool::find_in(folder, program, "postgresql")
    }
}

impl Kind for Postgres {
    fn find(&self) -> Option<Tool> {
        Tool::find_in(programs(), "postgres", "postgresql")
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        let user = user()?;
        if let Some((uid, gid)) = user {
            chown(site.home(), Some(uid), Some(gid))?;
        }
        let initdb = site.tool().path().with_file_name("initdb");
        let mut command = command(&initdb, user, site);
        command.args(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "-U", USER]);
        let output = command.arg("-D").arg(data(site)).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn command(&self, site: &Site) -> Command {
        let user = user().expect("the user was found when the cluster was made");
        let mut command = command(site.tool().path(), user, site);
        command.args(["-h", "127.0.0.1", "-p", &site.addr().port().to_string(), "-F", "-D"]);
        command.arg(data(site)).args(["-c", "unix_socket_directories="]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        asks(site.addr(), &startup_packet(), AUTHENTICATION_OK).await
    }

    /// "Immediate shutdown": no data is written and no client waited for, as with a kill, but shared
    /// memory is freed. Clients get a last message and a clean end of the connection.
    fn signal(&self) -> Signal {
        Signal::QUIT
    }
}

/// The folders of all installed versions, the newest first.
fn programs() -> Vec<PathBuf> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders
}

fn data(site: &Site) -> PathBuf {
    site.home().join("data")
}

/// A program of the server's, as the user it must run as.
fn command(program: &Path, user: Option<(u32, u32)>, site: &Site) -> Command {
    let mut command = Command::new(program);
    command.current_dir(site.home());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// The user and group to change to, where the test runs as root.
fn user() -> io::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    let ids = passwd.lines().find_map(|line| {
        let mut fields = line.strip_prefix(USER)?.strip_prefix(':')?.split(':');
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some).ok_or_else(|| io::Error::other(format!("there is no user {USER} to run it as")))
}

/// Protocol 3.0, user and database: what a client says first.
fn startup_packet() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(body.len() + size_of::<u32>()).expect("it is short");
    [&length.to_be_bytes(), &body[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn postgres_keeps_its_data_over_a_kill() {
        let Some(mut postgres) = Postgres::start().await else {
            return;
        };
        let Some(psql) = postgres.client("psql") else {
            return;
        };
        let url = postgres.url_through(postgres.addr());
        let sql = async |sql: &str| psql.run([&url, "-Atc", sql]).output().await.success();
        sql("create table t as select 42 as x; checkpoint").await;

        postgres.kill();
        postgres.restart().await;

        assert_eq!(sql("select x from t").await, "42\n");
    }
}
