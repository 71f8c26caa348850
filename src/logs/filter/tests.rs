//! The language on lines of many shapes; its errors.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const RANKED: &str = "[rank3]: 2026-11-23 11:00:00,123 - trainer - WARNING - step 120 loss: 0.53, lr=3e-5 tok/s 11,800";
const JSON: &str = r#"{"ts":"2026-11-23T11:00:00Z","level":"error","msg":"save failed","step":120,"rank":5,"m":{"loss":0.5},"ok":false}"#;

#[rstest]
#[case("", RANKED, true)]
#[case("loss step", RANKED, true)]
#[case("LOSS nan", RANKED, false)]
#[case("\"step 120\"", RANKED, true)]
#[case("/loss: 0\\.[56]/", RANKED, true)]
#[case("!step", RANKED, false)]
#[case("! step nan", RANKED, true)]
#[case("level:warn", RANKED, true)]
#[case("level:warn+", RANKED, true)]
#[case("level:error+", RANKED, false)]
#[case("level:info-", RANKED, false)]
#[case("level>=warn", RANKED, true)]
#[case("level!=warn", RANKED, false)]
#[case("level:debug,warn", RANKED, true)]
#[case("rank:3", RANKED, true)]
#[case("rank:0,2-4", RANKED, true)]
#[case("rank:4+", RANKED, false)]
#[case("rank!=3", RANKED, false)]
#[case("rank>2 rank<=3", RANKED, true)]
#[case("pod:worker", RANKED, true)]
#[case("pod:llama", RANKED, true)]
#[case("pod:sft-w*-0", RANKED, true)]
#[case("pod:master", RANKED, false)]
#[case("pod!=worker", RANKED, true)]
#[case("step>100", RANKED, true)]
#[case("step:>100", RANKED, true)]
#[case("step>120", RANKED, false)]
#[case("loss<0.6 lr=3e-5", RANKED, true)]
#[case("lr=0.00003", RANKED, true)]
#[case("lr!=3e-5", RANKED, false)]
#[case("tok/s>11k", RANKED, true)]
#[case("eps>0", RANKED, false)]
#[case("train.py:81", RANKED, false)]
#[case("loss:", RANKED, true)]
#[case("step:12", RANKED, true)]
#[case("is:json", RANKED, false)]
#[case("is:failure", RANKED, false)]
#[case("level:err+ rank:5 step=120 m.loss<1", JSON, true)]
#[case("rank:1", JSON, false)]
#[case("msg:save", JSON, true)]
#[case("msg=save", JSON, false)]
#[case("msg=\"save failed\"", JSON, true)]
#[case("ok=false is:json", JSON, true)]
#[case("nothing=false", JSON, false)]
#[case("nothing!=false", JSON, false)]
#[case("rank:1", "no rank of its own", true)]
#[case("level:info", "no level", false)]
#[case("step>3", "step: four", false)]
#[case("rank:0", "{\"rank\":\"0\"}", true)]
#[case("http://x", "GET http://x", true)]
fn on_a_line(#[case] filter: &str, #[case] line: &str, #[case] want: bool) {
    let about = About {
        pod: "llama-sft-worker-0",
        rank: Some(1),
        failure: false,
    };
    assert_eq!(LogFilter::parse(filter).unwrap().passes(line, about), want);
}

#[test]
fn lines_of_a_failure_are_errors() {
    let about = About {
        failure: true,
        ..About::default()
    };
    for (filter, want) in [
        ("level:error+", true),
        ("is:failure", true),
        ("level:info", false),
    ] {
        let filter = LogFilter::parse(filter).unwrap();
        assert_eq!(filter.passes("  File \"a.py\", line 3", about), want);
    }
}

#[rstest]
#[case("level:loud", 6, 4, "trace debug info")]
#[case("a level:info,x", 13, 1, "no level")]
#[case("rank:0,x", 7, 1, "rank:0,3-5")]
#[case("rank:5-3", 5, 3, "is no rank")]
#[case("rank:", 0, 5, "which?")]
#[case("step>many", 5, 4, "no number")]
#[case("step>", 0, 5, "give a value")]
#[case("pod>3", 3, 1, "no order")]
#[case("is:odd", 3, 3, "is:failure")]
#[case("/a(b/", 0, 5, "unclosed group")]
#[case("\"ab", 0, 3, "close it with")]
#[case("a !", 2, 1, "nothing after !")]
fn errors_say_where_and_what_to_do(
    #[case] text: &str,
    #[case] at: usize,
    #[case] len: usize,
    #[case] says: &str,
) {
    let error = LogFilter::parse(text).unwrap_err();
    assert_eq!((error.at, error.len), (at, len), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

proptest! {
    #[test]
    fn any_text_parses_or_says_why(text in "\\PC{0,30}", line in "\\PC{0,60}") {
        match LogFilter::parse(&text) {
            Ok(filter) => {
                filter.passes(&line, About::default());
            }
            Err(error) => {
                prop_assert!(error.at + error.len <= text.chars().count() + 1);
                prop_assert!(!error.what.is_empty());
            }
        }
    }

    #[test]
    fn fields_are_found_however_they_are_written(n in 0u32..100_000, form in 0usize..6) {
        let line = match form {
            0 => format!("it step={n} x"),
            1 => format!("Step: {n}, x"),
            2 => format!("step {n}"),
            3 => format!("{{\"step\":{n}}}"),
            4 => format!("[rank0]: {{\"a\":1,\"step\": {n}}}"),
            _ => format!("{{'step': {n}, 'x': 1}}"),
        };
        let passes = |text: String| LogFilter::parse(&text).unwrap().passes(&line, About::default());
        let equal = passes(format!("step={n}")) && passes(format!("step>={n} step<={n}"));
        prop_assert!(equal && !passes(format!("step>{n}")), "{}", line);
    }
}
