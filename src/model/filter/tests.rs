//! The filter language on job, pod and node rows; its errors.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::Model;
use crate::model::fixture::*;
use crate::model::job::JobRow;
use crate::model::listed::Listed;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;

fn sample() -> (Model, JobRow) {
    let mut m = Model::default();
    let mut j = indexed(1, "Llama-SFT", 100, 8);
    j.namespace = "team-a".into();
    j.devices = devices("nvidia.com/gpu", 2);
    j.labels = vec![("team".into(), "ML".into()), ("stage".into(), "dev".into())];
    j.completed_indexes = crate::model::indexset::IndexSet::parse("0-39", None);
    (j.active, j.ready, j.failed) = (8, 8, 2);
    j.queue = Some("main".into());
    m.apply(jobs(std::slice::from_ref(&j)));
    let mut p = running(pod(10, &j), "gpu-a100-1", 0);
    p.restarts = 3;
    m.apply(pods(&[p]));
    (m, j)
}

#[rstest]
#[case("", true)]
#[case("llama", true)]
#[case("LLAMA sft", true)]
#[case("llama bert", false)]
#[case("\"llama-sft\"", true)]
#[case("\"llama sft\"", false)]
#[case("nvidia.com/gpu", true)]
#[case("/^llama-.*t$/", true)]
#[case("/^sft/", false)]
#[case(r"/com\/gpu/", true)]
#[case("!bert", true)]
#[case("!llama", false)]
#[case("!!llama", true)]
#[case("! llama bert", true)]
#[case("! llama sft", false)]
#[case("!/bert|gpt/", true)]
#[case("state:running", true)]
#[case("state:run", true)]
#[case("state:failed,running", true)]
#[case("state=run", false)]
#[case("state=Running", true)]
#[case("state!=failed", true)]
#[case("!state:running", false)]
#[case("kind:job", true)]
#[case("ns:team", true)]
#[case("ns:=team", false)]
#[case("ns:*-a", true)]
#[case("ns:*-b", false)]
#[case("node:gpu-*-1", true)]
#[case("node:cpu", false)]
#[case("label:team", true)]
#[case("label:team=ml", true)]
#[case("label:team=m", false)]
#[case("label:team=m*", true)]
#[case("label:nope", false)]
#[case("label:stage!=prod", true)]
#[case("label:nope!=x", true)]
#[case("gpu>0", true)]
#[case("gpus = 16", true)]
#[case("gpu > 16", false)]
#[case("age>2h", true)]
#[case("age<2h", false)]
#[case("elapsed>=3h", true)]
#[case("restarts>=3", true)]
#[case("failed>0 done<50%", true)]
#[case("done>=40", true)]
#[case("done>40%", false)]
#[case("failed:2", true)]
#[case("failed:>2", false)]
#[case("total!=100", false)]
#[case("reason:x", false)]
#[case("priority>0", false)]
#[case("12:30", false)]
fn on_a_job(#[case] text: &str, #[case] want: bool) {
    let (m, j) = sample();
    let filter = Filter::parse(text, &JobRow::VOCABULARY).unwrap();
    assert_eq!(filter.passes(&j.fields(&m, at(3 * 3600))), want, "{text}");
    assert_eq!(filter.text(), text);
}

#[rstest]
#[case("job:llama status:running", true)]
#[case("gpu-a100", true)]
#[case("restarts>3", false)]
#[case("index>=0", false)]
#[case("elapsed<1m", true)]
fn on_a_pod(#[case] text: &str, #[case] want: bool) {
    let (m, _) = sample();
    let p = m.pods.rows().next().unwrap();
    let filter = Filter::parse(text, &PodRow::VOCABULARY).unwrap();
    assert_eq!(filter.passes(&p.fields(&m, at(30))), want);
}

#[rstest]
#[case("free>=6", true)]
#[case("used>2", false)]
#[case("memory>200Gi", true)]
#[case("cpu<64", false)]
#[case("taint:sick", true)]
#[case("state:ready", true)]
fn on_a_node(#[case] text: &str, #[case] want: bool) {
    let (mut m, _) = sample();
    let mut n = node(50, "gpu-a100-1", devices("nvidia.com/gpu", 8));
    n.taints = vec!["sick=gpu:NoSchedule".into()];
    m.apply(nodes(&[n]));
    let n = m.nodes.rows().next().unwrap();
    let filter = Filter::parse(text, &NodeRow::VOCABULARY).unwrap();
    assert_eq!(filter.passes(&n.fields(&m, at(30))), want);
}

#[rstest]
#[case("stat:failed", 0, 4, "did you mean state")]
#[case("a gpuz>0", 2, 4, "did you mean gpu")]
#[case("xyzzy>0", 0, 5, "fields: name ns")]
#[case("/a(b/", 0, 5, "unclosed group")]
#[case("x /ab", 2, 3, "close it with /")]
#[case("\"ab", 0, 3, "close it with")]
#[case("gpu>many", 4, 4, "a number")]
#[case("age>2y", 4, 2, "a duration")]
#[case("failed<5%", 7, 2, "a percentage works for done")]
#[case("name>3", 4, 1, "has no order")]
#[case("state:", 0, 6, "which?")]
#[case("label:", 0, 6, "label:key")]
#[case("a !", 2, 1, "nothing after !")]
fn errors_say_where_and_what_to_do(
    #[case] text: &str,
    #[case] at: usize,
    #[case] len: usize,
    #[case] says: &str,
) {
    let error = Filter::parse(text, &JobRow::VOCABULARY).unwrap_err();
    assert_eq!((error.at, error.len), (at, len), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn pods_have_no_labels() {
    let error = Filter::parse("label:a=b", &PodRow::VOCABULARY).unwrap_err();
    assert!(error.what.contains("no labels"));
}

#[test]
fn only_time_fields_move() {
    let moves = |text| Filter::parse(text, &JobRow::VOCABULARY).unwrap().moves();
    assert!(moves("a age>2h") && !moves("gpu>0 state:failed"));
}

#[test]
fn glob_parts_do_not_overlap() {
    let parts = |text: &str| text.split('*').map(str::to_owned).collect::<Vec<_>>();
    assert!(glob("abcabc", &parts("a*c*c")) && glob("abc", &parts("*")));
    assert!(!glob("aba", &parts("ab*ba")) && !glob("abc", &parts("b*")));
}

proptest! {
    #[test]
    fn any_text_parses_or_says_why(text in "\\PC{0,30}") {
        match Filter::parse(&text, &JobRow::VOCABULARY) {
            Ok(filter) => {
                let (m, j) = sample();
                filter.passes(&j.fields(&m, at(0)));
            }
            Err(error) => {
                prop_assert!(error.at + error.len <= text.chars().count() + 1);
                prop_assert!(!error.what.is_empty());
            }
        }
    }

    #[test]
    fn plain_words_are_case_blind_substrings(text in "[a-zA-Zäß-]{0,12}", needle in "[a-z-]{1,3}") {
        prop_assert_eq!(contains(&text, &needle), text.to_lowercase().contains(&needle));
    }
}
