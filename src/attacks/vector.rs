//! Sums over points of many samples, in `f64`.

/// The Euclidean length.
pub fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The inner product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Adds `factor * other` to `values`.
pub fn add_scaled(values: &mut [f64], factor: f64, other: &[f64]) {
    for (value, other) in values.iter_mut().zip(other) {
        *value += factor * other;
    }
}

/// Samples as `f64`.
pub fn wide(samples: &[f32]) -> Vec<f64> {
    samples.iter().map(|&x| f64::from(x)).collect()
}
