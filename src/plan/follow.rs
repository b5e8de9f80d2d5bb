//! Finds out what became of each stage, batch and thread of an older plan: state follows the thread, not its number
//! (DESIGN §7).
//!
//! A text has no identity, so this code weighs evidence. From strong to weak: the same name in the same batch; a name
//! or a text that no other thread has; the same place between unchanged neighbours. Where the evidence is weak or
//! contradictory, the answer is [`Fate::Unclear`] and a person decides. A question is better than a report under the
//! wrong thread.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::{Batch, BatchId, Plan, Stage, StageNumber, Thread, ThreadId};

/// What became of the stages, batches and threads of an older plan, by their old numbers and ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// The new numbers of the stages that still exist.
    pub stages: BTreeMap<StageNumber, StageNumber>,
    /// The new ids of the batches that still exist.
    pub batches: BTreeMap<BatchId, BatchId>,
    /// The fates of all threads of the older plan.
    pub threads: BTreeMap<ThreadId, Fate>,
}

/// What became of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The thread has this id now.
    Is(ThreadId),
    /// The thread is not in the plan any more.
    Left,
    /// The thread may be one of these, or may have left.
    Unclear(Vec<ThreadId>),
}

/// Returns what became of `old` in `new`. A person's decisions in `told` win over all evidence: the new id of a
/// thread, or `None` if it left.
pub fn follow(old: &Plan, new: &Plan, told: &BTreeMap<ThreadId, Option<ThreadId>>) -> Followed {
    follow_by(old, new, told, Evidence::Text)
}

/// Does the same for an older plan of which only names are known, and perhaps not all. Then the place of a stage or a
/// batch is no evidence, because there may have been others beside it.
pub fn follow_names(old: &Plan, new: &Plan, told: &BTreeMap<ThreadId, Option<ThreadId>>) -> Followed {
    follow_by(old, new, told, Evidence::Names)
}

/// What is known of the older plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// The whole text.
    Text,
    /// Only names, and perhaps not all of them.
    Names,
}

/// Pairs stages, then the batches of paired stages, then threads.
fn follow_by(old: &Plan, new: &Plan, told: &BTreeMap<ThreadId, Option<ThreadId>>, evidence: Evidence) -> Followed {
    let pair = |old: &[Named<'_>], new: &[Named<'_>]| pair(old, new, evidence);
    let stages = pair(&named_stages(&old.stages), &named_stages(&new.stages));
    let mut batches = Vec::new();
    for (stage, at) in old.stages.iter().zip(&stages) {
        let Some(at) = at else { continue };
        let (then, now) = (&stage.batches, &new.stages[*at].batches);
        let pairs = pair(&named_batches(then), &named_batches(now));
        batches.extend(then.iter().zip(pairs).filter_map(|(batch, at)| Some((batch, &now[at?]))));
    }
    // Strong evidence comes first, because a thread that is paired is not considered again. The last two steps look
    // for contradictions.
    let mut matching = Matching::new(old, new);
    for (from, to) in told {
        matching.record_decision(*from, *to);
    }
    for (then, now) in &batches {
        matching.pair_by_name_within(then, now);
    }
    matching.pair_by_unique(|thread| Some(thread.name.as_str()));
    matching.pair_by_unique(|thread| body(thread));
    for (then, now) in &batches {
        matching.pair_by_place(then, now);
    }
    matching.doubt_exchanged_names();
    matching.doubt_namesakes();

    let mut followed = Followed {
        stages: old
            .stages
            .iter()
            .zip(stages)
            .filter_map(|(stage, at)| Some((stage.number, new.stages[at?].number)))
            .collect(),
        batches: batches.iter().map(|(then, now)| (then.id, now.id)).collect(),
        threads: matching.fates(),
    };
    followed.pair_batches_by_threads(old);
    followed
}

impl Followed {
    /// Pairs a batch that is not paired yet with the batch to which all of its threads went, unless that one is
    /// paired with another.
    fn pair_batches_by_threads(&mut self, old: &Plan) {
        let mut taken: HashSet<BatchId> = self.batches.values().copied().collect();
        for batch in old.batches().filter(|batch| !batch.threads.is_empty()) {
            let mut gone_to = batch.threads.iter().map(|thread| match self.threads.get(&thread.id) {
                Some(Fate::Is(now)) => Some(now.batch),
                _ => None,
            });
            let Some(Some(first)) = gone_to.next() else { continue };
            if !self.batches.contains_key(&batch.id) && gone_to.all(|other| other == Some(first)) && taken.insert(first)
            {
                self.batches.insert(batch.id, first);
            }
        }
    }
}

/// The name of a stage or a batch, and the names of what it holds. The latter tell apart several of the same name.
type Named<'p> = (&'p str, Vec<&'p str>);

fn named_stages(stages: &[Stage]) -> Vec<Named<'_>> {
    let named = stages.iter().map(|stage| {
        let batches = stage.batches.iter().map(|batch| batch.name.as_str());
        (stage.name.as_str(), batches.collect())
    });
    named.collect()
}

fn named_batches(batches: &[Batch]) -> Vec<Named<'_>> {
    let named = batches.iter().map(|batch| {
        let threads = batch.threads.iter().map(|thread| thread.name.as_str());
        (batch.name.as_str(), threads.collect())
    });
    named.collect()
}

/// Pairs the elements of two lists, and returns for each of `old` its index in `new`. Elements are paired by their
/// name and what they hold, then by a name that only one of the rest has in each list. Where the whole text is known,
/// two that stand alone between the same neighbours are paired last.
fn pair(old: &[Named<'_>], new: &[Named<'_>], evidence: Evidence) -> Vec<Option<usize>> {
    let mut paired = vec![None; old.len()];
    let now = places(new.iter());
    for (same, from) in places(old.iter()) {
        // Equal elements are interchangeable, as long as both lists have the same number of them.
        for (from, to) in from.iter().zip(now.get(same).filter(|to| to.len() == from.len()).into_iter().flatten()) {
            paired[*from] = Some(*to);
        }
    }
    let taken: HashSet<usize> = paired.iter().flatten().copied().collect();
    let then = places(old.iter().enumerate().filter(|(at, _)| paired[*at].is_none()).map(|(_, (name, _))| *name));
    let open: Vec<usize> = (0..old.len()).filter(|at| paired[*at].is_none()).collect();
    let open_now: Vec<usize> = (0..new.len()).filter(|at| !taken.contains(at)).collect();
    let now = places(open_now.iter().map(|at| new[*at].0));
    for (name, from) in then {
        if let ([from], Some([to])) = (from.as_slice(), now.get(name).map(Vec::as_slice)) {
            paired[open[*from]] = Some(open_now[*to]);
        }
    }
    if evidence == Evidence::Names {
        return paired;
    }
    for Gap { old, new } in gaps(&paired, new.len()) {
        if let ([from], [to]) = (old.as_slice(), new.as_slice()) {
            paired[*from] = Some(*to);
        }
    }
    paired
}

/// Returns the indexes at which each key occurs, in ascending order.
fn places<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> HashMap<K, Vec<usize>> {
    let mut places: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, key) in keys.enumerate() {
        places.entry(key).or_default().push(at);
    }
    places
}

/// The unpaired elements of both lists between the same two neighbours.
struct Gap {
    old: Vec<usize>,
    new: Vec<usize>,
}

/// Returns the gaps of a pairing, where `new` is the length of the new list. The ends of the lists count as
/// neighbours.
fn gaps(paired: &[Option<usize>], new: usize) -> Vec<Gap> {
    let taken: HashSet<usize> = paired.iter().flatten().copied().collect();
    let mut gaps = Vec::new();
    let mut before = None;
    let mut at = 0;
    while at <= paired.len() {
        let end = (at..paired.len()).find(|place| paired[*place].is_some()).unwrap_or(paired.len());
        let after = paired.get(end).copied().flatten();
        let (start, stop) = (before.map_or(0, |before: usize| before + 1), after.unwrap_or(new));
        // If the neighbours have changed their order, there is nothing between them.
        let run: Vec<usize> = (start..stop).collect();
        if end > at && start <= stop && run.iter().all(|place| !taken.contains(place)) {
            gaps.push(Gap { old: (at..end).collect(), new: run });
        }
        before = after;
        at = end + 1;
    }
    gaps
}

/// Returns the summary and the details of a thread, or `None` if both are empty.
fn body(thread: &Thread) -> Option<(&str, &str)> {
    let body = (thread.summary.as_str(), thread.details.as_str());
    (body != ("", "")).then_some(body)
}

/// The pairing of the threads of two plans. `usize` values are indexes into `old` or `new`.
struct Matching<'p> {
    old: Vec<&'p Thread>,
    new: Vec<&'p Thread>,
    /// The index in `old` of each id.
    places: HashMap<ThreadId, usize>,
    /// The index in `new` of each id.
    places_now: HashMap<ThreadId, usize>,
    /// The index in `new` of each old thread that was paired.
    paired: Vec<Option<usize>>,
    /// Whether each new thread was paired.
    taken: Vec<bool>,
    /// The old threads whose fate a person has decided.
    told: HashSet<usize>,
    /// The old threads whose fate is unclear, each with its candidates in `new`.
    unclear: BTreeMap<usize, Vec<usize>>,
}

impl<'p> Matching<'p> {
    fn new(old: &'p Plan, new: &'p Plan) -> Self {
        let (old, new): (Vec<_>, Vec<_>) = (old.threads().collect(), new.threads().collect());
        let place = |threads: &[&Thread]| threads.iter().enumerate().map(|(at, thread)| (thread.id, at)).collect();
        Self {
            places: place(&old),
            places_now: place(&new),
            paired: vec![None; old.len()],
            taken: vec![false; new.len()],
            told: HashSet::new(),
            unclear: BTreeMap::new(),
            old,
            new,
        }
    }

    /// Records what a person has decided about a thread. `to` is `None` if the thread left.
    fn record_decision(&mut self, from: ThreadId, to: Option<ThreadId>) {
        let Some(from) = self.places.get(&from).copied() else { return };
        self.told.insert(from);
        if let Some(to) = to.and_then(|to| self.places_now.get(&to).copied()) {
            self.join(from, to);
        }
    }

    /// Pairs an old thread with a new one.
    fn join(&mut self, from: usize, to: usize) {
        self.paired[from] = Some(to);
        self.taken[to] = true;
    }

    /// Returns whether nothing has been decided about an old thread yet.
    fn is_open(&self, from: usize) -> bool {
        self.paired[from].is_none() && !self.told.contains(&from) && !self.unclear.contains_key(&from)
    }

    /// Returns the old and the new threads of two batches about which nothing has been decided yet.
    fn open_in(&self, then: &Batch, now: &Batch) -> (Vec<usize>, Vec<usize>) {
        let then = then.threads.iter().filter_map(|thread| self.places.get(&thread.id).copied());
        let now = now.threads.iter().filter_map(|thread| self.places_now.get(&thread.id).copied());
        (then.filter(|at| self.is_open(*at)).collect(), now.filter(|at| !self.taken[*at]).collect())
    }

    /// Pairs threads that have the same name in the same batch. Several of one name are told apart by their texts.
    fn pair_by_name_within(&mut self, then: &Batch, now: &Batch) {
        let (olds, news) = self.open_in(then, now);
        let by_name = places(news.iter().map(|at| self.new[*at].name.as_str()));
        for (name, from) in places(olds.iter().map(|at| self.old[*at].name.as_str())) {
            let from: Vec<usize> = from.into_iter().map(|at| olds[at]).collect();
            let to: Vec<usize> = by_name.get(name).into_iter().flatten().map(|at| news[*at]).collect();
            self.pair_namesakes(&from, &to);
        }
    }

    /// Pairs threads that all have the same name.
    fn pair_namesakes(&mut self, from: &[usize], to: &[usize]) {
        if let ([from], [to]) = (from, to) {
            return self.join(*from, *to);
        }
        let now = places(to.iter().map(|at| text(self.new[*at])));
        for (same, then) in places(from.iter().map(|at| text(self.old[*at]))) {
            let now = now.get(&same).map_or(&[][..], Vec::as_slice);
            // Equal threads are interchangeable, as long as both batches have the same number of them.
            if then.len() == now.len() {
                for (then, now) in then.iter().zip(now) {
                    self.join(from[*then], to[*now]);
                }
            }
        }
        let from: Vec<usize> = from.iter().copied().filter(|at| self.is_open(*at)).collect();
        let to: Vec<usize> = to.iter().copied().filter(|at| !self.taken[*at]).collect();
        match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => self.join(*from, *to),
            (_, []) => {}
            _ => self.mark_unclear(&from, &to),
        }
    }

    /// Records that each of `from` may be any of `to`.
    fn mark_unclear(&mut self, from: &[usize], to: &[usize]) {
        for at in from {
            self.unclear.insert(*at, to.to_vec());
        }
    }

    /// Pairs threads by a key that only one thread of each plan has.
    fn pair_by_unique<K: Eq + Hash>(&mut self, key: impl Fn(&'p Thread) -> Option<K>) {
        let only = |threads: &[&'p Thread]| {
            let mut only: HashMap<K, Option<usize>> = HashMap::new();
            for (at, key) in threads.iter().enumerate().filter_map(|(at, thread)| Some((at, key(thread)?))) {
                only.entry(key).and_modify(|known| *known = None).or_insert(Some(at));
            }
            only
        };
        let now = only(&self.new);
        for (key, from) in only(&self.old) {
            let (Some(from), Some(to)) = (from, now.get(&key).copied().flatten()) else { continue };
            if self.is_open(from) && !self.taken[to] {
                self.join(from, to);
            }
        }
    }

    /// Pairs threads at the same place between the same neighbours, if their texts are alike. Otherwise they are
    /// unclear.
    fn pair_by_place(&mut self, then: &Batch, now: &Batch) {
        let start = now.threads.first().and_then(|thread| self.places_now.get(&thread.id)).copied().unwrap_or_default();
        let is_here = |at: usize| (start..start + now.threads.len()).contains(&at);
        let first = then.threads.first().and_then(|thread| self.places.get(&thread.id)).copied().unwrap_or_default();
        // A thread that went to another batch is not a neighbour here any more.
        let stayed: Vec<usize> = (first..first + then.threads.len())
            .filter(|at| self.paired[*at].map_or(self.is_open(*at), is_here))
            .collect();
        let paired: Vec<Option<usize>> = stayed.iter().map(|at| self.paired[*at].map(|to| to - start)).collect();
        let came: Vec<bool> = (0..now.threads.len()).map(|at| self.taken[start + at]).collect();
        for Gap { old, new } in gaps(&paired, now.threads.len()) {
            let from: Vec<usize> = old.iter().map(|at| stayed[*at]).collect();
            let to: Vec<usize> = new.iter().filter(|at| !came[**at]).map(|at| start + at).collect();
            match (from.as_slice(), to.as_slice()) {
                (_, []) => {}
                ([from], [to]) if is_like(self.old[*from], self.new[*to]) => self.join(*from, *to),
                _ => self.mark_unclear(&from, &to),
            }
        }
    }

    /// Undoes a pairing by name where the text says otherwise: the old thread's text stands under another name now,
    /// or the new thread has the text of another old one. Then somebody gave one thread the name of another.
    fn doubt_exchanged_names(&mut self) {
        let now = places(self.new.iter().filter_map(|thread| body(thread)));
        let then = places(self.old.iter().filter_map(|thread| body(thread)));
        let went = |text: &(&str, &str)| then.get(text).is_some_and(|at| at.len() == 1) && now.contains_key(text);
        let came = |text: &(&str, &str)| then.contains_key(text);
        for from in 0..self.old.len() {
            let Some(to) = self.paired[from].filter(|_| !self.told.contains(&from)) else { continue };
            let (was, is) = (body(self.old[from]), body(self.new[to]));
            if was != is && (was.iter().any(went) || is.iter().any(came)) {
                let elsewhere = was.and_then(|text| now.get(&text)).into_iter().flatten().copied();
                self.unclear.insert(from, elsewhere.chain([to]).collect());
                self.paired[from] = None;
            }
        }
    }

    /// Makes a thread unclear that seems to have left, if an unpaired new thread has its name: it may be the same.
    fn doubt_namesakes(&mut self) {
        let came = places(self.new.iter().map(|thread| thread.name.as_str()));
        for from in 0..self.old.len() {
            let namesakes = came.get(self.old[from].name.as_str()).into_iter().flatten();
            let namesakes: Vec<usize> = namesakes.copied().filter(|at| !self.taken[*at]).collect();
            if self.paired[from].is_none() && !self.told.contains(&from) && !namesakes.is_empty() {
                let candidates = self.unclear.entry(from).or_default();
                candidates.extend(namesakes);
                candidates.sort_unstable();
                candidates.dedup();
            }
        }
    }

    /// Returns the fates of all old threads.
    fn fates(&self) -> BTreeMap<ThreadId, Fate> {
        let fate = |at: usize| match (self.paired[at], self.unclear.get(&at)) {
            (Some(to), _) => Fate::Is(self.new[to].id),
            (None, Some(candidates)) => {
                let mut ids: Vec<ThreadId> = candidates.iter().map(|at| self.new[*at].id).collect();
                ids.sort_unstable();
                Fate::Unclear(ids)
            }
            (None, None) => Fate::Left,
        };
        self.old.iter().enumerate().map(|(at, thread)| (thread.id, fate(at))).collect()
    }
}

/// Returns the summary, the details and the agent of a thread.
fn text(thread: &Thread) -> (&str, &str, Option<&str>) {
    (&thread.summary, &thread.details, thread.agent.as_ref().map(|agent| agent.name.as_str()))
}

/// Returns whether a thread can be the same one although its name differs: more than half of the lines of its text
/// are still there. A thread without text cannot be recognised.
fn is_like(old: &Thread, new: &Thread) -> bool {
    let lines = |thread: &'_ Thread| -> Vec<String> {
        let text = [&thread.summary, &thread.details].map(String::as_str).join("\n");
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let (then, now) = (lines(old), lines(new));
    let now: HashSet<String> = now.into_iter().collect();
    let kept = then.iter().filter(|line| now.contains(*line)).count();
    kept * 2 > then.len()
}

#[cfg(test)]
#[path = "follow_tests.rs"]
pub(crate) mod tests;
