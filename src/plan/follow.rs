//! Which stage, batch and thread of a plan is which of the plan before: state follows the thread, not its
//! number (DESIGN §7).
//!
//! Texts have no identity, so this is evidence, strongest first: the same name in the same batch, a name or a
//! text that no other thread has, the same place among neighbours that are the same. Where the evidence is
//! weak or contradicts itself the answer is [`Fate::Unclear`], and a person decides: a report that is found
//! under another thread than the one it was made for is worse than a question.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::{Batch, BatchId, Plan, Stage, StageNumber, Thread, ThreadId};

/// What became of each stage, batch and thread of an older plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// The stages that are there still, by their numbers then.
    pub stages: BTreeMap<StageNumber, StageNumber>,
    /// The batches that are there still, by their ids then.
    pub batches: BTreeMap<BatchId, BatchId>,
    /// All threads of the older plan, by their ids then.
    pub threads: BTreeMap<ThreadId, Fate>,
}

/// What became of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is this one now.
    Is(ThreadId),
    /// It is not in the plan any more.
    Left,
    /// It can be one of these, or none.
    Unclear(Vec<ThreadId>),
}

/// Follows the threads of `old` into `new`. What a person has `told` wins: the id now, or that it left.
pub fn follow(old: &Plan, new: &Plan, told: &BTreeMap<ThreadId, Option<ThreadId>>) -> Followed {
    follow_by(old, new, told, Evidence::Text)
}

/// Follows threads of which only the names are known, and perhaps not those of all: what stood beside them then
/// cannot be told, so a place says nothing.
pub fn follow_names(old: &Plan, new: &Plan, told: &BTreeMap<ThreadId, Option<ThreadId>>) -> Followed {
    follow_by(old, new, told, Evidence::Names)
}

/// What is known of the older plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// All of it.
    Text,
    /// Some names.
    Names,
}

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
    let mut matching = Matching::new(old, new);
    for (from, to) in told {
        matching.tell(*from, *to);
    }
    for (then, now) in &batches {
        matching.by_name_within(then, now);
    }
    matching.by_unique(|thread| Some(thread.name.as_str()));
    matching.by_unique(|thread| body(thread));
    for (then, now) in &batches {
        matching.by_place(then, now);
    }
    matching.doubt_names_that_changed_hands();
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
    /// A batch whose name says nothing is the one to which all of its threads have gone, if no other is that one.
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

/// A stage or a batch: its name, and the names of what it holds, by which those of one name are told apart.
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

/// Pairs two lists: by name and what they hold, by a name that only one has, and then those that stand alone
/// between the same neighbours. Returns for each of `old` its place in `new`.
fn pair(old: &[Named<'_>], new: &[Named<'_>], evidence: Evidence) -> Vec<Option<usize>> {
    let mut paired = vec![None; old.len()];
    let now = places(new.iter());
    for (same, from) in places(old.iter()) {
        // Where all is the same, one is as good as the other, as long as none was taken away.
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

fn places<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> HashMap<K, Vec<usize>> {
    let mut places: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, key) in keys.enumerate() {
        places.entry(key).or_default().push(at);
    }
    places
}

/// What is unpaired on both sides between the same two neighbours, which are next to each other otherwise.
struct Gap {
    old: Vec<usize>,
    new: Vec<usize>,
}

/// Returns the gaps of a pairing; the ends of both lists are neighbours too.
fn gaps(paired: &[Option<usize>], new: usize) -> Vec<Gap> {
    let taken: HashSet<usize> = paired.iter().flatten().copied().collect();
    let mut gaps = Vec::new();
    let mut before = None;
    let mut at = 0;
    while at <= paired.len() {
        let end = (at..paired.len()).find(|place| paired[*place].is_some()).unwrap_or(paired.len());
        let after = paired.get(end).copied().flatten();
        let (start, stop) = (before.map_or(0, |before: usize| before + 1), after.unwrap_or(new));
        // Neighbours that changed places have nothing between them.
        let run: Vec<usize> = (start..stop).collect();
        if end > at && start <= stop && run.iter().all(|place| !taken.contains(place)) {
            gaps.push(Gap { old: (at..end).collect(), new: run });
        }
        before = after;
        at = end + 1;
    }
    gaps
}

/// Returns what a worker reads of a thread, if there is anything.
fn body(thread: &Thread) -> Option<(&str, &str)> {
    let body = (thread.summary.as_str(), thread.details.as_str());
    (body != ("", "")).then_some(body)
}

/// Threads of two plans, by their places in them.
struct Matching<'p> {
    old: Vec<&'p Thread>,
    new: Vec<&'p Thread>,
    places: HashMap<ThreadId, usize>,
    places_now: HashMap<ThreadId, usize>,
    paired: Vec<Option<usize>>,
    taken: Vec<bool>,
    /// A person said what became of it.
    told: HashSet<usize>,
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

    fn tell(&mut self, from: ThreadId, to: Option<ThreadId>) {
        let Some(from) = self.places.get(&from).copied() else { return };
        self.told.insert(from);
        if let Some(to) = to.and_then(|to| self.places_now.get(&to).copied()) {
            self.join(from, to);
        }
    }

    fn join(&mut self, from: usize, to: usize) {
        self.paired[from] = Some(to);
        self.taken[to] = true;
    }

    fn is_open(&self, from: usize) -> bool {
        self.paired[from].is_none() && !self.told.contains(&from) && !self.unclear.contains_key(&from)
    }

    /// Returns the threads of two batches that nothing is known of yet.
    fn open_in(&self, then: &Batch, now: &Batch) -> (Vec<usize>, Vec<usize>) {
        let then = then.threads.iter().filter_map(|thread| self.places.get(&thread.id).copied());
        let now = now.threads.iter().filter_map(|thread| self.places_now.get(&thread.id).copied());
        (then.filter(|at| self.is_open(*at)).collect(), now.filter(|at| !self.taken[*at]).collect())
    }

    /// The same name in the same batch. Several of one name are told apart by their texts.
    fn by_name_within(&mut self, then: &Batch, now: &Batch) {
        let (olds, news) = self.open_in(then, now);
        let by_name = places(news.iter().map(|at| self.new[*at].name.as_str()));
        for (name, from) in places(olds.iter().map(|at| self.old[*at].name.as_str())) {
            let from: Vec<usize> = from.into_iter().map(|at| olds[at]).collect();
            let to: Vec<usize> = by_name.get(name).into_iter().flatten().map(|at| news[*at]).collect();
            self.of_one_name(&from, &to);
        }
    }

    fn of_one_name(&mut self, from: &[usize], to: &[usize]) {
        if let ([from], [to]) = (from, to) {
            return self.join(*from, *to);
        }
        let now = places(to.iter().map(|at| text(self.new[*at])));
        for (same, then) in places(from.iter().map(|at| text(self.old[*at]))) {
            let now = now.get(&same).map_or(&[][..], Vec::as_slice);
            // Where all is the same, one is as good as the other, as long as none was taken away.
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
            _ => self.doubt(&from, &to),
        }
    }

    fn doubt(&mut self, from: &[usize], to: &[usize]) {
        for at in from {
            self.unclear.insert(*at, to.to_vec());
        }
    }

    /// What only one thread of each plan has.
    fn by_unique<K: Eq + Hash>(&mut self, key: impl Fn(&'p Thread) -> Option<K>) {
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

    /// The same place among neighbours that are the same.
    fn by_place(&mut self, then: &Batch, now: &Batch) {
        let start = now.threads.first().and_then(|thread| self.places_now.get(&thread.id)).copied().unwrap_or_default();
        let is_here = |at: usize| (start..start + now.threads.len()).contains(&at);
        let first = then.threads.first().and_then(|thread| self.places.get(&thread.id)).copied().unwrap_or_default();
        // One that went elsewhere is no neighbour here any more.
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
                _ => self.doubt(&from, &to),
            }
        }
    }

    /// A name says one thing and the text another: the thread's text stands under another name now, or its name
    /// over the text of another thread. Then a thread was given the name of another one.
    fn doubt_names_that_changed_hands(&mut self) {
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

    /// A thread that is gone, while a new one of its name has come: nobody knows that it is not the same.
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

/// All that is said of a thread but its number.
fn text(thread: &Thread) -> (&str, &str, Option<&str>) {
    (&thread.summary, &thread.details, thread.agent.as_ref().map(|agent| agent.name.as_str()))
}

/// Returns whether a thread with another name can be the same one: most lines of its text are there still. Where
/// there was no text nothing says so.
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
