//! Into a lossy codec and back: real encoders, and symphonia to decode what it can.
//!
//! | format | encoder | decoder | what is lost at the edges |
//! |---|---|---|---|
//! | MP3 | `rusty_mp3`, constant bit rate | symphonia | nothing: the file's LAME tag tells delay and end |
//! | Vorbis | `vorbis_rs` (libvorbis with aoTuV), variable around the bit rate | symphonia | nothing: the last page tells the end |
//! | AAC (low complexity) | `syom`, average bit rate | symphonia | the first 1024 samples are the encoder's delay |
//! | Opus | `opus-pure`, at 48 kHz, 20 ms frames | the same: symphonia has none | the encoder tells its delay |
//!
//! HE-AAC is left out: symphonia decodes its core only. LAME, the usual MP3 encoder, and shine are
//! left out because their licence (LGPL) asks more of a program than ours; Fraunhofer's AAC encoder
//! because its own does, too.

use std::io::Cursor;
use std::num::{NonZeroU8, NonZeroU32};

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;

/// Samples by which AAC's encoder delays.
const AAC_DELAY: usize = 1024;

/// The sample rate at which Opus works, in Hz.
pub(super) const OPUS_RATE: u32 = 48_000;

/// How many samples Vorbis' encoder takes at once.
const VORBIS_BLOCK: usize = 1024;

/// MP3 (MPEG-1 layer III, mono) at a constant bit rate in kbit/s, and back.
pub(super) fn mp3(samples: &[f32], rate: u32, kbps: u32) -> Result<Vec<f32>, String> {
    let config = rusty_mp3::Mp3EncoderConfig { bitrate_kbps: kbps, vbr_quality: None };
    let mut encoder = rusty_mp3::Mp3Encoder::new(config);
    encoder.push_pcm_f32(samples, 1, rate).map_err(|error| error.to_string())?;
    encoder.finish();
    let mut bytes = Vec::new();
    while let Ok(packet) = encoder.next_packet() {
        bytes.extend_from_slice(&packet);
    }
    decode(bytes, "mp3")
}

/// Ogg Vorbis (mono) around a bit rate in kbit/s, and back.
pub(super) fn vorbis(samples: &[f32], rate: u32, kbps: u32) -> Result<Vec<f32>, String> {
    use vorbis_rs::{VorbisBitrateManagementStrategy as Strategy, VorbisEncoderBuilder};
    let rate = NonZeroU32::new(rate).ok_or("the sample rate is 0")?;
    let target_bitrate = NonZeroU32::new(kbps * 1000).ok_or("the bit rate is 0")?;
    let failed = |error: vorbis_rs::VorbisError| error.to_string();
    // A fixed serial number, so that the same samples give the same file.
    let mut encoder = VorbisEncoderBuilder::new_with_serial(rate, NonZeroU8::MIN, Vec::new(), 1)
        .bitrate_management_strategy(Strategy::Vbr { target_bitrate })
        .build()
        .map_err(failed)?;
    for block in samples.chunks(VORBIS_BLOCK) {
        encoder.encode_audio_block([block]).map_err(failed)?;
    }
    decode(encoder.finish().map_err(failed)?, "ogg")
}

/// AAC (low complexity, mono) at a bit rate in kbit/s, and back.
pub(super) fn aac(samples: &[f32], rate: u32, kbps: u32) -> Result<Vec<f32>, String> {
    let options = syom::EncodeOptions::adts().with_bitrate_bps(kbps * 1000);
    let bytes = syom::encode_with(&[samples], rate, &options).map_err(|error| error.to_string())?;
    let mut decoded = decode(bytes, "aac")?;
    decoded.drain(..AAC_DELAY.min(decoded.len()));
    Ok(decoded)
}

/// Opus (mono) at a bit rate in kbit/s, and back; all at [`OPUS_RATE`].
pub(super) fn opus(samples: &[f32], kbps: u32) -> Result<Vec<f32>, String> {
    const FRAME: usize = OPUS_RATE as usize / 50;
    let failed = |error: opus_pure::Error| error.to_string();
    let mut encoder =
        opus_pure::OpusEncoder::new(OPUS_RATE.cast_signed(), 1, opus_pure::Application::Audio)
            .map_err(failed)?;
    encoder.bitrate_bps = kbps.cast_signed() * 1000;
    let mut decoder = opus_pure::OpusDecoder::new(OPUS_RATE.cast_signed(), 1).map_err(failed)?;
    let delay = encoder.lookahead();
    let mut padded = samples.to_vec();
    // What is still in the encoder at the end comes out with the silence that follows.
    padded.resize((samples.len() + delay).next_multiple_of(FRAME), 0.0);
    let mut packet = vec![0; opus_pure::MAX_PACKET_BYTES];
    let mut frame = vec![0.0; opus_pure::MAX_PACKET_SAMPLES];
    let mut decoded = Vec::with_capacity(padded.len());
    for block in padded.chunks_exact(FRAME) {
        let bytes = encoder.encode(block, FRAME, &mut packet).map_err(failed)?;
        let count = decoder.decode(&packet[..bytes], FRAME, &mut frame).map_err(failed)?;
        decoded.extend_from_slice(&frame[..count]);
    }
    decoded.drain(..delay.min(decoded.len()));
    decoded.truncate(samples.len());
    Ok(decoded)
}

/// The first channel of a file in memory, as symphonia decodes it.
fn decode(bytes: Vec<u8>, extension: &str) -> Result<Vec<f32>, String> {
    let failed = |error: Error| format!("what was encoded can't be decoded: {error}");
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, Default::default(), Default::default())
        .map_err(failed)?;
    let track = format.default_track(TrackType::Audio);
    let parameters = track.and_then(|track| track.codec_params.as_ref()?.audio());
    let parameters = parameters.ok_or("what was encoded holds no sound")?;
    let options = AudioDecoderOptions::default();
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &options)
        .map_err(failed)?;
    let (mut samples, mut interleaved) = (Vec::new(), Vec::new());
    while let Some(packet) = format.next_packet().map_err(failed)? {
        let buffer = decoder.decode(&packet).map_err(failed)?;
        let channels = buffer.spec().channels().count().max(1);
        buffer.copy_to_vec_interleaved(&mut interleaved);
        samples.extend(interleaved.iter().step_by(channels));
    }
    Ok(samples)
}
