//! `work init`

use std::fmt::Write as _;
use std::process::ExitCode;

use super::page::{Page, Tone};
use super::{Session, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::store::FileStore;

pub(super) fn run(session: &Session) -> ExitCode {
    let store = FileStore::new(session.place.clone(), None);
    let initialised = match store.init(SystemClock.now()) {
        Ok(initialised) => initialised,
        Err(stopped) => return exit::stopped(&stopped),
    };
    if session.output.is_json() {
        return session.output.print_json(&initialised);
    }
    let mut page = Page::default();
    let _ = writeln!(page, "workspace {}", initialised.workspace);
    for (word, files) in [("created", &initialised.created), ("kept", &initialised.kept)] {
        for file in files {
            let _ = writeln!(page, "  {word:<7}  {file}");
        }
    }
    page.paint(Tone::Strong, "Next: ");
    let _ = write!(page, "work create NAME --stages N");
    session.output.print(page)
}
