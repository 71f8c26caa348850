//! A log from a file or a pipe instead of a cluster: its lines as messages, what is there at once and what is added as it
//! comes. Separate because it is the one source that needs no connection; it reads on a thread of its own.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::message::Message;
use crate::logs::metrics::Pattern;
use crate::logs::pieces;
use crate::logs::run::StreamReader;
use crate::logs::wrapped::{Unwrap, Unwrapped};
use crate::model::log::LogLine;
use crate::panes::{Heard, Level};

/// How often a file is asked whether it has grown. Files on network disks tell nobody by themselves.
const LOOK: Duration = Duration::from_millis(500);
/// An unfinished line is held back so far: what it says in numbers counts once, when it is whole.
const HELD: usize = 256 * 1024;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// `-` is standard input.
    pub fn named(name: &str) -> Self {
        match name {
            "-" => Self::Stdin,
            path => Self::File(path.into()),
        }
    }

    /// What it is called on the screen: the file's own name.
    pub fn title(&self) -> String {
        match self {
            Self::Stdin => "standard input".into(),
            Self::File(path) => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
        }
    }

    /// Opens it, so that what cannot be read is said before there is a screen.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(&self) -> io::Result<Opened> {
        match self {
            Self::Stdin => Ok(Opened::Pipe(Box::new(io::stdin()))),
            Self::File(path) => {
                let file = File::open(path)?;
                let kind = file.metadata()?.file_type();
                if kind.is_dir() {
                    return Err(ErrorKind::IsADirectory.into());
                }
                Ok(if kind.is_file() {
                    Opened::File(file, path.clone())
                } else {
                    Opened::Pipe(Box::new(file))
                })
            }
        }
    }
}

/// An open source.
pub enum Opened {
    /// Ends some time.
    Pipe(Box<dyn Read + Send>),
    /// May grow.
    File(File, PathBuf),
}

/// Nobody listens any more, or it cannot be read.
#[derive(Debug)]
enum Stop {
    Left,
    Read(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Reads it until it ends or nobody listens. The channel is bounded: who shows the lines slows who reads them.
pub fn follow(opened: Opened, messages: mpsc::Sender<Message>, patterns: Arc<[Pattern]>) {
    // Not tokio's blocking threads: the program must be able to end while this waits for a pipe.
    std::thread::spawn(move || {
        let mut feed = Feed::new(messages, patterns);
        let stop = match opened {
            Opened::Pipe(input) => feed.pipe(input),
            Opened::File(file, path) => feed.file(file, &path),
        };
        if let Err(Stop::Read(error)) = stop {
            let _ = feed.say(Level::Error, format!("cannot read on: {error}"));
        }
        let _ = feed.tell(Heard::Ended);
    });
}

/// Bytes to lines to messages.
struct Feed {
    messages: mpsc::Sender<Message>,
    reader: StreamReader,
    /// The user's own, for a reader that begins anew.
    patterns: Arc<[Pattern]>,
    /// The beginning of a line without its end yet.
    held: Vec<u8>,
    /// What was passed on last was not the end of a line.
    open: bool,
    /// For the log file of a container runtime.
    unwrap: Unwrap,
}

impl Feed {
    fn new(messages: mpsc::Sender<Message>, patterns: Arc<[Pattern]>) -> Self {
        Self {
            messages,
            reader: StreamReader::with(patterns.clone()),
            patterns,
            held: Vec::new(),
            open: false,
            unwrap: Unwrap::default(),
        }
    }

    fn pipe(&mut self, input: Box<dyn Read + Send>) -> Result<(), Stop> {
        pieces::read(input, |piece| match piece {
            Some(bytes) => self.feed(bytes),
            None => self.pause(),
        })?;
        self.flush()
    }

    fn file(&mut self, mut file: File, path: &Path) -> Result<(), Stop> {
        let mut piece = vec![0; pieces::PIECE];
        let mut at = 0;
        let mut idle = false;
        loop {
            match file.read(&mut piece) {
                Ok(0) => {
                    // a line that is being written is whole by the second look
                    match std::mem::replace(&mut idle, true) {
                        true => self.flush()?,
                        false => self.pause()?,
                    }
                    std::thread::sleep(LOOK);
                    if self.messages.is_closed() {
                        return Err(Stop::Left);
                    }
                    if let Some((other, why)) = anew(&file, path, at)? {
                        (file, at) = (other, 0);
                        self.cut();
                        self.say(Level::Warning, why.into())?;
                    }
                }
                Ok(n) => {
                    idle = false;
                    at += n as u64;
                    self.feed(&piece[..n])?;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// More bytes, cut anywhere. Whole lines and frames of bars go on at once, the rest when it is whole or nothing comes.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let whole = memchr::memrchr2(b'\n', b'\r', bytes).map_or(0, |at| at + 1);
        self.held.extend_from_slice(&bytes[..whole]);
        if whole > 0 {
            self.pause()?;
        }
        self.held.extend_from_slice(&bytes[whole..]);
        if self.held.len() >= HELD {
            self.pause()?;
        }
        Ok(())
    }

    /// What is held goes on as it is, but what a runtime may have put around a line.
    fn pause(&mut self) -> Result<(), Stop> {
        self.pass(false)
    }

    /// All that is held goes on.
    fn flush(&mut self) -> Result<(), Stop> {
        self.pass(true)
    }

    fn pass(&mut self, all: bool) -> Result<(), Stop> {
        if self.held.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.held);
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            let ended = text.len() < piece.len();
            let text = match ended {
                true => text.strip_suffix(b"\r").unwrap_or(text),
                false => text,
            };
            // what a runtime puts around a line is known only of a whole one
            let wrapped = !ended && !self.open && self.unwrap.is_wrapped();
            if wrapped && !all && piece.len() < HELD {
                self.held = piece.to_vec();
                break;
            }
            let whole = (ended || wrapped) && !self.open;
            let (at, bytes) = match whole.then(|| self.unwrap.line(text)) {
                Some(Unwrapped::Part) => continue,
                Some(Unwrapped::Line { at, bytes }) => (at, bytes.into_owned().into()),
                Some(Unwrapped::AsIs) | None => (None, text.into()),
            };
            lines.push(LogLine {
                at,
                bytes,
                goes_on: self.open,
            });
            self.open = !ended;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let said = self.reader.read(&lines);
        self.tell(Heard::Lines { lines, said })
    }

    /// What comes next has nothing to do with what came before.
    fn cut(&mut self) {
        self.held.clear();
        self.open = false;
        self.unwrap = Unwrap::default();
        self.reader = StreamReader::with(self.patterns.clone());
    }

    fn say(&self, level: Level, text: String) -> Result<(), Stop> {
        self.tell(Heard::Note(level, text))
    }

    fn tell(&self, heard: Heard) -> Result<(), Stop> {
        let sent = self.messages.blocking_send(Message::File(heard));
        sent.map_err(|_| Stop::Left)
    }
}

/// The file to go on with, if it is no longer the one that was read: it was emptied, or another one is in its place.
fn anew(file: &File, path: &Path, at: u64) -> io::Result<Option<(File, &'static str)>> {
    if file.metadata()?.len() < at {
        let mut again = file.try_clone()?;
        again.seek(SeekFrom::Start(0))?;
        return Ok(Some((again, "the file was emptied; read from its start")));
    }
    // While it is gone (moved away, not written anew yet) the old one is held on to.
    let Ok(there) = std::fs::metadata(path) else {
        return Ok(None);
    };
    if there.is_file() && !same(&file.metadata()?, &there) {
        let other = File::open(path)?;
        return Ok(Some((
            other,
            "another file is in its place; read from its start",
        )));
    }
    Ok(None)
}

#[cfg(unix)]
fn same(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Elsewhere only a shorter one is noticed.
#[cfg(not(unix))]
fn same(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn join(lines: &[LogLine], all: &mut Vec<String>) {
        for line in lines {
            let text = String::from_utf8_lossy(&line.bytes).into_owned();
            match all.last_mut().filter(|_| line.goes_on) {
                Some(last) => last.push_str(&text),
                None => all.push(text),
            }
        }
    }

    fn next(heard: &mut mpsc::Receiver<Message>) -> Heard {
        match heard.blocking_recv() {
            Some(Message::File(heard)) => heard,
            other => panic!("{other:?}"),
        }
    }

    /// The lines up to one, and the notes among them.
    fn until(heard: &mut mpsc::Receiver<Message>, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        while all.last().is_none_or(|line| line != last) {
            match next(heard) {
                Heard::Lines { lines, .. } => join(&lines, &mut all),
                Heard::Note(_, text) => all.push(format!("# {text}")),
                Heard::Ended => all.push("# ended".into()),
            }
        }
        all
    }

    #[test]
    fn a_file_is_followed_as_it_grows_is_emptied_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.log");
        std::fs::write(&path, "one\ntwo").unwrap();
        let (tx, mut heard) = mpsc::channel(8);
        follow(
            Source::File(path.clone()).open().unwrap(),
            tx,
            Arc::default(),
        );
        assert_eq!(until(&mut heard, "two"), ["one", "two"]);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b" and a half\r\nthree\n").unwrap();
        // What was shown as `two` goes on in its line.
        match next(&mut heard) {
            Heard::Lines { lines, .. } => {
                assert!(lines[0].goes_on && !lines[1].goes_on);
                assert_eq!(&*lines[0].bytes, b" and a half");
            }
            other => panic!("{other:?}"),
        }
        std::fs::write(&path, "new\n").unwrap();
        let got = until(&mut heard, "new");
        assert!(got[0].starts_with("# the file was emptied"), "{got:?}");
        let other = folder.path().join("other");
        std::fs::write(&other, "a longer one in its place\n").unwrap();
        std::fs::rename(&other, &path).unwrap();
        let got = until(&mut heard, "a longer one in its place");
        assert_eq!(got.len(), 2);
        assert!(got[0].starts_with("# another file"), "{got:?}");
    }

    #[test]
    fn a_file_of_a_container_runtime_is_shown_without_its_wrapping() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.log");
        let at = "2026-11-24T03:04:05.5Z stdout";
        std::fs::write(&path, format!("{at} F one\n{at} P tw\n{at} F o\n{at} F th")).unwrap();
        let (tx, mut heard) = mpsc::channel(8);
        follow(
            Source::File(path.clone()).open().unwrap(),
            tx,
            Arc::default(),
        );
        assert_eq!(until(&mut heard, "two"), ["one", "two"]);
        // its beginning is not shown before it is known for what it is
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"ree\n").unwrap();
        match next(&mut heard) {
            Heard::Lines { lines, .. } => {
                assert_eq!(&*lines[0].bytes, b"three");
                assert_eq!(lines[0].at.unwrap().timestamp_subsec_millis(), 500);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_before_there_is_a_screen() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Source::File(folder.path().join("none"));
        assert_eq!(missing.open().err().unwrap().kind(), ErrorKind::NotFound);
        let kind = Source::File(folder.path().into()).open().err().unwrap();
        assert_eq!(kind.kind(), ErrorKind::IsADirectory);
        assert_eq!(Source::named("-"), Source::Stdin);
        assert_eq!(Source::named("a/b.log").title(), "b.log");
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(
            text in "([a-z]{0,5}\n|\r|[a-z]{1,5}\r\n|é){0,12}",
            cuts in proptest::collection::vec(1usize..7, 1..9),
        ) {
            let run = |cuts: &[usize]| {
                let (tx, mut heard) = mpsc::channel(1000);
                let mut feed = Feed::new(tx, Arc::default());
                let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
                while !rest.is_empty() {
                    let n = cuts.next().map_or(rest.len(), |n| (*n).min(rest.len()));
                    feed.feed(&rest[..n]).unwrap();
                    rest = &rest[n..];
                }
                feed.pause().unwrap();
                drop(feed);
                // As the screen keeps them: a carriage return before the end of a line leaves nothing.
                let mut buffer = crate::logs::LogBuffer::new(1 << 20);
                let stream = buffer.add_stream();
                while let Some(Message::File(Heard::Lines { lines, .. })) = heard.blocking_recv() {
                    buffer.push(stream, &lines);
                }
                let texts: Vec<String> = buffer.shown().map(|line| line.text().to_owned()).collect();
                texts
            };
            prop_assert_eq!(run(&[]), run(&cuts));
        }
    }
}
