//! What is noticed of files, and what is not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;
use tokio::sync::mpsc::{Receiver, channel};

use super::*;

/// A watcher at work, and a folder of files.
struct Scene {
    watches: Watches,
    table: Arc<Mutex<Table>>,
    told: Receiver<HashSet<WatchId>>,
    folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let (watches, watcher) = Watches::new();
        let table = Arc::clone(&watcher.table);
        let (sender, told) = channel(1);
        tokio::spawn(watcher.run(sender));
        Self { watches, table, told, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Begins a watch, and waits until it stands.
    async fn watch(&mut self, names: &[&str]) -> Watch {
        let files = names.iter().map(|name| self.path(name)).collect();
        let watch = self.watches.begin(files);
        assert_eq!(self.next().await, [watch.id]);
        watch
    }

    /// Who is told next.
    async fn next(&mut self) -> Vec<WatchId> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.told.recv());
        let mut ids: Vec<_> = next.await.expect("it is noticed").unwrap().into_iter().collect();
        ids.sort_unstable();
        ids
    }

    fn sizes(&self) -> [usize; 4] {
        lock(&self.table).sizes()
    }
}

#[tokio::test]
async fn a_file_that_is_written_replaced_removed_or_made_readable_is_noticed() {
    let mut scene = Scene::start();
    scene.write("a.pem", "1");
    let watch = scene.watch(&["a.pem"]).await;
    let path = scene.path("a.pem");
    let changes: [&dyn Fn(); 6] = [
        &|| fs::write(&path, "2").unwrap(),
        &|| {
            fs::write(path.with_extension("new"), "3").unwrap();
            fs::rename(path.with_extension("new"), &path).unwrap();
        },
        &|| {
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap()
        },
        &|| fs::remove_file(&path).unwrap(),
        &|| symlink("b.pem", &path).unwrap(),
        // It is the link now that leads there.
        &|| fs::write(path.with_file_name("b.pem"), "4").unwrap(),
    ];
    for change in changes {
        change();
        assert_eq!(scene.next().await, [watch.id]);
    }
}

#[tokio::test]
async fn the_links_of_a_mounted_secret_are_watched_in_their_folders() {
    let mut scene = Scene::start();
    for (version, text) in [("..1", "old"), ("..2", "new")] {
        fs::create_dir(scene.path(version)).unwrap();
        scene.write(&format!("{version}/tls.crt"), text);
    }
    symlink("..1", scene.path("..data")).unwrap();
    symlink("..data/tls.crt", scene.path("tls.crt")).unwrap();
    let watch = scene.watch(&["tls.crt"]).await;

    symlink("..2", scene.path("..new")).unwrap();
    fs::rename(scene.path("..new"), scene.path("..data")).unwrap();
    assert_eq!(scene.next().await, [watch.id]);
    // It is reached by the new folder now, and no more by the old one.
    fs::remove_dir_all(scene.path("..1")).unwrap();
    scene.write("..2/tls.crt", "newer");
    assert_eq!(scene.next().await, [watch.id]);
    assert_eq!(scene.sizes(), [1, 1, 2, 2]);
}

#[tokio::test]
async fn a_folder_that_goes_and_comes_again_is_watched_again() {
    let mut scene = Scene::start();
    fs::create_dir_all(scene.path("a/b")).unwrap();
    scene.write("a/b/c.pem", "1");
    let watch = scene.watch(&["a/b/c.pem"]).await;
    fs::remove_dir_all(scene.path("a")).unwrap();
    assert_eq!(scene.next().await, [watch.id]);
    fs::create_dir_all(scene.path("a/b")).unwrap();
    assert_eq!(scene.next().await, [watch.id]);
    scene.write("a/b/c.pem", "2");
    assert_eq!(scene.next().await, [watch.id]);
    // Another folder takes its place.
    fs::create_dir(scene.path("new")).unwrap();
    fs::rename(scene.path("a/b"), scene.path("old")).unwrap();
    assert_eq!(scene.next().await, [watch.id]);
    fs::rename(scene.path("new"), scene.path("a/b")).unwrap();
    assert_eq!(scene.next().await, [watch.id]);
    scene.write("a/b/c.pem", "3");
    assert_eq!(scene.next().await, [watch.id]);
}

#[tokio::test]
async fn a_folder_is_watched_once_and_no_longer_than_somebody_wants_a_file_in_it() {
    let mut scene = Scene::start();
    scene.write("a.pem", "1");
    scene.write("b.pem", "1");
    let one = scene.watch(&["a.pem"]).await;
    let other = scene.watch(&["a.pem", "b.pem"]).await;
    assert_eq!(scene.sizes(), [2, 2, 1, 1]);
    scene.write("a.pem", "2");
    assert_eq!(scene.next().await, [one.id, other.id]);
    // Of a file that nobody wants nobody is told.
    scene.write("c.pem", "1");
    scene.write("b.pem", "2");
    assert_eq!(scene.next().await, [other.id]);

    drop(other);
    scene.write("b.pem", "3");
    scene.write("a.pem", "3");
    assert_eq!(scene.next().await, [one.id]);
    drop(one);
    let last = scene.watch(&["b.pem"]).await;
    drop(last);
    let table = Arc::clone(&scene.table);
    for _ in 0..1000 {
        if lock(&table).sizes() == [0; 4] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", lock(&table).sizes());
}

#[test]
fn without_the_kernel_a_look_finds_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.pem"), "1").unwrap();
    let mut table = Table::new(None);
    let (id, files) = (WatchId(7), vec![path("a.pem"), path("b.pem")]);
    let settle = |table: &mut Table, orders, is_look| {
        table.settle(Stirred { orders, is_look, ..Stirred::default() })
    };
    assert_eq!(settle(&mut table, vec![Order::Enter(id, files)], false), HashSet::from([id]));
    let mut check = |change: &dyn Fn(&Path), is_noticed| {
        change(folder.path());
        assert_eq!(settle(&mut table, Vec::new(), true).contains(&id), is_noticed);
    };
    check(&|_| {}, false);
    check(&|folder| fs::write(folder.join("a.pem"), "22").unwrap(), true);
    check(&|_| {}, false);
    check(&|folder| fs::write(folder.join("b.pem"), "1").unwrap(), true);
    check(&|folder| fs::write(folder.join("c.pem"), "1").unwrap(), false);
    check(&|folder| fs::remove_file(folder.join("a.pem")).unwrap(), true);
    settle(&mut table, vec![Order::Leave(id)], false);
    assert_eq!(table.sizes(), [0; 4]);
}
