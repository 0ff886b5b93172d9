//! What is clicked, what goes to the clipboard, and other colours.

use plexy_tests::eventually;
use plexy_tests::terminal::Terminal;

use super::{Scene, ends, shows, top};

/// The name of the first tunnel in Base64 (RFC 4648), as OSC 52 wants it (xterm's `ctlseqs`).
const DB_COPIED: &str = "\x1b]52;c;ZGI=";

/// Clicks on the first character of a text that is seen.
fn click(top: &Terminal, text: &str) {
    let screen = top.screen();
    let place = screen.lines().enumerate().find_map(|(row, line)| {
        let column = line[..line.find(text)?].chars().count();
        Some((column + 1, row + 1))
    });
    let (column, row) = place.unwrap_or_else(|| panic!("no {text:?} in\n{screen}"));
    top.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

fn written(top: &Terminal) -> String {
    String::from_utf8_lossy(&top.raw()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_tabs_and_heads_are_clicked() {
    let scene = Scene::start(&["0=4000[name=db]", "0=4000,4001[name=web]"]).await;
    let mut top = top(&scene, &[], "▸ ● db").await;
    click(&top, "web");
    shows(&top, "▸ ● web").await;
    assert!(!top.shows("▸ ● db"), "{}", top.screen());
    click(&top, "2 Backends");
    shows(&top, "[2] Backends").await;
    click(&top, "1 Tunnels");
    shows(&top, "▸ ● web").await;
    click(&top, "NAME");
    shows(&top, "sort: name").await;
    // Twice at once looks into it.
    click(&top, "web");
    click(&top, "web");
    shows(&top, "Tunnels ▸ web").await;
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mouse_is_asked_for_and_given_back() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "db").await;
    let (taken, given) = ("\x1b[?1000h", "\x1b[?1000l");
    assert!(written(&top).contains(taken));
    assert!(!written(&top).contains(given));
    top.press("m");
    eventually!(written(&top).contains(given), "{}", top.screen());
    top.press("m");
    eventually!(written(&top).matches(taken).count() == 2, "{}", top.screen());
    top.press("q");
    ends(&mut top, 0).await;
    let written = written(&top);
    assert!(written.rfind(given) > written.rfind(taken), "it is left behind");

    let mut without = super::top(&scene, &["--no-mouse"], "db").await;
    without.press("q");
    ends(&mut without, 0).await;
    assert!(!self::written(&without).contains(taken));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_copied_by_the_terminal_and_nothing_else_is() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &[], "▸ ● db").await;
    assert!(!written(&top).contains("\x1b]52"));
    top.press("y");
    eventually!(written(&top).contains(DB_COPIED), "{}", top.screen());
    shows(&top, "copied").await;
    assert_eq!(written(&top).matches("\x1b]52").count(), 1);
    top.press("q");
    ends(&mut top, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_colours_are_chosen_by_a_key_until_the_first_ones_are_back() {
    let scene = Scene::start(&["0=4000[name=db]"]).await;
    let mut top = top(&scene, &["--theme", "dark"], "▸ ● db").await;
    let colour = || top.style("plexy ").map(|style| style.colour);
    let first = colour();
    let mut seen = Vec::new();
    for theme in ["light", "colorblind", "mono", "dark"] {
        top.press("t");
        shows(&top, &format!("colours: {theme}")).await;
        seen.push((theme, colour()));
    }
    let of = |theme| seen.iter().find(|(name, _)| *name == theme).unwrap().1;
    assert_eq!(of("dark"), first, "{seen:?}");
    assert_eq!(of("mono"), Some(vt100::Color::Default), "{seen:?}");
    assert_ne!(of("light"), of("dark"), "{seen:?}");
    assert_ne!(of("mono"), first, "{seen:?}");
    top.press("q");
    ends(&mut top, 0).await;
}
