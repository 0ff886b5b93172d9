//! What file and arguments say of a tunnel holds until somebody changes it, and that until they say
//! something else.

use std::fs;
use std::slice::from_ref;

use plexy_shared::history::TransitionReply;
use plexy_tests::daemon::{LineClient, Process};
use plexy_tests::eventually;
use plexy_tests::port::Port;

use super::{Home, answer, kill, tunnels};

async fn ask(process: &Process, line: &str) -> String {
    LineClient::connect(process.control_addr()).await.ask(line).await
}

async fn done(process: &Process, line: &str) {
    assert_eq!(ask(process, line).await, "OK\n", "{line}");
}

/// What a reload has done: how many it has opened, changed, closed and left as they are.
async fn reload(process: &Process) -> [usize; 4] {
    let reply: TransitionReply = answer(process, "reload").await;
    [reply.opened, reply.changed, reply.closed, reply.unchanged]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_tunnel_of_the_file_holds_until_the_file_says_something_else() {
    let (home, port) = (Home::new(), Port::reserve());
    let with = |backends: &str| format!("{}={backends}[name=web]", port.addr());
    let (said, said_later) = (with("127.0.0.1:1"), with("127.0.0.1:3"));
    let changed = with("127.0.0.1:1,127.0.0.1:2");
    let config = home.config(&[&said]);
    let mut process = home.start(&[&config[0], &config[1]]).await;
    done(&process, "add web 127.0.0.1:2").await;

    assert_eq!(reload(&process).await, [0, 0, 0, 1], "the file says the same as before");
    assert_eq!(tunnels(&process).await, from_ref(&changed));
    process = home.restart(process, &[&said]).await;
    assert_eq!(tunnels(&process).await, from_ref(&changed));
    assert!(ask(&process, "detail web").await.contains("\torigin file, "));
    assert_eq!(reload(&process).await, [0, 0, 0, 1], "still the same");
    assert_eq!(tunnels(&process).await, [changed]);

    home.config(&[&said_later]);
    assert_eq!(reload(&process).await, [0, 1, 0, 0]);
    assert_eq!(tunnels(&process).await, from_ref(&said_later));
    process = home.restart(process, &[&said_later]).await;
    assert_eq!(tunnels(&process).await, from_ref(&said_later));

    done(&process, "add web 127.0.0.1:4").await;
    process = home.restart(process, &[&said]).await;
    eventually!(process.says("a change at run time is over"), "{}", process.log());
    assert_eq!(tunnels(&process).await, [said]);
    process = home.restart(process, &[&said_later]).await;
    assert_eq!(tunnels(&process).await, [said_later], "what is over does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_was_changed_holds_like_any_other_option() {
    let (home, port) = (Home::new(), Port::reserve());
    let said = format!("{}=127.0.0.1:1[name=web]", port.addr());
    let config = home.config(&[&said]);
    let mut process = home.start(&[&config[0], &config[1]]).await;
    assert!(ask(&process, "set web backlog=7").await.starts_with("OK: changed\n"));
    let changed = format!("{}=127.0.0.1:1[name=web,backlog=7]", port.addr());
    assert_eq!(tunnels(&process).await, from_ref(&changed));
    process = home.restart(process, &[&said]).await;
    assert_eq!(tunnels(&process).await, from_ref(&changed));

    let said_later = format!("{}=127.0.0.1:1[name=web,backlog=9]", port.addr());
    home.config(&[&said_later]);
    assert_eq!(reload(&process).await, [0, 1, 0, 0]);
    assert_eq!(tunnels(&process).await, [said_later]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_of_the_file_that_was_closed_stays_closed_and_is_the_files_again_when_opened() {
    let (home, port) = (Home::new(), Port::reserve());
    let with = |backends: &str| format!("{}={backends}[name=web]", port.addr());
    let (said, said_later, opened) =
        (with("127.0.0.1:1"), with("127.0.0.1:3"), with("127.0.0.1:2"));
    let config = home.config(&[&said]);
    let mut process = home.start(&[&config[0], &config[1]]).await;
    done(&process, "close web").await;

    assert_eq!(reload(&process).await, [0, 0, 0, 1]);
    assert!(tunnels(&process).await.is_empty());
    for _ in 0..2 {
        process = home.restart(process, &[&said]).await;
        eventually!(process.says("stays closed"), "{}", process.log());
        assert_eq!(reload(&process).await, [0, 0, 0, 1]);
        assert!(tunnels(&process).await.is_empty());
    }

    done(&process, &format!("open {opened}")).await;
    assert!(ask(&process, "detail web").await.contains("\torigin file, "));
    assert_eq!(reload(&process).await, [0, 0, 0, 1]);
    process = home.restart(process, &[&said]).await;
    assert_eq!(tunnels(&process).await, [opened]);
    assert!(ask(&process, "detail web").await.contains("\torigin file, "));

    done(&process, "close web").await;
    home.config(&[&said_later]);
    assert_eq!(reload(&process).await, [1, 0, 0, 0], "it says something else now");
    assert_eq!(tunnels(&process).await, from_ref(&said_later));
    done(&process, "close web").await;
    process = home.restart(process, &[&said]).await;
    assert_eq!(tunnels(&process).await, [said], "as does one that is read at the start");

    done(&process, "close web").await;
    home.config(&[]);
    assert_eq!(reload(&process).await, [0, 0, 0, 0]);
    process = home.restart(process, &[&with("127.0.0.1:1")]).await;
    assert_eq!(tunnels(&process).await.len(), 1, "of what the file gave up nothing is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_only_gives_up_a_closed_tunnel_is_no_change_to_undo() {
    let (home, port) = (Home::new(), Port::reserve());
    let config = home.config(&[&format!("{}=127.0.0.1:1[name=web]", port.addr())]);
    let process = home.start(&[&config[0], &config[1]]).await;
    done(&process, "close web").await;
    let before = ask(&process, "history").await;

    home.config(&[]);
    assert_eq!(reload(&process).await, [0, 0, 0, 0]);

    assert_eq!(ask(&process, "history").await, before);
    let process = home.restart(process, &[]).await;
    assert_eq!(ask(&process, "history").await, before);
    assert_eq!(ask(&process, "undo").await, "OK: opened 1, changed 0, closed 0, unchanged 0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_of_the_arguments_are_overridden_in_the_same_way() {
    let (home, port) = (Home::new(), Port::reserve());
    let with = |backends: &str| format!("{}={backends}[name=web]", port.addr());
    let (said, said_later) = (with("127.0.0.1:1"), with("127.0.0.1:3"));
    let mut process = home.start(&[&said]).await;
    done(&process, "add web 127.0.0.1:2").await;

    for (argument, expected) in [
        (&said, with("127.0.0.1:1,127.0.0.1:2")),
        (&said_later, said_later.clone()),
        (&said, said.clone()),
    ] {
        kill(process).await;
        process = home.start(&[argument]).await;
        assert_eq!(tunnels(&process).await, [expected]);
        assert!(ask(&process, "detail web").await.contains("\torigin args, "));
    }

    done(&process, "close web").await;
    for (argument, is_open) in [(&said, false), (&said, false), (&said_later, true), (&said, true)]
    {
        kill(process).await;
        process = home.start(&[argument]).await;
        assert_eq!(tunnels(&process).await.len(), usize::from(is_open), "{argument}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_comes_first_then_the_state_then_the_arguments() {
    let home = Home::new();
    let ports = [(); 5].map(|()| Port::reserve());
    let specs = ports.each_ref().map(|port| format!("{}=127.0.0.1:1", port.addr()));
    let [of_file, one, two, three, of_args] = specs;
    let config = home.config(&[&of_file]);
    let arguments = [&config[0], &config[1], of_args.as_str()];
    let mut process = home.start(&arguments).await;
    for spec in [&one, &two, &three] {
        done(&process, &format!("open {spec}")).await;
    }

    for round in 2..5 {
        kill(process).await;
        process = home.start(&arguments).await;
        let add = format!("add {} 127.0.0.1:{round}", ports[1].addr());
        done(&process, &add).await;
        let open = tunnels(&process).await;
        let order: Vec<_> = open.iter().map(|spec| spec.split('=').next().unwrap()).collect();
        let expected = ports.each_ref().map(|port| port.addr().to_string());
        assert_eq!(order, expected, "a change does not make a tunnel a later one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_that_cannot_be_beside_new_ones_of_the_file_are_all_told_and_nothing_starts() {
    let home = Home::new();
    let [one, two, three] = [(); 3].map(|()| Port::reserve().addr());
    let process = home.start(&[]).await;
    done(&process, &format!("open {one}=127.0.0.1:1")).await;
    done(&process, &format!("open {two}=127.0.0.1:1[name=db]")).await;
    kill(process).await;
    let config =
        home.config(&[&format!("{one}=127.0.0.1:2"), &format!("{three}=127.0.0.1:1[name=DB]")]);
    let before = fs::read(home.state()).unwrap();

    let mut refused = home.spawn(&[&config[0], &config[1]]);

    assert_eq!(refused.ended().await.code(), Some(1), "{}", refused.log());
    for told in [
        "cannot open every tunnel:",
        &format!("{one}=127.0.0.1:1: cannot listen on `{one}`: tunnel `{one}` is open"),
        &format!("{two}=127.0.0.1:1[name=db]: the name `db` is taken by the tunnel on `{three}`"),
    ] {
        assert!(refused.says(told), "{told}: {}", refused.log());
    }
    assert!(fs::read(home.state()).unwrap().len() >= before.len());
    let process = home.start(&[]).await;
    assert_eq!(tunnels(&process).await.len(), 2);
}
