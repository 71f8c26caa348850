//! Validation of Jobs and CronJobs.

use serde_json::{Value, json};

use super::{Errors, list, meta, pod, text};
use crate::api::names;
use crate::api::status::Cause;

/// The most pods an Indexed job may run at once, and the most failed indexes it may record.
const INDEXED_LIMIT: i64 = 100_000;
/// Both, where completions go beyond [`INDEXED_LIMIT`] and indexes have a back-off limit.
const HIGH_LIMIT: i64 = 10_000;

pub fn job(errors: &mut Errors, object: &Value) {
    let (meta, spec) = (&object["metadata"], &object["spec"]);
    generated_selector(errors, meta, spec);
    whole_spec(errors, spec);
    if spec["completionMode"] == "Indexed" {
        let completions = spec["completions"].as_i64().unwrap_or_default();
        let name = text(&meta["name"]);
        let host = format!("{name}-{}", completions - 1);
        if completions > 0 && !names::dns_label(&host).is_empty() {
            let why = format!("will not able to create pod with invalid DNS label: {host}");
            errors.invalid("metadata.name", &json!(name), &why);
        }
    }
}

/// The spec of a job with its selector. The server looks at it twice when a job is updated, and says so.
pub fn whole_spec(errors: &mut Errors, spec: &Value) {
    job_spec(errors, "spec", spec);
    if spec["selector"].is_null() {
        errors.push(Cause::required("spec.selector", ""));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if !selects(&spec["selector"], labels) {
        errors.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
}

/// Does a label selector match labels? None at all matches nothing.
fn selects(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let pairs = selector["matchLabels"].as_object().into_iter().flatten();
    let exact = pairs.into_iter().all(|(k, v)| labels[k] == *v);
    let expressions = list(&selector["matchExpressions"]).iter().all(|e| {
        let value = &labels[text(&e["key"])];
        match text(&e["operator"]) {
            "In" => list(&e["values"]).contains(value),
            "NotIn" => !list(&e["values"]).contains(value),
            "Exists" => value.is_string(),
            _ => value.is_null(),
        }
    });
    exact && expressions
}

fn generated_selector(errors: &mut Errors, meta: &Value, spec: &Value) {
    if spec["manualSelector"] == true || spec["selector"].is_null() {
        return;
    }
    // A name that is missing is an empty one here, and told elsewhere.
    let (uid, name) = (json!(text(&meta["uid"])), json!(text(&meta["name"])));
    let (uid, name) = (&uid, &name);
    let labels = &spec["template"]["metadata"]["labels"];
    let expected = [
        ("controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
    ];
    for (key, want) in expected {
        let path = format!("spec.template.metadata.labels[{key}]");
        let why = format!("must be '{}'", text(want));
        match &labels[key] {
            Value::Null => errors.push(Cause::required(path, &why)),
            value if value != want => errors.invalid(&path, labels, &why),
            _ => {}
        }
    }
    let all = expected.map(|(k, v)| (k.to_owned(), v.clone()));
    let all = Value::Object(all.into_iter().collect());
    if !selects(&spec["selector"], &all) {
        errors.invalid(
            "spec.selector",
            &spec["selector"],
            "`selector` not auto-generated",
        );
    }
}

fn job_spec(errors: &mut Errors, path: &str, spec: &Value) {
    let at = |field: &str| format!("{path}.{field}");
    let number = |field: &str| spec[field].as_i64();
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        errors.not_negative(path, spec, field);
    }
    let per_index = number("backoffLimitPerIndex");
    let max_failed = number("maxFailedIndexes");
    if max_failed.is_some() && per_index.is_none() {
        errors.push(Cause::required(
            at("backoffLimitPerIndex"),
            "when maxFailedIndexes is specified",
        ));
    }
    if let Some(managed) = spec["managedBy"].as_str() {
        managed_by(errors, &at("managedBy"), managed);
    }
    let mode = text(&spec["completionMode"]);
    let indexed = mode == "Indexed";
    if !["", "NonIndexed", "Indexed"].contains(&mode) {
        let all = ["NonIndexed", "Indexed"];
        errors.push(Cause::unsupported(at("completionMode"), &json!(mode), &all));
    }
    if indexed {
        let completions = number("completions");
        let parallelism = number("parallelism").unwrap_or_default();
        if completions.is_none() {
            let why = "when completion mode is Indexed";
            errors.push(Cause::required(at("completions"), why));
        }
        let mut limit = |field: &str, n: i64, most: i64, when: &str| {
            if n > most {
                let why = format!("must be less than or equal to {most}{when}");
                errors.invalid(&at(field), &json!(n), &why);
            }
        };
        let when = " when completion mode is Indexed";
        limit("parallelism", parallelism, INDEXED_LIMIT, when);
        let failed = max_failed.unwrap_or_default();
        if let Some(n) = completions
            && failed > n
        {
            let why = "must be less than or equal to completions";
            errors.invalid(&at("maxFailedIndexes"), &json!(failed), why);
        }
        let mut limit = |field: &str, n: i64, most: i64, when: &str| {
            if n > most {
                let why = format!("must be less than or equal to {most}{when}");
                errors.invalid(&at(field), &json!(n), &why);
            }
        };
        limit("maxFailedIndexes", failed, INDEXED_LIMIT, "");
        if completions.is_some_and(|n| n > INDEXED_LIMIT) && per_index.is_some() {
            let when = " when completions are above 100000 and used with backoff limit per index";
            limit("parallelism", parallelism, HIGH_LIMIT, when);
            limit("maxFailedIndexes", failed, HIGH_LIMIT, when);
            if max_failed.is_none() {
                let why = "must be specified when completions is above 100000";
                errors.push(Cause::required(at("maxFailedIndexes"), why));
            }
        }
    } else if ["", "NonIndexed"].contains(&mode) {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if !spec[field].is_null() {
                errors.invalid(&at(field), &spec[field], "requires indexed completion mode");
            }
        }
    }
    if spec["podFailurePolicy"].is_object() {
        failure_policy(errors, &at("podFailurePolicy.rules"), spec);
    }
    if spec["successPolicy"].is_object() {
        if indexed {
            success_policy(errors, &at("successPolicy.rules"), spec);
        } else {
            let why = "requires indexed completion mode";
            errors.invalid(&at("successPolicy"), &spec["successPolicy"], why);
        }
    }
    replacement(errors, &at("podReplacementPolicy"), spec);
    pod::template(errors, &at("template"), &spec["template"]);
    restart_policy(errors, &at("template.spec.restartPolicy"), spec);
}

fn managed_by(errors: &mut Errors, path: &str, value: &str) {
    let domain = value.split_once('/');
    match domain {
        Some((domain, rest)) if !rest.is_empty() => {
            errors.each(path, domain, names::dns_subdomain(domain));
        }
        _ => {
            let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.invalid(path, &json!(value), why);
        }
    }
    if value.len() > 63 {
        errors.push(Cause::too_long(path, 63));
    }
}

fn replacement(errors: &mut Errors, path: &str, spec: &Value) {
    let value = &spec["podReplacementPolicy"];
    let all: &[&str] = if spec["podFailurePolicy"].is_object() {
        &["Failed"]
    } else {
        &["Failed", "TerminatingOrFailed"]
    };
    if !value.is_null() && !all.contains(&text(value)) {
        errors.push(Cause::unsupported(path, value, all));
    }
}

fn restart_policy(errors: &mut Errors, path: &str, spec: &Value) {
    let value = &spec["template"]["spec"]["restartPolicy"];
    match text(value) {
        "" | "Always" => errors.push(Cause::required(
            path,
            "valid values: \"OnFailure\", \"Never\"",
        )),
        "Never" => {}
        "OnFailure" if spec["podFailurePolicy"].is_object() => {
            let why = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.invalid(path, value, why);
        }
        "OnFailure" => {}
        _ => errors.push(Cause::unsupported(path, value, &["OnFailure", "Never"])),
    }
}

fn failure_policy(errors: &mut Errors, path: &str, spec: &Value) {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    let rules = list(&spec["podFailurePolicy"]["rules"]);
    errors.too_many(path, rules.len(), 20);
    let pod = &spec["template"]["spec"];
    let containers: Vec<&str> = list(&pod["containers"])
        .iter()
        .chain(list(&pod["initContainers"]))
        .map(|c| text(&c["name"]))
        .collect();
    for (i, rule) in rules.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let action = format!("{path}.action");
        match text(&rule["action"]) {
            "" => errors.push(Cause::required(
                action,
                "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]",
            )),
            "FailIndex" if spec["backoffLimitPerIndex"].is_null() => {
                let why = "requires the backoffLimitPerIndex to be set";
                errors.invalid(&action, &rule["action"], why);
            }
            known if ACTIONS.contains(&known) => {}
            _ => errors.push(Cause::unsupported(action, &rule["action"], &ACTIONS)),
        }
        let codes = &rule["onExitCodes"];
        if codes.is_object() {
            exit_codes(errors, &format!("{path}.onExitCodes"), codes, &containers);
        }
        let conditions = list(&rule["onPodConditions"]);
        pod_conditions(errors, &format!("{path}.onPodConditions"), conditions);
        let omitted = |why: &str| Cause {
            reason: "FieldValueInvalid",
            field: path.clone(),
            message: format!("Invalid value: {why}"),
        };
        match (codes.is_object(), conditions.is_empty()) {
            (true, false) => errors.push(omitted(
                "specifying both OnExitCodes and OnPodConditions is not supported",
            )),
            (false, true) => errors.push(omitted(
                "specifying one of OnExitCodes and OnPodConditions is required",
            )),
            _ => {}
        }
    }
}

fn exit_codes(errors: &mut Errors, path: &str, codes: &Value, containers: &[&str]) {
    let operator = &codes["operator"];
    match text(operator) {
        "" => errors.push(Cause::required(
            format!("{path}.operator"),
            "valid values: [\"In\" \"NotIn\"]",
        )),
        "In" | "NotIn" => {}
        _ => errors.push(Cause::unsupported(
            format!("{path}.operator"),
            operator,
            &["In", "NotIn"],
        )),
    }
    if let Some(name) = codes["containerName"].as_str()
        && !containers.contains(&name)
    {
        let why = "must be one of the container or initContainer names in the pod template";
        errors.invalid(&format!("{path}.containerName"), &json!(name), why);
    }
    let field = format!("{path}.values");
    let values = list(&codes["values"]);
    if values.is_empty() {
        errors.invalid(&field, &codes["values"], "at least one value is required");
    }
    errors.too_many(&field, values.len(), 255);
    for (i, value) in values.iter().enumerate() {
        let at = format!("{field}[{i}]");
        if *value == 0 && operator == "In" {
            errors.invalid(&at, value, "must not be 0 for the In operator");
        }
        if values[..i].contains(value) {
            errors.push(Cause::duplicate(at, value));
        }
    }
    if !values.is_sorted_by_key(|v| v.as_i64().unwrap_or_default()) {
        errors.invalid(&field, &codes["values"], "must be ordered");
    }
}

fn pod_conditions(errors: &mut Errors, path: &str, conditions: &[Value]) {
    errors.too_many(path, conditions.len(), 20);
    for (i, pattern) in conditions.iter().enumerate() {
        let kind = text(&pattern["type"]);
        let at = format!("{path}[{i}].type");
        errors.each(&at, kind, names::qualified_name(kind));
        let all = ["False", "True", "Unknown"];
        errors.one_of(&format!("{path}[{i}].status"), &pattern["status"], &all);
    }
}

fn success_policy(errors: &mut Errors, path: &str, spec: &Value) {
    let completions = spec["completions"].as_i64().unwrap_or_default();
    let rules = list(&spec["successPolicy"]["rules"]);
    if rules.is_empty() {
        let why = "at least one rules must be specified when the successPolicy is specified";
        errors.push(Cause::required(path, why));
    }
    errors.too_many(path, rules.len(), 20);
    for (i, rule) in rules.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let (count, indexes) = (&rule["succeededCount"], rule["succeededIndexes"].as_str());
        if count.is_null() && indexes.is_none() {
            let why = "at least one of succeededCount or succeededIndexes must be specified";
            errors.push(Cause::required(&path, why));
        }
        let mut total = 0;
        if let Some(indexes) = indexes {
            match parse_indexes(indexes, completions) {
                Ok(n) => total = n,
                Err(why) => errors.invalid(
                    &format!("{path}.succeededIndexes"),
                    &json!(indexes),
                    &format!("error parsing succeededIndexes: {why}"),
                ),
            }
        }
        errors.not_negative(&path, rule, "succeededCount");
        let at = format!("{path}.succeededCount");
        if let Some(n) = count.as_i64() {
            if n > completions {
                let why = format!(
                    "must be less than or equal to {completions} (the number of specified completions)"
                );
                errors.invalid(&at, count, &why);
            }
            if indexes.is_some() && n > total {
                let why = format!(
                    "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
                );
                errors.invalid(&at, count, &why);
            }
        }
    }
}

/// How many indexes a list like `1,3-5` names.
fn parse_indexes(text: &str, completions: i64) -> Result<i64, String> {
    let (mut last, mut total) = (None, 0);
    let index = |s: &str| {
        let n: i64 = s
            .parse()
            .map_err(|_| format!("cannot convert string to integer for index: \"{s}\""))?;
        if n >= completions {
            return Err(format!("too large index: \"{s}\""));
        }
        Ok(n)
    };
    let order = |a: i64, b: i64| format!("non-increasing order, previous: {a}, current: {b}");
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let ends: Vec<&str> = part.split('-').collect();
        let (from, to) = match ends.as_slice() {
            [one] => (index(one)?, index(one)?),
            [from, to] => (index(from)?, index(to)?),
            _ => {
                return Err(format!(
                    "the fragment \"{part}\" violates the requirement that an index interval can have at most two parts separated by '-'"
                ));
            }
        };
        if ends.len() == 2 && from >= to {
            return Err(order(from, to));
        }
        if let Some(last) = last
            && last >= from
        {
            return Err(order(last, from));
        }
        total += to - from + 1;
        last = Some(to);
    }
    Ok(total)
}

pub fn cron_job(errors: &mut Errors, object: &Value) {
    let spec = &object["spec"];
    match text(&spec["schedule"]) {
        "" => errors.push(Cause::required("spec.schedule", "")),
        schedule => {
            if let Some(why) = schedule_error(schedule) {
                errors.invalid("spec.schedule", &spec["schedule"], &why);
            }
            if schedule.contains("TZ") {
                let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
                errors.invalid("spec.schedule", &spec["schedule"], why);
            }
        }
    }
    errors.not_negative("spec", spec, "startingDeadlineSeconds");
    match spec["timeZone"].as_str() {
        Some("") => {
            let why = "timeZone must be nil or non-empty string";
            errors.invalid("spec.timeZone", &spec["timeZone"], why);
        }
        Some(zone) if !is_time_zone(zone) => {
            let why = format!("unknown time zone {zone}");
            errors.invalid("spec.timeZone", &spec["timeZone"], &why);
        }
        _ => {}
    }
    let all = ["Allow", "Forbid", "Replace"];
    errors.one_of("spec.concurrencyPolicy", &spec["concurrencyPolicy"], &all);
    let template = &spec["jobTemplate"]["spec"];
    job_spec(errors, "spec.jobTemplate.spec", template);
    if template["selector"].is_object() {
        errors.invalid(
            "spec.jobTemplate.spec.selector",
            &template["selector"],
            "`selector` will be auto-generated",
        );
    }
    if template["manualSelector"] == true {
        errors.push(Cause::unsupported(
            "spec.jobTemplate.spec.manualSelector",
            &template["manualSelector"],
            &["nil", "false"],
        ));
    }
    let labels = &spec["jobTemplate"]["metadata"];
    meta::labels(
        errors,
        "spec.jobTemplate.metadata.labels",
        &labels["labels"],
    );
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        errors.not_negative("spec", spec, field);
    }
    let name = text(&object["metadata"]["name"]);
    if name.len() > 52 {
        let why = "must be no more than 52 characters";
        errors.invalid("metadata.name", &json!(name), why);
    }
}

/// Is this an IANA name, as far as its region tells?
fn is_time_zone(zone: &str) -> bool {
    const REGIONS: [&str; 16] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Brazil",
        "Canada",
        "Chile",
        "Etc",
        "Europe",
        "Indian",
        "Mexico",
        "Pacific",
        "US",
    ];
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"_-+/".contains(&c);
    let short = [
        "UTC", "GMT", "EST", "MST", "HST", "CET", "EET", "MET", "WET", "Zulu", "UCT",
    ];
    zone.bytes().all(fits)
        && match zone.split_once('/') {
            Some((region, city)) => REGIONS.contains(&region) && !city.is_empty(),
            None => short.contains(&zone),
        }
}

/// A number out of its field's range, in the words of the server's parser.
fn out_of_range(fields: &[&str]) -> Option<String> {
    const LIMITS: [(i64, i64); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    for (field, (least, most)) in fields.iter().zip(LIMITS) {
        for part in field.split(',') {
            let range = part.split('/').next().unwrap_or_default();
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) else {
                continue;
            };
            if from < least {
                return Some(format!(
                    "beginning of range ({from}) below minimum ({least}): {part}"
                ));
            }
            if to > most {
                return Some(format!(
                    "end of range ({to}) above maximum ({most}): {part}"
                ));
            }
        }
    }
    None
}

/// What is wrong with a cron schedule; descriptors (`@daily`) and names are understood.
fn schedule_error(schedule: &str) -> Option<String> {
    if let Some(rest) = schedule.strip_prefix('@') {
        let known = [
            "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly",
        ];
        let every = rest.strip_prefix("every ").is_some_and(|d| !d.is_empty());
        return (!known.contains(&rest) && !every)
            .then(|| format!("unrecognized descriptor: {schedule}"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!(
            "expected exactly 5 fields, found {}: [{}]",
            fields.len(),
            fields.join(" ")
        ));
    }
    out_of_range(&fields).or_else(|| {
        let parsed = schedule.parse::<croner::Cron>();
        parsed.err().map(|e| e.to_string())
    })
}
