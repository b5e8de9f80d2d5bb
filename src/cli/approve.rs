//! `work approve plan` and `work approve stage N`

use crate::decide::PersonRequest;
use crate::plan::StageNumber;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Arguments {
    /// Approve PLAN.md as it is now
    Plan {
        /// Approve in spite of open questions, duplicate and missing numbers
        #[arg(long)]
        force: bool,
    },
    /// Approve a stage that is complete
    Stage {
        /// The number of the stage
        #[arg(value_name = "N")]
        stage: StageNumber,
        /// Cancel the threads that are open
        #[arg(long)]
        force: bool,
    },
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        match self {
            Self::Plan { force } => PersonRequest::ApprovePlan { force, by: who() },
            Self::Stage { stage, force } => PersonRequest::ApproveStage { stage, force, by: who() },
        }
    }
}

/// Returns the name that the approval carries.
fn who() -> String {
    let name = |variable| std::env::var(variable).ok().filter(|name| !name.is_empty());
    name("USER").or_else(|| name("LOGNAME")).or_else(|| name("USERNAME")).unwrap_or_else(|| "user".to_owned())
}
