//! The screens of `work watch`. Each snapshot was read by a person.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::focus::{Extent, Focus};
use super::made::{Made, noon};
use super::once::{frame, page};
use super::view::{Picture, View};
use crate::board::{ReportedStatus, Usage};
use crate::words::PersonWords;

/// A board with keys and a size.
struct Seat {
    view: View,
    focus: Focus,
    size: (u16, u16),
    trouble: Option<String>,
}

impl Seat {
    fn half_way(width: u16, height: u16) -> Self {
        let view = Ok(Made::half_way().report());
        Self { view, focus: Focus::default(), size: (width, height), trouble: None }
    }

    fn draw(&self) -> (String, Extent) {
        let words = PersonWords::default();
        let trouble = self.trouble.as_deref();
        let picture =
            Picture { view: &self.view, focus: &self.focus, has_keys: true, trouble, now: noon(), words: &words };
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let extent = picture.draw(buffer.area, &mut buffer);
        (page(&buffer).finish(false), extent)
    }

    fn screen(&self) -> String {
        self.draw().0
    }

    /// Presses keys, each on the screen that the keys before it have led to. Returns whether the last one quits.
    fn press(&mut self, keys: &[KeyCode]) -> bool {
        keys.iter().any(|code| {
            let (_, extent) = self.draw();
            self.focus.press(KeyEvent::new(*code, KeyModifiers::NONE), self.view.as_ref().ok(), extent)
        })
    }

    /// Presses the keys of characters.
    fn type_in(&mut self, keys: &str) -> bool {
        self.press(&keys.chars().map(KeyCode::Char).collect::<Vec<_>>())
    }

    fn thread(&self) -> &str {
        self.focus.thread.as_deref().unwrap_or_default()
    }
}

#[test]
fn the_list() {
    insta::assert_snapshot!(Seat::half_way(80, 24).screen(), @"
    001-search  Search over all documents
    ┌ plan: approved ────────────┐┌ 02.01 Queries · cycle 1 ───────────────────────┐
    │Stage 1: Index              ││> [!] 02.01.01 Parser                           │
    │━━━━━━━━━━━━━━━ 2/2 approved││      blocked · 44 min · #2 · system-engineer-o…│
    │  [x] 01.01 Storage      2/2││      The old search reads a minus as NOT only  │
    │Stage 2: Search API         ││      behind a blank, but its documents say that│
    │──────────────────────── 0/5││      it does so everywhere. Both are in use:   │
    │> [~] 02.01 Queries      0/4││      214 saved searches have a word with a     │
    │  [ ] 02.02 Client       0/1││      hyphen, 31 rely on the documents. I need a│
    │                            ││      decision: keep the behaviour, or keep the │
    │                            ││      documents and rewrite the saved searches. │
    │                            ││  [~] 02.01.02 Ranking of the results by their… │
    │                            ││      in progress · 12 min · #1 · default       │
    │                            ││      titles count twice now; next are the ages,│
    │                            ││      then the weights of both                  │
    │                            ││  [ ] 02.01.03 Cache                            │
    │                            ││      failed, retry next · 3 min · #2 · default │
    │                            ││      the registry answered 503                 │
    │                            ││  [ ] 02.01.04 Pages                            │
    │                            ││      pending, waits for 02.01.02 · default     │
    │                            ││                                                │
    └────────────────────────────┘└────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow  p plan  b blocked
    ");
    insta::assert_snapshot!(Seat::half_way(120, 40).screen(), @"
    001-search  Search over all documents
    ┌ plan: approved ───────────────────────────┐┌ 02.01 Queries · cycle 1 ────────────────────────────────────────────────┐
    │Stage 1: Index                             ││> [!] 02.01.01 Parser                                                    │
    │━━━━━━━━━━━━━━━━━━━━━━━━ 2/2 approved      ││      blocked · 44 min · #2 · system-engineer-opus                       │
    │  [x] 01.01 Storage                     2/2││      The old search reads a minus as NOT only behind a blank, but its   │
    │Stage 2: Search API                        ││      documents say that it does so everywhere. Both are in use: 214     │
    │──────────────────────── 0/5               ││      saved searches have a word with a hyphen, 31 rely on the documents.│
    │> [~] 02.01 Queries                     0/4││      I need a decision: keep the behaviour, or keep the documents and   │
    │  [ ] 02.02 Client                      0/1││      rewrite the saved searches.                                        │
    │                                           ││  [~] 02.01.02 Ranking of the results by their age and by the words in t…│
    │                                           ││      in progress · 12 min · #1 · default                                │
    │                                           ││      titles count twice now; next are the ages, then the weights of both│
    │                                           ││  [ ] 02.01.03 Cache                                                     │
    │                                           ││      failed, retry next · 3 min · #2 · default                          │
    │                                           ││      the registry answered 503                                          │
    │                                           ││  [ ] 02.01.04 Pages                                                     │
    │                                           ││      pending, waits for 02.01.02 · default                              │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    │                                           ││                                                                         │
    └───────────────────────────────────────────┘└─────────────────────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow  p plan  b blocked  x failed
    ");
    insta::assert_snapshot!(Seat::half_way(60, 20).screen(), @"
    001-search  Search over all documents
    ┌ 02.01 Queries · cycle 1 ─────────────────────────────────┐
    │> [!] 02.01.01 Parser                                     │
    │      blocked · 44 min · #2 · system-engineer-opus        │
    │      The old search reads a minus as NOT only behind a   │
    │      blank, but its documents say that it does so        │
    │      everywhere. Both are in use: 214 saved searches have│
    │      a word with a hyphen, 31 rely on the documents. I   │
    │      need a decision: keep the behaviour, or keep the …  │
    │  [~] 02.01.02 Ranking of the results by their age and by…│
    │      in progress · 12 min · #1 · default                 │
    │      titles count twice now; next are the ages, then the…│
    │  [ ] 02.01.03 Cache                                      │
    │      failed, retry next · 3 min · #2 · default           │
    │      the registry answered 503                           │
    │  [ ] 02.01.04 Pages                                      │
    │      pending, waits for 02.01.02 · default               │
    └──────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow
    ");
}

#[test]
fn a_blocked_thread() {
    let mut seat = Seat::half_way(80, 24);
    seat.press(&[KeyCode::Enter]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01.01 Parser ─────────────────────────────────────────────────────────────┐
    │status      [!] blocked · 44 min · #2                                         │
    │agent       system-engineer-opus (assigned)                                   │
    │reassigned  a fresh look at the grammar                                       │
    │next        nothing more is tried: a person decides                           │
    │proof       2 checks                                                          │
    │                                                                              │
    │Report                                                                        │
    │  The old search reads a minus as NOT only behind a blank, but its documents  │
    │  say that it does so everywhere. Both are in use: 214 saved searches have a  │
    │  word with a hyphen, 31 rely on the documents. I need a decision: keep the   │
    │  behaviour, or keep the documents and rewrite the saved searches.            │
    │                                                                              │
    │Checks                                                                        │
    │  cargo test parser                                                           │
    │    failed with exit code 101 · 12 s                                          │
    │  cargo clippy -- -D warnings                                                 │
    │    passed · 4 s                                                              │
    │                                                                              │
    │Attempts                                                                      │
    └──────────────────────────────────────────────────────────── 1-19 of 34 lines ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow  p plan
    ");
    seat.size = (120, 40);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ plan: approved ───────────────────────────┐┌ 02.01.01 Parser ────────────────────────────────────────────────────────┐
    │Stage 1: Index                             ││status      [!] blocked · 44 min · #2                                    │
    │━━━━━━━━━━━━━━━━━━━━━━━━ 2/2 approved      ││agent       system-engineer-opus (assigned)                              │
    │  [x] 01.01 Storage                     2/2││reassigned  a fresh look at the grammar                                  │
    │Stage 2: Search API                        ││next        nothing more is tried: a person decides                      │
    │──────────────────────── 0/5               ││proof       2 checks                                                     │
    │> [~] 02.01 Queries                     0/4││                                                                         │
    │  [ ] 02.02 Client                      0/1││Report                                                                   │
    │                                           ││  The old search reads a minus as NOT only behind a blank, but its       │
    │                                           ││  documents say that it does so everywhere. Both are in use: 214 saved   │
    │                                           ││  searches have a word with a hyphen, 31 rely on the documents. I need a │
    │                                           ││  decision: keep the behaviour, or keep the documents and rewrite the    │
    │                                           ││  saved searches.                                                        │
    │                                           ││                                                                         │
    │                                           ││Checks                                                                   │
    │                                           ││  cargo test parser                                                      │
    │                                           ││    failed with exit code 101 · 12 s                                     │
    │                                           ││  cargo clippy -- -D warnings                                            │
    │                                           ││    passed · 4 s                                                         │
    │                                           ││                                                                         │
    │                                           ││Attempts                                                                 │
    │                                           ││  #2 failed · 24 min · system-engineer-opus · 2026-01-01 11:21 UTC       │
    │                                           ││     its report is above                                                 │
    │                                           ││  #1 failed · checks failed 5× · 20 min · system-engineer-codex ·        │
    │                                           ││     2026-01-01 11:00 UTC                                                │
    │                                           ││     cargo test parser fails: minus_is_not                               │
    │                                           ││                                                                         │
    │                                           ││Summary                                                                  │
    │                                           ││  Parse what people type into a query.                                   │
    │                                           ││                                                                         │
    │                                           ││Details                                                                  │
    │                                           ││  Quotes, minus and OR, as the old search had them.                      │
    │                                           ││                                                                         │
    │                                           ││  Keep the old tests, and add one for each operator.                     │
    │                                           ││                                                                         │
    │                                           ││all that its worker is told: work read 02.01.01                          │
    └───────────────────────────────────────────┘└─────────────────────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow  p plan
    ");
    seat.size = (60, 20);
    seat.press(&[KeyCode::PageDown]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01.01 Parser ─────────────────────────────────────────┐
    │Checks                                                    │
    │  cargo test parser                                       │
    │    failed with exit code 101 · 12 s                      │
    │  cargo clippy -- -D warnings                             │
    │    passed · 4 s                                          │
    │                                                          │
    │Attempts                                                  │
    │  #2 failed · 24 min · system-engineer-opus ·             │
    │     2026-01-01 11:21 UTC                                 │
    │     its report is above                                  │
    │  #1 failed · checks failed 5× · 20 min ·                 │
    │     system-engineer-codex · 2026-01-01 11:00 UTC         │
    │     cargo test parser fails: minus_is_not                │
    │                                                          │
    │Summary                                                   │
    └─────────────────────────────────────── 15-29 of 37 lines ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow
    ");
}

#[test]
fn what_the_attempts_of_a_thread_used() {
    let mut seat = Seat::half_way(80, 60);
    seat.press(&[KeyCode::Enter]);
    let usage =
        Usage { input_tokens: 12_400, cached_tokens: 9_920, output_tokens: 1_200, cost_microdollars: Some(40_000) };
    let Ok(report) = &mut seat.view else { unreachable!() };
    let mut threads =
        report.stages.iter_mut().flat_map(|stage| &mut stage.batches).flat_map(|batch| &mut batch.threads);
    threads.find(|thread| thread.thread_id == "02.01.01").unwrap().attempts[0].usage = Some(usage);
    let screen = seat.screen();
    let lines = screen.lines().skip_while(|line| !line.contains("Attempts")).take(12).collect::<Vec<_>>();
    insta::assert_snapshot!(lines.join("\n"), @"
    │Attempts                                                                      │
    │  #2 failed · 24 min · system-engineer-opus · 2026-01-01 11:21 UTC            │
    │     its report is above                                                      │
    │  #1 failed · checks failed 5× · 20 min · system-engineer-codex ·             │
    │     2026-01-01 11:00 UTC · 12.4k tokens in (80 % cached), 1.2k out, $0.04    │
    │     cargo test parser fails: minus_is_not                                    │
    │                                                                              │
    │Summary                                                                       │
    │  Parse what people type into a query.                                        │
    │                                                                              │
    │Details                                                                       │
    │  Quotes, minus and OR, as the old search had them.                           │
    ");
}

#[test]
fn threads_that_failed_that_wait_and_that_are_not_proven() {
    let mut seat = Seat::half_way(60, 20);
    seat.press(&[KeyCode::Enter]);
    seat.press(&[KeyCode::Right]);
    assert!(seat.screen().contains("│name        Ranking of"), "a name that the title has no room for");
    seat.size = (80, 24);
    seat.press(&[KeyCode::Right]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01.03 Cache ──────────────────────────────────────────────────────────────┐
    │status      [ ] failed · 3 min · #2                                           │
    │agent       default (nobody named one)                                        │
    │next        retry with default, attempt 2                                     │
    │                                                                              │
    │Report                                                                        │
    │  the registry answered 503                                                   │
    │                                                                              │
    │Attempts                                                                      │
    │  #1 failed · transient · 3 min · default · 2026-01-01 11:00 UTC              │
    │     its report is above                                                      │
    │                                                                              │
    │all that its worker is told: work read 02.01.03                               │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow  p plan
    ");
    seat.press(&[KeyCode::Right]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01.04 Pages ──────────────────────────────────────────────────────────────┐
    │status      [ ] pending                                                       │
    │agent       default (nobody named one)                                        │
    │waits for   02.01.02 Ranking of the results by their age and by the words in  │
    │            their titles (in progress)                                        │
    │                                                                              │
    │all that its worker is told: work read 02.01.04                               │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    │                                                                              │
    └──────────────────────────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow  p plan
    ");
    // One that is completed and not proven.
    seat.press(&[KeyCode::Esc, KeyCode::Char('h'), KeyCode::Down, KeyCode::Enter]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 01.01.02 Rows ───────────────────────────────────────────────────────────────┐
    │status      [x] completed · 40 min · #1                                       │
    │agent       default                                                           │
    │proof       claims what was not there                                         │
    │                                                                              │
    │Not proven                                                                    │
    │  artifact docs/rows.md did not exist when it was reported                    │
    │                                                                              │
    │Report                                                                        │
    │  Rows are written in batches.                                                │
    │                                                                              │
    │Attempts                                                                      │
    │  #1 completed · 40 min · default · 2026-01-01 09:00 UTC                      │
    │     its report is above                                                      │
    │                                                                              │
    │Next steps                                                                    │
    │  - Measure batches of 1000 rows                                              │
    │                                                                              │
    │Artifacts                                                                     │
    │  - docs/rows.md                                                              │
    └──────────────────────────────────────────────────────────── 1-19 of 22 lines ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ scroll  ←→ thread  f follow  p plan
    ");
}

#[test]
fn the_keys() {
    let mut seat = Seat::half_way(80, 24);
    seat.type_in("?");
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ keys ────────────────────────────────────────────────────────────────────────┐
    │Look around                                                                   │
    │  ↑ ↓  j k         another thread; in a detail, scroll                        │
    │  ← →  h l         another batch; in a detail, another thread                 │
    │  Tab  [ ]         the same as ← →                                            │
    │  Enter            all about the selected thread                              │
    │  p                the plan, and back                                         │
    │  f                follow the batch that runs                                 │
    │  PgUp PgDn Space  a page back, a page on                                     │
    │  Home End  g G    the beginning, the end                                     │
    │Show only threads that are                                                    │
    │  b                blocked                                                    │
    │  x                failed, and to be tried again                              │
    │  r                in progress                                                │
    │  w                waiting for their turn                                     │
    │  a                all threads of the batch again                             │
    │Leave                                                                         │
    │  Esc              one step back; from the list, quit                         │
    │  q  Ctrl-C        quit                                                       │
    │  ?                these keys, and back                                       │
    └──────────────────────────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    esc back  q quit  ↑↓ scroll
    ");
    seat.size = (60, 20);
    seat.press(&[KeyCode::End]);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ keys ────────────────────────────────────────────────────┐
    │  Enter            all about the selected thread          │
    │  p                the plan, and back                     │
    │  f                follow the batch that runs             │
    │  PgUp PgDn Space  a page back, a page on                 │
    │  Home End  g G    the beginning, the end                 │
    │Show only threads that are                                │
    │  b                blocked                                │
    │  x                failed, and to be tried again          │
    │  r                in progress                            │
    │  w                waiting for their turn                 │
    │  a                all threads of the batch again         │
    │Leave                                                     │
    │  Esc              one step back; from the list, quit     │
    │  q  Ctrl-C        quit                                   │
    │  ?                these keys, and back                   │
    └──────────────────────────────────────── 5-19 of 19 lines ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    esc back  q quit  ↑↓ scroll
    ");
    assert!(!seat.press(&[KeyCode::Esc]), "Esc closes them");
    assert!(seat.screen().contains("02.01.01 Parser"));
}

#[test]
fn a_filter_lists_threads_of_all_batches_and_says_so() {
    let mut seat = Seat::half_way(80, 24);
    seat.type_in("w");
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ plan: approved ────────────┐┌ only waiting: 2 of 7 threads ──────────────────┐
    │Stage 1: Index              ││> [ ] 02.01.04 Pages                            │
    │━━━━━━━━━━━━━━━ 2/2 approved││      pending, waits for 02.01.02 · default     │
    │  [x] 01.01 Storage      2/2││  [ ] 02.02.01 Page                             │
    │Stage 2: Search API         ││      pending · default                         │
    │──────────────────────── 0/5││                                                │
    │> [~] 02.01 Queries      0/4││                                                │
    │  [ ] 02.02 Client       0/1││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    │                            ││                                                │
    └────────────────────────────┘└────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow  p plan  b blocked
    ");
    seat.press(&[KeyCode::Down]);
    assert_eq!(seat.thread(), "02.02.01");
    assert!(seat.screen().contains("> [ ] 02.02 Client"), "the plan shows its batch");
    // What hides everything says so, and Esc takes it away before it quits.
    seat.view = Ok(Made::of("# Plan: A\n## Stages\n### Stage 1: A\n##### Batch 1: A\n###### Thread 1: A\n").report());
    seat.type_in("b");
    let screen = seat.screen();
    assert!(screen.contains("only blocked: 0 of 1 thread"), "{screen}");
    assert!(screen.contains("no thread is blocked; a or Esc shows all"), "{screen}");
    assert!(!seat.press(&[KeyCode::Esc]));
    assert!(seat.screen().contains("01.01.01 A"));
    assert!(seat.press(&[KeyCode::Esc]));
}

#[test]
fn the_plan_on_a_narrow_screen() {
    let mut seat = Seat::half_way(60, 20);
    seat.type_in("pk");
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ plan: approved ──────────────────────────────────────────┐
    │Stage 1: Index                                            │
    │━━━━━━━━━━━━━━━━━━━━━━━━ 2/2 approved                     │
    │> [x] 01.01 Storage                                    2/2│
    │Stage 2: Search API                                       │
    │──────────────────────── 0/5                              │
    │  [~] 02.01 Queries                                    0/4│
    │  [ ] 02.02 Client                                     0/1│
    │                                                          │
    │                                                          │
    │                                                          │
    │                                                          │
    │                                                          │
    │                                                          │
    │                                                          │
    │                                                          │
    └──────────────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  esc back  ↑↓ batch  enter threads  f follow
    ");
    seat.press(&[KeyCode::Enter]);
    assert!(seat.screen().contains("> [x] 01.01.01 Schema"));
}

#[test]
fn a_gate_is_seen_in_the_plan() {
    let made = Made::of("# Plan: A\n## Stages\n### Stage 1: A\n##### Batch 1: A\n###### Thread 1: A\n");
    made.update("01.01.01", ReportedStatus::InProgress, "");
    made.update("01.01.01", ReportedStatus::Completed, "done");
    let mut seat = Seat::half_way(80, 6);
    seat.view = Ok(made.report());
    insta::assert_snapshot!(seat.screen(), @"
    001-search  A
    ┌ plan: approved ────────────┐┌ 01.01 A · cycle 1 ─────────────────────────────┐
    │━━━━━━━━━ 1/1 to be approved││> [x] 01.01.01 A                                │
    │> [x] 01.01 A            1/1││      completed · 0 s · #1 · default            │
    └────────────────────────────┘└──────────────────────────────── 1 of 1 threads ┘
    Next: work approve stage 1   ? keys  q quit  ↑↓ thread  enter detail  ←→ batch
    ");
}

#[test]
fn what_does_not_fit_is_cut_and_the_selected_thread_stays_in_view() {
    let mut seat = Seat::half_way(60, 12);
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01 Queries · cycle 1 ─────────────────────────────────┐
    │> [!] 02.01.01 Parser                                     │
    │      blocked · 44 min · #2 · system-engineer-opus        │
    │      The old search reads a minus as NOT only behind a … │
    │  [~] 02.01.02 Ranking of the results by their age and by…│
    │      in progress · 12 min · #1 · default                 │
    │      titles count twice now; next are the ages, then the…│
    │  [ ] 02.01.03 Cache                                      │
    └────────────────────────────────────────── 1 of 4 threads ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow
    ");
    seat.type_in("jjj");
    insta::assert_snapshot!(seat.screen(), @"
    001-search  Search over all documents
    ┌ 02.01 Queries · cycle 1 ─────────────────────────────────┐
    │      in progress · 12 min · #1 · default                 │
    │      titles count twice now; next are the ages, then the…│
    │  [ ] 02.01.03 Cache                                      │
    │      failed, retry next · 3 min · #2 · default           │
    │      the registry answered 503                           │
    │> [ ] 02.01.04 Pages                                      │
    │      pending, waits for 02.01.02 · default               │
    └────────────────────────────────────────── 4 of 4 threads ┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ? keys  q quit  ↑↓ thread  enter detail  ←→ batch  f follow
    ");
}

#[test]
fn every_size_can_be_drawn() {
    let mut seat = Seat::half_way(1, 1);
    for keys in ["", "?", "?p", "p", "b", "a"] {
        seat.type_in(keys);
        for detail in [false, true] {
            if detail {
                seat.press(&[KeyCode::Enter, KeyCode::End]);
            }
            for size in [(1, 1), (2, 2), (3, 10), (10, 3), (20, 5), (69, 9), (70, 10), (100, 4), (200, 60)] {
                seat.size = size;
                seat.screen();
            }
            seat.press(&[KeyCode::Esc]);
        }
    }
    seat.view = Err("work/001-search/threads.json:1:1: expected value".to_owned());
    for size in [(1, 1), (20, 5), (80, 24)] {
        seat.size = size;
        seat.screen();
    }
}

#[test]
fn files_that_cannot_be_read_and_commands_that_fail_are_told() {
    let mut seat = Seat::half_way(60, 12);
    seat.trouble = Some("--notify: the command ended with exit code 127".to_owned());
    let screen = seat.screen();
    assert!(screen.ends_with("\n--notify: the command ended with exit code 127\n"), "{screen}");
    seat.trouble = None;
    seat.view = Err("work/001-search/threads.json:1:1: it is not JSON: expected value at line 1 column 1".to_owned());
    insta::assert_snapshot!(seat.screen(), @"
    work watch
    work/001-search/threads.json:1:1: it is not JSON: expected
    value at line 1 column 1







    it goes on when the files can be read again
    ? keys  q quit
    ");
    assert!(!seat.type_in("jfpb"), "keys move nothing");
    assert!(seat.type_in("q"));
}

#[test]
fn one_frame_has_all_that_a_person_should_read() {
    let report = Made::half_way().report();
    insta::assert_snapshot!(frame(&Ok(report), noon(), &PersonWords::default()).finish(false), @"
    001-search  Search over all documents
    ┌ plan: approved ────────────┐┌ 02.01 Queries · cycle 1 ───────────────────────┐
    │Stage 1: Index              ││  [!] 02.01.01 Parser                           │
    │━━━━━━━━━━━━━━━ 2/2 approved││      blocked · 44 min · #2 · system-engineer-o…│
    │  [x] 01.01 Storage      2/2││      The old search reads a minus as NOT only  │
    │Stage 2: Search API         ││      behind a blank, but its documents say that│
    │──────────────────────── 0/5││      it does so everywhere. Both are in use:   │
    │> [~] 02.01 Queries      0/4││      214 saved searches have a word with a     │
    │  [ ] 02.02 Client       0/1││      hyphen, 31 rely on the documents. I need a│
    │                            ││      decision: keep the behaviour, or keep the │
    │                            ││      documents and rewrite the saved searches. │
    │                            ││  [~] 02.01.02 Ranking of the results by their… │
    │                            ││      in progress · 12 min · #1 · default       │
    │                            ││      titles count twice now; next are the ages…│
    │                            ││  [ ] 02.01.03 Cache                            │
    │                            ││      failed, retry next · 3 min · #2 · default │
    │                            ││      the registry answered 503                 │
    │                            ││  [ ] 02.01.04 Pages                            │
    │                            ││      pending, waits for 02.01.02 · default     │
    └────────────────────────────┘└────────────────────────────────────────────────┘
    Next: let a planner execute batch 02.01: /execute-next-batch
    ");
}
