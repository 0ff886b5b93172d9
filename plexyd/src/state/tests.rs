use std::fs;

use tempfile::TempDir;

use super::*;

fn spec(text: &str) -> TunnelSpec {
    text.parse().unwrap()
}

/// A change that makes `after` of `before`.
fn edited(before: Option<&str>, after: Option<&str>) -> Edited {
    Edited {
        before: before.map(spec),
        after: after.map(spec),
        origin: Origin::Runtime,
        configured: None,
        order: 1,
    }
}

fn proposal(edits: Vec<Edited>) -> Proposal {
    let (door, actor) = ("line".to_owned(), Some("uid=7".to_owned()));
    let mut gathered = Edits { rows: Some(Vec::new()), ..Edits::default() };
    edits.iter().for_each(|edit| gathered.add(edit));
    let edits = gathered;
    Proposal { door, actor, edits, unconfigured: Vec::new(), rows: None }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    (folder, path)
}

fn specs(kept: &Kept) -> Vec<&str> {
    kept.rows.iter().map(|(_, row)| row.spec.as_str()).collect()
}

const ONE: &str = "127.0.0.1:1=10.0.0.1:80";
const ONE_MORE: &str = "127.0.0.1:1=10.0.0.1:80,10.0.0.2:80";
const TWO: &str = "127.0.0.1:2=10.0.0.1:80[name=two]";

#[test]
fn what_is_kept_is_there_again() {
    let (_folder, path) = folder();
    let (state, kept) = State::open(&path).unwrap();
    assert!(kept.rows.is_empty());
    state.keep(proposal(vec![edited(None, Some(ONE)), edited(None, Some(TWO))])).unwrap();
    state.keep(proposal(vec![edited(Some(ONE), Some(ONE_MORE))])).unwrap();
    state.keep(proposal(vec![edited(Some(TWO), None)])).unwrap();
    let changes = state.changes(9);
    drop(state);

    let (state, kept) = State::open(&path).unwrap();

    assert_eq!(specs(&kept), [ONE_MORE]);
    assert_eq!((state.revision(), state.changes(9)), (3, changes.clone()));
    let last = &changes[0];
    assert_eq!((last.revision, last.door.as_str(), last.len()), (3, "line", 1));
    assert_eq!(last.edits(), [Edit { before: Some(TWO.to_owned()), after: None }]);
    assert_eq!(changes[2].len(), 2);
}

#[test]
fn of_a_configured_tunnel_only_what_differs_is_kept() {
    let (_folder, path) = folder();
    let (state, _) = State::open(&path).unwrap();
    let configured = |before, after| Edited {
        origin: Origin::File,
        configured: Some(Arc::new(spec(ONE))),
        ..edited(before, after)
    };
    let kept = |state: &mut Option<State>| {
        drop(state.take());
        let (opened, kept) = State::open(&path).unwrap();
        *state = Some(opened);
        kept
    };
    let mut state = Some(state);
    let keep = |state: &Option<State>, edit| {
        state.as_ref().unwrap().keep(proposal(vec![edit])).unwrap();
    };

    keep(&state, configured(Some(ONE), Some(ONE_MORE)));
    let changed = kept(&mut state);
    assert_eq!(specs(&changed), [ONE_MORE]);
    assert_eq!(changed.rows[0].1.configured.as_deref(), Some(ONE));

    keep(&state, configured(Some(ONE_MORE), Some(ONE)));
    assert!(kept(&mut state).rows.is_empty());

    keep(&state, configured(Some(ONE), None));
    let closed = kept(&mut state);
    assert_eq!(closed.closed.keys().collect::<Vec<_>>(), [ONE]);
    let (text, origin) = state.as_ref().unwrap().closed_on("127.0.0.1:1").unwrap();
    assert_eq!((text.to_string().as_str(), origin), (ONE, Origin::File));

    keep(&state, configured(None, Some(ONE)));
    let back = kept(&mut state);
    assert!(back.closed.is_empty() && back.rows.is_empty());
}

#[test]
fn what_is_remembered_is_bounded_by_changes_and_by_tunnels() {
    let state = State::default();
    for _ in 0..CHANGES_MAX + 5 {
        state.keep(proposal(vec![edited(None, Some(ONE))])).unwrap();
    }
    let changes = state.changes(usize::MAX);
    assert_eq!((changes.len(), changes.last().unwrap().revision), (CHANGES_MAX, 6));
    let bulk = || (0..EDITS_MAX).map(|_| edited(None, Some(ONE))).collect();
    state.keep(proposal(bulk())).unwrap();
    assert_eq!(state.changes(usize::MAX).len(), 1, "one change is always remembered");
}

#[test]
fn what_is_remembered_is_bounded_in_bytes_too() {
    let state = State::default();
    let backends: Vec<_> = (1..=1_000).map(|port| format!("backend.example:{port}")).collect();
    let long = spec(&format!("127.0.0.1:1={}", backends.join(",")));
    let bytes = || state.changes(usize::MAX).iter().map(|change| change.edits.len()).sum::<usize>();
    for revision in 1..=400 {
        let (before, after) = (Some(long.clone()), Some(long.clone()));
        let edit = Edited { before, after, ..edited(None, None) };
        state.keep(proposal(vec![edit])).unwrap();
        assert!(bytes() <= EDITS_BYTES_MAX, "{revision}: {}", bytes());
    }
    assert!(bytes() > EDITS_BYTES_MAX / 2);
    assert_eq!(state.changes(1)[0].revision, 400);
}

/// Has a change of each of so many threads wait for a disk that writes, and then lets it go on.
fn keep_at_once(state: &Arc<State>, count: usize) -> Vec<Result<Option<u64>, StateError>> {
    let disk = state.disk.as_ref().unwrap();
    let writing = disk.store();
    let keep = |port: usize| {
        let state = Arc::clone(state);
        let spec = format!("127.0.0.1:{port}=10.0.0.1:80");
        std::thread::spawn(move || state.keep(proposal(vec![edited(None, Some(&spec))])))
    };
    let threads: Vec<_> = (1..=count).map(keep).collect();
    while disk.waiting().len() < count {
        std::thread::yield_now();
    }
    drop(writing);
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn changes_that_wait_for_the_disk_are_written_together() {
    let (_folder, path) = folder();
    let (state, _) = State::open(&path).unwrap();
    let state = Arc::new(state);
    let mut revisions: Vec<_> = keep_at_once(&state, 40).into_iter().map(Result::unwrap).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=40).map(Some).collect::<Vec<_>>());
    assert_eq!(state.commits(), Some((1, 0)));
    drop(state);
    let (state, kept) = State::open(&path).unwrap();
    assert_eq!((kept.rows.len(), state.changes(99).len(), state.revision()), (40, 40, 40));
}

#[test]
fn of_changes_that_cannot_be_written_together_none_is_kept() {
    let (_folder, path) = folder();
    let (state, _) = State::open(&path).unwrap();
    let state = Arc::new(state);
    state.keep(proposal(vec![edited(None, Some(TWO))])).unwrap();
    // As after a disk that has failed: what is there is not known.
    state.disk.as_ref().unwrap().store().lose();
    for kept in keep_at_once(&state, 9) {
        assert!(matches!(kept, Err(StateError::NotSaved { .. })), "{kept:?}");
    }
    assert_eq!((state.is_saving(), state.commits()), (Some(false), Some((1, 1))));
    assert_eq!((state.revision(), state.changes(99).len()), (1, 1));
    // Their revisions are free again.
    let two = Row::of(&spec(TWO), Origin::Runtime, None, 1).unwrap();
    let rows = Some(vec![("127.0.0.1:2".to_owned(), two)]);
    let kept = state.keep(Proposal { rows, ..proposal(vec![edited(None, Some(ONE))]) });
    assert_eq!(kept.unwrap(), Some(2));
    drop(state);
    let (_, kept) = State::open(&path).unwrap();
    assert_eq!(kept.rows.len(), 2);
}

#[test]
fn whether_it_saves_is_told_while_the_disk_writes() {
    let (_folder, path) = folder();
    let (state, _) = State::open(&path).unwrap();
    let _writing = state.disk.as_ref().unwrap().store();
    assert_eq!(state.is_saving(), Some(true));
}

#[test]
fn a_file_is_refused_for_what_it_is() {
    let (folder, path) = folder();
    let refused = |path: &Path| State::open(path).unwrap_err().to_string();
    assert!(refused(folder.path()).ends_with("is no file"));
    fs::write(&path, "").unwrap();
    assert!(refused(&path).contains("is empty"));
    fs::write(&path, "tunnels = []\n").unwrap();
    assert!(refused(&path).contains("is damaged"), "{}", refused(&path));
    assert_eq!(fs::read_to_string(&path).unwrap(), "tunnels = []\n", "it is left as it was");
    let nowhere = folder.path().join("no/such/folder");
    assert!(refused(&nowhere).starts_with("cannot open the state"));
    fs::remove_file(&path).unwrap();
    let (_state, _) = State::open(&path).unwrap();
    assert!(refused(&path).contains("is open in another plexyd"));
}

#[test]
fn a_file_of_another_version_is_refused() {
    let (_folder, path) = folder();
    drop(State::open(&path).unwrap());
    store::set_format(&path, FORMAT + 1);
    let refused = State::open(&path).unwrap_err();
    assert!(
        matches!(&refused, StateError::OtherVersion { found, .. } if found == "2"),
        "{refused}"
    );
}

#[test]
fn a_file_that_was_cut_or_has_a_flipped_bit_is_whole_or_refused() {
    let (_folder, path) = folder();
    let (state, _) = State::open(&path).unwrap();
    for port in 1..=50 {
        let spec = format!("127.0.0.1:{port}=10.0.0.1:80");
        state.keep(proposal(vec![edited(None, Some(&spec))])).unwrap();
    }
    drop(state);
    let (state, whole) = State::open(&path).unwrap();
    let changes = state.changes(usize::MAX);
    drop(state);
    let bytes = fs::read(&path).unwrap();
    let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let seed = fastrand::u64(..);
    eprintln!("the seed is {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut refused = 0;
    for round in 0..300 {
        let mut bytes = bytes.clone();
        if round % 5 == 0 {
            bytes.truncate(rng.usize(..bytes.len()));
        } else {
            let place = written[rng.usize(..written.len())];
            bytes[place] ^= 1 << rng.u8(..8);
        }
        fs::write(&path, bytes).unwrap();
        match State::open(&path) {
            Ok((state, kept)) => {
                assert_eq!(
                    (specs(&kept), state.changes(usize::MAX)),
                    (specs(&whole), changes.clone())
                );
            }
            Err(error) => {
                assert!(
                    !matches!(error, StateError::NotAFile(_) | StateError::InUse(_)),
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    // How many depends on where the bits are; that not one is would be a file that nobody checks.
    assert!(refused > 0, "{refused} of 300 were refused");
}
