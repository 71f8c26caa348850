//! Tests of width, shortening, wrapping and escapes, with hostile text.

use proptest::prelude::*;
use ratatui::style::{Color, Modifier, Style};
use rstest::rstest;

use super::*;

#[rstest]
#[case("short", 10, Shorten::End, "short")]
#[case("clip-training-7f9c4d-rpxw9", 15, Shorten::Middle, "clip-tra…-rpxw9")]
#[case("a long sentence", 8, Shorten::End, "a long …")]
#[case("/very/long/path", 6, Shorten::Start, "…/path")]
#[case("日本語テキスト", 5, Shorten::End, "日本…")]
#[case("日本語テキスト", 6, Shorten::Middle, "日…ト")]
#[case("abc", 1, Shorten::Middle, "…")]
#[case("abc", 0, Shorten::End, "")]
fn shortens(#[case] text: &str, #[case] columns: usize, #[case] how: Shorten, #[case] want: &str) {
    assert_eq!(shorten(text, columns, how), want);
}

#[test]
fn joined_emoji_are_not_torn_apart() {
    let family = "👩‍👩‍👧‍👦";
    let text = format!("a{family}b");
    let (first, _) = head(&text, 2);
    assert_eq!(first, "a");
    assert_eq!(head(&text, 1 + width(family)).0, format!("a{family}"));
}

#[test]
fn clean_removes_what_hides_or_reorders() {
    assert_eq!(clean("plain"), "plain");
    assert!(matches!(clean("plain é 日"), Cow::Borrowed(_)));
    assert_eq!(clean("a\x1b[31mb\u{202e}c\u{200b}d\te\0"), "a[31mbcd e");
    assert_eq!(clean("line\r\nnext"), "linenext");
}

#[test]
fn what_leaves_for_elsewhere_is_harmless_and_counted() {
    let odd = "a\tb\r\n\u{9b}31m\u{202e}c\u{e0041}";
    assert_eq!(harmless("a\tb\n日"), (Cow::Borrowed("a\tb\n日"), 0));
    assert_eq!(harmless(odd), (Cow::Borrowed("a\tb\n31mc"), 4));
    assert_eq!(
        escaped(odd),
        "a\tb\\u000d\n\\u009b31m\\u202ec\\udb40\\udc41"
    );
    assert_eq!(left_out(0), "");
    assert!(left_out(4).contains("4 signs"));
}

#[test]
fn a_cell_holds_a_character_and_nothing_else() {
    for sound in ["a", "日", "é", "👩🏻‍❤️‍💋‍👨🏻", "│", "⣿"] {
        assert_eq!(cell(sound), None, "{sound}");
    }
    assert_eq!(cell("\x1b").as_deref(), Some(" "));
    assert_eq!(cell("a\u{202e}").as_deref(), Some("a"));
    assert_eq!(cell("\u{9b}[").as_deref(), Some("["));
    let tower = format!("e{}", "\u{301}".repeat(1_000_000));
    assert_eq!(cell(&tower).map(|t| t.chars().count()), Some(12));
}

#[test]
fn wraps_at_spaces_and_inside_long_words() {
    assert_eq!(wrap("the quick brown fox", 9), ["the quick", "brown fox"]);
    assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
    assert_eq!(wrap("one\n\ntwo", 10), ["one", "", "two"]);
    assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    assert_eq!(wrap("日", 1), [""]);
}

#[test]
fn colours_stay_and_other_escapes_go() {
    let base = Style::new().fg(Color::White);
    let out = spans(
        "a\x1b[1;31mred\x1b[0m\x1b[2Kb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\link\x1b(B",
        base,
    );
    let text: Vec<_> = out.iter().map(|span| span.content.as_ref()).collect();
    assert_eq!(text, ["a", "red", "bclink"]);
    assert_eq!(
        out[1].style,
        base.fg(Color::Red).add_modifier(Modifier::BOLD)
    );
    assert_eq!(out[2].style, base);
}

#[test]
fn extended_colours_in_both_spellings() {
    let of = |text: &str| spans(text, Style::new())[0].style;
    assert_eq!(of("\x1b[38;5;208mx").fg, Some(Color::Indexed(208)));
    assert_eq!(of("\x1b[48;2;1;2;3mx").bg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(of("\x1b[38:5:9mx").fg, Some(Color::Indexed(9)));
    assert_eq!(of("\x1b[38;5mx").fg, None);
    assert_eq!(
        of("\x1b[97;104mx"),
        Style::new().fg(Color::White).bg(Color::LightBlue)
    );
}

#[test]
fn a_progress_bar_shows_its_last_frame() {
    assert_eq!(last_frame(" 10%\r 20%\r 30%"), " 30%");
    assert_eq!(last_frame(" 10%\r 20%\r\n"), " 20%");
    assert_eq!(last_frame("plain"), "plain");
    assert_eq!(last_frame("\r\r"), "");
}

#[test]
fn tabs_reach_the_next_stop() {
    assert_eq!(strip("a\tb"), "a       b");
    assert_eq!(strip("\x1b[31m\tb"), "        b");
}

#[test]
fn slices_and_highlights_keep_styles() {
    let red = Style::new().fg(Color::Red);
    let row = vec![Span::raw("abc"), Span::styled("日本de", red)];
    let cut = slice(&row, 2, 4);
    assert_eq!(
        cut.iter().map(|s| s.content.as_ref()).collect::<Vec<_>>(),
        ["c", "日 "]
    );
    assert_eq!(cut[1].style, red);
    let hit = Style::new().bg(Color::Yellow);
    let lit = highlight(&row, std::slice::from_ref(&(1..6)), hit);
    let parts: Vec<_> = lit
        .iter()
        .map(|s| (s.content.as_ref(), s.style.bg))
        .collect();
    assert_eq!(
        parts,
        [
            ("a", None),
            ("bc", Some(Color::Yellow)),
            ("日", Some(Color::Yellow)),
            ("本de", None)
        ]
    );
    assert_eq!(lit[2].style.fg, Some(Color::Red));
}

#[rstest]
#[case(0, "0")]
#[case(9_999, "9999")]
#[case(12_345, "12.3k")]
#[case(100_000, "100k")]
#[case(1_200_000, "1.2M")]
fn counts(#[case] n: u64, #[case] want: &str) {
    assert_eq!(count(n), want);
}

/// Text as a hostile program would print it: escapes cut short, wide and combining characters, overrides.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\x1b[".to_owned()),
        Just("\x1b[38;2;".to_owned()),
        Just("\x1b]8;;".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("e\u{301}\u{301}\u{301}".to_owned()),
        Just("👩‍👩‍👧‍👦".to_owned()),
        Just("🇩🇪".to_owned()),
        Just("日本".to_owned()),
        Just("\u{0}\r\t".to_owned()),
        Just("\u{200d}\u{fe0f}".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,6}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn shortening_never_overflows_or_splits(text in hostile(), columns in 0usize..30) {
        let text = clean(&text).into_owned();
        let whole: Vec<&str> = text.graphemes(true).collect();
        for how in [Shorten::End, Shorten::Middle, Shorten::Start] {
            let cut = shorten(&text, columns, how);
            prop_assert!(width(&cut) <= columns || width(&text) <= columns, "{cut:?} in {columns}");
        }
        let (first, wide) = head(&text, columns);
        prop_assert!(wide <= columns);
        let count = first.graphemes(true).count();
        prop_assert_eq!(whole[..count].concat(), first);
        let (last, wide) = tail(&text, columns);
        prop_assert!(wide <= columns);
        let count = last.graphemes(true).count();
        prop_assert_eq!(whole[whole.len() - count..].concat(), last);
    }

    #[test]
    fn wrapping_never_overflows(text in hostile(), columns in 1usize..20) {
        for line in wrap(&clean(&text), columns) {
            prop_assert!(width(&line) <= columns, "{line:?}");
        }
    }

    #[test]
    fn escapes_never_get_through(text in hostile(), from in 0usize..20, columns in 0usize..20) {
        let out = spans(&text, Style::new());
        for span in &out {
            prop_assert!(!span.content.chars().any(unwelcome), "{:?}", span.content);
        }
        prop_assert_eq!(out.iter().map(|s| s.content.as_ref()).collect::<String>(), strip(&text));
        let _ = last_frame(&text);
        prop_assert!(spans_width(&slice(&out, from, columns)) <= columns);
        for row in wrap_spans(&out, columns) {
            prop_assert!(spans_width(&row) <= columns.max(1));
        }
    }
}

#[test]
fn a_row_of_spans_ends_in_an_ellipsis_where_it_is_cut() {
    let red = Style::new().fg(Color::Red);
    let spans = [Span::raw("10 waiting"), Span::styled("; 1 sick", red)];
    let text = |columns| -> String {
        let cut = shorten_spans(&spans, columns);
        assert!(spans_width(&cut) <= columns);
        cut.iter().map(|s| s.content.as_ref()).collect()
    };
    assert_eq!(text(40), "10 waiting; 1 sick");
    assert_eq!(text(18), "10 waiting; 1 sick");
    assert_eq!(text(17), "10 waiting; 1 si…");
    assert_eq!(text(13), "10 waiting;…");
    assert_eq!(text(3), "10…");
    assert_eq!(text(0), "");
    // the mark looks like what was cut
    assert_eq!(shorten_spans(&spans, 17).last().map(|s| s.style), Some(red));
}
