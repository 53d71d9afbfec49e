//! Where models compute.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use candle_core::{Device, Tensor};
use thiserror::Error;

use super::compute::Compute;
use super::outbox::panic_message;
use crate::names::{self, UnknownName};

/// What a person asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The fastest that this build and machine have.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl DeviceChoice {
    const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Auto => "Fastest",
            Self::Cpu => "CPU",
            Self::Cuda => Gpu::Cuda.title(),
            Self::Metal => Gpu::Metal.title(),
        }
    }

    /// The choice of that name.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest choice.
    pub fn find(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.map(Self::name);
        names::find("device", &known, name).map(|index| Self::ALL[index])
    }

    /// The choices that this build has; one where there is nothing to choose.
    pub fn in_this_build() -> Vec<Self> {
        let gpus: Vec<_> = Gpu::in_this_build().map(Gpu::choice).collect();
        if gpus.is_empty() {
            return vec![Self::Cpu];
        }
        [Self::Auto, Self::Cpu].into_iter().chain(gpus).collect()
    }

    /// Whether [`Self::resolve`] may open a GPU, which can take seconds.
    ///
    /// # Errors
    /// [`DeviceError::NotInThisBuild`].
    pub fn tries_a_gpu(self) -> Result<bool, DeviceError> {
        let wanted = match self {
            Self::Cpu => return Ok(false),
            Self::Auto => return Ok(Gpu::in_this_build().next().is_some()),
            Self::Cuda => Gpu::Cuda,
            Self::Metal => Gpu::Metal,
        };
        let built = Gpu::in_this_build().any(|gpu| gpu == wanted);
        if built { Ok(true) } else { Err(DeviceError::NotInThisBuild(wanted)) }
    }

    /// Opens the device. [`Self::Auto`] takes the first GPU of this build that works, and the CPU,
    /// with a notice, where none does.
    ///
    /// # Errors
    /// Where a certain GPU was asked for and this build or machine does not have it.
    pub fn resolve(self) -> Result<Compute, DeviceError> {
        let gpus: Vec<_> = Gpu::in_this_build().collect();
        self.resolve_with(&gpus, Gpu::open)
    }

    fn resolve_with(
        self,
        gpus: &[Gpu],
        open: impl Fn(Gpu) -> Result<Compute, String>,
    ) -> Result<Compute, DeviceError> {
        let wanted = match self {
            Self::Cpu => return Ok(Compute::cpu()),
            Self::Auto => {
                let mut notices = Vec::new();
                for &gpu in gpus {
                    match open(gpu) {
                        Ok(compute) => return Ok(compute),
                        Err(reason) => notices.push(format!(
                            "Models compute on the CPU: {} can't be used ({reason}). {}.",
                            gpu.named(),
                            gpu.advice()
                        )),
                    }
                }
                let notice = Some(notices.join(" ")).filter(|text| !text.is_empty());
                return Ok(Compute { notice, ..Compute::cpu() });
            }
            Self::Cuda => Gpu::Cuda,
            Self::Metal => Gpu::Metal,
        };
        if !gpus.contains(&wanted) {
            return Err(DeviceError::NotInThisBuild(wanted));
        }
        open(wanted).map_err(|reason| DeviceError::Unusable { gpu: wanted, reason })
    }
}

/// A kind of GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// NVIDIA's, by CUDA.
    Cuda,
    /// Apple's, by Metal.
    Metal,
}

impl Gpu {
    /// Those that this build can compute on, the preferred first.
    fn in_this_build() -> impl Iterator<Item = Self> {
        let built = [(Self::Cuda, cfg!(feature = "cuda")), (Self::Metal, cfg!(feature = "metal"))];
        built.into_iter().filter_map(|(gpu, built)| built.then_some(gpu))
    }

    fn choice(self) -> DeviceChoice {
        match self {
            Self::Cuda => DeviceChoice::Cuda,
            Self::Metal => DeviceChoice::Metal,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cuda => "NVIDIA GPU",
            Self::Metal => "Apple GPU",
        }
    }

    fn named(self) -> &'static str {
        match self {
            Self::Cuda => "the NVIDIA GPU",
            Self::Metal => "the Apple GPU",
        }
    }

    /// What to do where it can't be opened.
    fn advice(self) -> &'static str {
        match self {
            Self::Cuda => "Install NVIDIA's driver or a later one and see that nvidia-smi lists it",
            Self::Metal => "Metal needs a Mac with a GPU that is not hidden by a virtual machine",
        }
    }

    fn open(self) -> Result<Compute, String> {
        let opened = quietly(|| {
            let device = match self {
                Self::Cuda => Device::new_cuda(0),
                Self::Metal => Device::new_metal(0),
            }?;
            try_out(&device)?;
            Ok::<_, candle_core::Error>(Compute {
                name: self.name_of(&device),
                device,
                notice: None,
            })
        });
        opened.and_then(|result| result.map_err(|error| first_line(&error)))
    }

    /// What the driver calls it, where it says so.
    fn name_of(self, device: &Device) -> String {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(cuda) = device
            && let Ok(name) = cuda.cuda_stream().context().name()
            && !name.trim().is_empty()
        {
            return name.trim().to_owned();
        }
        match device {
            Device::Cuda(_) => format!("{} 0", self.title()),
            _ => self.title().to_owned(),
        }
    }
}

/// Computes something small: a driver opens a GPU that is too old for the kernels all the same.
fn try_out(device: &Device) -> candle_core::Result<()> {
    let numbers = Tensor::from_slice(&[1_f32, 2.0, 3.0, 4.0], (2, 2), device)?;
    let product = numbers.matmul(&numbers)?.affine(2.0, 1.0)?.flatten_all()?.to_vec1::<f32>()?;
    if product != [15.0, 21.0, 31.0, 45.0] {
        candle_core::bail!("it miscalculates: {product:?} instead of [15, 21, 31, 45]")
    }
    Ok(())
}

/// Why a device can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// The program was built without it.
    #[error(
        "this build does not compute on {} ({}); {}, or use --device cpu",
        .0.named(), .0.choice().name(), how_to_build(*.0)
    )]
    NotInThisBuild(Gpu),
    /// It is not there, or does not work.
    #[error("{} can't be used: {reason}. {}, or use --device cpu", .gpu.named(), .gpu.advice())]
    Unusable {
        /// Which one.
        gpu: Gpu,
        /// What the driver said.
        reason: String,
    },
}

fn how_to_build(gpu: Gpu) -> &'static str {
    match gpu {
        Gpu::Cuda => "build one that does with `make cuda`",
        Gpu::Metal => "build one that does on a Mac with cargo's feature metal",
    }
}

/// The first line of an error: candle appends a backtrace where one is asked for.
fn first_line(error: &impl fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or("it gave no reason").to_owned()
}

/// Runs `work`, whose panic becomes its message and is not printed: a driver's loader panics where
/// an ordinary machine merely has no driver.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    thread_local! {
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                others(panic);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result.map_err(|panic| first_line(&panic_message(panic.as_ref())))
}
