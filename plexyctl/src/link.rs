//! The daemon that commands go to, one after the other. It is connected with when the first one needs
//! it, and anew when the connection was lost.

use crate::args::Options;
use crate::client::{ConnectOptions, Endpoint, Found, Patience, Places, Token};
use crate::config::{Config, Target};
use crate::failure::Failure;

/// What the way to a daemon of this machine is called.
const LOCAL: &str = "local";

/// A way to a daemon.
#[derive(Debug)]
pub(crate) struct Link {
    places: Places,
    connect: ConnectOptions,
    found: Option<Found>,
    context: String,
}

impl Link {
    /// Where the options, or else the configuration file, say; nothing is asked yet.
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let token = options.token_file.as_deref().map(Token::read).transpose()?;
        let Target { endpoint, credentials } = Config::of_user()?.target(options)?;
        let patience = Patience::new(options.timeout);
        let context = endpoint.as_ref().and_then(Endpoint::host).unwrap_or(LOCAL).to_owned();
        let places = endpoint.map_or_else(Places::by_default, Places::named);
        Ok(Self {
            places,
            connect: ConnectOptions { token, credentials, patience },
            found: None,
            context,
        })
    }

    /// What the way is called.
    pub(crate) fn context(&self) -> &str {
        &self.context
    }

    /// Whether a change there should be thought over twice.
    pub(crate) fn is_protected(&self) -> bool {
        false
    }

    /// The daemon, for one command that is given so long.
    pub(crate) async fn daemon(&mut self, patience: Patience) -> Result<&mut Found, Failure> {
        let alive = self.found.take().filter(|found| found.client.is_connected());
        let mut found = match alive {
            Some(found) => found,
            None => {
                let connect = ConnectOptions { patience, ..self.connect.clone() };
                self.places.connect(&connect).await?
            }
        };
        found.client.renew(patience);
        Ok(self.found.insert(found))
    }

    /// Forgets a connection that is of no use any more.
    pub(crate) fn lose(&mut self) {
        self.found = None;
    }
}
