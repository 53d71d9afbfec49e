//! Starts the program on a display of its own and drives it as people do.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Generous: software drawing beside an attack on two cores.
const DEADLINE: Duration = Duration::from_secs(900);

/// A rectangle in pixels of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Area {
    /// Every `step`-th pixel in both directions.
    pub fn pixels(self, step: usize) -> impl Iterator<Item = (u32, u32)> {
        let rows = (self.top..self.top + self.height).step_by(step);
        rows.flat_map(move |y| {
            (self.left..self.left + self.width).step_by(step).map(move |x| (x, y))
        })
    }
}

/// A control as the program tells of it.
#[derive(Clone, Debug)]
pub struct Control {
    pub area: Area,
    pub name: String,
}

/// The program in a window on its own display.
pub struct Window {
    display: String,
    server: Child,
    program: Child,
    id: String,
    size: [u32; 2],
    dump: PathBuf,
    /// From the program's start to its window's being there, which is after its first frame.
    pub first_frame: Duration,
    started: Instant,
    _home: Option<TempDir>,
}

impl Window {
    /// Starts a display of that size and the program on all of it.
    pub fn open(size: [u32; 2], arguments: &[&OsStr]) -> Self {
        Self::open_with(size, 1, arguments, &[])
    }

    /// The same on a screen with `scale` pixels a point, in an environment with more to it.
    pub fn open_with(
        size: [u32; 2],
        scale: u32,
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let home = tempfile::tempdir().expect("a home for the program");
        let dump = home.path().join("controls.tsv");
        let pixels = scale.to_string();
        let mut told = environment.to_vec();
        told.push(("MONDEGREEN_UI_DUMP", dump.as_os_str()));
        told.push(("WINIT_X11_SCALE_FACTOR", OsStr::new(&pixels)));
        let mut window = Self::start(size, arguments, &told, &home, &dump);
        window._home = Some(home);
        window.wait_for("the window", |w| w.control("Help").is_some());
        window.fill_display();
        let [width, height] = size;
        window.wait_for("the window's size", |w| {
            let help = w.control("Help").map(|control| control.area);
            let save = w.control_with("Save figure").map(|control| control.area);
            help.is_some_and(|area| {
                area.left + area.width + 40 * scale > width && area.left < width
            }) && save.is_none_or(|area| area.top + 60 * scale > height && area.top < height)
        });
        window
    }

    /// The same without the list of controls, whose making takes time in every frame: what is
    /// called here by a control's name does not work. `home` holds the program's settings.
    pub fn open_unwatched(
        size: [u32; 2],
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
        home: &TempDir,
    ) -> Self {
        let nowhere = home.path().join("no-controls.tsv");
        let mut window = Self::start(size, arguments, environment, home, &nowhere);
        window.fill_display();
        window
    }

    fn start(
        size: [u32; 2],
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
        home: &TempDir,
        dump: &Path,
    ) -> Self {
        let screen = format!("{}x{}x24", size[0], size[1]);
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed (`make setup`)");
        let mut number = String::new();
        let output = server.stdout.take().expect("Xvfb tells its display");
        BufReader::new(output).read_line(&mut number).expect("Xvfb tells its display");
        let display = format!(":{}", number.trim());
        let started = Instant::now();
        let program = Command::new(env!("CARGO_BIN_EXE_mondegreen"))
            .args(arguments)
            .env("DISPLAY", &display)
            .env_remove("WAYLAND_DISPLAY")
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("WINIT_X11_SCALE_FACTOR", "1")
            .env("MONDEGREEN_MODELS", concat!(env!("CARGO_MANIFEST_DIR"), "/models-safetensors"))
            .envs(environment.iter().copied())
            .spawn()
            .expect("the program starts");
        let (id, dump) = (String::new(), dump.to_path_buf());
        let first_frame = Duration::ZERO;
        Self { display, server, program, id, size, dump, first_frame, started, _home: None }
    }

    /// Gives the window all of the display, and the keys.
    fn fill_display(&mut self) {
        let id = self.xdotool(&["search", "--sync", "--onlyvisible", "--name", "^Mondegreen$"]);
        self.first_frame = self.started.elapsed();
        self.id = id.lines().next().unwrap_or_default().to_owned();
        let [width, height] = self.size.map(|side| side.to_string());
        self.xdotool(&["windowmove", &self.id, "0", "0"]);
        self.xdotool(&["windowsize", "--sync", &self.id, &width, &height]);
        self.xdotool(&["windowfocus", "--sync", &self.id]);
    }

    /// The program's number in the system.
    pub fn process(&self) -> u32 {
        self.program.id()
    }

    /// Runs xdotool on the window's display.
    pub fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .expect("xdotool is installed (`make setup`)");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Whether the program still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.program.try_wait(), Ok(None))
    }

    /// All controls as the program told last.
    pub fn controls(&self) -> Vec<Control> {
        let text = std::fs::read_to_string(&self.dump).unwrap_or_default();
        text.lines().filter_map(control).collect()
    }

    /// The control of exactly that name.
    pub fn control(&self, name: &str) -> Option<Control> {
        self.controls().into_iter().find(|control| control.name == name)
    }

    /// A control whose name contains something.
    pub fn control_with(&self, part: &str) -> Option<Control> {
        self.controls().into_iter().find(|control| control.name.contains(part))
    }

    /// Where a control is.
    pub fn area(&self, name: &str) -> Area {
        let names = || self.controls().into_iter().map(|c| c.name).collect::<Vec<_>>().join("\n");
        self.control(name)
            .unwrap_or_else(|| panic!("no control {name}; there are:\n{}", names()))
            .area
    }

    /// Waits until something holds.
    pub fn wait_for(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(self.is_alive(), "the program ended while waiting for: {what}");
            if start.elapsed() > DEADLINE {
                let names = self.controls().into_iter().map(|control| control.name);
                panic!("waited in vain for: {what}\n{}", names.collect::<Vec<_>>().join("\n"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until two pictures in a row are equal.
    pub fn settle(&mut self) {
        let start = Instant::now();
        let mut last = self.picture();
        while start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(400));
            let next = self.picture();
            if next == last {
                return;
            }
            last = next;
        }
    }

    /// Clicks a control.
    pub fn click(&mut self, name: &str) {
        self.click_where(name, |w| w.control(name));
    }

    /// Clicks a control whose name contains something.
    pub fn click_with(&mut self, part: &str) {
        self.click_where(part, |w| w.control_with(part));
    }

    fn click_where(&mut self, what: &str, find: impl Fn(&Self) -> Option<Control>) {
        self.wait_for(what, |w| find(w).is_some());
        // On a slow machine it may still move, as where a card above it grows.
        let mut pointed = None;
        while let Some(area) = find(self).map(|control| control.area)
            && pointed != Some(area)
        {
            self.point(area);
            pointed = Some(area);
        }
        self.press();
    }

    /// Moves the pointer to the middle of an area, and has all drawn that was asked for before.
    fn point(&self, area: Area) {
        let x = area.left + area.width / 2;
        let y = (area.top + area.height / 2).to_string();
        // The first frame may have begun before.
        for x in [x + 1, x] {
            self.draw(&["mousemove", "--window", &self.id, &x.to_string(), &y]);
        }
    }

    fn press(&self) {
        self.draw(&["click", "1"]);
        std::thread::sleep(Duration::from_millis(300));
    }

    /// Runs xdotool and waits until the program has drawn a frame, which on a large screen without a
    /// graphics card may take most of a second.
    fn draw(&self, arguments: &[&str]) {
        let before = self.frame();
        self.xdotool(arguments);
        let start = Instant::now();
        while self.frame() == before && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many frames the program has drawn.
    fn frame(&self) -> Option<u64> {
        let text = std::fs::read_to_string(&self.dump).ok()?;
        text.lines().next()?.strip_prefix("frame\t")?.parse().ok()
    }

    /// Moves the pointer to a place in a control, both in [0, 1] from the left and the top.
    pub fn point_at(&self, name: &str, across: f64, down: f64) {
        let area = self.area(name);
        let x = (f64::from(area.left) + across * f64::from(area.width)).round().to_string();
        let y = (f64::from(area.top) + down * f64::from(area.height)).round().to_string();
        self.xdotool(&["mousemove", "--window", &self.id, &x, &y]);
    }

    /// Turns the wheel up over the middle of an area.
    pub fn wheel(&self, area: Area, notches: usize) {
        let x = (area.left + area.width / 2).to_string();
        let y = (area.top + area.height / 2).to_string();
        self.xdotool(&["mousemove", "--window", &self.id, &x, &y]);
        for _ in 0..notches {
            self.xdotool(&["click", "4"]);
            std::thread::sleep(Duration::from_millis(60));
        }
    }

    /// Presses a key, as xdotool names it.
    pub fn key(&self, key: &str) {
        self.xdotool(&["key", key]);
        std::thread::sleep(Duration::from_millis(250));
    }

    /// Switches to the theme of that name.
    pub fn theme(&mut self, name: &str) {
        for _ in 0..3 {
            if self.control(&format!("Theme: {name}")).is_some() {
                return;
            }
            let before = self.control_with("Theme: ").map(|control| control.name);
            self.click_with("Theme: ");
            // A large window takes its time to draw.
            self.wait_for("another theme", |w| {
                w.control_with("Theme: ").map(|control| control.name) != before
            });
        }
        panic!("no theme {name}");
    }

    /// What is on the display.
    pub fn picture(&self) -> image::RgbImage {
        let path = self.dump.with_extension("png");
        let status = Command::new("import")
            .args(["-window", "root", "-depth", "8"])
            .arg(&path)
            .env("DISPLAY", &self.display)
            .status()
            .expect("ImageMagick is installed (`make setup`)");
        assert!(status.success(), "no picture could be taken");
        let picture = image::open(&path).expect("a PNG picture").into_rgb8();
        assert_eq!([picture.width(), picture.height()], self.size);
        picture
    }

    /// Saves what is on the display, once it stands still.
    pub fn save(&mut self, path: &Path) {
        self.settle();
        self.save_moving(path);
    }

    /// Saves a picture of a window that does not come to rest.
    pub fn save_moving(&self, path: &Path) {
        self.picture().save(path).expect("the picture is written");
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        for child in [&mut self.program, &mut self.server] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// A line of the program's list of controls.
fn control(line: &str) -> Option<Control> {
    let mut fields = line.split('\t');
    let mut number = || fields.next()?.parse::<i64>().ok().map(|n| n.max(0) as u32);
    let (left, top, width, height) = (number()?, number()?, number()?, number()?);
    let name = fields.nth(1)?.to_owned();
    Some(Control { area: Area { left, top, width, height }, name })
}
