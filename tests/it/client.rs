//! A client that only listens.

use plexy_tests::stream::{Stream, Target};
use plexy_tests::traffic::Ending;
use tokio::io::AsyncWriteExt;

/// What a client hears who says nothing but goodbye, and how that ends.
///
/// A reset can be quicker than the client: then its `connect` fails with it, or its goodbye does.
pub(crate) async fn heard(target: impl Into<Target>) -> (Vec<u8>, Ending) {
    let mut client = match Stream::connect(target).await {
        Ok(client) => client,
        Err(error) => return (Vec::new(), Ending::try_from(error).expect("the tunnel accepts")),
    };
    client.shutdown().await.ok();
    Ending::of(&mut client).await.expect("it ends cleanly or with a reset")
}

/// A client that is reset for what it says.
pub(crate) async fn is_reset_after(target: impl Into<Target>, bytes: &[u8]) {
    let mut client = Stream::connect(target).await.expect("the tunnel accepts");
    client.write_all(bytes).await.expect("there is room for it");
    let heard = Ending::of(&mut client).await.expect("it ends cleanly or with a reset");
    assert_eq!(heard, (Vec::new(), Ending::Reset));
}

/// A client for whom there is no place or no backend.
#[track_caller]
pub(crate) fn is_reset(target: impl Into<Target>) -> impl Future<Output = ()> {
    let (caller, target) = (std::panic::Location::caller(), target.into());
    async move {
        let heard = heard(target).await;
        assert_eq!(heard, (Vec::new(), Ending::Reset), "at {caller}");
    }
}
