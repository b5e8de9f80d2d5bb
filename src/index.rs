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
#[derive(Debug, Clone, PartialEq, Eq)]
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
