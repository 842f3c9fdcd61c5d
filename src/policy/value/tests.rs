//! Each type in pairs: what it accepts and its normal form, and what it refuses.

use super::*;

fn normal(kind: &FieldType, text: &str) -> Option<String> {
    match kind.normalise(Value::Text(text.into())) {
        Ok(Value::Text(text)) => Some(text),
        Ok(_) => panic!("a text type gave something else"),
        Err(_) => None,
    }
}

fn accepts(kind: &FieldType, pairs: &[(&str, &str)]) {
    for (given, wanted) in pairs {
        assert_eq!(normal(kind, given).as_deref(), Some(*wanted), "{given}");
        assert_eq!(
            normal(kind, wanted).as_deref(),
            Some(*wanted),
            "{wanted} is its own normal form"
        );
    }
}

fn refuses(kind: &FieldType, texts: &[&str]) {
    for text in texts {
        assert_eq!(normal(kind, text), None, "{text}");
    }
    assert!(kind.normalise(Value::Boolean(true)).is_err());
}

#[test]
fn a_nir_with_a_right_key_is_accepted_in_corsica_and_overseas_too() {
    accepts(
        &FieldType::Nir,
        &[
            ("2 55 08 14 168 025 38", "255081416802538"),
            ("295109912611193", "295109912611193"),
            ("1801275123456-42", "180127512345642"),
            ("1 86 02 2a 215 325 23", "186022A21532523"),
            ("186022B21532550", "186022B21532550"),
            ("1 85 03 97 411 123 64", "185039741112364"),
            ("2 90 07 97 101 045 93", "290079710104593"),
            // Provisional: sex 7 or 8, months 20 to 42 and 50 to 99.
            ("7 85 03 97 411 123 55", "785039741112355"),
            ("8 85 21 97 411 123 02", "885219741112302"),
            ("1 85 42 97 411 123 09", "185429741112309"),
            ("1 85 50 97 411 123 40", "185509741112340"),
            ("1 85 99 97 411 123 48", "185999741112348"),
            // Keys below ten keep their zero.
            ("1 85 03 97 411 178 09", "185039741117809"),
            ("1 85 03 97 411 186 01", "185039741118601"),
        ],
    );
}

#[test]
fn a_nir_with_a_wrong_key_length_month_or_sex_is_refused() {
    refuses(
        &FieldType::Nir,
        &[
            "255081416802539",  // key
            "186022A21532550",  // the other island's key
            "2550814168025",    // no key
            "2550814168025380", // too long
            "055081416802538",  // sex
            "18503974111789",   // a key below ten without its zero
            "185439741112325",  // months between the provisional ranges
            "185499741112324",
            "186020021532557", // the gist's Corsica: 0 for A, and nothing taken off
            "255001416802538", // month
            "18602AA21532523",
            "25508141680253é",
            "",
        ],
    );
}

#[test]
fn a_phone_becomes_e_164_with_the_country_code_of_its_national_prefix() {
    accepts(
        &FieldType::Phone,
        &[
            ("0692 12 34 56", "+262692123456"),
            ("02.62.12.34.56", "+262262123456"),
            ("0690 12 34 56", "+590690123456"),
            ("0263 12 34 56", "+262263123456"),
            ("0269 12 34 56", "+262269123456"),
            ("0639 12 34 56", "+262639123456"),
            ("0693 12 34 56", "+262693123456"),
            ("0691 12 34 56", "+590691123456"),
            ("+590 590 12 34 56", "+590590123456"),
            ("+33 5 90 12 34 56", "+590590123456"),
            ("0590-12-34-56", "+590590123456"),
            ("0696 12 34 56", "+596696123456"),
            ("06 12 34 56 78", "+33612345678"),
            ("09 72 72 21 12", "+33972722112"),
            ("+33 (0)6 12 34 56 78", "+33612345678"),
            ("+33 692 12 34 56", "+262692123456"),
            ("00262 692 12 34 56", "+262692123456"),
            ("+44 20 7946 0958", "+442079460958"),
        ],
    );
}

#[test]
fn a_phone_that_is_too_short_or_no_number_is_refused() {
    refuses(
        &FieldType::Phone,
        &[
            "",
            "15",
            "069212345",
            "069212345678",
            "692123456",
            "+33",
            "+0612345678",
            "06 appeler",
            "+262612345678",
            "+262590123456",
            "+269639123456789012",
            "0012",
        ],
    );
}

#[test]
fn names_keep_their_accents_and_lose_double_spaces() {
    accepts(
        &FieldType::Name,
        &[
            ("  Zoé   d\u{2019}Exemple ", "Zoé d'Exemple"),
            ("Zoe\u{301}", "Zoé"),
            ("Jean-Marie St. Clair", "Jean-Marie St. Clair"),
            (&"é".repeat(100), &"é".repeat(100)),
        ],
    );
    refuses(&FieldType::Name, &["", "   ", "R2D2", "a@b", "- -", "x\ny", &"a".repeat(101)]);
}

#[test]
fn e_mail_and_postcode_are_checked_for_shape() {
    accepts(&FieldType::Email, &[(" Zoe.X+1@Example.ORG ", "zoe.x+1@example.org")]);
    refuses(
        &FieldType::Email,
        &["", "a", "a@b", "a b@c.d", "a@-c.d", "a..b@c.d", "é@c.d", "a@b@c.d"],
    );
    let domain = format!("{}.{}", "d".repeat(63), "e".repeat(63));
    let longest = format!("{}@{domain}.{}", "a".repeat(64), "f".repeat(61));
    assert_eq!(longest.len(), crate::limits::EMAIL_BYTES_MAX);
    accepts(&FieldType::Email, &[(&longest, &longest)]);
    refuses(&FieldType::Email, &[&format!("{longest}f")]);
    accepts(&FieldType::Postcode, &[("97 400", "97400"), ("20090", "20090")]);
    refuses(&FieldType::Postcode, &["", "9740", "974000", "2A004", "00123"]);
}

#[test]
fn text_is_bounded_in_bytes_and_one_line() {
    let kind = FieldType::Text { max_bytes: 4 };
    accepts(&kind, &[("abcd", "abcd"), (" éé ", "éé")]);
    refuses(&kind, &["", " ", "abcde", "ééé", "a\nb", "a\tb"]);
}

#[test]
fn a_note_is_bounded_lines_and_nothing_else_that_controls() {
    let kind = FieldType::Note { max_bytes: 9 };
    accepts(
        &kind,
        &[("ab", "ab"), ("  a \r\n\n\n\n b  c \n", "a\n\nb c"), ("123456789", "123456789")],
    );
    refuses(&kind, &["", " \n ", "1234567890", "a\tb", "a\rb", "a\u{7}b", "a\0"]);
}

#[test]
fn a_reference_is_a_records_id_and_nothing_that_could_be_a_person() {
    let kind = FieldType::Reference { to: CollectionName::parse("cases").unwrap() };
    let id = "0123456789abcdef0123456789abcdef";
    accepts(&kind, &[(id, id), (&id.to_uppercase(), id)]);
    refuses(
        &kind,
        &["", "Exemple", "0692123456", &id[..30], &format!("{id}00"), &format!(" {id}")],
    );
    assert!(!kind.is_plain() && !FieldType::Note { max_bytes: 9 }.is_plain());
}

#[test]
fn a_code_outside_its_list_and_a_number_outside_its_bounds_are_refused() {
    let code = FieldType::Code { values: vec!["yes".into(), "no".into()] };
    accepts(&code, &[("yes", "yes")]);
    refuses(&code, &["", "Yes", "maybe"]);
    let number = FieldType::Integer { min: 0, max: 10 };
    assert!(number.normalise(Value::Integer(10)).is_ok());
    assert!(number.normalise(Value::Integer(11)).is_err());
    assert!(number.normalise(Value::Integer(-1)).is_err());
    assert!(number.normalise(Value::Text("3".into())).is_err());
}

#[test]
fn a_date_is_read_from_iso_text_and_other_forms_are_refused() {
    let date = NaiveDate::from_ymd_opt(1985, 3, 9).unwrap();
    assert!(FieldType::Date.normalise(Value::Text("1985-03-09".into())) == Ok(Value::Date(date)));
    for text in ["1985-3-9", "09/03/1985", "1985-02-30", "1849-12-31", "2200-01-01", ""] {
        assert!(FieldType::Date.normalise(Value::Text(text.into())).is_err(), "{text}");
    }
}

#[test]
fn a_boolean_is_no_number_and_no_text() {
    assert!(FieldType::Boolean.normalise(Value::Boolean(false)).is_ok());
    assert!(FieldType::Boolean.normalise(Value::Integer(0)).is_err());
    assert!(FieldType::Boolean.normalise(Value::Text("false".into())).is_err());
}
