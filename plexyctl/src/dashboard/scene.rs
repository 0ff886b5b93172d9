//! A dashboard on a stage, for tests of what acts: a daemon that is made up tells it what it asks for, keys
//! are pressed, and what it orders is seen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use plexy_shared::info::HelloReply;
use plexy_shared::overview::Overview;
use plexy_shared::spec::{AdminState, TunnelSpec};
use plexy_shared::word::Words;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::message::{Effect, Message, News};
use super::order::{Done, Order, Reply};
use super::state::{Looks, Moment, Place, State, Theme, Units};
use super::update::{drawn, update};
use super::view;
use crate::failure::Failure;

/// A tunnel of it.
#[derive(Debug, Clone)]
pub(super) struct Tunnel {
    pub(super) id: u64,
    pub(super) spec: String,
    /// Live connections of each backend.
    pub(super) live: Vec<u64>,
}

/// It.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) state: State,
    pub(super) tunnels: Vec<Tunnel>,
    pub(super) instance: &'static str,
    pub(super) revision: u64,
    /// Ids of live connections, all of the first tunnel.
    pub(super) connections: Vec<u64>,
    /// Whether specifications have an option that nobody knows here.
    pub(super) spec_of_more: bool,
    /// What somebody has made of all tunnels and backends.
    pub(super) admin: AdminState,
    /// So many more match than are told.
    pub(super) matched_more: usize,
    effects: Vec<Effect>,
    now: Moment,
}

impl Scene {
    /// Three tunnels, of which the first is selected.
    pub(super) fn new() -> Self {
        Self::with(Place { title: "local".to_owned(), ..Place::default() }, (80, 24))
    }

    /// The same, elsewhere.
    pub(super) fn with(place: Place, size: (u16, u16)) -> Self {
        let tunnel = |id: u64, spec: &str, live: &[u64]| Tunnel {
            id,
            spec: spec.to_owned(),
            live: live.to_vec(),
        };
        let looks = Looks {
            theme: Theme::Auto,
            has_colour: true,
            is_ascii: false,
            units: Units::Bytes,
            is_wide: false,
            has_mouse: true,
        };
        let mut scene = Self {
            state: State::new(place, looks, size),
            tunnels: vec![
                tunnel(
                    7,
                    "0.0.0.0:8080=10.0.1.5:80,10.0.1.6:80+weight=2[name=web,drain-deadline=1m]",
                    &[560, 548],
                ),
                tunnel(8, "127.0.0.1:8081=10.0.1.8:80", &[0]),
                tunnel(9, "127.0.0.1:6379=10.0.1.9:6379[name=cache]", &[1]),
            ],
            instance: "a",
            revision: 40,
            connections: vec![7_355_149_516_800_000_001, 7_355_149_516_800_000_002],
            spec_of_more: false,
            admin: AdminState::Ready,
            matched_more: 0,
            effects: Vec::new(),
            now: Moment::ZERO,
        };
        let hello: HelloReply = serde_json::from_value(json!({
            "program": "plexyd", "version": "1.0.0", "pid": 1, "uptime_seconds": 1,
            "instance": "a", "api": 1, "methods": [], "features": [],
        }))
        .unwrap();
        scene.message(Message::News(Box::new(News::Online(
            hello,
            "unix:/run/plexy/rpc.sock".into(),
        ))));
        scene.look();
        scene
    }

    /// Something happens.
    pub(super) fn message(&mut self, message: Message) {
        let effects = update(&mut self.state, self.now, message);
        self.effects.extend(effects);
    }

    /// So much time passes.
    pub(super) fn wait(&mut self, time: Moment) {
        self.now += time;
        self.message(Message::Tick);
    }

    /// The daemon tells what is wanted now.
    pub(super) fn look(&mut self) {
        let params = self.state.wanted();
        let overview = Box::new(self.overview());
        self.message(Message::News(Box::new(News::Overview(Box::new(params), overview))));
    }

    fn overview(&self) -> Overview {
        let wanted = serde_json::to_value(self.state.wanted()).unwrap();
        let rows = |rows: Vec<Value>| {
            let count = rows.len();
            json!({ "total": count, "matched": count, "skipped": 0, "rows": rows })
        };
        let mut overview = json!({
            "instance": self.instance, "monotonic_ms": 1_000, "time": "2026-11-27T14:02:07Z", "over_ms": 1_000,
            "revision": self.revision,
            "process": {
                "version": "1.0.0", "pid": 1, "uptime_seconds": 1, "cpu_ms": 1, "resident_bytes": 1,
                "descriptors": 9,
            },
            "sums": sums(),
        });
        if wanted.get("tunnels").is_some() {
            overview["tunnels"] = rows(self.tunnels.iter().map(|it| row(it, self.admin)).collect());
        }
        if wanted.get("backends").is_some() {
            let whose = wanted["backends"].get("tunnel").and_then(Value::as_str).map(str::to_owned);
            let of = self.tunnels.iter().filter(|it| whose.is_none() || whose == Some(listen(it)));
            overview["backends"] = rows(of.flat_map(|it| backend_rows(it, self.admin)).collect());
        }
        if wanted.get("connections").is_some() {
            overview["connections"] =
                rows(self.connections.iter().map(|id| connection(*id)).collect());
            let matched = self.connections.len() + self.matched_more;
            overview["connections"]["matched"] = json!(matched);
        }
        let asked = wanted.get("tunnel").and_then(Value::as_str);
        let found = self.tunnels.iter().find(|it| asked == Some(listen(it).as_str()));
        if let Some(tunnel) = found {
            overview["tunnel"] = full(tunnel, self.admin);
            if self.spec_of_more {
                overview["tunnel"]["info"]["spec"] = json!("1=2[more=1]");
            }
        }
        serde_json::from_value(overview).unwrap()
    }

    /// A key.
    pub(super) fn key(&mut self, code: KeyCode) {
        self.message(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    /// Keys, one after the other.
    pub(super) fn keys(&mut self, text: &str) {
        text.chars().for_each(|letter| self.key(KeyCode::Char(letter)));
    }

    /// What was asked to be done since it was asked last.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What was ordered since then: nothing else may have been asked for.
    pub(super) fn orders(&mut self) -> Vec<Order> {
        let order = |effect| match effect {
            Effect::Order(order) => *order,
            other => panic!("{other:?}"),
        };
        self.effects().into_iter().map(order).collect()
    }

    /// The one order.
    #[track_caller]
    pub(super) fn order(&mut self) -> Order {
        let orders = self.orders();
        let [order] = orders.as_slice() else { panic!("{orders:?}\n{}", self.screen()) };
        order.clone()
    }

    /// It is done, with this said.
    pub(super) fn did(&mut self, order: Order, text: &str) {
        let reply = Reply { text: text.to_owned(), ..Reply::default() };
        self.answered(order, Ok(reply));
    }

    /// It was answered.
    pub(super) fn answered(&mut self, order: Order, outcome: Result<Reply, Failure>) {
        self.message(Message::Done(Box::new(Done { order, outcome })));
    }

    /// What is told in the last line.
    pub(super) fn toast(&self) -> &str {
        self.state.toast.as_ref().map_or("", |toast| toast.text.as_str())
    }

    /// What is seen.
    pub(super) fn screen(&mut self) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(self.state.size.0, self.state.size.1)).unwrap();
        let mut told = None;
        terminal.draw(|frame| told = Some(view::draw(&self.state, frame))).unwrap();
        drawn(&mut self.state, told.unwrap());
        terminal.backend().to_string()
    }
}

fn spec(tunnel: &Tunnel) -> TunnelSpec {
    tunnel.spec.parse().unwrap()
}

fn listen(tunnel: &Tunnel) -> String {
    spec(tunnel).listen.to_string()
}

fn no_quantiles() -> Value {
    json!({ "over_ms": 0, "count": 0, "p50_us": 0, "p90_us": 0, "p99_us": 0, "max_us": 0 })
}

/// Counts and rates of so many connections, put into a row of something.
fn moved(live: u64, mut row: Value) -> Value {
    for key in [
        "connections_total",
        "bytes_in",
        "bytes_out",
        "rate_in",
        "rate_out",
        "new_per_1000s",
        "failed_per_1000s",
        "rejected_per_1000s",
        "attempts_failed",
        "rejected",
    ] {
        row[key] = json!(0);
    }
    row["connections"] = json!(live);
    (row["connect"], row["lifetime"]) = (no_quantiles(), no_quantiles());
    row
}

fn sums() -> Value {
    moved(
        0,
        json!({
            "connections_peak": 0, "parked": 0, "backends": 4, "backends_up": 4,
            "tunnels": { "down": 0, "degraded": 0, "draining": 0, "disabled": 0, "ok": 3 },
        }),
    )
}

fn row(tunnel: &Tunnel, admin: AdminState) -> Value {
    let TunnelSpec { listen, backends, options } = spec(tunnel);
    let mut row = moved(
        tunnel.live.iter().sum(),
        json!({
            "id": tunnel.id, "listen": listen.to_string(), "backends_up": backends.len(),
            "backends": backends.len(), "health": "ok", "strategy": options.strategy.to_string(),
        }),
    );
    if admin != AdminState::Ready {
        row["admin"] = json!(admin.word());
    }
    if let Some(name) = options.name {
        row["name"] = json!(name.to_string());
    }
    row
}

/// What drains has an end: it is reset then.
fn made(admin: AdminState) -> Value {
    let mut made = json!({ "state": admin.word(), "seconds": 1 });
    if admin == AdminState::Drain {
        made["deadline_ms"] = json!(89_500);
    }
    made
}

fn backends(tunnel: &Tunnel, admin: AdminState) -> Vec<Value> {
    let of = |(backend, live): (plexy_shared::spec::BackendSpec, &u64)| {
        moved(
            *live,
            json!({
                "addr": backend.addr.to_string(), "state": "up",
                "admin": made(admin),
                "state_seconds": 1, "weight": backend.options.weight, "backup": backend.options.backup,
            }),
        )
    };
    spec(tunnel).backends.into_iter().zip(&tunnel.live).map(of).collect()
}

fn backend_rows(tunnel: &Tunnel, admin: AdminState) -> Vec<Value> {
    let label = spec(tunnel).options.name.map_or_else(|| listen(tunnel), |name| name.to_string());
    let mut rows = backends(tunnel, admin);
    for row in &mut rows {
        row["tunnel_id"] = json!(tunnel.id);
        (row["tunnel"], row["listen"]) = (json!(label), json!(listen(tunnel)));
        row["health"] = json!("ok");
    }
    rows
}

fn full(tunnel: &Tunnel, admin: AdminState) -> Value {
    let mut info = row(tunnel, admin);
    for (key, value) in [
        ("spec", json!(spec(tunnel).to_string())),
        ("origin", json!("runtime")),
        ("revision", json!(1)),
        ("age_seconds", json!(1)),
        ("admin_info", made(admin)),
        ("options", json!([])),
        ("ended", json!([])),
        ("rejected", json!([])),
        ("backend_list", json!(backends(tunnel, admin))),
    ] {
        info[key] = value;
    }
    let latency = json!({
        "recent_ms": 0, "recent": no_quantiles(), "since_start": no_quantiles(), "buckets": [],
    });
    json!({ "row": row(tunnel, admin), "info": info, "connect": latency, "lifetime": latency })
}

fn connection(id: u64) -> Value {
    json!({
        "id": id.to_string(), "tunnel": "web", "listen": "0.0.0.0:8080",
        "client": "10.9.4.22:51544", "backend": "10.0.1.5:80", "phase": "relaying",
        "age_ms": 252_000, "idle_ms": 0, "bytes_in": 1_200_000, "bytes_out": 88_100_000,
        "rate_in": 0, "rate_out": 0, "rate_over_ms": 1_000,
    })
}
