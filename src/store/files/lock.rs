//! The right to write: operating-system locks, which are free at the instant their process ends.
//!
//! There are two, taken in this order. That of the file `work/.run/lock` is the one that every file system and every
//! release of this program has. But the file can be removed while somebody holds its lock (`git clean -fdx`), and then
//! the next one makes a new file and locks that. So the folder `work/` itself is locked, too, which nothing removes
//! that leaves the state.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::commit::recover;
use super::disk::{Disk, Held};
use super::folders::{in_run_folder, make_run_folder};
use crate::fault::Fault;

/// The name of the lock file.
pub(super) const LOCK: &str = "lock";

/// The pauses of those who wait for the lock: they grow, but for the one whose turn it is.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);
const FIRST_PAUSE: Duration = Duration::from_micros(300);

/// How often those ask for the lock whose turn it is not.
const OUT_OF_TURN: Duration = Duration::from_millis(50);

/// The last of the numbers that are places of those who wait; those above it are of servers.
pub(super) const LAST_PLACE: u64 = u64::MAX >> 2;

/// The right to write a workspace.
#[derive(Debug)]
pub(super) struct Locks {
    _file: Box<dyn Held>,
    _folder: Box<dyn Held>,
}

/// Takes the locks of the workspace, or gives up after `wait`, and finishes what a process that died in
/// the middle of a commit has left. Dropping them frees them.
pub(super) fn lock(disk: &dyn Disk, root: &Path, wait: Duration) -> Result<Locks, Fault> {
    let end = Instant::now() + wait;
    let work = root.join("work");
    let path = make_run_folder(disk, root)?.join(LOCK);
    let mut take = || in_run_folder(disk, root, || disk.lock(&path));
    let mut file = take().map_err(Fault::io("lock", &path))?;
    if file.is_none() && !wait.is_zero() {
        file = in_turn(disk, &work, end, &mut take).map_err(Fault::io("lock", &path))?;
    }
    let Some(file) = file else { return Err(Fault::Busy { path }) };
    // Only where the file was removed does somebody else have it.
    let folder = until(end, || disk.lock_folder(&work)).map_err(Fault::io("lock", &work))?;
    let Some(folder) = folder else { return Err(Fault::Busy { path: work }) };
    recover(disk, root)?;
    Ok(Locks { _file: file, _folder: folder })
}

/// Waits in turn: whoever came first asks for the lock so often that a process that writes again and again cannot
/// always be faster, and the others for being the first. Their places are marks of the folder, by the time at which
/// they came; a clock that jumps changes the order and nothing else.
fn in_turn(
    disk: &dyn Disk,
    work: &Path,
    end: Instant,
    mut take: impl FnMut() -> io::Result<Option<Box<dyn Held>>>,
) -> io::Result<Option<Box<dyn Held>>> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let place = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX).min(LAST_PLACE);
    let mark = disk.mark(work, place);
    let mut asked = Instant::now();
    let mut pause = PAUSE;
    while Instant::now() < end {
        let waits_for_others = mark.as_ref().is_some_and(|mark| mark.is_behind(place));
        // The first one can be a process that was stopped while it waited.
        if !waits_for_others || asked.elapsed() > OUT_OF_TURN {
            if let Some(held) = take()? {
                return Ok(Some(held));
            }
            asked = Instant::now();
        }
        pause = if waits_for_others { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        std::thread::sleep(pause);
    }
    take()
}

/// Tries something until there is a result, or the time is over. The kernel's own wait for a lock has no end, and a
/// thread that waits there cannot be called back.
pub(super) fn until<T>(end: Instant, mut attempt: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    loop {
        let result = attempt()?;
        if result.is_some() || Instant::now() >= end {
            return Ok(result);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::disk::memory::MemoryDisk;
    use super::*;

    #[test]
    fn who_waits_gets_the_lock_in_the_order_in_which_they_came() {
        let disk = MemoryDisk::with(&[("/w/work/index.json", "{}")]);
        let root = Path::new("/w");
        let held = lock(&disk, root, Duration::ZERO).unwrap();
        assert!(
            matches!(lock(&disk, root, Duration::from_millis(5)), Err(Fault::Busy { .. })),
            "and no longer than it may"
        );
        let order = Arc::new(Mutex::new(Vec::new()));
        let places = || disk.number_of_marks();
        std::thread::scope(|scope| {
            for number in 0..5 {
                let (disk, order) = (&disk, Arc::clone(&order));
                scope.spawn(move || {
                    let _held = lock(disk, root, Duration::from_secs(60)).unwrap();
                    order.lock().unwrap().push(number);
                });
                while places() <= number {
                    std::thread::yield_now();
                }
            }
            drop(held);
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(places(), 0);
    }

    #[test]
    fn who_waits_behind_somebody_who_does_not_take_it_gets_it_all_the_same() {
        let disk = MemoryDisk::with(&[("/w/work/index.json", "{}")]);
        let root = Path::new("/w");
        let held = lock(&disk, root, Duration::ZERO).unwrap();
        // A process that was stopped while it waited.
        let _stopped = disk.mark(&root.join("work"), 0);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| lock(&disk, root, Duration::from_secs(60)).map(drop));
            while disk.number_of_marks() < 2 {
                std::thread::yield_now();
            }
            drop(held);
            waits.join().unwrap().unwrap();
        });
    }
}
