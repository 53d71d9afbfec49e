//! Every algorithm, whether or not it would be chosen for the shape, against the definition.

use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::finish::Activation;
use super::*;

/// A convolution's operands in `f64`.
struct Case {
    dimensions: Dimensions,
    window: Window,
    input: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Case {
    fn new([batch, height, width, inputs, outputs]: [usize; 5], window: Window, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Exact in f32, so that both precisions compute with the same numbers.
        let mut random = |count: usize| -> Vec<f64> {
            (0..count).map(|_| f64::from(rng.random_range(-1.0_f32..1.0))).collect()
        };
        Self {
            dimensions: Dimensions { batch, height, width, inputs, outputs },
            window,
            input: random(batch * height * width * inputs),
            weight: random(outputs * inputs * window.taps()),
            bias: random(outputs),
            scale: random(outputs),
            shift: random(outputs),
        }
    }

    fn weight(&self, output: usize, input: usize, tap: usize) -> f64 {
        self.weight[(output * self.dimensions.inputs + input) * self.window.taps() + tap]
    }

    /// Calls `visit(output index, input index, output, input, tap)` for every product.
    fn products(&self, mut visit: impl FnMut(usize, usize, usize, usize, usize)) {
        let Dimensions { batch, height, width, inputs, outputs } = self.dimensions;
        for pixel in 0..batch * height * width {
            let (line, x) = (pixel / width, pixel % width);
            let (image, y) = (line / height, line % height);
            for tap in 0..self.window.taps() {
                let down = (y + tap / self.window.width).checked_sub(self.window.height / 2);
                let right = (x + tap % self.window.width).checked_sub(self.window.width / 2);
                let (Some(down), Some(right)) = (down, right) else { continue };
                if down >= height || right >= width {
                    continue;
                }
                let other = (image * height + down) * width + right;
                for output in 0..outputs {
                    for input in 0..inputs {
                        let places = (pixel * outputs + output, other * inputs + input);
                        visit(places.0, places.1, output, input, tap);
                    }
                }
            }
        }
    }

    /// The convolution's sums by definition, with bias.
    fn sums(&self) -> Vec<f64> {
        let Dimensions { batch, height, width, .. } = self.dimensions;
        let mut sums: Vec<f64> =
            (0..batch * height * width).flat_map(|_| self.bias.iter().copied()).collect();
        self.products(|to, from, output, input, tap| {
            sums[to] += self.input[from] * self.weight(output, input, tap);
        });
        sums
    }

    /// The sums after rectifier, norm and perhaps pool, by definition.
    fn finished(&self, pool: bool) -> Vec<f64> {
        let Dimensions { batch, height, width, outputs, .. } = self.dimensions;
        let values: Vec<f64> = self
            .sums()
            .iter()
            .enumerate()
            .map(|(i, z)| self.scale[i % outputs] * z.max(0.0) + self.shift[i % outputs])
            .collect();
        if !pool {
            return values;
        }
        let mut pooled = Vec::new();
        for image in 0..batch {
            for y in 0..height / 2 {
                for x in 0..width / 2 {
                    for c in 0..outputs {
                        let at = |dy: usize, dx: usize| {
                            let line = image * height + 2 * y + dy;
                            values[(line * width + 2 * x + dx) * outputs + c]
                        };
                        pooled.push(at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
                    }
                }
            }
        }
        pooled
    }

    /// The same by one of our algorithms; none where it does not exist for the window.
    fn computed<T: Element>(&self, algorithm: Algorithm, pool: Option<bool>) -> Option<Vec<f64>> {
        let Dimensions { inputs, outputs, .. } = self.dimensions;
        let vector =
            |values: &[f64]| -> Vec<T> { values.iter().map(|&v| T::from_f64(v)).collect() };
        let (input, bias) = (vector(&self.input), vector(&self.bias));
        let (scale, shift) = (vector(&self.scale), vector(&self.shift));
        let activation = pool.map(|pool| Activation { scale: &scale[..], shift: &shift[..], pool });
        let finish = Finish { bias: &bias, activation };
        let (dimensions, window) = (&self.dimensions, self.window);
        let at = |output: usize, input: usize, tap: usize| self.weight(output, input, tap);
        let values = match algorithm {
            Algorithm::Few => {
                let packed = Packed::new(inputs, window.taps() * outputs, |input, column| {
                    T::from_f64(at(column % outputs, input, column / outputs))
                });
                direct::convolve_few(dimensions, window, &input, &packed)
            }
            Algorithm::Direct => {
                let packed = Packed::new(window.taps() * inputs, outputs, |row, output| {
                    T::from_f64(at(output, row % inputs, row / inputs))
                });
                direct::convolve(dimensions, window, &input, &packed, &finish, true).0
            }
            _ if window != Window::SQUARE => return None,
            Algorithm::SmallTiles => {
                let packed = kernels::transformed::<T, 4>(inputs, outputs, at);
                tiles::convolve::<T, 4>(dimensions, &input, &packed, &finish, true).0
            }
            Algorithm::LargeTiles => {
                let packed = kernels::transformed::<T, 6>(inputs, outputs, at);
                tiles::convolve::<T, 6>(dimensions, &input, &packed, &finish, true).0
            }
        };
        Some(values.iter().map(|v| v.to_f64()).collect())
    }

    /// The gradient of the weights by definition, the gradient of the sums being `upstream`.
    fn weight_gradient(&self, upstream: &[f64]) -> Vec<f64> {
        let (inputs, taps) = (self.dimensions.inputs, self.window.taps());
        let mut gradient = vec![0.0; self.weight.len()];
        self.products(|to, from, output, input, tap| {
            gradient[(output * inputs + input) * taps + tap] += upstream[to] * self.input[from];
        });
        gradient
    }
}

fn difference(ours: &[f64], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let largest = reference.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
    ours.iter().zip(reference).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

fn windows() -> impl Strategy<Value = Window> {
    prop_oneof![3 => Just(Window::SQUARE), 1 => Just(Window::POINT), 1 => Just(Window::LINE)]
}

/// Mostly small, with odd sizes, one pixel and one channel; sometimes more than a register's
/// channels or a block's tiles.
fn shapes() -> impl Strategy<Value = [usize; 5]> {
    let side = prop_oneof![4 => 1..14usize, 1 => 30..50usize];
    let channels = prop_oneof![4 => 1..20usize, 1 => 30..70usize];
    (1..4usize, side.clone(), side, channels.clone(), channels)
        .prop_map(|(b, h, w, i, o)| [b, h, w, i, o])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_algorithm_computes_the_convolution(
        shape in shapes(), window in windows(), seed: u64,
    ) {
        let case = Case::new(shape, window, seed);
        let sums = case.sums();
        let without_bias: Vec<f64> =
            sums.iter().enumerate().map(|(i, z)| z - case.bias[i % case.bias.len()]).collect();
        for algorithm in
            [Algorithm::Few, Algorithm::Direct, Algorithm::SmallTiles, Algorithm::LargeTiles]
        {
            let expected = if algorithm == Algorithm::Few { &without_bias } else { &sums };
            if let Some(double) = case.computed::<f64>(algorithm, None) {
                let single = case.computed::<f32>(algorithm, None).unwrap();
                let error = difference(&double, expected);
                prop_assert!(error < 1e-13, "{algorithm:?} in f64: {error:e}");
                let error = difference(&single, expected);
                prop_assert!(error < 1e-5, "{algorithm:?} in f32: {error:e}");
            }
        }
    }

    #[test]
    fn every_algorithm_finishes_its_sums(
        shape in shapes(), window in windows(), pool: bool, seed: u64,
    ) {
        let case = Case::new(shape, window, seed);
        prop_assume!(!pool || (shape[1] > 1 && shape[2] > 1));
        let expected = case.finished(pool);
        for algorithm in [Algorithm::Direct, Algorithm::SmallTiles, Algorithm::LargeTiles] {
            if let Some(double) = case.computed::<f64>(algorithm, Some(pool)) {
                let single = case.computed::<f32>(algorithm, Some(pool)).unwrap();
                let error = difference(&double, &expected);
                prop_assert!(error < 1e-13, "{algorithm:?} in f64: {error:e}");
                let error = difference(&single, &expected);
                prop_assert!(error < 1e-5, "{algorithm:?} in f32: {error:e}");
            }
        }
    }

    #[test]
    fn every_algorithm_computes_the_weights_gradient(
        shape in shapes(), window in windows(), seed: u64,
    ) {
        let case = Case::new(shape, window, seed);
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let upstream: Vec<f64> = (0..case.sums().len())
            .map(|_| f64::from(rng.random_range(-1.0_f32..1.0)))
            .collect();
        let expected = case.weight_gradient(&upstream);
        let algorithms = [Algorithm::Direct, Algorithm::SmallTiles, Algorithm::LargeTiles];
        for &algorithm in if window == Window::SQUARE { &algorithms[..] } else { &algorithms[..1] } {
            let double = learning::weight_gradient_by(
                algorithm, &case.dimensions, window, &case.input, &upstream,
            );
            let error = difference(&double, &expected);
            prop_assert!(error < 1e-13, "{algorithm:?} in f64: {error:e}");
            let single = |values: &[f64]| -> Vec<f32> { values.iter().map(|&v| v as f32).collect() };
            let ours = learning::weight_gradient_by(
                algorithm, &case.dimensions, window, &single(&case.input), &single(&upstream),
            );
            let ours: Vec<f64> = ours.into_iter().map(f64::from).collect();
            let error = difference(&ours, &expected);
            prop_assert!(error < 1e-5, "{algorithm:?} in f32: {error:e}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let case = Case::new([3, 21, 17, 24, 40], Window::SQUARE, 5);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for algorithm in [Algorithm::Direct, Algorithm::SmallTiles, Algorithm::LargeTiles] {
        let alone = pool(1).install(|| case.computed::<f32>(algorithm, Some(true)));
        for threads in [2, 3, 7] {
            let shared = pool(threads).install(|| case.computed::<f32>(algorithm, Some(true)));
            assert_eq!(alone, shared, "{algorithm:?} on {threads} threads");
        }
    }
}

/// Runs this file's other tests again, compiled for lesser machines.
#[test]
fn lesser_machines_compute_the_same() {
    for simd in ["avx2", "scalar"] {
        let tests = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["every_algorithm", "--test-threads=1"])
            .env("MONDEGREEN_SIMD", simd)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&tests.stdout);
        assert!(tests.status.success(), "{simd}: {said}");
        assert!(said.contains("3 passed"), "{simd}: {said}");
    }
}
