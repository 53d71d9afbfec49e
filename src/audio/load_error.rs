//! Why a file could not become a clip.

use thiserror::Error;

/// Why a file could not become a [`Clip`](super::Clip). `file` is its path as given, or the name of
/// a bundled clip; the message names it, says what is wrong and what to do.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "`file` and the like say the same in every variant")]
pub enum LoadError {
    /// Nothing is there.
    #[error("\u{201c}{file}\u{201d} does not exist; check the path")]
    NotFound { file: String },
    /// A folder, device or pipe.
    #[error("\u{201c}{file}\u{201d} is {what}, not a sound file; choose a file")]
    NotAFile { file: String, what: &'static str },
    /// The system refuses to let this user read it.
    #[error("\u{201c}{file}\u{201d} may not be read by you; change its permissions or copy it")]
    Denied { file: String },
    /// The medium failed while reading.
    #[error(
        "\u{201c}{file}\u{201d} can't be read: {reason}; check the disk or copy the file again"
    )]
    Unreadable { file: String, reason: String },
    /// Zero bytes.
    #[error("\u{201c}{file}\u{201d} is empty (0 bytes); copy or export it again")]
    Empty { file: String },
    /// No known container or codec starts like this.
    #[error(
        "\u{201c}{file}\u{201d} is not a sound file that can be read (WAV, AIFF, FLAC, MP3, Ogg \
         Vorbis, M4A/AAC, CAF, MKV/WebM); choose another file or convert it to WAV"
    )]
    NotAudio { file: String },
    /// A film without sound, or with sound of an unheard-of kind.
    #[error(
        "\u{201c}{file}\u{201d} has no sound track that can be decoded here; choose another file \
         or convert it to WAV first (for example: ffmpeg -i INPUT OUTPUT.wav)"
    )]
    NoTrack { file: String },
    /// The container is read, but not what is in it.
    #[error(
        "\u{201c}{file}\u{201d} holds {codec} sound, which can't be decoded here; convert it to \
         WAV first (for example: ffmpeg -i INPUT OUTPUT.wav)"
    )]
    Codec { file: String, codec: String },
    /// Less is there than the header says.
    #[error(
        "\u{201c}{file}\u{201d} is cut off: {}; copy or download it again, or keep what is left \
         of it with: ffmpeg -i INPUT OUTPUT.wav",
        amount(*read, *expected)
    )]
    Truncated {
        file: String,
        /// Seconds that could be decoded.
        read: f64,
        /// Seconds that the header promises, where it got that far.
        expected: Option<f64>,
    },
    /// A valid file without a single sample.
    #[error("\u{201c}{file}\u{201d} holds no sound (0 samples); record or export it again")]
    NoSamples { file: String },
    /// Too few samples for the models.
    #[error(
        "\u{201c}{file}\u{201d} is too short: {seconds:.3} s, but the models need at least \
         {minimum} s"
    )]
    TooShort { file: String, seconds: f64, minimum: f64 },
    /// More than the limit, in seconds.
    #[error(
        "\u{201c}{file}\u{201d} is too long: {} s, and the limit is {limit} s; cut out a part or \
         raise the limit",
        length(*seconds, *exact)
    )]
    TooLong {
        file: String,
        /// The duration, or how far decoding got when it was clear.
        seconds: f64,
        /// Whether `seconds` is the whole duration.
        exact: bool,
        limit: f64,
    },
    /// Every sample lies below half a step of 24 bits (-144 dB of full scale).
    #[error("\u{201c}{file}\u{201d} is silent{}", if *cancels {
        " when its channels are averaged: they cancel each other; export a single channel"
    } else {
        "; choose a file with sound in it"
    })]
    Silent {
        file: String,
        /// The channels have sound, but their average has none.
        cancels: bool,
    },
    /// NaN or infinity among the samples.
    #[error(
        "\u{201c}{file}\u{201d} has samples that are no numbers (NaN or infinity), the first at \
         {at:.3} s; export it again"
    )]
    NonFinite {
        file: String,
        /// Where the first one is, in seconds.
        at: f64,
    },
    /// Malformed data in the header or in the middle.
    #[error(
        "\u{201c}{file}\u{201d} is damaged at {at:.2} s: {reason}; copy it again, or try to \
         repair it with: ffmpeg -i INPUT OUTPUT.wav"
    )]
    Damaged {
        file: String,
        /// How far decoding got, in seconds.
        at: f64,
        reason: String,
    },
    /// The decoder itself failed on this file.
    #[error(
        "the decoder failed on \u{201c}{file}\u{201d} ({reason}); convert the file to WAV, and \
         please report it"
    )]
    Crashed { file: String, reason: String },
}

fn amount(read: f64, expected: Option<f64>) -> String {
    match expected {
        Some(expected) => format!("{read:.2} s of {expected:.2} s could be read"),
        None => "it ends before the sound can be read".to_owned(),
    }
}

fn length(seconds: f64, exact: bool) -> String {
    // A limit is hardly ever missed by less than a millisecond.
    if exact {
        format!("{}", (seconds * 1e3).round() / 1e3)
    } else {
        format!("more than {seconds:.0}")
    }
}
