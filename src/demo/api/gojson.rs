//! JSON syntax errors in the words of Go's decoder, which clients of a kube-apiserver get to see.

/// What Go would say about a text that is not JSON; `None` if it is.
pub fn syntax_error(text: &[u8]) -> Option<String> {
    let mut s = Scan { text, at: 0 };
    s.value(0).and_then(|()| s.rest()).err()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

type Step = Result<(), String>;

/// Go refuses deeper nesting.
const DEPTH: usize = 10_000;

impl Scan<'_> {
    fn blank(&mut self) {
        while self
            .text
            .get(self.at)
            .is_some_and(|c| b" \t\r\n".contains(c))
        {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8, String> {
        self.blank();
        self.byte()
    }

    fn byte(&self) -> Result<u8, String> {
        self.text
            .get(self.at)
            .copied()
            .ok_or_else(|| "unexpected end of JSON input".to_owned())
    }

    fn unexpected(&self, c: u8, context: &str) -> Step {
        Err(format!("invalid character {} {context}", quote(c)))
    }

    fn rest(&mut self) -> Step {
        self.blank();
        match self.text.get(self.at) {
            Some(c) => self.unexpected(*c, "after top-level value"),
            None => Ok(()),
        }
    }

    fn value(&mut self, depth: usize) -> Step {
        if depth > DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number(),
            c => self.unexpected(c, "looking for beginning of value"),
        }
    }

    fn object(&mut self, depth: usize) -> Step {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                c => return self.unexpected(c, "looking for beginning of object key string"),
            }
            match self.peek()? {
                b':' => self.at += 1,
                c => return self.unexpected(c, "after object key"),
            }
            self.value(depth + 1)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                c => return self.unexpected(c, "after object key:value pair"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Step {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                c => return self.unexpected(c, "after array element"),
            }
        }
    }

    fn string(&mut self) -> Step {
        self.at += 1;
        loop {
            let c = self.byte()?;
            self.at += 1;
            match c {
                b'"' => return Ok(()),
                b'\\' => {
                    let escape = self.byte()?;
                    self.at += 1;
                    match escape {
                        b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                        b'u' => {
                            for _ in 0..4 {
                                let hex = self.byte()?;
                                if !hex.is_ascii_hexdigit() {
                                    return self
                                        .unexpected(hex, "in \\u hexadecimal character escape");
                                }
                                self.at += 1;
                            }
                        }
                        other => return self.unexpected(other, "in string escape code"),
                    }
                }
                c if c < 0x20 => return self.unexpected(c, "in string literal"),
                _ => {}
            }
        }
    }

    fn literal(&mut self, word: &str) -> Step {
        for want in word.bytes() {
            let c = self.byte()?;
            if c != want {
                let context = format!("in literal {word} (expecting {})", quote(want));
                return self.unexpected(c, &context);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Step {
        let c = self.byte()?;
        if !c.is_ascii_digit() {
            return self.unexpected(c, context);
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Step {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }
}

/// A byte in single quotes, as Go's `quoteChar` writes it.
fn quote(c: u8) -> String {
    match c {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff => format!("'{}'", c as char),
        0x80..=0xa0 | 0xad => format!("'\\u{c:04x}'"),
        _ => format!("'\\x{c:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_worded_as_go_words_them() {
        for (text, want) in [
            (
                &b"not json"[..],
                "invalid character 'o' in literal null (expecting 'u')",
            ),
            (b"{\"a\":1", "unexpected end of JSON input"),
            (
                b"\x81\xaa",
                "invalid character '\\u0081' looking for beginning of value",
            ),
            (
                b"{a:1}",
                "invalid character 'a' looking for beginning of object key string",
            ),
            (b"{\"a\" 1}", "invalid character '1' after object key"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"{} x", "invalid character 'x' after top-level value"),
            (b"-x", "invalid character 'x' in numeric literal"),
        ] {
            assert_eq!(syntax_error(text).as_deref(), Some(want));
        }
        assert_eq!(
            syntax_error(b" {\"a\": [1, -2.5e3, \"\\u00e9\", null]} "),
            None
        );
    }
}
