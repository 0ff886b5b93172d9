//! Files and options that make no TLS: the start and `--check` say so, and end.

use std::fs;

use super::authority::Authority;
use super::scene::{fails, token_file};
use crate::process::{PLEXYD, run};

const SOCKET: [&str; 2] = ["--rpc-socket", "tls:127.0.0.1:0"];

async fn refused(arguments: &[&str], start: i32, check: i32, sentence: &str) {
    fails(&run(PLEXYD, arguments).await, start, &[sentence]);
    fails(&run(PLEXYD, &[arguments, &["--check"]].concat()).await, check, &[sentence]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_named_with_what_is_wrong() {
    let authority = Authority::new();
    let (server, other, ca) = (authority.server(), authority.server(), authority.ca());
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem").to_str().unwrap().to_owned();
    fs::write(&empty, "").unwrap();
    let here = folder.path().to_str().unwrap();
    for (cert, key, ca, told) in [
        ("/no/such/cert.pem", &*server.key, &*ca, "`/no/such/cert.pem`: there is no such file"),
        (here, &server.key, &ca, "it is a directory"),
        (&empty, &server.key, &ca, "it is empty"),
        (&server.cert, "/no/such/cert.key", &ca, "`/no/such/cert.key`: there is no such file"),
        (&server.cert, &server.cert, &ca, "it holds no private key"),
        (&server.cert, &other.key, &ca, "is not that of the certificate in"),
        (&server.cert, &server.key, "/no/such/ca.pem", "`/no/such/ca.pem`: there is no such file"),
        (&server.cert, &server.key, &server.key, "it holds no certificate"),
    ] {
        let files = ["--rpc-tls-cert", cert, "--rpc-tls-key", key, "--rpc-tls-client-ca", ca];
        refused(&[&SOCKET[..], &files].concat(), 1, 78, told).await;
    }
    // One file may hold both.
    let both = folder.path().join("both.pem").to_str().unwrap().to_owned();
    let [cert, key] = [&server.cert, &server.key].map(|file| fs::read_to_string(file).unwrap());
    fs::write(&both, cert + &key).unwrap();
    let good = [&SOCKET[..], &["--rpc-tls-cert", &both, "--check"]].concat();
    assert!(run(PLEXYD, &good).await.success().contains("the configuration is good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_sense_alone_are_refused() {
    let authority = Authority::new();
    let (server, ca) = (authority.server(), authority.ca());
    let (_folder, token) = token_file();
    let pair = ["--rpc-tls-cert", &server.cert, "--rpc-tls-key", &server.key];
    let auth = |whether: &'static str| ["--rpc-tls-client-auth", whether];
    for (arguments, told) in [
        (vec!["--rpc-tls-key", &server.key], "`--rpc-tls-key` without `--rpc-tls-cert`"),
        (vec!["--rpc-tls-client-ca", &ca], "`--rpc-tls-client-ca` without `--rpc-tls-cert`"),
        (
            [&SOCKET[..], &pair, &auth("require")].concat(),
            "`--rpc-tls-client-auth` without `--rpc-tls-client-ca`",
        ),
        (
            [&SOCKET[..], &pair, &["--rpc-tls-client-ca", &ca], &auth("request")].concat(),
            "`--rpc-tls-client-auth request` without `--token-file`",
        ),
    ] {
        refused(&arguments, 2, 78, told).await;
    }
    refused(&SOCKET, 1, 78, "rpc socket `tls:127.0.0.1:0` needs --rpc-tls-cert").await;
    refused(&pair, 1, 78, "--rpc-tls-cert is for a socket with TLS").await;
    for socket in ["tls:unix:/tmp/rpc.sock", "wss://localhost:9998"] {
        fails(&run(PLEXYD, &["--rpc-socket", socket]).await, 2, &[socket]);
    }
    let request = [&["--rpc-tls-client-ca", &ca][..], &auth("request")].concat();
    let good = [&SOCKET[..], &pair, &request, &["--token-file", &token, "--check"]].concat();
    assert!(run(PLEXYD, &good).await.is_success());
}
