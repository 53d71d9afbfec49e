//! From trained numbers to a weights file.

use std::collections::{BTreeMap, HashMap};

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
    /// The safetensors file, the same bytes for the same numbers. With `half` kernels (tensors of
    /// more than one axis) are `f16`, unless a value is too large for that; biases, norms and
    /// statistics, which are few, stay `f32`.
    ///
    /// # Errors
    /// Where memory runs out.
    pub fn to_bytes(&self, half: bool) -> candle_core::Result<Vec<u8>> {
        let mut data = Vec::new();
        for (name, tensor) in &self.tensors {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            let shape = tensor.dims().to_vec();
            let fits = values.iter().all(|v| v.abs() <= f32::from(f16::MAX));
            data.push(if half && fits && shape.len() > 1 {
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
        let file = safetensors::serialize(views, Some(self.metadata.clone()));
        in_order(&file.map_err(candle_core::Error::wrap)?).map_err(candle_core::Error::wrap)
    }
}

/// The file with the entries of its header sorted: safetensors writes them as a hash map gives
/// them, another way each time. The header is JSON behind its length in eight bytes.
fn in_order(file: &[u8]) -> serde_json::Result<Vec<u8>> {
    let Some((length, rest)) = file.split_first_chunk() else { return Ok(file.to_vec()) };
    let (header, data) = rest.split_at((u64::from_le_bytes(*length) as usize).min(rest.len()));
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    let mut header = serde_json::to_vec(&entries)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use safetensors::SafeTensors;

    use super::*;

    #[test]
    fn the_same_numbers_give_the_same_file() {
        let values = Tensor::new(&[[1.0f32, -2.5], [1e6, 0.1]], &Device::Cpu).unwrap();
        let small = Tensor::new(&[[0.5f32]], &Device::Cpu).unwrap();
        let file = || {
            let metadata = (0..20).map(|i| (format!("note {i}"), i.to_string())).collect();
            let tensors = vec![("a".to_owned(), values.clone()), ("b".to_owned(), small.clone())];
            Trained { tensors, metadata }.to_bytes(true).unwrap()
        };
        assert_eq!(file(), file());
        let bytes = file();
        let read = SafeTensors::deserialize(&bytes).unwrap();
        // What is too large for f16 stays as it is.
        assert_eq!(read.tensor("a").unwrap().dtype(), Dtype::F32);
        assert_eq!(read.tensor("a").unwrap().data()[8..12], 1e6f32.to_le_bytes());
        assert_eq!(read.tensor("b").unwrap().dtype(), Dtype::F16);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap().len(), 20);
    }
}
