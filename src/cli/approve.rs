//! `work approve plan` and `work approve stage N`: pass a gate, or shut it again with `--revoke` (DESIGN §7).

use super::given_text::given_text;
use crate::decide::{Mapping, PersonRequest};
use crate::person;
use crate::plan::{StageNumber, ThreadId};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Arguments {
    /// Approve PLAN.md as it is now
    #[command(after_help = "Examples:
  work approve plan
  work approve plan --force                in spite of open questions and broken numbers
  work approve plan --map 01.02.01=01.03.01
                                           what was recorded as 01.02.01 is 01.03.01 now
  work diff --json | jq .unclear           which threads --map must name, and what they can be
  work approve plan --revoke --reason 'the API changes first'")]
    Plan {
        /// Approve in spite of problems, and interrupt threads in progress that would move
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        mapping: Which,
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
        /// Cancel the threads that are open, and run no checks
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        revocation: Revocation,
    },
}

/// Which thread is which, where it cannot be told from the plan.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// A thread has another id now; NEW is - where it left the plan. May be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = one_of_a_mapping, conflicts_with = "keep_ids")]
    map: Vec<(ThreadId, Option<ThreadId>)>,
    /// What is recorded stays with the ids, whatever they are called now
    #[arg(long)]
    keep_ids: bool,
}

/// Parses `OLD=NEW` or `OLD=-`; `None` stands for a thread that left the plan. The error says what is wrong.
fn one_of_a_mapping(text: &str) -> Result<(ThreadId, Option<ThreadId>), String> {
    let (old, new) = text.split_once('=').ok_or("write OLD=NEW, such as 01.02.01=01.03.01")?;
    let id = |text: &str| text.trim().parse::<ThreadId>().map_err(|malformed| malformed.to_string());
    Ok((id(old)?, if new.trim() == "-" { None } else { Some(id(new)?) }))
}

#[derive(Debug, clap::Args)]
pub(super) struct Revocation {
    /// Take the approval back
    #[arg(long, conflicts_with = "force")]
    revoke: bool,
    /// Why it is taken back. - reads stdin, @FILE a file
    #[arg(long, value_name = "TEXT", requires = "revoke", allow_hyphen_values = true, value_parser = given_text)]
    reason: Option<String>,
}

impl Arguments {
    /// Returns the request, in the name of the person who runs the command.
    pub(super) fn into_request(self) -> PersonRequest {
        let by = person::name();
        match self {
            Self::Plan { revocation: Revocation { revoke: true, reason }, .. } => {
                PersonRequest::RevokePlan { by, reason }
            }
            Self::Plan { force, mapping: Which { map, keep_ids }, .. } => {
                let mapping = Mapping { keep_ids, map };
                PersonRequest::ApprovePlan { force, mapping, by, seen: None }
            }
            Self::Stage { stage, revocation: Revocation { revoke: true, reason }, .. } => {
                PersonRequest::RevokeStage { stage, by, reason }
            }
            Self::Stage { stage, force, .. } => PersonRequest::ApproveStage { stage, force, by, checked: None },
        }
    }
}
