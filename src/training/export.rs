//! From trained numbers to a weights file.

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::{Dtype, TensorView};

use crate::models::NamedTensors;

/// The numbers that a model is made of, with what its file says of them.
#[derive(Clone, Debug)]
pub struct Trained {
    /// All tensors.
    pub tensors: NamedTensors,
    /// Everything else.
    pub metadata: HashMap<String, String>,
}

impl Trained {
    /// The safetensors file. With `half` kernels (tensors of more than one axis) are `f16`; biases,
    /// norms and statistics, which are few, stay `f32`.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn to_bytes(&self, half: bool) -> candle_core::Result<Vec<u8>> {
        let mut data = Vec::new();
        for (name, tensor) in &self.tensors {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            let shape = tensor.dims().to_vec();
            data.push(if half && shape.len() > 1 {
                let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
                (name.clone(), Dtype::F16, shape, bytes)
            } else {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name.clone(), Dtype::F32, shape, bytes)
            });
        }
        let views = data.iter().map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.clone(), view))
        });
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(candle_core::Error::wrap)?;
        safetensors::serialize(views, Some(self.metadata.clone())).map_err(candle_core::Error::wrap)
    }
}
