//! Measures the real process, for the table of docs/performance.md: `cargo bench --bench stdio`.
//!
//! Times are medians. The ratios to the floor matter more than the times. The floor is the least that a durable change
//! costs: a loop that does nothing else writes the same bytes, syncs, renames and syncs the folder, on the same disk,
//! between the calls.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not a program")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const WORK: &str = env!("CARGO_BIN_EXE_work");

/// The environment variable that makes this program an [`Echo`] process. Its value is the path of the file to replace.
const ECHO: &str = "WORK_BENCH_ECHO";

/// How many threads a batch of the measured plans has.
const BATCH: usize = 10;

fn main() {
    if let Some(state) = std::env::var_os(ECHO) {
        return echo(Path::new(&state));
    }
    println!("process start to the answer to tools/list");
    let folder = workspace(10);
    let started = median(40, || {
        let begun = Instant::now();
        let mut session = Session::start(folder.path());
        session.request("tools/list", &json!({}));
        begun.elapsed()
    });
    println!("    {:.2} ms", milliseconds(started));

    for threads in [10, 100, 1_000, 10_000] {
        let folder = workspace(threads);
        let mut session = Session::start(folder.path());
        session.call("next_batch", &json!({}));
        // As in `workspace`: `next_batch` has written threads.json.
        std::thread::sleep(Duration::from_millis(50));
        let read = median(400, || session.timed("next_batch", &json!({})));
        let state = folder.path().join("work/001-bench/threads.json");
        let (mut updates, mut floors, mut echoes) = (Vec::new(), Vec::new(), Vec::new());
        let mut echo = Echo::start(&state);
        for round in 0..120 {
            let report = format!("round {round}");
            let thread = format!("1.1.{}", round % BATCH + 1);
            updates.push(
                session.timed("update_thread", &json!({"thread_id": thread, "status": "completed", "report": report})),
            );
            floors.push(raw_replace(&state));
            echoes.push(echo.timed());
        }
        let (update, floor, echo) = (middle(updates), middle(floors), middle(echoes));
        println!(
            "{threads} threads, {} KiB: next_batch {:.3} ms; update_thread {:.3} ms, floor {:.3} ms, ratio {:.2}; to a process that does only the floor {:.2}",
            fs::metadata(&state).unwrap().len() / 1024,
            milliseconds(read),
            milliseconds(update),
            milliseconds(floor),
            update.as_secs_f64() / floor.as_secs_f64(),
            update.as_secs_f64() / echo.as_secs_f64(),
        );
        if threads == 10 {
            println!("memory after some hundred calls: {:.1} MiB", session.resident());
        }
    }

    for (shape, batch) in [("batches of 10", BATCH), ("one batch", 999)] {
        // Each thread comes after the one before it in its batch. Both are measured alternately.
        let folders = [false, true].map(|chained| plan_of(999, batch, chained));
        let mut sessions = folders.each_ref().map(|folder| Session::start(folder.path()));
        for session in &mut sessions {
            session.call("next_batch", &json!({}));
        }
        std::thread::sleep(Duration::from_millis(50));
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..400 {
            for (session, times) in sessions.iter_mut().zip(&mut times) {
                times.push(session.timed("next_batch", &json!({})));
            }
        }
        let [without, with] = times.map(middle);
        println!(
            "999 threads, {shape}: next_batch {:.3} ms, each after the one before it {:.3} ms, ratio {:.2}",
            milliseconds(without),
            milliseconds(with),
            with.as_secs_f64() / without.as_secs_f64()
        );
    }

    println!("100 updates of 100 threads at once, one server");
    let folder = workspace(100);
    let mut session = Session::start(folder.path());
    for round in 0..5 {
        let calls: Vec<(&str, Value)> = (0..100)
            .map(|n| {
                let thread = format!("1.{}.{}", n / BATCH + 1, n % BATCH + 1);
                ("update_thread", json!({"thread_id": thread, "status": "completed", "report": format!("{round}")}))
            })
            .collect();
        // The first round is not printed: it opens the batches, one after the other.
        let took = session.at_once(&calls);
        if round > 0 {
            println!("    {:.0} per second", 100.0 / took.as_secs_f64());
        }
    }
}

/// Makes a workspace with an approved plan in batches of ten threads.
fn workspace(threads: usize) -> tempfile::TempDir {
    plan_of(threads, BATCH, false)
}

/// Makes a workspace with an approved plan. A stage has at most 900 batches; the limit is 999. `chained`: each thread
/// comes after the one before it in its batch.
fn plan_of(threads: usize, size: usize, chained: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut plan = "# Plan: Bench\n## Stages\n".to_owned();
    for at in 0..threads {
        let (batch, number) = (at / size + 1, at % size + 1);
        if at % (900 * size) == 0 {
            let _ = writeln!(plan, "### Stage {}: Stage", at / (900 * size) + 1);
        }
        if number == 1 {
            let _ = writeln!(plan, "##### Batch {}: Batch", (batch - 1) % 900 + 1);
        }
        let _ = writeln!(
            plan,
            "###### Thread {number}: Thread {at} @agent:default\n**Summary:** What there is to do in {at}.\n**Details:** How."
        );
        if chained && number > 1 {
            let (stage, batch) = (at / (900 * size) + 1, (batch - 1) % 900 + 1);
            let _ = writeln!(plan, "**After:** {stage:02}.{batch:02}.{:02}", number - 1);
        }
    }
    let work = folder.path().join("work/001-bench");
    fs::create_dir_all(&work).unwrap();
    fs::write(work.join("PLAN.md"), plan).unwrap();
    let index =
        json!({"version": "1.0.0", "current_stream": "001-bench", "streams": [{"id": "001-bench", "name": "bench"}]});
    fs::write(folder.path().join("work/index.json"), index.to_string()).unwrap();
    let approved = Command::new(WORK).args(["approve", "plan"]).current_dir(folder.path()).output().unwrap();
    assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
    // The store compares the bytes of a file whose last change is less than 20 ms old. Wait, so that this is not
    // measured.
    std::thread::sleep(Duration::from_millis(50));
    folder
}

/// Does the floor once: replaces a file durably by the same text as `path`. Returns the time it took.
fn raw_replace(path: &Path) -> Duration {
    let text = fs::read(path).unwrap();
    let folder = path.parent().unwrap();
    let (temporary, target) = (folder.join(".floor.tmp"), folder.join("floor"));
    let begun = Instant::now();
    let mut file = File::create(&temporary).unwrap();
    file.write_all(&text).unwrap();
    file.sync_all().unwrap();
    drop(file);
    fs::rename(&temporary, &target).unwrap();
    File::open(folder).unwrap().sync_all().unwrap();
    begun.elapsed()
}

/// The body of an [`Echo`] process: for each line on stdin it does the floor, and then prints the line.
fn echo(state: &Path) {
    for line in std::io::stdin().lines() {
        raw_replace(state);
        println!("{}", line.unwrap());
    }
}

/// A process that does nothing but the floor. Its times show what it costs to be another process at all.
struct Echo {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Echo {
    fn start(state: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.env(ECHO, state).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Returns the time from a line to its echo.
    fn timed(&mut self) -> Duration {
        let begun = Instant::now();
        self.child.stdin.as_mut().unwrap().write_all(b"again\n").unwrap();
        self.output.read_line(&mut String::new()).unwrap();
        begun.elapsed()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Returns the median of `rounds` measurements.
fn median(rounds: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    middle((0..rounds).map(|_| measure()).collect())
}

/// Returns the median of times; there must be one.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A running `work mcp` with an open session, and the pipes to it.
struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Session {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(WORK)
            .arg("mcp")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut session = Self { child, input, output, id: 0 };
        let client = json!({"name": "bench", "version": "1"});
        session
            .request("initialize", &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}));
        session.input.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n").unwrap();
        session
    }

    fn line(&mut self, method: &str, params: &Value) -> String {
        self.id += 1;
        json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).to_string() + "\n"
    }

    fn request(&mut self, method: &str, params: &Value) -> String {
        let line = self.line(method, params);
        self.input.write_all(line.as_bytes()).unwrap();
        self.receive()
    }

    fn receive(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// Calls a tool, which must not refuse, and returns the line of the answer.
    fn call(&mut self, tool: &str, arguments: &Value) -> String {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}));
        assert!(!answer.contains("\"isError\":true"), "{tool} {arguments}: {answer}");
        answer
    }

    fn timed(&mut self, tool: &str, arguments: &Value) -> Duration {
        let begun = Instant::now();
        self.call(tool, arguments);
        begun.elapsed()
    }

    /// Sends calls without waiting in between. Returns the time until all are answered.
    fn at_once(&mut self, calls: &[(&str, Value)]) -> Duration {
        let lines: Vec<String> = calls
            .iter()
            .map(|(tool, arguments)| self.line("tools/call", &json!({"name": tool, "arguments": arguments})))
            .collect();
        let begun = Instant::now();
        self.input.write_all(lines.concat().as_bytes()).unwrap();
        for _ in calls {
            self.receive();
        }
        begun.elapsed()
    }

    /// Returns the resident memory of the server in MiB; 0 where there is no `/proc`.
    fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
