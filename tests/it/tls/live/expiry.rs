//! Certificates whose time is over, or about to be, or has not come.

use std::time::{Duration, SystemTime};

use plexy_tests::backend::Echo;
use plexy_tests::eventually;

use super::super::{Scene, exchange};
use super::{NAME, events};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Puts a certificate there that is good for so many days from now, or was until so many before.
fn issue(scene: &Scene, file: &str, from_days: i32, to_days: i32) {
    let at = |days: i32| match u32::try_from(days) {
        Ok(days) => SystemTime::now() + DAY * days,
        Err(_) => SystemTime::now() - DAY * days.unsigned_abs(),
    };
    let issued = scene.authority.issue_with(&[NAME], |params| {
        params.not_before = at(from_days).into();
        params.not_after = (at(to_days) + Duration::from_secs(3600)).into();
    });
    issued.write(&scene.folder, file);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_good_certificate_is_warned_of_it_and_not_refused() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    for (name, from, to, sentence, left) in [
        ("good", -1, 90, None, 90),
        ("soon", -80, 10, Some("expires in 10 days, 2"), 10),
        ("expired", -90, -3, Some("has expired 2 days ago: clients do not take it"), -3),
        ("early", 2, 90, Some("is not good before 2"), 90),
    ] {
        let file = format!("{name}.pem");
        issue(&scene, &file, from, to);
        let spec = format!("{}[name={name},tls-cert={}]", echo.addr(), scene.path(&file));
        let tunnel = scene.daemon.open(&spec).await;
        let told = async || {
            let events = events(&scene, "certificate-expiring").await;
            events.into_iter().find(|event| event.contains(&format!("tunnel {name},")))
        };
        if let Some(sentence) = sentence {
            eventually!(told().await.is_some());
            let told = told().await.unwrap();
            let expected = format!("`{}` {sentence}", scene.path(&file));
            assert!(told.contains("warning ") && told.contains(&expected), "{told}");
        }
        let detail = scene.daemon.detail(tunnel).await.tls.unwrap();
        assert_eq!(detail.certificates[0].days_left, left, "{name}");
        let series = "plexy_tls_certificate_not_after_timestamp_seconds";
        let not_after = scene.counted(&format!("{series}{{tunnel=\"{name}\"")).await;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let days =
            (i64::try_from(not_after).unwrap() - i64::try_from(now).unwrap()).div_euclid(86400);
        assert_eq!(days, left, "{name}");
    }
    // What came first was looked at first.
    assert_eq!(events(&scene, "certificate-expiring").await.len(), 3);
    let line = scene.daemon.line().await.ask("detail expired").await;
    assert!(line.contains(" (expired), sha256 "), "{line}");
    let line = scene.daemon.line().await.ask("detail soon").await;
    assert!(line.contains(" (10 days left), sha256 "), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_warned_of_no_more() {
    let (scene, echo) = (Scene::start().await, Echo::start());
    issue(&scene, "a.pem", -80, 10);
    let spec = format!("{}[name=web,tls-cert={}]", echo.addr(), scene.path("a.pem"));
    let tunnel = scene.daemon.open(&spec).await;
    eventually!(events(&scene, "certificate-expiring").await.len() == 1);
    issue(&scene, "a.pem", -1, 90);
    let left = async || scene.daemon.detail(tunnel).await.tls.unwrap().certificates[0].days_left;
    eventually!(left().await == 90);
    exchange(&mut scene.client().connect(tunnel, NAME).await.unwrap(), b"hello").await;
    // Another one is another matter.
    issue(&scene, "a.pem", -80, 9);
    eventually!(events(&scene, "certificate-expiring").await.len() == 2);
}
