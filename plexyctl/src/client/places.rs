//! Where a daemon is looked for: where somebody said, else wherever one puts
//! its socket by itself.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use plexy_shared::endpoint::DefaultSocket;
use rustix::process::geteuid;

use super::{Client, ConnectError, ConnectOptions, Endpoint};

/// The places to try, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Places(Vec<Place>);

#[derive(Debug, Clone)]
struct Place {
    endpoint: Endpoint,
    /// Whether its folder has to be looked at first.
    is_exposed: bool,
}

/// A daemon that was found, and where.
#[derive(Debug)]
pub(crate) struct Found {
    /// The connection to it.
    pub(crate) client: Client,
    /// Where it is.
    pub(crate) endpoint: Endpoint,
}

/// Nobody answers: each place that was tried, and why it was none.
#[derive(Debug)]
pub(crate) struct Unreached(pub(crate) Vec<(Endpoint, ConnectError)>);

impl Places {
    /// This one and no other.
    pub(crate) fn named(endpoint: Endpoint) -> Self {
        Self(vec![Place { endpoint, is_exposed: false }])
    }

    /// Those where a daemon puts its socket if it is not told otherwise.
    pub(crate) fn by_default() -> Self {
        let mut places: Vec<Place> = Vec::new();
        for socket in DefaultSocket::for_client(geteuid().as_raw(), |name| env::var_os(name)) {
            let endpoint = Endpoint::Unix(socket.path);
            if places.iter().all(|place| place.endpoint != endpoint) {
                places.push(Place { endpoint, is_exposed: socket.is_exposed });
            }
        }
        Self(places)
    }

    /// Of them only this one.
    pub(crate) fn only(&self, endpoint: &Endpoint) -> Self {
        Self(self.0.iter().filter(|place| place.endpoint == *endpoint).cloned().collect())
    }

    /// The first that answers.
    pub(crate) async fn connect(&self, options: &ConnectOptions) -> Result<Found, Unreached> {
        let mut tried = Vec::new();
        for place in &self.0 {
            match place.connect(options).await {
                Ok(client) => return Ok(Found { client, endpoint: place.endpoint.clone() }),
                Err(error) => {
                    let is_over = matches!(error, ConnectError::GaveUp(_));
                    tried.push((place.endpoint.clone(), error));
                    if is_over {
                        break;
                    }
                }
            }
        }
        Err(Unreached(tried))
    }
}

impl Place {
    async fn connect(&self, options: &ConnectOptions) -> Result<Client, ConnectError> {
        if let Endpoint::Unix(socket) = &self.endpoint
            && self.is_exposed
        {
            check_folder(socket.parent().unwrap_or(socket), geteuid().as_raw())?;
        }
        Client::connect(&self.endpoint, options).await
    }
}

/// In a folder where everybody may write, somebody else could have made ours
/// and be the daemon in it.
fn check_folder(folder: &Path, uid: u32) -> Result<(), ConnectError> {
    let metadata = fs::symlink_metadata(folder).map_err(|_| ConnectError::NoSocket)?;
    let wrong = if !metadata.is_dir() {
        "it is a link or a file"
    } else if metadata.uid() != uid {
        "it belongs to another user"
    } else if metadata.mode() & 0o077 != 0 {
        "others have rights in it; its mode should be 0700"
    } else {
        return Ok(());
    };
    Err(ConnectError::UnsafeFolder(wrong))
}

#[cfg(test)]
mod tests {
    use std::fs::{DirBuilder, Permissions, set_permissions};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};

    use super::*;

    #[track_caller]
    fn refused(folder: &Path, uid: u32, sentence: &str) {
        let error = check_folder(folder, uid).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }

    #[test]
    fn a_folder_that_could_be_anybodys_is_not_used() {
        let scene = tempfile::tempdir().unwrap();
        let uid = geteuid().as_raw();
        let ours = scene.path().join("ours");
        DirBuilder::new().mode(0o700).create(&ours).unwrap();
        assert!(check_folder(&ours, uid).is_ok());
        refused(&ours, uid + 1, "another user");

        let link = scene.path().join("link");
        symlink(&ours, &link).unwrap();
        refused(&link, uid, "a link");
        refused(&scene.path().join("nowhere"), uid, "no such socket");

        set_permissions(&ours, Permissions::from_mode(0o750)).unwrap();
        refused(&ours, uid, "0700");
    }

    #[test]
    fn no_place_is_tried_twice() {
        let places = Places::by_default();
        for (index, place) in places.0.iter().enumerate() {
            assert!(places.0[..index].iter().all(|other| other.endpoint != place.endpoint));
        }
    }
}
