//! The right to write a workspace: two operating-system locks, taken in this order.
//!
//! 1. The lock of the file `work/.run/lock`.
//! 2. The lock of the folder `work/`.
//!
//! **Why operating-system locks.** The kernel frees them when their process ends, however it ends. So there is no stale
//! lock to detect, no process id to compare and no timer. A process that is only stopped keeps its locks, as it should:
//! it may be in the middle of a commit.
//!
//! **Why two.** The lock of the file is the one that every release of this program takes, on every system. But a
//! clean-up such as `git clean -fdx` can remove the file while its lock is held. The next process then makes a new file
//! and locks that one, and there would be two writers. So the folder is locked as well, which cannot be removed without
//! the state. The folder alone is not enough: on Windows and on many network file systems folders cannot be locked.
//! Every process takes the file before the folder, so no two of them can wait for each other.
//!
//! **Why a queue.** A thread that waits for a lock inside the kernel cannot be called back when its ten seconds are
//! over, so this module tries again and again. Without an order, a process that writes all the time would nearly always
//! win. So a waiter marks the folder with the time at which it came ([`Disk::mark`]), and the waiter with the lowest
//! mark tries most often.
//!
//! No file of the state may be changed without [`Locks`].

use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::commit::recover;
use super::disk::{Disk, Held};
use super::folders::{in_run_folder, make_run_folder};
use crate::fault::Fault;

/// The name of the lock file in `work/.run`.
pub(super) const LOCK: &str = "lock";

/// The pause between two tries in [`until`]. A waiter that is not first in the queue starts with it and doubles it.
const PAUSE: Duration = Duration::from_millis(1);
/// The longest pause of a waiter that is not first in the queue.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);
/// The pause of the waiter that is first in the queue. It is short, so that the first one wins against a process that
/// takes the lock again as soon as it has freed it.
const FIRST_PAUSE: Duration = Duration::from_micros(300);

/// How long a waiter that is not first leaves the lock alone before it tries all the same.
const OUT_OF_TURN: Duration = Duration::from_millis(50);

/// The largest mark of a folder that is a place in the queue. The marks above it belong to servers (`liveness`).
pub(super) const LAST_PLACE: u64 = u64::MAX >> 2;

/// The right to write a workspace. Dropping it frees both locks.
#[derive(Debug)]
pub(super) struct Locks {
    _file: Box<dyn Held>,
    _folder: Box<dyn Held>,
}

/// Takes both locks of the workspace, then finishes the commit of a process that died in the middle of it.
///
/// # Errors
///
/// [`Fault::Busy`] if a lock is not free within `wait`; any fault of the recovery.
pub(super) fn lock(disk: &dyn Disk, root: &Path, wait: Duration) -> Result<Locks, Fault> {
    let end = Instant::now() + wait;
    let work = root.join("work");
    let path = make_run_folder(disk, root)?.join(LOCK);
    let mut take = || in_run_folder(disk, root, || disk.lock(&path));
    let mut file = take().map_err(Fault::io("lock", &path))?;
    if file.is_none() && !wait.is_zero() {
        file = wait_in_turn(disk, &work, end, &mut take).map_err(Fault::io("lock", &path))?;
    }
    let Some(file) = file else { return Err(Fault::Busy { path }) };
    // This lock is only contended if the lock file was removed while it was held: then its holder has locked another
    // file than this process.
    let folder = until(end, || disk.lock_folder(&work)).map_err(Fault::io("lock", &work))?;
    let Some(folder) = folder else { return Err(Fault::Busy { path: work }) };
    recover(disk, root)?;
    Ok(Locks { _file: file, _folder: folder })
}

/// Waits in a queue for the lock of the file, at most until `end`; `None`: it was not free.
///
/// A place in the queue is a mark of the folder: the time, in nanoseconds since 1970, at which the waiter came. A clock
/// that jumps changes the order and nothing else. Where there are no marks, every waiter tries as the first one does.
fn wait_in_turn(
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
        // The first in the queue can be a stopped process, which never takes the lock. So the others try now and then.
        if !waits_for_others || asked.elapsed() > OUT_OF_TURN {
            if let Some(held) = take()? {
                return Ok(Some(held));
            }
            asked = Instant::now();
        }
        pause = if waits_for_others { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        std::thread::sleep(pause);
    }
    // The last try: the lock may have become free during the last pause.
    take()
}

/// Calls `try_once` until it returns a value or the time is over. `None`: the time is over.
///
/// The kernel's own wait for a lock has no time limit, and a thread in it cannot be called back.
pub(super) fn until<T>(end: Instant, mut try_once: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    loop {
        let result = try_once()?;
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
    fn waiters_get_the_lock_in_the_order_in_which_they_came() {
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
    fn a_stopped_waiter_does_not_block_those_behind_it() {
        let disk = MemoryDisk::with(&[("/w/work/index.json", "{}")]);
        let root = Path::new("/w");
        let held = lock(&disk, root, Duration::ZERO).unwrap();
        // A process that was stopped while it was first in the queue.
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
