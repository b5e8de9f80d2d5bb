//! The types of trust: a [`Plan`] that was read, a [`SoundPlan`] that a person may approve, an
//! [`ApprovedPlan`] from which work may be handed out (DESIGN §7).

use std::fmt::Write as _;
use std::ops::Deref;

use sha2::{Digest, Sha256};

use super::{Plan, Problem, check};
use crate::roster::Roster;

/// What index.json says about the approval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanApproval {
    /// The workstream has no index entry, so there is no plan gate.
    Ungated,
    /// Nobody has approved it yet.
    Draft,
    /// The approval was taken back.
    Revoked,
    /// A person has approved the text with this hash; `None` is not compared.
    Approved {
        /// Lower-case hex SHA-256 of the approved PLAN.md.
        hash: Option<String>,
    },
}

/// Why the plan gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanGate {
    /// Nobody has approved the plan.
    NotApproved,
    /// The approval was taken back.
    Revoked,
    /// PLAN.md is not the text that was approved.
    Changed,
}

/// A plan from which work may be handed out. Only [`PlanApproval::admit`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct ApprovedPlan<'p>(&'p Plan);

/// A plan that a person may approve. Only [`SoundPlan::examine`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct SoundPlan<'p>(&'p Plan);

impl PlanApproval {
    /// Returns the plan as approved, or why it is not; `hash` is that of the text as it is now.
    pub fn admit<'p>(&self, plan: &'p Plan, hash: &str) -> Result<ApprovedPlan<'p>, PlanGate> {
        match self {
            Self::Draft => Err(PlanGate::NotApproved),
            Self::Revoked => Err(PlanGate::Revoked),
            Self::Approved { hash: Some(approved) } if !approved.eq_ignore_ascii_case(hash) => Err(PlanGate::Changed),
            Self::Ungated | Self::Approved { .. } => Ok(ApprovedPlan(plan)),
        }
    }
}

impl<'p> SoundPlan<'p> {
    /// Returns the plan as one that may be approved, or the problems that forbid it. A person may
    /// overrule them with `force`.
    pub fn examine(plan: &'p Plan, roster: &Roster, force: bool) -> Result<Self, Vec<Problem>> {
        let mut problems = check(plan, roster);
        problems.retain(|problem| problem.kind.forbids_approval());
        if problems.is_empty() || force { Ok(Self(plan)) } else { Err(problems) }
    }
}

impl<'p> ApprovedPlan<'p> {
    /// Returns the plan with the lifetime of the text it was read from.
    pub fn plan(self) -> &'p Plan {
        self.0
    }
}

impl Deref for SoundPlan<'_> {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        self.0
    }
}

impl PlanGate {
    /// Returns the reason as half a sentence, for refusals and warnings.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotApproved => "the plan is not approved",
            Self::Revoked => "the approval of the plan was revoked",
            Self::Changed => "PLAN.md has changed since it was approved",
        }
    }
}

/// Returns the SHA-256 of a PLAN.md in lower-case hex, as index.json keeps it.
pub fn plan_hash(text: &[u8]) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_other_programs_compute() {
        assert_eq!(plan_hash(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn only_an_approval_of_this_very_text_opens_the_gate() {
        let plan = Plan::default();
        let gate = |approval: PlanApproval| approval.admit(&plan, "ab").map(|_| ());
        assert_eq!(gate(PlanApproval::Ungated), Ok(()));
        assert_eq!(gate(PlanApproval::Draft), Err(PlanGate::NotApproved));
        assert_eq!(gate(PlanApproval::Revoked), Err(PlanGate::Revoked));
        assert_eq!(gate(PlanApproval::Approved { hash: None }), Ok(()));
        assert_eq!(gate(PlanApproval::Approved { hash: Some("AB".to_owned()) }), Ok(()));
        assert_eq!(gate(PlanApproval::Approved { hash: Some("cd".to_owned()) }), Err(PlanGate::Changed));
    }
}
