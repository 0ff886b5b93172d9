//! The units of systemd, and what they need beside them.

use std::fs;

use plexy_tests::tool::Tool;

use super::{path, text};
use crate::process::{PLEXYCTL, PLEXYD};

/// The units as they are installed, each with the name of its file; the second is an instance.
const UNITS: [(&str, &str); 2] =
    [("plexyd.service", "plexyd.service"), ("plexyd@.service", "plexyd@two.service")];

/// Highest exposure that systemd may find: what is left is the network, Unix sockets, low ports.
const EXPOSURE_MAX: f64 = 2.0;

#[tokio::test(flavor = "multi_thread")]
async fn the_units_expose_little() {
    let Some(analyze) = Tool::find("systemd-analyze", "systemd") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (shipped, installed) in UNITS {
        let unit = folder.path().join(installed);
        fs::copy(path(shipped), &unit).unwrap();
        let arguments = ["security", "--offline=true", "--no-pager", unit.to_str().unwrap()];
        let report = analyze.run(arguments).output().await.success();
        // → Overall exposure level for plexyd.service: 1.6 OK
        let exposure = report.split("exposure level for ").nth(1);
        let exposure =
            exposure.and_then(|it| it.split_once(": ")?.1.split(' ').next()?.parse().ok());
        let exposure: f64 = exposure.unwrap_or_else(|| panic!("{report}"));
        assert!(exposure <= EXPOSURE_MAX, "{shipped}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_has_nothing_to_say_about_the_units() {
    let Some(analyze) = Tool::find("systemd-analyze", "systemd") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (shipped, installed) in UNITS {
        // It looks whether the programs are there.
        let ours = text(shipped)
            .replace("/usr/bin/plexyd ", &format!("{PLEXYD} "))
            .replace("/usr/bin/plexyctl ", &format!("{PLEXYCTL} "));
        assert!(!ours.contains("/usr/bin"), "{ours}");
        let unit = folder.path().join(installed);
        fs::write(&unit, ours).unwrap();
        let verified = analyze.run(["verify", unit.to_str().unwrap()]).output().await;
        // It looks at the units of this machine too, on which ours depend.
        let errors = verified.errors();
        let of_ours: Vec<_> = errors.lines().filter(|line| line.contains("plexy")).collect();
        assert!(of_ours.is_empty() && verified.is_success(), "{shipped}: {errors}");
    }
}

#[test]
fn an_instance_differs_from_the_unit_in_its_places_alone() {
    let template = text("plexyd@.service");
    let unit = template.replace("/%i.toml", "/plexy.toml").replace(" (%i)", "").replace("-%i", "");
    assert_eq!(unit, text("plexyd.service"));
    for place in ["Runtime", "State"] {
        assert!(template.contains(&format!("\n{place}Directory=plexy-%i\n")), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_the_units_is_made_and_cannot_log_in() {
    let Some(sysusers) = Tool::find("systemd-sysusers", "systemd") else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = format!("--root={}", folder.path().display());
    let file = fs::canonicalize(path("plexy.sysusers.conf")).unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    let made = sysusers.run([root, file.display().to_string()]).output().await;
    assert!(made.is_success(), "{}", made.errors());
    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    let (users, groups) = (read("etc/passwd"), read("etc/group"));
    assert!(users.starts_with("plexy:") && users.ends_with("/nologin\n"), "{users}");
    assert!(groups.starts_with("plexy:"), "{groups}");
    for (shipped, _) in UNITS {
        assert!(text(shipped).contains("\nUser=plexy\nGroup=plexy\n"), "{shipped}");
    }
}
