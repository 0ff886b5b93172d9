//! What is asked, in a few words: by the names that the command has, and no others.

use plexy_shared::command::Request;
use plexy_shared::connection::KillOrder;
use plexy_shared::spec::LiveAction;
use plexy_shared::units::counted;

use crate::output::safe;

/// Over a question; none where there is no more to say than the verb.
pub(super) fn title(request: Option<&Request>) -> Option<String> {
    let title = match request? {
        Request::Drain { tunnel, backend: None, .. } => format!("Drain tunnel {tunnel}?"),
        Request::Drain { tunnel, backend: Some(backend), .. } => {
            format!("Drain backend {backend} of {tunnel}?")
        }
        Request::Close { tunnel, live } if live.action == LiveAction::Kill => {
            format!("Close tunnel {tunnel} now?")
        }
        Request::Close { tunnel, .. } => format!("Close tunnel {tunnel}?"),
        Request::Remove { tunnel, backend, .. } => {
            format!("Remove backend {} of {tunnel}?", backend.addr)
        }
        Request::Switch { tunnel, .. } => format!("Switch backends of {tunnel}?"),
        Request::Disable { tunnel, backend } => {
            format!("Disable backend {backend} of {tunnel}?")
        }
        Request::Kill(KillOrder::Ids(ids)) => match ids.as_slice() {
            [id] => format!("Kill connection {id}?"),
            ids => format!("Kill {}?", counted(ids.len() as u64, "connection")),
        },
        Request::Kill(KillOrder::Where { tunnel: Some(tunnel), .. }) => {
            format!("Kill connections of {tunnel}?")
        }
        Request::Kill(KillOrder::Where { tunnel: None, .. }) => "Kill connections?".to_owned(),
        Request::Set { tunnel, .. } => format!("Change {tunnel}?"),
        Request::SetBackend { tunnel, backend, .. } => {
            format!("Change {backend} of {tunnel}?")
        }
        _ => return None,
    };
    Some(safe(&title))
}
