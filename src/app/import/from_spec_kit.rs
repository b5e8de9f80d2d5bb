//! PURE. Makes a plan of a tasks.md of spec-kit (DESIGN §3a).
//!
//! A phase is a stage: after each one a person looks at its checkpoint. What stands below a sub-heading is a batch, and a
//! task is a thread. A task without `[P]` waits for all before it in its batch, and those behind it wait for it; tasks
//! with `[P]` between two of them run in parallel, unless they name the same file or one is said to depend on another.

use std::collections::{BTreeSet, HashMap};

use super::mapped::{Mapped, Source};
use super::order::order;
use super::paths::paths;
use super::said::pairs;
use crate::board::Status;
use crate::format::spec_kit::{Part, Section, Task, TasksMd, Tick};
use crate::path_style::PathStyle;
use crate::plan::{BatchTexts, MAX_NAME_CHARS, MAX_SIBLINGS, PlanTexts, StageTexts, ThreadTexts, may_overlap, short};
use crate::wording::{count, list};

/// The most of a line that is quoted, in characters.
const MAX_QUOTED: usize = 60;

/// How many tasks are named in one sentence about what is left.
const MAX_NAMED: usize = 12;

/// Returns the plan for a tasks.md.
pub(super) fn from_spec_kit(tasks: &TasksMd, source: Source<'_>) -> Mapped {
    let mut all: Vec<(&Task, (usize, usize))> = Vec::new();
    for (stage, phase) in tasks.phases().enumerate() {
        for (batch, part) in phase.parts.iter().enumerate() {
            all.extend(part.tasks.iter().map(|task| (task, (stage, batch))));
        }
    }
    let mut left = Vec::new();
    if tasks.has_front_matter {
        left.push("the settings at the start of the file".to_owned());
    }
    if tasks.comments > 0 {
        left.push(count(tasks.comments, "HTML comment", "HTML comments"));
    }
    let orders = Orders::read(tasks, &all, &mut left);
    let mut shared: Vec<&str> = Vec::new();
    let mut statuses = Vec::new();
    let mut stages = Vec::new();
    let mut first = 0;
    for (number, phase) in (1..).zip(tasks.phases()) {
        let name = stage_name(&phase.title, number);
        let mut stage = StageTexts { name: name.clone(), ..StageTexts::default() };
        let texts = phase.parts.iter().flat_map(|part| [&part.intro, &part.notes]);
        left.extend(texts.flat_map(|text| text.lines()).filter(|line| is_like_a_task(line)).map(|line| {
            let line = short(line.trim_start_matches([' ', '-', '*']), MAX_QUOTED);
            format!("{line:?} has no number, such as T012, or no box: it is a text of stage {number} and no thread")
        }));
        for (at, part) in phase.parts.iter().enumerate() {
            let is_first = at == 0;
            if part.tasks.is_empty() && !is_first {
                stage.constitution.extend([format!("**{}**", part.title), part.intro.clone()]);
                continue;
            }
            if is_first {
                stage.definition.push(part.intro.clone());
            }
            stage.constitution.push(part.notes.clone());
            if !part.tasks.is_empty() {
                let summary = if is_first { Vec::new() } else { vec![part.intro.clone()] };
                let name = if is_first { &name } else { &part.title };
                let (threads, own) = orders.threads(part, first, source.path, &mut shared, &mut left);
                stage.batches.push(BatchTexts { name: short(name, MAX_NAME_CHARS), summary, threads });
                statuses.extend(own);
                first += part.tasks.len();
            }
        }
        stages.push(stage);
    }
    told(tasks, &all, &shared, &mut left);
    left.dedup();
    let summary =
        if tasks.preface.is_empty() { format!("Imported from {}.", source.path) } else { tasks.preface.clone() };
    let references = std::iter::once(format!("- imported from `{}`", source.path));
    let references = references.chain(source.documents.iter().map(|path| format!("- `{path}`")));
    let title = if tasks.title.is_empty() { source.name } else { &tasks.title };
    let plan = PlanTexts {
        name: short(title, MAX_NAME_CHARS),
        summary: vec![summary],
        conventions: tasks.sections.iter().filter(|section| is_convention(section)).map(titled).collect(),
        references: vec![references.collect::<Vec<_>>().join("\n")],
        stages,
    };
    Mapped { plan, name: source.name.to_owned(), statuses, left }
}

/// Returns whether a line that was not read as a task may be meant as one: an item with a box, or with a number.
fn is_like_a_task(line: &str) -> bool {
    let Some(item) = line.trim_start().strip_prefix(['-', '*']).map(str::trim_start) else { return false };
    let number = item.strip_prefix(['T', 't']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    number || ["[ ]", "[x]", "[X]"].iter().any(|tick| item.starts_with(tick))
}

/// Returns the name of a stage: without `Phase 2:` if it is stage 2. Other numbers stay, since the texts use them.
fn stage_name(title: &str, number: usize) -> String {
    let rest = title.get(..5).filter(|word| word.eq_ignore_ascii_case("phase")).map(|_| title[5..].trim_start());
    let rest = rest.and_then(|rest| rest.strip_prefix(&number.to_string()));
    let rest = rest.and_then(|rest| rest.trim_start().strip_prefix([':', '-', '–', '—', '：'])).map(str::trim);
    let name = rest.filter(|rest| !rest.is_empty()).unwrap_or(title);
    short(if name.is_empty() { "Tasks" } else { name }, MAX_NAME_CHARS)
}

/// Returns whether a section tells every worker something. Those of the template that explain its form, or tell who runs
/// what when, do not: stages, batches and threads say it now.
fn is_convention(section: &Section) -> bool {
    const FORM: [&str; 9] = [
        "format",
        "table of contents",
        "execution flow",
        "parallel",
        "implementation strategy",
        "dependencies",
        "dependency",
        "execution order",
        "task generation",
    ];
    let title = section.title.to_lowercase();
    let is_form = FORM.iter().any(|word| title.contains(word)) || title.starts_with("phase");
    !section.has_tasks() && !is_form && !section.text().is_empty()
}

fn titled(section: &Section) -> String {
    format!("**{}**\n\n{}", section.title, section.text())
}

/// The orders that the texts demand: pairs (before, after) of the numbers of tasks in the file.
struct Orders {
    pairs: Vec<(usize, usize)>,
}

impl Orders {
    /// Reads them from the texts of tasks and from the sections about dependencies. What cannot be kept is told in `left`.
    fn read(tasks: &TasksMd, all: &[(&Task, (usize, usize))], left: &mut Vec<String>) -> Self {
        let mut known: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (task, _)) in all.iter().enumerate() {
            known.entry(&task.id).or_default().push(at);
        }
        let mut twice: Vec<(&str, usize)> =
            known.iter().filter(|(_, own)| own.len() > 1).map(|(id, own)| (*id, own[0])).collect();
        twice.sort_by_key(|(_, at)| *at);
        for (id, _) in twice {
            left.push(format!(
                "{id} stands there more than once: each is a thread, and what waits for {id} waits for all"
            ));
        }
        let mut said: BTreeSet<(String, String)> = BTreeSet::new();
        for (task, _) in all {
            said.extend(pairs(&task.text, Some(&task.id)));
            said.extend(pairs(&task.body, Some(&task.id)));
        }
        let is_about = |section: &&Section| {
            let title = section.title.to_lowercase();
            title.contains("dependenc") || title.contains("execution order")
        };
        for section in tasks.sections.iter().filter(is_about) {
            said.extend(pairs(&section.text(), None));
        }
        let mut orders = Self { pairs: Vec::new() };
        for (before, after) in &said {
            for id in [before, after] {
                if !known.contains_key(id.as_str()) {
                    left.push(format!("that {after} comes after {before}: there is no task {id}"));
                }
            }
            let ends = |id: &String| known.get(id.as_str()).cloned().unwrap_or_default();
            for before_at in ends(before) {
                for after_at in ends(after) {
                    // What runs in an earlier batch comes first anyway.
                    let (first, then) = (all[before_at].1, all[after_at].1);
                    if first == then {
                        orders.pairs.push((before_at, after_at));
                    } else if first > then {
                        left.push(format!(
                            "that {after} comes after {before}, which stands in a later part of the file"
                        ));
                    }
                }
            }
        }
        orders
    }

    /// Returns the threads of a part and their statuses. `first` is the number of its first task in the file. Tasks that
    /// wait because of a file are added to `shared`.
    fn threads<'t>(
        &self,
        part: &'t Part,
        first: usize,
        source: &str,
        shared: &mut Vec<&'t str>,
        left: &mut Vec<String>,
    ) -> (Vec<ThreadTexts>, Vec<Status>) {
        let tasks = &part.tasks;
        let own = first..first + tasks.len();
        let mut pairs = of_list(tasks);
        let said = self.pairs.iter().filter(|(before, after)| own.contains(before) && own.contains(after));
        pairs.extend(said.map(|(before, after)| (before - first, after - first)));
        let order = order(tasks.len(), &pairs);
        for (before, after) in &order.dropped {
            left.push(format!(
                "that {} comes after {}: the list has it the other way",
                tasks[*after].id, tasks[*before].id
            ));
        }
        let mut after: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); tasks.len()];
        let mut place = vec![0; tasks.len()];
        for (at, task) in order.sequence.iter().enumerate() {
            place[*task] = at;
        }
        for (before, then) in pairs.iter().filter(|pair| !order.dropped.contains(pair)) {
            after[place[*then]].insert(place[*before]);
        }
        let mut threads = Vec::new();
        let mut statuses = Vec::new();
        // The files of the tasks that may run now, each with the last thread that has it.
        let mut in_use: Vec<(String, usize)> = Vec::new();
        for (at, task) in order.sequence.iter().map(|task| &tasks[*task]).enumerate() {
            let files = files(task);
            if !task.is_parallel || at % MAX_SIBLINGS == 0 {
                in_use.clear();
            }
            for (_, other) in
                in_use.iter().filter(|(used, _)| files.iter().any(|file| may_overlap(used, file, PathStyle::Unix)))
            {
                if after[at].insert(*other) && shared.last() != Some(&task.id.as_str()) {
                    shared.push(&task.id);
                }
            }
            in_use.retain(|(used, _)| !files.contains(used));
            in_use.extend(files.iter().map(|file| (file.clone(), at)));
            let marks = if task.labels.is_empty() { String::new() } else { format!(", {}", list(&task.labels)) };
            threads.push(ThreadTexts {
                name: short(&format!("{} {}", task.id, task.text), MAX_NAME_CHARS),
                summary: vec![if task.text.is_empty() { task.id.clone() } else { task.text.clone() }],
                details: vec![format!("{} in `{source}`{marks}.", task.id), task.body.clone()],
                files,
                after: std::mem::take(&mut after[at]).into_iter().collect(),
            });
            statuses.push(match task.tick {
                Tick::Done => Status::Completed,
                Tick::StruckOut => Status::Cancelled,
                Tick::Open | Tick::Other(_) => Status::Pending,
            });
        }
        (threads, statuses)
    }
}

/// Returns the pairs (before, after) that the list demands. A task without `[P]` comes after all before it. Those with
/// `[P]` come after the last one without.
fn of_list(tasks: &[Task]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut last, mut run): (Option<usize>, Vec<usize>) = (None, Vec::new());
    for (at, task) in tasks.iter().enumerate() {
        if task.is_parallel {
            pairs.extend(last.map(|last| (last, at)));
            run.push(at);
        } else {
            // Of a long run, those of another part of a batch that is too large are complete anyway.
            let nearest = run.len().saturating_sub(MAX_SIBLINGS);
            if run.is_empty() {
                pairs.extend(last.map(|last| (last, at)));
            }
            pairs.extend(run.drain(..).skip(nearest).map(|before| (before, at)));
            last = Some(at);
        }
    }
    pairs
}

/// Returns the files that a task names as its own: in its text, else behind `File:` below it.
fn files(task: &Task) -> Vec<String> {
    let found = paths(&task.text);
    if !found.is_empty() {
        return found;
    }
    let is_file = |line: &&str| {
        let word = line.trim_start_matches(|c: char| !c.is_alphanumeric());
        ["file:", "files:", "path:", "file**", "files**", "path**"]
            .iter()
            .any(|start| word.to_lowercase().starts_with(start))
    };
    let mut found: Vec<String> = Vec::new();
    for path in task.body.lines().filter(is_file).flat_map(paths) {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// Tells what the plan has no place for.
fn told(tasks: &TasksMd, all: &[(&Task, (usize, usize))], shared: &[&str], left: &mut Vec<String>) {
    for (task, _) in all {
        if let Tick::Other(sign) = task.tick {
            left.push(format!("the box [{sign}] of {}: the thread is pending", task.id));
        }
    }
    if !shared.is_empty() {
        left.push(format!("that {} may run at once with tasks before them: they name a file of these", named(shared)));
    }
    let stories: BTreeSet<&String> =
        all.iter().flat_map(|(task, _)| &task.labels).filter(|label| is_story(label)).collect();
    let stages: BTreeSet<usize> = all
        .iter()
        .filter(|(task, _)| task.labels.iter().any(|label| is_story(label)))
        .map(|(_, (stage, _))| *stage)
        .collect();
    if stories.len() > 1 && stages.len() > 1 {
        left.push("that user stories may run at once: stages run one after another".to_owned());
    }
    for section in tasks.sections.iter().filter(|section| !section.has_tasks() && !is_convention(section)) {
        let lines = section.text().lines().filter(|line| !line.trim().is_empty()).count();
        let what =
            if section.title.to_lowercase().starts_with("phase") { ": it has no tasks, so it is no stage" } else { "" };
        left.push(format!("the section {:?} ({}){what}", section.title, count(lines, "line", "lines")));
    }
}

fn is_story(label: &str) -> bool {
    label.strip_prefix("US").is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// Returns ids with commas between them; of many only the first.
fn named(ids: &[&str]) -> String {
    if ids.len() <= MAX_NAMED {
        list(ids)
    } else {
        format!("{} and {} more", list(&ids[..MAX_NAMED]), ids.len() - MAX_NAMED)
    }
}

#[cfg(test)]
#[path = "from_spec_kit_tests.rs"]
mod tests;
