//! Waveforms at full scale.

use std::sync::{Arc, LazyLock};

use candle_core::{Result, bail};

use super::element::Element;
use super::graph::Traced;
use super::kernel::{self, RereadingKernel};
use super::portable;
use super::rows::sums_of_products;

static KERNEL: LazyLock<Arc<PeakKernel>> = LazyLock::new(|| Arc::new(PeakKernel));

/// Waveforms `[B, N]`, each divided by its largest absolute value.
///
/// The gradient flows through that value too; of several equal ones it goes to the first. Silence
/// stays silence and has a gradient of zero.
///
/// # Errors
/// Where the input is not `[B, N]`.
pub fn peak_normalise(waveform: &Traced) -> Result<Traced> {
    if portable::is_needed(waveform) {
        return portable::peak_normalise(waveform);
    }
    kernel::apply_rereading(&KERNEL, waveform)
}

#[derive(Debug)]
struct PeakKernel;

/// Index of the largest absolute value, the first of equals.
fn peak<T: Element>(samples: &[T]) -> usize {
    // Many maxima side by side, which compilers vectorise; then where the largest is.
    let mut best = [T::zero(); 32];
    for samples in samples.chunks(best.len()) {
        for (best, &x) in best.iter_mut().zip(samples) {
            let x = magnitude(x);
            *best = if x > *best { x } else { *best };
        }
    }
    let largest = best.iter().fold(T::zero(), |m, &x| if x > m { x } else { m });
    samples.iter().position(|&x| magnitude(x) == largest).unwrap_or(0)
}

fn magnitude<T: Element>(x: T) -> T {
    if x < T::zero() { -x } else { x }
}

impl RereadingKernel for PeakKernel {
    const NAME: &'static str = "peak-normalise";

    /// Where each clip's peak is.
    type Saved<T: Element> = Vec<usize>;

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match input {
            [_, samples] if *samples > 0 => Ok(input.to_vec()),
            _ => bail!("peak-normalise: expected [B, N], got {input:?}"),
        }
    }

    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> (Vec<T>, Vec<usize>) {
        let mut output = input.to_vec();
        let mut peaks = Vec::with_capacity(shape[0]);
        for clip in output.chunks_mut(shape[1]) {
            let place = peak(clip);
            let largest = magnitude(clip[place]);
            if largest > T::zero() {
                // Not times the reciprocal: the peak must come out as exactly 1, and that of
                // a very quiet clip would overflow.
                clip.iter_mut().for_each(|x| *x /= largest);
            }
            peaks.push(place);
        }
        (output, peaks)
    }

    fn backward<T: Element>(
        &self,
        peaks: &Vec<usize>,
        input: &[T],
        gradient: &[T],
        shape: &[usize],
        _copies: usize,
    ) -> Vec<T> {
        let sums = sums_of_products(gradient, input, shape[1], 1);
        let mut result = gradient.to_vec();
        let clips = input.chunks(shape[1]).zip(peaks).cycle();
        for ((gradient, sum), (clip, &place)) in result.chunks_mut(shape[1]).zip(sums).zip(clips) {
            let largest = magnitude(clip[place]);
            if largest == T::zero() {
                gradient.fill(T::zero());
                continue;
            }
            // With y = x / p and p = |x[place]|, each y[i] takes -x[i] / p^2 times its sign there.
            let share = sum / largest;
            gradient[place] += if clip[place] > T::zero() { -share } else { share };
            gradient.iter_mut().for_each(|g| *g /= largest);
        }
        result
    }
}
