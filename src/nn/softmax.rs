//! Softmax along the last axis.

use std::sync::{Arc, LazyLock};

use candle_core::{D, Result, bail};

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, Kernel};
use super::portable;

static SOFTMAX: LazyLock<Arc<SoftmaxKernel>> =
    LazyLock::new(|| Arc::new(SoftmaxKernel { logarithm: false }));
static LOG_SOFTMAX: LazyLock<Arc<SoftmaxKernel>> =
    LazyLock::new(|| Arc::new(SoftmaxKernel { logarithm: true }));

/// `y[i] = e^x[i] / sum e^x[j]` along the last axis of `[B, ..., C]`.
///
/// # Errors
/// Where the input has no second axis or the last is empty.
pub fn softmax(input: &Traced) -> Result<Traced> {
    if portable::is_needed(input) {
        return input.map(|x| candle_nn::ops::softmax(x, D::Minus1));
    }
    kernel::apply(&SOFTMAX, input)
}

/// `y[i] = x[i] - log(sum e^x[j])` along the last axis of `[B, ..., C]`.
///
/// # Errors
/// Where the input has no second axis or the last is empty.
pub fn log_softmax(input: &Traced) -> Result<Traced> {
    if portable::is_needed(input) {
        return input.map(|x| candle_nn::ops::log_softmax(x, D::Minus1));
    }
    kernel::apply(&LOG_SOFTMAX, input)
}

#[derive(Debug)]
struct SoftmaxKernel {
    logarithm: bool,
}

impl Kernel for SoftmaxKernel {
    const NAME: &'static str = "softmax";

    /// The probabilities.
    type Saved<T: Element> = Vec<T>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() < 2 || input.last() == Some(&0) {
            bail!("softmax: expected [B, ..., C], got {input:?}")
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize], keep: bool) -> (Vec<T>, Vec<T>) {
        let classes = shape.last().map_or(1, |&classes| classes.max(1));
        let mut probabilities = input.to_vec();
        let mut logarithms = if self.logarithm { input.to_vec() } else { Vec::new() };
        for (row, shares) in probabilities.chunks_mut(classes).enumerate() {
            // With the largest taken off, nothing overflows and the sum is at least 1.
            let largest = shares.iter().fold(shares[0], |m, &x| if x > m { x } else { m });
            let mut sum = T::zero();
            for share in &mut *shares {
                *share = (*share - largest).exp_of_negative();
                sum += *share;
            }
            for share in shares {
                *share /= sum;
            }
            let logarithm = largest + T::from_f64(sum.to_f64().ln());
            for y in logarithms.iter_mut().skip(row * classes).take(classes) {
                *y -= logarithm;
            }
        }
        match (self.logarithm, keep) {
            (true, _) => (logarithms, probabilities),
            (false, true) => (probabilities.clone(), probabilities),
            (false, false) => (probabilities, Vec::new()),
        }
    }

    fn backward<T: Element>(
        &self,
        probabilities: &Vec<T>,
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let classes = shape.last().map_or(1, |&classes| classes.max(1));
        let mut result = gradient.to_vec();
        let rows = result.chunks_mut(classes).zip(probabilities.chunks(classes).cycle());
        for (gradient, shares) in rows {
            if self.logarithm {
                let sum = gradient.iter().fold(T::zero(), |sum, &g| sum + g);
                for (g, &share) in gradient.iter_mut().zip(shares) {
                    *g -= share * sum;
                }
            } else {
                let pairs = gradient.iter().zip(shares);
                let sum = pairs.fold(T::zero(), |sum, (&g, &share)| sum + g * share);
                for (g, &share) in gradient.iter_mut().zip(shares) {
                    *g = share * (*g - sum);
                }
            }
        }
        result
    }
}
