//! `work init [--HOST…]`: makes a workspace, and sets the project up for hosts (DESIGN §11).

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};

use super::import::importable_in;
use super::page::{Page, Tone, wrapped};
use super::{Session, render};
#[cfg(feature = "postgres")]
use crate::app::init_database;
use crate::app::{Changed, Chosen, HostSetUp, InitRequest, SetUp, init};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::Refusal;
use crate::fault::Error;
use crate::hosts::{Direction, HOSTS, Host};
use crate::store::FileStore;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;

#[derive(Debug, clap::Args)]
#[command(after_help = "What is there already stays as it is, so it can be run again.

For a host it adds to the files that the host reads, comments and keys kept: the entry of the MCP server, an agent for each of work/agents.yaml, which sees only read_thread and update_thread where the host can hide the others, the planner's command or skill, the worker's skill, and what refuses gate commands: work approve, archive, complete, delete, edit, release, rename, retry, store, update --force, assign --force and init --remove (docs/hosts.md says what each host can enforce).
It says what it will not change, such as an entry `work` of another program, with the line.

Examples:
  work init
  work init --claude --codex
  work init --hosts --dry-run    what would change, for the hosts that are used here
  work init --remove --claude    take back what it wrote")]
pub(super) struct Arguments {
    #[command(flatten)]
    hosts: HostOptions,
    /// Take back what this command wrote for the hosts; what was changed since stays
    #[arg(long)]
    remove: bool,
    /// Show the changes, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// The option `--hosts`, and one for each of [`HOSTS`].
#[derive(Debug)]
struct HostOptions {
    chosen: Option<Chosen>,
}

/// The option for the hosts that a project shows signs of.
const BY_SIGNS: &str = "hosts";

impl clap::Args for HostOptions {
    fn augment_args(command: clap::Command) -> clap::Command {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let of_hosts = HOSTS.map(|host| flag(host.name).help(format!("Set the project up for {}", host.title)));
        let names = HOSTS.map(|host| host.name);
        let by_signs =
            flag(BY_SIGNS).help("Set it up for each of these that it shows signs of").conflicts_with_all(names);
        command.args(of_hosts).arg(by_signs)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for HostOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let these: Vec<&'static Host> = HOSTS.into_iter().filter(|host| matches.get_flag(host.name)).collect();
        let chosen = if matches.get_flag(BY_SIGNS) {
            Some(Chosen::BySigns)
        } else {
            Some(Chosen::These(these)).filter(|chosen| !matches!(chosen, Chosen::These(hosts) if hosts.is_empty()))
        };
        Ok(Self { chosen })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let set_up = match self.set_up(session) {
            Ok(set_up) => set_up,
            Err(stopped) => return session.stopped(&stopped),
        };
        if session.output.is_json() {
            return session.output.print_json(&set_up);
        }
        let has_workstream = store.list().is_ok_and(|listed| !listed.workstreams.is_empty());
        let next = if has_workstream { "work status".to_owned() } else { render::first_step(&importable_in(session)) };
        session.output.print(self.page(&set_up, &next))
    }

    /// Makes what is missing, in files or in the database. Hosts with a database are refused.
    fn set_up(&self, session: &Session) -> Result<SetUp, Error> {
        if self.remove && self.hosts.chosen.is_none() {
            let hint = "name the hosts, such as --claude, or give --hosts for all that the project shows signs of";
            return Err(Refusal::invalid("--remove takes back the set-up of hosts, and none is named", hint).into());
        }
        #[cfg(feature = "postgres")]
        if session.place.database().is_some() {
            if self.hosts.chosen.is_some() || self.dry_run {
                let message = "the set-up of hosts writes files of the project, and the workspace is in a database";
                let hint = "leave --store and WORK_STORE out for it";
                return Err(Refusal::invalid(message, hint).into());
            }
            return init_database(&PostgresStore::new(session.place.clone(), None)?, SystemClock.now());
        }
        let request = InitRequest {
            hosts: self.hosts.chosen.clone().unwrap_or(Chosen::These(Vec::new())),
            direction: if self.remove { Direction::Remove } else { Direction::Add },
            dry_run: self.dry_run,
        };
        init(&FileStore::new(session.place.clone(), None), &request, SystemClock.now())
    }

    /// Returns the page of what was created, changed, removed and kept, with warnings and what to do next.
    fn page(&self, set_up: &SetUp, next: &str) -> Page {
        let mut page = Page::default();
        let _ = writeln!(page, "workspace {}", set_up.workspace.workspace);
        if matches!(self.hosts.chosen, Some(Chosen::BySigns)) && set_up.hosts.is_empty() {
            let names: Vec<String> = HOSTS.iter().map(|host| format!("--{}", host.name)).collect();
            let _ = writeln!(page, "  no host has left a sign here; name one: {}", names.join(", "));
        }
        if let Some(diff) = set_up.diff.as_ref().filter(|diff| !diff.is_empty()) {
            render::diff(&mut page, diff);
        }
        // What would be done is told in the same words.
        let would = if self.dry_run { "would be " } else { "" };
        for file in &set_up.workspace.created {
            let _ = writeln!(page, "  {would}created  {file}");
        }
        for Changed { file, what } in &set_up.changed {
            let _ = writeln!(page, "  {would}changed  {file}");
            for what in what {
                let _ = writeln!(page, "             {} {what}", if self.remove { "-" } else { "+" });
            }
        }
        for file in &set_up.removed {
            let _ = writeln!(page, "  {would}removed  {file}");
        }
        for file in &set_up.workspace.kept {
            let differs = if set_up.differing.contains(file) { "  (not as it is written now)" } else { "" };
            let _ = writeln!(page, "  kept     {file}{differs}");
        }
        for warning in &set_up.warnings {
            for (at, line) in wrapped(warning, 9).into_iter().enumerate() {
                page.paint(Tone::Bad, if at == 0 { "warning: " } else { "         " });
                let _ = writeln!(page, "{line}");
            }
        }
        if self.remove || self.dry_run {
            if self.dry_run {
                let _ = writeln!(page, "nothing was written");
            }
            return page;
        }
        for HostSetUp { title, next_step } in &set_up.hosts {
            page.paint(Tone::Strong, format_args!("{title}: "));
            let _ = writeln!(page, "{next_step}");
        }
        page.paint(Tone::Strong, "Next: ");
        let _ = write!(page, "{next}");
        page
    }
}
