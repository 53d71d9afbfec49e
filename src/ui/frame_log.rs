//! For measuring the real window: writes one line of comma-separated values a frame to a file.
//!
//! On only where the environment variable `MONDEGREEN_FRAME_LOG` names that file; see
//! [`HEADER`] for the columns. `scripts/frame-times.sh` makes figures of it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The environment variable that names the file.
pub const VARIABLE: &str = "MONDEGREEN_FRAME_LOG";

/// The columns: seconds since the start at which the frame began; milliseconds since the frame
/// before it began; milliseconds spent taking in events (`logic`) and laying the window out
/// (`ui`); milliseconds of the whole frame as eframe counts them, which adds tessellation, uploads
/// and the calls of OpenGL, but not the wait for the screen; milliseconds of processor that the
/// window's thread used from this frame's begin to the next one's, where the system tells
/// (elsewhere empty); 1 while an attack runs; 1 while a clip plays; how often the sound has
/// dropped out and its callback come late so far; and the steps of the attack that runs.
pub const HEADER: &str =
    "seconds,interval_ms,logic_ms,ui_ms,frame_ms,cpu_ms,attacking,playing,dropouts,late,steps";

/// How often lines reach the file.
const FLUSH: Duration = Duration::from_secs(1);

/// What the window was doing in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doing {
    /// Whether an attack ran.
    pub attacking: bool,
    /// Whether a clip played.
    pub playing: bool,
    /// How often the sound has dropped out so far.
    pub dropouts: u64,
    /// How often the audio callback has come late so far.
    pub late: u64,
    /// Steps of the attack that runs, as they are drawn over the iterations.
    pub steps: usize,
}

/// One frame that is not written yet: eframe tells its length only when the next one begins.
struct Pending {
    began: Duration,
    interval: Option<Duration>,
    cpu: Option<Duration>,
    logic: Duration,
    ui: Option<Duration>,
    doing: Doing,
}

/// Tells the time since the start.
type Clock = Box<dyn Fn() -> Duration>;

/// Writes the lines.
pub struct FrameLog<W: Write = BufWriter<File>> {
    out: W,
    clock: Clock,
    flushed: Duration,
    pending: Option<Pending>,
    /// Set when a part of a frame begins.
    part: Option<Duration>,
}

/// The log that the environment asks for; what keeps it from being written is said on stderr.
pub fn from_environment() -> Option<FrameLog> {
    let path = PathBuf::from(std::env::var_os(VARIABLE)?);
    let started = Instant::now();
    let clock = Box::new(move || started.elapsed());
    let log = File::create(&path).and_then(|file| FrameLog::new(BufWriter::new(file), clock));
    log.inspect_err(|error| {
        eprintln!("mondegreen: frame times can't be written to {}: {error}", path.display());
    })
    .ok()
}

impl<W: Write> FrameLog<W> {
    /// A log that starts with the [`HEADER`].
    fn new(mut out: W, clock: Clock) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self { out, clock, flushed: Duration::ZERO, pending: None, part: None })
    }

    /// A frame begins; the one before took `frame` as eframe counts.
    pub fn frame_begins(&mut self, frame: Option<f32>) {
        let (now, cpu) = ((self.clock)(), thread_time());
        let last = self.pending.take();
        let interval = last.as_ref().map(|last| now - last.began);
        if let Some(last) = last {
            let used = last.cpu.zip(cpu).map(|(from, to)| to.saturating_sub(from));
            self.write(&last, frame, used);
        }
        if now - self.flushed >= FLUSH {
            self.flushed = now;
            // A full disk only ends the measurement.
            self.out.flush().ok();
        }
        let (logic, doing) = (Duration::ZERO, Doing::default());
        self.pending = Some(Pending { began: now, interval, cpu, logic, ui: None, doing });
        self.part = Some(now);
    }

    /// The events of this frame have been taken in.
    pub fn logic_ends(&mut self) {
        if let (Some(pending), Some(began)) = (&mut self.pending, self.part.take()) {
            pending.logic = (self.clock)() - began;
        }
    }

    /// The window is about to be laid out.
    pub fn ui_begins(&mut self) {
        self.part = Some((self.clock)());
    }

    /// The window has been laid out, maybe for the second time in this frame.
    pub fn ui_ends(&mut self, doing: Doing) {
        if let (Some(pending), Some(began)) = (&mut self.pending, self.part.take()) {
            *pending.ui.get_or_insert_default() += (self.clock)() - began;
            pending.doing = doing;
        }
    }

    fn write(&mut self, pending: &Pending, frame: Option<f32>, cpu: Option<Duration>) {
        // A hidden window takes in events, but has no frames.
        let Some(ui) = pending.ui else { return };
        let milliseconds = |time: Option<Duration>| {
            time.map_or(String::new(), |t| format!("{:.3}", 1e3 * t.as_secs_f64()))
        };
        let Doing { attacking, playing, dropouts, late, steps } = pending.doing;
        writeln!(
            self.out,
            "{:.4},{},{},{},{},{},{},{},{dropouts},{late},{steps}",
            pending.began.as_secs_f64(),
            milliseconds(pending.interval),
            milliseconds(Some(pending.logic)),
            milliseconds(Some(ui)),
            frame.map_or(String::new(), |seconds| format!("{:.3}", 1e3 * seconds)),
            milliseconds(cpu),
            u8::from(attacking),
            u8::from(playing),
        )
        .ok();
    }
}

/// Processor time that this thread has used, where the system tells.
fn thread_time() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// A log with a clock that stands still until it is moved, in milliseconds.
    fn log() -> (FrameLog<Vec<u8>>, Rc<Cell<u64>>) {
        let now = Rc::new(Cell::new(0));
        let clock = Rc::clone(&now);
        let clock = Box::new(move || Duration::from_millis(clock.get()));
        (FrameLog::new(Vec::new(), clock).unwrap(), now)
    }

    /// The lines as columns of numbers; none for an empty field. Without the time of the
    /// processor, which is real.
    fn lines(log: &FrameLog<Vec<u8>>) -> Vec<Vec<Option<f64>>> {
        let text = String::from_utf8(log.out.clone()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(HEADER));
        let cpu = HEADER.split(',').position(|name| name == "cpu_ms").unwrap();
        let line = |line: &str| {
            let mut fields: Vec<_> = line.split(',').map(|field| field.parse().ok()).collect();
            assert_eq!(fields.len(), HEADER.split(',').count());
            assert_eq!(fields.remove(cpu).is_some(), cfg!(target_os = "linux"));
            fields
        };
        lines.map(line).collect()
    }

    #[test]
    fn a_slow_part_of_a_frame_is_seen_where_it_was_slow() {
        let (mut log, now) = log();
        let pass = |milliseconds: u64| now.set(now.get() + milliseconds);
        let doing = Doing { attacking: true, playing: false, dropouts: 3, late: 4, steps: 5 };
        // Events, between, layout, after it: each slow in turn; the last frame is laid out twice.
        for [logic, between, ui, after] in [[30, 1, 2, 3], [1, 30, 2, 3], [1, 2, 30, 3]] {
            log.frame_begins(Some(0.25));
            pass(logic);
            log.logic_ends();
            pass(between);
            log.ui_begins();
            pass(ui);
            log.ui_ends(doing);
            pass(after);
        }
        log.ui_begins();
        pass(5);
        log.ui_ends(doing);
        log.frame_begins(None);
        let numbers = |first: [f64; 2], logic: f64, ui: f64, frame| {
            let [seconds, interval] = first;
            let interval = (interval > 0.0).then_some(interval);
            let flags = [1.0, 0.0, 3.0, 4.0, 5.0].map(Some);
            [&[Some(seconds), interval, Some(logic), Some(ui), frame][..], &flags].concat()
        };
        let expected = [
            numbers([0.0, 0.0], 30.0, 2.0, Some(250.0)),
            numbers([0.036, 36.0], 1.0, 2.0, Some(250.0)),
            numbers([0.072, 36.0], 1.0, 35.0, None),
        ];
        assert_eq!(lines(&log), expected);
    }

    #[test]
    fn a_hidden_window_has_no_frames() {
        let (mut log, _) = log();
        for _ in 0..3 {
            log.frame_begins(None);
            log.logic_ends();
        }
        assert!(lines(&log).is_empty());
    }
}
