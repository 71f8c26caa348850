//! An input that may pause for as long as it likes, as pieces with the pauses between them told. Separate because a
//! pipe can only be read by a thread that waits in it.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Input that is silent for so long pauses.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes read at once.
pub const PIECE: usize = 64 * 1024;

/// Reads to the end. `take` gets each piece, and `None` once whenever the input pauses; its error ends the reading.
///
/// # Errors
/// What the input or `take` says.
pub fn read<E: From<io::Error>>(
    mut input: impl Read + Send + 'static,
    mut take: impl FnMut(Option<&[u8]>) -> Result<(), E>,
) -> Result<(), E> {
    let (give, pieces) = sync_channel::<io::Result<Vec<u8>>>(16);
    // It waits in read(2) until the end of the input or of the process.
    std::thread::spawn(move || {
        let mut piece = vec![0; PIECE];
        loop {
            let more = match input.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => Ok(piece[..n].to_vec()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => Err(e),
            };
            let failed = more.is_err();
            if give.send(more).is_err() || failed {
                break;
            }
        }
    });
    loop {
        let piece = match pieces.recv_timeout(PAUSE) {
            Ok(piece) => piece,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                take(None)?;
                match pieces.recv() {
                    Ok(piece) => piece,
                    Err(_) => return Ok(()),
                }
            }
        };
        take(Some(&piece?))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces, and waits where there is none.
    struct Halting(Vec<Option<&'static [u8]>>, std::sync::mpsc::Receiver<()>);

    impl Read for Halting {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            while let Some(next) = (!self.0.is_empty()).then(|| self.0.remove(0)) {
                match next {
                    Some(piece) => {
                        buf[..piece.len()].copy_from_slice(piece);
                        return Ok(piece.len());
                    }
                    // Goes on once the pause was told.
                    None => self.1.recv().unwrap(),
                }
            }
            Ok(0)
        }
    }

    #[test]
    fn pieces_come_in_order_and_a_pause_is_told_once() {
        let (go, wait) = std::sync::mpsc::channel();
        let input = Halting(vec![Some(b"a"), None, Some(b"b")], wait);
        let mut got = Vec::new();
        read::<io::Error>(input, |piece| {
            if piece.is_none() && got.last() == Some(&"a".to_owned()) {
                let _ = go.send(());
            }
            got.push(piece.map_or("-".into(), |p| String::from_utf8_lossy(p).into_owned()));
            Ok(())
        })
        .unwrap();
        got.retain(|piece| piece != "-");
        assert_eq!(got, ["a", "b"]);
    }

    #[test]
    fn who_has_enough_ends_it() {
        let mut calls = 0;
        let input = io::Cursor::new(vec![b'x'; 10 * PIECE]);
        let ended = read::<io::Error>(input, |_| {
            calls += 1;
            Err(ErrorKind::BrokenPipe.into())
        });
        assert_eq!(
            (ended.unwrap_err().kind(), calls),
            (ErrorKind::BrokenPipe, 1)
        );
    }
}
