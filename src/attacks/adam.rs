//! The optimiser of attacks that take many small steps.

/// Adam's decay of the first moment (its authors' value) and of the second (ten times faster than
/// theirs, since a search may be as short as 75 steps).
const BETA: [f64; 2] = [0.9, 0.99];

/// Adam (Kingma and Ba, ICLR 2015) with one second moment a block of samples.
pub struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    block: usize,
    steps: i32,
}

impl Adam {
    /// For points of `length` samples.
    pub fn new(length: usize, block: usize) -> Self {
        let second = vec![0.0; length.div_ceil(block)];
        Self { first: vec![0.0; length], second, block, steps: 0 }
    }

    /// Moves `point` against the gradient, by `length` (in L2) while the gradient is steady.
    pub fn step(&mut self, point: &mut [f64], gradient: &[f64], length: f64) {
        self.steps += 1;
        for (second, block) in self.second.iter_mut().zip(gradient.chunks(self.block)) {
            let mean = block.iter().map(|g| g * g).sum::<f64>() / block.len() as f64;
            *second = BETA[1] * *second + (1.0 - BETA[1]) * mean;
        }
        // A block that never had a gradient (padding, silence that is not heard) stays where it is.
        let moving = self.second.iter().filter(|&&second| second > 0.0).count() * self.block;
        let correction = (1.0 - BETA[1].powi(self.steps)).sqrt() / (1.0 - BETA[0].powi(self.steps));
        let length = length * correction / (moving.max(1) as f64).sqrt();
        let blocks = self.first.chunks_mut(self.block).zip(point.chunks_mut(self.block));
        for (((first, point), gradient), second) in
            blocks.zip(gradient.chunks(self.block)).zip(&self.second)
        {
            let scale = if *second > 0.0 { length / second.sqrt() } else { 0.0 };
            for ((m, x), g) in first.iter_mut().zip(point).zip(gradient) {
                *m = BETA[0] * *m + (1.0 - BETA[0]) * g;
                *x -= scale * *m;
            }
        }
    }
}
