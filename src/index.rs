//! PURE. What index.json says: the workstreams, the current one, what a person has approved.

use std::collections::BTreeMap;

use crate::plan::{PlanApproval, StageNumber};

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
    pub approval: Approval,
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

/// The approvals of a workstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approval {
    /// The approval of the plan.
    pub status: ApprovalStatus,
    /// The hash of the plan that was approved.
    pub plan_hash: Option<String>,
    /// The approvals of the stages.
    pub stages: BTreeMap<StageNumber, ApprovalStatus>,
}

/// A change of index.json. Only the command line's requests make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexEvent {
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
    /// A person completed the workstream.
    Completed,
}

impl Index {
    /// Returns the entry of the workstream with that id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

impl Entry {
    /// Returns what the entry says about the approval of the plan.
    pub fn plan_approval(&self) -> PlanApproval {
        match self.approval.status {
            ApprovalStatus::Draft => PlanApproval::Draft,
            ApprovalStatus::Revoked => PlanApproval::Revoked,
            ApprovalStatus::Approved => PlanApproval::Approved { hash: self.approval.plan_hash.clone() },
        }
    }

    /// Returns whether a person has approved the stage.
    pub fn stage_approved(&self, stage: StageNumber) -> bool {
        self.approval.stages.get(&stage) == Some(&ApprovalStatus::Approved)
    }
}
