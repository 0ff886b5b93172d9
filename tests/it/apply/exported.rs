//! What was exported and is applied changes nothing, whatever the tunnels are.

use plexy_shared::spec::{ATTRIBUTES, OPTIONS, TunnelSpec};
use plexy_tests::daemon::Daemon;
use serde_json::json;

use super::{apply, changes, exported, results};
use crate::rpc_tls::authority::{Authority, Files};

/// Each option at least once with another value than its default, and each attribute.
fn specs(authority: &Authority) -> Vec<String> {
    let (Files { cert, key }, ca) = (authority.server(), authority.ca());
    let check = "check-timeout=1s,fall=2,rise=4,check-port=9,check-interval=1h";
    vec![
        "10.0.0.1:1+weight=5+backup+max-conns=7+admin=drain,10.0.0.2:2+admin=disabled\
         [name=db,strategy=least-conn,slow-start=30s,connect-timeout=250ms,retries=5,max-fails=3,\
         fail-timeout=20s]"
            .to_owned(),
        format!("b.invalid:2[check=send-expect,check-send=\"a\\r\\n\",check-expect=\"b c\",{check}]"),
        format!("10.0.0.1:1[check=http,check-path=\"/a,b?c\",check-expect=204,{check}]"),
        "10.0.0.1:1[on-all-down=hold,on-remove=drain,on-down=kill,drain-deadline=5s,idle-timeout=none,\
         half-close-timeout=9s,max-duration=2h,max-conns=9,queue-timeout=0s,max-conns-per-source=3,\
         conn-rate=10/m]"
            .to_owned(),
        "\"unix:/tmp/a b,c\"[allow=10.0.0.0/8,allow=::1,deny=10.1.0.0/16,keepalive=off,\
         tcp-user-timeout=9s,backlog=17,admin=drain]"
            .to_owned(),
        format!(
            "10.0.0.1:1[tls-cert=\"{cert}\",tls-key=\"{key}\",tls-client-ca=\"{ca}\",\
             tls-client-auth=request,tls-alpn=h2,tls-alpn=http/1.1,tls-min=1.3,tls-handshake-timeout=3s]"
        ),
        format!(
            "a.invalid:1[backend-tls,backend-sni=c.example,backend-ca=\"{ca}\",backend-cert=\"{cert}\",\
             backend-key=\"{key}\",backend-alpn=h2]"
        ),
        "10.0.0.1:1[backend-tls,backend-verify=off]".to_owned(),
        "10.0.0.1:1+sni=a.example+sni=*.b.example,10.0.0.2:2".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_changes_nothing_with_every_option_there_is() {
    let daemon = Daemon::start().await;
    let authority = Authority::new();
    for spec in specs(&authority) {
        daemon
            .try_open(&format!("0={spec}"))
            .await
            .unwrap_or_else(|error| panic!("{spec}: {error}"));
    }
    let before = exported(&daemon).await;
    let tunnels: Vec<String> = serde_json::from_value(before["tunnels"].clone()).unwrap();
    let parsed: Vec<TunnelSpec> = tunnels.iter().map(|spec| spec.parse().unwrap()).collect();
    for row in OPTIONS {
        let is_there = parsed.iter().any(|spec| row.value_in(&spec.options) != row.default());
        assert!(is_there, "no tunnel here has `{}`", row.key);
    }
    for row in ATTRIBUTES {
        assert!(tunnels.iter().any(|it| it.contains(&format!("+{}", row.key))), "{}", row.key);
    }
    let known = changes(&daemon).await;

    for prune in [false, true] {
        let reply = apply(&daemon, &tunnels, prune).await.unwrap();
        assert!(results(&reply).iter().all(|result| *result == "unchanged"), "{reply}");
    }

    assert_eq!(exported(&daemon).await, before);
    assert_eq!((changes(&daemon).await, before["revision"].clone()), (known, json!(known)));
}
