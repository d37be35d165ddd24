//! `bridge map verify`: recorded cases, and how their disagreements are told.

use crate::running::{fixture, folder, map_in, write};

#[test]
fn the_three_forms_of_cases_agree_and_are_counted_per_file_and_in_all() {
    let folder = folder("verify-good");
    let files = ["inbound.jsonl", "expressions.jsonl", "outbound.jsonl"];
    for file in files {
        std::fs::copy(fixture(file), folder.join(file)).unwrap();
    }
    let run = map_in(&folder, &[&["verify"], &files[..]].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    assert_eq!(
        run.out,
        "inbound.jsonl: 9 of 9 agree, 1 of these refused by name, because only coreBOS can evaluate them\n\
         expressions.jsonl: 9 of 9 agree, 2 of these refused by name, because only coreBOS can evaluate them\n\
         REFUSED out-0458 getCRUDMode() tells what coreBOS is doing with the record at this moment; outside of coreBOS \
         there is no such thing\n\
         outbound.jsonl: 3 of 4 agree, 1 refused on purpose\n\
         all: 21 of 22 agree, 3 of these refused by name, because only coreBOS can evaluate them, \
         1 refused on purpose\n"
    );
}

#[test]
fn the_bridges_own_meaning_can_be_compared_too() {
    let run =
        map_in(&folder("verify-bridge"), &["verify", "--semantics", "bridge", &fixture("inbound.jsonl")]);
    assert_eq!(run.code, 1);
    assert!(
        run.out.contains("DISAGREES inb-h0335 ") && run.out.contains("DISAGREES inb-h0722 "),
        "{}",
        run.out
    );
    assert!(!run.out.contains("inb-h0001"), "{}", run.out);
}

#[test]
fn every_disagreement_is_told_with_id_feature_and_both_answers() {
    let folder = folder("verify-bad");
    write(
        &folder,
        "cases.jsonl",
        r#"{"id":"a","feature":"sum","expr":"1+1","env":{},"result":2}
{"id":"b","feature":"sum","expr":"1+1","env":{},"result":2.0}
{"id":"c","feature":"throws","expr":"1+1","env":{},"result":{"error":"TypeError: x"}}
{"id":"d","feature":"throws","expr":"'x'*2","env":null,"result":7}
{"id":"e","feature":"unsupported","expr":"1+1","env":{},"result":2}
{"id":"f","feature":"map","map":"<map><fields><field><fieldname>t</fieldname></field></fields></map>","source":{},"target":{"u":1},"result":{"t":"x","u":1}}
{"id":"g","feature":"sum","expr":"getSetting('x')","env":{},"result":""}
"#,
    );
    let run = map_in(&folder, &["verify", "cases.jsonl"]);
    assert_eq!(run.code, 1);
    for told in [
        "DISAGREES b sum (cases.jsonl:2)\n  wanted 2.0\n  got    2\n",
        "DISAGREES c throws (cases.jsonl:3)\n  wanted {\"error\":\"TypeError: x\"}\n  got    2\n",
        "DISAGREES d throws (cases.jsonl:4)\n  wanted 7\n  got    ",
        "DISAGREES e unsupported (cases.jsonl:5)\n  wanted to be refused by name when it is loaded\n",
        "DISAGREES f map (cases.jsonl:6)\n  wanted {\"t\":\"x\",\"u\":1}\n  got    {\"u\":1,\"t\":\"\"}\n",
        "DISAGREES g sum (cases.jsonl:7)\n",
        "cases.jsonl: 1 of 7 agree, 6 disagree\n",
    ] {
        assert!(run.out.contains(told), "{told}\n{}", run.out);
    }
}

#[test]
fn a_broken_line_is_named_and_the_others_are_run() {
    let folder = folder("verify-broken");
    let deep = format!("{{\"id\":\"deep\",\"expr\":\"1\",\"env\":{}", "[".repeat(200_000));
    let mut cases = Vec::new();
    for line in [
        &b"{\"id\":\"a\",\"feature\":\"f\",\"expr\":\"1\",\"env\":{},\"result\":1}"[..],
        b"",
        b"not JSON",
        b"{\"id\":\"x\",\"feature\":\"f\",\"result\":1}",
        b"{\"id\":\"x\",\"expr\":\"\xff\",\"result\":1}",
        deep.as_bytes(),
        b"{\"id\":\"x\",\"expr\":7,\"env\":{},\"result\":1}",
        b"{\"id\":\"\x1b[31m\",\"expr\":\"1\",\"result\":1}",
        b"{\"id\":\"b\",\"feature\":\"f\",\"expr\":\"1\",\"env\":{},\"result\":1}",
    ] {
        cases.extend_from_slice(line);
        cases.push(b'\n');
    }
    cases.resize(cases.len() + (17 << 20), b'x');
    write(&folder, "cases.jsonl", cases);
    let run = map_in(&folder, &["verify", "cases.jsonl"]);
    assert_eq!(run.code, 1);
    let places: Vec<_> = run
        .out
        .lines()
        .filter_map(|line| {
            line.strip_prefix("UNREADABLE cases.jsonl:")?.split_once(':').map(|(line, _)| line)
        })
        .collect();
    assert_eq!(places, ["3", "4", "5", "6", "7", "8", "10"], "{}", run.out);
    assert!(run.out.ends_with("cases.jsonl: 2 of 2 agree, 7 lines cannot be read\n"), "{}", run.out);
    assert!(!run.out.contains('\x1b'));
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let folder = folder("verify-missing");
    let run = map_in(&folder, &["verify", "missing.jsonl", &fixture("expressions.jsonl")]);
    assert_eq!(run.code, 1);
    assert!(run.err.starts_with("error: cannot read missing.jsonl: "), "{}", run.err);
    assert!(run.out.contains("9 of 9 agree"), "{}", run.out);
    assert_eq!(map_in(&folder, &["verify"]).code, 2);
}
