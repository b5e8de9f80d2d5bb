//! Types that say how far a plan is trusted: a [`Plan`] was parsed, a [`SoundPlan`] may be approved by a person, and
//! from an [`ApprovedPlan`] work may be handed out (DESIGN §7).

use std::fmt::Write as _;
use std::ops::Deref;

use sha2::{Digest, Sha256};

use super::{Plan, Problem, check, with_line_feeds};
use crate::roster::Roster;

/// What index.json says about the approval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanApproval {
    /// No person has approved it yet, or the workstream has no entry in index.json.
    Draft,
    /// A person took the approval back.
    Revoked,
    /// A person has approved the text with this hash. An approval without a hash holds for any text.
    Approved {
        /// The SHA-256 of the approved PLAN.md in hex.
        hash: Option<String>,
    },
}

/// Why the plan gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanGate {
    /// No person has approved the plan.
    NotApproved,
    /// A person took the approval back.
    Revoked,
    /// The text of PLAN.md is not the approved one.
    Changed,
}

/// A plan from which work may be handed out. Only [`PlanApproval::admit`] creates one.
#[derive(Debug, Clone, Copy)]
pub struct ApprovedPlan<'p>(&'p Plan);

/// A plan that a person may approve. Only [`SoundPlan::examine`] creates one.
#[derive(Debug, Clone, Copy)]
pub struct SoundPlan<'p>(&'p Plan);

impl PlanApproval {
    /// Returns the plan as an [`ApprovedPlan`], or the reason why the gate of the plan is shut. `hash` is the hash of
    /// PLAN.md as it is now.
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
    /// Returns the plan as one that may be approved, or the problems that forbid the approval. With `force` a person
    /// overrules them.
    pub fn examine(plan: &'p Plan, roster: &Roster, force: bool) -> Result<Self, Vec<Problem>> {
        let mut problems = check(plan, roster);
        problems.retain(|problem| problem.kind.forbids_approval());
        if problems.is_empty() || force { Ok(Self(plan)) } else { Err(problems) }
    }
}

impl<'p> ApprovedPlan<'p> {
    /// Returns the plan, for as long as it is borrowed and not only for as long as this value lives.
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
    /// Returns the reason as a clause without a full stop, for refusals and warnings.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotApproved => "the plan is not approved",
            Self::Revoked => "the approval of the plan was revoked",
            Self::Changed => "PLAN.md has changed since it was approved",
        }
    }
}

/// The hash of a plan's text, to be compared with `plan_hash` of index.json: the SHA-256 with line feeds as line
/// ends.
///
/// A checkout may change the line ends (`core.autocrlf`), but the plan is still the approved one. Releases before
/// 0.2.0 hashed the bytes as they were; their approvals stay valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanHash {
    hash: String,
    /// The SHA-256 of the bytes as they are, if the text has carriage returns.
    of_bytes: Option<String>,
}

impl PlanHash {
    /// Returns the hash of a plan's text.
    pub fn of(text: &str) -> Self {
        let hash = if text.contains('\r') {
            sha256(with_line_feeds(&text.replace("\r\n", "\n")).as_bytes())
        } else {
            sha256(text.as_bytes())
        };
        Self { hash, of_bytes: text.contains('\r').then(|| sha256(text.as_bytes())) }
    }

    /// Returns the hash in lower-case hex, the form in which an approval keeps it.
    pub fn as_str(&self) -> &str {
        &self.hash
    }

    /// Returns whether `approved`, a hash in hex, is a hash of this text.
    pub fn is(&self, approved: &str) -> bool {
        let hashes = std::iter::once(&self.hash).chain(&self.of_bytes);
        hashes.into_iter().any(|hash| approved.eq_ignore_ascii_case(hash))
    }
}

/// Returns the SHA-256 of some bytes in lower-case hex.
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
    fn line_ends_count_only_in_approvals_of_older_releases() {
        let (unix, windows) = (PlanHash::of("# Plan: a\n\nb\n"), PlanHash::of("# Plan: a\r\n\r\nb\r\n"));
        assert_eq!(unix.as_str(), windows.as_str());
        assert_eq!(PlanHash::of("# Plan: a\r\rb\r").as_str(), unix.as_str());
        assert_ne!(PlanHash::of("# Plan: a\nb\n").as_str(), unix.as_str());
        assert!(windows.is(&sha256(b"# Plan: a\r\n\r\nb\r\n")));
        assert!(!unix.is(&sha256(b"# Plan: a\r\n\r\nb\r\n")));
    }

    #[test]
    fn only_an_approval_of_this_text_opens_the_gate() {
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
