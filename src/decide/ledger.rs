//! What a decision changes: events, and the board as they leave it.

use std::sync::Arc;

use crate::board::{Board, Event, Moves};
use crate::index::IndexEvent;
use crate::moment::Moment;

/// The events of one decision. Each is applied as it is recorded, so that what is decided next sees it.
#[derive(Debug, Clone)]
pub struct Ledger {
    board: Arc<Board>,
    events: Vec<Event>,
    index_events: Vec<IndexEvent>,
    at: Moment,
}

impl Ledger {
    /// Starts with the board as it is and nothing recorded; it is copied when something is. All events happen at the same moment.
    pub fn new(board: &Arc<Board>, at: Moment) -> Self {
        Self { board: Arc::clone(board), events: Vec::new(), index_events: Vec::new(), at }
    }

    /// Records an event and applies it.
    pub fn record(&mut self, event: Event) {
        Arc::make_mut(&mut self.board).apply(&event, self.at);
        self.events.push(event);
    }

    /// Records a change of index.json.
    pub fn record_in_index(&mut self, event: IndexEvent) {
        self.index_events.push(event);
    }

    /// Returns the ledger of both decisions, of which the other one was made on the board that this one leaves.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        self.events.extend(later.events);
        self.index_events.extend(later.index_events);
        Self { board: later.board, at: later.at, ..self }
    }

    /// Returns the board as the events recorded so far leave it.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Returns the events recorded so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns the changes of index.json recorded so far.
    pub fn index_events(&self) -> &[IndexEvent] {
        &self.index_events
    }

    /// Returns whether PLAN.md as it is now was approved, so that its text is kept.
    pub fn approves_plan(&self) -> bool {
        self.index_events.iter().any(|event| matches!(event, IndexEvent::PlanApproved { .. }))
    }

    /// Returns where records went with their threads, if any did: then all other events happened after that.
    pub fn moves(&self) -> Option<&Moves> {
        self.events.iter().find_map(|event| match event {
            Event::RecordsMoved(moves) => Some(moves),
            _ => None,
        })
    }

    /// Returns whether there is anything to write.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.index_events.is_empty()
    }

    /// Returns when it all happens.
    pub fn at(&self) -> Moment {
        self.at
    }
}
