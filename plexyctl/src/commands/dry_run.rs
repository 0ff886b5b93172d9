//! Which commands can be tried out: those that change tunnels, or end connections.

use plexy_shared::command::Request;
use plexy_shared::rpc::Terms;

use crate::args::Options;
use crate::failure::Failure;
use crate::tier::is_change;

/// On what terms a command is asked for.
pub(super) fn terms(request: &Request, line: &str, options: &Options) -> Result<Terms, Failure> {
    let terms = Terms { expected_revision: None, dry_run: options.dry_run };
    let verb = line.split_whitespace().next().unwrap_or_default();
    if !options.dry_run {
        return Ok(terms);
    }
    if matches!(request, Request::Save | Request::Log(Some(_))) {
        let message = format!("`{verb}` cannot be tried out: no tunnel changes by it");
        return Err(Failure::usage(message));
    }
    if !is_change(request) {
        let message = format!("`{verb}` changes nothing, so there is nothing to try out");
        return Err(Failure::usage(message).with_hint("leave `--dry-run` out"));
    }
    Ok(terms)
}
