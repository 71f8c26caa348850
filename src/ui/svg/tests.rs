//! Tests of pictures: the same cells in all three forms, escaping, and shapes that meet.

use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::*;

fn example(theme: &Theme) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, 12, 3));
    theme.clear(buf.area, &mut buf);
    buf.set_string(0, 0, "a <b> & 日本", theme.text());
    buf.set_string(0, 1, "●█▌──┬⣿", theme.state(super::super::State::Running));
    buf.set_string(0, 2, "bold", theme.title());
    buf.set_style(Rect::new(0, 2, 12, 1), theme.selection(true));
    buf
}

#[test]
fn a_picture_has_every_cell() {
    let theme = Theme::default();
    insta::assert_snapshot!(svg(&example(&theme), &theme));
}

#[test]
fn plain_text_is_what_is_seen() {
    assert_eq!(
        plain(&example(&Theme::default())),
        "a <b> & 日本\n●█▌──┬⣿\nbold\n"
    );
}

#[test]
fn ansi_text_reads_back_as_the_same_colours() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
    buf.set_string(
        0,
        0,
        "ab",
        Style::new()
            .fg(Color::Rgb(1, 2, 3))
            .bg(Color::LightBlue)
            .add_modifier(Modifier::BOLD),
    );
    buf.set_string(2, 0, "cd", Style::new().fg(Color::Indexed(99)));
    assert_eq!(
        ansi(&buf),
        "\x1b[0;1;38;2;1;2;3;104mab\x1b[0;38;5;99mcd\x1b[0m\n"
    );
    let spans = crate::ui::text::spans(ansi(&buf).trim_end(), Style::new());
    assert_eq!(spans[0].style.bg, Some(Color::LightBlue));
    assert_eq!(spans[1].style.fg, Some(Color::Indexed(99)));
}

#[test]
fn reversed_and_dim_cells_are_drawn_as_seen() {
    let theme = crate::ui::theme::Themes::default()
        .load("mono", crate::ui::Depth::None, crate::ui::Glyphs::Unicode)
        .unwrap();
    let mut buf = Buffer::empty(Rect::new(0, 0, 2, 1));
    buf.set_string(0, 0, "x", Style::new().add_modifier(Modifier::REVERSED));
    buf.set_string(1, 0, "y", Style::new().add_modifier(Modifier::DIM));
    let picture = svg(&buf, &theme);
    assert!(
        picture.contains("fill=\"#d4d7de\" shape-rendering"),
        "{picture}"
    );
    assert!(picture.contains("fill=\"#101218\" textLength"), "{picture}");
    assert!(picture.contains("fill=\"#92959c\" textLength"), "{picture}");
}

proptest! {
    #[test]
    fn any_text_gives_sound_xml(text in any::<String>()) {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 30, 1));
        buf.set_string(0, 0, &text, Style::new());
        let picture = svg(&buf, &theme);
        prop_assert!(!picture.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count());
        prop_assert!(!picture.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").contains('&'));
    }
}
