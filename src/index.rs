//! PURE. What index.json says: the workstreams, the current one, what a person has approved.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{PlanApproval, StageNumber};
use crate::wording::is_hidden;

/// The longest name of a workstream's folder, in characters.
const MAX_NAME_CHARS: usize = 60;

/// What index.json says. A workspace without the file has an empty one.
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
    /// What the file says of its status.
    pub status: Option<StreamStatus>,
    /// The approvals; an entry without any is a draft.
    pub approvals: Approvals,
}

/// The status of a workstream in index.json. Only two of them mean anything to the rules; the others
/// are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStatus {
    /// Nothing has begun.
    Pending,
    /// Work is going on.
    InProgress,
    /// A person has completed it.
    Completed,
    /// A person has paused it: it hands out nothing.
    OnHold,
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
    /// Who approved.
    pub by: Option<String>,
    /// When, as it stands on disk.
    pub at: Option<String>,
    /// Why it was revoked.
    pub revoked_reason: Option<String>,
}

/// The approvals of a workstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// That of the plan.
    pub plan: Approval,
    /// The hash of the plan that was approved.
    pub plan_hash: Option<String>,
    /// Those of the stages.
    pub stages: BTreeMap<StageNumber, Approval>,
}

/// A change of index.json. Only the command line's requests make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum IndexEvent {
    /// The workstream begins, with a plan that is a draft.
    Created,
    /// The workstream that is meant when nobody names one.
    CurrentSet,
    /// A person approved the plan with this hash.
    PlanApproved {
        /// Lower-case hex SHA-256 of PLAN.md.
        hash: String,
        /// Who approved.
        by: String,
    },
    /// A person approved a stage.
    StageApproved {
        /// The stage.
        stage: StageNumber,
        /// Who approved.
        by: String,
    },
    /// The approvals of stages followed their stages to other numbers; `None`: the stage is not in the plan any more.
    StagesMoved {
        /// The numbers now, by the numbers before, of those that moved.
        stages: BTreeMap<StageNumber, Option<StageNumber>>,
    },
    /// A person took the approval of the plan back.
    PlanRevoked {
        /// Who revoked.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// A person took the approval of a stage back.
    StageRevoked {
        /// The stage.
        stage: StageNumber,
        /// Who revoked.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// A person completed the workstream.
    Completed,
    /// A person took its completion back.
    Reopened,
}

impl Index {
    /// Returns the entry of the workstream with that id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Returns the id of a new workstream of that name: the next number after all that `folders` and the
    /// entries have. One that was begun and never got its plan is taken up again, but only if nobody has
    /// decided anything about it: an approval is of a plan, not of a name.
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
    /// Returns whether nothing has happened to the workstream since it was made.
    fn is_new(&self) -> bool {
        self.status == Some(StreamStatus::Pending) && self.approvals == Approvals::default()
    }

    /// Returns what the entry says about the approval of the plan.
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

    /// Returns what the entry says about the approval of a stage.
    pub fn stage_approval(&self, stage: StageNumber) -> Option<&Approval> {
        self.approvals.stages.get(&stage)
    }
}

/// Returns a name as a folder has it: `Search API` is `search-api`. `None` where nothing is left.
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

fn number_of(id: &str) -> Option<u32> {
    id.split_once('-')?.0.parse().ok()
}

/// Returns whether a text can name a folder inside `work/` and nothing else: no path, no hidden name, and
/// no character by which two names could look like one.
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
