//! Tests of `passport_file`.

use std::{fs, path::Path, sync::Barrier, thread};

use super::*;
use crate::{env::SeededRandom, identity::AgentId};

const SEED_A: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const ID_A: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_passport_in_the_project_folder_comes_first_then_the_nearest_upwards() {
    let root = tempfile::tempdir().unwrap();
    let (project, deep) = (root.path().join("project"), root.path().join("a/b/c"));
    fs::create_dir_all(&project).unwrap();
    fs::create_dir_all(&deep).unwrap();
    let missing = root.path().join("missing");

    // None anywhere in our folders: a new one belongs in the project folder, if that exists.
    assert_eq!(locate(&deep, Some(&project)), Location::Create(file_in(&project)));
    assert_eq!(locate(&deep, Some(&missing)), Location::Create(file_in(&deep)));
    assert_eq!(locate(&deep, None), Location::Create(file_in(&deep)));

    put(&file_in(root.path()), SEED_A);
    assert_eq!(locate(&deep, Some(&project)), Location::Existing(file_in(root.path())));
    put(&file_in(&root.path().join("a/b")), SEED_A);
    assert_eq!(locate(&deep, Some(&project)), Location::Existing(file_in(&root.path().join("a/b"))));
    put(&file_in(&project), SEED_A);
    assert_eq!(locate(&deep, Some(&project)), Location::Existing(file_in(&project)));
}

#[test]
fn reads_any_case_and_surrounding_white_space() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    for text in [SEED_A.to_owned(), SEED_A.to_uppercase(), format!("\r\n\t {SEED_A} \n\n")] {
        put(&path, &text);
        assert_eq!(load(&path).unwrap().agent_id().to_string(), ID_A, "{text:?}");
    }
}

#[test]
fn a_malformed_passport_is_refused_without_showing_it() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    let long = format!("{SEED_A}00");
    let broken = SEED_A.replace("1f", "1g");
    let hidden = format!("{}{SEED_A}", " ".repeat(5000));
    for text in ["", "\n", &SEED_A[..62], &long, &broken, &hidden, "secret \u{e9}"] {
        put(&path, text);
        let error = load(&path).unwrap_err();
        assert_eq!(error.code(), Code::PassportMalformed, "{text:?}");
        let shown = format!("{error:?}");
        assert!(!shown.contains("0405") && !shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_missing_passport_and_a_folder_in_its_place_have_their_own_codes() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    assert_eq!(load(&path).unwrap_err().code(), Code::PassportMissing);
    fs::create_dir_all(&path).unwrap();
    assert_eq!(load(&path).unwrap_err().code(), Code::PassportUnreadable);
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_or_a_device_in_place_of_a_passport_is_refused_without_waiting() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    assert_eq!(load(&path).unwrap_err().code(), Code::PassportUnreadable);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_eq!(load(&path).unwrap_err().code(), Code::PassportUnreadable);
}

#[cfg(unix)]
#[test]
fn a_passport_that_another_user_planted_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    put(&path, SEED_A);
    // Only root can give a file away; elsewhere the table of `is_foreign` has to do.
    if std::os::unix::fs::chown(&path, Some(4711), None).is_err() {
        return;
    }
    let error = load(&path).unwrap_err();
    assert_eq!(error.code(), Code::PassportExposed);
    assert!(error.message().contains("uid 4711"), "{error}");
    std::os::unix::fs::chown(root.path(), Some(4711), None).unwrap();
    assert_eq!(load(&path).unwrap().agent_id().to_string(), ID_A);
}

#[cfg(unix)]
#[test]
fn a_passport_that_others_can_read_is_refused_and_the_cure_is_named() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    put(&path, SEED_A);
    for open in [0o640, 0o604, 0o620, 0o644, 0o666] {
        set_mode(&path, open);
        let error = load(&path).unwrap_err();
        assert_eq!(error.code(), Code::PassportExposed, "{open:o}");
        assert!(error.message().contains(&format!("chmod 600 '{}'", path.display())), "{error}");
    }
    set_mode(&path, 0o400);
    assert_eq!(load(&path).unwrap().agent_id().to_string(), ID_A);
}

#[test]
fn a_created_passport_loads_as_the_same_agent_and_leaves_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    let created = create(&path, &SeededRandom::new(1)).unwrap();
    assert_eq!(load(&path).unwrap().agent_id(), created.agent_id());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, format!("{}\n", created.export_seed_hex().as_str()));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    #[cfg(unix)]
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn creating_where_a_passport_is_loads_it() {
    let root = tempfile::tempdir().unwrap();
    let path = file_in(root.path());
    put(&path, SEED_A);
    assert_eq!(create(&path, &SeededRandom::new(2)).unwrap().agent_id().to_string(), ID_A);
    assert_eq!(fs::read_to_string(&path).unwrap(), SEED_A);
}

#[test]
fn whoever_races_to_create_a_passport_ends_with_the_same_key() {
    for round in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let path = file_in(root.path());
        let barrier = Barrier::new(6);
        let agents: Vec<AgentId> = thread::scope(|scope| {
            let racers: Vec<_> = (0..6)
                .map(|racer| {
                    let (barrier, path) = (&barrier, &path);
                    scope.spawn(move || {
                        let random = SeededRandom::new(round * 6 + racer);
                        barrier.wait();
                        create(path, &random).unwrap().agent_id()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert!(agents.iter().all(|agent| *agent == agents[0]), "{agents:?}");
        assert_eq!(load(&path).unwrap().agent_id(), agents[0]);
    }
}
