//! `work watch` in a pseudo-terminal: the content of the screen, and the restored modes of the terminal at the end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use serde_json::json;

use crate::support::{PLAN, PROGRAM, Workspace, session};

/// The bound for what must come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running `work watch`, and the screen that it draws on.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    slave: Box<dyn SlavePty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// How often the bell rang.
    bells: usize,
}

impl Terminal {
    fn open(workspace: &Workspace, rows: u16, cols: u16) -> Self {
        Self::open_with(workspace, rows, cols, &[])
    }

    fn open_with(workspace: &Workspace, rows: u16, cols: u16, arguments: &[&str]) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.arg("watch");
        command.args(arguments);
        command.cwd(workspace.root());
        command.env_clear();
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = reader.read(&mut buffer) {
                if read == 0 || sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(size_of(rows), size_of(cols), 0);
        Self { master: pair.master, slave: pair.slave, child, keys, output, screen, bells: 0 }
    }

    /// Waits until the screen fulfils the condition, and returns its text.
    fn until(&mut self, is_so: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.screen.screen().contents();
            if is_so(&text) {
                return text;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => {
                    self.bells += String::from_utf8_lossy(&bytes).matches('\u{7}').count();
                    self.screen.process(&bytes);
                }
                Err(error) => panic!("{error}: it never came so; the screen is\n{text}"),
            }
        }
    }

    fn until_it_has(&mut self, words: &str) -> String {
        self.until(|text| text.contains(words))
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        self.screen.screen_mut().set_size(size_of(rows), size_of(cols));
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Returns the terminal's modes, in the words of stty.
    fn modes(&mut self) -> String {
        let mut command = CommandBuilder::new("stty");
        command.arg("-a");
        self.slave.spawn_command(command).unwrap().wait().unwrap();
        let mut modes = Vec::new();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(300)) {
            modes.extend(bytes);
        }
        String::from_utf8_lossy(&modes).into_owned()
    }

    /// Returns the number of wake-ups of all threads of the program.
    fn wake_ups(&self) -> u64 {
        let tasks = format!("/proc/{}/task", self.child.process_id().unwrap());
        let of_task = |status: String| {
            let line =
                status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:")).unwrap_or_default().to_owned();
            line.split_whitespace().last().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default()
        };
        std::fs::read_dir(tasks)
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok())
            .map(of_task)
            .sum()
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.process_id().unwrap());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end of the program; the terminal must be as it was.
    fn end(mut self) -> u32 {
        let code = self.child.wait().unwrap().exit_code();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(300)) {
            self.screen.process(&bytes);
        }
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the screen that was there before is back");
        assert!(!screen.hide_cursor(), "and the cursor");
        let modes = self.modes();
        assert!(modes.contains(" icanon") && modes.contains(" echo "), "and the line editing: {modes}");
        code
    }
}

fn size_of(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

#[test]
fn one_frame() {
    let workspace = Workspace::with_plan(PLAN);
    session(
        &workspace,
        &[
            "work approve plan",
            "work update --thread 1.1.1 --status in_progress",
            "work update --thread 1.1.1 --status blocked --report \"needs a decision: \u{1b}[31m日本語 or not\"",
        ],
    );
    insta::assert_snapshot!(session(&workspace, &["work watch --once", "work watch"]), @"
    $ work watch --once
    exit 0
    001-search  Search
    ┌ plan: approved ────────────┐┌ 01.01 Storage · cycle 1 ───────────────────────┐
    │Stage 1: Index              ││  [!] 01.01.01 Schema                           │
    │──────────────────────── 0/3││      blocked · 0 s · #1 · system-engineer-codex│
    │> [!] 01.01 Storage      0/2││      needs a decision: �[31m日本語 or not      │
    │  [ ] 01.02 Queries      0/1││  [ ] 01.01.02 Rows                             │
    │Stage 2: API                ││      pending · default                         │
    │──────────────────────── 0/1││                                                │
    │  [ ] 02.01 Routes       0/1││                                                │
    └────────────────────────────┘└────────────────────────────────────────────────┘
    Next: let a planner execute batch 01.01: /execute-next-batch
    $ work watch
    exit 2
    stderr: error: work watch needs a terminal
    stderr: Hint: print one frame with work watch --once, or see work status
    ");
}

#[test]
fn the_board_follows_the_files() {
    let workspace = Workspace::with_plan(PLAN);
    let mut terminal = Terminal::open(&workspace, 20, 90);
    terminal.until_it_has("Next: let a planner execute batch 01.01");
    // A server works: a cycle, an attempt, a breadcrumb, and the end of the attempt.
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    terminal.until_it_has("cycle 1");
    let breadcrumb = json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1});
    server.answer("update_thread", &breadcrumb);
    terminal.until_it_has("[~] 01.01.01 Schema");
    let breadcrumb = json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1, "report": "at table 3"});
    server.answer("update_thread", &breadcrumb);
    let text = terminal.until_it_has("at table 3");
    without_chance().bind(|| {
        insta::assert_snapshot!(trimmed(&text), @"
        001-search  Search                                                        planner [server]
        ┌ plan: approved ───────────────┐┌ 01.01 Storage · cycle 1 ──────────────────────────────┐
        │Stage 1: Index                 ││> [~] 01.01.01 Schema                                  │
        │──────────────────────── 0/3   ││      in progress · N s · #1 · system-engineer-codex   │
        │> [~] 01.01 Storage         0/2││      at table 3                                       │
        │  [ ] 01.02 Queries         0/1││  [ ] 01.01.02 Rows                                    │
        │Stage 2: API                   ││      pending · default                                │
        │──────────────────────── 0/1   ││                                                       │
        │  [ ] 02.01 Routes          0/1││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        │                               ││                                                       │
        └───────────────────────────────┘└───────────────────────────────────────────────────────┘
        Next: a planner executes batch 01.01
        ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow  p plan  b blocked  x failed
        ");
    });
    // The server's process ends without a write. The board shows it all the same.
    server.kill();
    terminal.until_it_has("[ ] 01.01.01 Schema");
    // A person edits the plan.
    workspace.write("work/001-search/PLAN.md", PLAN.replace("Schema", "Tables"));
    terminal.until_it_has("01.01.01 Tables");
    // A file breaks, and is fixed.
    workspace.write("work/001-search/threads.json", "<<<<<<< HEAD\n");
    terminal.until_it_has("threads.json:1: it has conflict markers");
    std::fs::remove_file(workspace.root().join("work/001-search/threads.json")).unwrap();
    terminal.until_it_has("01.01.01 Tables");
    // A checkout of a branch without the workstream, and back: new folders of the same names.
    for plan in [PLAN.to_owned(), PLAN.replace("Schema", "Columns")] {
        std::fs::remove_dir_all(workspace.root().join("work/001-search")).unwrap();
        terminal.until_it_has("this workspace has no workstream");
        workspace.write("work/001-search/PLAN.md", plan.replace("Rows", "Lines"));
        terminal.until_it_has("01.01.02 Lines");
        workspace.write("work/001-search/PLAN.md", plan);
        terminal.until_it_has("01.01.02 Rows");
    }
    // Another workstream becomes current that cannot be read yet.
    workspace.write("work/002-other/PLAN.md", PLAN.replace("Schema", "Other"));
    workspace.write("work/002-other/threads.json", "<<<<<<< HEAD\n");
    workspace.write("work/index.json", r#"{"current_stream": "002-other", "streams": []}"#);
    terminal.until_it_has("threads.json:1: it has conflict markers");
    workspace.write("work/002-other/threads.json", "{}");
    terminal.until_it_has("01.01.01 Other");
    // Keys.
    terminal.press("l");
    terminal.until_it_has("01.02.01 Parser");
    terminal.press("\u{1b}[C");
    terminal.until_it_has("02.01.01 Routes");
    terminal.press("f");
    terminal.until_it_has("01.01.02 Rows");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn it_fits_every_size() {
    let workspace = Workspace::with_plan(PLAN);
    let mut terminal = Terminal::open(&workspace, 24, 80);
    terminal.until_it_has("01.01.02 Rows");
    for (rows, cols) in [(1, 1), (3, 10), (2, 200), (60, 30), (5, 61)] {
        terminal.resize(rows, cols);
    }
    terminal.resize(30, 100);
    terminal.until(|text| text.contains("01.01.02 Rows") && text.contains("Next: let a planner"));
    terminal.resize(12, 40);
    terminal.until(|text| text.contains("01.01.02 Rows") && !text.contains("Stage 1"));
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_person_reads_why_a_thread_is_blocked() {
    let workspace = Workspace::with_plan(PLAN);
    let why = "the migration needs a column that two other services write, ".repeat(6) + "and it is orphaned";
    workspace.stdout(&["update", "--thread", "1.1.2", "--status", "in_progress"]);
    workspace.stdout(&["update", "--thread", "1.1.2", "--status", "blocked", "--report", &why]);
    let mut terminal = Terminal::open(&workspace, 12, 60);
    terminal.until(|text| text.contains("01.01.02 Rows") && text.contains("blocked") && !text.contains("orphaned"));
    terminal.press("\u{1b}[B");
    terminal.until_it_has("> [!] 01.01.02 Rows");
    terminal.press("\r");
    terminal.until_it_has("nothing more is tried: a person decides");
    terminal.press(" ");
    terminal.until_it_has("orphaned");
    terminal.press("?");
    terminal.until_it_has("follow the batch that runs");
    // One step back after the other: the keys, the thread, the list.
    terminal.press("\u{1b}");
    terminal.until_it_has("orphaned");
    // The selection is by the thread's id, whatever becomes of its name.
    workspace.write("work/001-search/PLAN.md", PLAN.replace("Rows", "Lines"));
    terminal.until_it_has("┌ 01.01.02 Lines ─");
    workspace.write("work/001-search/PLAN.md", PLAN.replace("###### Thread 2: Rows\n", ""));
    terminal.until_it_has("The plan no longer has this thread.");
    terminal.press("\u{1b}");
    terminal.until_it_has("> [ ] 01.01.01 Schema");
    workspace.write("work/001-search/PLAN.md", PLAN);
    terminal.until_it_has("> [!] 01.01.02 Rows");
    terminal.press("\u{1b}");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn the_bell_rings_and_a_command_runs_when_a_person_is_needed() {
    let workspace = Workspace::with_plan(PLAN);
    // The exit code is the number of notices so far. That is shown, so the test knows when the command has ended.
    let command = "echo \"$WORK_EVENT|$WORK_WORKSTREAM|$WORK_BATCH|$WORK_MESSAGE\" >>notices; echo noise; exit $(grep -c . notices)";
    let mut terminal = Terminal::open_with(&workspace, 24, 80, &["--bell", "--notify", command]);
    terminal.until_it_has("01.01.02 Rows");
    for thread in ["1.1.1", "1.1.2"] {
        workspace.stdout(&["update", "--thread", thread, "--status", "in_progress"]);
    }
    workspace.stdout(&["update", "--thread", "1.1.1", "--status", "completed", "--report", "done"]);
    workspace.stdout(&[
        "update",
        "--thread",
        "1.1.2",
        "--status",
        "blocked",
        "--report",
        "`touch owned`; $(touch owned)",
    ]);
    let text = terminal.until_it_has("--notify: the command ended with exit code 1");
    assert!(!text.contains("noise"), "{text}");
    assert_eq!(terminal.bells, 1);
    workspace.stdout(&["update", "--thread", "1.1.2", "--status", "completed", "--report", "done", "--force"]);
    terminal.until_it_has("exit code 2");
    // Two at once: the second waits for the first.
    workspace.stdout(&["update", "--thread", "1.2.1", "--status", "in_progress"]);
    workspace.stdout(&["update", "--thread", "1.2.1", "--status", "completed", "--report", "done"]);
    terminal.until_it_has("exit code 4");
    assert_eq!(terminal.bells, 3);
    insta::assert_snapshot!(workspace.read("notices"), @"
    blocked|001-search|01.01|001-search: batch 01.01 is blocked by 1 thread: 01.01.02 Rows: `touch owned`; $(touch owned)
    batch_ended|001-search|01.01|001-search: batch 01.01 Storage is done
    batch_ended|001-search|01.02|001-search: batch 01.02 Queries is done
    gate|001-search||001-search: stage 1 waits for your approval: work approve stage 1
    ");
    assert!(!workspace.root().join("owned").exists(), "what an agent wrote is no command");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn without_a_terminal_it_notifies() {
    let workspace = Workspace::with_plan(PLAN);
    let mut child = workspace.command(&["watch", "--notify", "exit 3"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "001-search: next: let a planner execute batch 01.01: /execute-next-batch");
    workspace.stdout(&["approve", "plan", "--revoke"]);
    assert_eq!(lines.next().unwrap(), "001-search: the plan waits for your approval: work approve plan");
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(notes.next().unwrap(), "note: --notify: the command ended with exit code 3");
    workspace.write("work/001-search/threads.json", "<<<<<<< HEAD\n");
    assert!(notes.next().unwrap().contains("threads.json:1: it has conflict markers"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn notices_go_with_a_live_board_only() {
    let workspace = Workspace::with_plan(PLAN);
    insta::assert_snapshot!(
        session(&workspace, &["work watch --json --bell", "work watch --once --notify true", "work watch --bell"]),
        @r#"
    $ work watch --json --bell
    exit 2
    stderr: {"error":{"code":"invalid_argument","message":"--json prints once and gives no notices","hint":"leave --json away, or --bell and --notify"}}
    $ work watch --once --notify true
    exit 2
    stderr: error: the argument '--once' cannot be used with '--notify <COMMAND>'
    stderr: 
    stderr: Usage: work watch --once
    stderr: 
    stderr: For more information, try '--help'.
    $ work watch --bell
    exit 2
    stderr: error: work watch needs a terminal
    stderr: Hint: print one frame with work watch --once, or see work status
    "#
    );
}

#[test]
fn it_costs_nothing_while_nothing_happens() {
    let workspace = Workspace::with_plan(PLAN);
    let mut terminal = Terminal::open(&workspace, 24, 80);
    terminal.until_it_has("01.01.02 Rows");
    while terminal.output.recv_timeout(Duration::from_millis(200)).is_ok() {}
    let before = terminal.wake_ups();
    assert!(terminal.output.recv_timeout(Duration::from_secs(1)).is_err(), "nothing is drawn");
    assert_eq!(terminal.wake_ups(), before, "and nothing wakes up");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn the_terminal_is_given_back_after_signals_too() {
    let workspace = Workspace::with_plan(PLAN);
    for (signal, code) in [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)] {
        let mut terminal = Terminal::open(&workspace, 24, 80);
        terminal.until_it_has("01.01.02 Rows");
        terminal.signal(signal);
        assert_eq!(terminal.end(), code, "{signal}");
    }
}

#[test]
fn what_is_wrong_from_the_start_is_said_without_a_screen() {
    let workspace = Workspace::empty();
    let mut terminal = Terminal::open(&workspace, 24, 80);
    terminal.until_it_has("Hint: run it inside the repository");
    assert_eq!(terminal.end(), 3);
}

/// Returns the settings for snapshots that contain durations and ids of servers.
fn without_chance() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r" \d s ", " N s ");
    settings.add_filter(r"planner [0-9a-f]{8}", "planner [server]");
    settings
}

fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
