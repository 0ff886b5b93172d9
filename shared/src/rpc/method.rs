//! What a method is, and the table of them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A method: its name, what it takes, and what it answers.
pub trait Method: 'static {
    /// Its name.
    const NAME: &'static str;

    /// Its named parameters; unknown ones are refused.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// Its answer.
    type Reply: Serialize + DeserializeOwned + JsonSchema + Clone + Send + 'static;
}

/// A method whose answer is a stream. Its reply is the number of the
/// subscription, as a string; a WebSocket is needed.
pub trait Subscription: Method<Reply = String> {
    /// The method of the notifications that carry the items.
    const NOTIFICATION: &'static str;

    /// The method that ends it: its one parameter is the number, in an array.
    const UNSUBSCRIBE: &'static str;

    /// What comes, again and again.
    type Item: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
}

/// One row of the table, for documents.
#[derive(Debug)]
pub struct MethodRow {
    /// The method's name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether it changes anything.
    pub is_change: bool,
    /// The schema of its parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of its reply.
    pub reply: fn(&mut SchemaGenerator) -> Schema,
}

impl MethodRow {
    /// The row of a method.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|row| row.name == name)
    }
}

/// Writes the rows of [`METHODS`], and a type for each.
macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident($name:literal, $kind:ident, $params:ty) -> $reply:ty = $summary:literal;)+) => {
        /// One type per method.
        pub(super) mod methods {
            use super::Method;
            use crate::connection;
            use crate::event;
            use crate::explanation;
            use crate::history;
            use crate::info;
            use crate::overview;
            use crate::plan;
            use crate::rpc::params;

            $(
                #[doc = concat!("`", $name, "`: ", $summary, ".")]
                #[derive(Debug, Clone, Copy)]
                pub struct $method;

                impl Method for $method {
                    const NAME: &'static str = $name;
                    type Params = $params;
                    type Reply = $reply;
                }
            )+
        }

        /// Every method, in the order of the documents.
        pub static METHODS: &[MethodRow] = &[
            $(MethodRow {
                name: $name,
                summary: $summary,
                is_change: is_change!($kind),
                params: |generator| {
                    generator.subschema_for::<<methods::$method as Method>::Params>()
                },
                reply: |generator| {
                    generator.subschema_for::<<methods::$method as Method>::Reply>()
                },
            },)+
        ];
    };
}

macro_rules! is_change {
    (change) => {
        true
    };
    (look) => {
        false
    };
}

methods! {
    Hello("hello", look, params::HelloParams) -> info::HelloReply
        = "says which daemon this is, which instance of it, and what it can do";
    Version("version", look, params::NoParams) -> info::VersionReply
        = "tells the version, the process and how long it runs";
    Ping("ping", look, params::NoParams) -> String = "answers `pong`";
    NumberOfTunnels("numberOfTunnels", look, params::NoParams) -> info::StatusReply
        = "counts the tunnels";
    ListTunnels("listTunnels", look, params::NoParams) -> info::StatusReply
        = "lists every tunnel in order of opening, with its counts";
    TunnelInfo("tunnelInfo", look, params::TunnelParams) -> info::TunnelInfo
        = "shows one tunnel in full: options, backends with their state, why connections ended";
    Backends("backends", look, params::TunnelParams) -> info::BackendsReply
        = "shows the backends of one tunnel";
    OpenTunnel("openTunnel", change, params::OpenTunnelParams) -> info::OpenReply
        = "listens and carries; connecting works when the answer comes";
    OpenTunnels("openTunnels", change, params::OpenTunnelsParams) -> info::OpenAllReply
        = "opens all of several tunnels, or none";
    PlanTunnels("planTunnels", look, params::PlanTunnelsParams) -> plan::ApplyReply
        = "tells what `applyTunnels` would do with the same tunnels, one by one, and does nothing";
    ApplyTunnels("applyTunnels", change, params::ApplyTunnelsParams) -> plan::ApplyReply
        = "makes the tunnels what these say, all of it or nothing: opens, changes and, with `prune`, closes";
    CloseTunnel("closeTunnel", change, params::CloseTunnelParams) -> info::CloseReply
        = "stops listening and resets the connections, or lets them finish; the port is free when the answer comes";
    AddBackend("addBackend", change, params::BackendParams) -> info::BackendReply
        = "adds a backend; new connections may go to it at once";
    RemoveBackend("removeBackend", change, params::RemoveBackendParams) -> info::BackendReply
        = "removes a backend; its live connections get what on-remove of the tunnel says, or `live`";
    SwitchBackends("switchBackends", change, params::SwitchBackendsParams) -> info::TunnelChangeReply
        = "replaces all backends in one step; those that stay go on counting";
    SetTunnel("setTunnel", change, params::SetTunnelParams) -> info::TunnelChangeReply
        = "changes options of a tunnel in one step";
    SetBackend("setBackend", change, params::SetBackendParams) -> info::TunnelChangeReply
        = "changes attributes of a backend in one step";
    Drain("drain", change, params::DrainParams) -> info::TunnelChangeReply
        = "lets no new clients come to a backend, or to the whole tunnel, which stops listening and keeps its place";
    Disable("disable", change, params::DisableParams) -> info::TunnelChangeReply
        = "takes a backend out of service: no new clients, no checks";
    Enable("enable", change, params::EnableParams) -> info::TunnelChangeReply
        = "ends a drain, or puts a backend into service again; a tunnel listens again";
    ListConnections("listConnections", look, params::ConnectionsParams) -> connection::ConnectionsReply
        = "shows the live connections: those that pass a filter, the first of them in an order";
    KillConnections("killConnections", change, params::KillParams) -> connection::KillReply
        = "resets connections at once: those with these ids, or all that pass a filter";
    Explain("explain", look, params::ExplainParams) -> explanation::Explanation
        = "tells what a client would meet if it came now, which backends it might get and why not the others, and which it would get";
    History("history", look, params::HistoryParams) -> history::HistoryReply
        = "tells the newest changes, with who made them and how it was before";
    Undo("undo", change, params::UndoParams) -> history::TransitionReply
        = "makes the tunnels what they were before the newest changes; that is a change too";
    Save("save", change, params::NoParams) -> history::SaveReply
        = "tells the file in which the state is kept, once all of it is there";
    Load("load", change, params::LoadParams) -> history::TransitionReply
        = "opens the tunnels of a file like that of --config, which plexyd reads: all of them or none";
    Export("export", look, params::NoParams) -> history::ExportReply
        = "tells every tunnel as the specification that opens it";
    Reload("reload", change, params::ChangeParams) -> history::TransitionReply
        = "reads the configuration file and all certificates again and does the difference, all of it or nothing";
    LogLevel("logLevel", look, params::NoParams) -> info::LogLevelReply
        = "tells how much the daemon logs, and until when";
    SetLogLevel("setLogLevel", change, params::LogLevelParams) -> info::LogLevelReply
        = "changes how much the daemon logs, for a time or until the next start";
    ListEvents("listEvents", look, params::EventsParams) -> event::EventsReply
        = "tells what has happened, the newest of it, or what came after an event";
    SubscribeEvents("subscribeEvents", look, params::EventsParams) -> String
        = "sends the same as `events`, then what happens from now on; over a WebSocket only";
    UnsubscribeEvents("unsubscribeEvents", look, params::UnsubscribeParams) -> bool
        = "ends a subscription: its number is the only parameter, in an array";
    SubscribeStats("subscribeStats", look, params::StatsParams) -> String
        = "sends the counts again and again as `stats`; over a WebSocket only";
    UnsubscribeStats("unsubscribeStats", look, params::UnsubscribeParams) -> bool
        = "ends a subscription: its number is the only parameter, in an array";
    Overview("overview", look, overview::OverviewParams) -> overview::Overview
        = "shows the daemon at a glance: its sums, and rows of tunnels, backends or connections that are found, sorted and cut";
    SubscribeOverview("subscribeOverview", look, overview::OverviewParams) -> String
        = "sends `overview` again and again; over a WebSocket only";
    UnsubscribeOverview("unsubscribeOverview", look, params::UnsubscribeParams) -> bool
        = "ends a subscription: its number is the only parameter, in an array";
    Discover("rpc.discover", look, params::NoParams) -> serde_json::Value
        = "answers this interface as an OpenRPC document";
}

impl Subscription for methods::SubscribeStats {
    const NOTIFICATION: &'static str = "stats";
    const UNSUBSCRIBE: &'static str = methods::UnsubscribeStats::NAME;
    type Item = crate::info::Stats;
}

impl Subscription for methods::SubscribeOverview {
    const NOTIFICATION: &'static str = "overview";
    const UNSUBSCRIBE: &'static str = methods::UnsubscribeOverview::NAME;
    type Item = crate::overview::Overview;
}

impl Subscription for methods::SubscribeEvents {
    const NOTIFICATION: &'static str = "events";
    const UNSUBSCRIBE: &'static str = methods::UnsubscribeEvents::NAME;
    type Item = crate::event::EventsReply;
}
