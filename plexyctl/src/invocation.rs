//! This program, as somebody would call it in a shell.

use std::fmt::Display;

/// This client and its version.
pub(crate) const CLIENT: &str = concat!("plexyctl ", env!("CARGO_PKG_VERSION"));

/// The command that shows a tunnel, to be typed into a shell.
pub(crate) fn look_at(tunnel: impl Display) -> String {
    command_for("detail", [tunnel.to_string().as_str()])
}

/// A command to be typed into a shell.
pub(crate) fn command_for<'a>(verb: &'a str, words: impl IntoIterator<Item = &'a str>) -> String {
    shell_command(std::iter::once(verb).chain(words).map(str::to_owned))
}

/// The same of all its words.
pub(crate) fn shell_command(words: impl IntoIterator<Item = String>) -> String {
    // An equals sign says something to a shell only where a word begins with it.
    let is_plain = |word: &str| {
        let is_harmless = |it: char| it.is_ascii_alphanumeric() || "._:/,+-=".contains(it);
        !word.is_empty() && !word.starts_with('=') && word.chars().all(is_harmless)
    };
    let quoted = |word: String| match shlex::try_quote(&word) {
        Ok(quoted) if !is_plain(&word) => quoted.into_owned(),
        Ok(_) | Err(_) => word,
    };
    let words = words.into_iter().map(quoted);
    std::iter::once("plexyctl".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_to_be_typed_is_one_for_a_shell() {
        for (tunnel, command) in [
            ("db", "plexyctl detail db"),
            ("127.0.0.1:80", "plexyctl detail 127.0.0.1:80"),
            ("*:80", "plexyctl detail '*:80'"),
            ("\"unix:/a b\"", "plexyctl detail '\"unix:/a b\"'"),
        ] {
            assert_eq!(look_at(tunnel.parse::<plexy_shared::spec::TunnelRef>().unwrap()), command);
        }
    }
}
