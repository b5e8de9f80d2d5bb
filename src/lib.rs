//! `workstream`: executes a plan batch by batch for planners that are language models.

pub mod board;
pub mod cli;
pub mod clock;
pub mod closest;
pub mod decide;
pub mod fault;
pub mod index;
pub mod mcp;
pub mod plan;
pub mod roster;
pub mod store;
pub mod transact;
