//! Rounding to what integer files hold.

/// The nearest of the values that an integer file of so many bits holds: steps of 2^(1 - bits) from
/// -1 to the largest below 1.
pub fn round_to_bits(sample: f64, bits: u32) -> f32 {
    let steps = 2_f64.powi(bits.cast_signed() - 1);
    let step = (sample * steps).round().clamp(-steps, steps - 1.0);
    (step / steps) as f32
}
