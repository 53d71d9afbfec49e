//! An output device, opened with cpal.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, Error, ErrorKind, FromSample, I24, OutputCallbackInfo, SampleFormat,
    SizedSample, StreamConfig, SupportedStreamConfig, U24,
};

use super::Controls;
use super::mixer::{Link, Mixer, mixer};
use super::punctuality::Watch;
use crate::audio::devices::{self, Direction, SoundDevice};

/// Frames converted at a time where the device does not take `f32`.
const SCRATCH_FRAMES: usize = 1024;

/// A running output. Dropping it closes the device.
pub(super) struct Output {
    /// Keeps the device open.
    _stream: cpal::Stream,
    pub rate: u32,
    pub name: String,
    /// The name of the chosen device, where it is not there and the default plays instead.
    pub missing: Option<String>,
}

/// What a stream reports while it runs.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The configuration changed: open again at once.
    Invalidated,
    /// The device is gone or unusable, and why.
    Lost(String),
}

/// Opens the chosen output device, or the default one, with a fresh mixer. `report` is called at
/// most once, on a thread of cpal's.
///
/// # Errors
/// Why there is no output, for people.
pub(super) fn open(
    chosen: Option<&SoundDevice>,
    controls: &Arc<Controls>,
    report: impl FnMut(Fault) + Clone + Send + 'static,
) -> Result<(Output, Link), String> {
    open_device(chosen, controls, report).map_err(|error| describe(&error))
}

fn open_device(
    chosen: Option<&SoundDevice>,
    controls: &Arc<Controls>,
    report: impl FnMut(Fault) + Clone + Send + 'static,
) -> Result<(Output, Link), Error> {
    let (device, missing) = devices::find(Direction::Output, chosen)?;
    let supported = device.default_output_config()?;
    let opened = build(&device, &supported, devices::period(&supported), controls, report.clone());
    let opened = match opened {
        // The range that a device states is not always the one it accepts.
        Err(error) if error.kind() == ErrorKind::UnsupportedConfig => {
            build(&device, &supported, BufferSize::Default, controls, report)
        }
        opened => opened,
    };
    opened.map(|(output, link)| (Output { missing, ..output }, link))
}

fn build(
    device: &Device,
    supported: &SupportedStreamConfig,
    buffer_size: BufferSize,
    controls: &Arc<Controls>,
    report: impl FnMut(Fault) + Send + 'static,
) -> Result<(Output, Link), Error> {
    let config = StreamConfig { buffer_size, ..supported.config() };
    let (mixer, link) = mixer(controls.clone(), config.sample_rate);
    let on_error = on_error(controls.clone(), report);
    let watch = Watch::new(controls.clone(), config.sample_rate);
    let make = match supported.sample_format() {
        SampleFormat::F32 => stream_f32,
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
            let text = format!("the device wants {other} samples");
            return Err(Error::with_message(ErrorKind::UnsupportedConfig, text));
        }
    };
    let stream = make(device, config, (mixer, watch), Box::new(on_error))?;
    stream.play()?;
    let name = device
        .description()
        .map_or_else(|_| "Default output".to_owned(), |description| description.name().to_owned());
    Ok((Output { _stream: stream, rate: config.sample_rate, name, missing: None }, link))
}

type OnError = Box<dyn FnMut(Error) + Send>;

fn stream_f32(
    device: &Device,
    config: StreamConfig,
    (mut mixer, mut watch): (Mixer, Watch),
    on_error: OnError,
) -> Result<cpal::Stream, Error> {
    let channels = usize::from(config.channels).max(1);
    let fill = move |out: &mut [f32], _: &OutputCallbackInfo| {
        watch.callback(out.len() / channels, mixer.sounds());
        mixer.render(out, channels);
    };
    device.build_output_stream(config, fill, on_error, None)
}

fn stream<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    (mut mixer, mut watch): (Mixer, Watch),
    on_error: OnError,
) -> Result<cpal::Stream, Error> {
    let channels = usize::from(config.channels).max(1);
    let mut scratch = vec![0.0; SCRATCH_FRAMES * channels];
    let fill = move |out: &mut [T], _: &OutputCallbackInfo| {
        watch.callback(out.len() / channels, mixer.sounds());
        for part in out.chunks_mut(scratch.len()) {
            let rendered = &mut scratch[..part.len()];
            mixer.render(rendered, channels);
            for (to, from) in part.iter_mut().zip(rendered) {
                *to = T::from_sample(*from);
            }
        }
    };
    device.build_output_stream(config, fill, on_error, None)
}

/// Sorts errors: some only want counting, and of those that end the sound the first one counts,
/// since a broken stream repeats them for ever.
fn on_error(
    controls: Arc<Controls>,
    mut report: impl FnMut(Fault) + Send + 'static,
) -> impl FnMut(Error) + Send + 'static {
    let mut reported = false;
    move |error| match error.kind() {
        ErrorKind::Xrun => {
            controls.dry.fetch_add(1, Relaxed);
        }
        // The stream goes on, elsewhere or with less priority.
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        _ if reported => {}
        kind => {
            reported = true;
            report(match kind {
                ErrorKind::StreamInvalidated => Fault::Invalidated,
                _ => Fault::Lost(describe(&error)),
            });
        }
    }
}

fn describe(error: &Error) -> String {
    devices::describe(error, Direction::Output)
}
