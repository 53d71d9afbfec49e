//! AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), and the average of
//! the weights over the last steps.

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use crate::models::NamedTensors;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Gradients whose norm over all weights is larger are scaled down to it.
const LARGEST_NORM: f64 = 5.0;

/// One tensor with all that is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name in the weights file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub value: Vec<f32>,
    /// Running mean of its gradient.
    pub first: Vec<f32>,
    /// Running mean of its gradient's square.
    pub second: Vec<f32>,
    /// Its values, averaged over steps.
    pub average: Vec<f32>,
}

/// How large a step is.
#[derive(Clone, Copy, Debug)]
pub struct StepSize {
    /// Number of the step, from 1.
    pub step: u64,
    /// Learning rate.
    pub rate: f64,
    /// Decoupled weight decay of kernels (not of biases and norms), times the rate a step.
    pub decay: f64,
    /// How much of the average stays a step, once the average is old enough.
    pub averaging: f64,
}

/// All weights, in the order of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser {
    /// One for each tensor.
    pub slots: Vec<Slot>,
}

impl Optimiser {
    /// Before the first step.
    ///
    /// # Errors
    /// Where a weight is not a tensor of `f32`.
    pub fn new(weights: &NamedTensors) -> Result<Self> {
        let slot = |(name, tensor): &(String, Tensor)| -> Result<Slot> {
            let value = tensor.flatten_all()?.to_vec1::<f32>()?;
            let zeros = vec![0.0; value.len()];
            Ok(Slot {
                name: name.clone(),
                shape: tensor.dims().to_vec(),
                average: value.clone(),
                value,
                first: zeros.clone(),
                second: zeros,
            })
        };
        Ok(Self { slots: weights.iter().map(slot).collect::<Result<_>>()? })
    }

    /// Whether these are the weights' names and shapes, in this order.
    pub fn is_of(&self, weights: &NamedTensors) -> bool {
        let same = |(slot, (name, tensor)): (&Slot, &(String, Tensor))| {
            slot.name == *name && slot.shape == tensor.dims()
        };
        self.slots.len() == weights.len() && self.slots.iter().zip(weights).all(same)
    }

    /// The weights, or their averages.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn weights(&self, averaged: bool) -> Result<NamedTensors> {
        let tensor = |slot: &Slot| -> Result<(String, Tensor)> {
            let values = if averaged { &slot.average } else { &slot.value };
            let tensor = Tensor::from_slice(values, slot.shape.as_slice(), &Device::Cpu)?;
            Ok((slot.name.clone(), tensor))
        };
        self.slots.iter().map(tensor).collect()
    }

    /// One step against `gradients`, which are in the order of the weights. Gives the norm of them
    /// all; where that is not finite nothing is changed.
    ///
    /// # Errors
    /// Where they are not of the weights' shapes.
    pub fn step(&mut self, gradients: &[Tensor], size: &StepSize) -> Result<f64> {
        let fits = |(slot, g): (&Slot, &Tensor)| slot.shape == g.dims();
        if gradients.len() != self.slots.len() || !self.slots.iter().zip(gradients).all(fits) {
            bail!("the gradients are not those of the weights")
        }
        let gradients = gradients
            .iter()
            .map(|g| g.flatten_all()?.to_vec1::<f32>())
            .collect::<Result<Vec<_>>>()?;
        let squares = |g: &Vec<f32>| g.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
        let norm = gradients.iter().map(squares).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        let clip = if norm > LARGEST_NORM { (LARGEST_NORM / norm) as f32 } else { 1.0 };
        let step = i32::try_from(size.step).unwrap_or(i32::MAX);
        let bias = [1.0 - BETA1.powi(step), 1.0 - BETA2.powi(step)];
        // Early on the average follows, so that it does not remember the first, random weights.
        let young = (1.0 + size.step as f64) / (10.0 + size.step as f64);
        let keep = size.averaging.min(young) as f32;
        let rate = size.rate as f32;
        self.slots.par_iter_mut().zip(gradients).for_each(|(slot, gradient)| {
            let decay = if slot.shape.len() > 1 { (size.rate * size.decay) as f32 } else { 0.0 };
            let Slot { value, first, second, average, .. } = slot;
            let states = first.iter_mut().zip(second).zip(average);
            for ((w, g), ((m, v), a)) in value.iter_mut().zip(gradient).zip(states) {
                let g = g * clip;
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                let direction = (*m / bias[0]) / ((*v / bias[1]).sqrt() + EPSILON);
                *w -= rate * direction + decay * *w;
                *a = keep * *a + (1.0 - keep) * *w;
            }
        });
        Ok(norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let weights = vec![("a".to_owned(), vector(&[1.0, 1.0, 1.0]))];
        let mut optimiser = Optimiser::new(&weights).unwrap();
        let size = StepSize { step: 1, rate: 0.1, decay: 0.5, averaging: 0.0 };
        optimiser.step(&[vector(&[0.3, -0.002, 0.0])], &size).unwrap();
        let value = &optimiser.slots[0].value;
        // Vectors (biases, norms) do not decay.
        for (ours, expected) in value.iter().zip([0.9, 1.1, 1.0]) {
            assert!((ours - expected).abs() < 1e-4, "{value:?}");
        }
        assert_eq!(optimiser.slots[0].average, *value);
    }

    #[test]
    fn it_finds_the_minimum_of_a_bowl() {
        let weights = vec![("a".to_owned(), vector(&[3.0, -2.0]))];
        let mut optimiser = Optimiser::new(&weights).unwrap();
        for step in 1..=2000 {
            let at = &optimiser.slots[0].value;
            let gradient = vector(&[2.0 * (at[0] - 1.0), 20.0 * (at[1] - 0.5)]);
            let rate = 0.05 * (1.0 - step as f64 / 2000.0);
            let size = StepSize { step, rate, decay: 0.0, averaging: 0.99 };
            optimiser.step(&[gradient], &size).unwrap();
        }
        let slot = &optimiser.slots[0];
        for (found, expected) in slot.value.iter().chain(&slot.average).zip([1.0, 0.5, 1.0, 0.5]) {
            assert!((found - expected).abs() < 1e-3, "{slot:?}");
        }
    }

    #[test]
    fn kernels_decay_and_large_gradients_are_cut() {
        let kernel = Tensor::new(&[[1.0_f32]], &Device::Cpu).unwrap();
        let mut optimiser = Optimiser::new(&vec![("k".to_owned(), kernel)]).unwrap();
        let size = StepSize { step: 1, rate: 0.1, decay: 0.5, averaging: 0.0 };
        let gradient = Tensor::new(&[[1e6_f32]], &Device::Cpu).unwrap();
        optimiser.step(&[gradient], &size).unwrap();
        assert!((optimiser.slots[0].value[0] - 0.85).abs() < 1e-5);
        assert!((f64::from(optimiser.slots[0].first[0]) - 0.1 * LARGEST_NORM).abs() < 1e-4);
    }
}
