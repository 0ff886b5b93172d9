//! What `explain` tells: what a client would meet if it came now, and which backend it would get.
//! Asking changes nothing.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{OnAllDown, ServerName};
use crate::units::ValueError;
use crate::weight::Weight;
use crate::word::{Word, words};

/// What is looked at before a client is let in, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hurdle {
    /// Whether the tunnel listens: it does not while it drains.
    Admin,
    /// Whether there are file descriptors for one more connection.
    Descriptors,
    /// Its lists of networks.
    AllowDeny,
    /// `max-conns-per-source`.
    MaxConnsPerSource,
    /// `conn-rate`.
    ConnRate,
    /// `max-conns`, of the tunnel and of its backends, and who is parked already.
    MaxConns,
    /// The name that it asks for, where names decide.
    Name,
}

words!(Hurdle {
    Admin => "admin",
    Descriptors => "descriptors",
    AllowDeny => "allow-deny",
    MaxConnsPerSource => "max-conns-per-source",
    ConnRate => "conn-rate",
    MaxConns => "max-conns",
    Name => "name",
});

/// What a client gets at a hurdle, or at all of them: the last of these that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admission {
    /// It goes on.
    Passed,
    /// It is not accepted before there are file descriptors, and reset if that takes long.
    Waits,
    /// It is parked until a limit lets it go on.
    Parked,
    /// That depends on the name that it asks for, which was not given.
    ByName,
    /// That depends on its address, which was not given.
    ByClient,
    /// It is reset, or not even connected.
    Refused,
}

words!(Admission {
    Passed => "passed",
    Waits => "waits",
    Parked => "parked",
    ByName => "by-name",
    ByClient => "by-client",
    Refused => "refused",
});

/// Which backend a client gets that is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Picked,
    /// One of several, by chance.
    Shared,
    /// That depends on its address, which was not given.
    ByClient,
    /// That depends on the name that it asks for, which was not given.
    ByName,
    /// None now: all that it might get are at their `max-conns`.
    Full,
    /// None: all are down, and `on-all-down` is `refuse`.
    Refused,
    /// None before one is up: `on-all-down` is `hold`.
    Held,
    /// None takes clients and has an address.
    None,
}

words!(Choice {
    Picked => "picked",
    Shared => "shared",
    ByClient => "by-client",
    ByName => "by-name",
    Full => "full",
    Refused => "refused",
    Held => "held",
    None => "none",
});

/// What may stand against a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// Somebody lets no new clients come to it.
    Drain,
    /// Somebody has taken it out of service.
    Disabled,
    /// Its name has no address.
    Unresolved,
    /// Its checks say that it does not work.
    Down,
    /// Too many attempts failed in a row.
    Ejected,
    /// It has as many connections as it may have.
    MaxConns,
    /// It is used only while no backend without that mark can be.
    Backup,
    /// Its clients are those that ask for other names.
    Name,
}

words!(Objection {
    Drain => "drain",
    Disabled => "disabled",
    Unresolved => "unresolved",
    Down => "down",
    Ejected => "ejected",
    MaxConns => "max-conns",
    Backup => "backup",
    Name => "name",
});

/// One tunnel, as a client would find it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Where it listens.
    pub listen: String,
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The daemon's revision at the tunnel's last change.
    pub revision: u64,
    /// The address that the client was said to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The name that the client was said to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Whether the client is let in.
    pub admission: Word<Admission>,
    /// What is looked at for that, in this order; limits that are not set are left out.
    pub steps: Vec<AdmissionStep>,
    /// How a backend is chosen.
    pub strategy: String,
    /// What clients get since no backend is up, while that is so: `on-all-down` of the tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_down: Option<Word<OnAllDown>>,
    /// Which backend a client gets that is let in.
    pub choice: Word<Choice>,
    /// That one, where it is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<String>,
    /// Its backends, in the order of the specification.
    pub backend_list: Vec<ExplainedBackend>,
}

/// One thing that is looked at before a client is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdmissionStep {
    /// What.
    pub hurdle: Word<Hurdle>,
    /// What the client gets there.
    pub result: Word<Admission>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One backend, as a client would find it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedBackend {
    /// Where it is reached.
    pub addr: String,
    /// Whether it is one of those that are chosen among.
    pub eligible: bool,
    /// What stands against it. One that is eligible all the same is so since nothing better is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<ObjectionInfo>,
    /// Its share.
    pub weight: u32,
    /// Its share as it is now, where that differs: it is new, or back, and `slow-start` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_weight: Option<Weight>,
    /// Whether it is used only while no other one can be.
    pub backup: bool,
    /// Connections that live, those that still connect included.
    pub connections: u64,
    /// Connections that it may have at once, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_conns: Option<u32>,
    /// What the strategy goes by.
    #[serde(flatten)]
    pub merits: Merits,
    /// How likely it is to be chosen, in percent with two decimals, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_percent: Option<f64>,
}

/// Something that stands against a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectionInfo {
    /// What.
    pub objection: Word<Objection>,
    /// Seconds since it does, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Milliseconds until something is tried about it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
}

/// What a strategy goes by, of one backend; nothing that others go by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Merits {
    /// Connections for its weight of now, of `two-choices`; of `least-conn` and `least-time` with
    /// the one that would come. The lowest wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// How long it takes to connect to it, in microseconds, of `least-time`: times the load it is
    /// what the lowest of wins. One without it was not measured yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// The how manieth it is, from 1: of `first` in the order of the specification, of `source-hash`
    /// in that of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
    /// With so many connections `source-hash` has its clients go on to the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<u64>,
}

/// Reads the address of a client.
///
/// # Errors
///
/// If it is no IP address.
///
/// ```
/// use plexy_shared::explanation::read_client;
///
/// assert_eq!(read_client("::ffff:10.1.2.3")?.to_string(), "10.1.2.3");
/// assert!(read_client("10.1.2.0/24").is_err());
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
pub fn read_client(text: &str) -> Result<IpAddr, ValueError> {
    let read = text.parse::<IpAddr>().map(|ip| ip.to_canonical());
    read.map_err(|_| {
        ValueError::malformed(text, "is not an IP address like `10.1.2.3` or `2001:db8::7`")
    })
}

/// Reads the name that a client asks for.
///
/// # Errors
///
/// If it is no whole name of a host.
///
/// ```
/// use plexy_shared::explanation::read_name;
///
/// assert_eq!(read_name("WWW.a.example")?.to_string(), "www.a.example");
/// assert!(read_name("*.a.example").is_err());
/// # Ok::<(), plexy_shared::units::ValueError>(())
/// ```
pub fn read_name(text: &str) -> Result<ServerName, ValueError> {
    let name: ServerName = text.parse()?;
    if name.parent().is_some() {
        let rule = "stands for several names, and a client asks for one";
        return Err(ValueError::malformed(text, rule));
    }
    Ok(name)
}

/// What becomes of the client, in a sentence.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a client")?;
        if let Some(from) = &self.from {
            write!(f, " from {from}")?;
        }
        if let Some(name) = &self.sni {
            write!(f, " that asks for {name}")?;
        }
        let decisive = self.steps.iter().find(|step| step.result == self.admission);
        match (self.admission.known(), decisive) {
            (Some(Admission::Passed), _) => write!(f, " is let in, and {}", self.way()),
            (Some(Admission::Waits), Some(step)) => write!(f, " waits for {}", step.words()),
            (Some(Admission::Parked), Some(step)) => write!(f, " is parked by {}", step.words()),
            (Some(Admission::Refused), Some(step)) => write!(f, " is refused by {}", step.words()),
            (Some(Admission::ByClient), _) => {
                f.write_str(" is let in or not by its address; ask again with `from IP`")
            }
            (Some(Admission::ByName), _) => f.write_str(
                " is let in or not by the name that it asks for; ask again with `sni NAME`",
            ),
            (_, _) => write!(f, ": {}", self.admission),
        }
    }
}

impl Explanation {
    /// Where a client goes that is let in.
    fn way(&self) -> String {
        let backend = self.picked.as_deref().unwrap_or_default();
        let strategy = &self.strategy;
        let way = match self.choice.known() {
            Some(Choice::Picked) => format!("goes to {backend} by {strategy}"),
            Some(Choice::Shared) => {
                let some = |it: &&ExplainedBackend| it.share_percent.is_some_and(|it| it > 0.0);
                let count = self.backend_list.iter().filter(some).count();
                format!("goes to one of {count} backends by {strategy}, which leaves it to chance")
            }
            Some(Choice::ByClient) => {
                format!("goes where its address belongs by {strategy}; ask again with `from IP`")
            }
            Some(Choice::ByName) => {
                "goes where the name belongs that it asks for; ask again with `sni NAME`".to_owned()
            }
            Some(Choice::Full) => "every backend that it might get is at its max-conns".to_owned(),
            Some(Choice::Refused) => "is reset".to_owned(),
            Some(Choice::Held) => "waits until a backend is up".to_owned(),
            Some(Choice::None) => {
                "is reset: no backend takes clients and has an address".to_owned()
            }
            None => self.choice.to_string(),
        };
        match &self.all_down {
            Some(word) => format!("{way} (all-down: {word})"),
            None => way,
        }
    }
}

impl AdmissionStep {
    fn words(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})"));
        format!("{}{}", self.hurdle, detail.unwrap_or_default())
    }
}

/// As a sentence has it.
///
/// ```
/// use plexy_shared::explanation::ObjectionInfo;
///
/// let down: ObjectionInfo = serde_json::from_str(
///     r#"{"objection": "down", "seconds": 9, "cause": "connection refused", "next_ms": 1250}"#,
/// )?;
/// assert_eq!(down.to_string(), "down for 9s (connection refused), tried again in 1.2s");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl fmt::Display for ObjectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.objection)?;
        if let Some(seconds) = self.seconds {
            write!(f, " for {seconds}s")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, " ({cause})")?;
        }
        match self.next_ms {
            None => Ok(()),
            Some(ms) => write!(f, ", tried again in {}.{}s", ms / 1000, ms % 1000 / 100),
        }
    }
}

/// As a sentence has it; nothing where the strategy goes by nothing.
///
/// ```
/// use plexy_shared::explanation::Merits;
///
/// let merits = Merits { load: Some(1.5), connect_us: Some(1_250), ..Merits::default() };
/// assert_eq!(merits.to_string(), "connect 1.2ms, load 1.5");
/// assert_eq!(Merits::default().to_string(), "");
/// ```
impl fmt::Display for Merits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connect = |us: u64| format!("connect {}.{}ms", us / 1000, us % 1000 / 100);
        let words = [
            self.order.map(|order| format!("order {order}")),
            self.bound.map(|bound| format!("bound {bound}")),
            self.connect_us.map(connect),
            self.load.map(|load| format!("load {load}")),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation(admission: Admission, choice: Choice) -> Explanation {
        let step = |hurdle: Hurdle, result: Admission, detail: Option<&str>| AdmissionStep {
            hurdle: hurdle.into(),
            result: result.into(),
            detail: detail.map(str::to_owned),
        };
        Explanation {
            listen: "127.0.0.1:3000".to_owned(),
            name: None,
            revision: 1,
            from: Some("10.1.2.3".to_owned()),
            sni: None,
            admission: admission.into(),
            steps: vec![
                step(Hurdle::Admin, Admission::Passed, None),
                step(Hurdle::MaxConns, admission, Some("5 of 5")),
            ],
            strategy: "first".to_owned(),
            all_down: None,
            choice: choice.into(),
            picked: (choice == Choice::Picked).then(|| "10.0.0.1:80".to_owned()),
            backend_list: Vec::new(),
        }
    }

    #[test]
    fn the_sentence_names_what_decides() {
        let check = |admission, choice, sentence: &str| {
            assert_eq!(explanation(admission, choice).to_string(), sentence);
        };
        let picked = Choice::Picked;
        let to = "a client from 10.1.2.3 is let in, and goes to 10.0.0.1:80 by first";
        check(Admission::Passed, picked, to);
        check(Admission::Parked, picked, "a client from 10.1.2.3 is parked by max-conns (5 of 5)");
        check(
            Admission::Refused,
            picked,
            "a client from 10.1.2.3 is refused by max-conns (5 of 5)",
        );
        let mut down = explanation(Admission::Passed, Choice::Refused);
        down.all_down = Some(OnAllDown::Refuse.into());
        let reset = "a client from 10.1.2.3 is let in, and is reset (all-down: refuse)";
        assert_eq!(down.to_string(), reset);
        let mut named = explanation(Admission::Refused, Choice::None);
        named.sni = Some("a.example".to_owned());
        let refused =
            "a client from 10.1.2.3 that asks for a.example is refused by max-conns (5 of 5)";
        assert_eq!(named.to_string(), refused);
    }

    #[test]
    fn what_a_newer_daemon_says_is_shown_as_it_is() {
        let mut newer = explanation(Admission::Passed, Choice::Picked);
        newer.admission = Word::Unknown("delayed".into());
        assert_eq!(newer.to_string(), "a client from 10.1.2.3: delayed");
    }
}
