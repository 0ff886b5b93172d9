//! The end of one direction is passed on, and the other direction lives.

use plexy_tests::backend::Recorder;
use plexy_tests::daemon::Daemon;
use plexy_tests::stream::Stream;
use plexy_tests::traffic::Ending;
use tokio::io::AsyncWriteExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_finished_sending_still_gets_the_reply() {
    let backend = plexy_tests::backend::Backend::start(Recorder::new().replying(b"all of it"));
    let daemon = Daemon::start().await;
    let tunnel = daemon.open(&backend.addr().to_string()).await;

    let mut client = Stream::connect(tunnel).await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();

    let (reply, ending) = Ending::of(&mut client).await.unwrap();
    assert_eq!((reply.as_slice(), ending), (b"all of it".as_slice(), Ending::Fin));
    assert_eq!(backend.ended(1).await[0].bytes, b"question");
}
