//! Exponentials for millions of gates: `f32`'s vectorises, where the system's is a call a number.

use super::element::Element;

/// The exponential function of numbers that are not positive.
pub trait Exp: Copy {
    /// `e^self` for `self <= 0`, within two units in the last place. Not a number stays so; what
    /// lies below -87 may be taken as -87, which keeps the result above 0.
    fn exp_of_negative(self) -> Self;

    /// `ln(1 + self)`, exact near 0.
    fn logarithm_of_successor(self) -> Self;
}

impl Exp for f32 {
    #[inline(always)]
    fn exp_of_negative(self) -> f32 {
        // e^x = 2^n e^r with n whole and |r| <= ln(2) / 2. Adding 1.5 * 2^23 rounds to a whole
        // number and leaves it in the lowest bits.
        const ROUND: f32 = 12_582_912.0;
        // ln(2) in two parts: products of the first with n <= 126 are exact.
        const LN_2_HIGH: f32 = 0.693_359_4;
        const LN_2_LOW: f32 = (std::f64::consts::LN_2 - 0.693_359_375) as f32;
        let x = if self < -87.0 { -87.0 } else { self };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let r = x - n * LN_2_HIGH - n * LN_2_LOW;
        // Taylor's series: the first term left out is below 6e-9.
        let mut sum = 1.0 / 5040.0;
        sum = sum * r + 1.0 / 720.0;
        sum = sum * r + 1.0 / 120.0;
        sum = sum * r + 1.0 / 24.0;
        sum = sum * r + 1.0 / 6.0;
        sum = sum * r + 0.5;
        sum = sum * r + 1.0;
        sum = sum * r + 1.0;
        sum * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
    }

    fn logarithm_of_successor(self) -> f32 {
        self.ln_1p()
    }
}

impl Exp for f64 {
    #[inline(always)]
    fn exp_of_negative(self) -> f64 {
        self.exp()
    }

    fn logarithm_of_successor(self) -> f64 {
        self.ln_1p()
    }
}

/// `1 / (1 + e^-x)` and its derivative, without overflow or cancellation for any `x`.
#[inline(always)]
pub fn sigmoid<T: Element>(x: T) -> [T; 2] {
    let e = (if x > T::zero() { -x } else { x }).exp_of_negative();
    let share = T::one() / (T::one() + e);
    let value = if x > T::zero() { share } else { e * share };
    [value, e * share * share]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place() {
        for i in 0..=1_000_000 {
            let x = -87.0 * (i as f32 / 1e6);
            let exact = f64::from(x).exp();
            let error = (f64::from(x.exp_of_negative()) - exact).abs() / exact;
            assert!(error <= 2.0 * f64::from(f32::EPSILON), "e^{x}: {error:e}");
        }
        assert_eq!(0.0_f32.exp_of_negative(), 1.0);
        assert!(f32::NAN.exp_of_negative().is_nan());
        for x in [-88.0, -1e30, f32::NEG_INFINITY] {
            assert!((0.0..1e-37).contains(&x.exp_of_negative()));
        }
    }

    #[test]
    fn the_sigmoid_is_safe_far_out() {
        for x in [-1e4_f32, -30.0, -3.0, 0.0, 3.0, 30.0, 1e4] {
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            let slope = exact * (1.0 / (1.0 + f64::from(x).exp()));
            let [value, derivative] = sigmoid(x);
            assert!((f64::from(value) - exact).abs() <= 4e-7 * exact + 1e-37, "{x}: {value}");
            assert!((f64::from(derivative) - slope).abs() <= 6e-7 * slope + 1e-37, "{x}");
        }
        assert!(sigmoid(f32::NAN)[0].is_nan());
    }
}
