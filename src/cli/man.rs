//! `work man`: the manual pages, made from the command line itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::{Session, exit};
use crate::decide::Code;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work man | man -l -
  work man --install              then: man work, man work-approve
  work man --install target/man   into another folder")]
pub(super) struct Arguments {
    /// Write the pages of all commands into a folder
    #[arg(long)]
    install: bool,
    /// The folder; default: ~/.local/share/man/man1, where man looks for those of a user
    #[arg(value_name = "DIR", requires = "install")]
    folder: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        match self.print(session) {
            Ok(code) => code,
            Err(error) => exit::fail(session.output.is_json(), Code::Io, &error, None),
        }
    }

    fn print(self, session: &Session) -> Result<ExitCode, String> {
        let mut command = without_help(super::Arguments::command());
        command.build();
        if !self.install {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(|error| error.to_string())?;
            return Ok(session.output.write(&String::from_utf8_lossy(&page)));
        }
        let folder = self.folder.or_else(default_folder).ok_or("HOME is not set: name a folder")?;
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(told)?;
        clap_mangen::generate_to(command, &folder).map_err(told)?;
        let told =
            format!("the pages are in {0}: man -l {0}/work.1, or man work if man looks there\n", folder.display());
        Ok(session.output.write(&super::page::printable(&told)))
    }
}

/// Returns the command and those below it without `help`, which has no page of its own.
fn without_help(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

/// Returns the folder of the user's own manual pages, which `man` searches.
fn default_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    Some(data?.join("man/man1"))
}
