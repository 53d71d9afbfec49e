//! Where models compute.

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

    /// The choice of that name.
    ///
    /// # Errors
    /// [`UnknownName`] with the closest choice.
    pub fn find(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.map(Self::name);
        names::find("device", &known, name).map(|index| Self::ALL[index])
    }

    /// The device's name for people, if this build can compute there.
    ///
    /// # Errors
    /// A message for people where it can't.
    pub fn resolve(self) -> Result<String, String> {
        match self {
            Self::Auto | Self::Cpu => Ok("CPU".to_owned()),
            Self::Cuda | Self::Metal => Err(format!(
                "this build computes on the CPU only, not on {}; use --device cpu",
                self.name()
            )),
        }
    }
}
