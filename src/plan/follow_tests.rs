use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::plan::parse;

/// Returns the fates of the threads of `old`: `01.01.01>01.01.02` for a new id, `-` for one that left, `?` for an
/// unclear one.
fn followed(old: &str, new: &str) -> String {
    let followed = follow(&plan(old), &plan(new), &BTreeMap::new());
    let threads = followed.threads.iter().map(|(id, fate)| match fate {
        Fate::Is(now) if now == id => format!("{id}"),
        Fate::Is(now) => format!("{id}>{now}"),
        Fate::Left => format!("{id}-"),
        Fate::Unclear(ids) => {
            format!("{id}?{}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("/"))
        }
    });
    threads.collect::<Vec<_>>().join(" ")
}

/// Parses `S: Alpha(One=text Two) Beta(Three); T: Gamma(Four)`: stages of batches of threads, numbered in this order.
fn plan(short: &str) -> Plan {
    let mut text = "# Plan: P\n## Stages\n".to_owned();
    for (stage, rest) in short.split(';').enumerate() {
        let (name, batches) = rest.split_once(':').unwrap();
        text += &format!("### Stage {}: {}\n", stage + 1, name.trim());
        for (batch, rest) in batches.split(')').filter(|rest| !rest.trim().is_empty()).enumerate() {
            let (name, threads) = rest.split_once('(').unwrap();
            text += &format!("##### Batch {}: {}\n", batch + 1, name.trim());
            for (thread, rest) in threads.split_whitespace().enumerate() {
                let (name, body) = rest.split_once('=').unwrap_or((rest, ""));
                text += &format!("###### Thread {}: {name}\n", thread + 1);
                if !body.is_empty() {
                    text += &format!("**Summary:** {body}\n");
                }
            }
        }
    }
    parse(&text)
}

#[test]
fn state_follows_the_thread_not_its_number() {
    let table = [
        // No change, a changed text, and another order within a batch.
        ("S: A(x y)", "S: A(x y)", "01.01.01 01.01.02"),
        ("S: A(x=1 y=2)", "S: A(x=3 y=2)", "01.01.01 01.01.02"),
        ("S: A(x y z)", "S: A(z x y)", "01.01.01>01.01.02 01.01.02>01.01.03 01.01.03>01.01.01"),
        // A new stage or a new batch in front of the others.
        ("S: A(x y) B(z)", "N: K(r); S: A(x y) B(z)", "01.01.01>02.01.01 01.01.02>02.01.02 01.02.01>02.02.01"),
        ("S: A(x y) B(z)", "S: K(r) A(x y) B(z)", "01.01.01>01.02.01 01.01.02>01.02.02 01.02.01>01.03.01"),
        // The same names in every batch.
        (
            "S: A(code test) B(code test)",
            "S: K(code) A(code test) B(test)",
            "01.01.01>01.02.01 01.01.02>01.02.02 01.02.01?01.01.01 01.02.02>01.03.01",
        ),
        // A move to another batch, recognised by the name or by the text.
        ("S: A(x y) B(z)", "S: A(y) B(z x)", "01.01.01>01.02.02 01.01.02>01.01.01 01.02.01"),
        ("S: A(x=1 y=2) B(z=3)", "S: A(y=2) B(z=3 w=1)", "01.01.01>01.02.02 01.01.02>01.01.01 01.02.01"),
        // A new name at the same place, with the same text.
        ("S: A(x y=2 z=2)", "S: A(x w=2 z=2)", "01.01.01 01.01.02 01.01.03"),
        ("S: A(x=1)", "S: A(w=1)", "01.01.01"),
        ("S: A(x); T: B(y=1)", "S: A(x); U: C(w=1)", "01.01.01 02.01.01"),
        // Without a text there is no evidence.
        ("S: A(x y z)", "S: A(x w z)", "01.01.01 01.01.02?01.01.02 01.01.03"),
        ("S: A(x)", "S: A(w=1)", "01.01.01?01.01.01"),
        // A new name and a new text at the same place: either renamed, or one thread left and another came.
        ("S: A(x=1 y=2 z=3)", "S: A(x=1 w=5 z=3)", "01.01.01 01.01.02?01.01.02 01.01.03"),
        ("S: A(x y)", "S: A(v w)", "01.01.01?01.01.01/01.01.02 01.01.02?01.01.01/01.01.02"),
        ("S: A(x y)", "S: A(x v w)", "01.01.01 01.01.02?01.01.02/01.01.03"),
        // Two threads that exchanged their names.
        ("S: A(x=1 y=2)", "S: A(y=1 x=2)", "01.01.01?01.01.01/01.01.02 01.01.02?01.01.01/01.01.02"),
        // Several threads of the same name.
        ("S: A(x=1 x=2)", "S: A(x=2 x=1)", "01.01.01>01.01.02 01.01.02>01.01.01"),
        ("S: A(x=1 x=2)", "S: A(x=1 x=3)", "01.01.01 01.01.02"),
        ("S: A(x=1 x=2)", "S: A(x=3 x=4)", "01.01.01?01.01.01/01.01.02 01.01.02?01.01.01/01.01.02"),
        ("S: A(x x)", "S: A(x)", "01.01.01?01.01.01 01.01.02?01.01.01"),
        ("S: A(t) B(t) C(z)", "S: A(v) B(w) C(z t)", "01.01.01?01.01.01/01.03.02 01.02.01?01.02.01/01.03.02 01.03.01"),
        (
            "S: A(t x) B(t y) C(z)",
            "S: A(x) B(y) C(z t)",
            "01.01.01?01.03.02 01.01.02>01.01.01 01.02.01?01.03.02 01.02.02>01.02.01 01.03.01",
        ),
        // Threads that left.
        ("S: A(x y)", "S: A(y)", "01.01.01- 01.01.02>01.01.01"),
        ("S: A(x); T: B(y)", "T: B(y)", "01.01.01- 02.01.01>01.01.01"),
    ];
    for (old, new, expected) in table {
        assert_eq!(followed(old, new), expected, "{old} -> {new}");
    }
}

#[test]
fn a_persons_decision_wins() {
    let (old, new) = (plan("S: A(x=1 y=2)"), plan("S: A(v=3 w=4)"));
    let id = |text: &str| text.parse::<ThreadId>().unwrap();
    let told = BTreeMap::from([(id("1.1.1"), Some(id("1.1.2"))), (id("1.1.2"), None)]);
    let followed = follow(&old, &new, &told);
    assert_eq!(followed.threads[&id("1.1.1")], Fate::Is(id("1.1.2")));
    assert_eq!(followed.threads[&id("1.1.2")], Fate::Left);
}

#[test]
fn stages_and_batches_are_followed_too() {
    let (old, new) = (plan("S: A(x) B(y); T: C(z)"), plan("N: K(r); S: B(y) A(x); U: D(z)"));
    let followed = follow(&old, &new, &BTreeMap::new());
    let stages: Vec<(u16, u16)> = followed.stages.iter().map(|(then, now)| (then.0, now.0)).collect();
    assert_eq!(stages, [(1, 2), (2, 3)]);
    let batches: Vec<String> = followed.batches.iter().map(|(then, now)| format!("{then}>{now}")).collect();
    assert_eq!(batches, ["01.01>02.02", "01.02>02.01", "02.01>03.01"]);
}

/// A plan: stages of batches of threads. Each number stands for a name; a thread has one for its name and one for its
/// text.
pub(crate) type Outline = Vec<(u32, Vec<(u32, Vec<(u32, u32)>)>)>;

/// An edit of a plan. Each index is taken modulo the number of elements.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Insert(usize, usize, usize),
    Remove(usize, usize, usize),
    Rename(usize, usize, usize),
    Rewrite(usize, usize, usize),
    Move((usize, usize, usize), (usize, usize, usize)),
    InsertBatch(usize, usize),
    RemoveBatch(usize, usize),
    RenameBatch(usize, usize),
    SwapBatches(usize, usize, usize),
    MoveBatch((usize, usize), usize),
    InsertStage(usize),
    RemoveStage(usize),
    RenameStage(usize),
    SwapStages(usize, usize),
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let at = || (0..4_usize, 0..4_usize, 0..5_usize);
    prop_oneof![
        4 => at().prop_map(|(a, b, c)| Edit::Insert(a, b, c)),
        3 => at().prop_map(|(a, b, c)| Edit::Remove(a, b, c)),
        3 => at().prop_map(|(a, b, c)| Edit::Rename(a, b, c)),
        3 => at().prop_map(|(a, b, c)| Edit::Rewrite(a, b, c)),
        4 => (at(), at()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Edit::InsertBatch(a, b)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Edit::RemoveBatch(a, b)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Edit::RenameBatch(a, b)),
        1 => at().prop_map(|(a, b, c)| Edit::SwapBatches(a, b, c)),
        1 => (0..4_usize, 0..4_usize, 0..4_usize).prop_map(|(a, b, c)| Edit::MoveBatch((a, b), c)),
        1 => (0..4_usize).prop_map(Edit::InsertStage),
        1 => (0..4_usize).prop_map(Edit::RemoveStage),
        1 => (0..4_usize).prop_map(Edit::RenameStage),
        1 => (0..4_usize, 0..4_usize).prop_map(|(a, b)| Edit::SwapStages(a, b)),
    ]
}

/// A thread: its identity, and the numbers of its name and its text now.
type Made = (u32, u32, u32);

/// A batch: the number of its name, and its threads.
type MadeBatch = (u32, Vec<Made>);

/// A plan that is edited, in which each thread keeps its identity.
pub(crate) struct Edited {
    stages: Vec<(u32, Vec<MadeBatch>)>,
    next: u32,
}

impl Edited {
    pub(crate) fn of(outline: &Outline) -> Self {
        let mut next = 0;
        let stages = outline.iter().map(|(name, batches)| {
            let batches = batches.iter().map(|(name, threads)| {
                let threads = threads.iter().map(|(name, text)| {
                    next += 1;
                    // Small numbers repeat, so some threads have the same text, the same name, or both.
                    (next, *name, if *text < 5 { *text } else { 100 + next })
                });
                (*name, threads.collect())
            });
            (*name, batches.collect())
        });
        Self { stages: stages.collect(), next: 1_000 }
    }

    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn batch(&mut self, stage: usize, batch: usize) -> Option<&mut Vec<Made>> {
        let stages = self.stages.len();
        let batches = &mut self.stages.get_mut(stage % stages.max(1))?.1;
        let number = batches.len();
        Some(&mut batches.get_mut(batch % number.max(1))?.1)
    }

    pub(crate) fn apply(&mut self, edit: &Edit) -> Option<()> {
        let fresh = (self.fresh(), self.fresh(), self.fresh());
        let stages = self.stages.len();
        match *edit {
            Edit::Insert(a, b, c) => {
                let threads = self.batch(a, b)?;
                let at = c % (threads.len() + 1);
                threads.insert(at, fresh);
            }
            Edit::Remove(a, b, c) => {
                let threads = self.batch(a, b)?;
                let number = threads.len();
                (number > 0).then(|| threads.remove(c % number))?;
            }
            Edit::Rename(a, b, c) => {
                let threads = self.batch(a, b)?;
                let number = threads.len();
                threads.get_mut(c % number.max(1))?.1 = fresh.0;
            }
            Edit::Rewrite(a, b, c) => {
                let threads = self.batch(a, b)?;
                let number = threads.len();
                threads.get_mut(c % number.max(1))?.2 = fresh.0;
            }
            Edit::Move(from, to) => {
                let threads = self.batch(from.0, from.1)?;
                let number = threads.len();
                (number > 0).then_some(())?;
                let thread = threads.remove(from.2 % number);
                let threads = self.batch(to.0, to.1)?;
                let at = to.2 % (threads.len() + 1);
                threads.insert(at, thread);
            }
            Edit::InsertBatch(a, b) => {
                let batches = &mut self.stages.get_mut(a % stages.max(1))?.1;
                let at = b % (batches.len() + 1);
                batches.insert(at, (fresh.0, vec![fresh]));
            }
            Edit::RemoveBatch(a, b) => {
                let batches = &mut self.stages.get_mut(a % stages.max(1))?.1;
                (!batches.is_empty()).then_some(())?;
                batches.remove(b % batches.len());
            }
            Edit::RenameBatch(a, b) => {
                let batches = &mut self.stages.get_mut(a % stages.max(1))?.1;
                let number = batches.len();
                batches.get_mut(b % number.max(1))?.0 = fresh.0;
            }
            Edit::SwapBatches(a, b, c) => {
                let batches = &mut self.stages.get_mut(a % stages.max(1))?.1;
                (!batches.is_empty()).then_some(())?;
                let number = batches.len();
                batches.swap(b % number, c % number);
            }
            Edit::MoveBatch((a, b), c) => {
                let batches = &mut self.stages.get_mut(a % stages.max(1))?.1;
                (!batches.is_empty()).then_some(())?;
                let number = batches.len();
                let batch = batches.remove(b % number);
                self.stages[c % stages].1.push(batch);
            }
            Edit::InsertStage(a) => self.stages.insert(a % (stages + 1), (fresh.0, vec![(fresh.1, vec![fresh])])),
            Edit::RemoveStage(a) => {
                (stages > 1).then_some(())?;
                self.stages.remove(a % stages);
            }
            Edit::RenameStage(a) => self.stages.get_mut(a % stages.max(1))?.0 = fresh.0,
            Edit::SwapStages(a, b) => self.stages.swap(a % stages, b % stages),
        }
        Some(())
    }

    /// Returns the plan, and the identity of the thread behind each id.
    fn plan(&self) -> (Plan, HashMap<ThreadId, u32>) {
        let (text, who) = self.text();
        (parse(&text), who)
    }

    /// Returns the text of the plan, and the identity of the thread behind each id.
    pub(crate) fn text(&self) -> (String, HashMap<ThreadId, u32>) {
        let mut text = "# Plan: P\n## Stages\n".to_owned();
        let mut who = HashMap::new();
        for (stage, (name, batches)) in (1..).zip(&self.stages) {
            text += &format!("### Stage {stage}: stage{name}\n");
            for (batch, (name, threads)) in (1..).zip(batches) {
                text += &format!("##### Batch {batch}: batch{name}\n");
                for (thread, (identity, name, body)) in (1..).zip(threads) {
                    text +=
                        &format!("###### Thread {thread}: name{name}\n**Summary:** text {body}\n\n**Details:** d\n");
                    who.insert(ThreadId::new(stage, batch, thread), *identity);
                }
            }
        }
        (text, who)
    }
}

pub(crate) fn outline() -> impl Strategy<Value = Outline> {
    // The ranges are small, so that names and texts occur more than once.
    let thread = (0..30_u32, 0..60_u32);
    let batch = (0..6_u32, proptest::collection::vec(thread, 0..5));
    let stage = (0..6_u32, proptest::collection::vec(batch, 1..4));
    proptest::collection::vec(stage, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// The edits show which thread is which. `follow` must say the same, or that it is unclear.
    #[test]
    fn no_thread_is_taken_for_another(outline in outline(), edits in proptest::collection::vec(edit(), 0..6)) {
        let mut edited = Edited::of(&outline);
        let (old, was) = edited.plan();
        for edit in &edits {
            let _ = edited.apply(edit);
        }
        let (new, is) = edited.plan();
        let followed = follow(&old, &new, &BTreeMap::new());
        let mut seen = HashSet::new();
        for (then, fate) in &followed.threads {
            let Fate::Is(now) = fate else { continue };
            prop_assert!(seen.insert(*now), "{now} is two threads");
            let twin = |a: ThreadId, b: ThreadId| {
                let (a, b) = (old.thread(a).unwrap(), new.thread(b).unwrap());
                (&a.name, text(a)) == (&b.name, text(b))
            };
            prop_assert!(was[then] == is[now] || twin(*then, *now), "{then} is taken for {now}: {edits:?}");
        }
        // With names alone, one of several threads of the same name may be taken for another.
        let mut names = old.clone();
        for thread in names.stages.iter_mut().flat_map(|stage| &mut stage.batches).flat_map(|batch| &mut batch.threads) {
            (thread.summary, thread.details) = (String::new(), String::new());
        }
        let mut seen = HashSet::new();
        for (then, fate) in &follow_names(&names, &new, &BTreeMap::new()).threads {
            let Fate::Is(now) = fate else { continue };
            prop_assert!(seen.insert(*now), "{now} is two threads");
            let name = &old.thread(*then).unwrap().name;
            let is_alone = old.threads().filter(|thread| thread.name == *name).count() == 1;
            prop_assert!(was[then] == is[now] || !is_alone, "{then} is taken for {now} by its name: {edits:?}");
            prop_assert_eq!(name, &new.thread(*now).unwrap().name, "no name, no evidence");
        }
        // In a plan without edits every thread keeps its id.
        if edits.is_empty() {
            prop_assert!(followed.threads.iter().all(|(then, fate)| *fate == Fate::Is(*then)));
        }
    }
}
