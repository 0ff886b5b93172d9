//! States that cannot be used: the start says why, and leaves them as they are.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use fastrand::Rng;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::tool::Tool;
use rustix::process::{Signal, geteuid};

use super::{Home, PLEXYD, kill, tunnels};

/// Of a file whose bits flip, so many are tried.
const FLIPS: usize = 40;

/// What a start says that must fail, and that it does so with 1.
async fn refused(home: &Home) -> String {
    let mut process = home.spawn(&[]);
    let status = process.ended().await;
    assert_eq!(status.code(), Some(1), "{}", process.log());
    let log = process.log();
    let error = log.lines().find_map(|line| line.strip_prefix("error: "));
    error.unwrap_or_else(|| panic!("{log}")).replace(home.state().to_str().unwrap(), "STATE")
}

/// A state with some tunnels, of a daemon that ended well, and its content.
async fn some_state() -> (Home, Vec<u8>, Vec<String>) {
    let home = Home::new();
    let mut process = home.start(&[]).await;
    let mut line = LineClient::connect(process.control_addr()).await;
    for number in 0..20 {
        let listen = home.path(&number.to_string());
        let opened = line.ask(&format!("open unix:{}=127.0.0.1:1", listen.display())).await;
        assert_eq!(opened, "OK\n");
    }
    let open = tunnels(&process).await;
    process.signal(Signal::TERM);
    process.ended().await;
    let bytes = fs::read(home.state()).unwrap();
    (home, bytes, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_state_is_refused_and_the_first_goes_on() {
    let home = Home::new();
    let process = home.start(&[]).await;
    assert_eq!(
        refused(&home).await,
        "the state `STATE` is open in another plexyd; each needs a file of its own"
    );
    let mut line = LineClient::connect(process.control_addr()).await;
    assert!(line.ask("open 0=127.0.0.1:1").await.starts_with("OK"));
    let open = tunnels(&process).await;
    kill(process).await;
    assert_eq!(tunnels(&home.start(&[]).await).await, open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_state_is_refused_with_what_to_do_and_left_as_it_is() {
    let (home, whole, _) = some_state().await;
    let mut magic = whole.clone();
    magic[0] ^= 1;
    for (bytes, told) in [
        (Vec::new(), "is empty: if nothing was to be kept there, remove it"),
        (b"tunnels = []\n".to_vec(), "put a copy in its place, or move it away to begin without"),
        (vec![0; 100_000], "put a copy in its place, or move it away to begin without"),
        (magic, "put a copy in its place, or move it away to begin without"),
        (whole[..whole.len() / 2].to_vec(), "put a copy in its place, or move it away"),
        (whole[..100].to_vec(), "put a copy in its place, or move it away"),
    ] {
        fs::write(home.state(), &bytes).unwrap();
        let error = refused(&home).await;
        assert!(error.starts_with("the state `STATE` is ") && error.contains(told), "{error}");
        assert!(fs::read(home.state()).unwrap() == bytes, "it was changed: {error}");
    }
    fs::remove_file(home.state()).unwrap();
    fs::create_dir(home.state()).unwrap();
    assert_eq!(refused(&home).await, "the state `STATE` is no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_with_a_flipped_bit_is_whole_or_refused_and_left_as_it_is() {
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let mut rng = Rng::with_seed(seed);
    let (home, whole, open) = some_state().await;
    let written: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut refusals = 0;
    for _ in 0..FLIPS {
        let mut bytes = whole.clone();
        let place = written[rng.usize(..written.len())];
        bytes[place] ^= 1 << rng.u8(..8);
        fs::write(home.state(), &bytes).unwrap();
        let mut process = home.spawn(&[]);
        eventually!(process.says("ready") || process.exit_status().is_some());
        if process.says("ready") {
            assert_eq!(tunnels(&process).await, open, "byte {place}");
        } else {
            assert_eq!(process.ended().await.code(), Some(1), "byte {place}: {}", process.log());
            eventually!(
                process.says("or move it away") || process.says("another version"),
                "{}",
                process.log()
            );
            // What is refused once is refused again: nothing of it is given up in between.
            assert!(fs::read(home.state()).unwrap() == bytes, "byte {place} and more was changed");
            refusals += 1;
        }
    }
    assert!(refusals > 0, "no flip was noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_may_not_be_read_or_made_is_refused_as_such() {
    let home = Home::new();
    kill(home.start(&[]).await).await;
    fs::set_permissions(home.state(), Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(home.path("."), Permissions::from_mode(0o755)).unwrap();
    for (name, told) in [("state", "state"), ("none", "none"), ("no/such/folder", "folder")] {
        let state = home.path(name);
        let arguments = ["--state", state.to_str().unwrap()];
        let mut process = if geteuid().is_root() {
            // Root may read and write everything.
            let Some(setpriv) = Tool::find("setpriv", "util-linux") else { return };
            let nobody =
                ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
            let arguments = [&nobody[..], &[PLEXYD], &arguments].concat();
            Process::spawn(setpriv.path(), &arguments)
        } else {
            fs::set_permissions(home.path("."), Permissions::from_mode(0o555)).unwrap();
            Process::spawn(PLEXYD, &arguments)
        };
        assert_eq!(process.ended().await.code(), Some(1), "{}", process.log());
        eventually!(process.says("error: cannot open the state `"), "{}", process.log());
        eventually!(process.says(&format!("{told}`: ")), "{}", process.log());
    }
    fs::set_permissions(home.path("."), Permissions::from_mode(0o755)).unwrap();
}
