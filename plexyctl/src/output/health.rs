//! `health` as a plugin of Nagios writes it: one line, with what to draw behind a bar (Monitoring Plugins
//! Development Guidelines, "Performance data").

use super::safe::safe;
use super::units::some;
use crate::answer::{Condition, Health, Problem};

/// Problems that are told; the line goes to pagers and phones.
const PROBLEMS_TOLD_MAX: usize = 3;

/// What plugins begin with.
const SERVICE: &str = "PLEXY";

/// As one line, without its end.
pub(super) fn line(health: &Health) -> String {
    let word = health.condition.of_plugins();
    if health.condition == Condition::Unknown {
        return format!("{SERVICE} {word} - {}", told(health));
    }
    let tunnels = some(health.tunnels as u64, "tunnel", "tunnels");
    let counts = format!("{tunnels}, {} of {} backends up", health.backends_up, health.backends);
    let problems =
        if health.problems.is_empty() { String::new() } else { format!(": {}", told(health)) };
    format!("{SERVICE} {word} - {counts}{problems} | {}", data(health))
}

/// What is wrong, without the bar that would end the text.
fn told(health: &Health) -> String {
    let one = |problem: &Problem| {
        let tunnel = problem.tunnel.as_ref().map(|tunnel| format!("{tunnel}: "));
        safe(&format!("{}{}", tunnel.unwrap_or_default(), problem.message)).replace('|', "/")
    };
    let mut told: Vec<_> = health.problems.iter().take(PROBLEMS_TOLD_MAX).map(one).collect();
    if health.problems.len() > told.len() {
        told.push(format!("and {} more", health.problems.len() - told.len()));
    }
    told.join("; ")
}

/// `label=value;warn;crit;min;max`.
fn data(health: &Health) -> String {
    let Health { tunnels, tunnels_down, backends, backends_up, connections, .. } = health;
    let mut data = format!(
        "tunnels={tunnels};;;0 tunnels_down={tunnels_down};;0;0;{tunnels} \
         backends_up={backends_up};{backends}:;;0;{backends} connections={connections};;;0"
    );
    if let Some(days) = health.certificate_days {
        let soon = crate::answer::CERTIFICATE_DAYS;
        data.push_str(&format!(" certificate_days={days};{soon}:;0:"));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(condition: Condition, tunnel: &str, message: &str) -> Problem {
        Problem { condition, tunnel: Some(tunnel.to_owned()), message: message.to_owned() }
    }

    #[test]
    fn all_is_well_in_one_line() {
        let health = Health { tunnels: 6, backends: 13, backends_up: 13, ..Health::default() };
        let expected = "PLEXY OK - 6 tunnels, 13 of 13 backends up | tunnels=6;;;0 \
                        tunnels_down=0;;0;0;6 backends_up=13;13:;;0;13 connections=0;;;0";
        assert_eq!(line(&health), expected);
    }

    #[test]
    fn the_worst_is_told_and_the_rest_counted_and_nothing_ends_the_text() {
        let wrong = |n: usize| problem(Condition::Degraded, "web", &format!("{n} | \x1b[2J"));
        let health = Health {
            condition: Condition::Degraded,
            tunnels: 1,
            backends: 5,
            certificate_days: Some(3),
            problems: (0..5).map(wrong).collect(),
            ..Health::default()
        };
        let line = line(&health);
        assert_eq!(line.matches('|').count(), 1, "{line}");
        assert!(!line.contains('\x1b'), "{line}");
        assert!(line.starts_with("PLEXY WARNING - 1 tunnel, 0 of 5 backends up: web: 0 / "));
        assert!(line.contains("; and 2 more | tunnels=1"), "{line}");
        assert!(line.ends_with(" certificate_days=3;14:;0:"), "{line}");
    }
}
