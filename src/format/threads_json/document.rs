//! The text of threads.json in pieces: one for each top-level key and for each record of a thread.
//!
//! The file grows with every report, and a call changes one or two records. So a commit lays out only these records
//! again and copies the text of all others. The pieces are shared (`Arc`), so a copy of the document is cheap.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::board::Moves;
use crate::format::json::{Object, close, laid_out, open};
use crate::plan::ThreadId;

/// The order of the top-level keys in a new file.
pub(crate) const FILE_ORDER: [&str; 6] = ["version", "stream_id", "last_updated", "threads", "cycles", "left"];

/// A threads.json: its top-level keys in their order, and the records of its threads.
#[derive(Debug, Clone)]
pub(crate) struct ThreadsText {
    /// Each key and the text of its value, laid out. The value of `threads` is in `records` instead.
    entries: Vec<(String, Arc<str>)>,
    records: Vec<Record>,
    /// The index of each thread's record in `records`.
    places: Arc<HashMap<ThreadId, usize>>,
    ends_with_line_end: bool,
}

#[derive(Debug, Clone)]
struct Record {
    /// The thread of the record. `None`: its id is no thread's; the record is kept as it is.
    thread: Option<ThreadId>,
    text: Arc<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct IdOnly {
    thread_id: String,
}

const THREADS: &str = "threads";
const LEFT: &str = "left";

impl ThreadsText {
    /// Splits a text into its pieces. Without a text it makes a new file with the id of the workstream.
    pub(crate) fn read(text: Option<&str>, stream_id: &str) -> serde_json::Result<Self> {
        let mut file = open(text, &FILE_ORDER)?;
        if text.is_none() {
            file.set("stream_id", &stream_id, &FILE_ORDER)?;
        }
        let threads = file.get::<Vec<Box<RawValue>>>(THREADS)?.unwrap_or_default();
        let mut records = Vec::with_capacity(threads.len());
        for raw in threads {
            let thread = serde_json::from_str::<IdOnly>(raw.get())?.thread_id.parse().ok();
            records.push(Record { thread, text: laid_out(raw.get(), 2)?.into() });
        }
        file.set(THREADS, &[(); 0], &FILE_ORDER)?;
        let mut entries = Vec::new();
        for (key, raw) in file.entries() {
            entries.push((key.to_owned(), laid_out(raw.get(), 1)?.into()));
        }
        let ends_with_line_end = text.is_none_or(|text| text.ends_with('\n'));
        let places = Arc::new(places(&records));
        Ok(Self { entries, records, places, ends_with_line_end })
    }

    /// Returns the text of the record of a thread, laid out.
    pub(crate) fn record(&self, thread: ThreadId) -> Option<&str> {
        self.places.get(&thread).map(|at| &*self.records[*at].text)
    }

    /// Sets the records of threads. `changed` must be sorted by id. A new record goes behind the last record with a
    /// smaller id; the records of the file need not be sorted.
    pub(super) fn set_records(&mut self, changed: Vec<(ThreadId, String)>) {
        let mut new = Vec::new();
        for (thread, text) in changed {
            match self.places.get(&thread) {
                Some(at) => self.records[*at].text = text.into(),
                None => new.push(Record { thread: Some(thread), text: text.into() }),
            }
        }
        if new.is_empty() {
            return;
        }
        // `smallest[i]` is the smallest id of the records from index i on, so it never decreases. A new record belongs
        // behind the last index at which it is below the new id. A binary search finds that, without a loop over all
        // records for each new one.
        let mut smallest: Vec<Option<ThreadId>> = Vec::with_capacity(self.records.len());
        let mut least = None;
        for record in self.records.iter().rev() {
            least = match (least, record.thread) {
                (Some(least), Some(thread)) => Some(std::cmp::min::<ThreadId>(least, thread)),
                (least, thread) => least.or(thread),
            };
            smallest.push(least);
        }
        smallest.reverse();
        let mut records = Vec::with_capacity(self.records.len() + new.len());
        let mut old = std::mem::take(&mut self.records).into_iter();
        let mut taken = 0;
        for record in new {
            let place = smallest.partition_point(|least| least.is_some_and(|least| Some(least) < record.thread));
            records.extend(old.by_ref().take(place - taken));
            taken = place;
            records.push(record);
        }
        records.extend(old);
        self.records = records;
        self.places = Arc::new(places(&self.records));
    }

    /// Returns the document after the moves of a mapping (DESIGN §7). Each record goes to its new id with everything
    /// that it holds. Records whose thread left the plan go to the key `left`, so that nothing of them is lost.
    pub(super) fn moved(&self, moves: &Moves) -> serde_json::Result<Self> {
        let mut now = self.clone();
        let (mut left, mut changed) = (now.get::<Vec<Box<RawValue>>>(LEFT)?.unwrap_or_default(), Vec::new());
        let went_out = left.len();
        for (from, to) in &moves.threads {
            let Some(text) = self.record(*from) else { continue };
            match to {
                None => left.push(RawValue::from_string(text.to_owned())?),
                Some(to) => {
                    let mut record: Object = serde_json::from_str(text)?;
                    record.set("threadId", to, &[])?;
                    changed.push((*to, laid_out(&serde_json::to_string(&record)?, 2)?));
                }
            }
        }
        now.records.retain(|record| record.thread.is_none_or(|thread| !moves.threads.contains_key(&thread)));
        now.places = Arc::new(places(&now.records));
        changed.sort_by_key(|(thread, _)| *thread);
        now.set_records(changed);
        if left.len() > went_out {
            now.set(LEFT, &left)?;
        }
        Ok(now)
    }

    /// Returns the value of a top-level key other than `threads`. `None`: there is no such key, or it is null.
    pub(crate) fn get<T: for<'t> Deserialize<'t>>(&self, key: &str) -> serde_json::Result<Option<T>> {
        match self.entries.iter().find(|(known, _)| known == key) {
            Some((_, text)) => serde_json::from_str(text),
            None => Ok(None),
        }
    }

    /// Sets a top-level key.
    pub(super) fn set(&mut self, key: &str, value: &impl serde::Serialize) -> serde_json::Result<()> {
        let text = laid_out(&serde_json::to_string(value)?, 1)?.into();
        match self.entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = text,
            None => {
                let keys = self.entries.iter().map(|(key, _)| key.as_str());
                let place = Object::place(keys, key, &FILE_ORDER);
                self.entries.insert(place, (key.to_owned(), text));
            }
        }
        Ok(())
    }

    /// Returns the document after a delta read: `changed` has all top-level keys, but only the records that changed.
    #[cfg(feature = "postgres")]
    pub(crate) fn with_changes(&self, changed: Self) -> Self {
        let records =
            changed.records.iter().filter_map(|record| Some((record.thread?, record.text.as_ref().to_owned())));
        let mut records: Vec<_> = records.collect();
        records.sort_by_key(|(thread, _)| *thread);
        let mut all = Self { entries: changed.entries, ..self.clone() };
        all.set_records(records);
        all
    }

    /// Returns the object of all top-level keys except `threads` and `cycles`, as compact JSON.
    #[cfg(feature = "postgres")]
    pub(crate) fn rest(&self) -> serde_json::Result<String> {
        let mut rest = Object::default();
        for (key, text) in self.entries.iter().filter(|(key, _)| key != THREADS && key != "cycles") {
            rest.set(key, &serde_json::from_str::<&RawValue>(text)?, &[])?;
        }
        serde_json::to_string(&rest)
    }

    /// Returns the records that belong to no thread, as a JSON list.
    #[cfg(feature = "postgres")]
    pub(crate) fn strays(&self) -> serde_json::Result<String> {
        let strays = self.records.iter().filter(|record| record.thread.is_none());
        let strays = strays.map(|record| serde_json::from_str::<&RawValue>(&record.text));
        serde_json::to_string(&strays.collect::<serde_json::Result<Vec<_>>>()?)
    }

    /// Returns the text of the file, laid out with two spaces per level as the programs of this family write it.
    pub(crate) fn text(&self) -> serde_json::Result<String> {
        let size: usize = self.records.iter().map(|record| record.text.len() + 6).sum();
        let rest: usize = self.entries.iter().map(|(key, text)| key.len() + text.len() + 10).sum();
        let mut out = String::with_capacity(size + rest + 32);
        out.push('{');
        for (at, (key, text)) in self.entries.iter().enumerate() {
            out.push_str(if at == 0 { "\n  " } else { ",\n  " });
            out.push_str(&serde_json::to_string(key)?);
            out.push_str(": ");
            if key != THREADS || self.records.is_empty() {
                out.push_str(text);
                continue;
            }
            for (at, record) in self.records.iter().enumerate() {
                out.push_str(if at == 0 { "[\n    " } else { ",\n    " });
                out.push_str(&record.text);
            }
            out.push_str("\n  ]");
        }
        out.push_str("\n}");
        if self.ends_with_line_end {
            out.push('\n');
        }
        Ok(out)
    }
}

/// A threads.json as the rows of a database hold it: texts of JSON.
#[cfg(feature = "postgres")]
pub(crate) struct Records {
    /// The object of all top-level keys except `threads` and `cycles`.
    pub(crate) rest: String,
    /// The list of the records that belong to no thread.
    pub(crate) strays: String,
    /// One object per thread.
    pub(crate) threads: Vec<String>,
    /// One object per cycle.
    pub(crate) cycles: Vec<String>,
}

/// Returns the text of the threads.json that consists of these records.
#[cfg(feature = "postgres")]
pub(crate) fn assembled(records: &Records) -> serde_json::Result<String> {
    let raw = |texts: &[String]| {
        texts.iter().map(|text| RawValue::from_string(text.clone())).collect::<serde_json::Result<Vec<_>>>()
    };
    let mut file: Object = serde_json::from_str(&records.rest)?;
    let mut threads = raw(&records.threads)?;
    threads.extend(serde_json::from_str::<Vec<Box<RawValue>>>(&records.strays)?);
    file.set("threads", &threads, &FILE_ORDER)?;
    if !records.cycles.is_empty() {
        file.set("cycles", &raw(&records.cycles)?, &FILE_ORDER)?;
    }
    Ok(serde_json::to_string(&file)? + "\n")
}

/// Returns the text of a threads.json with another `stream_id`.
pub(crate) fn named(text: &str, stream_id: &str) -> serde_json::Result<String> {
    let mut file: Object = serde_json::from_str(text)?;
    file.set("stream_id", &stream_id, &FILE_ORDER)?;
    close(&file, Some(text))
}

fn places(records: &[Record]) -> HashMap<ThreadId, usize> {
    // In reverse, so that the first of two records of one thread counts. (`read` refuses such a file.)
    let of_threads = records.iter().enumerate().rev();
    of_threads.filter_map(|(at, record)| Some((record.thread?, at))).collect()
}
