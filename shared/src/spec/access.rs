//! Who is let in: networks that are allowed and networks that are denied, of which the longest prefix
//! decides. Looking one address up in a hundred thousand networks takes no longer than its bits.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use crate::units::ValueError;

/// Networks beyond this one hold IPv4 addresses as IPv6 writes them (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// What is said of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its clients are let in.
    Allow,
    /// They are not.
    Deny,
}

/// What is said of a client, and by which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What is said.
    pub verdict: Verdict,
    /// The longest prefix that holds its address; none where no list does.
    pub network: Option<IpNet>,
}

/// Two lists, and the same as tries to look addresses up in.
#[derive(Debug, Clone, Default)]
pub struct Access {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    v4: PrefixMap<Ipv4Net, Verdict>,
    v6: PrefixMap<Ipv6Net, Verdict>,
}

impl Access {
    /// Whether a client with this address is let in. An IPv6 address that is an IPv4 one counts as
    /// that, whatever is said of IPv6.
    #[must_use]
    pub fn admits(&self, client: IpAddr) -> bool {
        self.decision(client).verdict == Verdict::Allow
    }

    /// The same, and which network says so.
    #[must_use]
    pub fn decision(&self, client: IpAddr) -> Decision {
        let found = match client.to_canonical() {
            IpAddr::V4(ip) => self.v4.get_lpm(&ip.into()).map(|(net, it)| ((*net).into(), *it)),
            IpAddr::V6(ip) => self.v6.get_lpm(&ip.into()).map(|(net, it)| ((*net).into(), *it)),
        };
        // Who writes down whom to allow means nobody else.
        let unlisted = if self.allow.is_empty() { Verdict::Allow } else { Verdict::Deny };
        let verdict = found.map_or(unlisted, |(_, verdict)| verdict);
        Decision { verdict, network: found.map(|(network, _)| network) }
    }

    /// Puts a network on a list: no other one may be the same. One that is on the other list is
    /// refused, and stands on both: whoever goes on all the same is refused the whole.
    pub(super) fn list(&mut self, verdict: Verdict, text: &str) -> Result<(), ValueError> {
        let network = parse(text)?;
        let before = self.insert(network, verdict);
        if before == Some(verdict) {
            return Err(ValueError::Repeated(network.to_string()));
        }
        self.listed_mut(verdict).push(network);
        match before {
            None => Ok(()),
            Some(_) => {
                let rule = "is allowed and denied at once";
                Err(ValueError::malformed(&network.to_string(), rule))
            }
        }
    }

    /// The networks of a list, in the order in which they came.
    pub(super) fn listed(&self, verdict: Verdict) -> Vec<String> {
        self.networks(verdict).iter().map(ToString::to_string).collect()
    }

    /// The same without a list.
    pub(super) fn without(&self, verdict: Verdict) -> Self {
        let other = match verdict {
            Verdict::Allow => Verdict::Deny,
            Verdict::Deny => Verdict::Allow,
        };
        let mut access = Self::default();
        for network in self.networks(other) {
            access.insert(*network, other);
            access.listed_mut(other).push(*network);
        }
        access
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    fn networks(&self, verdict: Verdict) -> &[IpNet] {
        match verdict {
            Verdict::Allow => &self.allow,
            Verdict::Deny => &self.deny,
        }
    }

    fn listed_mut(&mut self, verdict: Verdict) -> &mut Vec<IpNet> {
        match verdict {
            Verdict::Allow => &mut self.allow,
            Verdict::Deny => &mut self.deny,
        }
    }

    fn insert(&mut self, network: IpNet, verdict: Verdict) -> Option<Verdict> {
        match network {
            IpNet::V4(network) => self.v4.insert(network, verdict),
            IpNet::V6(network) => self.v6.insert(network, verdict),
        }
    }
}

impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        // The tries follow from the lists.
        self.allow == other.allow && self.deny == other.deny
    }
}

impl Eq for Access {}

/// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address, which is a network of its own.
fn parse(text: &str) -> Result<IpNet, ValueError> {
    let rule = "is not an IP address or a network like `10.0.0.0/8` or `2001:db8::/32`";
    if text.is_empty() {
        return Err(ValueError::Empty);
    }
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| ValueError::malformed(text, rule))?,
    };
    let network = unmapped(network);
    if network.addr() != network.network() {
        let (given, network) = (text.to_owned(), network.trunc().to_string());
        return Err(ValueError::HostBits { given, network });
    }
    Ok(network)
}

/// A network of IPv4 addresses as IPv6 writes them is one of IPv4.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let bits = v6.prefix_len().checked_sub(MAPPED_BITS);
    let v4 = v6.addr().to_ipv4_mapped().zip(bits);
    v4.and_then(|(addr, bits)| Ipv4Net::new(addr, bits).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(allow: &[&str], deny: &[&str]) -> Access {
        let mut access = Access::default();
        allow.iter().for_each(|text| access.list(Verdict::Allow, text).unwrap());
        deny.iter().for_each(|text| access.list(Verdict::Deny, text).unwrap());
        access
    }

    #[track_caller]
    fn check(access: &Access, client: &str, expected: bool) {
        assert_eq!(access.admits(client.parse().unwrap()), expected, "{client}");
    }

    #[test]
    fn the_longest_prefix_decides() {
        let access = access(&["10.0.0.0/8", "10.1.2.3"], &["10.1.0.0/16", "0.0.0.0/0"]);
        check(&access, "10.2.0.1", true);
        check(&access, "10.1.0.1", false);
        check(&access, "10.1.2.3", true);
        check(&access, "192.0.2.1", false);
    }

    #[test]
    fn the_network_that_decides_is_told() {
        let access = access(&["10.0.0.0/8", "2001:db8::/32"], &["10.1.0.0/16"]);
        let by = |client: &str| {
            let Decision { verdict, network } = access.decision(client.parse().unwrap());
            (verdict, network.map(|network| network.to_string()))
        };
        let network = |text: &str| Some(text.to_owned());
        assert_eq!(by("10.2.0.1"), (Verdict::Allow, network("10.0.0.0/8")));
        assert_eq!(by("::ffff:10.1.0.1"), (Verdict::Deny, network("10.1.0.0/16")));
        assert_eq!(by("2001:db8::1"), (Verdict::Allow, network("2001:db8::/32")));
        assert_eq!(by("192.0.2.1"), (Verdict::Deny, None));
    }

    #[test]
    fn who_is_on_no_list_is_let_in_unless_somebody_is_allowed() {
        check(&access(&[], &["10.0.0.0/8"]), "192.0.2.1", true);
        check(&access(&[], &["10.0.0.0/8"]), "2001:db8::1", true);
        check(&access(&["10.0.0.0/8"], &[]), "192.0.2.1", false);
        check(&access(&["10.0.0.0/8"], &[]), "2001:db8::1", false);
        check(&access(&["2001:db8::/32"], &["2001:db8:1::/48"]), "2001:db8::1", true);
        check(&access(&["2001:db8::/32"], &["2001:db8:1::/48"]), "2001:db8:1::1", false);
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_that_of_ipv4() {
        let access = access(&["::ffff:10.0.0.0/104", "::/0"], &["10.1.0.0/16"]);
        assert_eq!(access.listed(Verdict::Allow), ["10.0.0.0/8", "::/0"]);
        check(&access, "::ffff:10.2.0.1", true);
        check(&access, "::ffff:10.1.0.1", false);
        check(&access, "::ffff:192.0.2.1", false);
        check(&access, "2001:db8::1", true);
    }

    #[test]
    fn a_list_can_be_emptied_and_the_other_one_stays() {
        let access = access(&["10.0.0.0/8"], &["10.1.0.0/16"]).without(Verdict::Allow);
        assert_eq!(access.listed(Verdict::Deny), ["10.1.0.0/16"]);
        check(&access, "10.0.0.1", true);
        check(&access, "10.1.0.1", false);
        assert!(access.without(Verdict::Deny).is_empty());
    }
}
