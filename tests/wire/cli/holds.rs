//! Holds from the command line: two persons, one request, and what an operator sees of it.

use serde_json::Value as Json;

use super::Desk;

/// Places a hold for this reason, until this day.
fn args<'a>(record: &'a str, reason: &'a str, until: &'a str) -> [&'a str; 14] {
    let [place, authority] = [["hold", "place"], ["--authority", "Tribunal (fictif)"]];
    let why = ["--purpose", "p7", "--justification", "requisition"];
    [
        place[0],
        place[1],
        record,
        authority[0],
        authority[1],
        "--reason",
        reason,
        "--until",
        until,
        why[0],
        why[1],
        why[2],
        why[3],
        "--json",
    ]
}

#[test]
fn the_rights_desk_keeps_a_record_with_the_leave_of_the_dpo_and_lets_it_go() {
    let desk = Desk::opened();
    let (home, record) = (&desk.home, desk.filed());
    let until = Desk::today();
    let place = |agent: &str, more: &[&str]| {
        home.run_as(agent, &[&args(&record, "dossier 0", &until)[..], more].concat())
    };
    place("desk-974", &[]).failed_saying(1, &["APPROVAL_NEEDED", "--ask WHY"]);
    place("inv-974", &["--ask", "why"]).failed_saying(3, &["DENIED"]);
    let asked = place("desk-974", &["--ask", "requisition 12, fictional"]).json();
    let approval = asked["approval"].as_str().unwrap();
    let with = ["--approval", approval];
    place("desk-974", &with).failed_saying(1, &["APPROVAL_PENDING", "approval give"]);

    give(&desk, approval, &record);
    let longer = [&args(&record, "dossier 1", &until)[..], &with].concat();
    let longer = home.run_as("desk-974", &longer);
    longer.failed_saying(1, &["APPROVAL_UNUSABLE", "for this request"]);
    let holds = place("desk-974", &with).json();
    let hold = holds[0].as_str().unwrap();
    place("desk-974", &with).failed_saying(1, &["APPROVAL_UNUSABLE", "was used"]);
    let status = home.run_as("dpo-1", &["status"]);
    for told in ["holds: 1", "Tribunal (fictif)", "dossier 0", "0 d", "dpo-1"] {
        assert!(status.out.contains(told), "{told}: {}", status.out);
    }
    let erase = ["erase", &record, "--purpose", "p7", "--justification", "x", "--yes"];
    let kept = home.run_as("desk-974", &erase);
    kept.failed_saying(3, &["1 of 1 records were not erased"]);
    assert!(kept.out.contains("HELD"), "{}", kept.out);
    read_held(&desk, &record);

    let release = ["hold", "release", hold, "--yes", "--json"];
    home.run_as("dpo-1", &release).failed_saying(3, &["DENIED"]);
    assert_eq!(home.run_as("desk-974", &release).json()["erased"], 0);
    home.run_as("desk-974", &release).failed_saying(1, &["NO_HOLD", "hold list"]);
    assert_eq!(home.run_as("dpo-1", &["hold", "list", "--json"]).json(), Json::Array(Vec::new()));
    assert_eq!(home.run_as("desk-974", &erase).code, 0);
    let kinds = home.run_as("dpo-1", &["audit", "list", "--json"]).out;
    for kind in ["approval-request", "approval-give", "hold-place", "hold-release"] {
        assert!(kinds.contains(kind), "{kind}");
    }
}

/// The desk reads the held record under the purpose of holds, with the DPO's leave.
fn read_held(desk: &Desk, record: &str) {
    let args = [
        "reveal",
        record,
        "--class",
        "identity",
        "--purpose",
        "hold",
        "--justification",
        "requisition",
        "--json",
    ];
    let read = |more: &[&str]| desk.home.run_as("desk-974", &[&args, more].concat());
    read(&[]).failed_saying(1, &["APPROVAL_NEEDED"]);
    let asked = read(&["--ask", "requisition 12, fictional"]).json();
    let approval = asked["approval"].as_str().unwrap();
    assert_eq!(desk.home.run_as("dpo-1", &["approval", "give", approval]).code, 0);
    let shown = read(&["--approval", approval]);
    assert!(shown.out.contains("EXEMPLE-CLI"), "{}{}", shown.out, shown.err);
    read(&["--approval", approval]).failed_saying(1, &["APPROVAL_UNUSABLE"]);
}

/// The DPO reads what is asked for and gives leave; nobody else does, and he does so once.
fn give(desk: &Desk, approval: &str, record: &str) {
    let home = &desk.home;
    let listed = home.run_as("dpo-1", &["approval", "list"]);
    for told in [approval, "ASKED hold-place", "requisition 12, fictional", record, "until="] {
        assert!(listed.out.contains(told), "{told}: {}", listed.out);
    }
    home.run_as("desk-974", &["approval", "give", approval]).failed_saying(3, &["DENIED"]);
    assert_eq!(home.run_as("dpo-1", &["approval", "give", approval]).code, 0);
    let twice = home.run_as("dpo-1", &["approval", "give", approval]);
    twice.failed_saying(1, &["APPROVAL_UNUSABLE", "given already"]);
}
