//! Any sound file becomes a [`Clip`].
//!
//! What is cut off: a file whose header states its length and that holds less is an error
//! ([`LoadError::Truncated`]), because half a recording would silently give other results. Formats
//! that do not state it (Ogg without its last page, ADTS, streamed WAV) give what can be decoded.
//!
//! AAC keeps the encoder's delay, about 1024 samples of near silence at the beginning: the demuxers
//! do not say how long it is. MP3 (with a LAME tag), Vorbis and all lossless formats are exact.

use std::any::Any;
use std::fs::{self, File};
use std::io::{self, Cursor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::container::{Shape, shape};
use super::resample::resample;
use super::{Clip, LoadError, SAMPLE_RATE};

/// The longest clip that is accepted unless the user says otherwise, in seconds.
pub const DEFAULT_LIMIT_SECONDS: f64 = 60.0;

/// The shortest clip that the models accept, in seconds.
pub const MINIMUM_SECONDS: f64 = 0.1;

/// Float samples beyond this times full scale are no sound, and overflow on the way.
const LOUDEST: f32 = 1e6;

/// Half a step of 24 bits: what never rises above it is silence, whatever a codec left in it.
const SILENCE: f32 = 1.0 / 16_777_216.0;

/// How much shorter than its header says a clip of packets may be, in seconds; or a packet of ALAC,
/// the longest, if that is more.
const LAST_PACKET: f64 = 0.1;

/// The clip in the file `path`: decoded, channels averaged, resampled to [`SAMPLE_RATE`], never
/// normalised. `limit_seconds` is the longest duration accepted; a longer file is refused from its
/// header, or as soon as decoding passes the limit.
///
/// # Errors
/// A [`LoadError`] for everything that is not a sound of `MINIMUM_SECONDS..=limit_seconds`.
pub fn load(path: &Path, limit_seconds: f64) -> Result<Clip, LoadError> {
    let file = path.display().to_string();
    let of_io = |error: io::Error| io_error(&file, &error);
    let metadata = fs::metadata(path).map_err(of_io)?;
    if metadata.is_dir() {
        return Err(LoadError::NotAFile { file, what: "a folder" });
    }
    if !metadata.is_file() {
        return Err(LoadError::NotAFile { file, what: "a device or pipe" });
    }
    let source = File::open(path).map_err(of_io)?;
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let extension = path.extension().and_then(|extension| extension.to_str());
    let mut clip =
        contain(&file, || read(&file, &stem, extension, source, metadata.len(), limit_seconds))?;
    clip.path = Some(path.into());
    Ok(clip)
}

/// The clip in `bytes`, a whole sound file in memory, under the name `name`. Otherwise as [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_bytes(name: &str, bytes: &'static [u8], limit_seconds: f64) -> Result<Clip, LoadError> {
    contain(name, || read(name, name, None, Cursor::new(bytes), bytes.len() as u64, limit_seconds))
}

/// Runs `work`; a panic in the decoder becomes [`LoadError::Crashed`].
fn contain<T>(file: &str, work: impl FnOnce() -> Result<T, LoadError>) -> Result<T, LoadError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let reason = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(LoadError::Crashed {
            file: file.to_owned(),
            reason: reason.unwrap_or_else(|| "internal error".to_owned()),
        })
    })
}

fn io_error(file: &str, error: &io::Error) -> LoadError {
    let file = file.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => LoadError::NotFound { file },
        io::ErrorKind::PermissionDenied => LoadError::Denied { file },
        _ => LoadError::Unreadable { file, reason: error.to_string() },
    }
}

fn read<S: MediaSource + 'static>(
    file: &str,
    name: &str,
    extension: Option<&str>,
    mut source: S,
    bytes: u64,
    limit: f64,
) -> Result<Clip, LoadError> {
    if bytes == 0 {
        return Err(LoadError::Empty { file: file.to_owned() });
    }
    let of_io = |error: io::Error| io_error(file, &error);
    let shape = shape(&mut source, bytes).map_err(of_io)?;
    let stream = MediaSourceStream::new(Box::new(source), Default::default());
    let mut hint = Hint::new();
    if let Some(extension) = extension {
        hint.with_extension(extension);
    }
    let options = (FormatOptions::default(), MetadataOptions::default());
    let format = symphonia::default::get_probe()
        .probe(&hint, stream, options.0, options.1)
        .map_err(|error| unprobed(file, shape, &error))?;
    finish(file, name, &Reading::start(file, format, shape, limit)?.run()?)
}

/// Why no demuxer would open a file of this `shape`.
fn unprobed(file: &str, shape: Shape, error: &Error) -> LoadError {
    let file = file.to_owned();
    let cut = |file| LoadError::Truncated { file, read: 0.0, expected: None };
    match (error, shape) {
        (Error::IoError(error), _) if error.kind() != io::ErrorKind::UnexpectedEof => {
            io_error(&file, error)
        }
        (_, Shape::Unknown) => LoadError::NotAudio { file },
        (_, Shape::Overruns) | (Error::IoError(_), _) => cut(file),
        (error, Shape::Whole | Shape::Open) => {
            LoadError::Damaged { file, at: 0.0, reason: error.to_string() }
        }
    }
}

/// A track being decoded and mixed down.
struct Reading<'a> {
    file: &'a str,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    codec: AudioCodecId,
    shape: Shape,
    /// The duration that the header states, in seconds, where it can be relied on.
    stated: Option<f64>,
    limit: f64,
    sound: Sound,
}

/// What came out: mono at the source's rate.
#[derive(Default)]
struct Sound {
    mono: Vec<f32>,
    rate: u32,
    channels: usize,
    /// The largest magnitude in any single channel.
    peak: f32,
}

impl Sound {
    fn seconds(&self) -> f64 {
        if self.rate == 0 { 0.0 } else { self.mono.len() as f64 / f64::from(self.rate) }
    }
}

impl<'a> Reading<'a> {
    fn start(
        file: &'a str,
        format: Box<dyn FormatReader>,
        shape: Shape,
        limit: f64,
    ) -> Result<Self, LoadError> {
        let no_track = || LoadError::NoTrack { file: file.to_owned() };
        let track = format.default_track(TrackType::Audio).ok_or_else(no_track)?;
        let audio = track.codec_params.as_ref().and_then(|codec| codec.audio());
        let audio = audio.ok_or_else(no_track)?;
        let options = AudioDecoderOptions::default();
        let decoder = symphonia::default::get_codecs().make_audio_decoder(audio, &options);
        let decoder = decoder.map_err(|error| undecodable(file, audio.codec, &error))?;
        let (track_id, codec) = (track.id, audio.codec);
        let stated = stated_seconds(track, audio).filter(|_| shape != Shape::Open);
        if let Some(seconds) = stated.filter(|seconds| *seconds > limit) {
            let file = file.to_owned();
            return Err(LoadError::TooLong { file, seconds, exact: true, limit });
        }
        let sound = Sound::default();
        Ok(Self { file, format, decoder, track: track_id, codec, shape, stated, limit, sound })
    }

    fn run(mut self) -> Result<Sound, LoadError> {
        let mut interleaved = Vec::new();
        // A bad packet at the very beginning or end is what cutting a stream leaves behind; one
        // with sound on both sides is damage.
        let mut bad: Option<(f64, String)> = None;
        while let Some(packet) = self.next_packet()? {
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(buffer) if buffer.frames() == 0 => {}
                Ok(buffer) => {
                    if let Some((at, reason)) = bad.take()
                        && !self.sound.mono.is_empty()
                    {
                        return Err(LoadError::Damaged { file: self.file.to_owned(), at, reason });
                    }
                    let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                    buffer.copy_to_vec_interleaved(&mut interleaved);
                    self.append(&interleaved, rate, channels)?;
                }
                Err(Error::DecodeError(reason)) => {
                    bad.get_or_insert((self.sound.seconds(), reason.to_owned()));
                }
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    bad.get_or_insert((self.sound.seconds(), "incomplete packet".to_owned()));
                }
                Err(error) => return Err(undecodable(self.file, self.codec, &error)),
            }
        }
        if let (true, Some((at, reason))) = (self.sound.mono.is_empty(), bad) {
            return Err(LoadError::Damaged { file: self.file.to_owned(), at, reason });
        }
        self.check_complete()?;
        Ok(self.sound)
    }

    /// The next packet, or `None` at the end of the file, wherever that comes.
    fn next_packet(&mut self) -> Result<Option<symphonia::core::packet::Packet>, LoadError> {
        let file = self.file.to_owned();
        let at = self.sound.seconds();
        match self.format.next_packet() {
            Ok(packet) => Ok(packet),
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(Error::IoError(error)) => Err(io_error(&file, &error)),
            // The MP4 demuxer stops at an incomplete box.
            Err(Error::DecodeError(_)) if self.shape == Shape::Overruns => Ok(None),
            Err(Error::ResetRequired) => {
                let reason = "it chains several recordings".to_owned();
                Err(LoadError::Damaged { file, at, reason })
            }
            Err(error) => Err(LoadError::Damaged { file, at, reason: error.to_string() }),
        }
    }

    /// Mixes a packet down to mono and checks what can be checked early.
    fn append(&mut self, interleaved: &[f32], rate: u32, channels: usize) -> Result<(), LoadError> {
        let sound = &mut self.sound;
        let file = || self.file.to_owned();
        if sound.mono.is_empty() {
            (sound.rate, sound.channels) = (rate, channels);
        }
        if channels == 0 || (rate, channels) != (sound.rate, sound.channels) {
            let reason = "its sample rate or channel count changes".to_owned();
            return Err(LoadError::Damaged { file: file(), at: sound.seconds(), reason });
        }
        for frame in interleaved.chunks_exact(channels) {
            if frame.iter().any(|sample| !sample.is_finite()) {
                return Err(LoadError::NonFinite { file: file(), at: sound.seconds() });
            }
            if frame.iter().any(|sample| sample.abs() > LOUDEST) {
                let reason = "samples a million times louder than full scale".to_owned();
                return Err(LoadError::Damaged { file: file(), at: sound.seconds(), reason });
            }
            sound.peak = frame.iter().fold(sound.peak, |peak, sample| peak.max(sample.abs()));
            let sum: f64 = frame.iter().map(|&sample| f64::from(sample)).sum();
            sound.mono.push((sum / channels as f64) as f32);
        }
        if sound.seconds() > self.limit {
            let (seconds, exact) = (self.stated.unwrap_or(self.limit), self.stated.is_some());
            return Err(LoadError::TooLong { file: file(), seconds, exact, limit: self.limit });
        }
        Ok(())
    }

    fn check_complete(&self) -> Result<(), LoadError> {
        if self.sound.mono.is_empty() && self.shape == Shape::Overruns {
            let (file, expected) = (self.file.to_owned(), self.stated);
            return Err(LoadError::Truncated { file, read: 0.0, expected });
        }
        let Some(expected) = self.stated else { return Ok(()) };
        let read = self.sound.seconds();
        let frame = 1.0 / f64::from(self.sound.rate.max(1));
        // Formats made of packets may count the last one as full.
        let name = self.decoder.codec_info().short_name;
        let exact = name.starts_with("pcm_") || name == "flac";
        let tolerance = if exact { frame / 2.0 } else { LAST_PACKET.max(4_096.0 * frame) };
        if read + tolerance < expected {
            let file = self.file.to_owned();
            return Err(LoadError::Truncated { file, read, expected: Some(expected) });
        }
        Ok(())
    }
}

/// The duration in the header, where it is a statement and not an estimate.
fn stated_seconds(track: &Track, audio: &AudioCodecParameters) -> Option<f64> {
    // Without a LAME or Xing tag the MP3 demuxer guesses from the first frame's bit rate.
    let guessed = matches!(audio.codec, codec::CODEC_ID_MP1 | codec::CODEC_ID_MP2)
        || (audio.codec == codec::CODEC_ID_MP3 && track.delay.is_none());
    if guessed {
        return None;
    }
    let from_frames = || Some(track.num_frames? as f64 / f64::from(audio.sample_rate?));
    let from_duration = || {
        let base = track.time_base?;
        let ticks = track.duration?.get() as f64;
        Some(ticks * f64::from(base.numer.get()) / f64::from(base.denom.get()))
    };
    from_frames().or_else(from_duration).filter(|seconds| seconds.is_finite() && *seconds > 0.0)
}

fn undecodable(file: &str, id: AudioCodecId, error: &Error) -> LoadError {
    let name = match id {
        codec::CODEC_ID_OPUS => "Opus",
        codec::CODEC_ID_AAC => "AAC (other than low complexity)",
        codec::CODEC_ID_AC3 => "AC-3",
        codec::CODEC_ID_EAC3 => "E-AC-3",
        codec::CODEC_ID_DCA => "DTS",
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_WAVPACK => "WavPack",
        codec::CODEC_ID_MUSEPACK => "Musepack",
        codec::CODEC_ID_TTA => "TTA",
        _ => return LoadError::Codec { file: file.to_owned(), codec: format!("some ({error})") },
    };
    LoadError::Codec { file: file.to_owned(), codec: name.to_owned() }
}

/// Resamples, clips, and refuses what no model could use.
fn finish(file: &str, name: &str, sound: &Sound) -> Result<Clip, LoadError> {
    let file = || file.to_owned();
    let seconds = sound.seconds();
    if sound.mono.is_empty() {
        return Err(LoadError::NoSamples { file: file() });
    }
    if seconds < MINIMUM_SECONDS {
        return Err(LoadError::TooShort { file: file(), seconds, minimum: MINIMUM_SECONDS });
    }
    if sound.mono.iter().all(|sample| sample.abs() < SILENCE) {
        return Err(LoadError::Silent { file: file(), cancels: sound.peak >= SILENCE });
    }
    let mut samples = resample(&sound.mono, sound.rate, SAMPLE_RATE)
        .map_err(|error| LoadError::Damaged { file: file(), at: 0.0, reason: error.to_string() })?;
    let clipped = samples.iter().any(|sample| sample.abs() > 1.0);
    if clipped {
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
    }
    Ok(Clip {
        source_rate: sound.rate,
        source_channels: sound.channels,
        clipped,
        ..Clip::from_samples(name, samples)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_decoder_is_an_error() {
        let result: Result<(), _> = contain("a.wav", || panic!("index {} out of bounds", 3));
        let reason = "index 3 out of bounds".to_owned();
        assert_eq!(result, Err(LoadError::Crashed { file: "a.wav".to_owned(), reason }));
    }

    /// Here because the superuser, who may run the tests, is denied nothing.
    #[test]
    fn errors_of_the_system_are_told_apart() {
        let told = |kind: io::ErrorKind| io_error("a.wav", &kind.into());
        let file = || "a.wav".to_owned();
        assert_eq!(told(io::ErrorKind::PermissionDenied), LoadError::Denied { file: file() });
        assert_eq!(told(io::ErrorKind::NotFound), LoadError::NotFound { file: file() });
        let other = told(io::ErrorKind::StaleNetworkFileHandle);
        assert!(matches!(other, LoadError::Unreadable { .. }));
        assert!(other.to_string().contains("a.wav\u{201d} can't be read: "), "{other}");
    }
}
