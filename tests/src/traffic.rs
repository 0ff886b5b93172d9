//! Traffic whose every byte can be checked: a [`Pattern`] is a stream that follows from a seed, so
//! the receiver knows what must stand at each offset and a fault is named by its place.
//!
//! Each wait on the network is bounded by [`PATIENCE`]: a stream on which nothing moves is a
//! [`Fault`] and no hang.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::timeout;

use crate::eventually::PATIENCE;
use crate::stream::{Stream, Target};

mod ending;
mod fault;
mod flow;
mod order;
mod pattern;

pub use self::ending::{Ending, reset};
pub use self::fault::Fault;
pub use self::flow::{Flow, Report};
pub use self::order::Order;
pub use self::pattern::Pattern;

/// The largest piece that is written or read at once.
const CHUNK: usize = 64 * 1024;

/// Sends the first `bytes` bytes of the pattern of `seed`, in pieces of random sizes (the same for
/// the same seed).
pub async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    seed: u64,
    bytes: u64,
) -> Result<(), Fault> {
    let mut pattern = Pattern::new(seed);
    let mut sizes = fastrand::Rng::with_seed(seed);
    let mut buffer = vec![0; CHUNK];
    while pattern.offset() < bytes {
        let offset = pattern.offset();
        let piece = piece(&mut buffer, sizes.usize(1..=CHUNK), bytes - offset);
        pattern.fill(piece);
        match timeout(PATIENCE, stream.write_all(piece)).await {
            Ok(written) => written.map_err(|error| Fault::io(offset, error))?,
            Err(_) => return Err(Fault::Stalled { offset }),
        }
    }
    Ok(())
}

/// Reads `bytes` bytes and checks each against the pattern of `seed`; it reads not one byte
/// further.
pub async fn verify(
    stream: &mut (impl AsyncRead + Unpin),
    seed: u64,
    bytes: u64,
) -> Result<(), Fault> {
    let mut pattern = Pattern::new(seed);
    let mut buffer = vec![0; CHUNK];
    while pattern.offset() < bytes {
        let offset = pattern.offset();
        match read(stream, offset, piece(&mut buffer, CHUNK, bytes - offset)).await? {
            0 => {
                return Fault::unless_length(offset, bytes);
            }
            read => pattern.check(&buffer[..read])?,
        }
    }
    Ok(())
}

/// Reads to a clean end, checks each byte against the pattern of `seed`, and says how many there
/// were.
pub async fn verify_to_end(stream: &mut (impl AsyncRead + Unpin), seed: u64) -> Result<u64, Fault> {
    let mut pattern = Pattern::new(seed);
    let mut buffer = vec![0; CHUNK];
    loop {
        match read(stream, pattern.offset(), &mut buffer).await? {
            0 => return Ok(pattern.offset()),
            read => pattern.check(&buffer[..read])?,
        }
    }
}

/// Orders an exchange from an [`Exchanger`](crate::backend::Exchanger) through `target`: sends `up`
/// bytes and takes `down` bytes at the same time, both checked, both directions ended cleanly.
pub async fn exchange(
    target: impl Into<Target>,
    seed: u64,
    up: u64,
    down: u64,
) -> Result<(), Fault> {
    let mut stream = connect(target).await?;
    let order = Order { seed, up, down };
    order.write(&mut stream).await?;
    let (mut reader, mut writer) = split(stream);
    tokio::try_join!(order.give_up(&mut writer), order.take_down(&mut reader))?;
    Ok(())
}

/// Sends `bytes` bytes through `target` to an [`Echo`](crate::backend::Echo) while it takes them
/// back, ends its direction, and wants the same number of bytes and a clean end.
pub async fn round_trip(target: impl Into<Target>, bytes: u64) -> Result<(), Fault> {
    let (mut reader, mut writer) = split(connect(target).await?);
    let up = async {
        send(&mut writer, bytes, bytes).await?;
        shutdown(&mut writer, bytes).await
    };
    let down = async { Fault::unless_length(verify_to_end(&mut reader, bytes).await?, bytes) };
    tokio::try_join!(up, down)?;
    Ok(())
}

/// Connects, with a deadline.
async fn connect(target: impl Into<Target>) -> Result<Stream, Fault> {
    let target = target.into();
    match timeout(PATIENCE, Stream::connect(&target)).await {
        Ok(connected) => {
            connected.map_err(|source| Fault::Connect { target: target.to_string(), source })
        }
        Err(_) => Err(Fault::Stalled { offset: 0 }),
    }
}

/// Reads once, with a deadline; a reset is a fault here.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    offset: u64,
    buffer: &mut [u8],
) -> Result<usize, Fault> {
    match timeout(PATIENCE, stream.read(buffer)).await {
        Ok(read) => read.map_err(|error| Fault::io(offset, error)),
        Err(_) => Err(Fault::Stalled { offset }),
    }
}

/// Ends the direction that writes.
async fn shutdown(stream: &mut (impl AsyncWrite + Unpin), offset: u64) -> Result<(), Fault> {
    stream.shutdown().await.map_err(|error| Fault::io(offset, error))
}

/// The part of `buffer` that the next piece takes: `size`, or what is left where that is less.
fn piece(buffer: &mut [u8], size: usize, left: u64) -> &mut [u8] {
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    &mut buffer[..size.min(left)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Backend, Echo, Exchanger, Greeter, Resetter};

    #[tokio::test]
    async fn verify_finds_a_flipped_bit_and_names_its_offset() {
        let mut bytes = vec![0; 200_000];
        Pattern::new(5).fill(&mut bytes);
        verify(&mut &bytes[..], 5, 200_000).await.unwrap();
        bytes[123_457] ^= 1;
        match verify(&mut &bytes[..], 5, 200_000).await {
            Err(Fault::WrongByte { offset: 123_457, expected, found }) => {
                assert_eq!(expected ^ 1, found)
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn verify_finds_a_stream_that_is_too_short() {
        let mut bytes = vec![0; 99];
        Pattern::new(5).fill(&mut bytes);
        match verify(&mut &bytes[..], 5, 100).await {
            Err(Fault::Length { offset: 99, awaited: 100 }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_round_trip_through_an_echo_holds_and_one_through_a_greeter_does_not() {
        round_trip(Echo::start().addr(), 0).await.unwrap();
        let echo = Echo::start();
        round_trip(echo.addr(), 3_000_000).await.unwrap();
        let greeter = Greeter::start("x");
        assert!(matches!(round_trip(greeter.addr(), 10).await, Err(Fault::WrongByte { .. })));
    }

    #[tokio::test]
    async fn an_exchange_moves_different_amounts_both_ways() {
        let exchanger = Exchanger::start();
        for (up, down) in [(0, 0), (1, 0), (0, 1), (2_000_000, 10), (10, 2_000_000)] {
            exchange(exchanger.addr(), 9, up, down).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_reset_is_named_as_what_it_is() {
        let resetter = Backend::start(Resetter::new().reading(10));
        match round_trip(resetter.addr(), 10).await {
            Err(Fault::Reset { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}
