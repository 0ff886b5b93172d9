//! What a collector is told about the daemon as a whole.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use plexy_shared::info::HelloReply;

use super::attributes::{number, text};
use super::variables::Variables;

/// Longest text of the user's attributes, in bytes: they are part of every request.
const USER_BYTES_MAX: usize = 64 * 1024;

const SERVICE_NAME: &str = "service.name";

/// What the environment says of this daemon; of two that are the same the later counts.
pub(super) fn of_user(variables: &mut Variables<'_>) -> Vec<(String, String)> {
    let attributes = variables.named("OTEL_RESOURCE_ATTRIBUTES");
    let attributes = attributes.map(|variable| variables.pairs(&variable, USER_BYTES_MAX));
    let name = variables.named("OTEL_SERVICE_NAME").map(|it| (SERVICE_NAME.to_owned(), it.value));
    attributes.into_iter().flatten().chain(name).collect()
}

/// This daemon: what is known of it, and what the user says, which counts more.
pub(super) fn resource(daemon: &HelloReply, of_user: &[(String, String)]) -> Resource {
    let host = rustix::system::uname();
    let mut attributes = vec![
        text(SERVICE_NAME, &daemon.version.program),
        text("service.version", &daemon.version.version),
        text("service.instance.id", &daemon.instance),
        text("host.name", &host.nodename().to_string_lossy()),
        number("process.pid", daemon.version.pid.into()),
    ];
    for (key, value) in of_user {
        let attribute: KeyValue = text(key, value);
        match attributes.iter_mut().find(|known| known.key == *key) {
            Some(known) => *known = attribute,
            None => attributes.push(attribute),
        }
    }
    Resource { attributes, ..Resource::default() }
}

/// Who counts and traces.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use plexy_shared::info::VersionReply;

    use super::*;

    #[test]
    fn what_the_user_says_counts_more() {
        let variable = |name: &str| {
            let value = match name {
                "OTEL_RESOURCE_ATTRIBUTES" => "service.name=x, team=net%20ops,host.name=h,team=b",
                "OTEL_SERVICE_NAME" => "edge",
                _ => return None,
            };
            Some(OsString::from(value))
        };
        let mut variables = Variables::new(&variable);
        let of_user = of_user(&mut variables);
        assert!(variables.mistakes.is_empty());
        let version = VersionReply {
            program: "plexyd".to_owned(),
            version: "1.2.3".to_owned(),
            pid: 7,
            uptime_seconds: 0,
        };
        let daemon = HelloReply { version, instance: "i".to_owned(), features: Vec::new() };
        let expected = [
            text("service.name", "edge"),
            text("service.version", "1.2.3"),
            text("service.instance.id", "i"),
            text("host.name", "h"),
            number("process.pid", 7),
            text("team", "b"),
        ];
        assert_eq!(resource(&daemon, &of_user).attributes, expected);
    }
}
