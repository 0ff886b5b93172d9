//! The daemon that commands go to, one after the other. It is connected with when the first one needs
//! it, and anew when the connection was lost.

use std::sync::{Arc, OnceLock};

use crate::args::Options;
use crate::client::{ConnectOptions, Endpoint, Found, Patience, Places, Token, Unreached};
use crate::config::{Config, Origin, Target, found_at};
use crate::failure::Failure;

/// What the way to a daemon of this machine is called.
const LOCAL: &str = "local";

/// A way to a daemon.
#[derive(Debug)]
pub(crate) struct Link {
    places: Places,
    connect: ConnectOptions,
    found: Option<Found>,
    /// Where the first one was, for all who go the same way: another daemon of this machine is not that
    /// one, though it may answer while that is away.
    first: Arc<OnceLock<Endpoint>>,
    /// Whether Ctrl-C is not for what is done here.
    is_deaf: bool,
    title: String,
    way: Vec<String>,
    /// Whether nobody has said where the daemon is: it is that of this machine.
    is_local: bool,
    context: Option<String>,
    protected: Option<String>,
    read_only: Option<String>,
    origin: Origin,
}

impl Link {
    /// Where the options, or else the configuration file, say; nothing is asked yet.
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let target = Config::of_user()?.target(options)?;
        let way = target.words(options);
        let Target { endpoint, credentials, token_file, context, protected, read_only, origin } =
            target;
        let token = token_file.as_deref().map(Token::read).transpose()?;
        let patience = Patience::new(options.timeout);
        let host = || endpoint.as_ref().and_then(Endpoint::host).unwrap_or(LOCAL).to_owned();
        let title = context.clone().unwrap_or_else(host);
        let is_local = endpoint.is_none() && context.is_none();
        let places = endpoint.map_or_else(Places::by_default, Places::named);
        let connect = ConnectOptions { token, credentials, patience };
        Ok(Self {
            places,
            connect,
            found: None,
            first: Arc::default(),
            is_deaf: false,
            title,
            way,
            is_local,
            context,
            protected,
            read_only,
            origin,
        })
    }

    /// The same way, for somebody else: wherever the configuration leads meanwhile.
    pub(crate) fn again(&self) -> Self {
        Self {
            places: self.places.clone(),
            connect: self.connect.clone(),
            found: None,
            first: Arc::clone(&self.first),
            is_deaf: self.is_deaf,
            title: self.title.clone(),
            way: self.way.clone(),
            is_local: self.is_local,
            context: self.context.clone(),
            protected: self.protected.clone(),
            read_only: self.read_only.clone(),
            origin: self.origin.clone(),
        }
    }

    /// For commands that go on where somebody presses Ctrl-C.
    pub(crate) fn deaf(self) -> Self {
        Self { is_deaf: true, ..self }
    }

    /// What the way is called: its context, else the host.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The words of a command line that lead there from any other shell; those of a daemon of this machine
    /// do so once it is connected with.
    pub(crate) fn way(&self) -> Vec<String> {
        match self.found.as_ref().filter(|_| self.is_local) {
            Some(found) => found_at(&found.endpoint.to_string(), &self.way),
            None => self.way.clone(),
        }
    }

    /// The same as far as it was said, and whether where the daemon is was not.
    pub(crate) fn way_said(&self) -> (&[String], bool) {
        (&self.way, self.is_local)
    }

    /// The name of the context, if changes there are to be thought over twice.
    pub(crate) fn protected(&self) -> Option<&str> {
        self.protected.as_deref()
    }

    /// The same for what is done with these options: not where somebody has said yes, or it is only tried
    /// out.
    pub(crate) fn protected_for(&self, options: &Options) -> Option<&str> {
        self.protected().filter(|_| !options.yes && !options.dry_run)
    }

    /// The name of the context, if nothing is changed there.
    pub(crate) fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// The same for what is done with these options: what is only tried out is no change.
    pub(crate) fn read_only_for(&self, options: &Options) -> Option<&str> {
        self.read_only().filter(|_| !options.dry_run)
    }

    /// The daemon, for one command that is given so long.
    pub(crate) async fn daemon(&mut self, patience: Patience) -> Result<&mut Found, Failure> {
        let patience = if self.is_deaf { patience.deaf() } else { patience };
        let alive = self.found.take().filter(|found| found.client.is_connected());
        let mut found = match alive {
            Some(found) => found,
            None => {
                let connect = ConnectOptions { patience, ..self.connect.clone() };
                self.connected(&connect).await.map_err(|unreached| self.told(unreached))?
            }
        };
        found.client.renew(patience);
        Ok(self.found.insert(found))
    }

    /// The first daemon that answers, and ever after that one.
    async fn connected(&self, connect: &ConnectOptions) -> Result<Found, Unreached> {
        loop {
            let places = match self.first.get() {
                None => self.places.clone(),
                Some(first) => self.places.only(first),
            };
            let found = places.connect(connect).await?;
            // Two may have looked for it at once.
            if *self.first.get_or_init(|| found.endpoint.clone()) == found.endpoint {
                return Ok(found);
            }
        }
    }

    /// Whether the next command goes to the same daemon as the last one: over the same connection.
    pub(crate) fn is_held(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.client.is_connected())
    }

    /// With where it was said that the daemon is there.
    fn told(&self, unreached: Unreached) -> Failure {
        let mut failure = Failure::from(unreached);
        let is_of_line = matches!(self.origin, Origin::Line("--endpoint"));
        match (&self.context, &self.origin) {
            (Some(name), origin) => {
                failure.details.push(format!("that is the context `{name}`, of {origin}"));
            }
            (None, Origin::Default) => {}
            (None, _) if is_of_line => {}
            (None, origin) => failure.details.push(format!("{origin} says that it is there")),
        }
        failure
    }

    /// Forgets a connection that is of no use any more.
    pub(crate) fn lose(&mut self) {
        self.found = None;
    }
}
