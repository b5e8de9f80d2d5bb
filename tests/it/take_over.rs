//! Liveness of servers, and the takeover of a batch (DESIGN §6a), with real processes.

use serde_json::json;

use crate::support::{PLAN, Workspace};

#[test]
fn a_second_planner_waits_for_the_first_and_takes_over_at_once_when_it_is_killed() {
    let workspace = Workspace::with_plan(PLAN);
    let mut first = workspace.serve();
    let mut second = workspace.serve();
    assert_eq!(first.answer("next_batch", &json!({}))["held_by"], json!(null));
    first.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1}));
    let held = second.answer("next_batch", &json!({}));
    assert_eq!((&held["dispatch"], &held["next_user_command"]), (&json!([]), &json!("!work release")));
    assert!(held["held_by"].is_string());

    first.kill();
    let taken = second.answer("next_batch", &json!({}));
    assert_eq!((&taken["held_by"], &taken["resumed"]), (&json!(null), &json!(true)));
    assert_eq!(taken["dispatch"], json!(["01.01.01", "01.01.02"]), "the interrupted thread is handed out again");
    assert_eq!(taken["threads"][0]["attempt"], 2);
    assert_eq!(workspace.threads()["threads"][0]["sessions"][0]["status"], "interrupted");
}

#[cfg(unix)]
#[test]
fn a_stopped_planner_is_not_mistaken_for_a_dead_one() {
    let workspace = Workspace::with_plan(PLAN);
    let mut first = workspace.serve();
    let mut second = workspace.serve();
    first.answer("next_batch", &json!({}));
    let pid = first.child.id().to_string();
    let signal = |name: &str| std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap();
    assert!(signal("STOP").success());
    assert!(second.answer("next_batch", &json!({}))["held_by"].is_string());
    assert!(signal("CONT").success());
    assert_eq!(first.answer("next_batch", &json!({}))["held_by"], json!(null));
}

#[test]
fn a_person_releases_a_hold() {
    let workspace = Workspace::with_plan(PLAN);
    let mut first = workspace.serve();
    let mut second = workspace.serve();
    first.answer("next_batch", &json!({}));
    assert!(workspace.work(&["release"]).starts_with("exit 0\nbatch 01.01 is no longer held by server "));
    assert_eq!(second.answer("next_batch", &json!({}))["held_by"], json!(null));
    assert!(first.answer("next_batch", &json!({}))["held_by"].is_string());
    assert_eq!(workspace.work(&["release"]).lines().next(), Some("exit 0"));
}

#[test]
fn a_planner_whose_lock_files_are_cleaned_away_lives_on() {
    let workspace = Workspace::with_plan(PLAN);
    let mut first = workspace.serve();
    let mut second = workspace.serve();
    first.answer("next_batch", &json!({}));
    first.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    // A worker runs `git clean -fdx`.
    std::fs::remove_dir_all(workspace.root().join("work/.run")).unwrap();
    if cfg!(target_os = "linux") {
        assert!(second.answer("next_batch", &json!({}))["held_by"].is_string(), "before it has done anything else");
        let taken = second.call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1}));
        assert!(taken.starts_with("error already_running: "), "{taken}");
    }
    let resumed = first.answer("next_batch", &json!({}));
    assert_eq!(resumed["dispatch"], json!(["01.01.02"]), "its own running attempt is not interrupted");
    first.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "report": "going on"}));
    assert!(second.answer("next_batch", &json!({}))["held_by"].is_string(), "its next write shows that it lives");
    // The sign of life ends with its process.
    std::fs::remove_dir_all(workspace.root().join("work/.run")).unwrap();
    first.kill();
    assert_eq!(second.answer("next_batch", &json!({}))["held_by"], json!(null));
}

#[test]
fn what_belongs_to_this_machine_stays_out_of_the_repository() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    assert_eq!(workspace.read("work/.run/.gitignore"), "*\n");
    std::fs::remove_file(workspace.root().join("work/.run/.gitignore")).unwrap();
    workspace.work(&["update", "--thread", "1.1.1", "--status", "in_progress"]);
    assert_eq!(workspace.read("work/.run/.gitignore"), "*\n", "whoever writes next looks after it");
    // A clone has no `.run`: on another machine the holder is gone.
    let clone = Workspace::with_plan(PLAN);
    clone.write("work/001-search/threads.json", workspace.read("work/001-search/threads.json"));
    let taken = clone.serve().answer("next_batch", &json!({}));
    assert_eq!((&taken["held_by"], &taken["resumed"], &taken["cycle"]), (&json!(null), &json!(true), &json!(1)));
}
