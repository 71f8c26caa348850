use super::*;
use crate::actions::{document, validate};

#[test]
fn every_shipped_one_says_what_it_is_and_is_sound() {
    let all = all(Vec::new());
    assert_eq!(all.len(), SHIPPED.len());
    for template in &all {
        let about = template.about();
        assert!(
            about.ends_with('.') && about.len() > 20,
            "{}: {about}",
            template.name
        );
        let documents = document::parse(&template.text).unwrap();
        assert_eq!(documents.len(), 1, "{}", template.name);
        let problems = validate::check(&documents[0]);
        assert!(problems.is_empty(), "{}: {problems:?}", template.name);
        let kind = documents[0].value["kind"].as_str().unwrap().to_lowercase();
        let stem = template
            .name
            .trim_start_matches("parallel-")
            .trim_start_matches("indexed-");
        assert_eq!(kind, stem);
    }
    // every file is in the list
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actions/templates");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let files = files.filter(|f| f.path().extension().is_some_and(|e| e == "yaml"));
    assert_eq!(files.count(), SHIPPED.len());
}

#[test]
fn own_ones_come_in_the_place_of_shipped_ones() {
    let own = |name: &str| (name.to_owned(), "# Mine.\nkind: Job\n".to_owned());
    let all = all(vec![own("job"), own("sweep")]);
    assert_eq!(all.len(), SHIPPED.len() + 1);
    let job: Vec<&Template> = all.iter().filter(|t| t.name == "job").collect();
    assert_eq!((job.len(), job[0].own, job[0].about()), (1, true, "Mine."));
    assert!(all.iter().any(|t| t.name == "sweep" && t.own));
}
