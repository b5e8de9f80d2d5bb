//! The people's door: the command line `work` (DESIGN §9), with one file per subcommand that has arguments. Most
//! subcommands only turn arguments into a request. One that needs more has a `run` of its own.
//!
//! stdout carries the answer, stderr the diagnostics, and the exit code their kind (see `exit`). No text of a plan, an
//! agent or an argument may reach the terminal before `page` has made it printable.

mod approve;
mod assign;
mod check;
mod completions;
mod create;
mod current;
mod edit;
mod exit;
mod export;
mod filter;
mod given_text;
mod hook;
mod import;
mod init;
mod list;
mod log;
mod man;
mod mcp;
mod merge_state;
mod output;
mod page;
mod put_away;
mod read;
mod render;
mod report;
mod run;
mod session;
#[cfg(feature = "postgres")]
mod store;
mod thread;
mod tree;
mod update;
mod validate;
#[cfg(feature = "watch")]
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};
use clap_complete::engine::ArgValueCompleter;

pub use self::exit::exit_code;
use self::filter::Filter;
use self::render::Form;
use self::session::Session;
use self::thread::MaybeThread;
use crate::app::{SUPERVISE, is_in_worker, supervise};
use crate::decide::{PersonRequest, Refusal, Scope};
use crate::hook::judge_work;

/// Executes a plan batch by batch: an MCP server for planners and workers, and the gates that a person
/// passes.
#[derive(Debug, Parser)]
#[command(name = "work", version = env!("WORK_VERSION"), max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  work init --claude          set the repository up, here for Claude Code
  work create search --stages 2
  work validate               what is wrong with PLAN.md
  work approve plan           let planners execute PLAN.md as it is now
  work status                 where the workstream stands, and what is next
  work watch                  the same, live
  work approve stage 1        let planners go on to stage 2
  work complete               the end of a workstream

Exit codes: 0 done, 1 the rules say no, 2 wrong arguments, 3 no such workspace, workstream, stage,
batch, thread or agent, 4 a file cannot be read, 5 busy, 6 the machine failed.";

#[derive(Debug, clap::Args)]
struct Common {
    /// The folder that holds work/; default: the nearest one upwards
    #[arg(long, global = true, env = "WORK_ROOT", value_name = "DIR", hide_env_values = true)]
    root: Option<OsString>,
    /// The database that holds the workspace, in place of files
    #[arg(long, global = true, env = "WORK_STORE", value_name = "URL", hide_env_values = true)]
    store: Option<String>,
    /// The workstream, by id, name, or the beginning of either; default: the current one
    #[arg(
        long,
        short,
        global = true,
        env = "WORK_STREAM",
        value_name = "ID",
        hide_env_values = true,
        add = ArgValueCompleter::new(completions::workstreams)
    )]
    workstream: Option<String>,
    /// Print the answer as JSON
    #[arg(long, short, global = true)]
    json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a workspace: work/ with an index and a roster of agents; set hosts up
    Init(init::Arguments),
    /// Make a workstream with a plan to fill in
    Create(create::Arguments),
    /// Edit PLAN.md, then check it and approve it
    Edit(edit::Arguments),
    /// Check PLAN.md: all problems at once, each with its place
    Validate(validate::Arguments),
    /// Show what changed in PLAN.md since it was approved, thread by thread and as text
    #[command(after_help = "Example:\n  work diff")]
    Diff,
    /// Pass a gate, or shut it again: the plan, or a stage
    #[command(subcommand)]
    Approve(approve::Arguments),
    /// Show where the workstream stands and what is next
    #[command(after_help = "The batch with > is the one that runs or comes next.

Examples:
  work status
  work status --status blocked
  work status --json | jq -r .next_user_command")]
    Status {
        #[command(flatten)]
        filter: Filter,
        /// Stay, and show what changes: work watch
        #[cfg(feature = "watch")]
        #[arg(long, conflicts_with_all = ["status", "agent"])]
        watch: bool,
    },
    /// Execute the plan without a planner: from gate to gate, with workers as processes
    Run(run::Arguments),
    /// Print what comes next, in one line
    #[command(after_help = "Example:\n  work next")]
    Next,
    /// Watch the board live in the terminal
    #[cfg(feature = "watch")]
    Watch(watch::Arguments),
    /// Show what happened, the latest first
    Log(log::Arguments),
    /// Show stages, batches and threads with their status and agents
    Tree(tree::Arguments),
    /// Show what a worker is told about a thread
    Read(read::Arguments),
    /// List the workstreams
    List(list::Arguments),
    /// Show or set the current workstream
    Current(current::Arguments),
    /// Give a thread to an agent
    Assign(assign::Arguments),
    /// Run the checks of a thread
    Check(check::Arguments),
    /// Say what happened to a thread
    Update(update::Arguments),
    /// End a planner's hold on the batch that it executes
    #[command(after_help = "What its workers run may still report. It is for a planner that lives and does nothing:
when the process of one ends, the next planner takes over by itself.

Example:
  work release")]
    Release,
    /// Have blocked threads executed again, with fresh budgets
    #[command(
        after_help = "A batch that ended with blocked threads stays so until a person says this: a planner that goes on asking
gets no new budgets.

Examples:
  work retry                      all blocked threads of the batch
  work retry --thread 01.02.03    this one"
    )]
    Retry {
        #[command(flatten)]
        thread: MaybeThread,
    },
    /// Complete the workstream, when everything is complete and approved
    #[command(after_help = "Examples:
  work complete
  work complete --revoke      the workstream goes on")]
    Complete {
        /// Take the completion back
        #[arg(long)]
        revoke: bool,
    },
    /// Put a workstream away, or take it out again
    Archive(put_away::Archive),
    /// Give a workstream another name
    Rename(put_away::Rename),
    /// Delete a workstream
    Delete(put_away::Delete),
    /// Print what came of the threads, as Markdown or as a page for a browser
    Report(report::Arguments),
    /// Print all there is about the workstream
    Export(export::Arguments),
    /// Import a workstream of another version, or a plan of spec-kit or task-master
    Import(import::Arguments),
    /// Keep the workspace in a database, for teams on several machines
    #[cfg(feature = "postgres")]
    #[command(subcommand)]
    Store(store::Arguments),
    /// Serve MCP on stdin and stdout, for planners and workers
    #[command(after_help = "An MCP client starts it. WORK_LOG=debug makes it say more on stderr.

Example, in opencode.json:
  \"mcp\": { \"work\": { \"type\": \"local\", \"command\": [\"work\", \"mcp\"] } }")]
    Mcp(mcp::Arguments),
    /// Answer the hooks of hosts: refuse tool calls that pass a gate
    #[command(
        subcommand,
        after_help = "A host's hook gives it a tool call as JSON on stdin. Exit code 2 refuses the call, and stderr says why.

Example, in .claude/settings.json:
  \"hooks\": { \"PreToolUse\": [ { \"hooks\": [ { \"type\": \"command\", \"command\": \"work hook pre-tool\" } ] } ] }"
    )]
    Hook(hook::Arguments),
    /// Merge a file of work/ for git, thread by thread
    MergeState(merge_state::Arguments),
    /// Print the manual page, or install the pages of all commands
    Man(man::Arguments),
    /// Print the completions for a shell
    #[command(after_help = "They complete threads, agents and workstreams, too.

Examples:
  work completions bash > ~/.local/share/bash-completion/completions/work
  work completions zsh > ~/.zfunc/_work
  work completions fish > ~/.config/fish/completions/work.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Returns whether a worker may use the command: to read, and to report on its own thread.
    fn is_a_workers(&self) -> bool {
        match self {
            Self::Validate(_)
            | Self::Diff
            | Self::Status { .. }
            | Self::Next
            | Self::Log(_)
            | Self::Tree(_)
            | Self::Read(_)
            | Self::List(_)
            | Self::Check(_)
            | Self::Update(_)
            | Self::Report(_)
            | Self::Export(_)
            | Self::Mcp(_)
            | Self::Hook(_)
            | Self::MergeState(_)
            | Self::Man(_)
            | Self::Completions { .. } => true,
            #[cfg(feature = "watch")]
            Self::Watch(_) => true,
            _ => false,
        }
    }
}

/// Carries out the command line of this process and returns its exit code (DESIGN §9).
pub fn run() -> ExitCode {
    // Not for people: this program starts itself to supervise a check or a worker.
    if std::env::args_os().nth(1).is_some_and(|first| first == SUPERVISE) {
        return supervise();
    }
    completions::answer_if_asked();
    let Arguments { command, common } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::wrong_arguments(std::env::args_os().any(|argument| argument == "--json"), &error),
    };
    let mut session = match Session::of(common) {
        Ok(session) => session,
        Err(code) => return code,
    };
    if is_in_worker() {
        let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        if !command.is_a_workers() || judge_work(&words).is_some() {
            let told = "a worker of work run may only read, and report on its own thread";
            let hint = "leave it to the person";
            return session.stopped(&Refusal::invalid(told, hint).into());
        }
    }
    let has_no_workspace = matches!(
        command,
        Command::Mcp(_) | Command::Completions { .. } | Command::Man(_) | Command::Hook(_) | Command::MergeState(_)
    );
    if !has_no_workspace {
        session.note_the_main_worktree();
        if let Err(code) = session.complete_the_workstream() {
            return code;
        }
    }
    carry_out(command, session)
}

/// Carries out a command and returns its exit code.
fn carry_out(command: Command, session: Session) -> ExitCode {
    match command {
        Command::Mcp(arguments) => arguments.run(session),
        Command::Hook(arguments) => arguments.run(&session),
        Command::MergeState(arguments) => arguments.run(&session),
        Command::Completions { shell } => completions::print(shell, &session),
        Command::Man(arguments) => arguments.run(&session),
        Command::Edit(arguments) => arguments.run(&session),
        Command::Archive(arguments) => arguments.run(&session),
        Command::Rename(arguments) => arguments.run(&session),
        Command::Run(arguments) => arguments.run(&session),
        Command::Delete(arguments) => arguments.run(&session),
        Command::Init(arguments) => arguments.run(&session),
        Command::Create(arguments) => arguments.run(&session),
        Command::Import(arguments) => arguments.run(&session),
        #[cfg(feature = "watch")]
        Command::Watch(arguments) => arguments.run(&session),
        #[cfg(feature = "postgres")]
        Command::Store(arguments) => arguments.run(&session),
        Command::List(arguments) => arguments.run(&session),
        Command::Log(arguments) => arguments.run(&session),
        Command::Validate(arguments) => arguments.run(&session),
        Command::Diff => session.carry_out(&PersonRequest::Diff, Form::Plain),
        Command::Approve(arguments) => session.carry_out(&arguments.into_request(), Form::Plain),
        // The page shows more of the threads than the answer for programs has.
        #[cfg(feature = "watch")]
        Command::Status { watch: true, .. } => watch::Arguments::default().run(&session),
        Command::Status { filter, .. } => {
            let (request, form) = match session.output.is_json() {
                true => (PersonRequest::Status, Form::Plain),
                false if filter.is_empty() => (PersonRequest::Report(Scope::Workstream), Form::Status),
                false => (PersonRequest::Report(Scope::Workstream), Form::Threads),
            };
            session.carry_out_filtered(None, &request, form, &filter)
        }
        Command::Next if session.output.is_json() => session.carry_out(&PersonRequest::Status, Form::Plain),
        Command::Next => session.carry_out(&PersonRequest::Report(Scope::Workstream), Form::Next),
        Command::Tree(arguments) => {
            let (request, filter) = arguments.into_request();
            session.carry_out_filtered(None, &request, Form::Plain, &filter)
        }
        Command::Read(arguments) => session.carry_out(&arguments.into_request(), Form::Plain),
        Command::Current(arguments) => match arguments.set {
            Some(id) => {
                session.note_that_the_shell_wins();
                session.carry_out_in(Some(&id), &PersonRequest::SetCurrent, Form::Plain)
            }
            None => session.carry_out(&PersonRequest::ShowCurrent, Form::Plain),
        },
        Command::Assign(arguments) => {
            let (request, form) = arguments.into_request();
            session.carry_out(&request, form)
        }
        Command::Check(arguments) => session.carry_out(&arguments.into_request(), Form::Plain),
        Command::Update(arguments) => session.carry_out(&arguments.into_request(), Form::Plain),
        Command::Retry { thread } => session.carry_out(&PersonRequest::Retry(thread.given()), Form::Plain),
        Command::Release => session.carry_out(&PersonRequest::Release, Form::Plain),
        Command::Complete { revoke: false } => session.carry_out(&PersonRequest::Complete, Form::Plain),
        Command::Complete { revoke: true } => session.carry_out(&PersonRequest::Reopen, Form::Plain),
        Command::Report(arguments) => {
            let (request, form, output) = arguments.into_request(session.output);
            Session { output, ..session }.carry_out(&request, form)
        }
        Command::Export(arguments) => {
            let (request, form) = arguments.into_request();
            let output = if form == Form::Plain { session.output.as_json() } else { session.output.as_text() };
            Session { output, ..session }.carry_out(&request, form)
        }
    }
}
