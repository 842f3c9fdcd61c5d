//! Requests of `Records`: from the wire to the vault's inputs.

use zeroize::Zeroizing;

use super::{
    bound::bound_reveal,
    check::{Check, at_most, optional_time, page_size},
};
use crate::{
    ids::{
        AgentId, ApprovalId, ClassName, CollectionName, FieldName, PurposeName, RecordId,
        RequestId, SubjectId, UnitName,
    },
    limits,
    policy::Value,
    vault::{
        AssignInput, Assignee, CreateInput, Cursor, FindInput, Intent, MatchInput, PageRequest,
        RequestKey, RevealInput, RevealManyInput, UpdateInput, VaultError, WorklistInput,
    },
    wire::api,
};

/// `Records.Create`, and a record of an import: sent either way, it is the same write.
pub(crate) fn create(request: api::CreateRequest) -> Result<(Intent, CreateInput), VaultError> {
    let key = key("Create", request.intent.as_ref(), &request);
    at_most(&request.attributes, limits::FIELDS_PER_RECORD_MAX, "attributes")?;
    at_most(&request.fields, limits::FIELDS_PER_RECORD_MAX, "fields")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let collection = check.name("collection", &request.collection, CollectionName::parse);
    let subject = check.optional_id("subject_id", &request.subject_id, SubjectId::from_slice);
    let collected_on = check.date("collected_on", &request.collected_on);
    let attributes = check.named("attributes", request.attributes, named_value);
    let fields = check.named("fields", request.fields, named_value);
    let (Some(why), Some(collection), Some(collected_on)) = (why, collection, collected_on) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, CreateInput { collection, subject, collected_on, attributes, fields }))
}

/// `Records.Reveal`, with the link that it names.
pub(crate) fn reveal(
    request: api::RevealRequest,
) -> Result<(Intent, RevealInput, Option<RecordId>), VaultError> {
    let bound = (!request.approval_id.is_empty()).then(|| bound_reveal(&request));
    at_most(&request.classes, limits::CLASSES_PER_REVEAL_MAX, "classes")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let classes = classes(&mut check, &request.classes);
    let approval = check.optional_id("approval_id", &request.approval_id, ApprovalId::from_slice);
    let link = check.optional_id("link_id", &request.link_id, RecordId::from_slice);
    let (Some(why), Some(record)) = (why, record) else { return Err(check.refused()) };
    check.done()?;
    Ok((why, RevealInput { record, classes, approval: approval.zip(bound) }, link))
}

/// `Records.RevealMany`.
pub(crate) fn reveal_many(
    request: api::RevealManyRequest,
) -> Result<(Intent, RevealManyInput), VaultError> {
    at_most(&request.record_ids, limits::RECORDS_PER_REVEAL_MAX, "records")?;
    at_most(&request.classes, limits::CLASSES_PER_REVEAL_MAX, "classes")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let records = check.ids("record_ids", &request.record_ids, RecordId::from_slice);
    let classes = classes(&mut check, &request.classes);
    let Some(why) = why else { return Err(check.refused()) };
    check.done()?;
    Ok((why, RevealManyInput { records, classes }))
}

/// `Records.Find`.
pub(crate) fn find(request: api::FindRequest) -> Result<(Intent, FindInput), VaultError> {
    at_most(&request.r#where, limits::FIND_CONDITIONS_MAX, "conditions")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let collection = check.name("collection", &request.collection, CollectionName::parse);
    if request.r#where.is_empty() {
        check.refuse("where", "give at least one field with its value");
    }
    let conditions = check.named("where", request.r#where, named_value);
    let page = page(&mut check, request.page_size, &request.cursor)?;
    let (Some(why), Some(collection)) = (why, collection) else { return Err(check.refused()) };
    check.done()?;
    Ok((why, FindInput { collection, conditions, page }))
}

/// `Records.Match`.
pub(crate) fn matches(request: api::MatchRequest) -> Result<(Intent, MatchInput), VaultError> {
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let given = request.field.unwrap_or_default();
    let field = check.name("field.name", &given.name, FieldName::parse);
    let value = check.value("field.value", given.value);
    let (Some(why), Some(record), Some(field), Some(value)) = (why, record, field, value) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, MatchInput { record, field, value }))
}

/// `Records.Worklist`.
pub(crate) fn worklist(
    request: api::WorklistRequest,
) -> Result<(Intent, WorklistInput), VaultError> {
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let collection = check.name("collection", &request.collection, CollectionName::parse);
    let of = request.of.map(|of| assignee(&mut check, "of", Some(of)));
    let page = page(&mut check, request.page_size, &request.cursor)?;
    let (Some(why), Some(collection)) = (why, collection) else { return Err(check.refused()) };
    check.done()?;
    Ok((why, WorklistInput { collection, of: of.flatten(), page }))
}

/// `Records.Update`, and whether the former version shall be forgotten.
pub(crate) fn update(
    request: api::UpdateRequest,
) -> Result<(Intent, UpdateInput, bool), VaultError> {
    let key = key("Update", request.intent.as_ref(), &request);
    at_most(&request.attributes, limits::FIELDS_PER_RECORD_MAX, "attributes")?;
    at_most(&request.fields, limits::FIELDS_PER_RECORD_MAX, "fields")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    if request.attributes.is_empty() && request.fields.is_empty() {
        check.refuse("fields", "give at least one change");
    }
    let read = |check: &mut Check, path: &str, item: api::ValueChange| match item.value {
        None => (item.name, Some(None)),
        given => (item.name, check.value(path, given).map(Some)),
    };
    let attributes = check.named("attributes", request.attributes, read);
    let fields = check.named("fields", request.fields, read);
    let (Some(why), Some(record)) = (why, record) else { return Err(check.refused()) };
    check.done()?;
    let expected_version = request.expected_version;
    let input = UpdateInput { record, expected_version, attributes, fields };
    Ok((why, input, request.forget_previous))
}

/// `Records.Erase`.
pub(crate) fn erase(request: api::EraseRequest) -> Result<(Intent, Vec<RecordId>), VaultError> {
    let key = key("Erase", request.intent.as_ref(), &request);
    at_most(&request.record_ids, limits::RECORDS_PER_ERASE_MAX, "records")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let records = check.ids("record_ids", &request.record_ids, RecordId::from_slice);
    let Some(why) = why else { return Err(check.refused()) };
    check.done()?;
    Ok((why, records))
}

/// `Rights.EraseSubject`.
pub(crate) fn erase_subject(
    request: api::EraseSubjectRequest,
) -> Result<(Intent, SubjectId), VaultError> {
    let key = key("EraseSubject", request.intent.as_ref(), &request);
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let subject = check.id("subject_id", &request.subject_id, SubjectId::from_slice);
    let (Some(why), Some(subject)) = (why, subject) else { return Err(check.refused()) };
    check.done()?;
    Ok((why, subject))
}

/// `Records.Assign`.
pub(crate) fn assign(request: api::AssignRequest) -> Result<(Intent, AssignInput), VaultError> {
    let key = key("Assign", request.intent.as_ref(), &request);
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let to = assignee(&mut check, "to", request.to);
    if request.until_ms < 0 {
        check.refuse("until_ms", "is an instant after 1970, or 0");
    }
    let (Some(why), Some(record), Some(to)) = (why, record, to) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, AssignInput { record, to, until: optional_time(request.until_ms) }))
}

/// `Records.Unassign`.
pub(crate) fn unassign(
    request: api::UnassignRequest,
) -> Result<(Intent, RecordId, Assignee), VaultError> {
    let key = key("Unassign", request.intent.as_ref(), &request);
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, key);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let from = assignee(&mut check, "from", request.from);
    let (Some(why), Some(record), Some(from)) = (why, record, from) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, record, from))
}

/// What a request id stands for: method and message. None without an id: nothing is kept of it.
fn key(
    method: &str,
    intent: Option<&api::Intent>,
    message: &impl prost::Message,
) -> Option<RequestKey> {
    let id = RequestId::from_slice(&intent?.request_id).ok()?;
    let bytes = Zeroizing::new(message.encode_to_vec());
    Some(RequestKey::new(id, method, &bytes))
}

fn named_value(check: &mut Check, path: &str, item: api::NamedValue) -> (String, Option<Value>) {
    (item.name, check.value(path, item.value))
}

fn classes(check: &mut Check, given: &[String]) -> Vec<ClassName> {
    let mut classes = Vec::with_capacity(given.len());
    for (position, text) in given.iter().enumerate() {
        let path = format!("classes[{position}]");
        let Some(class) = check.name(&path, text, ClassName::parse) else { continue };
        if classes.contains(&class) {
            check.refuse(path, "is given twice");
        } else {
            classes.push(class);
        }
    }
    if given.is_empty() {
        check.refuse("classes", "name at least one class: what the task needs");
    }
    classes
}

fn page(check: &mut Check, size: u32, cursor: &[u8]) -> Result<PageRequest, VaultError> {
    let after = Cursor::from_bytes(cursor);
    if after.is_none() && !cursor.is_empty() {
        check.refuse("cursor", "is not one that an answer gave; leave it empty for the first page");
    }
    Ok(PageRequest { size: page_size(size, limits::RECORDS_PAGE_MAX)?, after })
}

/// The intent, with the key of a write; a read's request id is for its event alone.
pub(super) fn intent(
    check: &mut Check,
    given: Option<api::Intent>,
    key: Option<RequestKey>,
) -> Option<Intent> {
    let Some(given) = given else {
        check.refuse("intent", "state the purpose of the call");
        return None;
    };
    let purpose = check.name("intent.purpose", &given.purpose, PurposeName::parse);
    if given.justification.len() > limits::JUSTIFICATION_BYTES_MAX {
        let limit = limits::JUSTIFICATION_BYTES_MAX;
        check.refuse("intent.justification", format!("is at most {limit} bytes"));
    }
    let id = check.optional_id("intent.request_id", &given.request_id, RequestId::from_slice);
    let request = key.or_else(|| id.map(|id| RequestKey::new(id, "", &[])));
    let justification = Some(given.justification).filter(|text| !text.trim().is_empty());
    Some(Intent { purpose: purpose?, justification, request })
}

fn assignee(check: &mut Check, path: &str, given: Option<api::Assignee>) -> Option<Assignee> {
    use api::assignee::Kind;
    match given.and_then(|a| a.kind) {
        Some(Kind::Agent(name)) => {
            check.name(&format!("{path}.agent"), &name, AgentId::parse).map(Assignee::Agent)
        }
        Some(Kind::Unit(name)) => {
            check.name(&format!("{path}.unit"), &name, UnitName::parse).map(Assignee::Unit)
        }
        None => {
            check.refuse(path, "name an agent or a unit");
            None
        }
    }
}
