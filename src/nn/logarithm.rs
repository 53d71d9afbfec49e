//! The logarithm that compresses what a rectifier let through.

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, RereadingKernel};
use super::portable;

/// Numbers of a task.
const BLOCK: usize = 1 << 12;

static KERNEL: LazyLock<Arc<LogarithmKernel>> = LazyLock::new(|| Arc::new(LogarithmKernel));

/// `ln(1 + x)` of each value above -1.
///
/// # Errors
/// Where the input is a mere number.
pub fn log_1p(input: &Traced) -> Result<Traced> {
    if portable::is_needed(input) {
        return input.map(|x| (x + 1.0)?.log());
    }
    kernel::apply_rereading(&KERNEL, input)
}

#[derive(Debug)]
struct LogarithmKernel;

impl RereadingKernel for LogarithmKernel {
    const NAME: &'static str = "log-1p";

    type Saved<T: Element> = ();

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.is_empty() {
            bail!("log-1p: expected [B, ...], got a number")
        }
        Ok(input.to_vec())
    }

    fn forward<T: Element>(&self, input: &[T], _shape: &[usize]) -> (Vec<T>, ()) {
        let logarithms = input.par_iter().with_min_len(BLOCK).map(|x| x.logarithm_of_successor());
        (logarithms.collect(), ())
    }

    fn backward<T: Element>(
        &self,
        (): &(),
        input: &[T],
        gradient: &[T],
        _shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let mut result = gradient.to_vec();
        result.par_chunks_mut(input.len().max(1)).for_each(|copy| {
            let places = copy.par_iter_mut().with_min_len(BLOCK).zip(input);
            places.for_each(|(g, &x)| *g /= T::one() + x);
        });
        result
    }
}
