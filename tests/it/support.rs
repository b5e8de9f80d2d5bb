//! What the tests of the real program share: a throw-away workspace, the program in it, and the simplest possible
//! client of its MCP server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Reports that a test is skipped, because strace is missing or may not attach here.
///
/// # Panics
///
/// If strace is missing and `WORK_TEST_ALL` is set.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "a test that does not run says so")]
pub(crate) fn cannot_be_traced() {
    if Command::new("strace").arg("-V").output().is_err() {
        crate::postgres_server::skipped("there is no strace");
    }
    // A sandbox may forbid it. That is no failure, not even with `WORK_TEST_ALL`.
    println!("skipped: strace may not attach");
}

/// Waits until strace has attached to every thread of the server. `false`: it cannot attach.
#[cfg(target_os = "linux")]
pub(crate) fn comes_to_be_traced(server: &Server, strace: &mut Child) -> bool {
    let threads = format!("/proc/{}/task", server.child.id());
    let begun = Instant::now();
    loop {
        let is_traced = std::fs::read_dir(&threads).unwrap().all(|thread| {
            // A thread that has just ended has no file any more.
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        });
        if is_traced {
            return true;
        }
        if begun.elapsed() > Duration::from_secs(10) || strace.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_work");

/// A plan of two stages, three batches and four threads. Only thread 01.01.01 names an agent.
pub(crate) const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:system-engineer-codex
**Summary:** Define the schema.
###### Thread 2: Rows
##### Batch 2: Queries
###### Thread 1: Parser
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes
";

/// A workspace in a temporary folder, which is removed when this is dropped.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// Makes a folder with nothing in it.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Makes one workstream, `001-search`, with the plan `plan`. It is approved whatever the plan says, because its
    /// index has no `plan_hash`, as other software of the family writes it (DESIGN §7).
    pub(crate) fn with_plan(plan: &str) -> Self {
        let workspace = Self::with_draft(plan);
        workspace.write(
            "work/index.json",
            r#"{"version":"1.0.0","streams":[{"id":"001-search","name":"search","approval":{"status":"approved"}}]}
"#,
        );
        workspace
    }

    /// Makes one workstream, `001-search`, with the plan `plan`. It is a draft, because there is no index.
    pub(crate) fn with_draft(plan: &str) -> Self {
        let workspace = Self::empty();
        workspace.write("work/001-search/PLAN.md", plan);
        workspace
    }

    /// Copies a folder of tests/data/workspaces.
    pub(crate) fn copied_from(name: &str) -> Self {
        let workspace = Self::empty();
        copy(&data().join("workspaces").join(name), workspace.root());
        workspace
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Returns the threads.json of the workstream `001-search`.
    pub(crate) fn threads(&self) -> Value {
        serde_json::from_str(&self.read("work/001-search/threads.json")).unwrap()
    }

    /// Returns the program with these arguments, to run in the workspace. Its environment has only `USER=ann` and a `PATH`
    /// with the program: what the person who tests has set must not change a result.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("USER", "ann")
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", Path::new(PROGRAM).parent().unwrap().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `work` and returns what a person sees, in the form of [`Workspace::seen`].
    pub(crate) fn work(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        self.seen(&output)
    }

    /// Runs `work`, which must succeed, and returns what it prints.
    pub(crate) fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", self.seen(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the exit code, stdout and stderr as one text, for a snapshot.
    pub(crate) fn seen(&self, output: &Output) -> String {
        let mut seen = format!("exit {}\n", output.status.code().unwrap());
        for (name, bytes) in [("", &output.stdout), ("stderr: ", &output.stderr)] {
            for line in String::from_utf8(bytes.clone()).unwrap().lines() {
                seen += &format!("{name}{}\n", line.trim_end());
            }
        }
        self.without_chance(seen.trim_end())
    }

    /// Replaces the path of the workspace, which differs from run to run, with `[workspace]`.
    pub(crate) fn without_chance(&self, text: &str) -> String {
        text.replace(&self.root().display().to_string(), "[workspace]")
    }

    /// Starts `work mcp` and opens a session.
    pub(crate) fn serve(&self) -> Server {
        open_session(self.start())
    }

    /// Starts `work mcp` with one more environment variable and opens a session.
    pub(crate) fn serve_with(&self, name: &str, value: &str) -> Server {
        open_session(start(self.command(&["mcp"]).env(name, value)))
    }

    /// Starts `work mcp --worker`, and opens a session.
    pub(crate) fn serve_a_worker(&self) -> Server {
        open_session(start(&mut self.command(&["mcp", "--worker"])))
    }

    /// Starts `work mcp` with `stderr` as its stderr, and opens a session.
    pub(crate) fn serve_to(&self, stderr: impl Into<Stdio>) -> Server {
        open_session(start_to(&mut self.command(&["mcp"]), stderr))
    }

    /// Starts `work mcp` and sends it nothing.
    pub(crate) fn start(&self) -> Server {
        start(&mut self.command(&["mcp"]))
    }
}

fn start(command: &mut Command) -> Server {
    start_to(command, Stdio::null())
}

fn start_to(command: &mut Command, stderr: impl Into<Stdio>) -> Server {
    let mut child = command.stdin(Stdio::piped()).stderr(stderr).spawn().unwrap();
    let input = child.stdin.take();
    let output = BufReader::new(child.stdout.take().unwrap());
    Server { child, input, output, last_id: 0 }
}

/// Opens a session of the legacy era (DESIGN §13.5).
fn open_session(mut server: Server) -> Server {
    let answer = server.request("initialize", &initialize("2025-11-25"));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    server.notify("notifications/initialized", &json!({}));
    server
}

/// Runs command lines, which begin with `work`, and returns the transcript of the terminal.
pub(crate) fn session(workspace: &Workspace, lines: &[&str]) -> String {
    let mut seen = String::new();
    for line in lines {
        let arguments = words(line);
        let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
        seen += &format!("$ {line}\n{}\n", workspace.work(&arguments));
    }
    seen.trim_end().to_owned()
}

/// Splits a line into words. Double quotes keep words together, as in the lines of the user's contract (DESIGN §1).
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Returns the settings for snapshots of texts with times: those become `[time]` and `[day]`.
pub(crate) fn without_times() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[time]");
    settings.add_filter(r"\d{4}-\d\d-\d\d", "[day]");
    settings
}

/// Returns the ids of processes whose command line contains a text.
pub(crate) fn processes(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let listed = std::fs::read_dir("/proc").unwrap().flatten();
    listed
        .filter_map(|entry| {
            let pid = entry.file_name().into_string().ok().filter(|pid| pid.parse::<u32>().is_ok() && *pid != own)?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            String::from_utf8_lossy(&line).contains(text).then_some(pid)
        })
        .collect()
}

/// Waits until a condition holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the folder of the tests' data.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// Returns the parameters of `initialize` for a version of the protocol.
pub(crate) fn initialize(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A running `work mcp` and the pipes to it. The process is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last_id: u64,
}

impl Server {
    /// Sends a line as it is.
    pub(crate) fn line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        self.line(&json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}).to_string());
        self.last_id
    }

    /// Returns the next message, and fails if the line is no JSON-RPC. Blocks until there is one.
    pub(crate) fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// Sends a request and returns its answer, which must be the next message.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let answer = self.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool and returns the text that a model sees. Checks the form of the result: a refusal has text only, of
    /// one line; an answer has the same JSON as text and as structured content (DESIGN §8).
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> String {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        if result["isError"] == json!(true) {
            assert!(result.get("structuredContent").is_none(), "{answer}");
            // Only the output of a check has lines of its own.
            let is_check = text.starts_with("error check_failed: ");
            assert!(text.starts_with("error ") && (is_check || !text.contains('\n')), "{text:?}");
        } else {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), result["structuredContent"]);
        }
        text
    }

    /// Calls a tool that must not refuse, and returns its answer.
    pub(crate) fn answer(&mut self, tool: &str, arguments: &Value) -> Value {
        let text = self.call(tool, arguments);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{tool} {arguments}: {text}"))
    }

    /// Takes the pipe to the server. When it is dropped, the server's input ends.
    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.input.take().unwrap()
    }

    /// Closes the input, waits for the process, and returns its exit code and what it had still to say.
    pub(crate) fn end(mut self) -> (i32, String) {
        self.input.take();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest)
    }

    /// Kills the process and returns the messages that it had sent and nobody had read. A line that was cut off is left
    /// out.
    pub(crate) fn kill_and_hear(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut rest).unwrap();
        rest.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
            .collect()
    }

    /// Kills the process, so that none of its own code runs at the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
