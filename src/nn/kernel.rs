//! From a forward and an adjoint on slices to an operation on traced values.

use std::sync::Arc;

use candle_core::{DType, Error, Result, Storage, Tensor, bail};

use super::element::Element;
use super::graph::Traced;

/// A differentiable map of one tensor, written on contiguous slices.
///
/// Shapes are passed as slices of dimensions, the batch first; data is row-major.
pub trait Kernel: Send + Sync + 'static {
    /// The operation's name in error messages.
    const NAME: &'static str;

    /// What the adjoint needs to know of the forward pass.
    type Saved<T: Element>: Send + Sync;

    /// The output's shape for an input of this shape.
    ///
    /// # Errors
    /// Where the shape is none that the kernel can take.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The output. `keep` is false where nobody will ask for a gradient.
    fn forward<T: Element>(
        &self,
        input: &[T],
        shape: &[usize],
        keep: bool,
    ) -> (Vec<T>, Self::Saved<T>);

    /// The gradients with respect to the input, from those with respect to the output: `copies` of
    /// either, one behind the other. `shape` is the input's.
    fn backward<T: Element>(
        &self,
        saved: &Self::Saved<T>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T>;
}

/// A [`Kernel`] whose adjoint reads the input once more: it is kept where it is, without a copy.
pub trait RereadingKernel: Send + Sync + 'static {
    /// The operation's name in error messages.
    const NAME: &'static str;

    /// What the adjoint needs to know of the forward pass besides the input.
    type Saved<T: Element>: Send + Sync;

    /// The output's shape for an input of this shape.
    ///
    /// # Errors
    /// Where the shape is none that the kernel can take.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The output.
    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> (Vec<T>, Self::Saved<T>);

    /// The gradients with respect to `input`, as in [`Kernel::backward`].
    fn backward<T: Element>(
        &self,
        saved: &Self::Saved<T>,
        input: &[T],
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T>;
}

/// Applies a kernel so that gradients flow back to `input`.
///
/// # Errors
/// Where the input has a shape or type that the kernel can't take, or is not on the CPU.
pub fn apply<K: Kernel>(kernel: &Arc<K>, input: &Traced) -> Result<Traced> {
    match input.tensor().dtype() {
        DType::F32 => apply_to::<K, f32>(kernel, input),
        DType::F64 => apply_to::<K, f64>(kernel, input),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, K::NAME)),
    }
}

/// Applies a kernel that reads its input twice, so that gradients flow back to `input`.
///
/// # Errors
/// Those of [`apply`].
pub fn apply_rereading<K: RereadingKernel>(kernel: &Arc<K>, input: &Traced) -> Result<Traced> {
    match input.tensor().dtype() {
        DType::F32 => reread_by::<K, f32>(kernel, input),
        DType::F64 => reread_by::<K, f64>(kernel, input),
        dtype => Err(Error::UnsupportedDTypeForOp(dtype, K::NAME)),
    }
}

fn apply_to<K: Kernel, T: Element>(kernel: &Arc<K>, input: &Traced) -> Result<Traced> {
    let tensor = input.tensor().contiguous()?;
    let shape = tensor.dims().to_vec();
    let output_shape = kernel.output_shape(&shape)?;
    let (output, saved) =
        with_slice::<T, _>(&tensor, |slice| Ok(kernel.forward(slice, &shape, input.is_tracked())))?;
    let kernel = Arc::clone(kernel);
    trace(input, output, output_shape, move |gradient, copies| {
        Ok(kernel.backward(&saved, gradient, &shape, copies))
    })
}

fn reread_by<K: RereadingKernel, T: Element>(kernel: &Arc<K>, input: &Traced) -> Result<Traced> {
    let tensor = input.tensor().contiguous()?;
    let shape = tensor.dims().to_vec();
    let output_shape = kernel.output_shape(&shape)?;
    let (output, saved) = with_slice::<T, _>(&tensor, |slice| Ok(kernel.forward(slice, &shape)))?;
    let kernel = Arc::clone(kernel);
    trace(input, output, output_shape, move |gradient, copies| {
        with_slice::<T, _>(&tensor, |input| {
            Ok(kernel.backward(&saved, input, gradient, &shape, copies))
        })
    })
}

/// The traced output of a kernel; `adjoint` maps so many gradients of it to those of `input`.
fn trace<T: Element>(
    input: &Traced,
    output: Vec<T>,
    output_shape: Vec<usize>,
    adjoint: impl Fn(&[T], usize) -> Result<Vec<T>> + Send + Sync + 'static,
) -> Result<Traced> {
    let output = Tensor::from_vec(output, output_shape, input.tensor().device())?;
    let shape = input.tensor().dims().to_vec();
    let pullback = move |gradient: &Tensor, copies: usize| {
        let result =
            with_slice::<T, _>(&gradient.contiguous()?, |gradient| adjoint(gradient, copies))?;
        let mut shape = shape.clone();
        shape[0] *= copies;
        Ok(vec![Some(Tensor::from_vec(result, shape, gradient.device())?)])
    };
    Ok(Traced::derived(output, &[input], Box::new(pullback)))
}

/// Lends the data of a contiguous CPU tensor.
pub fn with_slice<T: Element, R>(
    tensor: &Tensor,
    read: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the tensor is not on the CPU") };
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("the tensor is not contiguous")
    };
    read(&T::cpu_storage_as_slice(storage)?[start..end])
}
