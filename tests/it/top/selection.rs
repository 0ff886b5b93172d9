//! The selection is of a row and not of a place: it goes where its row goes, whatever that does.

use plexy_tests::backend::Echo;
use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;
use plexy_tests::terminal::keys::DOWN;
use tokio::net::TcpStream;

use super::walk::listens;
use super::{Scene, ends, shows, top};

/// More than the screen has room for.
const TUNNELS: usize = 30;

/// How often the daemon sorts anew by what was asked for, and how often by what has come.
const BY_KEYS: usize = 80;
const BY_TRAFFIC: usize = 20;

/// The names of the rows that are seen, and that of the selected one.
fn rows(top: &Terminal) -> (Vec<String>, Option<String>) {
    let name =
        |line: &str| line.split_whitespace().find(|word| word.starts_with("t-")).map(str::to_owned);
    let screen = top.screen();
    let lines = screen.lines().skip_while(|line| !line.contains("NAME")).skip(1);
    let table: Vec<_> = lines.take_while(|line| !line.starts_with('─')).collect();
    let selected = table.iter().find(|line| line.contains('▸')).and_then(|line| name(line));
    (table.into_iter().filter_map(name).collect(), selected)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_with_its_row_through_a_hundred_sorts() {
    let echo = Echo::start();
    let spec = |number| format!("0={}[name=t-{number:02}]", echo.addr());
    let specs: Vec<_> = (0..TUNNELS).map(spec).collect();
    let scene = Scene::start(&specs.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut top = top(&scene, &["--delay", "250ms"], "t-00").await;

    // By name, from one end to the other, which have no room for each other: it is never out of sight.
    top.press("sb");
    shows(&top, "sort: name").await;
    top.press(&DOWN.repeat(3));
    let is_selected = |(_, selected): &(_, Option<String>)| selected.as_deref() == Some("t-03");
    eventually!(is_selected(&rows(&top)), "{}", top.screen());
    for count in 0..BY_KEYS {
        top.press("S");
        let is_turned = || {
            let seen = rows(&top);
            let is_down = seen.0.is_sorted_by(|one, other| one > other);
            is_selected(&seen) && seen.0.len() > 5 && is_down == (count % 2 == 0)
        };
        eventually!(is_turned(), "{count}:\n{}", top.screen());
    }

    // By connections, of which now one has more and now the other.
    top.press("se");
    shows(&top, "sort: conns").await;
    let (mut connections, mut counts) = (Vec::new(), [0; 2]);
    let names = ["t-03", "t-05"];
    let listens = [listens(&scene, names[0]).await, listens(&scene, names[1]).await];
    for count in 0..BY_TRAFFIC {
        let more = count % 2;
        for _ in 0..if count == 0 { 1 } else { 2 } {
            connections.push(TcpStream::connect(listens[more]).await.unwrap());
            counts[more] += 1;
        }
        // Beside its name: where it listens, one of one backend, and its connections.
        let has_all = |line: &str| {
            line.contains(names[more]) && line.contains(&format!("1/1{:>6} ", counts[more]))
        };
        let is_first = || {
            let seen = rows(&top);
            let is_it = seen.0.first().is_some_and(|first| first == names[more]);
            is_selected(&seen) && is_it && top.screen().lines().any(has_all)
        };
        eventually!(is_first(), "{count}:\n{}", top.screen());
    }
    top.press("q");
    ends(&mut top, 0).await;
}
