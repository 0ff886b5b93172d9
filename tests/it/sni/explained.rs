//! `explain` where names decide: which backends are those of a name, and that its client gets one.

use plexy_shared::explanation::{Admission, Choice, Explanation, Hurdle, Objection};
use plexy_tests::daemon::Daemon;

use super::*;

async fn explain(daemon: &Daemon, tunnel: SocketAddr, sni: Option<&str>) -> Explanation {
    let (tunnel, sni) = (tunnel.to_string().parse().unwrap(), sni.map(|it| it.parse().unwrap()));
    daemon.service().explain(&tunnel, None, sni.as_ref()).await.unwrap()
}

fn outcome(explanation: &Explanation) -> (Admission, Choice) {
    (explanation.admission.known().unwrap(), explanation.choice.known().unwrap())
}

/// What is said of the name that the client asks for.
fn step(explanation: &Explanation) -> (Admission, Option<&str>) {
    let step = explanation.steps.last().unwrap();
    assert_eq!(step.hurdle, Hurdle::Name);
    (step.result.known().unwrap(), step.detail.as_deref())
}

/// The places of the backends that are those of other names.
fn apart(explanation: &Explanation) -> Vec<usize> {
    let is_apart = |place: &usize| {
        let backend = &explanation.backend_list[*place];
        let is_apart = backend.against.iter().any(|it| it.objection == Objection::Name);
        assert!(!(is_apart && backend.eligible), "{backend:?}");
        is_apart
    };
    (0..explanation.backend_list.len()).filter(is_apart).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_a_name_is_what_its_client_gets() {
    let [a, b, c] = greeters();
    let daemon = Daemon::start().await;
    let named = format!("{}+sni=a.example,{}+sni=*.b.example", a.addr(), b.addr());
    let tunnel = daemon.open(&named).await;

    for (name, backend, banner, others) in
        [("a.example", &a, "a", [1]), ("x.B.example", &b, "b", [0])]
    {
        let explained = explain(&daemon, tunnel, Some(name)).await;
        assert_eq!(outcome(&explained), (Admission::Passed, Choice::Picked));
        assert_eq!(explained.picked, Some(backend.addr().to_string()));
        assert_eq!(
            (step(&explained), apart(&explained)),
            ((Admission::Passed, None), others.into())
        );
        comes_to(tunnel, Some(name), banner).await;
    }
    let nobody = explain(&daemon, tunnel, Some("c.example")).await;
    assert_eq!(outcome(&nobody), (Admission::Refused, Choice::None));
    assert_eq!(step(&nobody), (Admission::Refused, Some("no backend has that name")));
    assert_eq!(apart(&nobody), [0, 1]);
    let unsaid = explain(&daemon, tunnel, None).await;
    assert_eq!(outcome(&unsaid), (Admission::ByName, Choice::ByName));
    assert!(unsaid.backend_list.iter().all(|it| it.eligible && it.share_percent.is_none()));

    // With one for all other names nobody is refused.
    daemon.line().await.ask(&format!("add {tunnel} {}", c.addr())).await;
    let other = explain(&daemon, tunnel, Some("c.example")).await;
    assert_eq!((other.picked.as_ref(), apart(&other)), (Some(&c.addr().to_string()), vec![0, 1]));
    comes_to(tunnel, Some("c.example"), "c").await;
    let unsaid = explain(&daemon, tunnel, None).await;
    assert_eq!(outcome(&unsaid), (Admission::Passed, Choice::ByName));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_backend_is_told_beside_its_names() {
    let [a, b] = greeters();
    let daemon = Daemon::start().await;
    let both = format!("{}+sni=a.example,{}+sni=a.example", a.addr(), b.addr());
    let tunnel = daemon.open(&format!("{both}[name=web]")).await;
    let mut line = daemon.line().await;
    line.ask(&format!("disable web {}", a.addr())).await;

    let told = line.ask("explain web sni a.example").await;
    let picked = format!("a client that asks for a.example is let in, and goes to {}", b.addr());
    assert!(told.starts_with(&format!("OK: {picked} by round-robin\n")), "{told}");
    assert!(
        told.contains(&format!("backend {} = not eligible: disabled for ", a.addr())),
        "{told}"
    );
    let unsaid = explain(&daemon, tunnel, None).await;
    let eligible = unsaid.backend_list.iter().map(|it| it.eligible);
    assert_eq!(eligible.collect::<Vec<_>>(), [false, true]);
    let elsewhere = line.ask("explain web sni b.example").await;
    let refused =
        "OK: a client that asks for b.example is refused by name (no backend has that name)\n";
    assert!(elsewhere.starts_with(refused), "{elsewhere}");
    assert!(elsewhere.contains(" and name, weight 1"), "{elsewhere}");
    assert!(elsewhere.contains(&format!("{} = not eligible: name, ", b.addr())), "{elsewhere}");
}
