//! nginx, serving a folder over HTTP.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::tool::Tool;
use crate::traffic::Pattern;

use super::{Kind, Server, Site, asks};

/// The piece in which a large file is written.
const CHUNK: usize = 1 << 20;

/// An nginx in one process, with no access log, which serves the files it is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nginx;

impl Nginx {
    /// Starts one; nothing where it is not installed.
    pub async fn start() -> Option<Server<Self>> {
        Server::start(Self).await
    }
}

impl Server<Nginx> {
    /// Serves a file with this content as `/name`.
    pub fn serve(&self, name: &str, content: &[u8]) {
        fs::write(root(self.site()).join(name), content).expect("the folder is ours");
    }

    /// Serves `/name` no more.
    pub fn withdraw(&self, name: &str) {
        fs::remove_file(root(self.site()).join(name)).expect("it was served");
    }

    /// Serves the first `bytes` bytes of the pattern of `seed` as `/name`: a large download that
    /// can be checked.
    pub fn serve_pattern(&self, name: &str, seed: u64, bytes: u64) {
        let mut file = File::create(root(self.site()).join(name)).expect("the folder is ours");
        let mut pattern = Pattern::new(seed);
        let mut buffer = vec![0; CHUNK];
        while pattern.offset() < bytes {
            let left = usize::try_from(bytes - pattern.offset()).unwrap_or(CHUNK);
            let piece = &mut buffer[..left.min(CHUNK)];
            pattern.fill(piece);
            file.write_all(piece).expect("the disk has room for the file");
        }
    }

    /// The URL of `/name` through another address, such as that of a tunnel.
    #[must_use]
    pub fn url_through(&self, addr: SocketAddr, name: &str) -> String {
        format!("http://{addr}/{name}")
    }
}

impl Kind for Nginx {
    fn find(&self) -> Option<Tool> {
        Tool::find("nginx", "nginx")
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        fs::create_dir(root(site))?;
        fs::create_dir(site.home().join("temp"))?;
        fs::write(config_path(site), config(site))
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = Command::new(site.tool().path());
        command.arg("-p").arg(site.home()).arg("-c").arg(config_path(site)).args(["-e", "stderr"]);
        command
    }

    async fn answers(&self, site: &Site) -> bool {
        asks(site.addr(), b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 ").await
    }
}

fn root(site: &Site) -> PathBuf {
    site.home().join("www")
}

fn config_path(site: &Site) -> PathBuf {
    site.home().join("nginx.conf")
}

/// One process (`master_process off`), so that killing it leaves no worker behind; every path in
/// its own folder, so that it runs as anybody.
fn config(site: &Site) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    server {{
        listen {} backlog=4096;
        root www;
    }}
}}
",
        site.addr()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nginx_serves_what_it_is_given_and_comes_back() {
        let Some(mut nginx) = Nginx::start().await else {
            return;
        };
        let Some(curl) = Tool::find("curl", "curl") else {
            return;
        };
        nginx.serve_pattern("large", 7, 3_000_000);
        nginx.restart().await;
        let url = nginx.url_through(nginx.addr(), "large");
        let output = curl.run(["-sS", "--noproxy", "*", &url]).output().await;
        assert!(output.is_success(), "{}", output.errors());
        assert_eq!(output.stdout.len(), 3_000_000);
        Pattern::new(7).check(&output.stdout).unwrap();
    }
}
