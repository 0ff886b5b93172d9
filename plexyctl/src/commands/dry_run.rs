//! Which commands can be tried out: those that change tunnels, or end connections.

use plexy_shared::command::Request;
use plexy_shared::rpc::Terms;

use crate::args::Options;
use crate::failure::Failure;

/// On what terms a command is asked for.
pub(super) fn terms(request: &Request, line: &str, options: &Options) -> Result<Terms, Failure> {
    let terms = Terms { expected_revision: None, dry_run: options.dry_run };
    let verb = line.split_whitespace().next().unwrap_or_default();
    match request {
        _ if !options.dry_run => Ok(terms),
        Request::Open(_)
        | Request::Close { .. }
        | Request::Add { .. }
        | Request::Remove { .. }
        | Request::Switch { .. }
        | Request::Set { .. }
        | Request::SetBackend { .. }
        | Request::Drain { .. }
        | Request::Disable { .. }
        | Request::Enable { .. }
        | Request::Kill(_)
        | Request::Undo(_)
        | Request::Load(_)
        | Request::Reload => Ok(terms),
        Request::Save | Request::Log(Some(_)) => {
            Err(Failure::usage(format!("`{verb}` cannot be tried out: no tunnel changes by it")))
        }
        Request::Status(_)
        | Request::Detail(_)
        | Request::Conns(_)
        | Request::Explain { .. }
        | Request::Events { .. }
        | Request::History(_)
        | Request::Export
        | Request::Log(None)
        | Request::Ping
        | Request::Version
        | Request::Help(_)
        | Request::Mode(_)
        | Request::Auth(_)
        | Request::Exit => {
            let failure =
                Failure::usage(format!("`{verb}` changes nothing, so there is nothing to try out"));
            Err(failure.with_hint("leave `--dry-run` out"))
        }
    }
}
