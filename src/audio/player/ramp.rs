//! Values that change without a step.

/// `N` values that move to a target on straight lines, all arriving together. A new target may be
/// set on the way; the lines then start from where the values are.
#[derive(Clone, Debug)]
pub(super) struct Ramp<const N: usize> {
    from: [f32; N],
    to: [f32; N],
    now: [f32; N],
    step: usize,
    steps: usize,
}

impl<const N: usize> Ramp<N> {
    /// At rest at `value`.
    pub fn new(value: [f32; N]) -> Self {
        Self { from: value, to: value, now: value, step: 0, steps: 0 }
    }

    /// Arrives at `to` after `steps` calls of [`next`](Self::next). Nothing happens if it is the
    /// target already.
    pub fn set(&mut self, to: [f32; N], steps: usize) {
        if self.to != to {
            (self.from, self.to, self.step, self.steps) = (self.now, to, 0, steps);
        }
    }

    /// The next value.
    pub fn next(&mut self) -> [f32; N] {
        if self.step < self.steps {
            self.step += 1;
            let share = self.step as f32 / self.steps as f32;
            for i in 0..N {
                self.now[i] = self.from[i] + (self.to[i] - self.from[i]) * share;
            }
        }
        if self.step >= self.steps {
            self.now = self.to;
        }
        self.now
    }

    /// Whether the values rest at `value`.
    pub fn rests_at(&self, value: [f32; N]) -> bool {
        self.now == value && self.to == value
    }
}

#[cfg(test)]
mod tests {
    use super::Ramp;

    #[test]
    fn lines_are_straight_and_arrive_exactly() {
        let mut ramp = Ramp::new([1.0, 0.0]);
        ramp.set([0.0, 1.0], 4);
        let values: Vec<_> = (0..5).map(|_| ramp.next()).collect();
        let expected = [[0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.0, 1.0], [0.0, 1.0]];
        assert_eq!(values, expected);
        assert!(ramp.rests_at([0.0, 1.0]));
    }

    #[test]
    fn a_new_target_on_the_way_starts_from_the_present_value() {
        let mut ramp = Ramp::new([0.0]);
        ramp.set([1.0], 4);
        ramp.next();
        ramp.next();
        ramp.set([0.0], 2);
        assert_eq!([ramp.next(), ramp.next()], [[0.25], [0.0]]);
    }
}
