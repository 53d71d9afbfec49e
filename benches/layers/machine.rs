//! What the machine can do at best: the two lines of the roofline.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// How often each loop runs; the fastest counts, for it is the machine's peak that is sought.
const RUNS: usize = 7;

/// Accumulators of the multiply-add loop: more than latency (4) times units (2), fewer than
/// AVX2 has registers.
const ACCUMULATORS: usize = 10;

/// Multiply-adds of each accumulator: some 20 ms.
const STEPS: usize = 1 << 23;

/// Numbers that are read: 256 MiB, many times any cache.
const NUMBERS: usize = 64 << 20;

/// The most that all threads reach together.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// f32 multiply-adds, two operations each, in 10^9 a second.
    pub gflops: f64,
    /// Reading main memory, in 10^9 bytes a second.
    pub gigabytes: f64,
}

impl Machine {
    /// Measures on all threads of rayon's pool.
    pub fn measure() -> Self {
        let arch = Arch::new();
        let operations = rayon::broadcast(|_| arch.dispatch(MultiplyAdd)).iter().sum::<f64>();
        let computing = fastest(|| {
            black_box(rayon::broadcast(|_| arch.dispatch(MultiplyAdd)));
        });
        let numbers = vec![1.0_f32; NUMBERS];
        let part = NUMBERS.div_ceil(rayon::current_num_threads());
        let reading = fastest(|| {
            let sum: f32 = numbers.par_chunks(part).map(|part| arch.dispatch(Sum(part))).sum();
            black_box(sum);
        });
        Self {
            gflops: operations / computing * 1e-9,
            gigabytes: (NUMBERS * size_of::<f32>()) as f64 / reading * 1e-9,
        }
    }

    /// The most that so many operations can reach which move so many bytes, in 10^9 a second.
    pub fn roof(self, operations: f64, bytes: f64) -> f64 {
        self.gflops.min(operations / bytes * self.gigabytes)
    }
}

/// Seconds of the fastest run.
fn fastest(job: impl Fn()) -> f64 {
    let seconds = (0..RUNS).map(|_| {
        let start = Instant::now();
        job();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

/// Independent chains of multiply-adds in registers; the output is how many operations they are.
struct MultiplyAdd;

impl WithSimd for MultiplyAdd {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = simd.splat_f32s(black_box(0.999));
        let summand = simd.splat_f32s(black_box(0.001));
        let mut sums = [simd.splat_f32s(black_box(1.0)); ACCUMULATORS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, summand);
            }
        }
        black_box(sums);
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        (2 * lanes * ACCUMULATORS * STEPS) as f64
    }
}

/// A sum in as many registers as hide the latency.
struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (vectors, rest) = S::as_simd_f32s(self.0);
        let (blocks, single) = pulp::as_arrays::<8, _>(vectors);
        let mut sums = [simd.splat_f32s(0.0); 8];
        for block in blocks {
            for (sum, &vector) in sums.iter_mut().zip(block) {
                *sum = simd.add_f32s(*sum, vector);
            }
        }
        for &vector in single {
            sums[0] = simd.add_f32s(sums[0], vector);
        }
        sums.iter().map(|&sum| simd.reduce_sum_f32s(sum)).sum::<f32>() + rest.iter().sum::<f32>()
    }
}
