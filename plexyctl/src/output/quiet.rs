//! What `-q` leaves of an answer: what a script goes on with.

use plexy_shared::explanation::ExplainedBackend;
use plexy_shared::info::TunnelStatus;

use super::Written;
use super::safe::safe;
use super::table;
use crate::answer::Answer;

pub(super) fn write(answer: &Answer) -> Written {
    match answer {
        Answer::Opened { reply, .. } => Written::line(safe(&reply.listen)),
        Answer::Status(reply) => match &reply.tunnel_list {
            None => Written::line(reply.tunnels.to_string()),
            Some(tunnels) => {
                let data = tunnels.iter().map(|tunnel| safe(name(tunnel)) + "\n").collect();
                Written::new(data)
            }
        },
        Answer::Detail(info) => Written::line(safe(&info.status.listen)),
        Answer::Conns(reply) => {
            let data = reply.connections.iter().map(|it| safe(&it.id) + "\n").collect();
            Written::new(data)
        }
        Answer::Explained(reply) => {
            let some = |it: &&ExplainedBackend| it.share_percent.is_some_and(|it| it > 0.0);
            let data = reply.backend_list.iter().filter(some).map(|it| safe(&it.addr) + "\n");
            Written::new(data.collect())
        }
        Answer::Exported(reply) => {
            let data = reply.tunnels.iter().map(|tunnel| safe(tunnel) + "\n").collect();
            Written::new(data)
        }
        Answer::Contexts(contexts) => {
            let data = contexts.iter().map(|it| safe(&it.name) + "\n").collect();
            Written::new(data)
        }
        Answer::Overview(look) => {
            let rows = table::overview(look).into_iter().flat_map(|listing| listing.rows);
            Written::new(rows.map(|row| row.name + "\n").collect())
        }
        Answer::Saved(reply) => Written::line(safe(&reply.file)),
        Answer::LogLevel(reply) => Written::line(safe(reply.level.as_str())),
        Answer::Closed { .. }
        | Answer::Killed(_)
        | Answer::Events(_)
        | Answer::News(_)
        | Answer::History(_)
        | Answer::Undone(_)
        | Answer::Loaded(_)
        | Answer::Reloaded(_)
        | Answer::Added(_)
        | Answer::Removed(_)
        | Answer::Changed(_)
        | Answer::Waiting(_)
        | Answer::Pong(_)
        | Answer::Context(_)
        | Answer::Settings { .. }
        | Answer::Health(_)
        | Answer::Planned(_)
        | Answer::Applied(_)
        | Answer::Version(_) => Written::default(),
    }
}

/// What a command can call it by.
fn name(tunnel: &TunnelStatus) -> &str {
    tunnel.name.as_deref().unwrap_or(&tunnel.listen)
}
