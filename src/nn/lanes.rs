//! A few neighbouring channels at one place of an image, in one SIMD register.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;

use super::element::Element;

/// As many channels as a register holds.
#[derive(Clone, Copy)]
pub struct Lanes<S: Simd, T: Element> {
    simd: S,
    values: T::Vector<S>,
}

impl<S: Simd, T: Element> Lanes<S, T> {
    /// How many channels there are.
    pub const COUNT: usize = size_of::<T::Vector<S>>() / size_of::<T>();

    /// All the same.
    #[inline(always)]
    pub fn splat(simd: S, value: T) -> Self {
        Self { simd, values: T::splat(simd, value) }
    }

    /// The first values of a slice; what it is short of is zero.
    #[inline(always)]
    pub fn load(simd: S, values: &[T]) -> Self {
        Self { simd, values: T::load(simd, values) }
    }

    /// Writes as many values as the slice takes.
    #[inline(always)]
    pub fn store(self, values: &mut [T]) {
        T::store(self.simd, values, self.values);
    }

    /// `self * factor + summand`.
    #[inline(always)]
    pub fn mul_add(self, factor: Self, summand: Self) -> Self {
        Self { values: T::mul_add(self.simd, self.values, factor.values, summand.values), ..self }
    }

    /// `yes` in the lanes where `self > other`, else `no`.
    #[inline(always)]
    pub fn if_greater(self, other: Self, yes: Self, no: Self) -> Self {
        let mask = T::greater(self.simd, self.values, other.values);
        Self { values: T::select(self.simd, mask, yes.values, no.values), ..self }
    }
}

macro_rules! operator {
    ($trait:ident, $function:ident, $operation:ident) => {
        impl<S: Simd, T: Element> $trait for Lanes<S, T> {
            type Output = Self;

            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self { values: T::$operation(self.simd, self.values, other.values), ..self }
            }
        }
    };
}

operator!(Add, add, plus);
operator!(Sub, sub, minus);

impl<S: Simd, T: Element> Mul<T> for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: T) -> Self {
        let factor = T::splat(self.simd, factor);
        Self { values: T::times(self.simd, self.values, factor), ..self }
    }
}
