//! The ledger: the events of one decision, and the board as they leave it. Whether they are written is not decided
//! here.

use std::sync::Arc;

use crate::board::{Board, Event, Moves};
use crate::index::IndexEvent;
use crate::moment::Moment;

/// The events of one decision. An event is applied when it is recorded, so that the rest of the decision sees it.
#[derive(Debug, Clone)]
pub struct Ledger {
    board: Arc<Board>,
    events: Vec<Event>,
    index_events: Vec<IndexEvent>,
    at: Moment,
}

impl Ledger {
    /// Returns an empty ledger for this board. The first event copies the board. All events happen at the moment `at`.
    pub fn new(board: &Arc<Board>, at: Moment) -> Self {
        Self { board: Arc::clone(board), events: Vec::new(), index_events: Vec::new(), at }
    }

    /// Records an event, and applies it to the board.
    pub fn record(&mut self, event: Event) {
        Arc::make_mut(&mut self.board).apply(&event, self.at);
        self.events.push(event);
    }

    /// Records a change of index.json.
    pub fn record_in_index(&mut self, event: IndexEvent) {
        self.index_events.push(event);
    }

    /// Returns one ledger for two decisions. `later` must have been made on the board that this ledger leaves.
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

    /// Returns whether PLAN.md as it is now is approved by this decision. Then the store keeps its text.
    pub fn approves_plan(&self) -> bool {
        self.index_events.iter().any(|event| matches!(event, IndexEvent::PlanApproved { .. }))
    }

    /// Returns the moves of records, if there are any. They are the first event: all others use the new ids.
    pub fn moves(&self) -> Option<&Moves> {
        self.events.iter().find_map(|event| match event {
            Event::RecordsMoved(moves) => Some(moves),
            _ => None,
        })
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.index_events.is_empty()
    }

    /// Returns the moment at which all events happen.
    pub fn at(&self) -> Moment {
        self.at
    }
}
