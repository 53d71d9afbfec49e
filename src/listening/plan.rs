//! The hidden order, drawn before the first trial.

use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::test_file::{Order, TestFile};
use super::{Answer, Protocol};

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To get to know the task; with "right" and "wrong".
    Practice,
    /// To see whether somebody listens; looks like one of the test.
    Catch,
    /// What counts.
    Test,
}

/// What is behind the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// Whether A and B are the changed sound.
    pub changed: [bool; 2],
    /// What X is (ABX), or which one is the hidden reference (triple): 0 for A, 1 for B.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third: Option<u8>,
}

impl Arrangement {
    /// The right answer by its number; for a triple the number of the hidden reference.
    pub fn right(&self, protocol: Protocol) -> u8 {
        let [a, b] = self.changed;
        match protocol {
            Protocol::Abx | Protocol::Triple => self.third.unwrap_or(0),
            Protocol::SameDifferent => u8::from(a != b),
            _ => u8::from(!a),
        }
    }

    /// Whether an answer is right; none for grades that are equal, which say nothing.
    pub fn judge(&self, protocol: Protocol, answer: Answer) -> Option<bool> {
        match answer {
            Answer::Choice(choice) => Some(choice == self.right(protocol)),
            Answer::Grades(grades) => {
                let difference = self.grade_difference(grades);
                (difference != 0.0).then_some(difference < 0.0)
            }
        }
    }

    /// The grade of the changed sound less that of the hidden reference.
    pub fn grade_difference(&self, [a, b]: [f32; 2]) -> f64 {
        let (a, b) = (f64::from(a), f64::from(b));
        if self.changed[0] { a - b } else { b - a }
    }
}

/// A trial, but for the level that depends on answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedTrial {
    /// What it is for.
    pub part: Part,
    /// The pair, by its number.
    pub stimulus: usize,
    /// What is behind the letters.
    pub arrangement: Arrangement,
    /// Whether the change is made so loud that all can hear it.
    pub obvious: bool,
}

/// All trials of a session: practice first, then test and catch trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are shown.
    pub trials: Vec<PlannedTrial>,
}

impl Plan {
    /// Draws the order of a test with so many pairs. The same seed gives the same order on every
    /// machine.
    pub fn new(test: &TestFile, pairs: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pairs = pairs.max(1);
        // In ABX the letters mean the same for a pair throughout, so that people can learn them.
        let first_changed: Vec<bool> = (0..pairs).map(|_| random.random()).collect();
        let mut draw = Draw { test, first_changed, turn: random.random_range(0..4), random };

        let mut trials = Vec::new();
        for index in 0..test.practice {
            let stimulus = draw.random.random_range(0..pairs);
            let obvious = index < test.practice.div_ceil(2);
            trials.push(draw.trial(Part::Practice, stimulus, obvious));
        }
        let mut counted = Vec::new();
        for stimulus in 0..pairs {
            // As many trials for each pair, within one.
            let share = (test.trial_count() + pairs - 1 - stimulus) / pairs;
            counted.extend((0..share).map(|_| draw.trial(Part::Test, stimulus, false)));
        }
        counted.shuffle(&mut draw.random);
        for _ in 0..test.catch_trials {
            let stimulus = draw.random.random_range(0..pairs);
            let catch = draw.trial(Part::Catch, stimulus, true);
            // Not the first: that one should be like all others.
            let place = draw.random.random_range(1..=counted.len().max(1));
            counted.insert(place.min(counted.len()), catch);
        }
        trials.extend(counted);
        Self { trials }
    }
}

struct Draw<'a> {
    test: &'a TestFile,
    first_changed: Vec<bool>,
    /// Goes round through the arrangements where they are balanced.
    turn: u8,
    random: ChaCha8Rng,
}

impl Draw<'_> {
    fn trial(&mut self, part: Part, stimulus: usize, obvious: bool) -> PlannedTrial {
        let balanced = part == Part::Test && self.test.order == Order::Balanced;
        let number = if balanced { self.turn } else { self.random.random_range(0..4) };
        if balanced {
            self.turn = (self.turn + 1) % 4;
        }
        // The low bit decides what is right, the high bit all else.
        let (right, other) = (number & 1, number >= 2);
        let arrangement = match self.test.protocol {
            Protocol::Abx => {
                let a = self.first_changed.get(stimulus).copied().unwrap_or(false);
                Arrangement { changed: [a, !a], third: Some(right) }
            }
            // What is obvious is a change.
            Protocol::SameDifferent if obvious => {
                Arrangement { changed: [other, !other], third: None }
            }
            Protocol::SameDifferent => {
                let b = if right == 1 { !other } else { other };
                Arrangement { changed: [other, b], third: None }
            }
            // The hidden reference is the one that is not changed.
            Protocol::Triple => {
                Arrangement { changed: [right == 1, right == 0], third: Some(right) }
            }
            _ => Arrangement { changed: [right == 0, right == 1], third: None },
        };
        PlannedTrial { part, stimulus, arrangement, obvious }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(protocol: Protocol, trials: usize) -> TestFile {
        TestFile { trials: Some(trials), catch_trials: 3, ..TestFile::new("x", protocol) }
    }

    fn counted(plan: &Plan) -> Vec<PlannedTrial> {
        plan.trials.iter().copied().filter(|trial| trial.part == Part::Test).collect()
    }

    #[test]
    fn every_pair_and_every_right_answer_come_equally_often() {
        for protocol in Protocol::ALL {
            for (pairs, trials) in [(1, 16), (3, 17), (5, 40)] {
                for seed in 0..20 {
                    let test = test(protocol, trials);
                    let plan = Plan::new(&test, pairs, seed);
                    assert_eq!(plan.trials.len(), trials + test.practice + 3);
                    let counted = counted(&plan);
                    assert_eq!(counted.len(), trials);
                    let right = |t: &&PlannedTrial| t.arrangement.right(protocol) == 1;
                    let ones = counted.iter().filter(right).count();
                    assert!(ones.abs_diff(trials - ones) <= 1, "{protocol:?} {ones} of {trials}");
                    for pair in 0..pairs {
                        let own = || counted.iter().filter(|t| t.stimulus == pair);
                        let (all, ones) = (own().count(), own().filter(right).count());
                        assert!((trials / pairs..=trials.div_ceil(pairs)).contains(&all));
                        assert!(ones.abs_diff(all - ones) <= 1);
                    }
                    assert_ne!(plan.trials[test.practice].part, Part::Catch);
                }
            }
        }
    }

    #[test]
    fn in_abx_a_stays_what_it_is_and_x_is_one_of_both() {
        let plan = Plan::new(&test(Protocol::Abx, 16), 1, 5);
        let first = plan.trials[0].arrangement.changed;
        assert!(first[0] != first[1]);
        assert!(plan.trials.iter().all(|trial| trial.arrangement.changed == first));
        // Which one A is differs from seed to seed.
        let changed = (0..40).filter(|&seed| {
            Plan::new(&test(Protocol::Abx, 16), 1, seed).trials[0].arrangement.changed[0]
        });
        assert!((8..=32).contains(&changed.count()));
    }

    #[test]
    fn places_tell_nothing_of_the_answer() {
        // Over many seeds each place has each answer equally often, and neighbours are unrelated.
        let test = test(Protocol::TwoAfc, 16);
        let mut ones = [0; 16];
        let mut alike = 0;
        const SEEDS: u64 = 2000;
        for seed in 0..SEEDS {
            let right: Vec<u8> = counted(&Plan::new(&test, 1, seed))
                .iter()
                .map(|trial| trial.arrangement.right(Protocol::TwoAfc))
                .collect();
            for (place, right) in right.iter().enumerate() {
                ones[place] += u64::from(*right);
            }
            alike += right.windows(2).filter(|pair| pair[0] == pair[1]).count();
        }
        assert!(ones.iter().all(|&count| count.abs_diff(SEEDS / 2) < 120), "{ones:?}");
        // 7 of 15 neighbours are alike where 8 and 8 are shuffled.
        let share = alike as f64 / (15 * SEEDS) as f64;
        assert!((share - 7.0 / 15.0).abs() < 0.01, "{share}");
    }

    #[test]
    fn the_seed_is_all_that_decides() {
        let test = test(Protocol::SameDifferent, 24);
        assert_eq!(Plan::new(&test, 2, 9), Plan::new(&test, 2, 9));
        assert_ne!(Plan::new(&test, 2, 9), Plan::new(&test, 2, 10));
    }

    #[test]
    fn independent_orders_are_not_balanced() {
        let test = TestFile { order: Order::Independent, ..test(Protocol::TwoAfc, 16) };
        let odd = (0..200).filter(|&seed| {
            let plan = counted(&Plan::new(&test, 1, seed));
            let ones = plan.iter().filter(|t| t.arrangement.right(Protocol::TwoAfc) == 1).count();
            ones != 8
        });
        // 80 % of coins are not 8 to 8.
        assert!((130..=190).contains(&odd.count()));
    }

    #[test]
    fn grades_are_judged_by_which_is_lower() {
        let arrangement = Arrangement { changed: [false, true], third: Some(0) };
        let judge = |grades| arrangement.judge(Protocol::Triple, Answer::Grades(grades));
        assert_eq!(judge([5.0, 4.0]), Some(true));
        assert_eq!(judge([4.0, 5.0]), Some(false));
        assert_eq!(judge([5.0, 5.0]), None);
        assert_eq!(arrangement.grade_difference([5.0, 3.5]), -1.5);
    }
}
