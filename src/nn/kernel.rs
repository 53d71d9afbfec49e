//! From a forward and an adjoint on slices to a differentiable Candle operation.

use std::sync::Arc;

use candle_core::{
    CpuStorage, CustomOp1, DType, Error, Layout, Result, Shape, Storage, Tensor,
    backend::BackendStorage as _, bail,
};

use super::element::Element;

/// A differentiable map of one tensor, written on contiguous slices.
///
/// Shapes are passed as slices of dimensions; data is row-major.
pub trait Kernel: Send + Sync + 'static {
    /// The operation's name in error messages.
    const NAME: &'static str;

    /// The output's shape for an input of this shape.
    ///
    /// # Errors
    /// Where the shape is none that the kernel can take.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The output.
    fn forward<T: Element>(&self, input: &[T], shape: &[usize]) -> Vec<T>;

    /// The gradient with respect to the input, from the gradient with respect to the output.
    fn backward<T: Element>(
        &self,
        input: &[T],
        output: &[T],
        gradient: &[T],
        shape: &[usize],
    ) -> Vec<T>;
}

/// Applies a kernel so that gradients flow back to `input`.
pub fn apply<K: Kernel>(kernel: &Arc<K>, input: &Tensor) -> Result<Tensor> {
    input.contiguous()?.apply_op1(Operation(Arc::clone(kernel)))
}

struct Operation<K>(Arc<K>);

impl<K: Kernel> Operation<K> {
    fn forward<T: Element>(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = layout.dims();
        let output_shape = self.0.output_shape(shape)?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            bail!("{}: the input is not contiguous", K::NAME)
        };
        let input = &T::cpu_storage_as_slice(storage)?[start..end];
        let output = self.0.forward(input, shape);
        Ok((T::to_cpu_storage_owned(output), output_shape.into()))
    }

    fn backward<T: Element>(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<Tensor> {
        let gradient = gradient.contiguous()?;
        let result = with_slice::<T, _>(input, |input_slice| {
            with_slice::<T, _>(output, |output_slice| {
                with_slice::<T, _>(&gradient, |gradient_slice| {
                    Ok(self.0.backward(input_slice, output_slice, gradient_slice, input.dims()))
                })
            })
        })?;
        Tensor::from_vec(result, input.shape(), input.device())
    }
}

impl<K: Kernel> CustomOp1 for Operation<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage.dtype() {
            DType::F32 => self.forward::<f32>(storage, layout),
            DType::F64 => self.forward::<f64>(storage, layout),
            dtype => Err(Error::UnsupportedDTypeForOp(dtype, K::NAME)),
        }
    }

    fn bwd(&self, input: &Tensor, output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        match input.dtype() {
            DType::F32 => self.backward::<f32>(input, output, gradient).map(Some),
            DType::F64 => self.backward::<f64>(input, output, gradient).map(Some),
            dtype => Err(Error::UnsupportedDTypeForOp(dtype, K::NAME)),
        }
    }
}

/// Lends the data of a contiguous CPU tensor.
fn with_slice<T: Element, R>(tensor: &Tensor, read: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { bail!("the tensor is not on the CPU") };
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("the tensor is not contiguous")
    };
    read(&T::cpu_storage_as_slice(storage)?[start..end])
}
