mod words;

use proptest::prelude::*;

use super::ask::Ask;
use super::data::{Catalog, RATES, SLIDE_COLUMNS};
use super::load::{overlay, read_shipped};
use super::precision::{Cores, Precision, Support};
use super::{Status, advice, sheet};

fn all() -> Catalog {
    read_shipped().unwrap()
}

/// The precision table of the slides: CUDA cores, then tensor cores, each in the order of the columns.
/// y yes, n no, blank unknown.
const PRECISIONS: [(&str, &str, &str); 6] = [
    //                    fp8 fp16 fp32 fp64 int1 int4 int8 tf32 bf16
    ("NVIDIA Tesla P4", "nnyynnynn", "nnnnnnnnn"),
    ("NVIDIA P100", "nyyynnnnn", "nnnnnnnnn"),
    ("NVIDIA Volta", "nyyynnynn", "nyn      "),
    ("NVIDIA Turing", "nyyynnynn", "nynnyyynn"),
    ("NVIDIA A100", "nyyynnyny", "nynyyyyyy"),
    ("NVIDIA H100", "nyyynnyny", "yynynnyyy"),
];

#[test]
fn the_precision_table_of_the_slides_is_here_cell_by_cell() {
    let all = all();
    assert_eq!(all.slides.precision.len(), PRECISIONS.len());
    for (row, (gpu, cuda, tensor)) in all.slides.precision.iter().zip(PRECISIONS) {
        assert_eq!(row.gpu, gpu);
        let arch = all.archs.iter().find(|a| a.id == row.arch).unwrap();
        for (cores, cells, expected) in [
            (Cores::Cuda, &row.cuda, cuda),
            (Cores::Tensor, &row.tensor, tensor),
        ] {
            assert_eq!(cells.len(), 9, "{gpu}");
            for (precision, letter) in Precision::MATRIX.iter().zip(expected.chars()) {
                let expected = match letter {
                    'y' => Support::Yes,
                    'n' => Support::No,
                    _ => Support::Unknown,
                };
                let what = format!("{gpu} {cores:?} {}", precision.word());
                assert_eq!(cells[precision.word()], expected, "{what}");
                assert_eq!(arch.cores(cores).of(*precision), expected, "{what}");
            }
        }
    }
}

#[rustfmt::skip]
const SHEET: [(&str, [&str; 3]); 23] = [
    ("GPU codename", ["GA100", "GH100", "GH100"]),
    ("GPU architecture", ["Ampere", "Hopper", "Hopper"]),
    ("GPU board form factor", ["SXM4", "SXM5", "PCle Gen5"]),
    ("Launch date", ["May 2020", "March 2022", "March 2022"]),
    ("GPU process", ["TSMC 7nm N7", "custom TSMC 4N", "custom TSMC 4N"]),
    ("Die size", ["826mm2", "814 mm2", "814 mm2"]),
    ("Transistor Count", ["54 billion", "80 billion", "80 billion"]),
    ("FP64 CUDA cores", ["3,456", "8,448", "7,296"]),
    ("FP32 CUDA cores", ["6,912", "16,896", "14,592"]),
    ("Tensor Cores", ["432", "528", "456"]),
    ("Streaming Multiprocessors", ["108", "132", "114"]),
    ("Peak FP64", ["9.7 teraflops", "30 teraflops", "24 teraflops"]),
    ("Peak FP64 Tensor Core", ["19.5 teraflops", "60 teraflops", "48 teraflops"]),
    ("Peak FP32", ["19.5 teraflops", "60 teraflops", "48 teraflops"]),
    ("Peak FP32 Tensor Core", ["156 teraflops   312 teraflops*", "500 teraflops   1,000 teraflops*", "400 teraflops   800 teraflops*"]),
    ("Peak BFLOAT16 Tensor Core", ["312 teraflops   624 teraflops*", "1,000 teraflops   2,000 teraflops*", "800 teraflops   1,600 teraflops*"]),
    ("Peak FP16 Tensor Core", ["312 teraflops   624 teraflops*", "1,000 teraflops   2,000 teraflops*", "800 teraflops   1,600 teraflops*"]),
    ("Peak FP8 Tensor Core", ["-", "2,000 teraflops   4,000 teraflops*", "1,600 teraflops   3,200 teraflops*"]),
    ("Peak INT8 Tensor Core", ["624 TOPS   1,248 TOPS*", "2,000 TOPS   4,000 TOPS*", "1,600 TOPS   3,200 TOPS*"]),
    ("Peak INT4 Tensor Core", ["1,248 TOPS   2,496 TOPS*", "=", "-"]),
    ("Interconnect", ["NVLink: 600GB/s", "NVLink: 900GB/s", "NVLink: 600GB/s"]),
    ("Interconnect (2nd line)", ["PCI Gen4: 64GB/s", "PCI Gen5: 128GB/s", "PCI Gen5: 128GB/s"]),
    ("Max TDP", ["400 watts", "700 watts", "350 watts"]),
];

#[test]
fn the_data_sheet_of_the_slides_is_here_cell_by_cell_with_its_footnote() {
    let all = all();
    assert_eq!(all.slides.row.len(), SHEET.len());
    for (row, (name, cells)) in all.slides.row.iter().zip(SHEET) {
        assert_eq!(row.name, name);
        for ((column, _), cell) in SLIDE_COLUMNS.iter().zip(cells) {
            assert_eq!(row.cells[*column], cell, "{name}, {column}");
        }
    }
    assert_eq!(
        all.slides.footnote,
        "*Effective TFLOPS or FLOPS using the Sparsity feature"
    );
}

#[test]
fn what_is_printed_otherwise_today_stands_beside_the_slides() {
    let all = all();
    let of = |id: &str| sheet::differences(all.gpu(id).unwrap(), &all);
    assert!(of("a100-sxm-80").is_empty());
    let sxm = of("h100-sxm");
    assert_eq!(sxm.len(), 9, "{sxm:?}");
    let fp8 = sxm.iter().find(|d| d.0 == "Peak FP8 Tensor Core").unwrap();
    assert_eq!(
        (fp8.1, fp8.2.value.as_str()),
        (
            "2,000 teraflops   4,000 teraflops*",
            "1,979 teraflops   3,958 teraflops*"
        )
    );
    assert_eq!(of("h100-pcie").len(), 8);
}

#[test]
fn every_figure_has_a_source_that_is_named_and_a_status() {
    let all = all();
    let mut figures = 0;
    for gpu in &all.gpus {
        assert!(all.arch(gpu).is_some(), "{}", gpu.id);
        for f in gpu.figures() {
            assert!(all.source(f.source).is_some(), "{} {}", gpu.id, f.name);
            assert_ne!(f.status, Status::Yours, "{} {}", gpu.id, f.name);
            figures += 1;
        }
        for rate in gpu.dense.0.keys().chain(gpu.sparse.0.keys()) {
            assert!(RATES.iter().any(|(key, _)| key == rate), "{rate}");
        }
    }
    assert!(figures > 900, "{figures}");
    for arch in &all.archs {
        for cores in [Cores::Cuda, Cores::Tensor] {
            for p in Precision::KNOWN {
                if let Some(a) = arch.cores(cores).entry(*p)
                    && a.value != Support::Unknown
                {
                    assert!(all.source(&a.source).is_some(), "{} {p:?}", arch.id);
                    assert_ne!(a.status, Status::Yours, "{} {p:?}", arch.id);
                }
            }
        }
    }
    let labels = all.labels.iter().map(|l| (&l.source, &l.gpus));
    let machines = all.machines.iter().map(|m| (&m.source, &m.gpus));
    let mig = all.mig.iter().map(|m| (&m.source, &m.gpus));
    for (source, gpus) in labels.chain(machines).chain(mig) {
        assert!(all.source(source).is_some(), "{source}");
        assert!(gpus.iter().all(|id| all.gpu(id).is_some()), "{gpus:?}");
    }
    let ids: std::collections::HashSet<&str> = all.gpus.iter().map(|g| g.id.as_str()).collect();
    assert_eq!(ids.len(), all.gpus.len());
}

#[test]
fn nothing_unverified_is_printed_without_its_mark() {
    let all = all();
    let mut seen = 0;
    for gpu in &all.gpus {
        for line in sheet::lines(gpu, &all) {
            if line.status == Status::Unverified {
                assert!(line.text.contains('~'), "{} {line:?}", gpu.id);
                seen += 1;
            } else {
                assert!(!line.text.contains('~'), "{} {line:?}", gpu.id);
            }
        }
        for cores in [Cores::Cuda, Cores::Tensor] {
            for p in Precision::KNOWN {
                let arch = all.arch(gpu).unwrap();
                let ability = arch.cores(cores).entry(*p);
                let unsure = ability
                    .is_some_and(|a| a.status == Status::Unverified && a.value != Support::Unknown);
                assert_eq!(all.mark(gpu, cores, *p) == "~", unsure);
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn labels_and_machine_types_find_their_gpus() {
    let all = all();
    let ids = |product: Option<&str>, machine: Option<&str>| -> Vec<String> {
        let meaning = all.resolve(product, machine);
        meaning.gpus.iter().map(|g| g.id.clone()).collect()
    };
    for (label, id) in [
        ("NVIDIA-A100-SXM4-80GB", "a100-sxm-80"),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "a100-sxm-80"),
        ("NVIDIA-A100-SXM4-40GB-MIG-3g.20gb-SHARED", "a100-sxm-40"),
        ("Tesla-T4-SHARED", "t4"),
        ("nvidia-h100-mega-80gb", "h100-sxm"),
        ("tpu-v5p-slice", "tpu-v5p"),
        ("AMD_Instinct_MI300X_OAM", "mi300x"),
        ("nvidia-l4", "l4"),
    ] {
        assert_eq!(ids(Some(label), None), [id], "{label}");
    }
    for (machine, id) in [
        ("p5.48xlarge", "h100-sxm"),
        ("p5en.48xlarge", "h200-sxm"),
        ("g6.xlarge", "l4"),
        ("p6-b200.48xlarge", "b200"),
        ("a3-megagpu-8g", "h100-sxm"),
        ("Standard_ND96isr_H200_v5", "h200-sxm"),
    ] {
        assert_eq!(ids(None, Some(machine)), [id], "{machine}");
    }
    // an ambiguous label and the machine that decides
    assert_eq!(ids(Some("a100"), None).len(), 2);
    assert_eq!(ids(Some("a100"), Some("p4de.24xlarge")), ["a100-sxm-80"]);
    // what is not known stays so, whatever the machine
    assert!(ids(Some("NVIDIA-GeForce-RTX-4090"), Some("g6.xlarge")).is_empty());
    assert!(ids(None, Some("m7i.large")).is_empty() && ids(None, None).is_empty());
    let cut = all.resolve(Some("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb-SHARED"), None);
    assert_eq!((cut.mig.as_deref(), cut.shared), (Some("1g.10gb"), true));
}

#[test]
fn names_as_people_type_them() {
    let all = all();
    let ids = |name: &str| -> Vec<&str> {
        let found = all.named(name).unwrap();
        found.iter().map(|g| g.id.as_str()).collect()
    };
    assert_eq!(ids("h100-sxm"), ["h100-sxm"]);
    assert_eq!(ids("NVIDIA H100 PCIe"), ["h100-pcie"]);
    assert_eq!(ids("Tesla-T4"), ["t4"]);
    assert_eq!(ids("a10"), ["a10"]);
    assert!(ids("A100").len() == 4 && ids("A100").iter().all(|id| id.starts_with("a100")));
    assert!(ids("GH100").contains(&"h200-sxm") && ids("9.0").contains(&"gh200-96"));
    assert!(ids("hopper").contains(&"h20"));
    assert!(
        all.named("h10o")
            .unwrap_err()
            .iter()
            .any(|id| id.starts_with("h100"))
    );
    assert!(all.named("").is_err());
}

fn asked(words: &str) -> Vec<String> {
    let all = all();
    let ask = Ask::parse(words).unwrap();
    let found = all.gpus.iter().filter(|gpu| ask.wants(gpu, &all));
    found.map(|gpu| gpu.id.clone()).collect()
}

#[test]
fn which_gpus_do_this() {
    let found = asked("fp8 tensor mem>=80 arch:hopper mig");
    assert!(found.contains(&"h100-sxm".into()) && found.contains(&"h200-nvl".into()));
    assert!(found.iter().all(|id| !id.starts_with("a100") && id != "l4"));
    assert!(asked("fp8 cuda").is_empty());
    let unsure = asked("bf16 tensor vendor:nvidia");
    // unknown is not yes: Volta
    assert!(unsure.iter().all(|id| !id.starts_with("v100")) && unsure.contains(&"a10".into()));
    assert!(asked("!tensor vendor:nvidia").contains(&"p4".into()));
    assert_eq!(asked("cc:7.5 mem<=16"), ["t4"]);
    assert_eq!(asked("h100 nvl"), ["h100-nvl"]);
    // what has no such figure is neither above nor below
    assert!(!asked("bw>0").contains(&"p4".into()) && !asked("!bw>0").contains(&"p4".into()));
    assert_eq!(asked("").len(), all().gpus.len());
    for wrong in ["mem>=x", "speed>3", "colour:red", "arch:", "!", "mem>"] {
        assert!(Ask::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_printed_means_the_same(text in "\\PC{0,40}") {
        if let Ok(ask) = Ask::parse(&text) {
            prop_assert_eq!(Ask::parse(&ask.to_string()), Ok(ask));
        }
    }

    #[test]
    fn words_survive_printing(words in proptest::collection::vec("!?(fp8|tensor|cuda|mig|mem(<|<=|=|>=|>)[0-9]{1,4}|arch:[a-z]{1,8}|fp16>=[0-9]{1,3}\\.5|[a-z]{1,6})", 0..6)) {
        let ask = Ask::parse(&words.join(" ")).unwrap();
        prop_assert_eq!(Ask::parse(&ask.to_string()), Ok(ask));
    }

    #[test]
    fn any_label_is_looked_up_without_harm(label in "\\PC{0,30}", machine in "\\PC{0,30}") {
        let all = super::load::shipped();
        let _ = all.resolve(Some(&label), Some(&machine));
        let _ = all.named(&label);
    }
}

#[test]
fn an_entry_of_the_users_is_added_or_corrects_and_carries_its_mark() {
    let base = all();
    let text = r#"
[[gpu]]
id = "t4"
bandwidth = 300
[[gpu]]
id = "rtx-4090"
name = "GeForce RTX 4090"
vendor = "nvidia"
arch = "ada"
labels = ["NVIDIA-GeForce-RTX-4090"]
memory = { value = 24, source = "my bench", status = "yours" }
[gpu.dense]
fp16 = 165.2
"#;
    let mine = overlay(&base, "hardware.toml", text).unwrap();
    let t4 = mine.gpu("t4").unwrap();
    assert!(t4.yours && !mine.gpu("l4").unwrap().yours);
    let bandwidth = t4.bandwidth.as_ref().unwrap();
    assert_eq!((bandwidth.value, bandwidth.status), (300.0, Status::Yours));
    assert_eq!(t4.memory, base.gpu("t4").unwrap().memory);
    let lines = sheet::lines(mine.gpu("rtx-4090").unwrap(), &mine);
    assert!(lines.iter().any(|l| l.text == "+165.2 TFLOPS"), "{lines:?}");
    let found = mine.resolve(Some("NVIDIA-GeForce-RTX-4090"), None).gpus;
    assert_eq!(found[0].id, "rtx-4090");
}

#[test]
fn mistakes_in_the_users_file_are_told_with_line_and_key() {
    let base = all();
    for (text, line, word) in [
        ("[[gpu]]\nid = \"t4\"\nmemry = 3\n", 3, "memry"),
        (
            "[[gpu]]\nid = \"t4\"\nmemory = \"much\"\n",
            3,
            "a number is wanted",
        ),
        (
            "\n[[gpu]]\nid = \"x1\"\nname = \"X1\"\narch = \"volt\"\n",
            3,
            "volt",
        ),
        ("[[gpu]]\nname = \"X1\"\n", 1, "id is missing"),
        ("[[gpu]]\nid = \"t4\"\n[gpu.dense]\nfp17 = 3\n", 4, "fp17"),
        ("[[gpu]\n", 1, ""),
    ] {
        let error = overlay(&base, "hardware.toml", text).unwrap_err();
        assert_eq!(error.line, Some(line), "{text}: {error}");
        assert!(error.why.contains(word), "{text}: {error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let (same, none) = super::load::load(Some(dir.path()));
    assert_eq!((&*same, none), (&base, None));
    std::fs::write(dir.path().join("hardware.toml"), "gpu = 3").unwrap();
    let (same, error) = super::load::load(Some(dir.path()));
    let error = error.unwrap().to_string();
    assert!(error.contains("hardware.toml:1: ") && error.ends_with("using the shipped reference"));
    assert_eq!(*same, base);
}

#[test]
fn only_a_sure_no_is_told() {
    let all = all();
    let lacking = |id: &str, p| advice::lacking(p, all.archs.iter().find(|a| a.id == id).unwrap());
    assert!(
        lacking("turing", Precision::Bf16)
            .unwrap()
            .contains("emulation")
    );
    assert!(lacking("turing", Precision::Tf32).unwrap().contains("FP32"));
    assert!(lacking("ampere-ga100", Precision::Fp8).is_some());
    assert!(
        lacking("pascal-gp100", Precision::Fp16)
            .unwrap()
            .contains("CUDA cores")
    );
    // blank in the slides, or only concluded from a row that is not printed
    assert!(lacking("volta", Precision::Bf16).is_none());
    assert!(lacking("ampere-ga10x", Precision::Fp8).is_none());
    assert!(lacking("hopper", Precision::Fp8).is_none());
}
