//! `workstream`: executes a plan batch by batch for planners that are language models.

pub mod board;
pub mod clock;
pub mod closest;
pub mod decide;
pub mod index;
pub mod plan;
pub mod roster;
