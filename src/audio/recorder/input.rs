//! A microphone, opened with cpal.

use std::sync::mpsc::Sender;

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, Error, ErrorKind, FromSample, I24, InputCallbackInfo, SampleFormat,
    SizedSample, StreamConfig, SupportedStreamConfig, U24,
};

use super::capture::{Capture, Captured, capture};
use crate::audio::devices::{self, Direction, SoundDevice};

/// What the queue from the callback holds, in seconds: the recording thread empties it every 20 ms.
const QUEUE_SECONDS: u32 = 4;

/// A running microphone.
pub(super) struct Input {
    /// Keeps the device open until it is dropped.
    pub stream: cpal::Stream,
    pub captured: Captured,
    pub rate: u32,
    pub channels: usize,
    pub name: String,
    /// The name of the chosen microphone, where it is not there and the default listens instead.
    pub missing: Option<String>,
}

/// Opens the chosen microphone, or the default one. Why it broke, if it does, is sent once to
/// `faults`, from a thread of cpal's.
///
/// # Errors
/// Why there is no microphone, for people.
pub(super) fn open(chosen: Option<&SoundDevice>, faults: &Sender<String>) -> Result<Input, String> {
    open_device(chosen, faults).map_err(|error| devices::describe(&error, Direction::Input))
}

fn open_device(chosen: Option<&SoundDevice>, faults: &Sender<String>) -> Result<Input, Error> {
    let (device, missing) = devices::find(Direction::Input, chosen)?;
    let supported = device.default_input_config()?;
    let opened = match build(&device, &supported, devices::period(&supported), faults) {
        // The range that a device states is not always the one it accepts.
        Err(error) if error.kind() == ErrorKind::UnsupportedConfig => {
            build(&device, &supported, BufferSize::Default, faults)
        }
        opened => opened,
    };
    opened.map(|input| Input { missing, ..input })
}

fn build(
    device: &Device,
    supported: &SupportedStreamConfig,
    buffer_size: BufferSize,
    faults: &Sender<String>,
) -> Result<Input, Error> {
    let config = StreamConfig { buffer_size, ..supported.config() };
    let (rate, channels) = (config.sample_rate, usize::from(config.channels).max(1));
    let (capture, captured) = capture((rate * QUEUE_SECONDS) as usize, channels);
    let make = match supported.sample_format() {
        SampleFormat::F32 => stream::<f32>,
        SampleFormat::F64 => stream::<f64>,
        SampleFormat::I8 => stream::<i8>,
        SampleFormat::I16 => stream::<i16>,
        SampleFormat::I24 => stream::<I24>,
        SampleFormat::I32 => stream::<i32>,
        SampleFormat::I64 => stream::<i64>,
        SampleFormat::U8 => stream::<u8>,
        SampleFormat::U16 => stream::<u16>,
        SampleFormat::U24 => stream::<U24>,
        SampleFormat::U32 => stream::<u32>,
        SampleFormat::U64 => stream::<u64>,
        other => {
            let text = format!("the microphone gives {other} samples");
            return Err(Error::with_message(ErrorKind::UnsupportedConfig, text));
        }
    };
    let stream = make(device, config, capture, faults.clone())?;
    stream.play()?;
    let name = device
        .description()
        .map_or_else(|_| "Default microphone".to_owned(), |told| told.name().to_owned());
    Ok(Input { stream, captured, rate, channels, name, missing: None })
}

fn stream<T: SizedSample>(
    device: &Device,
    config: StreamConfig,
    mut capture: Capture,
    faults: Sender<String>,
) -> Result<cpal::Stream, Error>
where
    f32: FromSample<T>,
{
    let take = move |input: &[T], _: &InputCallbackInfo| capture.take(input);
    let mut told = false;
    let on_error = move |error: Error| match error.kind() {
        // The stream goes on: with a gap, elsewhere, or with less priority.
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        // A broken stream repeats its error for ever.
        _ if told => {}
        _ => {
            told = true;
            // Nobody listens any more where the recording has just ended.
            faults.send(devices::describe(&error, Direction::Input)).ok();
        }
    };
    device.build_input_stream(config, take, on_error, None)
}
