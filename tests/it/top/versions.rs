//! Daemons of other versions: one that cannot be looked at, and one that says what is not known here. They
//! are made up, and tell what a real one says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use plexy_tests::daemon::{Daemon, HttpClient};
use plexy_tests::eventually;
use plexy_tests::terminal::{Program, Terminal};
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use super::{ends, shows};
use crate::process::PLEXYCTL;

/// How often an overview is sent.
const EVERY: Duration = Duration::from_millis(100);

/// A daemon that is made up.
struct MadeUp {
    addr: SocketAddr,
    server: ServerHandle,
    told: Arc<Told>,
}

/// What it tells.
struct Told {
    real: HttpClient,
    version: &'static str,
    /// How often somebody has asked who it is.
    hellos: AtomicU32,
    /// Whether nobody is told that for now.
    is_slow: AtomicBool,
    /// How many overviews it has told.
    overviews: AtomicU32,
}

impl Told {
    async fn call(&self, method: &str, params: Value) -> Result<Value, ErrorObjectOwned> {
        let result = self.real.call(method, params).await;
        result.map_err(|error| serde_json::from_value(error).unwrap())
    }

    /// What it is, with what nobody has heard of before.
    async fn hello(&self, params: Value) -> Result<Value, ErrorObjectOwned> {
        self.hellos.fetch_add(1, Ordering::Relaxed);
        while self.is_slow.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(5)).await;
        }
        let mut hello = self.call("hello", params).await?;
        hello["version"] = json!(self.version);
        hello["instance"] = json!(format!("of {}", self.version));
        hello["features"].as_array_mut().unwrap().push(json!("telepathy"));
        hello["mood"] = json!("good");
        Ok(hello)
    }

    async fn overview(&self, params: Value) -> Result<Value, ErrorObjectOwned> {
        self.overviews.fetch_add(1, Ordering::Relaxed);
        let mut overview = self.call("overview", params).await?;
        overview["instance"] = json!(format!("of {}", self.version));
        overview["process"]["version"] = json!(self.version);
        overview["weather"] = json!("fine");
        for tunnel in overview["tunnels"]["rows"].as_array_mut().into_iter().flatten() {
            tunnel["health"] = json!("hibernating");
            tunnel["dreams"] = json!([1, 2, 3]);
        }
        Ok(overview)
    }
}

impl MadeUp {
    /// One of that version there, which knows overviews or does not.
    async fn start(addr: &str, real: HttpClient, version: &'static str, is_old: bool) -> Self {
        let (hellos, is_slow, overviews) = Default::default();
        let told = Arc::new(Told { real, version, hellos, is_slow, overviews });
        let mut methods = RpcModule::from_arc(Arc::clone(&told));
        methods
            .register_async_method("hello", async |params, told, _| {
                told.hello(params.parse().unwrap_or_default()).await
            })
            .unwrap();
        methods
            .register_async_method("listEvents", async |params, told, _| {
                told.call("listEvents", params.parse().unwrap_or_default()).await
            })
            .unwrap();
        if !is_old {
            add_subscriptions(&mut methods);
        }
        let server = Server::builder().build(addr).await.unwrap();
        Self { addr: server.local_addr().unwrap(), server: server.start(methods), told }
    }

    fn hellos(&self) -> u32 {
        self.told.hellos.load(Ordering::Relaxed)
    }

    fn top(&self) -> Terminal {
        Program::new(PLEXYCTL, &["--endpoint", &format!("ws://{}", self.addr), "top"]).start()
    }

    async fn stop(self) {
        self.server.stop().unwrap();
        self.server.stopped().await;
    }
}

fn add_subscriptions(methods: &mut RpcModule<Told>) {
    methods
        .register_subscription(
            "subscribeOverview",
            "overview",
            "unsubscribeOverview",
            async |params, pending, told, _| {
                let params: Value = params.parse().unwrap_or_default();
                let sink = pending.accept().await?;
                let mut next = interval(EVERY);
                while !sink.is_closed() {
                    next.tick().await;
                    let overview = told.overview(params.clone()).await?;
                    sink.send(serde_json::value::to_raw_value(&overview)?).await?;
                }
                Ok(())
            },
        )
        .unwrap();
    methods
        .register_subscription(
            "subscribeEvents",
            "events",
            "unsubscribeEvents",
            async |_, pending, _, _| {
                // Nothing happens.
                pending.accept().await?.closed().await;
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_overviews_is_told_as_too_old_and_not_asked_again_and_again() {
    let daemon = Daemon::start().await;
    let old = MadeUp::start("127.0.0.1:0", daemon.rpc(), "0.0.1", true).await;
    let mut top = old.top();
    shows(&top, "too old to be looked at").await;
    assert!(top.shows("lost") && top.shows("Actions are off"), "{}", top.screen());
    assert!(top.shows("update it"), "{}", top.screen());
    // It is asked as often as is told, no more: each time after a longer pause.
    shows(&top, "Try 3 in").await;
    assert!(old.hellos() <= 3, "{} times", old.hellos());
    // Keys answer, also the one that tries at once.
    top.press("2");
    shows(&top, "[2] Backends").await;
    let before = old.hellos();
    top.press("r");
    eventually!(old.hellos() > before, "{}", top.screen());

    // Another one takes its place.
    let addr = old.addr.to_string();
    old.stop().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    let _new = MadeUp::start(&addr, daemon.rpc(), "99.0.0", false).await;
    top.press("1r");
    shows(&top, "v99.0.0").await;
    shows(&top, "web").await;
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_says_what_is_not_known_here_is_shown_as_far_as_it_is() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    let first = MadeUp::start("127.0.0.1:0", daemon.rpc(), "98.0.0", false).await;
    let mut top = first.top();
    shows(&top, "v98.0.0").await;
    shows(&top, "▸ ? web").await;
    top.press("\r");
    shows(&top, "Tunnels ▸ web").await;
    shows(&top, "127.0.0.1:9").await;
    // And what else there is to be looked at.
    for key in ["2", "3", "4", "5", "1"] {
        top.press(key);
    }
    shows(&top, "[Backends]").await;
    top.press("\x1b");
    shows(&top, "[1] Tunnels").await;

    // It is replaced by yet another one.
    let addr = first.addr.to_string();
    first.stop().await;
    shows(&top, "lost").await;
    let _second = MadeUp::start(&addr, daemon.rpc(), "99.0.0", false).await;
    top.press("r");
    shows(&top, "to a NEW plexyd").await;
    shows(&top, "98.0.0 → 99.0.0").await;
    shows(&top, "v99.0.0").await;
    assert!(top.shows("▸ ? web"), "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_another_try_while_one_comes_to_an_end_has_that_one() {
    let daemon = Daemon::start().await;
    daemon.open("127.0.0.1:9[name=web]").await;
    let made_up = MadeUp::start("127.0.0.1:0", daemon.rpc(), "97.0.0", false).await;
    made_up.told.is_slow.store(true, Ordering::Relaxed);
    let top = made_up.top();
    eventually!(made_up.hellos() == 1, "{}", top.screen());
    // The help is seen once the key before it was taken.
    top.press("r?");
    shows(&top, "one row up").await;
    made_up.told.is_slow.store(false, Ordering::Relaxed);
    let looks = || made_up.told.overviews.load(Ordering::Relaxed);
    eventually!(looks() >= 5, "{}", top.screen());
    assert_eq!(made_up.hellos(), 1, "a good connection was given up");
}
