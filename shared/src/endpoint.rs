//! Where a daemon's JSON-RPC is reached, and where it stands if nobody says.

use std::ffi::OsString;
use std::path::PathBuf;

/// The name of the socket in its folder.
const SOCKET: &str = "rpc.sock";

/// The folder of a daemon that root runs, systemd or not.
const ROOT_FOLDER: &str = "/run/plexy";

/// Where the socket stands, and how its folder comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultSocket {
    /// The path of the socket.
    pub path: PathBuf,
    /// Whether others may write beside the folder, so that whose it is has to
    /// be looked at before it is used.
    pub is_exposed: bool,
}

impl DefaultSocket {
    fn in_folder(folder: impl Into<PathBuf>, is_exposed: bool) -> Self {
        Self { path: folder.into().join(SOCKET), is_exposed }
    }

    /// Where a daemon of user `uid` with these variables puts its socket, if it
    /// is not told otherwise: `$RUNTIME_DIRECTORY`, which systemd sets, else
    /// `$XDG_RUNTIME_DIR/plexy`, else `/run/plexy` for root, else a folder of the
    /// user's in the temporary directory.
    ///
    /// ```
    /// use plexy_shared::endpoint::DefaultSocket;
    ///
    /// let socket = DefaultSocket::of_daemon(1000, |_| None);
    /// assert_eq!(socket.path.to_str(), Some("/tmp/plexy-1000/rpc.sock"));
    /// ```
    #[must_use]
    pub fn of_daemon(uid: u32, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(folders) = variable("RUNTIME_DIRECTORY") {
            return Self::in_folder(first_of(&folders), false);
        }
        if let Some(folder) = variable("XDG_RUNTIME_DIR") {
            return Self::in_folder(PathBuf::from(folder).join("plexy"), false);
        }
        if uid == 0 {
            return Self::in_folder(ROOT_FOLDER, false);
        }
        Self::in_temporary(uid, variable("TMPDIR"))
    }

    /// Where a client of user `uid` looks, in this order: wherever a daemon of
    /// the system or of the same user may have put its socket.
    ///
    /// ```
    /// use plexy_shared::endpoint::DefaultSocket;
    ///
    /// let sockets = DefaultSocket::for_client(1000, |_| None);
    /// let paths: Vec<_> = sockets.iter().filter_map(|it| it.path.to_str()).collect();
    /// assert_eq!(paths, ["/run/plexy/rpc.sock", "/tmp/plexy-1000/rpc.sock"]);
    /// ```
    #[must_use]
    pub fn for_client(uid: u32, variable: impl Fn(&str) -> Option<OsString>) -> Vec<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut sockets = Vec::new();
        if let Some(folders) = variable("RUNTIME_DIRECTORY") {
            sockets.push(Self::in_folder(first_of(&folders), false));
        }
        sockets.push(Self::in_folder(ROOT_FOLDER, false));
        if let Some(folder) = variable("XDG_RUNTIME_DIR") {
            sockets.push(Self::in_folder(PathBuf::from(folder).join("plexy"), false));
        }
        sockets.push(Self::in_temporary(uid, variable("TMPDIR")));
        sockets
    }

    fn in_temporary(uid: u32, tmpdir: Option<OsString>) -> Self {
        let tmp = tmpdir.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        Self::in_folder(tmp.join(format!("plexy-{uid}")), true)
    }
}

/// systemd names several folders with colons between them.
fn first_of(folders: &OsString) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;

    let bytes = folders.as_bytes();
    let first = bytes.split(|byte| *byte == b':').next().unwrap_or(bytes);
    PathBuf::from(std::ffi::OsStr::from_bytes(first))
}
