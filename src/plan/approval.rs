//! The types of trust: a [`Plan`] that was read, a [`SoundPlan`] that a person may approve, an
//! [`ApprovedPlan`] from which work may be handed out (DESIGN §7).

use std::fmt::Write as _;
use std::ops::Deref;

use sha2::{Digest, Sha256};

use super::{Plan, Problem, check, with_line_feeds};
use crate::roster::Roster;

/// What index.json says about the approval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanApproval {
    /// Nobody has approved it yet; also where the workstream has no index entry.
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
    /// Returns the plan as approved, or why it is not; `hash` is that of PLAN.md as it is now.
    pub fn admit<'p>(&self, plan: &'p Plan, hash: &PlanHash) -> Result<ApprovedPlan<'p>, PlanGate> {
        match self {
            Self::Draft => Err(PlanGate::NotApproved),
            Self::Revoked => Err(PlanGate::Revoked),
            Self::Approved { hash: Some(approved) } if !hash.is(approved) => Err(PlanGate::Changed),
            Self::Approved { .. } => Ok(ApprovedPlan(plan)),
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

/// What `plan_hash` of index.json is compared with: the SHA-256 of a plan's text with line feeds as line ends.
///
/// A checkout may have other line ends (`core.autocrlf`), and is the plan that was approved all the same.
/// Releases before 0.2.0 approved the bytes as they were; their approvals stay good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanHash {
    hash: String,
    /// That of the bytes as they are, where it is another one.
    of_bytes: Option<String>,
}

impl PlanHash {
    /// Returns the hash of a plan.
    pub fn of(text: &str) -> Self {
        let hash = if text.contains('\r') {
            sha256(with_line_feeds(&text.replace("\r\n", "\n")).as_bytes())
        } else {
            sha256(text.as_bytes())
        };
        Self { hash, of_bytes: text.contains('\r').then(|| sha256(text.as_bytes())) }
    }

    /// Returns it in lower-case hex, as an approval keeps it.
    pub fn as_str(&self) -> &str {
        &self.hash
    }

    /// Returns whether an approval of `approved`, in hex, is one of this plan.
    pub fn is(&self, approved: &str) -> bool {
        let hashes = std::iter::once(&self.hash).chain(&self.of_bytes);
        hashes.into_iter().any(|hash| approved.eq_ignore_ascii_case(hash))
    }
}

/// Returns the SHA-256 of a file in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_other_programs_compute() {
        assert_eq!(PlanHash::of("").as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn line_ends_do_not_count_but_in_approvals_of_older_releases() {
        let (unix, windows) = (PlanHash::of("# Plan: a\n\nb\n"), PlanHash::of("# Plan: a\r\n\r\nb\r\n"));
        assert_eq!(unix.as_str(), windows.as_str());
        assert_eq!(PlanHash::of("# Plan: a\r\rb\r").as_str(), unix.as_str());
        assert_ne!(PlanHash::of("# Plan: a\nb\n").as_str(), unix.as_str());
        assert!(windows.is(&sha256(b"# Plan: a\r\n\r\nb\r\n")));
        assert!(!unix.is(&sha256(b"# Plan: a\r\n\r\nb\r\n")));
    }

    #[test]
    fn only_an_approval_of_this_very_text_opens_the_gate() {
        let plan = Plan::default();
        let hash = PlanHash { hash: "ab".to_owned(), of_bytes: None };
        let gate = |approval: PlanApproval| approval.admit(&plan, &hash).map(|_| ());
        assert_eq!(gate(PlanApproval::Draft), Err(PlanGate::NotApproved));
        assert_eq!(gate(PlanApproval::Revoked), Err(PlanGate::Revoked));
        assert_eq!(gate(PlanApproval::Approved { hash: None }), Ok(()));
        assert_eq!(gate(PlanApproval::Approved { hash: Some("AB".to_owned()) }), Ok(()));
        assert_eq!(gate(PlanApproval::Approved { hash: Some("cd".to_owned()) }), Err(PlanGate::Changed));
    }
}
