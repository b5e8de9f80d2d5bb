//! The merge of three JSON values by their keys and records. What only one side changed is that side's, word for word.
//!
//! It knows no file: which keys belong together, and what is to be done where both sides changed the same, is said by
//! the callers.

use std::collections::BTreeSet;

use serde_json::value::{RawValue, to_raw_value};

use crate::format::json::{Object, laid_out};
use crate::moment::Moment;

/// A side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The branch into which the other one is merged.
    Ours,
    /// The branch that is merged.
    Theirs,
}

/// What stands at one place of the three files. `None`: nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Three<T> {
    /// Where both branches began.
    pub(super) base: Option<T>,
    pub(super) ours: Option<T>,
    pub(super) theirs: Option<T>,
}

impl<T: Copy> Three<T> {
    pub(super) fn of(self, side: Side) -> Option<T> {
        match side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        }
    }

    /// Returns what a function makes of each of them.
    pub(super) fn map<U>(self, mut of: impl FnMut(T) -> Option<U>) -> Three<U> {
        let mut of = |value: Option<T>| value.and_then(&mut of);
        Three { base: of(self.base), ours: of(self.ours), theirs: of(self.theirs) }
    }
}

impl<T: PartialEq> Three<T> {
    /// Returns the side that has what came of it, if not both changed it differently.
    pub(super) fn settled(&self) -> Option<Side> {
        if self.ours == self.theirs || self.theirs == self.base {
            Some(Side::Ours)
        } else if self.ours == self.base {
            Some(Side::Theirs)
        } else {
            None
        }
    }
}

/// A merge that is under way. It always comes to a whole document: where both sides changed the same differently, that
/// of the preferred side is taken, and the conflict is noted.
#[derive(Debug)]
pub(super) struct Merger {
    prefer: Side,
    /// What both sides changed differently, each as a person calls it.
    pub(super) conflicts: BTreeSet<String>,
}

/// A value of a key, or none.
pub(super) type Value = Option<Box<RawValue>>;

impl Merger {
    pub(super) fn new(prefer: Side) -> Self {
        Self { prefer, conflicts: BTreeSet::new() }
    }

    /// Notes a conflict, and returns the side that is preferred.
    pub(super) fn conflict(&mut self, what: &str) -> Side {
        self.conflicts.insert(what.to_owned());
        self.prefer
    }

    /// Merges a value of which nothing is known, called `what`. Objects are merged by their keys.
    pub(super) fn plain(&mut self, what: &str, three: Three<&RawValue>) -> serde_json::Result<Value> {
        self.or_else(three, |merger| {
            let is_object = |value: Option<&RawValue>| value.is_none_or(|value| value.get().starts_with('{'));
            if three.ours.is_none()
                || three.theirs.is_none()
                || ![three.base, three.ours, three.theirs].into_iter().all(is_object)
            {
                let side = merger.conflict(what);
                return Ok(three.of(side).map(ToOwned::to_owned));
            }
            let objects = Objects::read(three)?;
            let whole = merger.object(objects.three(), &[], |merger, _, three| merger.plain(what, three))?;
            to_raw_value(&whole).map(Some)
        })
    }

    /// Merges a time of which the earlier one counts, such as that of a beginning.
    pub(super) fn earlier(&mut self, three: Three<&RawValue>) -> serde_json::Result<Value> {
        self.or_else(three, |_| Ok(three.of(earlier_side(three)).map(ToOwned::to_owned)))
    }

    /// Merges a time of which the later one counts, such as that of the last change.
    pub(super) fn later(&mut self, three: Three<&RawValue>) -> serde_json::Result<Value> {
        self.or_else(three, |_| {
            let side = if earlier_side(three) == Side::Ours { Side::Theirs } else { Side::Ours };
            Ok(three.of(side).or(three.ours).map(ToOwned::to_owned))
        })
    }

    /// Returns the value of the side that changed it; if both did, what `both` says.
    pub(super) fn or_else(
        &mut self,
        three: Three<&RawValue>,
        both: impl FnOnce(&mut Self) -> serde_json::Result<Value>,
    ) -> serde_json::Result<Value> {
        match three.map(|value| Some(comparable(value))).settled() {
            Some(side) => Ok(three.of(side).map(ToOwned::to_owned)),
            None => both(self),
        }
    }

    /// Merges objects: `each` says what comes of a key. The keys keep the order of ours; others get their places by
    /// `order`.
    pub(super) fn object(
        &mut self,
        three: Three<&Object>,
        order: &[&str],
        mut each: impl FnMut(&mut Self, &str, Three<&RawValue>) -> serde_json::Result<Value>,
    ) -> serde_json::Result<Object> {
        let keys = |object: Option<&Object>| -> Vec<String> {
            object.into_iter().flat_map(Object::entries).map(|(key, _)| key.to_owned()).collect()
        };
        let mut merged = Object::default();
        for key in keys(three.ours) {
            if let Some(value) = each(self, &key, three.map(|object| object.raw(&key)))? {
                merged.push(key, value);
            }
        }
        for key in keys(three.theirs) {
            if three.ours.is_some_and(|ours| ours.has(&key)) {
                continue;
            }
            if let Some(value) = each(self, &key, three.map(|object| object.raw(&key)))? {
                merged.set(&key, &value, order)?;
            }
        }
        Ok(merged)
    }

    /// Merges lists of records, each of which is known by the `id` that it has. What both sides changed is merged by
    /// `both`. `place` says where a record of theirs goes among the ids that are there. `None`: an id stands in a list
    /// twice, so the records cannot be told apart.
    pub(super) fn records<I: Clone + Eq + std::hash::Hash>(
        &mut self,
        three: Three<&RawValue>,
        id: impl Fn(&Object) -> serde_json::Result<I>,
        place: impl Fn(&[I], &I) -> usize,
        mut both: impl FnMut(&mut Self, &I, Three<&Object>) -> serde_json::Result<Option<Object>>,
    ) -> serde_json::Result<Option<Vec<Object>>> {
        let lists = [three.base, three.ours, three.theirs].map(|list| Records::read(list, &id));
        let [base, ours, theirs] = lists;
        let (base, ours, theirs) = (base?, ours?, theirs?);
        if [&base, &ours, &theirs].into_iter().any(Records::has_an_id_twice) {
            return Ok(None);
        }
        let (mut ids, mut merged): (Vec<I>, Vec<Object>) = (Vec::new(), Vec::new());
        let mut one = |id: &I| -> serde_json::Result<Option<Object>> {
            let three = Three { base: base.get(id), ours: ours.get(id), theirs: theirs.get(id) };
            match three.map(|(raw, _)| Some(comparable(raw))).settled() {
                Some(side) => Ok(three.of(side).map(|(_, object)| object.clone())),
                None => both(self, id, three.map(|(_, object)| Some(object))),
            }
        };
        for id in &ours.ids {
            if let Some(record) = one(id)? {
                ids.push(id.clone());
                merged.push(record);
            }
        }
        for id in theirs.ids.iter().filter(|id| !ours.at.contains_key(id)) {
            if let Some(record) = one(id)? {
                let at = place(&ids, id);
                ids.insert(at, id.clone());
                merged.insert(at, record);
            }
        }
        Ok(Some(merged))
    }
}

/// The records of a list, by their ids.
struct Records<I> {
    ids: Vec<I>,
    at: std::collections::HashMap<I, usize>,
    texts: Vec<(Box<RawValue>, Object)>,
}

impl<I: Clone + Eq + std::hash::Hash> Records<I> {
    /// Reads a list; without one, or with a null, an empty one.
    fn read(list: Option<&RawValue>, id: impl Fn(&Object) -> serde_json::Result<I>) -> serde_json::Result<Self> {
        let raws: Option<Vec<Box<RawValue>>> = list.map_or(Ok(None), |list| serde_json::from_str(list.get()))?;
        let mut texts = Vec::new();
        for raw in raws.unwrap_or_default() {
            let object: Object = serde_json::from_str(raw.get())?;
            texts.push((raw, object));
        }
        let ids = texts.iter().map(|(_, record)| id(record)).collect::<serde_json::Result<Vec<I>>>()?;
        let at = ids.iter().enumerate().map(|(at, id)| (id.clone(), at)).collect();
        Ok(Self { ids, at, texts })
    }

    fn has_an_id_twice(&self) -> bool {
        self.at.len() < self.ids.len()
    }

    fn get(&self, id: &I) -> Option<(&RawValue, &Object)> {
        let (raw, object) = &self.texts[*self.at.get(id)?];
        Some((raw, object))
    }
}

/// The three objects of one place.
#[derive(Debug)]
pub(super) struct Objects(Three<Object>);

impl Objects {
    /// Reads the values of one place as objects. A null is none.
    pub(super) fn read(three: Three<&RawValue>) -> serde_json::Result<Self> {
        let read = |raw: Option<&RawValue>| raw.map_or(Ok(None), |raw| serde_json::from_str(raw.get()));
        Ok(Self(Three { base: read(three.base)?, ours: read(three.ours)?, theirs: read(three.theirs)? }))
    }

    pub(super) fn three(&self) -> Three<&Object> {
        Three { base: self.0.base.as_ref(), ours: self.0.ours.as_ref(), theirs: self.0.theirs.as_ref() }
    }
}

/// Returns the text of a value without what white space and layout make of it.
pub(super) fn comparable(value: &RawValue) -> String {
    // What is nested too deeply to be laid out is compared as it is.
    laid_out(value.get(), 0).unwrap_or_else(|_| value.get().to_owned())
}

/// Returns the side with the earlier of two times. One that cannot be read is no time, and never counts as the earlier one.
fn earlier_side(three: Three<&RawValue>) -> Side {
    let time = |side| {
        let text = three.of(side).map(|raw| serde_json::from_str::<String>(raw.get()).unwrap_or_default());
        (text.as_deref().and_then(Moment::parse), text)
    };
    match (time(Side::Ours), time(Side::Theirs)) {
        ((None, _), (Some(_), _)) => Side::Theirs,
        ((Some(_), _), (None, _)) => Side::Ours,
        (ours, theirs) if theirs < ours => Side::Theirs,
        _ => Side::Ours,
    }
}
