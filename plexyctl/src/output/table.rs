//! The lists of answers: which columns each of them has.

mod backends;
mod conns;
mod contexts;
mod events;
mod explanation;
mod history;
mod overview;
mod summary;
mod tunnels;

use plexy_shared::command::{Detail, Request};

use super::listing::Listing;
use crate::answer::Answer;
pub(super) use conns::{briefly, conns};
pub(crate) use contexts::{CONTEXTS, SETTINGS};
pub(super) use events::{events, line as event_line};
pub(super) use explanation::explained;
pub(super) use history::history;
pub(crate) use overview::keys as keys_of_top;
pub(super) use overview::{lines as overview_lines, note as overview_note, overview};
pub(super) use summary::detail;
pub(super) use tunnels::tunnels;

/// The list that an answer is, or has; none where it has none.
pub(super) fn listing(answer: &Answer) -> Option<Listing> {
    match answer {
        Answer::Status(reply) => reply.tunnel_list.as_deref().map(tunnels),
        Answer::Detail(info) => Some(backends::all(&info.backend_list)),
        Answer::Conns(reply) => Some(conns(&reply.connections)),
        Answer::Explained(reply) => Some(explanation::backends(&reply.backend_list)),
        Answer::Events(reply) | Answer::News(reply) => Some(events(&reply.events)),
        Answer::History(reply) => Some(history(reply)),
        Answer::Contexts(contexts) => Some(contexts::contexts(contexts)),
        Answer::Settings { settings, .. } => Some(contexts::settings(settings)),
        Answer::Overview(look) => overview(look),
        _ => None,
    }
}

/// The columns of the list that a request will be answered with; none where that will be no list, or one
/// without an end.
pub(super) fn keys(request: &Request) -> Option<Vec<&'static str>> {
    match request {
        Request::Status(Detail::Full) => Some(tunnels::keys()),
        Request::Detail(_) => Some(backends::keys()),
        Request::Conns(_) => Some(conns::keys()),
        Request::Explain { .. } => Some(explanation::keys()),
        Request::Events { follow: false, .. } => Some(events::keys()),
        Request::History(_) => Some(history::keys()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
