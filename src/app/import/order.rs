//! PURE. Brings things into an order in which each comes after what it waits for. Where some wait for each other, the
//! order of the list decides, and what cannot be kept is told.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// An order of things that are named by their places in a list, from 0.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// All things, each after those that it waits for; where that leaves a choice, in the order of the list.
    pub(super) sequence: Vec<usize>,
    /// For each thing, how many others are in the longest way to it.
    pub(super) levels: Vec<usize>,
    /// The pairs (before, after) that are not kept, because they are part of a circle and against the order of the list.
    pub(super) dropped: Vec<(usize, usize)>,
}

/// Returns the order of `number` things. A pair (before, after) demands that one comes before the other.
pub(super) fn order(number: usize, pairs: &[(usize, usize)]) -> Order {
    let circle = circles(number, pairs);
    let mut order = Order { levels: vec![0; number], ..Order::default() };
    let mut seen = HashSet::new();
    let (mut followers, mut open) = (vec![Vec::new(); number], vec![0_usize; number]);
    for (before, after) in pairs.iter().copied().filter(|pair| seen.insert(*pair)) {
        if before >= after && circle[before] == circle[after] {
            order.dropped.push((before, after));
        } else {
            followers[before].push(after);
            open[after] += 1;
        }
    }
    let mut free: BinaryHeap<Reverse<usize>> = (0..number).filter(|at| open[*at] == 0).map(Reverse).collect();
    while let Some(Reverse(at)) = free.pop() {
        order.sequence.push(at);
        for after in std::mem::take(&mut followers[at]) {
            order.levels[after] = order.levels[after].max(order.levels[at] + 1);
            open[after] -= 1;
            if open[after] == 0 {
                free.push(Reverse(after));
            }
        }
    }
    order
}

/// Returns for each thing the number of its circle: those that wait for each other have the same (the strongly connected
/// components, by Kosaraju's algorithm, without recursion: a chain may be long).
fn circles(number: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let (mut to, mut from) = (vec![Vec::new(); number], vec![Vec::new(); number]);
    for (before, after) in pairs {
        to[*before].push(*after);
        from[*after].push(*before);
    }
    let mut finished = Vec::with_capacity(number);
    let mut seen = vec![false; number];
    for start in 0..number {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut way = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            match to[*at].get(*next) {
                Some(after) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[*after], true) {
                        way.push((*after, 0));
                    }
                }
                None => {
                    finished.push(*at);
                    way.pop();
                }
            }
        }
    }
    let mut circle = vec![usize::MAX; number];
    for start in finished.into_iter().rev() {
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            if circle[at] == usize::MAX {
                circle[at] = start;
                open.extend(&from[at]);
            }
        }
    }
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_later_and_the_list_decides_the_rest() {
        let order = order(5, &[(3, 0), (0, 2), (3, 2), (3, 2)]);
        assert_eq!(order.sequence, [1, 3, 0, 2, 4]);
        assert_eq!(order.levels, [1, 0, 2, 0, 0]);
        assert!(order.dropped.is_empty());
    }

    #[test]
    fn of_a_circle_only_what_is_against_the_list_is_dropped() {
        // 1, 2 and 3 wait for each other, 0 waits for 3, and 4 for itself.
        let order = order(5, &[(3, 1), (1, 2), (2, 3), (3, 0), (4, 4)]);
        assert_eq!(order.dropped, [(3, 1), (4, 4)]);
        assert_eq!(order.sequence, [1, 2, 3, 0, 4]);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let number = 100_000;
        let pairs: Vec<(usize, usize)> = (1..number).map(|at| (at, at - 1)).collect();
        let order = order(number, &pairs);
        assert!(order.dropped.is_empty() && order.sequence.iter().copied().eq((0..number).rev()));
    }
}
