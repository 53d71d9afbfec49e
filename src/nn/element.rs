//! The two number types that kernels are written for, and values that are prepared in both.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::{Device, Result, Tensor, WithDType};
use pulp::Simd;
use pulp::bytemuck::Pod;

use super::exp::Exp;

/// `f32`, which models run in, or `f64`, in which their gradients are checked.
pub trait Element: WithDType + Debug + Pod + Exp + std::ops::Neg<Output = Self> {
    /// A SIMD register of this type.
    type Vector<S: Simd>: Copy + Pod;

    /// For each lane of a register, yes or no.
    type Mask<S: Simd>: Copy;

    /// A register full of `value`.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;

    /// `a + b`.
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;

    /// `a - b`.
    fn minus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;

    /// `a * b`.
    fn times<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;

    /// `a * b + c`, fused where the machine can.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;

    /// Where `a > b`.
    fn greater<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Mask<S>;

    /// `a` where the mask says yes, else `b`.
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
    ) -> Self::Vector<S>;

    /// The first lanes of a slice; zero where it is too short.
    fn load<S: Simd>(simd: S, slice: &[Self]) -> Self::Vector<S>;

    /// Writes as many lanes as the slice takes.
    fn store<S: Simd>(simd: S, slice: &mut [Self], value: Self::Vector<S>);

    /// Weights of this type, as they are.
    fn frozen(weights: &[Self]) -> FrozenWeights;

    /// Where this type's share of a [`Prepared`] is kept.
    fn cell<F: Family>(prepared: &Prepared<F>) -> &OnceLock<F::Of<Self>>;
}

macro_rules! element {
    ($type:ty, $cell:ident, $frozen:ident, $vector:ident, $mask:ident, $splat:ident, $add:ident, $sub:ident,
     $mul:ident, $mul_add:ident, $greater:ident, $select:ident, $head:ident, $load:ident,
     $head_mut:ident, $store:ident) => {
        impl Element for $type {
            type Vector<S: Simd> = S::$vector;
            type Mask<S: Simd> = S::$mask;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }

            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }

            #[inline(always)]
            fn minus<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }

            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }

            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: S::$vector,
                b: S::$vector,
                c: S::$vector,
            ) -> S::$vector {
                simd.$mul_add(a, b, c)
            }

            #[inline(always)]
            fn greater<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$mask {
                simd.$greater(a, b)
            }

            #[inline(always)]
            fn select<S: Simd>(
                simd: S,
                mask: S::$mask,
                a: S::$vector,
                b: S::$vector,
            ) -> S::$vector {
                simd.$select(mask, a, b)
            }

            #[inline(always)]
            fn load<S: Simd>(simd: S, slice: &[Self]) -> S::$vector {
                match S::$head(slice).0.first() {
                    Some(lanes) => *lanes,
                    None => simd.$load(slice),
                }
            }

            #[inline(always)]
            fn store<S: Simd>(simd: S, slice: &mut [Self], value: S::$vector) {
                match S::$head_mut(slice).0.first_mut() {
                    Some(lanes) => *lanes = value,
                    None => simd.$store(slice, value),
                }
            }

            fn frozen(weights: &[Self]) -> FrozenWeights {
                FrozenWeights::$frozen(weights.to_vec())
            }

            fn cell<F: Family>(prepared: &Prepared<F>) -> &OnceLock<F::Of<Self>> {
                &prepared.$cell
            }
        }
    };
}

element!(
    f32,
    single,
    new,
    f32s,
    m32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_e_f32s,
    greater_than_f32s,
    select_f32s,
    as_simd_f32s,
    partial_load_f32s,
    as_mut_simd_f32s,
    partial_store_f32s
);
element!(
    f64,
    double,
    from_f64,
    f64s,
    m64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_e_f64s,
    greater_than_f64s,
    select_f64s,
    as_simd_f64s,
    partial_load_f64s,
    as_mut_simd_f64s,
    partial_store_f64s
);

/// A type for each element type, such as a vector of it.
pub trait Family {
    /// The member for `T`.
    type Of<T: Element>: Debug + Send + Sync;
}

/// A value that is made for an element type when it is first asked for.
#[derive(Debug)]
pub struct Prepared<F: Family> {
    single: OnceLock<F::Of<f32>>,
    double: OnceLock<F::Of<f64>>,
}

impl<F: Family> Default for Prepared<F> {
    fn default() -> Self {
        Self { single: OnceLock::new(), double: OnceLock::new() }
    }
}

impl<F: Family> Prepared<F> {
    /// The value in the type `T`, made by `make` if it is not there yet.
    pub fn get_or_init<T: Element>(&self, make: impl FnOnce() -> F::Of<T>) -> &F::Of<T> {
        T::cell(self).get_or_init(make)
    }
}

#[derive(Debug)]
struct Values;

impl Family for Values {
    type Of<T: Element> = Vec<T>;
}

/// Weights that no gradient is computed for, shared; each precision is made only when asked for.
#[derive(Clone, Debug)]
pub struct FrozenWeights(Arc<Frozen>);

#[derive(Debug)]
struct Frozen {
    exact: Source,
    values: Prepared<Values>,
    tensors: Mutex<Vec<Tensor>>,
}

impl Default for Frozen {
    fn default() -> Self {
        let exact = Source::Single(Vec::new());
        Self { exact, values: Prepared::default(), tensors: Mutex::default() }
    }
}

#[derive(Debug)]
enum Source {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl FrozenWeights {
    /// Keeps `weights`.
    pub fn new(weights: Vec<f32>) -> Self {
        Self(Arc::new(Frozen { exact: Source::Single(weights), ..Frozen::default() }))
    }

    /// Keeps weights that were computed in `f64`.
    pub fn from_f64(weights: Vec<f64>) -> Self {
        Self(Arc::new(Frozen { exact: Source::Double(weights), ..Frozen::default() }))
    }

    /// The weights in the type `T`.
    pub fn get<T: Element>(&self) -> &[T] {
        self.0.values.get_or_init(|| match &self.0.exact {
            Source::Single(weights) => weights.iter().map(|&w| T::from_f64(w.into())).collect(),
            Source::Double(weights) => weights.iter().map(|&w| T::from_f64(w)).collect(),
        })
    }

    /// The weights as a tensor of this shape, where `like` is and in its type; made once.
    ///
    /// # Errors
    /// Where the shape has another number of elements or the device's memory runs out.
    pub fn tensor(&self, shape: &[usize], like: &Tensor) -> Result<Tensor> {
        let mut tensors = self.0.tensors.lock().unwrap_or_else(PoisonError::into_inner);
        let made = tensors.iter().find(|tensor| {
            tensor.dims() == shape
                && tensor.dtype() == like.dtype()
                && tensor.device().same_device(like.device())
        });
        if let Some(made) = made {
            return Ok(made.clone());
        }
        let values: Vec<f64> = (0..self.len()).map(|index| self.at(index)).collect();
        let host = Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(like.dtype())?;
        let tensor = host.to_device(like.device())?;
        tensors.push(tensor.clone());
        Ok(tensor)
    }

    /// One of them, exactly.
    pub fn at(&self, index: usize) -> f64 {
        match &self.0.exact {
            Source::Single(weights) => weights[index].into(),
            Source::Double(weights) => weights[index],
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0.exact {
            Source::Single(weights) => weights.len(),
            Source::Double(weights) => weights.len(),
        }
    }
}
