//! PURE. Makes a plan of a tag of task-master's tasks.json (DESIGN §3a).
//!
//! A task is a thread. Those that wait for nothing are the first batch, those that wait only for them the second, and so
//! on: so everything comes after what it depends on. Subtasks stand in the details of their thread, since one worker does
//! them in order. What is deferred, and what depends on it, is a stage of its own behind the others: a person passes a
//! gate before it begins.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::mapped::{Mapped, Source};
use super::order::order;
use crate::board::Status;
use crate::format::task_master::{Tag, Task, TaskMasterJson};
use crate::plan::{BatchTexts, MAX_NAME_CHARS, PlanTexts, StageTexts, ThreadTexts, short, tidy};
use crate::wording::{count, list};

/// The longest description that stands in the summary of a thread, in characters. `next_batch` shows 300.
const MAX_SUMMARY_CHARS: usize = 300;

/// Returns the plan for the tag of this place in a tasks.json.
pub(super) fn from_task_master(file: &TaskMasterJson, chosen: usize, source: Source<'_>) -> Mapped {
    let Some(tag) = file.tags.get(chosen) else {
        return Mapped { plan: PlanTexts::default(), name: String::new(), statuses: Vec::new(), left: Vec::new() };
    };
    let tasks = &tag.tasks;
    let mut left = Vec::new();
    let pairs = dependencies(tasks, &mut left);
    let order = order(tasks.len(), &pairs);
    for (before, after) in &order.dropped {
        let (before, after) = (named(&tasks[*before]), named(&tasks[*after]));
        left.push(if before == after {
            format!("that {after} depends on itself")
        } else {
            format!("that {after} depends on {before}: they wait for each other")
        });
    }
    let kept: Vec<(usize, usize)> = pairs.into_iter().filter(|pair| !order.dropped.contains(pair)).collect();
    let is_later = deferred(tasks, &order.sequence, &kept);
    let mut stages: Vec<StageTexts> = Vec::new();
    let mut statuses = Vec::new();
    for later in [false, true] {
        let mut levels: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in (0..tasks.len()).filter(|at| is_later[*at] == later) {
            levels.entry(order.levels[at]).or_default().push(at);
        }
        if levels.is_empty() {
            continue;
        }
        let mut stage = StageTexts {
            name: if later { "Deferred" } else { "Tasks" }.to_owned(),
            definition: vec![if later {
                format!("The tasks that are deferred in `{}`, and those that depend on them.", source.path)
            } else {
                format!("The tasks of `{}`{}.", source.path, of_tag(tag))
            }],
            ..StageTexts::default()
        };
        let number = levels.len();
        for (at, mut own) in levels.into_values().enumerate() {
            // Those that are handed out first are the first of the batch.
            own.sort_by_key(|at| rank(&tasks[*at].priority));
            let threads: Vec<ThreadTexts> = own.iter().map(|at| thread(&tasks[*at], source.path)).collect();
            statuses.extend(own.iter().map(|at| status(&tasks[*at])));
            let name = match (threads.as_slice(), number) {
                (_, 1) => "Tasks".to_owned(),
                ([thread], _) => thread.name.clone(),
                _ => format!("Level {} of {number}", at + 1),
            };
            let summary = match at {
                _ if later || number == 1 => Vec::new(),
                0 => vec!["What depends on nothing.".to_owned()],
                _ => vec!["What depends only on the batches before it.".to_owned()],
            };
            stage.batches.push(BatchTexts { name, summary, threads });
        }
        stages.push(stage);
    }
    told(file, chosen, tag, &mut left);
    let name = name(tag).unwrap_or_else(|| source.name.to_owned());
    let about = tag.about.iter().find(|(key, _)| key == "description").map(|(_, text)| text.clone());
    let references = std::iter::once(format!("- imported from `{}`{}", source.path, of_tag(tag)));
    let references = references.chain(source.documents.iter().map(|path| format!("- `{path}`")));
    let plan = PlanTexts {
        name: short(&name, MAX_NAME_CHARS),
        summary: vec![about.unwrap_or_else(|| format!("Imported from {}{}.", source.path, of_tag(tag)))],
        references: vec![references.collect::<Vec<_>>().join("\n")],
        stages,
        ..PlanTexts::default()
    };
    Mapped { plan, name, statuses, left }
}

/// Returns the place of a priority in an order, the highest first.
fn rank(priority: &str) -> usize {
    ["critical", "high", "medium", "low"].iter().position(|known| priority.eq_ignore_ascii_case(known)).unwrap_or(2)
}

fn of_tag(tag: &Tag) -> String {
    tag.name.as_ref().map(|name| format!(", tag {name}")).unwrap_or_default()
}

/// Returns the name that a tag gives to the workstream: its own, or that of the project. `master` is no name.
fn name(tag: &Tag) -> Option<String> {
    let project = tag.about.iter().find(|(key, _)| key == "projectName").map(|(_, name)| name.clone());
    tag.name.clone().filter(|name| name != "master").or(project).filter(|name| name != "Your Project Name")
}

/// Returns how a sentence names a task.
fn named(task: &Task) -> String {
    if task.id.is_empty() { format!("{:?}", short(&task.title, 40)) } else { task.id.clone() }
}

/// Returns the pairs (before, after) of places of tasks that the file demands. What it demands of tasks that are not there
/// is told.
fn dependencies(tasks: &[Task], left: &mut Vec<String>) -> Vec<(usize, usize)> {
    let mut known: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, task) in tasks.iter().enumerate().filter(|(_, task)| !task.id.is_empty()) {
        known.entry(&task.id).or_default().push(at);
    }
    for (id, own) in known.iter().filter(|(_, own)| own.len() > 1) {
        left.push(format!(
            "{} tasks have the id {id}: each is a thread, and what depends on {id} waits for all",
            own.len()
        ));
    }
    let without = tasks.iter().filter(|task| task.id.is_empty()).count();
    if without > 0 {
        left.push(format!("{} no id, so nothing can wait for it", count(without, "task has", "tasks have")));
    }
    let mut pairs = Vec::new();
    for (after, task) in tasks.iter().enumerate() {
        // What one of its subtasks needs of another task, the thread needs.
        let of_subtasks = task.subtasks.iter().flat_map(|subtask| &subtask.dependencies);
        let of_others = of_subtasks.filter(|id| id.split_once('.').is_some_and(|(of, _)| of != task.id));
        for id in task.dependencies.iter().chain(of_others) {
            let found = known.get(id.as_str()).or_else(|| known.get(id.split_once('.')?.0));
            match found {
                Some(own) => pairs.extend(own.iter().map(|before| (*before, after))),
                None => left.push(format!("that {} depends on {}: there is no such task", named(task), short(id, 40))),
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Returns for each task whether it is deferred, or depends on one that is and has not ended.
fn deferred(tasks: &[Task], sequence: &[usize], pairs: &[(usize, usize)]) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (first, then) in pairs {
        before[*then].push(*first);
    }
    let mut is_later = vec![false; tasks.len()];
    for at in sequence.iter().copied() {
        let is_open = status(&tasks[at]) == Status::Pending;
        is_later[at] = is_open && (tasks[at].status == "deferred" || before[at].iter().any(|first| is_later[*first]));
    }
    is_later
}

fn status(task: &Task) -> Status {
    match task.status.to_lowercase().as_str() {
        "done" | "completed" => Status::Completed,
        "cancelled" | "canceled" => Status::Cancelled,
        _ => Status::Pending,
    }
}

fn thread(task: &Task, source: &str) -> ThreadTexts {
    let described = tidy(&task.description);
    let is_short = described.chars().count() <= MAX_SUMMARY_CHARS && !described.is_empty();
    let mut details = Vec::new();
    if !is_short {
        details.push(described.clone());
    }
    details.push(task.details.clone());
    fields(task, &mut details);
    if !task.subtasks.is_empty() {
        details.push("**Subtasks**, in this order unless they say otherwise:".to_owned());
        for subtask in &task.subtasks {
            self::subtask(subtask, &task.id, &mut details);
        }
    }
    let id = if task.id.is_empty() { String::new() } else { format!("Id {} in ", task.id) };
    let priority =
        if task.priority.is_empty() { String::new() } else { format!(", priority {}", short(&task.priority, 40)) };
    details.push(format!("{id}`{source}`{priority}."));
    let title = if task.title.trim().is_empty() { format!("Task of {source}") } else { task.title.clone() };
    ThreadTexts {
        name: short(&title, MAX_NAME_CHARS),
        summary: vec![if is_short { described } else { title.clone() }],
        details,
        ..ThreadTexts::default()
    }
}

/// Adds what a task or a subtask has besides its details.
fn fields(task: &Task, details: &mut Vec<String>) {
    for (name, text) in [("Test strategy", &task.test_strategy), ("Acceptance criteria", &task.acceptance)] {
        if !text.trim().is_empty() {
            details.extend([format!("**{name}**"), text.clone()]);
        }
    }
}

/// Adds a subtask to the details of its thread, as an item with a box and the texts below it.
fn subtask(subtask: &Task, parent: &str, details: &mut Vec<String>) {
    let done = if status(subtask) == Status::Pending { ' ' } else { 'x' };
    let id = if subtask.id.contains('.') || parent.is_empty() {
        subtask.id.clone()
    } else {
        format!("{parent}.{}", subtask.id)
    };
    let mut item = format!("- [{done}] {id} {}", tidy(&subtask.title).replace('\n', " "));
    let word = subtask.status.as_str();
    let mut remarks = Vec::new();
    if !matches!(word, "" | "pending" | "done" | "completed") {
        remarks.push(short(word, 40));
    }
    if !subtask.dependencies.is_empty() {
        remarks.push(format!("after {}", list(&subtask.dependencies)));
    }
    if !remarks.is_empty() {
        let _ = write!(item, " ({})", remarks.join(", "));
    }
    details.extend([item, subtask.description.clone(), subtask.details.clone()]);
    fields(subtask, details);
    for deeper in &subtask.subtasks {
        self::subtask(deeper, &id, details);
    }
}

/// Tells what the plan has no place for.
fn told(file: &TaskMasterJson, chosen: usize, tag: &Tag, left: &mut Vec<String>) {
    let mut by_status: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for task in tag.tasks.iter().filter(|task| status(task) == Status::Pending) {
        if !matches!(task.status.as_str(), "" | "pending") {
            by_status.entry(&task.status).or_default().push(named(task));
        }
    }
    for (word, tasks) in by_status {
        let place = if word == "deferred" { "pending here, in the last stage" } else { "pending here" };
        left.push(format!("the status {:?} of {}: {place}", short(word, 40), list(&tasks)));
    }
    let subtasks: usize = tag.tasks.iter().map(|task| task.subtasks.len()).sum();
    if subtasks > 0 {
        left.push(format!(
            "the statuses of {}: boxes in the details of their threads",
            count(subtasks, "subtask", "subtasks")
        ));
    }
    let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tag.tasks.iter().flat_map(|task| std::iter::once(task).chain(&task.subtasks)) {
        for key in &task.others {
            *fields.entry(key).or_default() += 1;
        }
    }
    left.extend(
        fields.into_iter().map(|(key, number)| format!("the field {key:?} of {}", count(number, "task", "tasks"))),
    );
    if !tag.no_tasks.is_empty() {
        left.push(format!(
            "{} that are no tasks: {}",
            count(tag.no_tasks.len(), "entry", "entries"),
            short(&tag.no_tasks.join(", "), 80)
        ));
    }
    let about: Vec<&str> = tag
        .about
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !matches!(*key, "description" | "projectName"))
        .collect();
    if !about.is_empty() {
        left.push(format!("the metadata: {}", about.join(", ")));
    }
    for other in file.tags.iter().enumerate().filter(|(at, _)| *at != chosen).map(|(_, tag)| tag) {
        let tasks = count(other.tasks.len(), "task", "tasks");
        left.push(match &other.name {
            Some(name) => format!("the tag {name} ({tasks}): import it with --tag"),
            None => format!("the list of tasks without a tag ({tasks})"),
        });
    }
    left.extend(file.others.iter().map(|key| format!("the key {key:?} of the file")));
}

#[cfg(test)]
#[path = "from_task_master_tests.rs"]
mod tests;
