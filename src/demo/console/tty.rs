//! The line discipline of a terminal: what is typed is echoed, can be corrected, and becomes lines.

/// What comes of typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// To be shown.
    Echo(String),
    Line(String),
    /// ctrl-c
    Interrupt,
    /// ctrl-d at the start of a line.
    End,
}

/// A line that is being typed.
#[derive(Debug, Clone, Default)]
pub struct Tty {
    line: String,
    /// Bytes of a character that is not whole yet.
    partial: Vec<u8>,
    /// Within an escape sequence: it is read over.
    escape: bool,
    /// The next byte decides what kind of sequence it is.
    begun: bool,
}

impl Tty {
    /// Takes bytes as they come from the keyboard.
    pub fn bytes(&mut self, bytes: &[u8]) -> Vec<Typed> {
        let mut all = Vec::new();
        for byte in bytes {
            self.byte(*byte, &mut all);
        }
        all
    }

    fn byte(&mut self, byte: u8, all: &mut Vec<Typed>) {
        if std::mem::take(&mut self.begun) {
            self.escape = byte == b'[' || byte == b'O';
            return;
        }
        if self.escape {
            self.escape = !(0x40..0x7f).contains(&byte);
            return;
        }
        match byte {
            b'\r' | b'\n' => {
                all.push(Typed::Echo("\r\n".into()));
                all.push(Typed::Line(std::mem::take(&mut self.line)));
            }
            0x03 => {
                self.line.clear();
                all.push(Typed::Echo("^C\r\n".into()));
                all.push(Typed::Interrupt);
            }
            0x04 if self.line.is_empty() => all.push(Typed::End),
            0x7f | 0x08 if self.line.pop().is_some() => {
                all.push(Typed::Echo("\u{8} \u{8}".into()));
            }
            0x15 => {
                let n = self.line.chars().count();
                self.line.clear();
                all.push(Typed::Echo("\u{8} \u{8}".repeat(n)));
            }
            0x1b => self.begun = true,
            0x00..0x20 | 0x7f => {}
            other => {
                self.partial.push(other);
                match std::str::from_utf8(&self.partial) {
                    Ok(text) => {
                        self.line.push_str(text);
                        all.push(Typed::Echo(text.to_owned()));
                        self.partial.clear();
                    }
                    Err(e) if e.error_len().is_some() => self.partial.clear(),
                    Err(_) => {}
                }
            }
        }
    }
}

/// As a terminal wants it: lines end in CR LF.
pub fn shown(text: &str) -> String {
    text.replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_echoed_corrected_and_becomes_lines() {
        let mut tty = Tty::default();
        let all = tty.bytes(b"lx\x7fs\x1b[A -l\r");
        let echo: String = all
            .iter()
            .filter_map(|t| match t {
                Typed::Echo(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(echo, "lx\u{8} \u{8}s -l\r\n");
        assert_eq!(all.last(), Some(&Typed::Line("ls -l".into())));
        assert_eq!(
            tty.bytes("gr\u{fc}n\x15\x04".as_bytes()).last(),
            Some(&Typed::End)
        );
        assert_eq!(tty.bytes(b"ab\x03").last(), Some(&Typed::Interrupt));
        assert_eq!(tty.bytes(b"\x04"), [Typed::End]);
    }
}
