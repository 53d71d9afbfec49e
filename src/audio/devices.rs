//! The sound devices of this machine, by name. With `player/output.rs` and `recorder/input.rs` the
//! only module that knows cpal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{BufferSize, Device, Error, ErrorKind, SupportedBufferSize, SupportedStreamConfig};
use serde::{Deserialize, Serialize};

/// How much sound a callback should make or take, in seconds: short enough that a switch is heard at once;
/// the systems' own defaults reach half a second.
const PERIOD_SECONDS: f64 = 0.02;

/// Whether sound goes out or comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Loudspeakers and headphones.
    Output,
    /// Microphones.
    Input,
}

/// A device as people choose it and as it is found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundDevice {
    /// What the system calls it; the same after a restart where the system can.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// A list of devices that is made on a thread of its own. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct DeviceList(Arc<Mutex<Listed>>);

/// The devices, or why they can't be listed; none while they are looked for.
type Listed = Option<Result<Arc<[SoundDevice]>, String>>;

impl DeviceList {
    /// Looks afresh which devices there are, and calls `wake` when that is known.
    pub fn look(&self, direction: Direction, wake: impl FnOnce() + Send + 'static) {
        self.set(None);
        let list = self.clone();
        let started = std::thread::Builder::new().name("devices".to_owned()).spawn(move || {
            list.set(Some(devices(direction).map(Arc::from)));
            wake();
        });
        if let Err(error) = started {
            self.set(Some(Err(error.to_string())));
        }
    }

    /// The devices, or why they can't be listed; none before and while they are looked for.
    pub fn get(&self) -> Option<Result<Arc<[SoundDevice]>, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, listed: Listed) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = listed;
    }
}

/// All devices of a direction, in the system's order. The system's default is not among them where
/// it has no name of its own. May take a second: not for the window's thread.
///
/// # Errors
/// Why there is no list, for people.
pub fn devices(direction: Direction) -> Result<Vec<SoundDevice>, String> {
    // Systems' sound libraries have panicked in bindings before.
    catch_unwind(AssertUnwindSafe(|| list(direction)))
        .unwrap_or_else(|_| Err("the sound system failed".to_owned()))
}

fn list(direction: Direction) -> Result<Vec<SoundDevice>, String> {
    let host = cpal::default_host();
    let devices = host.devices().map_err(|error| describe(&error, direction))?;
    let mut listed: Vec<SoundDevice> = devices
        .filter(|device| match direction {
            Direction::Output => device.supports_output(),
            Direction::Input => device.supports_input(),
        })
        .filter_map(|device| named(&device))
        .filter(|device| !is_plumbing(&device.id))
        .collect();
    tell_apart(&mut listed);
    Ok(listed)
}

/// A device's names.
fn named(device: &Device) -> Option<SoundDevice> {
    let description = device.description().ok()?;
    let id = device.id().map_or_else(|_| description.name().to_owned(), |id| id.id().to_owned());
    Some(SoundDevice { id, name: description.name().to_owned() })
}

/// What ALSA lists and nobody means: its converters, the parts of surround sets, the same card once
/// more without conversions, and the default, which is offered as such.
fn is_plumbing(id: &str) -> bool {
    const PLUMBING: [&str; 18] = [
        "null",
        "default",
        "sysdefault",
        "hw",
        "dmix",
        "dsnoop",
        "front",
        "rear",
        "center_lfe",
        "side",
        "usbstream",
        "lavrate",
        "samplerate",
        "speexrate",
        "speex",
        "upmix",
        "vdownmix",
        "oss",
    ];
    let plugin = id.split(':').next().unwrap_or(id);
    cfg!(target_os = "linux") && (PLUMBING.contains(&plugin) || plugin.starts_with("surround"))
}

/// Adds what the system calls them to devices that people would call the same.
fn tell_apart(devices: &mut [SoundDevice]) {
    let names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    for device in devices {
        if names.iter().filter(|name| **name == device.name).count() > 1 {
            device.name = format!("{} ({})", device.name, device.id);
        }
    }
}

/// The device that was chosen, or the default where none was; the name of the chosen one that is
/// not there, when the default stands in for it.
///
/// # Errors
/// There is no device at all.
pub(super) fn find(
    direction: Direction,
    chosen: Option<&SoundDevice>,
) -> Result<(Device, Option<String>), Error> {
    let host = cpal::default_host();
    let mut missing = None;
    if let Some(chosen) = chosen {
        let known: Vec<Device> = host.devices()?.collect();
        // A card that was plugged in elsewhere has another id, and often the same name.
        let by_id = |device: &&Device| named(device).is_some_and(|named| named.id == chosen.id);
        let by_name = |device: &&Device| named(device).is_some_and(|n| n.name == chosen.name);
        match known.iter().find(by_id).or_else(|| known.iter().find(by_name)) {
            Some(device) => return Ok((device.clone(), None)),
            None => missing = Some(chosen.name.clone()),
        }
    }
    let device = match direction {
        Direction::Output => host.default_output_device(),
        Direction::Input => host.default_input_device(),
    };
    let device = device.ok_or_else(|| Error::new(ErrorKind::DeviceNotAvailable))?;
    Ok((device, missing))
}

/// The buffer to ask a device for.
pub(super) fn period(supported: &SupportedStreamConfig) -> BufferSize {
    let wanted = (f64::from(supported.sample_rate()) * PERIOD_SECONDS).round() as u32;
    match *supported.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => {
            BufferSize::Fixed(wanted.clamp(min, max))
        }
        _ => BufferSize::Default,
    }
}

/// An error of cpal's for people.
pub(super) fn describe(error: &Error, direction: Direction) -> String {
    let device = match direction {
        Direction::Output => "output device",
        Direction::Input => "microphone",
    };
    match error.kind() {
        ErrorKind::DeviceNotAvailable => format!("no {device} is connected"),
        ErrorKind::HostUnavailable => "the system's sound service does not run".to_owned(),
        ErrorKind::DeviceBusy => format!("another program is using the {device}"),
        ErrorKind::PermissionDenied => match direction {
            Direction::Output => "you may not use the output device".to_owned(),
            Direction::Input => "this program may not use the microphone; allow it in the \
                                 system's privacy settings"
                .to_owned(),
        },
        ErrorKind::UnsupportedOperation if direction == Direction::Input => {
            "the device gives no sound, it only plays".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, name: &str) -> SoundDevice {
        SoundDevice { id: id.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn devices_that_people_call_the_same_are_told_apart() {
        let mut devices =
            [device("plughw:0", "Card"), device("hdmi:0", "Card"), device("pulse", "Server")];
        tell_apart(&mut devices);
        let names = devices.each_ref().map(|device| device.name.as_str());
        assert_eq!(names, ["Card (plughw:0)", "Card (hdmi:0)", "Server"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_alsa_has_inside_is_not_offered() {
        for id in ["null", "default", "surround71:CARD=PCH,DEV=0", "hw:CARD=0,DEV=0"] {
            assert!(is_plumbing(id), "{id}");
        }
        for id in ["pipewire", "pulse", "plughw:CARD=0,DEV=0", "hdmi:CARD=HDMI,DEV=0", "desk"] {
            assert!(!is_plumbing(id), "{id}");
        }
    }

    #[test]
    fn errors_name_the_device_and_what_to_do() {
        let told = |kind, direction| describe(&Error::new(kind), direction);
        assert_eq!(
            told(ErrorKind::DeviceNotAvailable, Direction::Input),
            "no microphone is connected"
        );
        assert!(told(ErrorKind::PermissionDenied, Direction::Input).contains("privacy settings"));
        assert!(told(ErrorKind::DeviceBusy, Direction::Output).contains("output device"));
    }
}
