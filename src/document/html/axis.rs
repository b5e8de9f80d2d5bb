//! The time axis of a stage: where on a row of the timeline a moment lies.
//!
//! A night in which nothing runs would squeeze all that happened into slivers, so a long time in which no attempt runs is
//! shown as a narrow break. Only then a length stands for another time than beside it, and the break says how long it
//! was. Places are whole hundredths of a percent: the same times give the same page.

use std::time::Duration;

use crate::moment::Moment;

/// The places on a whole row.
pub(super) const WHOLE: u64 = 10_000;

/// Labels are at least this far apart, so that they do not run into each other on a narrow screen.
const BETWEEN_LABELS: u64 = 1_300;

/// No label begins after this place: it would not fit.
const LAST_LABEL: u64 = 9_200;

/// The seconds between labels: the smallest of which the axis has at most [`LABELS`].
const STEPS: [u64; 17] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/// About as many labels has an axis.
const LABELS: u64 = 7;

/// No piece has more round times than this, wherever it lies.
const MOST_ROUND: usize = 16;

/// A time axis. It has at least one piece.
#[derive(Debug)]
pub(super) struct Axis {
    pieces: Vec<Piece>,
    /// The length of all pieces.
    length: u64,
}

/// A time in which attempts run one after another, or nothing runs.
#[derive(Debug)]
struct Piece {
    from: Moment,
    to: Moment,
    /// How much stands on the axis before it, in milliseconds of a piece that is not shortened.
    before: u64,
    /// How much of the axis it has: its milliseconds, or fewer if it is shortened.
    length: u64,
    is_break: bool,
}

/// The label of a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) place: u64,
    pub(super) time: String,
    /// Month and day, as `11-22`, where it is another day than that of the label before.
    pub(super) day: Option<String>,
}

/// A time in which nothing ran, shortened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) place: u64,
    pub(super) width: u64,
    pub(super) time: Duration,
}

impl Axis {
    /// Returns the axis for attempts that ran from one moment to another; `None` if there are none. An end before its
    /// beginning, where the clock was put back, counts as the beginning.
    pub(super) fn over(runs: impl Iterator<Item = (Moment, Moment)>) -> Option<Self> {
        let mut runs: Vec<(Moment, Moment)> = runs.map(|(from, to)| (from, to.max(from))).collect();
        runs.sort();
        let mut busy: Vec<(Moment, Moment)> = Vec::new();
        for (from, to) in runs {
            match busy.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => busy.push((from, to)),
            }
        }
        // What took no time at all still has a place.
        busy.last_mut()?.1 = busy.last()?.1.max(busy.first()?.0.after(Duration::from_secs(1)));
        let total: u64 = busy.iter().map(|(from, to)| millis(*from, *to)).sum();
        // However many breaks there are, most of the axis is for what ran.
        let longest = total / (2 * busy.len() as u64).max(12);
        let mut axis = Self { pieces: Vec::new(), length: 0 };
        for (from, to) in busy {
            if let Some(last) = axis.pieces.last() {
                let (idle_from, idle) = (last.to, millis(last.to, from));
                axis.add(idle_from, from, idle.min(longest), idle > longest);
            }
            axis.add(from, to, millis(from, to), false);
        }
        Some(axis)
    }

    fn add(&mut self, from: Moment, to: Moment, length: u64, is_break: bool) {
        self.pieces.push(Piece { from, to, before: self.length, length, is_break });
        self.length += length;
    }

    /// Returns the first and the last moment.
    pub(super) fn span(&self) -> Option<(Moment, Moment)> {
        Some((self.pieces.first()?.from, self.pieces.last()?.to))
    }

    /// Returns the place of a moment; of one outside of the axis that of its nearer end.
    pub(super) fn place(&self, at: Moment) -> u64 {
        let Some(piece) = self.pieces.iter().find(|piece| at <= piece.to) else { return WHOLE };
        let whole = u128::from(millis(piece.from, piece.to).max(1));
        let inside = u128::from(millis(piece.from, at)) * u128::from(piece.length) / whole;
        self.scaled(piece.before + u64::try_from(inside).unwrap_or(piece.length).min(piece.length))
    }

    fn scaled(&self, length: u64) -> u64 {
        let place = u128::from(length) * u128::from(WHOLE) / u128::from(self.length.max(1));
        u64::try_from(place).unwrap_or(WHOLE).min(WHOLE)
    }

    /// Returns the times in which nothing ran and that are shortened.
    pub(super) fn breaks(&self) -> Vec<Break> {
        let breaks = self.pieces.iter().filter(|piece| piece.is_break);
        breaks
            .map(|piece| {
                let place = self.scaled(piece.before);
                let width = self.scaled(piece.before + piece.length) - place;
                Break { place, width, time: piece.to.since(piece.from) }
            })
            .collect()
    }

    /// Returns labels for round times, and for the moment after each break.
    pub(super) fn labels(&self) -> Vec<Label> {
        let day = *STEPS.last().unwrap_or(&1);
        let fits = |step: &u64| self.length / 1_000 / step <= LABELS;
        let step = STEPS.into_iter().find(fits).unwrap_or_else(|| (self.length / 1_000 / LABELS).div_ceil(day) * day);
        let step = Duration::from_secs(step);
        let after_break = std::iter::once(true).chain(self.pieces.iter().map(|piece| piece.is_break));
        let starts = self.pieces.iter().zip(after_break).filter_map(|(piece, is_start)| is_start.then_some(piece.from));
        let starts: Vec<(u64, Moment)> = starts.map(|at| (self.place(at), at)).collect();
        let rounds = self.pieces.iter().filter(|piece| !piece.is_break).flat_map(|piece| {
            let first = round_up(piece.from, step);
            let rounds = std::iter::successors(Some(first), |at| Some(at.after(step)));
            rounds.take_while(|at| *at <= piece.to).take(MOST_ROUND)
        });
        // The beginnings win: a round time close before one has no label.
        let rounds = rounds.map(|at| (self.place(at), at)).filter(|(place, at)| {
            starts.iter().all(|(start, from)| {
                at >= from && place >= &(start + BETWEEN_LABELS) || at < from && place + BETWEEN_LABELS <= *start
            })
        });
        let mut candidates: Vec<(u64, Moment)> = rounds.chain(starts.iter().copied()).collect();
        candidates.sort();
        let mut labels: Vec<(u64, Moment)> = Vec::new();
        for (place, at) in candidates {
            let is_free = labels.last().is_none_or(|(last, _)| place >= last + BETWEEN_LABELS);
            if is_free && place <= LAST_LABEL {
                labels.push((place, at));
            }
        }
        // The day of the first is told above the axis.
        let mut before: Option<String> = None;
        let labelled = labels.into_iter().map(|(place, at)| {
            let is_another = before.replace(at.day()).is_some_and(|before| before != at.day());
            let day = at.day().split_once('-').filter(|_| is_another).map(|(_, day)| day.to_owned());
            let time = if step.as_secs() < 60 { at.clock_time_with_seconds() } else { at.clock_time() };
            Label { place, time, day }
        });
        labelled.collect()
    }
}

/// Returns the first moment from `from` on that is a multiple of `step` in UTC.
fn round_up(from: Moment, step: Duration) -> Moment {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let over = from.millis().rem_euclid(step);
    if over == 0 { from } else { from.after(Duration::from_millis((step - over).unsigned_abs())) }
}

/// Returns the milliseconds from one moment to a later one.
fn millis(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(&format!("2026-11-{text}:00.000Z")).unwrap()
    }

    fn axis(runs: &[(&str, &str)]) -> Axis {
        Axis::over(runs.iter().map(|(from, to)| (at(from), at(to)))).unwrap()
    }

    fn told(axis: &Axis) -> String {
        let labels = axis.labels();
        let labels = labels.iter().map(|label| {
            format!(
                "{} at {}{}",
                label.time,
                label.place,
                label.day.as_ref().map(|day| format!(" ({day})")).unwrap_or_default()
            )
        });
        let breaks = axis.breaks();
        let breaks = breaks.iter().map(|gap| format!("{:?} at {}, {} wide", gap.time, gap.place, gap.width));
        labels.chain(breaks).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_long_idle_time_is_a_narrow_break() {
        let night = axis(&[("26T22:05", "26T22:40"), ("26T22:20", "26T23:05"), ("27T06:00", "27T07:00")]);
        insta::assert_snapshot!(told(&night), @"
        22:05 at 0
        22:30 at 1923
        06:00 at 5384 (11-27)
        06:30 at 7692
        24900s at 4615, 769 wide
        ");
        assert_eq!([at("26T22:05"), at("27T07:00")].map(|at| night.place(at)), [0, WHOLE]);
        // What lies outside, such as the opening of a cycle, is at the end.
        assert_eq!([at("26T20:00"), at("27T09:00")].map(|at| night.place(at)), [0, WHOLE]);
    }

    #[test]
    fn a_short_idle_time_is_shown_as_long_as_it_was() {
        let axis = axis(&[("26T22:00", "26T22:50"), ("26T22:55", "26T23:40")]);
        insta::assert_snapshot!(told(&axis), @"
        22:00 at 0
        22:15 at 1500
        22:30 at 3000
        22:45 at 4500
        23:00 at 6000
        23:15 at 7500
        23:30 at 9000
        ");
        assert_eq!(axis.place(at("26T22:50")), 5_000);
    }

    #[test]
    fn strange_times_have_a_place_too() {
        assert!(Axis::over(std::iter::empty()).is_none());
        let none = axis(&[("26T22:00", "26T22:00")]);
        assert_eq!((none.place(at("26T22:00")), none.labels().len()), (0, 1));
        let back = axis(&[("26T22:10", "26T22:00"), ("26T22:00", "26T22:20")]);
        assert_eq!(back.place(at("26T22:10")), 5_000);
        let ends = ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z"].map(|text| Moment::parse(text).unwrap());
        let eternity = Axis::over(std::iter::once((ends[0], ends[1]))).unwrap();
        assert!((1..=8).contains(&eternity.labels().len()), "{eternity:?}");
        let many = (0..500).map(|n| at("26T00:00").after(Duration::from_secs(n * 7_200)));
        let many = Axis::over(many.map(|from| (from, from.after(Duration::from_secs(60))))).unwrap();
        let idle: u64 = many.breaks().iter().map(|gap| gap.width).sum();
        assert!(idle < WHOLE / 2 && many.breaks().len() == 499, "{idle}");
    }
}
