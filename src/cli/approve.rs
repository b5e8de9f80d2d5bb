//! `work approve plan` and `work approve stage N`, and with `--revoke` the way back.

use crate::decide::PersonRequest;
use crate::plan::StageNumber;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Arguments {
    /// Approve PLAN.md as it is now
    #[command(after_help = "Examples:
  work approve plan
  work approve plan --force                in spite of open questions and broken numbers
  work approve plan --revoke --reason 'the API changes first'")]
    Plan {
        /// Approve in spite of open questions, duplicate and missing numbers
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        revocation: Revocation,
    },
    /// Approve a stage that is complete
    #[command(after_help = "Examples:
  work approve stage 1
  work approve stage 1 --force             cancels the threads that are open
  work approve stage 1 --revoke            shuts the gate to stage 2 again")]
    Stage {
        /// The number of the stage
        #[arg(value_name = "N")]
        stage: StageNumber,
        /// Cancel the threads that are open
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        revocation: Revocation,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Revocation {
    /// Take the approval back
    #[arg(long, conflicts_with = "force")]
    revoke: bool,
    /// Why it is taken back
    #[arg(long, value_name = "TEXT", requires = "revoke", allow_hyphen_values = true)]
    reason: Option<String>,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        let by = who();
        match self {
            Self::Plan { revocation: Revocation { revoke: true, reason }, .. } => {
                PersonRequest::RevokePlan { by, reason }
            }
            Self::Plan { force, .. } => PersonRequest::ApprovePlan { force, by },
            Self::Stage { stage, revocation: Revocation { revoke: true, reason }, .. } => {
                PersonRequest::RevokeStage { stage, by, reason }
            }
            Self::Stage { stage, force, .. } => PersonRequest::ApproveStage { stage, force, by },
        }
    }
}

/// Returns the name that the approval carries.
fn who() -> String {
    let name = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    name("USER").or_else(|| name("LOGNAME")).or_else(|| name("USERNAME")).unwrap_or_else(|| "user".to_owned())
}
