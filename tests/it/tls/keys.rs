//! New keys in the middle of a connection (RFC 8446, section 4.6.3): no byte is lost or changed.

use std::time::Duration;

use plexy_tests::backend::Echo;
use plexy_tests::certificate::{TlsClient, TlsClientOptions};
use plexy_tests::eventually;
use plexy_tests::tool::{Conversation, Tool};
use plexy_tests::traffic::{send, verify};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::{ONLY_1_3, Scene};

/// Times that keys are changed, on both sides. Rustls takes no more than 32 without a byte between.
const ROUNDS: u64 = 64;

/// Bytes before and behind each: several records, and not so many that anybody has to wait.
const BYTES: u64 = 40_003;

#[tokio::test(flavor = "multi_thread")]
async fn bytes_before_and_behind_a_change_of_keys_are_what_they_were() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    let tunnel = scene.open(&echo, "").await;
    let options = TlsClientOptions { versions: ONLY_1_3, ..TlsClientOptions::of(&scene.authority) };
    let mut stream = TlsClient::with(&options).connect(tunnel, "a.example").await.unwrap();
    for round in 0..ROUNDS {
        let (before, behind) = (2 * round, 2 * round + 1);
        send(&mut stream, before, BYTES).await.unwrap();
        stream.get_mut().1.refresh_traffic_keys().unwrap();
        send(&mut stream, behind, BYTES).await.unwrap();
        stream.flush().await.unwrap();
        verify(&mut stream, before, BYTES).await.unwrap();
        verify(&mut stream, behind, BYTES).await.unwrap();
    }
    let all = 2 * ROUNDS * BYTES;
    let counted = async || {
        let traffic = scene.daemon.status(tunnel).await.traffic;
        (traffic.bytes_in, traffic.bytes_out)
    };
    // The last of them is counted a moment after it is here.
    eventually!(counted().await == (all, all), "{:?} of {all}", counted().await);
    assert_eq!(scene.failures("protocol").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_changes_its_keys_and_asks_for_others() {
    let Some(openssl) = Tool::find("openssl", "openssl") else { return };
    let (scene, echo) = (Scene::start().await, Echo::start());
    let connect = scene.open(&echo, "").await.to_string();
    let mut client = openssl.converse(["s_client", "-tls1_3", "-brief", "-connect", &connect]);
    // `k` is for its own keys, `K` for those of both sides.
    for (place, command) in ["k", "K", "K", "k"].into_iter().enumerate() {
        hears(&mut client, &format!("before {place}")).await;
        client.send(command).await;
        hears(&mut client, &format!("behind {place}")).await;
    }
    let output = client.finish().await;
    assert_eq!(output.errors().matches("KEYUPDATE").count(), 4, "{output:?}");
    assert_eq!(scene.failures("protocol").await, 0);
}

/// Says this until it comes back: what openssl reads at once with a command is lost.
async fn hears(client: &mut Conversation, text: &str) {
    loop {
        client.send(text).await;
        if timeout(Duration::from_millis(500), client.wait_for(text)).await.is_ok() {
            return;
        }
    }
}
