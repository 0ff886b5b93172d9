//! The certificates of tunnels, looked at before any of them is opened: `--check`.

use plexy_shared::spec::TunnelOptions;

use crate::config::Config;
use crate::tls::{Originate, Pair, SystemRoots, Terminate};

/// What was found of the files of all tunnels, a sentence for each.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// With that no tunnel can be opened.
    pub(super) mistakes: Vec<String>,
    /// What somebody should see to, although it works.
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Reads the files that the tunnels name.
    pub(super) fn of(config: &Config) -> Self {
        let (mut findings, system) = (Self::default(), SystemRoots::default());
        for spec in config.file_tunnels.iter().chain(&config.tunnels) {
            let name = spec.options.name.as_ref();
            let label = name.map_or_else(|| spec.listen.to_string(), ToString::to_string);
            findings.look_at(&label, &spec.options, &system);
        }
        findings
    }

    fn look_at(&mut self, label: &str, options: &TunnelOptions, system: &SystemRoots) {
        match options.tls.as_ref().map(|tls| Terminate::load(tls)).transpose() {
            Ok(terminate) => self.warn_of(label, terminate.iter().flat_map(Terminate::pairs)),
            Err(error) => self.mistakes.push(format!("tunnel {label}: {error}")),
        }
        let originate = options.backend_tls.as_ref().map(|tls| Originate::load(tls, system));
        match originate.transpose() {
            Ok(originate) => self.warn_of(label, originate.iter().filter_map(Originate::pair)),
            Err(error) => self.mistakes.push(format!("tunnel {label}: {error}")),
        }
    }

    fn warn_of<'a>(&mut self, label: &str, pairs: impl Iterator<Item = &'a Pair>) {
        let warnings = pairs.flat_map(|pair| &pair.warnings);
        self.warnings.extend(warnings.map(|it| format!("tunnel {label}: {it}")));
    }
}
