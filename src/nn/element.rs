//! The two number types that kernels are written for, and weights that exist in both.

use std::fmt::Debug;
use std::sync::OnceLock;

use candle_core::WithDType;

/// `f32`, which models run in, or `f64`, in which their gradients are checked.
pub trait Element: WithDType + Debug + std::ops::Neg<Output = Self> {
    /// The weights in this type.
    fn weights(weights: &FrozenWeights) -> &[Self];
}

impl Element for f32 {
    fn weights(weights: &FrozenWeights) -> &[Self] {
        &weights.single
    }
}

impl Element for f64 {
    fn weights(weights: &FrozenWeights) -> &[Self] {
        weights.double.get_or_init(|| weights.single.iter().map(|&w| Self::from(w)).collect())
    }
}

/// Weights that no gradient is computed for; the `f64` copy is made only when asked for.
#[derive(Debug)]
pub struct FrozenWeights {
    single: Vec<f32>,
    double: OnceLock<Vec<f64>>,
}

impl FrozenWeights {
    /// Keeps `weights`.
    pub fn new(weights: Vec<f32>) -> Self {
        Self { single: weights, double: OnceLock::new() }
    }

    /// Keeps weights that were computed in `f64`, in both precisions.
    pub fn from_f64(weights: Vec<f64>) -> Self {
        let single = weights.iter().map(|&w| w as f32).collect();
        Self { single, double: OnceLock::from(weights) }
    }

    /// The weights in the type `T`.
    pub fn get<T: Element>(&self) -> &[T] {
        T::weights(self)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.single.len()
    }
}
