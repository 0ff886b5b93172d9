//! Hellos that are whole, torn, wrong and hostile, over a stream in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use proptest::prelude::*;

use super::*;
use crate::relay::BoxFuture;

/// What OpenSSL 3.0 says with `s_client -servername a.example`.
const OPENSSL: &str = "\
1603010136010001320303cfcf8966af02a01940ecaaa8c42bfdb8ac51fe8ea3ef120e6a46bd42f6f3c1bc20f089aa41\
8981f32a7c07cd714fd562717c212ae2d8a73430dae9f2585a70bb51003e130213031301c02cc030009fcca9cca8ccaa\
c02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff010000ab\
0000000e000c000009612e6578616d706c65000b000403000102000a00160014001d0017001e00190018010001010102\
01030104002300000016000000170000000d002a0028040305030603080708080809080a080b08040805080604010501\
0601030303010302040205020602002b0009080304030303020301002d00020101003300260024001d0020f717aae775\
49a7a18be5fb67d687a31e54d7b0a5ea2b4a0f59aa50ef919d216a";

fn openssl() -> Vec<u8> {
    let digits = OPENSSL.as_bytes().chunks(2);
    digits.map(|it| u8::from_str_radix(str::from_utf8(it).unwrap(), 16).unwrap()).collect()
}

/// A client that gives one piece a read, then ends, breaks or is silent.
#[derive(Debug, Default)]
struct Client {
    pieces: Mutex<VecDeque<Vec<u8>>>,
    then: Then,
    told: Mutex<Told>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Then {
    End,
    Break,
    #[default]
    Silence,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Told {
    bytes: Vec<u8>,
    has_ended: bool,
    is_reset: bool,
}

impl Client {
    fn saying(pieces: impl IntoIterator<Item = Vec<u8>>, then: Then) -> Self {
        Self { pieces: Mutex::new(pieces.into_iter().collect()), then, ..Self::default() }
    }

    fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Stream for Client {
    fn try_read(&self, buffer: &mut [u8], _: Readiness) -> io::Result<usize> {
        let mut pieces = self.pieces.lock().unwrap();
        match (pieces.pop_front(), self.then) {
            (Some(mut piece), _) => {
                let read = piece.len().min(buffer.len());
                buffer[..read].copy_from_slice(&piece[..read]);
                if read < piece.len() {
                    pieces.push_front(piece.split_off(read));
                }
                Ok(read)
            }
            (None, Then::End) => Ok(0),
            (None, Then::Break) => Err(io::ErrorKind::ConnectionReset.into()),
            (None, Then::Silence) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn try_write(&self, bytes: &[u8], _: Readiness) -> io::Result<usize> {
        self.tell(|told| told.bytes.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_writable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_end(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tell(|told| told.has_ended = true);
        Poll::Ready(Ok(()))
    }

    fn broken(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn unsent_bytes(&self) -> io::Result<usize> {
        Ok(0)
    }

    fn reset_on_close(&self) {
        self.tell(|told| told.is_reset = true);
    }
}

/// A vector with a length of one byte before it, and with one of two.
fn short(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).unwrap()], content].concat()
}

fn long(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &long(content)].concat()
}

fn names(names: &[(u8, &[u8])]) -> Vec<u8> {
    let each = names.iter().flat_map(|(sort, name)| [vec![*sort], long(name)].concat());
    extension(0, &long(&each.collect::<Vec<_>>()))
}

fn host(name: &str) -> Vec<u8> {
    names(&[(0, name.as_bytes())])
}

/// What is in a hello with these extensions, or without any.
fn body(extensions: Option<&[u8]>) -> Vec<u8> {
    let begin = [&[3, 3][..], &[7; 32], &short(&[9; 32]), &long(&[0x13, 1, 0xda, 0xda])].concat();
    let extensions = extensions.map(long).unwrap_or_default();
    [begin, short(&[0]), extensions].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &long(fragment)].concat()
}

/// A hello in one record.
fn hello(extensions: &[u8]) -> Vec<u8> {
    record(22, &message(1, &body(Some(extensions))))
}

fn taken(bytes: &[u8]) -> Result<Option<Option<Box<str>>>, Fault> {
    Assembly::default().take(bytes)
}

#[track_caller]
fn asks_for(bytes: &[u8], expected: Option<&str>) {
    assert_eq!(taken(bytes), Ok(Some(expected.map(Into::into))));
}

#[track_caller]
fn is_faulty(bytes: &[u8], kind: HelloFault, alert: Option<u8>) {
    let fault = taken(bytes).expect_err("it is refused");
    let told = fault.alert.map(|alert| alert.record());
    assert_eq!((fault.kind, told.map(|told| told[6])), (kind, alert), "{fault:?}");
    assert!(told.is_none_or(|told| told[..6] == [21, 3, 1, 0, 2, 2]), "{told:?}");
}

#[test]
fn the_name_is_found_in_any_hello_that_keeps_to_the_rules() {
    asks_for(&openssl(), Some("a.example"));
    asks_for(&hello(&host("A.Example")), Some("a.example"));
    asks_for(&hello(&host("a.example.")), Some("a.example"));
    asks_for(&hello(&host("10.0.0.1")), Some("10.0.0.1"));
    asks_for(&hello(&host(&"a".repeat(253))), Some(&"a".repeat(253)));
    // Values that mean nothing (RFC 8701), something from the future, and ECH, whose outer name counts.
    let grease = [extension(0x0a0a, &[]), extension(0xfe0d, &[1; 200]), host("b.example")].concat();
    asks_for(&hello(&[grease, extension(0xfafa, &[0])].concat()), Some("b.example"));
    asks_for(&hello(&extension(16, &long(&short(b"h2")))), None);
    asks_for(&hello(&[]), None);
    asks_for(&record(22, &message(1, &body(None))), None);
    // A sort of names that is not known says nothing about hosts.
    asks_for(&hello(&names(&[(7, b"x"), (0, b"c.example")])), Some("c.example"));
    asks_for(&hello(&names(&[(7, b"x")])), None);
    // TLS 1.0 and 1.1, and one that will be.
    for version in [[3, 1], [3, 2], [3, 9]] {
        let mut old = body(Some(&host("old.example")));
        old[..2].copy_from_slice(&version);
        asks_for(&record(22, &message(1, &old)), Some("old.example"));
    }
}

#[test]
fn what_comes_behind_the_hello_is_no_part_of_it() {
    let early = [hello(&host("a.example")), record(23, &[1; 100])].concat();
    asks_for(&early, Some("a.example"));
}

#[test]
fn a_hello_may_be_cut_at_every_byte() {
    let bytes = openssl();
    for cut in 0..bytes.len() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(&bytes[..cut]), Ok(None), "{cut}");
        assert_eq!(assembly.take(&bytes[cut..]), Ok(Some(Some("a.example".into()))), "{cut}");
        assert_eq!(assembly.into_bytes(), bytes);
    }
}

#[test]
fn a_hello_may_stand_in_records_of_one_byte() {
    let fragments = openssl()[5..].chunks(1).flat_map(|byte| record(22, byte)).collect::<Vec<_>>();
    asks_for(&fragments, Some("a.example"));
    let mut assembly = Assembly::default();
    let (last, others) = fragments.split_last().unwrap();
    for byte in others {
        assert_eq!(assembly.take(&[*byte]), Ok(None));
    }
    assert_eq!(assembly.take(&[*last]), Ok(Some(Some("a.example".into()))));
}

#[test]
fn what_is_not_tls_is_known_at_its_first_bytes() {
    is_faulty(b"G", HelloFault::NotTls, None);
    is_faulty(b"SSH-2.0-x\r\n", HelloFault::NotTls, None);
    is_faulty(&[22, 2], HelloFault::NotTls, None);
    // SSL 2.0, also where it asks for TLS.
    is_faulty(&[0x80, 46, 1, 3, 1, 0, 21, 0, 0, 0, 16], HelloFault::NotTls, None);
    is_faulty(&record(23, &[0; 9]), HelloFault::NotTls, None);
    assert_eq!(taken(&[22]), Ok(None));
    assert_eq!(taken(&[22, 3]), Ok(None));
}

#[test]
fn what_breaks_the_rules_is_refused_as_what_it_is() {
    let malformed = |bytes: &[u8], alert| is_faulty(bytes, HelloFault::Malformed, Some(alert));
    malformed(&record(22, &message(2, &[0; 40])), 10);
    let torn = record(22, &openssl()[5..20]);
    malformed(&[torn.clone(), record(21, &[2, 40])].concat(), 10);
    malformed(&[torn.clone(), b"GET / HTTP/1.1".to_vec()].concat(), 10);
    malformed(&record(22, &[]), 50);
    malformed(&[torn, record(22, &[])].concat(), 50);
    malformed(&[22, 3, 1, 0x40, 1], 22);
    malformed(&record(22, &message(1, &[])), 50);
    malformed(&record(22, &message(1, &[3; 33])), 50);
}

#[test]
fn two_readers_never_see_two_names() {
    let malformed = |bytes: &[u8], alert| is_faulty(bytes, HelloFault::Malformed, Some(alert));
    malformed(&hello(&[host("a.example"), host("b.example")].concat()), 47);
    malformed(&hello(&names(&[(0, b"a.example"), (0, b"b.example")])), 47);
    for name in ["", "a\0.example", "a b.example", "\u{1b}[31m", "bücher.example"] {
        malformed(&hello(&host(name)), 47);
    }
    malformed(&hello(&host(&"a".repeat(255))), 47);
    // Lists whose length lies, each by one and both ways, and what stands behind their end.
    let whole = body(Some(&host("a.example")));
    let extensions = whole.len() - host("a.example").len() - 2;
    for place in [extensions + 1, extensions + 5, extensions + 7, extensions + 10] {
        for by in [1, u8::MAX] {
            let mut lying = whole.clone();
            lying[place] = lying[place].wrapping_add(by);
            malformed(&record(22, &message(1, &lying)), 50);
        }
    }
    malformed(&record(22, &message(1, &[whole, vec![0]].concat())), 50);
    malformed(&hello(&extension(0, &[])), 50);
    malformed(&hello(&extension(0, &long(&[]))), 50);
}

#[test]
fn the_alert_comes_in_the_version_of_the_client() {
    let mut bytes = record(22, &message(2, &[0; 40]));
    bytes[2] = 0;
    assert_eq!(taken(&bytes).unwrap_err().alert.unwrap().record(), [21, 3, 0, 0, 2, 2, 10]);
}

#[test]
fn no_more_is_held_than_the_bound() {
    let too_large = |bytes: &[u8]| is_faulty(bytes, HelloFault::TooLarge, Some(47));
    // It says so.
    too_large(&record(22, &[1, 1, 0, 0]));
    too_large(&record(22, &[1, 0xff, 0xff, 0xff]));
    // It does not say so, but goes on.
    let endless =
        record(22, &[1, 0, 0xff, 0]).into_iter().chain([22, 3, 1, 0, 1, 9].repeat(20_000));
    let endless: Vec<_> = endless.collect();
    let mut assembly = Assembly::default();
    let last = endless.chunks(100).map(|piece| assembly.take(piece)).find(|it| *it != Ok(None));
    assert_eq!(last.unwrap().unwrap_err().kind, HelloFault::TooLarge);
    assert!(assembly.into_bytes().len() < HELLO_BYTES_MAX + 100);
    // The largest that is taken.
    let padding = |bytes: usize| [host("a.example"), extension(21, &vec![0; bytes])].concat();
    let fits = |bytes: usize| {
        let message = message(1, &body(Some(&padding(bytes))));
        message.chunks(FRAGMENT).flat_map(|fragment| record(22, fragment)).collect::<Vec<_>>()
    };
    const FRAGMENT: usize = 1 << 14;
    asks_for(&fits(65_000), Some("a.example"));
}

#[tokio::test]
async fn all_that_was_said_is_passed_on() {
    let bytes = [hello(&host("a.example")), record(23, &[5; 5_000])].concat();
    let client = Client::saying(bytes.chunks(100).map(<[u8]>::to_vec), Then::Silence);

    let hello = read(&client).await.unwrap();

    assert_eq!(hello.name.as_deref(), Some("a.example"));
    let left = client.pieces.lock().unwrap().make_contiguous().concat();
    assert_eq!([hello.bytes, left].concat(), bytes);
}

#[tokio::test]
async fn a_client_that_leaves_has_left() {
    let failure = async |pieces: &[&[u8]], then| {
        let pieces = pieces.iter().map(|piece| piece.to_vec());
        read(&Client::saying(pieces, then)).await.unwrap_err()
    };
    assert_eq!(failure(&[], Then::End).await, Failure::Ended);
    assert_eq!(failure(&[], Then::Break).await, Failure::Broken);
    assert_eq!(failure(&[&openssl()[..100]], Then::Break).await, Failure::Broken);
    let cut = Failure::Fault(Fault::untold(HelloFault::Cut));
    assert_eq!(failure(&[&openssl()[..100]], Then::End).await, cut);
    assert_eq!(failure(&[&[22]], Then::End).await, cut);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_too_little_has_its_time() {
    let late = Failure::Fault(Fault::untold(HelloFault::Timeout));
    for pieces in [vec![], vec![vec![22]], vec![openssl()[..314].to_vec()]] {
        let begun = tokio::time::Instant::now();
        assert_eq!(read(&Client::saying(pieces, Then::Silence)).await, Err(late));
        assert_eq!(begun.elapsed().as_secs(), HELLO_TIMEOUT.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_why_has_time_to_read_it_and_others_are_reset() {
    let told = async |pieces: Vec<Vec<u8>>, then, alert| {
        let client = Client::saying(pieces, then);
        turn_away(&client, alert).await;
        client.told()
    };
    let alert = Some(Alert::UNRECOGNIZED_NAME);
    let bytes = vec![21, 3, 1, 0, 2, 2, 112];
    let clean = Told { bytes, has_ended: true, is_reset: false };
    let reset = Told { is_reset: true, ..clean.clone() };
    assert_eq!(told(vec![vec![1; 9]], Then::End, alert).await, clean);
    assert_eq!(told(vec![], Then::Silence, alert).await, reset);
    assert_eq!(told(vec![], Then::Break, alert).await, reset);
    assert_eq!(told(vec![vec![1; HELLO_BYTES_MAX]], Then::End, alert).await, reset);
    let untold = Told { is_reset: true, ..Told::default() };
    assert_eq!(told(vec![], Then::End, None).await, untold);
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        cuts in proptest::collection::vec(0_usize..315, 0..20),
        fragment in 1_usize..400,
    ) {
        let message = &openssl()[5..];
        let bytes: Vec<_> = message.chunks(fragment).flat_map(|it| record(22, it)).collect();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut assembly = Assembly::default();
        let mut names = Vec::new();
        for piece in cuts.windows(2) {
            names.extend(assembly.take(&bytes[piece[0]..piece[1]]).unwrap());
        }
        // Nothing is asked any more of one that is whole, but it may be given nothing more.
        prop_assert_eq!(names.first(), Some(&Some("a.example".into())));
    }

    /// Whatever comes is a hello, or refused, or not whole: nobody panics.
    #[test]
    fn bytes_that_were_changed_harm_nobody(
        changes in proptest::collection::vec((0_usize..315, any::<u8>()), 1..8),
    ) {
        let mut bytes = openssl();
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        if let Ok(Some(Some(name))) = taken(&bytes) {
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{}", name);
        }
    }
}
