//! A description is refused with its line and a reason, before the first record where that can be.

use super::*;

fn refusal(text: &str) -> String {
    match Description::parse(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// The refusal of a description with one more field of the root.
fn of_field(field: &str) -> String {
    refusal(&family(&format!("  {{ {field} }},\n")))
}

#[test]
fn a_description_that_holds_together_is_read_in_the_order_of_the_file() {
    let description = described(&family(""));
    let names: Vec<&str> = description.plans.iter().map(|p| p.collection.as_str()).collect();
    assert_eq!(names, ["roots", "children"]);
    assert_eq!(description.plans[1].parent, Some(0));
    let entries: Vec<&str> =
        description.plans[0].entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(entries, ["town", "colour", "town_name", "born", "nir", "phone"]);
}

#[test]
fn a_refusal_names_the_file_the_line_and_the_entry() {
    let text = family("  { name = \"x\", choice = \"shapes\" },\n");
    let line = 1 + text.lines().position(|line| line.contains("shapes")).unwrap();
    assert_eq!(refusal(&text), format!("sample.toml:{line}: there is no list `shapes`"));
    let text = family("  { name = \"x\", mirror = \"later\" },\n");
    let line = 1 + text.lines().position(|line| line.contains("later")).unwrap();
    assert_eq!(
        refusal(&text),
        format!("sample.toml:{line}: `x`: nothing before is called `later`")
    );
}

#[test]
fn an_entry_has_one_way_to_be_made_and_its_bounds_the_right_way_round() {
    for (field, reason) in [
        ("name = \"x\"", "choose one of"),
        ("name = \"x\", is = 1, chance = 5", "choose one of"),
        ("name = \"x\", chance = 101", "at most 100"),
        ("name = \"x\", is = 1, percent = 101", "at most 100"),
        ("name = \"x\", integer = [2, 1]", "[smallest, largest]"),
        ("name = \"x\", date = { from = \"base\", days = [1, 0] }", "[smallest, largest]"),
        ("name = \"x\", weighted = { a = 0 }", "weight above 0"),
        ("name = \"x\", row = \"towns\"", "a row is for a variable"),
        ("name = \"x\", choice = \"colour#\"", "no name of a list"),
        ("name = \"X\", is = 1", "a name is of"),
        ("name = \"base\", is = 1", "a name is of"),
        ("name = \"town\", is = 1", "need different names"),
        ("name = \"x\", is = 1, when = { later = 1 }", "nothing before is called `later`"),
        ("name = \"x\", text = \"{parent.colour}\"", "has no parent"),
        ("name = \"x\", text = \"{colour\"", "without `}`"),
        ("name = \"x\", is = [1]", "did not match any variant"),
        ("name = \"x\", is = 1, whenn = {}", "unknown field `whenn`"),
    ] {
        let said = of_field(field);
        assert!(said.contains(reason), "{field}: {said}");
    }
    let nir = |digits: &str, order: &str| {
        of_field(&format!(
            "name = \"x\", nir = {{ sex = \"colour\", digits = {digits}, born = \"born\", \
             place = \"town.code\", order = {order} }}"
        ))
    };
    assert!(nir("{}", "[1, 2]").contains("`digits`"));
    assert!(nir("{ red = 0 }", "[1, 2]").contains("`digits`"));
    assert!(nir("{ red = 1 }", "[1, 1000]").contains("`order` lies"));
}

#[test]
fn collections_lists_and_the_base_date_are_checked_too() {
    let text = family("");
    for (from, to, reason) in [
        ("2020-11-23", "23 November", "must be a date"),
        ("per = \"roots\"\n", "", "all but the first need `per`"),
        ("per = \"roots\"", "per = \"trees\"", "described before"),
        ("name = \"children\"", "name = \"roots\"", "collection `roots` twice"),
        ("count = [1, 3]", "count = [3, 1]", "[fewest, most]"),
        ("collected_on = \"base\"", "collected_on = \"day\"", "`collected_on`: nothing before"),
        ("[\"red\", \"green\", \"blue\"]", "[]", "list `colours` is empty"),
        ("code = \"2A004\", ", "", "different columns"),
        ("base_date", "basis", "unknown field `basis`"),
        ("count =", "counts =", "unknown field `counts`"),
    ] {
        assert!(text.contains(from), "{from}");
        let said = refusal(&text.replacen(from, to, 1));
        assert!(said.starts_with("sample.toml:") && said.contains(reason), "{to}: {said}");
    }
    assert!(refusal("base_date = \"2020-11-23\"\ncollections = []").contains("is empty"));
}

#[test]
fn children_are_bounded_at_their_bound_and_not_below_it() {
    let most = crate::limits::SAMPLE_CHILDREN_MAX;
    let of = |count: u32| family("").replace("count = [1, 3]", &format!("count = [1, {count}]"));
    assert!(Description::parse(&of(most)).is_ok());
    assert!(refusal(&of(most + 1)).contains(&format!("at most {most}")));
}
