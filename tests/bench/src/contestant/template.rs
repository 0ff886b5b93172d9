//! A configuration file with a part that stands there once per tunnel, and words in braces.

use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::Context;

const BEGIN: &str = "# begin: once per tunnel\n";
const END: &str = "# end\n";

/// A parsed template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Template<'a> {
    head: &'a str,
    tunnel: &'a str,
    tail: &'a str,
}

impl<'a> Template<'a> {
    pub(super) fn parse(text: &'a str) -> anyhow::Result<Self> {
        let (head, rest) = text.split_once(BEGIN).context("a template without a beginning")?;
        let (tunnel, tail) = rest.split_once(END).context("a template without an end")?;
        Ok(Self { head, tunnel, tail })
    }

    /// With these values for the words, and with these tunnels.
    pub(super) fn fill(
        &self,
        values: &[(&str, &str)],
        tunnels: &[(SocketAddr, SocketAddr)],
    ) -> String {
        let fill = |text: &str| {
            values.iter().fold(text.to_owned(), |text, (word, value)| {
                text.replace(&format!("{{{word}}}"), value)
            })
        };
        let (mut text, tunnel) = (fill(self.head), fill(self.tunnel));
        for (number, (listen, backend)) in tunnels.iter().enumerate() {
            let tunnel = tunnel
                .replace("{number}", &number.to_string())
                .replace("{listen}", &listen.to_string())
                .replace("{backend}", &backend.to_string());
            write!(text, "{tunnel}").ok();
        }
        text + &fill(self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_a_tunnel_stands_there_once_for_each() {
        let text = "a {home}\n# begin: once per tunnel\n{number} {listen}={backend}\n# end\nz\n";
        let tunnels = [("127.0.0.1:1", "127.0.0.1:2"), ("127.0.0.1:3", "127.0.0.1:4")];
        let tunnels = tunnels.map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()));
        let filled = Template::parse(text).unwrap().fill(&[("home", "/x")], &tunnels);
        assert_eq!(filled, "a /x\n0 127.0.0.1:1=127.0.0.1:2\n1 127.0.0.1:3=127.0.0.1:4\nz\n");
    }

    #[test]
    fn the_templates_of_this_folder_are_ones() {
        for text in [include_str!("../../haproxy.cfg"), include_str!("../../nginx.conf")] {
            let template = Template::parse(text).unwrap();
            assert!(template.tunnel.contains("{listen}") && template.tunnel.contains("{backend}"));
        }
    }
}
