//! The certificates of tunnels, looked at before any of them is opened: `--check`.

use plexy_shared::spec::TunnelOptions;

use crate::config::Config;
use crate::tls::{FromFiles, Originate, Reading, Terminate};

/// What was found of the files of all tunnels, a sentence for each.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// With that no tunnel can be opened.
    pub(super) mistakes: Vec<String>,
    /// What somebody should see to, although it works.
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Reads the files that the tunnels name; those of the configuration file stand at these places.
    pub(super) fn of(config: &Config, places: &[String]) -> Self {
        let (mut findings, mut reading) = (Self::default(), Reading::default());
        let places = places.iter().map(|place| format!("{place}: "));
        let places = places.chain(std::iter::repeat(String::new()));
        for (spec, place) in config.file_tunnels.iter().chain(&config.tunnels).zip(places) {
            let name = spec.options.name.as_ref();
            let label = name.map_or_else(|| spec.listen.to_string(), ToString::to_string);
            let tunnel = format!("{place}tunnel {label}");
            let TunnelOptions { tls, backend_tls, .. } = &spec.options;
            findings.look_at::<Terminate>(&tunnel, tls.as_deref(), &mut reading);
            findings.look_at::<Originate>(&tunnel, backend_tls.as_deref(), &mut reading);
        }
        findings
    }

    fn look_at<M: FromFiles>(
        &mut self,
        tunnel: &str,
        options: Option<&M::Options>,
        reading: &mut Reading,
    ) {
        match options.map(|options| M::make(options, reading, None)) {
            None => {}
            Some(Ok(made)) => made.visit(&mut |shown| {
                let warnings = shown.warnings.iter().map(|it| format!("{tunnel}: {it}"));
                self.warnings.extend(warnings);
            }),
            Some(Err(error)) => self.mistakes.push(format!("{tunnel}: {error}")),
        }
    }
}
