//! Plays a whole workstream in a throw-away workspace, against the real `work mcp`. To run it:
//! `cargo run --example demo`.
//!
//! A planner and its workers, several at once, use the rmcp client; a person uses the command line. The demo tells what
//! happens, a line per step. It exits with 1 if anything is not as expected.
//!
//! With `-- --json` it prints each call, its answer and its time, and at the end the outcomes. With `-- --store URL` it first moves the workspace to a database, which must not have a workspace of that name yet.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use rmcp::model::CallToolRequestParams;
use rmcp::service::{Peer, RoleClient};
use rmcp::transport::TokioChildProcess;
use rmcp::{RmcpError, ServiceExt as _};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

const PLAN: &str = "\
# Plan: Search API

## Summary

Full-text search over the catalogue.

## Stages

### Stage 01: Index

#### Stage Definition

An index that can be searched.

#### Stage Questions

- [x] Which tokenizer? The one of the catalogue.

#### Stage Batches

##### Batch 01: Storage

Where rows and postings live.

###### Thread 01: Schema @agent:system-engineer-codex
**Summary:** Define the schema.
**Details:** One table per field.

###### Thread 02: Rows @agent:system-engineer-opus
**Summary:** Load the rows.

###### Thread 03: Notes
**Summary:** Write down the decisions. Nobody is assigned: the default agent does it.

##### Batch 02: Queries

###### Thread 01: Parser @agent:system-engineer-codex
**Summary:** Parse queries. Its worker times out once.

###### Thread 02: Result page @agent:frontend-designer-grok
**Summary:** Show results. Its agent cannot do it.

### Stage 02: API

#### Stage Batches

##### Batch 01: Routes

###### Thread 01: Routes @agent:system-engineer-opus
**Summary:** Serve queries. Its worker reports too early; the check finds that out.
**Check:** `echo looking for the routes && test -f src/02_01_01.rs`

###### Thread 02: Billing @agent:system-engineer-codex
**Summary:** Waits for a decision of the person.
";

const AGENTS: &str = "\
agents:
  - name: default
  - name: system-engineer-codex
  - name: system-engineer-opus
  - name: frontend-designer-grok
  - name: frontend-designer-flash
execution:
  max_parallel: 3
";

const INDEX: &str = r#"{
  "version": "1.0.0",
  "current_stream": "001-search-api",
  "streams": [
    { "id": "001-search-api", "name": "search-api", "order": 1, "approval": { "status": "draft" } }
  ]
}
"#;

/// Returns what a worker reports at the end of an attempt: the arguments of `update_thread`, without thread and
/// attempt.
fn ending(thread: &str, attempt: u64) -> Value {
    match (thread, attempt) {
        ("01.02.01", 1) => json!({"status": "failed", "report": "the connection was lost", "transient": true}),
        ("01.02.02", 1) => json!({"status": "failed", "report": "no idea of style sheets"}),
        ("02.01.02", 1) => json!({"status": "blocked", "report": "the price is unknown; needs a person"}),
        _ => json!({
            "status": "completed",
            "report": format!("{thread} is done"),
            "artifacts": [format!("src/{}.rs", thread.replace('.', "_"))],
        }),
    }
}

/// Returns the outcomes that are expected, batch by batch, in the form of [`execute_batch`]. The last batch is executed
/// twice: the second time after a person has retried it.
fn expected() -> Value {
    let outcome = |thread: &str, agent: &str, failover: bool| {
        json!({
            "thread_id": thread, "status": "completed", "report": format!("{thread} is done"), "agent_used": agent,
            "failover_applied": failover, "artifacts": [format!("src/{}.rs", thread.replace('.', "_"))], "next_steps": [],
        })
    };
    let blocked = json!({
        "thread_id": "02.01.02", "status": "blocked", "report": "the price is unknown; needs a person",
        "agent_used": "system-engineer-codex", "failover_applied": false, "artifacts": [], "next_steps": [],
    });
    json!([
        {"batch": "01.01", "status": "completed", "gate": null, "outcomes": [
            outcome("01.01.01", "system-engineer-codex", false),
            outcome("01.01.02", "system-engineer-opus", false),
            outcome("01.01.03", "default", false),
        ]},
        {"batch": "01.02", "status": "completed", "gate": "!work approve stage 1", "outcomes": [
            outcome("01.02.01", "system-engineer-codex", true),
            outcome("01.02.02", "frontend-designer-flash", true),
        ]},
        {"batch": "02.01", "status": "blocked", "gate": null, "outcomes": [
            outcome("02.01.01", "system-engineer-opus", false),
            blocked,
        ]},
        {"batch": "02.01", "status": "completed", "gate": "!work approve stage 2", "outcomes": [
            outcome("02.01.01", "system-engineer-opus", false),
            outcome("02.01.02", "system-engineer-codex", false),
        ]},
    ])
}

#[tokio::main]
async fn main() -> ExitCode {
    match demo().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print(&format!("\nthe demo failed: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Plays the workstream. The error says what was not as expected.
async fn demo() -> Result<(), Failure> {
    let program = build()?;
    let workspace = tempfile::tempdir()?;
    let stream = workspace.path().join("work/001-search-api");
    std::fs::create_dir_all(&stream)?;
    std::fs::write(stream.join("PLAN.md"), PLAN)?;
    std::fs::write(workspace.path().join("work/agents.yaml"), AGENTS)?;
    std::fs::write(workspace.path().join("work/index.json"), INDEX)?;
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let form = if arguments.iter().any(|argument| argument == "--json") { Form::Calls } else { Form::Story };
    arguments.retain(|argument| argument != "--json");
    let mut person = Person { program: program.clone(), workspace: workspace.path().to_owned(), store: None, form };
    if let [option, url] = arguments.as_slice()
        && option == "--store"
    {
        person.store = Some(url.clone());
        person.says(&["store", "migrate"], true)?;
        person.says(&["store", "push"], true)?;
        std::fs::remove_dir_all(workspace.path().join("work"))?;
    } else if !arguments.is_empty() {
        return Err("the options are --json and --store URL".into());
    }

    let mut command = tokio::process::Command::new(&program);
    command
        .arg("mcp")
        .current_dir(workspace.path())
        .env_remove("WORK_ROOT")
        .env_remove("WORK_STREAM")
        .env_remove("WORK_STORE")
        .envs(person.store.iter().map(|url| ("WORK_STORE", url)));
    let session = ().serve(TokioChildProcess::new(command)?).await.map_err(RmcpError::from)?;
    let planner = Agent { name: "planner".to_owned(), server: session.peer().clone(), form };

    print("-- the plan gate");
    expect("next_batch", &planner.call("next_batch", json!({})).await?, "gate_command", &json!("!work approve plan"))?;
    person.says(&["approve", "plan"], true)?;

    let mut seen = Vec::new();
    print("\n-- a happy batch, three workers at once");
    seen.push(execute_batch(&planner, workspace.path()).await?);
    print("\n-- a transient failure with its retry, a permanent one with its reassignment");
    seen.push(execute_batch(&planner, workspace.path()).await?);

    print("\n-- the stage gate");
    expect(
        "next_batch",
        &planner.call("next_batch", json!({})).await?,
        "batch_completion_status",
        &json!("awaiting_approval"),
    )?;
    person.says(&["complete"], false)?;
    person.says(&["approve", "stage", "1"], true)?;

    print("\n-- a check that fails and then passes, and a batch that ends blocked");
    seen.push(execute_batch(&planner, workspace.path()).await?);
    print("\n-- a planner that goes on asking gets nothing; a person has the batch executed again, with fresh budgets");
    expect("next_batch", &planner.call("next_batch", json!({})).await?, "next_user_command", &json!("!work retry"))?;
    person.says(&["retry"], true)?;
    seen.push(execute_batch(&planner, workspace.path()).await?);

    print("\n-- the end");
    person.says(&["approve", "stage", "2"], true)?;
    expect("next_batch", &planner.call("next_batch", json!({})).await?, "next_user_command", &json!("!work complete"))?;
    person.says(&["complete"], true)?;
    let end = planner.call("next_batch", json!({})).await?;
    expect("next_batch", &end, "batch_completion_status", &json!("no_incomplete_batch"))?;
    expect("next_batch", &end, "outcomes", &json!([]))?;
    expect("next_batch", &end, "next_user_command", &json!("!work status"))?;
    person.says(&["status"], true)?;
    session.cancel().await?;

    let seen = Value::from(seen);
    if form == Form::Calls {
        print(&format!("\n{}", serde_json::to_string_pretty(&seen)?));
    }
    if seen != expected() {
        return Err(format!("these outcomes were expected:\n{}", serde_json::to_string_pretty(&expected())?).into());
    }
    print("\nall outcomes are as expected");
    Ok(())
}

/// Executes the next batch as the prompt tells a planner to: carry out the decisions of failover, launch a worker for
/// each thread in `dispatch`, all at once, and repeat that until the batch is completed or blocked. Returns its
/// outcomes.
async fn execute_batch(planner: &Agent, folder: &Path) -> Result<Value, Failure> {
    // Each round starts an attempt or ends the batch. A batch of this plan has at most three threads, and a thread at
    // most three attempts in a cycle (DESIGN §5a.9).
    const MOST_ROUNDS: usize = 10;
    for _ in 0..MOST_ROUNDS {
        let next = planner.call("next_batch", json!({})).await?;
        for decision in next["failover"].as_array().into_iter().flatten() {
            if decision["action"] == "reassign" && next["batch_completion_status"] == "in_progress" {
                planner.call("assign_thread", json!({"thread_id": decision["thread_id"]})).await?;
            }
        }
        let dispatch = next["dispatch"].as_array().cloned().unwrap_or_default();
        let mut workers = Vec::new();
        for thread in next["threads"].as_array().into_iter().flatten() {
            if dispatch.contains(&thread["thread_id"]) {
                let name = format!(
                    "{} {}",
                    thread["thread_id"].as_str().unwrap_or("?"),
                    thread["agent"].as_str().unwrap_or("?")
                );
                let worker = Agent { name, server: planner.server.clone(), form: planner.form };
                let (thread, attempt) = (thread["thread_id"].clone(), thread["attempt"].clone());
                workers.push(tokio::spawn(work(worker, folder.to_owned(), thread, attempt)));
            }
        }
        let launched = workers.len();
        for worker in workers {
            worker.await??;
        }
        let outcome = planner.call("batch_outcome", json!({})).await?;
        // What stands in `failover` of a blocked batch is advice (DESIGN §6). This planner leaves it to the person.
        let only_advice = outcome["batch_completion_status"] == "blocked";
        if outcome["batch_completion_status"] == "completed" || only_advice {
            return Ok(json!({
                "batch": outcome["batch"]["id"], "status": outcome["batch_completion_status"],
                "gate": outcome["gate_command"], "outcomes": outcome["outcomes"],
            }));
        }
        if launched == 0 && outcome["failover"] == json!([]) {
            return Err(format!("nothing to launch and nothing to decide: {next}").into());
        }
    }
    Err("the batch does not end".into())
}

/// Does what a worker does: reads its brief, reports the start, makes its artifacts in `folder`, and reports the end of
/// the attempt. The worker of a thread with checks reports before it has done its work, and must be told.
async fn work(worker: Agent, folder: PathBuf, thread: Value, attempt: Value) -> Result<(), Failure> {
    let brief = worker.call("read_thread", json!({"thread_id": thread})).await?;
    expect("read_thread", &brief, "attempt", &attempt)?;
    let start = json!({"thread_id": thread, "status": "in_progress", "attempt": attempt});
    worker.call("update_thread", start).await?;
    let mut report = ending(thread.as_str().unwrap_or_default(), attempt.as_u64().unwrap_or_default());
    report["thread_id"] = thread;
    report["attempt"] = attempt;
    if brief["checks"] != Value::Null && brief["checks"] != json!([]) {
        match worker.call("update_thread", report.clone()).await {
            Err(told) if told.to_string().contains("error check_failed: ") => {}
            answer => return Err(format!("the check must fail, and the answer was {answer:?}").into()),
        }
    }
    for artifact in report["artifacts"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let file = folder.join(artifact);
        std::fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        std::fs::write(file, "// what a worker writes\n")?;
    }
    worker.call("update_thread", report).await?;
    Ok(())
}

/// What the demo prints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// What happens, a line per step.
    Story,
    /// Each call with its answer and its time.
    Calls,
}

/// Returns what a call did, in a line; `None`: nothing that is worth a line. `refused` is the text of a refusal.
fn story(tool: &str, arguments: &Value, answer: Option<&Value>, refused: &str) -> Option<String> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some(answer) = answer else {
        let why = refused.split(". hint:").next().unwrap_or_default();
        return Some(format!("reports {}, and is refused: {why}", word(&arguments["status"])));
    };
    match tool {
        "next_batch" => {
            let threads = answer["threads"].as_array().into_iter().flatten();
            let launched = threads.filter(|thread| {
                answer["dispatch"].as_array().is_some_and(|dispatch| dispatch.contains(&thread["thread_id"]))
            });
            let launched: Vec<String> =
                launched.map(|thread| format!("{} ({})", word(&thread["thread_id"]), word(&thread["agent"]))).collect();
            Some(match answer["batch"]["id"].as_str() {
                Some(batch) if !launched.is_empty() => format!("batch {batch}: launches {}", launched.join(", ")),
                _ => {
                    let status = word(&answer["batch_completion_status"]).replace('_', " ");
                    format!("{status}; for the person: {}", word(&answer["next_user_command"]))
                }
            })
        }
        "assign_thread" => Some(format!("gives {} to {}", word(&answer["thread_id"]), word(&answer["agent"]))),
        "update_thread" if arguments["status"] == "in_progress" => {
            Some(format!("starts attempt {}", answer["attempt"]))
        }
        "update_thread" => {
            let decision = match answer["decision"]["action"].as_str() {
                Some("retry") => format!(" -> once more, by {}", word(&answer["decision"]["agent"])),
                Some("reassign") => format!(" -> somebody else: {}", word(&answer["decision"]["agent"])),
                _ => String::new(),
            };
            Some(format!("{}: {}{decision}", word(&arguments["status"]), word(&arguments["report"])))
        }
        "batch_outcome" if answer["batch_completion_status"] != "in_progress" => {
            let status = word(&answer["batch_completion_status"]);
            let gate = answer["gate_command"].as_str().map(|gate| format!("; the gate: {gate}")).unwrap_or_default();
            Some(format!("batch {} is {status}{gate}", word(&answer["batch"]["id"])))
        }
        _ => None,
    }
}

/// A planner or a worker. All share one server process, as they do in OpenCode (DESIGN §13.8).
struct Agent {
    /// The name in the printed transcript.
    name: String,
    server: Peer<RoleClient>,
    form: Form,
}

impl Agent {
    /// Calls a tool, prints the call, and returns its structured content. A refusal is an error.
    async fn call(&self, tool: &'static str, arguments: Value) -> Result<Value, Failure> {
        let object = arguments.as_object().cloned().unwrap_or_default();
        let started = Instant::now();
        let result = self.server.call_tool(CallToolRequestParams::new(tool).with_arguments(object)).await?;
        let elapsed = started.elapsed();
        let text: String = result.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect();
        let answer = result.structured_content.filter(|_| result.is_error != Some(true));
        match self.form {
            Form::Calls => {
                let millis = elapsed.as_secs_f64() * 1e3;
                print(&format!("{:<32} {tool} {arguments}\n{millis:>8.2} ms  {text}", self.name));
            }
            Form::Story => {
                if let Some(told) = story(tool, &arguments, answer.as_ref(), &text) {
                    print(&format!("{:<32} {told}", self.name));
                }
            }
        }
        match answer {
            Some(answer) => Ok(answer),
            None => Err(format!("{tool} refused: {text}").into()),
        }
    }
}

/// The person, who has a terminal.
struct Person {
    program: PathBuf,
    workspace: PathBuf,
    /// The URL of the database, if the workspace is in one.
    store: Option<String>,
    form: Form,
}

impl Person {
    /// Runs `work` and prints its output. `succeeds` says whether the command must succeed or fail; the opposite is an
    /// error.
    fn says(&self, arguments: &[&str], succeeds: bool) -> Result<(), Failure> {
        let started = Instant::now();
        let output = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.workspace)
            .env_remove("WORK_ROOT")
            .env_remove("WORK_STREAM")
            .env_remove("WORK_STORE")
            .envs(self.store.iter().map(|url| ("WORK_STORE", url)))
            .output()?;
        let elapsed = started.elapsed();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text += &String::from_utf8_lossy(&output.stderr);
        let time = match self.form {
            Form::Calls => format!("{:>8.2} ms  ", elapsed.as_secs_f64() * 1e3),
            Form::Story => " ".repeat(33),
        };
        let indent = " ".repeat(time.len());
        let lines: Vec<String> = text.lines().map(|line| format!("{indent}{line}").trim_end().to_owned()).collect();
        let text = lines.join("\n");
        print(&format!("{:<32} work {}\n{time}{}", "person", arguments.join(" "), text.trim()));
        if output.status.success() == succeeds {
            Ok(())
        } else {
            Err(format!("work {} ended with {}", arguments.join(" "), output.status).into())
        }
    }
}

/// Returns an error if a key of an answer has another value than expected.
fn expect(tool: &str, answer: &Value, key: &str, expected: &Value) -> Result<(), Failure> {
    if answer[key] == *expected {
        return Ok(());
    }
    Err(format!("{tool} answered {key} {}, {expected} was expected", answer[key]).into())
}

/// Builds the program, which Cargo does not do for an example, and returns its path: it is in the folder above the
/// examples.
fn build() -> Result<PathBuf, Failure> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).ok_or("the example stands in no target folder")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The example is named too, so that Cargo chooses the same features, and need not build the dependencies again.
    cargo
        .args(["build", "--quiet", "--bin", "work", "--example", "demo"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err("cargo could not build work".into());
    }
    Ok(folder.join(format!("work{}", std::env::consts::EXE_SUFFIX)))
}

#[expect(clippy::print_stdout, reason = "a demo talks to the person who runs it")]
fn print(text: &str) {
    println!("{text}");
}
