//! What a proxy has to do right before it is measured: every byte comes through, both ways at once,
//! and a half-close is passed on while the other direction lives. With TLS that may fail for others
//! than plexyd, and is told.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};

use crate::certificate::Certificate;
use crate::contestant::Contestant;
use crate::cpus::Cpus;
use crate::load::Backend;
use crate::proxy::Proxy;
use crate::tls::{Tls, Trust};

mod tls;

use self::tls::HalfClose;

/// What each connection sends; it is not a multiple of any buffer.
const BYTES: usize = 4_000_037;

/// Connections at once.
const CONNECTIONS: u64 = 4;

/// How long a read or a write may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The count that follows the echo once the client has ended.
const COUNT_BYTES: usize = 8;

/// Lets a contestant through, or says what it does wrong.
pub(crate) fn check(contestant: &Contestant, cpus: &Cpus) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let backend = Backend::start(home.path(), cpus)?;
    let proxy = Proxy::start(contestant, home.path(), cpus, &[backend.services().echo], None)?;
    let addr = proxy.addr();
    let checks = (0..CONNECTIONS).map(|seed| thread::spawn(move || echo(addr, seed)));
    for check in checks.collect::<Vec<_>>() {
        let checked = check.join().map_err(|_| anyhow!("a check panicked"))?;
        checked.with_context(|| format!("{} does not pass the gate", contestant.label))?;
    }
    Ok(())
}

/// The same where the proxy terminates TLS; returns what is to be told of it.
pub(crate) fn check_tls(contestant: &Contestant, cpus: &Cpus) -> anyhow::Result<Option<String>> {
    let home = tempfile::tempdir()?;
    let backend = Backend::start(home.path(), cpus)?;
    let certificate = Certificate::create(home.path())?;
    let config = Tls::FULL.client(Trust::Only(certificate.der()))?;
    let backends = [backend.services().echo];
    let proxy = Proxy::start(contestant, home.path(), cpus, &backends, Some(certificate.file()))?;
    let (addr, label) = (proxy.addr(), &contestant.label);
    let check = |seed| {
        let config = Arc::clone(&config);
        thread::spawn(move || tls::echo(addr, seed, config))
    };
    let checks: Vec<_> = (0..CONNECTIONS).map(check).collect();
    let mut has_lost = false;
    for check in checks {
        let checked = check.join().map_err(|_| anyhow!("a check panicked"))?;
        let half_close =
            checked.with_context(|| format!("{label} does not pass the gate of TLS"))?;
        has_lost |= half_close == HalfClose::Lost;
    }
    ensure!(!has_lost || !contestant.is_plexyd(), "{label} loses a half-close by close_notify");
    Ok(has_lost.then(|| format!("{label} loses a half-close by close_notify")))
}

/// Sends, ends sending, and compares what comes back, before and after that.
fn echo(addr: SocketAddr, seed: u64) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let sent = noise(seed, BYTES);
    let mut writer = stream.try_clone()?;
    let writing = thread::spawn(move || -> std::io::Result<Vec<u8>> {
        writer.write_all(&sent)?;
        writer.shutdown(Shutdown::Write)?;
        Ok(sent)
    });
    let mut received = Vec::with_capacity(BYTES + COUNT_BYTES);
    stream.read_to_end(&mut received).context("cannot read to the end")?;
    let sent = writing.join().map_err(|_| anyhow!("the writer panicked"))?;
    let sent = sent.context("cannot write")?;
    let (echo, count) = received.split_at(received.len().min(BYTES));
    ensure!(echo == sent.as_slice(), "the bytes that come back are not those that were sent");
    ensure!(count == self::count()?, "what the server says after a half-close does not arrive");
    Ok(())
}

/// What the server says after the echo.
fn count() -> anyhow::Result<[u8; COUNT_BYTES]> {
    Ok(u64::try_from(BYTES)?.to_be_bytes())
}

/// Bytes without a pattern (xorshift), so that none can be lost or swapped unnoticed.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed + 0x9e37_79b9_7f4a_7c15;
    let mut word = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let words = std::iter::repeat_with(&mut word).take(bytes.div_ceil(8));
    let mut noise: Vec<u8> = words.flatten().collect();
    noise.truncate(bytes);
    noise
}
