//! How `work run` starts the workers of a host by its own command line, and what such a worker prints (DESIGN §12).
//!
//! What the hosts print, and how they refuse, was found by running the releases that [`super::Host::known_from`] names.

mod claude;
mod codex;
mod opencode;

pub(super) use claude::WORKERS as CLAUDE;
pub(super) use codex::WORKERS as CODEX;
pub(super) use opencode::WORKERS as OPENCODE;

use serde_json::Value;

use super::{HOSTS, Host, ProjectFiles};
use crate::board::Usage;
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::Agent;
use crate::wording::{one_line, printable};

/// What differs from host to host between workers that are processes of their own.
#[derive(Debug)]
pub struct Workers {
    /// The program.
    pub program: &'static str,
    /// What a person does who is not logged in.
    pub log_in: &'static str,
    /// The prefix that the host puts before the names of this server's tools.
    prefix: &'static str,
    /// Returns whether the project, or the person, has a profile for an agent of this name.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub has_profile: fn(&dyn ProjectFiles, &str) -> Result<bool, Fault>,
    /// Returns the arguments and the variables of a worker.
    pub command: fn(&WorkerStart<'_>) -> WorkerCommand,
    /// Reads a line of a worker's output.
    line: fn(&Value, &mut Told),
    /// How lines on stderr begin that are said always, and explain nothing.
    noise: &'static [&'static str],
}

/// What a worker is started for.
#[derive(Clone, Copy)]
pub struct WorkerStart<'s> {
    /// Its agent.
    pub agent: &'s Agent,
    /// Whether the host has a profile for it.
    pub has_profile: bool,
    /// What it is told.
    pub prompt: &'s str,
    /// This program, as an absolute path. It is the worker's MCP server too.
    pub program: &'s str,
    /// The folder in which it works.
    pub folder: &'s str,
    /// The names of the variables by which its MCP server knows whose worker it serves.
    pub passed_on: &'s [&'s str],
    /// Arguments that a person adds.
    pub arguments: &'s [String],
    /// Returns a variable of this process.
    pub variable: &'s dyn Fn(&str) -> Option<String>,
}

/// The command line of a worker. No shell reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The arguments.
    pub arguments: Vec<String>,
    /// Variables, beside those of this process.
    pub variables: Vec<(&'static str, String)>,
}

/// What the output of a worker has told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What it used; `None`: it has not said.
    pub usage: Option<Usage>,
    /// Whether the model has answered it.
    pub has_answered: bool,
    /// Why the provider of its model refuses every call: who asks is not logged in, or has used up what was paid for.
    pub refused: Option<String>,
    /// The last error that it printed.
    pub error: Option<String>,
    /// Whether another attempt would end in the same way, such as one with a bound on its turns.
    pub is_final: bool,
}

impl Told {
    fn add(&mut self, usage: Usage) {
        self.usage = Some(self.usage.unwrap_or_default().and(usage));
        self.answered();
    }

    /// Notes an answer of the model. What was refused before it has passed.
    fn answered(&mut self) {
        *self = Self { usage: self.usage, has_answered: true, ..Self::default() };
    }

    /// Keeps an error. It is a refusal if the provider has answered with the status of one, or the words are those of one.
    fn failed(&mut self, message: &str, status: Option<u64>) {
        /// Unauthorized, payment required, forbidden, too many requests. A host has tried the last one again by then.
        const REFUSED: [u64; 4] = [401, 402, 403, 429];
        // A report and a terminal take no control characters.
        let message = &printable(&one_line(message.trim()));
        let is_refused = status.map_or_else(|| says_refused(message), |status| REFUSED.contains(&status));
        if is_refused {
            self.refused = Some(message.to_owned());
        }
        self.error = Some(message.to_owned());
    }
}

/// Returns whether an error says that nothing will be answered until a person does something.
fn says_refused(message: &str) -> bool {
    const WORDS: [&str; 9] = [
        "please run /login",
        "invalid api key",
        "invalid x-api-key",
        "hit your usage limit",
        "usage limit reached",
        "insufficient_quota",
        "exceeded your current quota",
        "credit balance is too low",
        "no api key",
    ];
    let message = message.to_lowercase();
    WORDS.iter().any(|words| message.contains(words))
}

impl Workers {
    /// Returns the prompt of a worker: what its planner would tell it, and how it reports.
    pub fn prompt(&self, thread: &str, attempt: &str, workstream: &str) -> String {
        worker_prompt(self.prefix, thread, attempt, workstream)
    }

    /// Returns whether a line on stderr explains nothing.
    pub fn is_noise(&self, line: &str) -> bool {
        self.noise.iter().any(|start| line.starts_with(start))
    }

    /// Reads a line of a worker's output. A line that is no JSON object tells nothing.
    pub fn line(&self, line: &str, told: &mut Told) {
        if let Ok(line @ Value::Object(_)) = serde_json::from_str(line) {
            (self.line)(&line, told);
        }
    }
}

/// Returns the prompt of a worker, with `prefix` before the names of this server's tools.
pub fn worker_prompt(prefix: &str, thread: &str, attempt: &str, workstream: &str) -> String {
    let text = IMPLEMENT_THREAD.text_with_prefix(prefix);
    format!("{}\n\nthread_id: {thread}\nattempt: {attempt}\nworkstream: {workstream}\n", text.trim_end())
}

/// Returns the hosts that run workers.
pub fn worker_hosts() -> impl Iterator<Item = (&'static Host, &'static Workers)> {
    HOSTS.iter().filter_map(|host| Some((*host, host.workers.as_ref()?)))
}

/// Returns the sum of numbers, which no real ones reach the end of.
fn sum<const N: usize>(numbers: [u64; N]) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}

/// Returns a number of a JSON object; 0 if it is not there.
fn number(object: &Value, key: &str) -> u64 {
    object.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// Returns an amount of dollars in millionths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn microdollars(dollars: &Value) -> Option<u64> {
    dollars.as_f64().filter(|dollars| *dollars >= 0.0).map(|dollars| (dollars * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the command line of a worker of a host.
    fn command(workers: &Workers, models: &[&str], has_profile: bool, arguments: &[&str]) -> String {
        command_with(workers, models, has_profile, arguments, &[])
    }

    fn command_with(
        workers: &Workers,
        models: &[&str],
        has_profile: bool,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> String {
        let models = models.iter().map(|&model| model.to_owned()).collect();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let start = WorkerStart {
            agent: &Agent { models, ..Agent::named("writer") },
            has_profile,
            prompt: "PROMPT",
            program: "/bin/work",
            folder: "/project",
            passed_on: &["WORK_WORKER", "WORK_WORKER_ID"],
            arguments: &arguments,
            variable: &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let command = (workers.command)(&start);
        let variables = command.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
        variables.collect::<String>() + &command.arguments.join("\n")
    }

    fn told(workers: &Workers, lines: &[&str]) -> Told {
        let mut told = Told::default();
        for line in lines {
            workers.line(line, &mut told);
        }
        told
    }

    fn usage(input: u64, cached: u64, output: u64, cost: Option<u64>) -> Option<Usage> {
        Some(Usage { input_tokens: input, cached_tokens: cached, output_tokens: output, cost_microdollars: cost })
    }

    #[test]
    fn each_host_is_started_in_its_own_way() {
        insta::assert_snapshot!(command(&CLAUDE, &["openai/gpt", "anthropic/opus"], true, &["--add-dir", "x"]), @r#"
        -p
        PROMPT
        --agent=writer
        --output-format
        stream-json
        --verbose
        --permission-mode
        acceptEdits
        --mcp-config
        {"mcpServers":{"work":{"command":"/bin/work","args":["mcp"]}}}
        --allowedTools
        mcp__work
        --add-dir
        x
        "#);
        insta::assert_snapshot!(command(&CLAUDE, &["openai/gpt", "anthropic/opus"], false, &[]), @r#"
        -p
        PROMPT
        --model=opus
        --output-format
        stream-json
        --verbose
        --permission-mode
        acceptEdits
        --mcp-config
        {"mcpServers":{"work":{"command":"/bin/work","args":["mcp"]}}}
        --allowedTools
        mcp__work
        "#);
        insta::assert_snapshot!(command(&CODEX, &["openai/gpt"], false, &["--search"]), @r#"
        exec
        --json
        --sandbox
        workspace-write
        --skip-git-repo-check
        -c
        mcp_servers.work.command="/bin/work"
        -c
        mcp_servers.work.args=["mcp"]
        -c
        mcp_servers.work.env_vars=["WORK_WORKER","WORK_WORKER_ID"]
        -c
        features.code_mode.direct_only_tool_namespaces=["mcp__work"]
        --model=gpt
        --search
        PROMPT
        "#);
        let own = r#"{"model":"a/b","mcp":{"other":{}},"agent":{"writer":{"model":"c/d"}}}"#;
        let merged = command_with(&OPENCODE, &[], true, &[], &[("OPENCODE_CONFIG_CONTENT", own)]);
        insta::assert_snapshot!(merged.lines().next().unwrap(), @r#"OPENCODE_CONFIG_CONTENT={"model":"a/b","mcp":{"other":{},"work":{"type":"local","command":["/bin/work","mcp"],"enabled":true}},"agent":{"writer":{"model":"c/d","mode":"all"}}}"#);
        insta::assert_snapshot!(command(&OPENCODE, &["openai/gpt"], false, &[]), @r#"
        OPENCODE_CONFIG_CONTENT={"mcp":{"work":{"type":"local","command":["/bin/work","mcp"],"enabled":true}},"agent":{"writer":{"mode":"all"}}}
        PWD=/project
        run
        --agent=writer
        --format=json
        --model=openai/gpt
        PROMPT
        "#);
        insta::assert_snapshot!(command(&OPENCODE, &["openai/gpt"], true, &["--variant", "high"]), @r#"
        OPENCODE_CONFIG_CONTENT={"mcp":{"work":{"type":"local","command":["/bin/work","mcp"],"enabled":true}},"agent":{"writer":{"mode":"all"}}}
        PWD=/project
        run
        --agent=writer
        --format=json
        --variant
        high
        PROMPT
        "#);
    }

    #[test]
    fn what_was_used_is_read_from_the_output() {
        let claude = r#"{"type":"result","subtype":"success","is_error":false,"result":"done","total_cost_usd":0.0123456,"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":1000,"output_tokens":7}}"#;
        assert_eq!(told(&CLAUDE, &["starting", claude]).usage, usage(1_210, 1_000, 7, Some(12_346)));
        let codex =
            r#"{"type":"turn.completed","usage":{"input_tokens":50,"cached_input_tokens":20,"output_tokens":5}}"#;
        assert_eq!(told(&CODEX, &[codex, codex]).usage, usage(100, 40, 10, None));
        let opencode = r#"{"type":"step_finish","part":{"cost":0.5,"tokens":{"input":30,"output":4,"reasoning":1,"cache":{"read":70,"write":5}}}}"#;
        assert_eq!(told(&OPENCODE, &[opencode, opencode]).usage, usage(210, 140, 10, Some(1_000_000)));
        assert_eq!(told(&OPENCODE, &["", "[1]", "{", "{\"type\":1}"]), Told::default());
        let absurd =
            r#"{"type":"step_finish","part":{"tokens":{"input":18446744073709551615,"output":1,"cache":{"read":7}}}}"#;
        assert_eq!(told(&OPENCODE, &[absurd]).usage, usage(u64::MAX, 7, 1, None));
    }

    #[test]
    fn what_was_refused_before_an_answer_has_passed() {
        let refused = r#"{"type":"error","error":{"name":"APIError","data":{"message":"no","statusCode":429}}}"#;
        let told = told(&OPENCODE, &[refused, r#"{"type":"text","part":{}}"#]);
        assert_eq!(told, Told { has_answered: true, ..Told::default() });
    }

    #[test]
    fn a_bound_that_a_person_has_set_is_no_reason_to_try_again() {
        let bound = r#"{"type":"result","subtype":"error_max_turns","is_error":true,"usage":{"input_tokens":1}}"#;
        let told = told(&CLAUDE, &[bound]);
        assert_eq!((told.error.as_deref(), told.is_final), (Some("error max turns"), true));
    }

    #[test]
    fn an_answer_of_the_model_shows_in_the_output() {
        for (workers, line, has_answered) in [
            (&CLAUDE, r#"{"type":"system","subtype":"init"}"#, false),
            (&CLAUDE, r#"{"type":"assistant","message":{"model":"opus","content":[]}}"#, true),
            (&CLAUDE, r#"{"type":"assistant","message":{"model":"<synthetic>","content":[]}}"#, false),
            (&CODEX, r#"{"type":"thread.started"}"#, false),
            (&CODEX, r#"{"type":"item.started","item":{"type":"mcp_tool_call"}}"#, true),
            (&OPENCODE, r#"{"type":"step_start"}"#, false),
            (&OPENCODE, r#"{"type":"tool_use","part":{}}"#, true),
        ] {
            assert_eq!(told(workers, &[line]).has_answered, has_answered, "{line}");
        }
        assert!(CODEX.is_noise("Reading additional input from stdin...") && !CODEX.is_noise("error: no"));
    }

    #[test]
    fn a_provider_that_refuses_all_is_told_from_an_error() {
        for (workers, line, refused) in [
            (&CLAUDE, r#"{"type":"result","is_error":true,"result":"Not logged in · Please run /login"}"#, true),
            (&CLAUDE, r#"{"type":"result","is_error":true,"api_error_status":429,"result":"API Error"}"#, true),
            (&CLAUDE, r#"{"type":"result","is_error":true,"api_error_status":500,"result":"API Error"}"#, false),
            (&CODEX, r#"{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized: no"}}"#, true),
            (&CODEX, r#"{"type":"turn.failed","error":{"message":"You've hit your usage limit."}}"#, true),
            (
                &CODEX,
                r#"{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}"#,
                true,
            ),
            (&CODEX, r#"{"type":"turn.failed","error":{"message":"unexpected status 500: no"}}"#, false),
            (
                &OPENCODE,
                r#"{"type":"error","error":{"name":"APIError","data":{"message":"no","statusCode":403}}}"#,
                true,
            ),
            (&OPENCODE, r#"{"type":"error","error":{"name":"ProviderAuthError","data":{"message":"no"}}}"#, true),
            (&OPENCODE, r#"{"type":"error","error":{"name":"UnknownError","data":{"message":"no"}}}"#, false),
            (
                &OPENCODE,
                r#"{"type":"error","error":{"name":"APIError","data":{"message":"please run /login","statusCode":500}}}"#,
                false,
            ),
        ] {
            let told = told(workers, &[line]);
            assert_eq!(told.refused.is_some(), refused, "{line}");
            assert!(told.error.is_some_and(|error| !error.is_empty()), "{line}");
        }
    }

    #[test]
    fn the_options_of_init_name_the_hosts_that_run_workers() {
        let names: Vec<&str> = worker_hosts().map(|(host, _)| host.name).collect();
        assert_eq!(names, ["opencode", "claude", "codex"]);
    }
}
