//! What each operating system has in another way: shells, what ends a program, the folders of a user, paths without links.
//! `unix` and `windows` have the same functions, with the same contract. Two more pairs of that kind stand where they are
//! used: that of the disk (`store/files/disk`) and that of the supervisor of checks (`app/checks/supervisor`).

mod git_shell;
mod patience;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(not(unix))]
pub(crate) use windows::*;
