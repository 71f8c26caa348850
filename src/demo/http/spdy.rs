//! SPDY/3.1 frames as far as Kubernetes sends them through a WebSocket: streams with headers, data, resets, pings, goodbyes.
//! Pure: bytes in, frames out.

use std::sync::LazyLock;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// Longest frame that is taken: what a client copies at once is 32 KiB.
const LONGEST: usize = 1 << 20;
/// Longest block of headers.
const HEADERS: usize = 64 * 1024;
/// How far back a compressed text may refer.
const WINDOW: usize = 32 * 1024;
/// Longest data frame that is sent.
const PIECE: usize = 32 * 1024;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const VERSION: u16 = 3;
const FIN: u8 = 1;

/// The words that headers are compressed with, each after its length.
const WORDS: &[&str] = &[
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
    "200 OK",
    "version",
    "HTTP/1.1",
    "url",
    "public",
    "set-cookie",
    "keep-alive",
    "origin",
];
/// And what follows them.
const TEXT: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static DICTIONARY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for word in WORDS {
        all.extend((word.len() as u32).to_be_bytes());
        all.extend(word.as_bytes());
    }
    all.extend(TEXT.as_bytes());
    all
});

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Opened {
        stream: u32,
        headers: Vec<(String, String)>,
        /// Its other side says nothing more.
        ends: bool,
    },
    Data {
        stream: u32,
        bytes: Vec<u8>,
        ends: bool,
    },
    Reset(u32),
    Ping(u32),
    Goodbye,
    /// Settings, windows, late headers: nothing that changes anything here.
    Other,
}

/// It is no SPDY, or more of it than is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// Bytes of one client, taken apart.
#[derive(Default)]
pub struct Incoming {
    held: Vec<u8>,
    headers: Option<Inflate>,
}

impl Incoming {
    pub fn put(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// What came is no such frame; nothing after it can be read.
    pub fn next(&mut self) -> Result<Option<Frame>, Broken> {
        let Some(head) = self.held.first_chunk::<8>() else {
            return Ok(None);
        };
        let first = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let (flags, length) = (
            head[4],
            usize::from(head[5]) << 16 | usize::from(head[6]) << 8 | usize::from(head[7]),
        );
        if length > LONGEST {
            return Err(Broken("a frame is too long"));
        }
        if self.held.len() < 8 + length {
            return Ok(None);
        }
        let body: Vec<u8> = self.held.drain(..8 + length).skip(8).collect();
        let ends = flags & FIN != 0;
        if first >> 31 == 0 {
            return Ok(Some(Frame::Data {
                stream: first,
                bytes: body,
                ends,
            }));
        }
        if (first >> 16) as u16 & 0x7fff != VERSION {
            return Err(Broken("it is another version of SPDY"));
        }
        let number = |at: usize| -> Result<u32, Broken> {
            let bytes = body.get(at..at + 4).ok_or(Broken("a frame is too short"))?;
            let bytes = bytes
                .try_into()
                .map_err(|_| Broken("a frame is too short"))?;
            Ok(u32::from_be_bytes(bytes) & 0x7fff_ffff)
        };
        Ok(Some(match first as u16 {
            SYN_STREAM => {
                let stream = number(0)?;
                let packed = body.get(10..).ok_or(Broken("a frame is too short"))?;
                let headers = self.headers.get_or_insert_default().take(packed)?;
                Frame::Opened {
                    stream,
                    headers: pairs(&headers).ok_or(Broken("the headers are none"))?,
                    ends,
                }
            }
            RST_STREAM => Frame::Reset(number(0)?),
            PING => {
                let id: [u8; 4] = body
                    .try_into()
                    .map_err(|_| Broken("a ping without a number"))?;
                Frame::Ping(u32::from_be_bytes(id))
            }
            GOAWAY => Frame::Goodbye,
            _ => Frame::Other,
        }))
    }
}

/// Names and values, each after its length.
fn pairs(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut rest = bytes;
    let number = |rest: &mut &[u8]| {
        let (head, after) = rest.split_first_chunk::<4>()?;
        *rest = after;
        usize::try_from(u32::from_be_bytes(*head)).ok()
    };
    let n = number(&mut rest)?;
    let mut all = Vec::new();
    for _ in 0..n {
        let mut text = || {
            let length = number(&mut rest)?;
            let (text, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        all.push((text()?, text()?));
    }
    Some(all)
}

/// The headers of all streams of a connection are one compressed text, which begins in the dictionary.
struct Inflate {
    state: Box<DecompressorOxide>,
    /// What may be referred to, and what was read last.
    window: Vec<u8>,
    begun: bool,
}

impl Default for Inflate {
    fn default() -> Self {
        Self {
            state: Box::default(),
            window: DICTIONARY.clone(),
            begun: false,
        }
    }
}

impl Inflate {
    /// The next piece of the text.
    fn take(&mut self, packed: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut packed = packed;
        if !self.begun {
            self.begun = true;
            // two bytes, and the dictionary's sum where it is one with a dictionary
            let (head, rest) = packed
                .split_at_checked(2)
                .ok_or(Broken("the headers are none"))?;
            let with = head[1] & 0x20 != 0;
            packed = rest
                .get(if with { 4 } else { 0 }..)
                .ok_or(Broken("the headers are none"))?;
        }
        let start = self.window.len();
        let mut at = start;
        loop {
            self.window.resize(at + 4096, 0);
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
            let (status, read, written) =
                decompress(&mut self.state, packed, &mut self.window, at, flags);
            packed = &packed[read..];
            at += written;
            match status {
                TINFLStatus::HasMoreOutput if at - start <= HEADERS => {}
                TINFLStatus::NeedsMoreInput => break,
                _ => return Err(Broken("the headers cannot be unpacked")),
            }
        }
        let out = self.window[start..at].to_vec();
        let from = at.saturating_sub(WINDOW);
        self.window.truncate(at);
        self.window.drain(..from);
        Ok(out)
    }
}

/// Frames to be sent, as bytes.
#[derive(Default)]
pub struct Outgoing {
    pub bytes: Vec<u8>,
    /// The compressed text of the answers has begun.
    begun: bool,
}

impl Outgoing {
    fn control(&mut self, kind: u16, body: &[u8]) {
        self.bytes.extend((0x8000 | VERSION).to_be_bytes());
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((body.len() as u32).to_be_bytes());
        self.bytes.extend(body);
    }

    /// A stream of the client's is taken.
    pub fn reply(&mut self, stream: u32) {
        let mut body = stream.to_be_bytes().to_vec();
        if !std::mem::replace(&mut self.begun, true) {
            body.extend([0x78, 0x01]);
        }
        // no headers at all: four bytes that stand as they are
        body.extend([0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0]);
        // and an empty block behind them: without one Go's reader looks for more, and is at its end for ever
        body.extend([0, 0, 0, 0xff, 0xff]);
        self.control(SYN_REPLY, &body);
    }

    pub fn data(&mut self, stream: u32, bytes: &[u8], ends: bool) {
        let mut pieces = bytes.chunks(PIECE).peekable();
        if pieces.peek().is_none() && ends {
            self.piece(stream, &[], true);
        }
        while let Some(piece) = pieces.next() {
            self.piece(stream, piece, ends && pieces.peek().is_none());
        }
    }

    fn piece(&mut self, stream: u32, bytes: &[u8], ends: bool) {
        self.bytes.extend(stream.to_be_bytes());
        let length = bytes.len() as u32 | u32::from(if ends { FIN } else { 0 }) << 24;
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(bytes);
    }

    pub fn reset(&mut self, stream: u32) {
        const PROTOCOL_ERROR: u32 = 1;
        let body = [stream.to_be_bytes(), PROTOCOL_ERROR.to_be_bytes()].concat();
        self.control(RST_STREAM, &body);
    }

    pub fn ping(&mut self, id: u32) {
        self.control(PING, &id.to_be_bytes());
    }

    /// `last`: the last stream of the client's that was taken.
    pub fn goodbye(&mut self, last: u32) {
        self.control(GOAWAY, &[last.to_be_bytes(), [0; 4]].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two blocks of headers as zlib packs them with the dictionary.
    const FIRST: &str = "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45e01c606164062a84388b20d198094ade8c0600000000ffff";
    const SECOND: &str = "02c960680695438944e9452fc138e10109000000ffff";

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn opens(stream: u32, block: &[u8]) -> Vec<u8> {
        let mut body = [stream.to_be_bytes(), [0; 4]].concat();
        body.extend([0, 0]);
        body.extend(block);
        let mut out = Outgoing::default();
        out.control(SYN_STREAM, &body);
        out.bytes
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn the_dictionary_is_the_one_that_was_agreed_on() {
        let (mut a, mut b) = (1u32, 0u32);
        for byte in DICTIONARY.iter() {
            a = (a + u32::from(*byte)) % 65521;
            b = (b + a) % 65521;
        }
        assert_eq!((DICTIONARY.len(), b << 16 | a), (1423, 0xe3c6_a7c2));
    }

    #[test]
    fn streams_are_read_however_they_are_cut() {
        let mut all = opens(1, &bytes(FIRST));
        all.extend(opens(3, &bytes(SECOND)));
        let mut out = Outgoing::default();
        out.data(1, &[], true);
        out.data(3, b"GET /", false);
        out.reset(3);
        out.ping(7);
        out.goodbye(3);
        all.extend(out.bytes);
        let error = vec![
            pair("streamtype", "error"),
            pair("port", "8265"),
            pair("requestid", "0"),
        ];
        let data = vec![
            pair("streamtype", "data"),
            pair("port", "8265"),
            pair("requestid", "0"),
            pair("content-type", "text/html"),
        ];
        let expected = vec![
            Frame::Opened {
                stream: 1,
                headers: error,
                ends: false,
            },
            Frame::Opened {
                stream: 3,
                headers: data,
                ends: false,
            },
            Frame::Data {
                stream: 1,
                bytes: Vec::new(),
                ends: true,
            },
            Frame::Data {
                stream: 3,
                bytes: b"GET /".to_vec(),
                ends: false,
            },
            Frame::Reset(3),
            Frame::Ping(7),
            Frame::Goodbye,
        ];
        for size in [1, 7, 64, all.len()] {
            let mut incoming = Incoming::default();
            let mut found = Vec::new();
            for piece in all.chunks(size) {
                incoming.put(piece);
                while let Some(frame) = incoming.next().unwrap() {
                    found.push(frame);
                }
            }
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn what_is_none_is_said_to_be_none() {
        let broken = |bytes: &[u8]| {
            let mut incoming = Incoming::default();
            incoming.put(bytes);
            incoming.next()
        };
        assert_eq!(
            broken(b"GET / HTTP/1.1\r\n\r\n"),
            Err(Broken("a frame is too long"))
        );
        assert!(broken(&[0x80, 2, 0, 6, 0, 0, 0, 0]).is_err());
        assert!(broken(&[0x80, 3, 0, 6, 0, 0, 0, 1, 0]).is_err());
        assert!(broken(&opens(1, &[0x78, 0x20, 1, 2, 3, 4, 0xff, 0xff])).is_err());
        assert!(broken(&opens(1, &[])).is_err());
        // headers that say they are more than there are
        assert!(broken(&opens(1, &[0x78, 0x01, 0, 4, 0, 0xfb, 0xff, 0, 0, 0, 9])).is_err());
        assert_eq!(broken(&[0x80, 3, 0, 4, 0, 0, 0, 0]), Ok(Some(Frame::Other)));
    }

    #[test]
    fn long_answers_go_in_pieces_and_end_once() {
        let mut out = Outgoing::default();
        out.data(3, &vec![1; PIECE + 1], true);
        let mut incoming = Incoming::default();
        incoming.put(&out.bytes);
        let mut ends = Vec::new();
        while let Some(Frame::Data {
            bytes, ends: end, ..
        }) = incoming.next().unwrap()
        {
            ends.push((bytes.len(), end));
        }
        assert_eq!(ends, [(PIECE, false), (1, true)]);
    }
}
