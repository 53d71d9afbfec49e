//! What a figure shows, looked at the way a reader does: as pixels and as laid-out text.

use std::f64::consts::TAU;

use image::RgbImage;
use resvg::usvg::{Group, Node};

use super::layout::WIDTH;
use super::*;

/// Three struck notes, and the same with a hiss.
fn figure() -> Figure {
    let rate = f64::from(crate::audio::SAMPLE_RATE);
    let mut state = 3u32;
    let mut hiss = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    let original: Vec<f32> = (0..48_000)
        .map(|n| {
            let t = n as f64 / rate;
            let (note, since) = ((t / 0.5).floor(), t % 0.5);
            (0.2 * (TAU * (1000.0 + 500.0 * note) * since).sin() * (-6.0 * since).exp()) as f32
        })
        .collect();
    let adversarial: Vec<f32> = original.iter().map(|x| x + (0.01 * hiss()) as f32).collect();
    Figure {
        clip: "glockenspiel-01".into(),
        model: "VGG13".into(),
        attack: "Carlini & Wagner".into(),
        original: original.into(),
        adversarial: adversarial.into(),
        original_label: ("Glockenspiel".into(), 0.94),
        adversarial_label: ("Tearing".into(), 0.87),
        snr_db: 46.2,
        stft: StftSettings::default(),
        look: Look::default(),
    }
}

fn pixels(figure: &Figure, width: u32) -> RgbImage {
    let png = figure.to_png(width).unwrap();
    image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap().to_rgb8()
}

/// Mean of all channels in the middle of the left or the right panel.
fn brightness(picture: &RgbImage, from: f64, to: f64) -> f64 {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let mut values = Vec::new();
    for y in (height * 0.15) as u32..(height * 0.7) as u32 {
        for x in (width * from) as u32..(width * to) as u32 {
            values.extend(picture.get_pixel(x, y).0.map(f64::from));
        }
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// The laid-out lines of text: words, left, top, right and bottom, in points.
fn lines(figure: &Figure) -> Vec<(String, [f32; 4])> {
    fn collect(group: &Group, scale: f32, lines: &mut Vec<(String, [f32; 4])>) {
        for node in group.children() {
            match node {
                Node::Text(text) => {
                    let words = text.chunks().iter().map(resvg::usvg::TextChunk::text).collect();
                    let b = text.abs_bounding_box();
                    let edges = [b.left(), b.top(), b.right(), b.bottom()].map(|v| v / scale);
                    lines.push((words, edges));
                }
                Node::Group(group) => collect(group, scale, lines),
                _ => {}
            }
        }
    }
    let tree = raster::parse(&figure.to_svg()).unwrap();
    let mut found = Vec::new();
    collect(tree.root(), tree.size().width() / WIDTH as f32, &mut found);
    found
}

/// Fails where two lines of text overlap or one leaves the page.
fn assert_lines_apart(figure: &Figure) {
    let lines = lines(figure);
    assert!(lines.len() > 15, "only {} lines of text were laid out", lines.len());
    for (index, (words, a)) in lines.iter().enumerate() {
        let page = a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= WIDTH as f32 && a[3] <= 216.0;
        assert!(page, "{words:?} leaves the page: {a:?}");
        for (others, b) in &lines[index + 1..] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            assert!(apart, "{words:?} at {a:?} overlaps {others:?} at {b:?}");
        }
    }
}

#[test]
fn the_png_has_the_width_asked_for_and_the_panels_differ_where_the_sounds_do() {
    let picture = pixels(&figure(), 1050);
    assert_eq!(picture.dimensions(), (1050, 450));
    assert_eq!(picture.get_pixel(2, 2).0, [255; 3]);
    let (left, right) = (brightness(&picture, 0.1, 0.45), brightness(&picture, 0.55, 0.9));
    assert!(right > left + 10.0, "hiss should be seen: {left} and {right}");

    let same = Figure { adversarial: figure().original, ..figure() };
    let picture = pixels(&same, 1050);
    let (left, right) = (brightness(&picture, 0.08, 0.46), brightness(&picture, 0.515, 0.895));
    assert!((left - right).abs() < 3.0, "equal sounds should look equal: {left} and {right}");
}

#[test]
fn the_resolution_is_300_dpi_by_default() {
    let png = figure().to_png(DEFAULT_WIDTH_PX).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let dims = reader.info().pixel_dims.unwrap();
    assert_eq!((dims.xppu, dims.unit), (11_811, png::Unit::Meter));
    assert_eq!((reader.info().width, reader.info().height), (2100, 900));
}

#[test]
fn a_louder_floor_hides_the_hiss() {
    let look = Look { floor_db: -40.0, ..Look::default() };
    let picture = pixels(&Figure { look, ..figure() }, 1050);
    let (left, right) = (brightness(&picture, 0.1, 0.45), brightness(&picture, 0.55, 0.9));
    assert!((left - right).abs() < 3.0, "{left} and {right}");
}

#[test]
fn titles_axes_and_caption_say_what_is_shown() {
    let words: Vec<String> = lines(&figure()).into_iter().map(|(words, _)| words).collect();
    for expected in [
        "Original: Glockenspiel (0.94)",
        "Adversarial: Tearing (0.87)",
        "VGG13, Carlini & Wagner, SNR 46.2 dB",
        "glockenspiel-01",
        "Frequency [kHz]",
        "Time [s]",
        "Level [dB re full scale]",
        "0.5",
        "16",
        "\u{2212}100",
    ] {
        assert!(words.iter().any(|w| w == expected), "{expected:?} is not in {words:?}");
    }
    assert_lines_apart(&figure());
}

#[test]
fn names_are_escaped() {
    let mut odd = figure();
    odd.original_label.0 = "R&B <live> \"1\" \u{1b}[0m".into();
    odd.clip = "</text></svg>".into();
    let words: Vec<String> = lines(&odd).into_iter().map(|(words, _)| words).collect();
    assert!(words.iter().any(|w| w.contains("R&B <live> \"1\"")), "{words:?}");
    assert!(words.iter().any(|w| w == "</text></svg>"), "{words:?}");
}

#[test]
fn an_snr_that_is_no_number_is_said_in_words() {
    for (snr_db, expected) in [
        (f64::INFINITY, "SNR \u{221e} dB (nothing changed)"),
        (f64::NEG_INFINITY, "SNR \u{2212}\u{221e} dB (silent original)"),
        (f64::NAN, "SNR undefined"),
        (-3.04, "SNR \u{2212}3.0 dB"),
    ] {
        let mut odd = Figure { snr_db, ..figure() };
        odd.adversarial_label.1 = f32::NAN;
        let lines = lines(&odd);
        assert!(lines.iter().any(|(words, _)| words.ends_with(expected)), "{snr_db}: {lines:?}");
        assert!(lines.iter().any(|(words, _)| words == "Adversarial: Tearing"), "{lines:?}");
    }
}

#[test]
fn long_names_do_not_overlap_or_leave_the_page() {
    let mut long = figure();
    let name = "A very long label that somebody gave to a class of sounds of many kinds";
    long.original_label.0 = name.into();
    long.adversarial_label.0 = "W".repeat(300);
    long.model = "an unusually wide convolutional network ".repeat(3);
    long.attack = "an attack with many words ".repeat(4);
    long.clip = "recording-of-the-second-of-november-".repeat(5);
    assert_lines_apart(&long);
    let words: Vec<String> = lines(&long).into_iter().map(|(words, _)| words).collect();
    assert!(words.iter().any(|w| w.starts_with("Original: A very") && w.ends_with("… (0.94)")));
    assert!(words.iter().any(|w| w.ends_with(", SNR 46.2 dB")), "{words:?}");
}

#[test]
fn every_length_axis_and_range_is_laid_out() {
    use crate::dsp::{ColourMap, FrequencyAxis};
    let all = figure().original;
    for (index, samples) in [0, 1, 100, 2000, 16_000, 33_333].into_iter().enumerate() {
        let sound: Arc<[f32]> = all[..samples].into();
        let look = Look {
            axis: FrequencyAxis::ALL[index % 3],
            colour_map: ColourMap::ALL[index % 4],
            floor_db: -20.0 * index as f32,
            ceiling_db: -20.0,
        };
        let odd = Figure { original: sound.clone(), adversarial: sound, look, ..figure() };
        assert_lines_apart(&odd);
        assert_eq!(pixels(&odd, 400).dimensions(), (400, 171));
    }
    let minute: Arc<[f32]> = all.iter().copied().cycle().take(60 * 32_000).collect();
    assert_lines_apart(&Figure { original: minute.clone(), adversarial: minute, ..figure() });
}

#[test]
fn widths_nobody_can_read_or_hold_are_refused() {
    for width in [0, 199, 16_385, u32::MAX] {
        assert!(matches!(figure().to_png(width), Err(FigureError::Width(w)) if w == width));
    }
}

#[test]
fn files_are_written_by_their_ending_and_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let png = folder.path().join("figure.PNG");
    std::fs::write(&png, b"old").unwrap();
    figure().write(&png).unwrap();
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    let svg = folder.path().join("figure.svg");
    figure().write(&svg).unwrap();
    assert_eq!(std::fs::read_to_string(&svg).unwrap(), figure().to_svg());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn an_unknown_ending_and_a_missing_folder_are_said() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["figure", "figure.jpg", ".png"] {
        let path = folder.path().join(name);
        let error = figure().write(&path).unwrap_err();
        assert!(matches!(error, FigureError::Ending { .. }), "{name}: {error}");
        assert!(error.to_string().contains("end it in .png or .svg"), "{error}");
    }
    let missing = folder.path().join("missing").join("figure.svg");
    let error = figure().write(&missing).unwrap_err().to_string();
    assert!(error.contains("figure.svg") && error.contains("folder that exists"), "{error}");

    // A folder in which not even root may create a file.
    #[cfg(target_os = "linux")]
    {
        let error = figure().write("/proc/figure.png".as_ref()).unwrap_err().to_string();
        assert!(error.contains("/proc/figure.png"), "{error}");
        assert!(error.contains("that you may write to"), "{error}");
    }

    // A folder in the place of the file: the rename fails and leaves nothing behind.
    let taken = folder.path().join("taken.svg");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("inside"), b"kept").unwrap();
    assert!(matches!(figure().write(&taken), Err(FigureError::Write { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(taken.join("inside").exists());
}
