use proptest::prelude::*;

use super::*;
use crate::error::Refusal;

#[track_caller]
fn check(text: &str, printed: &str) {
    let spec: TunnelSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(spec.to_string(), printed);
    assert_eq!(printed.parse::<TunnelSpec>().as_ref(), Ok(&spec), "{printed}");
}

#[track_caller]
fn refused(text: &str, code: &str, about: &str, sentence: &str) {
    let error = text.parse::<TunnelSpec>().expect_err(text);
    let refusal = Refusal::from(error.clone());
    assert_eq!(refusal.code.as_str(), code, "{text}: {refusal}");
    assert_eq!(text.get(error.span.clone()), Some(about), "{text}: {refusal}");
    assert!(refusal.to_string().contains(sentence), "{text}: {refusal}");
}

#[test]
fn addresses_are_read_in_all_their_forms() {
    check("3000=4000", "127.0.0.1:3000=127.0.0.1:4000");
    check("*:80=10.0.0.1:80", "*:80=10.0.0.1:80");
    check("[::]:80=[2001:db8::1]:80", "[::]:80=[2001:db8::1]:80");
    check("[::ffff:127.0.0.1]:80=[::ffff:10.0.0.1]:80", "127.0.0.1:80=10.0.0.1:80");
    check("[fe80::1%2]:80=4000", "[fe80::1%2]:80=127.0.0.1:4000");
    check("LocalHost:0=DB.example.:5432", "localhost:0=db.example.:5432");
    check("unix:/run/a.sock=unix:/run/b.sock", "unix:/run/a.sock=unix:/run/b.sock");
    check(r#""unix:/run/a b=c"="unix:/x,y""#, r#""unix:/run/a b=c"="unix:/x,y""#);
    check(r#""unix:/a\"b\\c"=1"#, r#""unix:/a\"b\\c"=127.0.0.1:1"#);
    check("0.0.0.0:1=my_host:2", "0.0.0.0:1=my_host:2");
}

#[test]
fn a_unix_path_has_one_spelling() {
    check("UNIX:/run//x/./a.sock=unix:/run/../b", "unix:/run/x/a.sock=unix:/run/../b");
    for folder in ["unix:/", "unix:/run/", "unix:/run/.", "unix:/run/.."] {
        refused(&format!("{folder}=1"), "invalid-address", folder, "path of a folder");
    }
}

#[test]
fn a_name_may_be_a_word_that_means_nothing_elsewhere() {
    check("1=2[name=none]", "127.0.0.1:1=127.0.0.1:2[name=none]");
}

#[test]
fn blanks_may_stand_around_every_mark() {
    check(
        " 3000 = 4000 + backup + weight = 2 , 5000 [ name = web , retries = 1 ] ",
        "127.0.0.1:3000=127.0.0.1:4000+weight=2+backup,127.0.0.1:5000[name=web,retries=1]",
    );
}

#[test]
fn what_is_at_its_default_is_not_printed() {
    check("1=2[]", "127.0.0.1:1=127.0.0.1:2");
    check(
        "1=2+sni=A.Example+weight=2+sni=*.b.example",
        "127.0.0.1:1=127.0.0.1:2+weight=2+sni=a.example+sni=*.b.example",
    );
    check("1=2+weight=1[timeout=5,retries=3,strategy=round-robin]", "127.0.0.1:1=127.0.0.1:2");
    check("1=2[idle-timeout=60m,half-close-timeout=idle-timeout]", "127.0.0.1:1=127.0.0.1:2");
}

#[test]
fn every_option_is_read_by_every_name_and_printed_by_its_own() {
    check(
        "1=2+max-conns=30+backup+weight=7[NAME=Web-1.x_y,Strategy=Minimum-Open-Connections,slow-start=0.5m,timeout=250ms,retries=0,errors=5,fail-timeout=1.5,check-interval=off,idle-timeout=none,half-close-timeout=2m,max-conns=10,keepalive=off,backlog=1]",
        "127.0.0.1:1=127.0.0.1:2+weight=7+backup+max-conns=30[name=Web-1.x_y,strategy=least-conn,slow-start=30s,connect-timeout=250ms,retries=0,max-fails=5,fail-timeout=1500ms,check-interval=off,idle-timeout=none,half-close-timeout=2m,max-conns=10,keepalive=off,backlog=1]",
    );
    check(
        "1=2[max-conns=1,queue-timeout=0,max-conns-per-source=2,conn-rate=600/M,max-duration=24h,tcp-user-timeout=30]",
        "127.0.0.1:1=127.0.0.1:2[max-duration=24h,max-conns=1,queue-timeout=0s,max-conns-per-source=2,conn-rate=600/m,tcp-user-timeout=30s]",
    );
    check(
        r#"1=2[keepalive="10s/5s/3",strategy="random"]"#,
        "127.0.0.1:1=127.0.0.1:2[strategy=random,keepalive=10s/5s/3]",
    );
}

#[test]
fn checks_are_read_and_printed_with_all_that_belongs_to_them() {
    check("1=2[check=NONE]", "127.0.0.1:1=127.0.0.1:2");
    check("1=2[on-all-down=refuse]", "127.0.0.1:1=127.0.0.1:2[on-all-down=refuse]");
    check(
        "1=2[rise=5,Check=TCP,check-interval=1,fall=1,check-timeout=250ms,check-port=8008]",
        "127.0.0.1:1=127.0.0.1:2[check=tcp,check-interval=1s,check-timeout=250ms,fall=1,rise=5,check-port=8008]",
    );
    check(
        "1=2[check=http,check-path=\"/primary?lag=1,2\",check-expect=200]",
        "127.0.0.1:1=127.0.0.1:2[check=http,check-expect=200,check-path=\"/primary?lag=1,2\"]",
    );
    check("1=2[check=http,check-path=/]", "127.0.0.1:1=127.0.0.1:2[check=http]");
}

#[test]
fn the_text_of_a_check_has_escapes_with_and_without_quotes() {
    let of = |text: &str| {
        let spec: TunnelSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let check = spec.options.check.unwrap();
        let bytes = |text: Option<CheckText>| text.unwrap().as_bytes().to_vec();
        (bytes(check.send), bytes(check.expect))
    };
    let ping = (b"PING\r\n".to_vec(), b"+PONG".to_vec());
    for text in [
        r#"1=2[check=send-expect,check-send="PING\r\n",check-expect="+PONG"]"#,
        r"1=2[check=send-expect,check-send=PING\r\n,check-expect=\x2BPONG]",
    ] {
        assert_eq!(of(text), ping);
        check(
            text,
            r#"127.0.0.1:1=127.0.0.1:2[check=send-expect,check-send=PING\r\n,check-expect="+PONG"]"#,
        );
    }
    let all = r#"1=2[check=send-expect,check-send="a\"b\\\"c\\r\t\x00é",check-expect="\x6eone"]"#;
    assert_eq!(of(all), ("a\"b\\\"c\\r\t\0é".as_bytes().to_vec(), b"none".to_vec()));
    check(
        all,
        r#"127.0.0.1:1=127.0.0.1:2[check=send-expect,check-send="a\"b\\\"c\\r\t\x00\xc3\xa9",check-expect=\x6eone]"#,
    );
}

#[test]
fn what_is_of_no_use_without_a_check_is_refused_where_it_stands() {
    for (option, key, needed) in [
        ("check-timeout=1", "check-timeout", "needs `check=tcp`, `check=tls`,"),
        ("fall=5", "fall", "needs `check=tcp`"),
        ("rise=5", "rise", "needs `check=tcp`"),
        ("check-port=80", "check-port", "needs `check=tcp`"),
        ("check-send=a", "check-send", "needs `check=send-expect`"),
        ("check-expect=a", "check-expect", "needs `check=send-expect` or `check=http`"),
        ("check=tcp,check-expect=a", "check-expect", "needs `check=send-expect` or"),
        ("check=http,check-send=a", "check-send", "needs `check=send-expect`"),
        ("check-path=/a", "check-path", "needs `check=http`"),
        ("check-path=/a,check=tcp", "check-path", "needs `check=http`"),
        ("check=send-expect", "check", "needs `check-expect` with it"),
        ("check-interval=off,check=tcp", "check", "needs a `check-interval` other than `off`"),
        ("check=http,check-expect=good", "check-expect", "not a status of HTTP like `200`"),
        ("check=http,check-expect=999", "check-expect", "not a status of HTTP like `200`"),
    ] {
        let text = format!("1=2[{option}]");
        let error = text.parse::<TunnelSpec>().expect_err(&text);
        let place = text.find(&format!("{key}=")).unwrap();
        assert_eq!(error.span, place..place + key.len(), "{text}: {error}");
        assert_eq!(error.code().as_str(), "invalid-value", "{text}");
        assert!(error.to_string().contains(needed), "{text}: {error}");
    }
}

#[test]
fn a_bad_check_is_refused_as_what_it_is() {
    refused(
        "1=2[check=udp]",
        "invalid-value",
        "udp",
        "not one of none, tcp, tls, send-expect, http",
    );
    check("1=2[check=tls]", "127.0.0.1:1=127.0.0.1:2[check=tls]");
    refused("1=2[check=htp]", "invalid-value", "htp", "did you mean `http`?");
    refused("1=2[on-all-down=wait]", "invalid-value", "wait", "not one of try-all, refuse, hold");
    refused("1=2[check-port=0]", "out-of-range", "0", "1 to 65535");
    refused("1=2[fall=0]", "out-of-range", "0", "1 to 100");
    refused("1=2[rise=101]", "out-of-range", "101", "1 to 100");
    refused("1=2[check-timeout=0]", "out-of-range", "0", "1ms to 1h");
    refused("1=2[check-path=a]", "invalid-value", "a", "not a path");
    refused("1=2[check-path=\"/a b\"]", "invalid-value", "\"/a b\"", "not a path");
    refused("1=2[check-path=\"/é\"]", "invalid-value", "\"/é\"", "not a path");
    for bad in [r"a\", r"\q", r"\x4", r"\xg0", r"\X41"] {
        refused(&format!("1=2[check-send={bad}]"), "invalid-value", bad, "before something else");
    }
    refused("1=2[check-send=]", "invalid-value", "", "a value is missing");
    refused(r#"1=2[check-send="a\"]"#, "invalid-syntax", r#""a\"]"#, "not closed");
    let long = "a".repeat(1025);
    refused(&format!("1=2[check-send={long}]"), "invalid-value", &long, "longer than 1024 bytes");
}

#[test]
fn the_documented_default_of_every_option_is_one() {
    for row in OPTIONS.iter().filter(|row| row.key != "name") {
        let text = format!("1=2[{}={}]", row.key, row.default());
        let spec: TunnelSpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(spec.options, TunnelOptions::default(), "{text}");
    }
}

#[test]
fn a_list_is_its_key_again_and_keeps_its_order() {
    check(
        "1=2[deny=192.0.2.1,allow=10.0.0.0/8,deny=10.1.0.0/16,retries=1,allow=::ffff:10.2.0.0/112]",
        "127.0.0.1:1=127.0.0.1:2[retries=1,allow=10.0.0.0/8,allow=10.2.0.0/16,deny=192.0.2.1/32,deny=10.1.0.0/16]",
    );
    check("1=2[allow=10.0.0.0/8,allow=none]", "127.0.0.1:1=127.0.0.1:2");
    check("1=2[allow=::1,deny=::/0,allow=none]", "127.0.0.1:1=127.0.0.1:2[deny=::/0]");
    refused("1=2[allow=10.0.0.0/8,allow=10.0.0.0/8]", "repeated", "10.0.0.0/8", "given twice");
    refused("1=2[allow=::1,allow=::1/128]", "repeated", "::1/128", "given twice");
    refused("1=2[allow=::1,deny=::1/128]", "invalid-value", "::1/128", "allowed and denied");
    refused("1=2[allow=10.1.0.0/8]", "invalid-value", "10.1.0.0/8", "write `10.0.0.0/8`");
    refused("1=2[allow=10.0.0.0/33]", "invalid-value", "10.0.0.0/33", "not an IP address");
    refused("1=2[deny=db.example]", "invalid-value", "db.example", "not an IP address");
    refused("1=2[deny=]", "invalid-value", "", "missing");
    refused("1=2[deny]", "invalid-value", "deny", "lacks its value");
}

#[test]
fn options_of_tls_go_together() {
    check(
        "1=2[tls-cert=\"/a b,c.pem\",tls-min=1.3,tls-cert=/d.pem,tls-alpn=h2,tls-alpn=http/1.1]",
        "127.0.0.1:1=127.0.0.1:2[tls-cert=\"/a b,c.pem\",tls-cert=/d.pem,tls-alpn=h2,tls-alpn=http/1.1,tls-min=1.3]",
    );
    check(
        "1=2[tls-cert=/a,tls-key=/b,tls-client-ca=/c,tls-client-auth=Request,tls-handshake-timeout=3]",
        "127.0.0.1:1=127.0.0.1:2[tls-cert=/a,tls-key=/b,tls-client-ca=/c,tls-client-auth=request,tls-handshake-timeout=3s]",
    );
    // Two certificates may have one key.
    check(
        "1=2[tls-cert=/a,tls-cert=/b,tls-key=/k,tls-key=/k]",
        "127.0.0.1:1=127.0.0.1:2[tls-cert=/a,tls-cert=/b,tls-key=/k,tls-key=/k]",
    );
    for alone in
        ["tls-key=/a", "tls-client-ca=/a", "tls-alpn=h2", "tls-min=1.3", "tls-handshake-timeout=1"]
    {
        let key = alone.split('=').next().unwrap();
        refused(&format!("1=2[{alone}]"), "invalid-value", key, "needs `tls-cert`");
    }
    let auth = "1=2[tls-cert=/a,tls-client-auth=require]";
    refused(auth, "invalid-value", "tls-client-auth", "needs `tls-client-ca`");
    let keys = "1=2[tls-cert=/a,tls-cert=/b,tls-key=/a]";
    refused(keys, "invalid-value", "tls-key", "needs as many as there are of `tls-cert`");
    refused("1=2[tls-cert=/a,tls-cert=/a]", "repeated", "/a", "given twice");
    refused("1=2[tls-cert=a.pem]", "invalid-value", "a.pem", "begins with `/`");
    refused("1=2[tls-cert=/a/]", "invalid-value", "/a/", "begins with `/`");
    refused("1=2[tls-cert=/a,tls-min=1.1]", "invalid-value", "1.1", "1.2, 1.3");
    refused("1=2[tls-cert=/a,tls-alpn=\"a b\"]", "invalid-value", "\"a b\"", "not a protocol");
}

#[test]
fn options_of_tls_with_backends_go_together() {
    check("1=2[remote-tls]", "127.0.0.1:1=127.0.0.1:2[backend-tls]");
    check("1=2[backend-tls=on,backend-verify]", "127.0.0.1:1=127.0.0.1:2[backend-tls]");
    check("1=2[backend-tls=off,backend-ca=system,backend-sni=auto]", "127.0.0.1:1=127.0.0.1:2");
    check(
        "1=db.example:2[backend-verify=Off,backend-alpn=h2,backend-alpn=http/1.1,backend-tls]",
        "127.0.0.1:1=db.example:2[backend-tls,backend-verify=off,backend-alpn=h2,backend-alpn=http/1.1]",
    );
    check(
        "1=2[backend-tls,backend-sni=A.Example,backend-ca=/a,backend-cert=/b,backend-key=/c]",
        "127.0.0.1:1=127.0.0.1:2[backend-tls,backend-sni=a.example,backend-ca=/a,backend-cert=/b,backend-key=/c]",
    );
    for alone in [
        "backend-sni=a",
        "backend-ca=/a",
        "backend-cert=/a",
        "backend-key=/a",
        "backend-verify=off",
        "backend-alpn=h2",
    ] {
        let key = alone.split('=').next().unwrap();
        refused(&format!("1=2[{alone}]"), "invalid-value", key, "needs `backend-tls`");
    }
    let key = "1=2[backend-tls,backend-key=/a]";
    refused(key, "invalid-value", "backend-key", "needs `backend-cert`");
    let unused = "1=2[backend-tls,backend-ca=/a,backend-verify=off]";
    refused(unused, "invalid-value", "backend-ca", "needs `backend-verify=on`");
    // An address of the network is verified, a path is not.
    check("1=2,[::1]:3[backend-tls]", "127.0.0.1:1=127.0.0.1:2,[::1]:3[backend-tls]");
    let unix = "1=2,unix:/s[backend-tls]";
    refused(unix, "invalid-value", "backend-tls", "needs `backend-sni`, since a Unix socket");
    check("1=unix:/s[backend-tls,backend-sni=a]", "127.0.0.1:1=unix:/s[backend-tls,backend-sni=a]");
    check(
        "1=unix:/s[backend-tls,backend-verify=off]",
        "127.0.0.1:1=unix:/s[backend-tls,backend-verify=off]",
    );
    refused("1=2[backend-tls=a]", "invalid-value", "a", "not one of on, off");
    refused(
        "1=2[backend-tls,backend-sni=*.a]",
        "invalid-value",
        "*.a",
        "only one can be asked for",
    );
    refused("1=2[backend-tls,backend-sni=10.0.0.1]", "invalid-value", "10.0.0.1", "is an address");
    refused("1=2[backend-tls,backend-ca=a]", "invalid-value", "a", "begins with `/`");
    refused("1=2[backend-tls,remote-tls]", "repeated", "remote-tls", "twice");
    let twice = "1=2[backend-tls,backend-alpn=h2,backend-alpn=h2]";
    refused(twice, "repeated", "h2", "given twice");
}

#[test]
fn a_long_list_is_read_in_one_go() {
    let network = |number: u32| format!("deny={}/31", std::net::Ipv4Addr::from(number * 2));
    let networks: Vec<_> = (1..=100_000).map(network).collect();
    let text = format!("127.0.0.1:1=127.0.0.1:2[{}]", networks.join(","));
    let spec: TunnelSpec = text.parse().unwrap();
    assert_eq!(spec.to_string(), text);
    let access = spec.options.limits().access.clone().unwrap();
    assert!(!access.admits([0, 3, 13, 65].into()), "the last of them");
    assert!(access.admits([0, 3, 13, 66].into()), "the address behind it");
}

#[test]
fn a_bad_form_is_refused_where_it_is() {
    refused("", "invalid-address", "", "missing");
    refused("3000", "invalid-syntax", "", "expected `=` and a backend, found the end");
    refused("3000=", "invalid-address", "", "missing");
    refused("=4000", "invalid-address", "", "missing");
    refused("3000==4000", "invalid-address", "", "missing");
    refused("3000=4000,", "invalid-address", "", "missing");
    refused("3000=4000,,5000", "invalid-address", "", "missing");
    refused("3000=4000=5000", "invalid-syntax", "=", "end of the tunnel");
    refused("3000=4000 5000", "invalid-syntax", "5", "end of the tunnel");
    refused("3000=4000[", "invalid-syntax", "", "an option");
    refused("3000=4000[name=a", "invalid-syntax", "", "`,` or `]`");
    refused("3000=4000[name=a]x", "invalid-syntax", "x", "end of the tunnel");
    refused("3000=4000[name=a,]", "invalid-syntax", "]", "an option");
    refused("3000=4000[name=\"a]", "invalid-syntax", "\"a]", "not closed");
    refused("3000=\"unix:/a\\n\"", "invalid-syntax", "\\n", "not an escape");
    refused("3000=4\u{202e}000", "invalid-syntax", "\u{202e}", "printable");
    refused("3000=4000\0", "invalid-syntax", "\0", "printable");
}

#[test]
fn a_bad_address_is_refused_as_what_it_is() {
    refused("host=4000", "invalid-address", "host", "no port");
    refused("70000=4000", "invalid-address", "70000", "not a port");
    refused("a:b=4000", "invalid-address", "a:b", "not a port");
    refused("3000=10.0.0.256:1", "invalid-address", "10.0.0.256:1", "not an IPv4 address");
    refused("3000=10.0.1:1", "invalid-address", "10.0.1:1", "not an IPv4 address");
    refused("3000=::1:80", "invalid-address", "::1:80", "did you mean `[::1]:80`?");
    refused("3000=[name=x]", "invalid-syntax", "[", "expected a backend");
    refused("3000=[::1]", "invalid-address", "[::1]", "no port");
    refused("3000=[::g]:1", "invalid-address", "[::g]:1", "not an IPv6 address");
    refused("3000=[::1:1", "invalid-address", "[::1:1", "not an IPv6 address");
    refused("3000=-a:1", "invalid-address", "-a:1", "not a host name");
    refused("3000=a..b:1", "invalid-address", "a..b:1", "not a host name");
    refused("3000=:1", "invalid-address", ":1", "not a host name");
    refused("3000=*:1", "invalid-address", "*:1", "no address to connect to");
    refused("3000=0.0.0.0:1", "invalid-address", "0.0.0.0:1", "no address to connect to");
    refused("3000=[::]:1", "invalid-address", "[::]:1", "no address to connect to");
    refused("3000=0", "invalid-address", "0", "port 0");
    refused("3000=a:0", "invalid-address", "a:0", "port 0");
    refused("unix:a=1", "invalid-address", "unix:a", "absolute path");
    let long = format!("unix:/{}", "x".repeat(107));
    refused(&format!("{long}=1"), "invalid-address", &long, "107");
}

#[test]
fn a_bad_option_is_refused_as_what_it_is() {
    refused("1=2[stratgy=random]", "unknown-option", "stratgy", "did you mean `strategy`?");
    refused("1=2[send-proxy=v1]", "unknown-option", "send-proxy", "known ones are name, strategy");
    refused("1=2[max-con=5]", "unknown-option", "max-con", "did you mean `max-conns`?");
    refused("1=2[tiemout=5]", "unknown-option", "tiemout", "did you mean `connect-timeout`?");
    refused("1=2[name]", "invalid-value", "name", "lacks its value");
    refused("1=2[name=]", "invalid-value", "", "a value is missing");
    refused("1=2[name=1a]", "invalid-value", "1a", "not a name");
    refused("1=2[name=\"a b\"]", "invalid-value", "\"a b\"", "not a name");
    refused("1=2[strategy=randon]", "invalid-value", "randon", "did you mean `random`?");
    refused("1=2[strategy=best]", "invalid-value", "best", "least-time, source-hash, first");
    refused("1=2[slow-start=999ms]", "out-of-range", "999ms", "1s to 1h");
    refused("1=2[timeout=nan]", "invalid-value", "nan", "not a finite number");
    refused("1=2[timeout=-1]", "out-of-range", "-1", "negative");
    refused("1=2[timeout=0]", "out-of-range", "0", "1ms to 1h");
    refused("1=2[timeout=5,connect-timeout=6]", "repeated", "connect-timeout", "twice");
    refused("1=2[retries=101]", "out-of-range", "101", "0 to 100");
    refused("1=2[keepalive=60s]", "invalid-value", "60s", "idle/interval/probes");
    refused("1=2[keepalive=1500ms/1s/1]", "invalid-value", "1500ms/1s/1", "whole seconds");
    refused("1=2[name=a+b]", "invalid-syntax", "+", "written in quotes");
    refused("1=2+weight", "invalid-value", "weight", "lacks its value");
    refused("1=2+weight=0", "out-of-range", "0", "1 to 1000");
    refused("1=2+backup=yes", "invalid-value", "yes", "is not one of on, off");
    refused("1=2+backup+backup", "repeated", "backup", "twice");
    refused("1=2+sni", "invalid-value", "sni", "lacks its value");
    refused("1=2+sni=a.example+sni=A.Example", "repeated", "A.Example", "given twice");
    refused("1=2+sni=a.example.", "invalid-value", "a.example.", "ends with a dot");
    refused("1=2+sni=*", "invalid-value", "*", "is every name");
    let many: String = (0..=super::SNI_MAX).map(|it| format!("+sni=h{it}.example")).collect();
    refused(&format!("1=2{many}"), "invalid-value", "h256.example", "256 names");
    refused("1=2+max-con=3", "unknown-option", "max-con", "did you mean `max-conns`?");
    refused("1=2+max-conns=0", "out-of-range", "0", "1 to 1000000");
    refused("1=2[conn-rate=100]", "invalid-value", "100", "not a rate");
    refused("1=2[max-duration=1ms]", "out-of-range", "1ms", "50ms to 720h");
    refused("1=2[queue-timeout=off]", "invalid-value", "off", "not a duration");
    refused("1=2+", "invalid-syntax", "", "an attribute");
    refused("1=127.0.0.1:2,2", "repeated", "2", "backend `127.0.0.1:2` is given twice");
}

#[test]
fn a_tunnel_has_a_bounded_number_of_backends() {
    let backends = |count: usize| {
        let ports: Vec<_> = (1..=count).map(|port| port.to_string()).collect();
        format!("3000={}", ports.join(",")).parse::<TunnelSpec>()
    };
    assert!(backends(BACKENDS_MAX).is_ok());
    assert_eq!(backends(BACKENDS_MAX + 1).unwrap_err().kind, SpecErrorKind::TooManyBackends);
}

use proptest::strategy::Strategy as Strategy_;

fn port() -> impl Strategy_<Value = u16> {
    1..=u16::MAX
}

fn address() -> impl Strategy_<Value = String> {
    prop_oneof![
        port().prop_map(|port| port.to_string()),
        (any::<[u8; 4]>(), port())
            .prop_map(|([a, b, c, d], port)| format!("{}.{b}.{c}.{d}:{port}", a.max(1))),
        (1..=u128::MAX, port())
            .prop_map(|(bits, port)| format!("[{}]:{port}", std::net::Ipv6Addr::from(bits))),
        ("[a-zA-Z][a-zA-Z0-9_]{0,9}(\\.[a-z]{1,5})?", port())
            .prop_map(|(host, port)| format!("{host}:{port}")),
        r#"[ -~]{0,30}[a-z]"#.prop_map(|path| {
            let escaped = path.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"unix:/{escaped}\"")
        }),
    ]
}

fn options() -> impl Strategy_<Value = String> {
    let option = prop_oneof![
        // Words that mean something elsewhere are names here.
        prop_oneof!["[A-Za-z][A-Za-z0-9._-]{0,62}", "none|off|default|unix"]
            .prop_map(|name| format!("name={name}")),
        prop_oneof!["random", "round-robin", "min-open-connections", "two-choices", "least-time"]
            .prop_map(|name| format!("strategy={name}")),
        prop_oneof!["source-hash", "first"].prop_map(|name| format!("strategy={name}")),
        (1..=60_u32).prop_map(|minutes| format!("slow-start={minutes}m")),
        (1..3_600_000_u32).prop_map(|ms| format!("connect-timeout={ms}ms")),
        (0..=100_u32).prop_map(|count| format!("retries={count}")),
        (1..=1000_u32).prop_map(|count| format!("errors={count}")),
        (1..=300_u32).prop_map(|seconds| format!("fail-timeout={seconds}")),
        (1..=60_u32).prop_map(|minutes| format!("check-interval={minutes}m")),
        (1..=720_u32).prop_map(|hours| format!("idle-timeout={hours}h")),
        Just("idle-timeout=none".to_owned()),
        (1..=720_u32).prop_map(|hours| format!("half-close-timeout={hours}h")),
        (1..=1_000_000_u32).prop_map(|count| format!("max-conns={count}")),
        (0..=3_600_u32).prop_map(|seconds| format!("queue-timeout={seconds}")),
        (1..=1_000_000_u32).prop_map(|count| format!("max-conns-per-source={count}")),
        (1..=1_000_000_u32, "[sm]").prop_map(|(count, per)| format!("conn-rate={count}/{per}")),
        (1..=720_u32).prop_map(|hours| format!("max-duration={hours}h")),
        (1..=720_u32).prop_map(|hours| format!("tcp-user-timeout={hours}h")),
        (any::<u32>(), 0..=32_u8).prop_map(|(bits, length)| {
            let network = bits & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            format!("allow={}/{length}", std::net::Ipv4Addr::from(network))
        }),
        any::<u128>().prop_map(|bits| format!("deny={}", std::net::Ipv6Addr::from(bits))),
        (1..=32_767_u32, 1..=32_767_u32, 1..=127_u32)
            .prop_map(|(idle, interval, probes)| format!("keepalive={idle}/{interval}s/{probes}")),
        (1..=65_535_u32).prop_map(|count| format!("backlog={count}")),
        "/[!-~&&[^\"\\\\]]{0,20}x".prop_map(|path| format!("tls-cert=\"{path}\",tls-min=1.3")),
        ("[a-z0-9_]{1,9}\\.[a-z]{1,9}", any::<bool>()).prop_map(|(name, is_verified)| {
            let verify = if is_verified { "" } else { ",backend-verify=off" };
            format!("backend-tls,backend-sni={name}{verify}")
        }),
        Just("on-all-down=refuse".to_owned()),
        Just("on-all-down=hold".to_owned()),
        (1..=100_u32, 1..=65_535_u32)
            .prop_map(|(fall, port)| format!("check=tcp,fall={fall},check-port={port}")),
        "/[!-~&&[^\"\\\\]]{0,20}".prop_map(|path| format!("check=http,check-path=\"{path}\"")),
        proptest::collection::vec(any::<u8>(), 1..20).prop_map(|bytes| {
            let text = escaped(&bytes).replace('"', "\\\"");
            format!("check=send-expect,check-expect=\"{text}\"")
        }),
    ];
    proptest::collection::vec(option, 0..6).prop_map(|mut options| {
        let mut seen = Vec::new();
        options.retain(|option| {
            let key = option.split('=').next().unwrap_or_default();
            let is_list = ["allow", "deny"].contains(&key);
            let key = if is_list { option } else { key }.to_owned();
            let new = !seen.contains(&key);
            seen.push(key);
            new
        });
        options.join(",")
    })
}

proptest! {
    #[test]
    fn parse_and_print_are_inverses(
        listen in address(),
        first in address(),
        weight in 1..=1000_u32,
        backup in any::<bool>(),
        names in proptest::collection::hash_set(r"(\*\.)?[a-z0-9_]{1,9}\.[a-z]{1,9}", 0..4),
        options in options(),
    ) {
        let backup = if backup { "+backup" } else { "" };
        let names: String = names.iter().map(|name| format!("+sni={name}")).collect();
        let text = format!("{listen}={first}+weight={weight}{backup}{names}[{options}]");
        let spec: TunnelSpec = text.parse().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let printed = spec.to_string();
        let again = printed.parse::<TunnelSpec>();
        prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(printed));
        prop_assert_eq!(again, Ok(spec));
    }

    #[test]
    fn no_text_panics_and_every_error_points_into_it(text in r#"([0-9a-z:*.=,+\[\]" \\/\-é]|unix:|=|name|weight){0,40}"#) {
        if let Err(error) = text.parse::<TunnelSpec>() {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
