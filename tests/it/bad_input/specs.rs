//! Specifications that are none: malformed, out of range, misspelt, repeated.

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn malformed_specifications_are_refused_with_their_place() {
    let mut scene = Scene::new().await;
    for (spec, why) in [
        ("3000", "expected `=`"),
        ("=3000", "an address is missing at column 6"),
        ("3000=", "an address is missing at column 11"),
        ("3000=4000,", "an address is missing at column 16"),
        ("3000=4000,,4001", "an address is missing at column 16"),
        ("3000=4000=5000", "at column 15"),
        ("3000==4000", "an address is missing at column 11"),
        ("3000=4000]", "at column 15"),
        ("3000=4000[", "at column 16"),
        ("3000=4000[name=a", "expected `,` or `]`, found the end"),
        ("3000=4000[name=a]x", "at column 23"),
        ("3000=4000[name=a][retries=1]", "at column 23"),
        ("3000=4000[,name=a]", "expected an option"),
        ("3000=4000[name]", "`name` lacks its value"),
        ("3000=4000+", "at column 16"),
        ("3000=4000+weight", "`weight` lacks its value"),
        ("3000=4000+backup=yes", "is not one of on, off"),
        ("3000=\"4000", "the quote is not closed"),
        ("70000=4000", "`70000` is not a port"),
        ("-1=4000", "at column 6"),
        ("3000=4000:x", "at column 11"),
        ("3000=10.0.0.1", "`10.0.0.1` has no port at column 11"),
        ("3000=999.0.0.1:1", "`999.0.0.1` is not an IPv4 address"),
        ("3000=::1:80", "did you mean `[::1]:80`?"),
        ("3000=[::1]", "has no port"),
        ("3000=[::g]:1", "is not an IPv6 address"),
        ("3000=-x-:1", "is not a host name"),
        ("3000=:80", "is not a host name"),
        ("3000=*:80", "is no address to connect to"),
        ("3000=0.0.0.0:80", "is no address to connect to"),
        ("3000=4000,0", "at column 16"),
        ("unix:relative=4000", "is not an absolute path"),
        ("3000=4000[name=9lives]", "is not a name"),
        ("3000=4000,4000", "backend `127.0.0.1:4000` is given twice"),
        ("3000=4000,localhost:4000,4000+backup", "is given twice"),
        ("3000=4000[name=a,name=b]", "`name` is given twice at column 23"),
        ("3000=4000[timeout=1s,connect-timeout=2s]", "`connect-timeout` is given twice"),
        ("3000=4000+weight=1+weight=2", "`weight` is given twice"),
    ] {
        scene.refuses(&format!("open {spec}"), why).await;
    }
    scene.refuses(&format!("open unix:/{}=1", "x".repeat(200)), "is too long").await;
    let many: Vec<String> = (1..=5_000).map(|port| port.to_string()).collect();
    scene.refuses(&format!("open 9=1:{}", many.join(",")), "at column").await;
    scene.refuses(&format!("open 9000={}", many.join(",")), "backends").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_options_are_refused_as_what_they_are() {
    let mut scene = Scene::new().await;
    for value in [
        "connect-timeout=nan",
        "connect-timeout=inf",
        "connect-timeout=-1s",
        "connect-timeout=1e3",
        "connect-timeout=1x",
        "connect-timeout=99999999999999999999h",
        "connect-timeout=2h",
        "connect-timeout=0",
        "connect-timeout=",
        "retries=-1",
        "retries=101",
        "retries=1.5",
        "retries=99999999999999999999",
        "max-fails=0",
        "max-conns=0",
        "backlog=65536",
        "strategy=fastest",
        "keepalive=60s",
        "keepalive=1s/1s/128",
        "check-interval=1ms",
        "idle-timeout=0",
        "max-duration=0",
        "queue-timeout=2h",
        "max-conns-per-source=0",
        "conn-rate=10",
        "conn-rate=0/s",
        "conn-rate=nan/s",
        "tcp-user-timeout=1ms",
        "allow=10.0.0.1/8",
        "deny=10.0.0.0/40",
        "deny=example.com",
    ] {
        let (key, _) = value.split_once('=').unwrap();
        scene.refuses(&format!("open 3000=4000[{value}]"), &format!("`{key}`")).await;
    }
    for lists in ["allow=::1,allow=::1/128", "allow=10.0.0.0/8,deny=10.0.0.0/8"] {
        let word = if lists.contains("deny") { "`deny`" } else { "`allow`" };
        scene.refuses(&format!("open 3000=4000[{lists}]"), word).await;
    }
    scene.refuses("open 3000=4000+max-conns=0", "`max-conns`").await;
    scene.refuses("open 3000=4000+weight=0", "`weight`").await;
    scene.refuses("open 3000=4000+weight=100000", "`weight`").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_option_is_told_the_nearest_known_one() {
    let mut scene = Scene::new().await;
    for (option, nearest) in [
        ("stratgy=random", "strategy"),
        ("STRATEGYY=random", "strategy"),
        ("conect-timeout=1s", "connect-timeout"),
        ("timeot=1s", "connect-timeout"),
        ("maxconns=3", "max-conns"),
        ("retires=3", "retries"),
        ("nmae=x", "name"),
    ] {
        let key = option.split_once('=').unwrap().0;
        let why = format!("unknown option `{key}` at column 16; did you mean `{nearest}`?");
        scene.refuses(&format!("open 3000=4000[{option}]"), &why).await;
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_is_not_built_yet_is_unknown_and_never_ignored() {
    let mut scene = Scene::new().await;
    for option in
        ["rate-in=1m/s", "accept-proxy=v2", "send-proxy=v1", "bind-source=127.0.0.1", "ttl=1h"]
    {
        let key = option.split('=').next().unwrap();
        let why = format!("unknown option `{key}`");
        scene.refuses(&format!("open 3000=4000[{option}]"), &why).await;
    }
    for (option, words) in [
        ("check=udp", "none, tcp, tls, send-expect, http"),
        ("on-all-down=wait", "try-all, refuse, hold"),
        ("on-all-down=unbind", "try-all, refuse, hold"),
    ] {
        let value = option.split('=').next_back().unwrap();
        let why = format!("`{value}` is not one of {words}");
        scene.refuses(&format!("open 3000=4000[{option}]"), &why).await;
    }
    scene.end().await;
}
