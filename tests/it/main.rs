//! One test binary: the program from outside, as clients and people meet it.

mod support;

mod broken_files;
mod command_line;
mod eras;
mod old_files;
mod race;
mod schemas;
mod stdio;
mod take_over;
