//! A device that was opened, and what its errors mean for people.

use candle_core::Device;

/// A device that was opened.
#[derive(Clone, Debug)]
pub struct Compute {
    /// The device.
    pub device: Device,
    /// Its name for people.
    pub name: String,
    /// What people must know: why it is not the one that they may expect.
    pub notice: Option<String>,
}

impl Compute {
    /// The processor.
    pub fn cpu() -> Self {
        Self { device: Device::Cpu, name: "CPU".to_owned(), notice: None }
    }

    /// A job's error as people are told it: where the device's memory was too small, or the device
    /// is gone, what to do.
    pub fn explain(&self, error: &str) -> String {
        let name = &self.name;
        if is_out_of_memory(error) {
            let way_out = match self.device {
                Device::Cpu => "use a shorter clip",
                _ => "use --device cpu, or a shorter clip",
            };
            format!("out of memory on {name}: {way_out} ({error})")
        } else if is_lost(error) {
            format!("{name} no longer answers: use --device cpu, or start again ({error})")
        } else {
            error.to_owned()
        }
    }
}

/// Whether it is what cudarc, cuBLAS, cuDNN or candle's Metal kernels say of too little memory.
fn is_out_of_memory(error: &str) -> bool {
    let error = error.to_lowercase();
    ["out of memory", "out_of_memory", "outofmemory", "alloc_failed", "allocation_failed"]
        .iter()
        .any(|sign| error.contains(sign))
        || (error.contains("failed to create metal resource") && error.contains("buffer"))
}

/// Whether it is one of CUDA's errors after which the program can't use the GPU any more.
fn is_lost(error: &str) -> bool {
    ["DEVICE_UNAVAILABLE", "ECC_UNCORRECTABLE", "ILLEGAL_ADDRESS", "LAUNCH_FAILED"]
        .iter()
        .any(|sign| error.contains(&format!("CUDA_ERROR_{sign}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_and_a_lost_gpu_say_where_and_what_to_do() {
        let gpu = Compute { name: "GPU of Theseus".to_owned(), ..Compute::cpu() };
        for error in [
            "the model failed: DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            "CublasError(CUBLAS_STATUS_ALLOC_FAILED)",
            "Metal error Failed to create metal resource: Buffer",
        ] {
            let told = gpu.explain(error);
            assert!(told.starts_with("out of memory on GPU of Theseus: "), "{told}");
            assert!(told.contains("shorter clip") && told.contains(error), "{told}");
        }
        let told = gpu.explain("DriverError(CUDA_ERROR_ECC_UNCORRECTABLE)");
        assert!(told.starts_with("GPU of Theseus no longer answers: use --device cpu"), "{told}");
        assert_eq!(gpu.explain("shape mismatch"), "shape mismatch");
    }
}
