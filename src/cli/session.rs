//! What a command line says beside its command: where the workspace is, which workstream is meant, how the answer is
//! printed. Commands ask their session for the store, and have it carry out their requests.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::filter::Filter;
use super::output::Output;
use super::page::{Page, Tone, one_line};
use super::render::{self, Form};
use super::{Common, check, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{AssignThread, ClearAssignment, Code, PersonAnswer, PersonRequest, Refusal, UpdateThread};
use crate::fault::Error;
use crate::index::name_of;
use crate::store::{ClientRoots, Linked, Store, WorkspaceLocation, linked_worktree, lone_worktree, open};
use crate::transact::require_a_clear_thread;
use crate::wording::quoted;
use crate::words::{PersonWords, next_step};

/// The options that all commands share, resolved.
pub(super) struct Session {
    /// Where to look for the workspace and the workstream.
    pub(super) place: WorkspaceLocation,
    /// How the answer is printed.
    pub(super) output: Output,
    /// The words of answers, with the flags that a next command must repeat.
    pub(super) words: PersonWords,
}

/// Returns the URL of a database without its password, as answers show it: both `user:password@` and the parameter
/// `password` are removed.
fn without_password(url: &str) -> String {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("password=")).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    let Some((start, host)) = url.rsplit_once('@') else { return format!("{url}{query}") };
    let (scheme, user) = start.split_once("://").unwrap_or(("postgres", start));
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    format!("{scheme}://{user}@{host}{query}")
}

impl Session {
    /// Returns the session of a command line. An error is printed; it is the exit code.
    pub(super) fn of(common: Common) -> Result<Self, ExitCode> {
        let directory = match std::env::current_dir() {
            Ok(directory) => directory,
            Err(error) => {
                let gone = format!("the working directory is gone: {error}");
                return Err(exit::fail(common.json, Code::Io, &gone, None));
            }
        };
        // Commands that answers suggest must repeat the options that were typed. What the environment sets need not be
        // repeated: it is still set for the next command. clap reads both into one value, so they are compared.
        let shell_workstream = std::env::var("WORK_STREAM").ok();
        let typed_root = common.root.as_ref().filter(|root| std::env::var_os("WORK_ROOT").as_ref() != Some(*root));
        let root_flag =
            typed_root.map(|root| format!(" --root {}", quoted(&root.to_string_lossy()))).unwrap_or_default();
        let typed_store = common.store.as_ref().filter(|url| std::env::var("WORK_STORE").as_ref() != Ok(*url));
        let store_flag =
            typed_store.map(|url| format!(" --store {}", quoted(&without_password(url)))).unwrap_or_default();
        let typed_workstream = common.workstream.as_ref().filter(|id| shell_workstream.as_ref() != Some(*id));
        let workstream_flag = typed_workstream.map(|id| format!(" --workstream {}", quoted(id))).unwrap_or_default();
        Ok(Self {
            words: PersonWords { location: root_flag + &store_flag, workstream: workstream_flag },
            output: Output::new(common.json, common.color),
            place: WorkspaceLocation {
                root: common.root.map(PathBuf::from),
                directory,
                workstream: common.workstream,
                shell_workstream,
                store: common.store,
                roots: ClientRoots::default(),
            },
        })
    }

    /// Returns the workstream that was typed as an option. One that only the environment names does not count.
    pub(super) fn typed_workstream(&self) -> Option<&str> {
        let WorkspaceLocation { workstream, shell_workstream, .. } = &self.place;
        workstream.as_deref().filter(|_| workstream != shell_workstream)
    }

    /// Notes on stderr that `WORK_STREAM` is set: in this shell it wins over the workstream that has just become
    /// current.
    pub(super) fn note_that_the_shell_wins(&self) {
        if let Some(workstream) = self.place.shell_workstream.as_deref().filter(|name| !name.is_empty()) {
            exit::note(
                self.output.is_json(),
                &format!("WORK_STREAM={workstream} wins over the current workstream in this shell"),
            );
        }
    }

    /// Notes on stderr which workspace is used, if the command runs in a linked git worktree (DESIGN §3).
    pub(super) fn note_the_main_worktree(&self) {
        if let Some(Linked { worktree, main }) = linked_worktree(&self.place) {
            let (worktree, main) = (worktree.display(), main.display());
            exit::note(
                self.output.is_json(),
                &format!(
                    "{worktree}: this is a linked worktree; the workspace of the main worktree {main} is used (--root . for the one here)"
                ),
            );
        } else if let Some(Linked { worktree, main }) = lone_worktree(&self.place) {
            let (worktree, main) = (worktree.display(), main.display());
            exit::note(
                self.output.is_json(),
                &format!(
                    "{worktree}: this is a linked worktree, and the main worktree {main} has no workspace; the one here is used, which no other worktree sees"
                ),
            );
        }
    }

    /// Prints why there is no answer, and returns the exit code.
    pub(super) fn stopped(&self, stopped: &Error) -> ExitCode {
        exit::stopped(self.output.is_json(), stopped, &self.words)
    }

    /// Opens the workspace, in files or in a database. A fault is printed; the error is its exit code.
    pub(super) fn store(&self) -> Result<Box<dyn Store>, ExitCode> {
        open(self.place.clone(), None).map_err(|fault| self.stopped(&fault.into()))
    }

    /// Returns the id of the workstream that a person means: by its id or name, or by the beginning of one. If there is
    /// none, returns what was given, which the store refuses with the closest ids.
    ///
    /// # Errors
    ///
    /// [`Refusal::AmbiguousName`] if several begin so; an invalid argument if the name is empty.
    pub(super) fn full_id(store: &dyn Store, given: &str) -> Result<String, Error> {
        if given.trim().is_empty() {
            return Err(Refusal::invalid("the name of the workstream is empty", "see work list").into());
        }
        let known = store.list()?.workstreams;
        if known.iter().any(|id| id == given || name_of(id) == given) {
            return Ok(given.to_owned());
        }
        let begins = |id: &&String| id.starts_with(given) || name_of(id).starts_with(given);
        let mut begun: Vec<String> = known.iter().filter(begins).cloned().collect();
        match begun.len() {
            0 => Ok(given.to_owned()),
            1 => Ok(begun.remove(0)),
            _ => Err(Refusal::AmbiguousName { name: given.to_owned(), ids: begun }.into()),
        }
    }

    /// Completes the name of a workstream that was typed. A workspace that cannot be opened is reported by the command
    /// itself.
    pub(super) fn complete_the_workstream(&mut self) -> Result<(), ExitCode> {
        // A blank one counts as not given, as in the environment.
        let Some(typed) = self.typed_workstream().filter(|typed| !typed.trim().is_empty()) else { return Ok(()) };
        let Ok(store) = open(self.place.clone(), None) else { return Ok(()) };
        match Self::full_id(store.as_ref(), typed) {
            Ok(id) => self.place.workstream = Some(id),
            Err(Error::Refusal(refusal @ Refusal::AmbiguousName { .. })) => {
                return Err(self.stopped(&refusal.into()));
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Writes what comes next in the workstream, in a line of its own.
    pub(super) fn write_next(&self, page: &mut Page, store: &dyn Store, wanted: Option<&str>) {
        // What was asked for is done, so a workstream that cannot be read now is no error of this command.
        if let Ok(PersonAnswer::Status(status)) = self.transact(store, wanted, &PersonRequest::Status) {
            page.begin_line();
            page.paint(Tone::Strong, "Next: ");
            let _ = write!(page, "{}", one_line(&next_step(&status, &self.words)));
        }
    }

    /// Opens the workspace and runs a command in it. Returns its exit code; an error is printed.
    pub(super) fn with_store(&self, run: impl FnOnce(&dyn Store) -> Result<ExitCode, Error>) -> ExitCode {
        match self.store() {
            Ok(store) => run(store.as_ref()).unwrap_or_else(|stopped| self.stopped(&stopped)),
            Err(code) => code,
        }
    }

    /// Carries out a request in the workstream that the command line means, and prints the answer.
    pub(super) fn carry_out(&self, request: &PersonRequest, form: Form) -> ExitCode {
        self.carry_out_in(None, request, form)
    }

    /// Carries out a request in the workstream `wanted`, by id or name, else in the one that the command line means.
    /// Prints the answer and returns the exit code.
    pub(super) fn carry_out_in(&self, wanted: Option<&str>, request: &PersonRequest, form: Form) -> ExitCode {
        self.carry_out_filtered(wanted, request, form, &Filter::default())
    }

    /// Does the same, and shows only the threads that `filter` has.
    pub(super) fn carry_out_filtered(
        &self,
        wanted: Option<&str>,
        request: &PersonRequest,
        form: Form,
        filter: &Filter,
    ) -> ExitCode {
        let store = match self.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let wanted = match wanted.map(|wanted| Self::full_id(store.as_ref(), wanted)).transpose() {
            Ok(wanted) => wanted,
            Err(stopped) => return self.stopped(&stopped),
        };
        let wanted = wanted.as_deref();
        let is_clear = match request {
            // The workstream was named with the request or typed as an option, so it is clear. One that only the
            // environment names is not: like the current one, it was chosen earlier, maybe with another thread in mind.
            _ if wanted.is_some() || self.typed_workstream().is_some() => Ok(()),
            PersonRequest::UpdateThread(UpdateThread { thread, .. })
            | PersonRequest::AssignThread(AssignThread { thread, .. })
            | PersonRequest::ClearAssignment(ClearAssignment { thread, .. })
            | PersonRequest::Check { thread: Some(thread), .. }
            | PersonRequest::Retry(Some(thread)) => require_a_clear_thread(store.as_ref(), *thread),
            _ => Ok(()),
        };
        let carry_out = |()| self.transact(store.as_ref(), wanted, request);
        let mut answer = match check::require_no_check(request).and(is_clear).and_then(carry_out) {
            Ok(answer) => answer,
            Err(stopped) => return self.stopped(&stopped),
        };
        filter.apply_to(&mut answer);
        let printed = if self.output.is_json() {
            self.output.print_json(&answer.clone().worded(&self.words.for_programs()))
        } else {
            let mut page = render::answer(self.output.page(), &answer, form, SystemClock.now(), &self.words);
            if matches!(answer, PersonAnswer::PlanApproved(_) | PersonAnswer::StageApproved(_)) {
                self.write_next(&mut page, store.as_ref(), wanted);
            }
            self.output.print(page)
        };
        match &answer {
            PersonAnswer::Validation(validation) if printed == ExitCode::SUCCESS => exit::validation(validation),
            _ => printed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_command_to_repeat_has_no_password() {
        let table = [
            ("postgres://ann:s@cret@db/team?x=1", "postgres://ann@db/team?x=1"),
            ("postgres://ann@db/team", "postgres://ann@db/team"),
            ("postgres://db/team", "postgres://db/team"),
            ("postgres://db/team?password=x&user=ann", "postgres://db/team?user=ann"),
        ];
        for (url, expected) in table {
            assert_eq!(without_password(url), expected);
        }
    }
}
