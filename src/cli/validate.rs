//! `work validate [plan]`

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Errors forbid the approval of the plan, warnings do not. Exit code 1 with errors.\n\nExample:\n  work validate"
)]
pub(super) struct Arguments {
    /// What to check
    #[arg(value_name = "plan", value_parser = ["plan"], default_value = "plan", hide_default_value = true)]
    _what: String,
}
