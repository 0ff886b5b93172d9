//! A disk that is full: changes are refused and not made, everything else goes on, and it passes.

use plexy_shared::event::EventsReply;
use plexy_tests::backend::Echo;
use plexy_tests::daemon::{HttpClient, LineClient, Process};
use plexy_tests::disk::{Disk, with_small_disk};
use plexy_tests::eventually;
use plexy_tests::port::Port;
use plexy_tests::traffic::Flow;

use super::{PLEXYD, answer, kill, tunnels};

const DISK_BYTES: u64 = 8 * 1024 * 1024;

async fn plexyd(disk: &Disk) -> Process {
    let state = disk.path().join("state");
    let sockets = ["--control-socket", "127.0.0.1:0", "--prometheus-socket", "127.0.0.1:0"];
    Process::start(PLEXYD, &[&sockets[..], &["--state", state.to_str().unwrap()]].concat()).await
}

async fn is_saving(process: &Process) -> bool {
    let metrics = HttpClient::Tcp(process.metrics_addr()).get("/metrics").await.body;
    let line = metrics.lines().find(|line| line.starts_with("plexy_state_last_commit_successful "));
    line.unwrap().ends_with(" 1")
}

/// Events of the state, by their words.
async fn told(process: &Process) -> Vec<String> {
    let reply: EventsReply = answer(process, "events").await;
    let kinds = reply.events.iter().map(|event| event.kind.as_str().to_owned());
    kinds.filter(|kind| kind.starts_with("state-")).collect()
}

/// Opens tunnels until the disk takes no more; what stays free in the file of the state may hold
/// some.
async fn fill(disk: &Disk, line: &mut LineClient, first: usize) -> String {
    for number in first..first + 2_000 {
        disk.fill();
        let spec = format!("unix:{}/{number}=127.0.0.1:1", disk.path().display());
        let answer = line.ask(&format!("open {spec}")).await;
        if answer != "OK\n" {
            assert!(!disk.path().join(number.to_string()).exists(), "its socket is gone again");
            return answer;
        }
    }
    panic!("the disk is never full");
}

#[test]
fn what_cannot_be_saved_is_refused_and_not_made_and_traffic_flows_on() {
    with_small_disk(DISK_BYTES, async |disk| {
        let (echo, port) = (Echo::start(), Port::reserve());
        let mut process = plexyd(&disk).await;
        let mut line = LineClient::connect(process.control_addr()).await;
        let opened = line.ask(&format!("open {}={}[name=way]", port.addr(), echo.addr())).await;
        assert_eq!(opened, "OK\n");
        let flow = Flow::start(port.addr(), 1).await.unwrap();
        for (round, save) in ["save", "add way 127.0.0.1:1"].into_iter().enumerate() {
            let events = told(&process).await.len();

            // Two at once, whose changes are kept together, and refused together.
            let mut other = LineClient::connect(process.control_addr()).await;
            let first = round * 4_000;
            let (one, two) =
                tokio::join!(fill(&disk, &mut line, first), fill(&disk, &mut other, first + 2_000));

            for refused in [one, two] {
                assert!(
                    refused.contains("cannot be saved") && refused.contains("nothing has changed"),
                    "{refused}"
                );
            }
            let before = tunnels(&process).await;
            let history = line.ask("history 1000").await;
            for change in ["close way", "add way 127.0.0.1:9", "undo", "open 0=127.0.0.1:1"] {
                let refused = line.ask(change).await;
                assert!(refused.starts_with("ERROR: the change cannot be saved in `"), "{refused}");
            }
            assert!(line.ask("save").await.starts_with("ERROR: "));
            assert_eq!(tunnels(&process).await, before);
            assert_eq!(line.ask("history 1000").await, history);
            assert!(!is_saving(&process).await);
            let told_now = told(&process).await.split_off(events);
            // What one could not keep any more may be kept once more, with what is free in the file.
            assert_eq!(told_now.last().map(String::as_str), Some("state-failed"));
            assert!(
                told_now.windows(2).all(|two| two[0] != two[1]),
                "each is told once: {told_now:?}"
            );
            let events = events + told_now.len();
            eventually!(process.says("WARN state failed"), "{}", process.log());
            let bytes = flow.bytes();
            eventually!(flow.bytes() > bytes + 100_000);

            disk.free();

            assert!(line.ask(save).await.starts_with("OK"), "{save}");
            assert!(is_saving(&process).await);
            assert_eq!(told(&process).await[events..], ["state-saved"]);
        }
        assert!(flow.stop().await.fault.is_none());
        let (open, history) = (tunnels(&process).await, line.ask("history 1000").await);
        kill(process).await;
        process = plexyd(&disk).await;
        assert_eq!(tunnels(&process).await, open);
        let mut line = LineClient::connect(process.control_addr()).await;
        assert_eq!(line.ask("history 1000").await, history);
    });
}

#[test]
fn a_daemon_that_ends_while_the_disk_is_full_has_lost_nothing_that_it_answered() {
    with_small_disk(DISK_BYTES, async |disk| {
        let process = plexyd(&disk).await;
        let mut line = LineClient::connect(process.control_addr()).await;
        fill(&disk, &mut line, 0).await;
        let open = tunnels(&process).await;
        kill(process).await;
        disk.free();
        assert_eq!(tunnels(&plexyd(&disk).await).await, open);
    });
}
