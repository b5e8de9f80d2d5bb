//! The thread that a command is about. It can be given in two ways: `work read 01.02.03`, `work read --thread 01.02.03`.

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use clap_complete::engine::ArgValueCompleter;

use super::completions::threads;
use crate::plan::ThreadId;

/// A thread, or the ones that the command means without it.
#[derive(Debug, clap::Args)]
#[group(id = "which_thread", multiple = false)]
pub(super) struct MaybeThread {
    /// The thread, such as 01.02.03
    #[arg(value_name = "THREAD", add = ArgValueCompleter::new(threads))]
    id: Option<ThreadId>,
    /// The same
    #[arg(long, short, value_name = "ID", add = ArgValueCompleter::new(threads))]
    thread: Option<ThreadId>,
}

impl MaybeThread {
    /// Returns the thread, if one was given.
    pub(super) fn given(&self) -> Option<ThreadId> {
        self.id.or(self.thread)
    }
}

/// A thread that must be given.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneThread(pub(super) ThreadId);

impl Args for OneThread {
    fn augment_args(command: Command) -> Command {
        MaybeThread::augment_args(command).mut_group("which_thread", |group| group.required(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        MaybeThread::augment_args_for_update(command)
    }
}

impl FromArgMatches for OneThread {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = MaybeThread::from_arg_matches(matches)?.given();
        given.map(Self).ok_or_else(|| clap::Error::new(ErrorKind::MissingRequiredArgument))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
