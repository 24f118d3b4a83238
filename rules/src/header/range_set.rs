//! Sets of numbers as sorted ranges: what addresses and ports come down to.

use std::fmt::Debug;

/// A number that ranges are made of.
pub trait Number: Copy + Debug + Eq + Ord {
    /// The lowest.
    const MIN: Self;
    /// The highest.
    const MAX: Self;

    /// The number after this one.
    fn next(self) -> Option<Self>;

    /// The number before this one.
    fn previous(self) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ty),+) => {
        $(impl Number for $type {
            const MIN: Self = <$type>::MIN;
            const MAX: Self = <$type>::MAX;

            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        })+
    };
}

numbers!(u16, u32, u128);

/// A set of numbers: ranges with both ends included, ascending, apart from each other by at least one number.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RangeSet<N> {
    ranges: Box<[(N, N)]>,
}

impl<N> Default for RangeSet<N> {
    fn default() -> Self {
        Self { ranges: Box::default() }
    }
}

impl<N: Number> RangeSet<N> {
    /// Every number.
    pub fn all() -> Self {
        Self { ranges: Box::new([(N::MIN, N::MAX)]) }
    }

    /// The ranges, ascending and apart.
    pub fn ranges(&self) -> &[(N, N)] {
        &self.ranges
    }

    /// Whether no number is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether every number is in it.
    pub fn is_all(&self) -> bool {
        *self.ranges == [(N::MIN, N::MAX)]
    }

    /// Whether a number is in it.
    #[inline]
    pub fn contains(&self, number: N) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= number);
        after > 0 && number <= self.ranges[after - 1].1
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.ranges.len());
        let mut holes = other.ranges.iter().peekable();
        for &(mut first, last) in &self.ranges {
            while holes.next_if(|hole| hole.1 < first).is_some() {}
            let mut rest = Some(first);
            while let Some(&&(hole_first, hole_last)) = holes.peek()
                && hole_first <= last
            {
                if first < hole_first {
                    left.extend(hole_first.previous().map(|end| (first, end)));
                }
                rest = hole_last.next().filter(|&start| start <= last);
                let Some(start) = rest else { break };
                first = start;
                holes.next();
            }
            left.extend(rest.map(|start| (start, last)));
        }
        Self { ranges: left.into() }
    }
}

impl RangeSet<u128> {
    /// The same set of a smaller type of number, which must hold all of it.
    pub(super) fn narrow<N: Number + TryFrom<u128>>(self) -> RangeSet<N> {
        let narrow = |number: u128| N::try_from(number).ok().expect("a family holds its own numbers");
        RangeSet { ranges: self.ranges.iter().map(|&(first, last)| (narrow(first), narrow(last))).collect() }
    }
}

impl<N: Number> FromIterator<(N, N)> for RangeSet<N> {
    /// The union of ranges in any order; one that runs backwards is empty.
    fn from_iter<I: IntoIterator<Item = (N, N)>>(ranges: I) -> Self {
        let mut sorted: Vec<(N, N)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let touches = kept.1.next().is_none_or(|after| next.0 <= after);
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        Self { ranges: sorted.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(ranges: &[(u16, u16)]) -> RangeSet<u16> {
        ranges.iter().copied().collect()
    }

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(set(&[(5, 9), (1, 2), (3, 4), (8, 12), (20, 19)]).ranges(), [(1, 12)]);
        assert_eq!(set(&[(9, 65535), (0, 7)]).ranges(), [(0, 7), (9, 65535)]);
        assert!(set(&[(100, 65535), (0, 99)]).is_all());
    }

    #[test]
    fn the_ends_can_be_taken_away() {
        let all = RangeSet::<u16>::all();
        assert!(all.minus(&all).is_empty());
        assert_eq!(all.minus(&set(&[(0, 0), (65535, 65535)])).ranges(), [(1, 65534)]);
        assert_eq!(set(&[(1, 9), (11, 19)]).minus(&set(&[(5, 15)])).ranges(), [(1, 4), (16, 19)]);
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_ranges_hold(
            plus in proptest::collection::vec((0u16..60, 0u16..60), 0..8),
            minus in proptest::collection::vec((0u16..60, 0u16..60), 0..8),
        ) {
            let left = set(&plus).minus(&set(&minus));
            let within = |ranges: &[(u16, u16)], n: u16| ranges.iter().any(|&(a, b)| (a..=b).contains(&n));
            for number in 0..70 {
                prop_assert_eq!(left.contains(number), within(&plus, number) && !within(&minus, number));
            }
            prop_assert!(left.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
