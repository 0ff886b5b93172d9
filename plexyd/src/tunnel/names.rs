//! Which way clients go by the names that they ask for: each set of backends that has a name is a
//! [`Route`] of its own, so that strategy, health, limits and failover are in it as in any other.
//! Made whole with the route that it is a part of; a choice is two look-ups, and a client makes one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use plexy_shared::spec::{TunnelOptions, parent_of};

use super::Route;
use crate::backend::Member;
use crate::queue::Lane;

/// What names have to do with a route.
#[derive(Debug)]
pub(super) enum Naming {
    /// They decide which part of it clients go.
    Whole(Names),
    /// It is such a part: who waits for it stands in this lane.
    Part(Lane),
}

/// The routes of names.
#[derive(Debug)]
pub(crate) struct Names {
    exact: HashMap<Box<str>, Arc<Route>>,
    /// Those of wildcards, by what stands behind the star.
    below: HashMap<Box<str>, Arc<Route>>,
    /// That of clients with another name, or without one.
    others: Option<Arc<Route>>,
}

impl Names {
    /// Those of these backends; none where no backend has a name, as in most tunnels.
    pub(super) fn of(options: &TunnelOptions, backends: &[Member], revision: u64) -> Option<Self> {
        let mut sets = Sets { options, backends, revision, made: HashMap::new() };
        let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        let mut nameless = Vec::new();
        for (place, member) in backends.iter().enumerate() {
            let names = &member.options.sni;
            names.iter().for_each(|it| places.entry(it.as_str()).or_default().push(place));
            if names.is_empty() {
                nameless.push(place);
            }
        }
        if places.is_empty() {
            return None;
        }
        let others = (!nameless.is_empty()).then(|| sets.route(nameless));
        let mut names = Self { exact: HashMap::new(), below: HashMap::new(), others };
        for (name, places) in places {
            let (map, key) = match name.strip_prefix("*.") {
                Some(parent) => (&mut names.below, parent),
                None => (&mut names.exact, name),
            };
            map.insert(key.into(), sets.route(places));
        }
        Some(names)
    }

    /// The way of a client that asks for this name, in lower case, or for none: to who has it, else to
    /// who has it as a wildcard, else to those that have no name, if there are such.
    pub(crate) fn route(&self, name: Option<&str>) -> Option<&Arc<Route>> {
        let exact = name.and_then(|name| self.exact.get(name));
        let below = || self.below.get(parent_of(name?)?);
        exact.or_else(below).or(self.others.as_ref())
    }
}

/// Sets of backends, each of which is made once, however many names it has.
struct Sets<'a> {
    options: &'a TunnelOptions,
    backends: &'a [Member],
    revision: u64,
    made: HashMap<Vec<usize>, Arc<Route>>,
}

impl Sets<'_> {
    /// The route to those at these places.
    fn route(&mut self, places: Vec<usize>) -> Arc<Route> {
        let Self { options, backends, revision, made } = self;
        // The first lane is that of clients who have not told their names yet.
        let lane = Lane(made.len() + 1);
        let route = made.entry(places).or_insert_with_key(|places| {
            let members = places.iter().filter_map(|place| backends.get(*place));
            let set = members.map(Member::without_names).collect();
            let route = Route::new((*options).clone(), set, *revision);
            Arc::new(Route { naming: Some(Box::new(Naming::Part(lane))), ..route })
        });
        Arc::clone(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tunnel::Tunnel;

    /// The ports of the backends where a client goes that asks for the name.
    #[track_caller]
    fn goes(spec: &str, name: Option<&str>, expected: &[u16]) {
        let (tunnel, _) = Tunnel::of(spec);
        let route = tunnel.route();
        let names = route.names().expect("names decide");
        let backends = names.route(name).map(|route| &route.backends);
        let ports = backends.into_iter().flatten().map(|it| {
            let addr = it.addr.to_string();
            addr.rsplit(':').next().unwrap().parse::<u16>().unwrap()
        });
        assert_eq!(ports.collect::<Vec<_>>(), expected, "{spec} {name:?}");
    }

    #[test]
    fn the_most_exact_name_decides() {
        let spec = "1=2+sni=a.example+sni=b.example,3+sni=*.example,4+sni=a.example,5,6";
        goes(spec, Some("a.example"), &[2, 4]);
        goes(spec, Some("b.example"), &[2]);
        goes(spec, Some("c.example"), &[3]);
        goes(spec, Some("example"), &[5, 6]);
        goes(spec, Some("x.a.example"), &[5, 6]);
        goes(spec, Some(""), &[5, 6]);
        goes(spec, Some("."), &[5, 6]);
        goes(spec, None, &[5, 6]);
    }

    #[test]
    fn where_all_have_names_others_go_nowhere() {
        let spec = "1=2+sni=a.example,3+sni=*.b.example";
        goes(spec, Some("*.b.example"), &[3]);
        goes(spec, Some("b.example"), &[]);
        goes(spec, None, &[]);
    }

    #[test]
    fn a_tunnel_without_names_has_nothing_of_this() {
        assert!(Tunnel::of("1=2,3").0.route().names().is_none());
    }

    #[test]
    fn a_set_of_backends_is_made_once_however_many_names_it_has() {
        let (tunnel, _) = Tunnel::of("1=2+sni=a.example+sni=b.example+sni=*.c.example,3");
        let route = tunnel.route();
        let names = route.names().unwrap();
        let of = |name| names.route(Some(name)).unwrap();
        assert!(Arc::ptr_eq(of("a.example"), of("b.example")));
        assert!(Arc::ptr_eq(of("a.example"), of("x.c.example")));
        assert!(!Arc::ptr_eq(of("a.example"), of("d.example")));
    }
}
