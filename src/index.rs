//! PURE. The content of index.json: the workstreams, the current one, and the approvals (DESIGN §3).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{PlanApproval, StageNumber};
use crate::roster::ChecksBy;
use crate::wording::is_hidden;

/// The maximum length of the name in the id of a workstream, in characters.
const MAX_NAME_CHARS: usize = 60;

/// The content of index.json. A workspace without the file has the default, which is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// The id in `current_stream`.
    pub current: Option<String>,
    /// The workstreams, in the order of the file.
    pub entries: Vec<Entry>,
}

/// A workstream of index.json.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, which is the name of its folder.
    pub id: String,
    /// Its name, by which people may call it.
    pub name: String,
    /// Its status; `None` if the file has none, or one that this program does not know.
    pub status: Option<StreamStatus>,
    /// Its approvals. An entry without any is a draft.
    pub approvals: Approvals,
}

/// The status of a workstream in index.json. Only the last three mean something to the rules (DESIGN §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Nothing has begun.
    Pending,
    /// Work is going on.
    InProgress,
    /// A person has completed it.
    Completed,
    /// A person has paused it, so that it hands out nothing.
    OnHold,
    /// A person has put it away: it hands out nothing, and lists leave it out.
    Archived,
}

/// The status of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApprovalStatus {
    /// Not approved yet.
    #[default]
    Draft,
    /// Approved.
    Approved,
    /// Approved once, then taken back.
    Revoked,
}

/// The approval of a plan or a stage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approval {
    /// Its status.
    pub status: ApprovalStatus,
    /// The name of the person who approved.
    pub by: Option<String>,
    /// The time of the approval, as the file has it.
    pub at: Option<String>,
    /// The name of the person who revoked it.
    pub revoked_by: Option<String>,
    /// The time at which it was revoked, as the file has it.
    pub revoked_at: Option<String>,
    /// The reason for which it was revoked.
    pub revoked_reason: Option<String>,
}

/// The approvals of a workstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// The approval of the plan.
    pub plan: Approval,
    /// The SHA-256 of the approved PLAN.md in hex.
    pub plan_hash: Option<String>,
    /// Who was to run the checks of the plan when it was approved; `None`: it has none, or that is not recorded.
    pub checks_by: Option<ChecksBy>,
    /// The hash of how `work run` was to start workers when the plan was approved; `None`: agents.yaml said nothing of it,
    /// or that is not recorded.
    pub workers_hash: Option<String>,
    /// The approvals of the stages.
    pub stages: BTreeMap<StageNumber, Approval>,
}

/// A change of index.json. Only requests of persons cause one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum IndexEvent {
    /// The workstream was created, with a draft as its plan.
    Created,
    /// The workstream became the current one.
    CurrentSet,
    /// A person approved the plan with this hash.
    PlanApproved {
        /// Lower-case hex SHA-256 of PLAN.md.
        hash: String,
        /// The name of the person who approved.
        by: String,
        /// Who was to run the checks of the plan; `None`: it has none.
        checks_by: Option<ChecksBy>,
        /// The hash of how `work run` is to start workers; `None`: agents.yaml says nothing of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        workers_hash: Option<String>,
    },
    /// A person approved a stage.
    StageApproved {
        /// The stage.
        stage: StageNumber,
        /// The name of the person who approved.
        by: String,
    },
    /// The approvals of stages moved with their stages to other numbers.
    StagesMoved {
        /// The new numbers of the stages that moved, by their old ones; `None` if the stage left the plan.
        stages: BTreeMap<StageNumber, Option<StageNumber>>,
    },
    /// A person took the approval of the plan back.
    PlanRevoked {
        /// The name of the person who revoked it.
        by: String,
        /// The reason, if one was given.
        reason: Option<String>,
    },
    /// A person took the approval of a stage back.
    StageRevoked {
        /// The stage.
        stage: StageNumber,
        /// The name of the person who revoked it.
        by: String,
        /// The reason, if one was given.
        reason: Option<String>,
    },
    /// A person completed the workstream.
    Completed,
    /// A person took its completion back.
    Reopened,
    /// A person put it away. If it was the current one, there is none now.
    Archived,
    /// A person took it out of the archive again. It has the status that it had before.
    Restored,
}

impl Index {
    /// Returns the entry of the workstream with this id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Returns whether a person has put the workstream away.
    pub fn is_archived(&self, id: &str) -> bool {
        self.entry(id).is_some_and(|entry| entry.status == Some(StreamStatus::Archived))
    }

    /// Returns the id of a new workstream: the next number after those of all `folders` and entries, and `slug`.
    ///
    /// An entry of the same name is used again if its creation was interrupted before the plan was written:
    /// `is_left_over` says so of its folder, and no person has decided anything about it. The last condition keeps a
    /// new plan from inheriting an approval.
    pub fn new_id(&self, slug: &str, folders: &[String], is_left_over: impl Fn(&str) -> bool) -> String {
        let begun = |entry: &&Entry| {
            name_of(&entry.id) == slug && number_of(&entry.id).is_some() && entry.is_new() && is_left_over(&entry.id)
        };
        if let Some(entry) = self.entries.iter().find(begun) {
            return entry.id.clone();
        }
        let ids = self.entries.iter().map(|entry| entry.id.as_str()).chain(folders.iter().map(String::as_str));
        let last = ids.filter_map(number_of).max().unwrap_or(0);
        format!("{:03}-{slug}", last.saturating_add(1))
    }
}

impl Entry {
    /// Returns whether the entry is as `Created` left it: pending, with no approval.
    fn is_new(&self) -> bool {
        self.status == Some(StreamStatus::Pending) && self.approvals == Approvals::default()
    }

    /// Returns the approval of the plan.
    pub fn plan_approval(&self) -> PlanApproval {
        match self.approvals.plan.status {
            ApprovalStatus::Draft => PlanApproval::Draft,
            ApprovalStatus::Revoked => PlanApproval::Revoked,
            ApprovalStatus::Approved => PlanApproval::Approved { hash: self.approvals.plan_hash.clone() },
        }
    }

    /// Returns whether a person has approved the stage.
    pub fn stage_approved(&self, stage: StageNumber) -> bool {
        self.stage_approval(stage).is_some_and(|approval| approval.status == ApprovalStatus::Approved)
    }

    /// Returns the approval of a stage, if the entry has one.
    pub fn stage_approval(&self, stage: StageNumber) -> Option<&Approval> {
        self.approvals.stages.get(&stage)
    }
}

/// Returns a name as part of the name of a folder: `Search API` becomes `search-api`. `None` if nothing is left of
/// it.
pub fn slug(name: &str) -> Option<String> {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() && !is_hidden(c) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(MAX_NAME_CHARS).collect();
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// Returns the name in the id of a workstream: `search-api` in `001-search-api`.
pub fn name_of(id: &str) -> &str {
    match id.split_once('-') {
        Some((_, name)) if number_of(id).is_some() => name,
        _ => id,
    }
}

/// Returns the id that a workstream gets with another name: its number stays.
pub(crate) fn renamed_id(id: &str, slug: &str) -> String {
    match id.split_once('-') {
        Some((number, _)) if number_of(id).is_some() => format!("{number}-{slug}"),
        _ => slug.to_owned(),
    }
}

/// Returns the number in the id of a workstream: 1 in `001-search-api`.
fn number_of(id: &str) -> Option<u32> {
    id.split_once('-')?.0.parse().ok()
}

/// Returns whether a text is safe as the name of a folder inside `work/`: not a path, not hidden, not an option of a
/// command, and without characters by which two different names could look the same.
pub(crate) fn is_folder_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['.', '-'])
        && text.len() <= 255
        && !text.contains(|c: char| matches!(c, '/' | '\\' | ':' | '\u{200b}'..='\u{200d}') || is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_folders() {
        for name in ["001-search-api", "été", "a b"] {
            assert!(is_folder_name(name), "{name:?}");
        }
        for name in [
            "",
            ".",
            "..",
            ".run",
            "-x",
            "../x",
            "a/b",
            "a\\b",
            "C:",
            "a\0b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{3164}b",
        ] {
            assert!(!is_folder_name(name), "{name:?}");
        }
    }

    #[test]
    fn names_become_folders() {
        let table = [
            ("Search API", Some("search-api")),
            ("search-api", Some("search-api")),
            (" --a__b!! ", Some("a-b")),
            ("../../etc", Some("etc")),
            ("Größe", Some("größe")),
            ("..", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(slug(name).as_deref(), expected, "{name:?}");
        }
        assert_eq!(slug(&"x".repeat(300)).map(|slug| slug.len()), Some(MAX_NAME_CHARS));
        assert_eq!(
            (name_of("001-search-api"), name_of("search-api"), name_of("api")),
            ("search-api", "search-api", "api")
        );
    }

    #[test]
    fn a_new_workstream_never_inherits_a_decision() {
        let entry = |id: &str, status, plan_status| Entry {
            id: id.into(),
            name: "api".into(),
            status,
            approvals: Approvals {
                plan: Approval { status: plan_status, ..Approval::default() },
                ..Approvals::default()
            },
        };
        let id = |entry: Entry| {
            let index = Index { current: None, entries: vec![entry] };
            index.new_id("api", &["007-other".to_owned()], |_| true)
        };
        let pending = Some(StreamStatus::Pending);
        assert_eq!(id(entry("003-api", pending, ApprovalStatus::Draft)), "003-api");
        assert_eq!(id(entry("003-api", pending, ApprovalStatus::Approved)), "008-api");
        assert_eq!(id(entry("003-api", pending, ApprovalStatus::Revoked)), "008-api");
        assert_eq!(id(entry("003-api", Some(StreamStatus::OnHold), ApprovalStatus::Draft)), "008-api");
        assert_eq!(id(entry("003-api", None, ApprovalStatus::Draft)), "008-api");
        assert_eq!(id(entry("003-web", pending, ApprovalStatus::Draft)), "008-api");
        assert_eq!(Index::default().new_id("api", &[], |_| true), "001-api");
    }
}
