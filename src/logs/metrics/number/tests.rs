use rstest::rstest;

use super::*;

fn value(text: &str) -> Option<(f64, Form, &str)> {
    match read(text, 0)? {
        Found::Value(v) => Some((v.value, v.form, v.unit)),
        Found::Junk(_) => None,
    }
}

#[rstest]
#[case("12", 12.0, Form::Number, "")]
#[case("-7.5e-05,", -7.5e-5, Form::Number, "")]
#[case("1E0", 1.0, Form::Number, "")]
#[case(".98 ", 0.98, Form::Number, "")]
#[case("1,023,456 |", 1_023_456.0, Form::Number, "")]
#[case("1,23", 1.0, Form::Number, "")]
#[case("250k/1.00M", 250e3, Form::Of(1e6), "")]
#[case("50/ 2983 batches", 50.0, Form::Of(2983.0), "batches")]
#[case("35.21%", 35.21, Form::Percent, "")]
#[case("250.13ms,", 250.13, Form::Number, "ms")]
#[case("8.137 GB", 8.137, Form::Number, "GB")]
#[case("4.8 images/s", 4.8, Form::Number, "images/s")]
#[case("154.2 img/sec per GPU", 154.2, Form::Number, "img/sec per GPU")]
#[case("1:02:03", 3723.0, Form::Time, "")]
#[case("00:04", 4.0, Form::Time, "")]
#[case("10 days, 19:39:33", 934_773.0, Form::Time, "")]
#[case("2h 3m 4s", 7384.0, Form::Time, "")]
#[case("1h23m |", 4980.0, Form::Time, "")]
#[case("1.02747+0.05401", 1.02747, Form::Number, "")]
#[case("2.2 + 0.3\tx", 2.2, Form::Number, "")]
#[case("0/micro_step=3", 0.0, Form::Number, "")]
#[case("3 loss=2", 3.0, Form::Number, "")]
#[case("13. accuracy", 13.0, Form::Number, "")]
fn numbers(#[case] text: &str, #[case] want: f64, #[case] form: Form, #[case] unit: &str) {
    assert_eq!(value(text), Some((want, form, unit)), "{text}");
}

#[rstest]
#[case("10.0.3.4:29500")]
#[case("2026-08-22")]
#[case("08/21/2026")]
#[case("1.2.3")]
#[case("7b")]
#[case("640x480")]
#[case("3rd")]
#[case("0x7ffd")]
#[case("0.31.ckpt")]
fn no_numbers(#[case] text: &str) {
    assert_eq!(value(text), None, "{text}");
}

proptest::proptest! {
    #[test]
    fn few_digits_are_read_as_parsing_would(text in "-?[0-9]{0,9}(\\.[0-9]{0,9})?") {
        if let (Some(quick), Ok(parsed)) = (exact(&text), text.parse::<f64>()) {
            proptest::prop_assert_eq!(quick.to_bits(), parsed.to_bits());
        }
    }
}

#[test]
fn what_stands_behind_belongs_to_it() {
    for (text, percent, rest) in [
        ("6.93 (6.94)  Time", None, "  Time"),
        ("12.34GiB(25.00%)  tps", Some(25.0), "  tps"),
        ("640/60000 (1%)]", Some(1.0), "]"),
        ("2.5 (best: 3) x", None, " (best: 3) x"),
    ] {
        let Some(Found::Value(v)) = read(text, 0) else {
            panic!("{text}")
        };
        assert_eq!((v.percent, &text[v.end..]), (percent, rest), "{text}");
    }
}
