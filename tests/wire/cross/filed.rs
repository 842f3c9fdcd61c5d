//! The records that a role is asked about: filed over the socket by who may, as the oracle says, and
//! queued by the feed.

use std::collections::{BTreeMap, BTreeSet};

use oubliette::{
    client::types::{Assignee, Intent, NewRecord, Value},
    ids::RecordId,
};

use super::{
    expect::Given,
    table::F0,
    world::{ALL, Shape, Standing, Who, World},
};
use crate::support::Served;

pub(super) const DAY: &str = "2020-11-22";

/// A record, as whoever filed it left it and the calls here change it.
pub(super) struct Kept {
    pub(super) shape: Shape,
    pub(super) record: RecordId,
    pub(super) version: u32,
    pub(super) standing: Standing,
    /// Its values, by field and attribute.
    pub(super) values: BTreeMap<String, Value>,
}

/// A case and a contact that somebody knows for P2: ids as a link names them.
pub(super) type Ends = (String, String);

/// A new record of this shape with these classes of fields.
pub(super) fn new_record(
    shape: &Shape,
    classes: &BTreeSet<&str>,
    territory: &str,
    ends: Option<&Ends>,
) -> NewRecord {
    let ends = ends.map(|(case, contact)| (case.as_str(), contact.as_str()));
    let mine = shape.fields.iter().filter(|field| classes.contains(field.class.as_str()));
    NewRecord {
        collection: shape.name.clone(),
        subject: None,
        collected_on: DAY.to_owned(),
        attributes: shape.circumstance(territory),
        fields: mine.map(|field| (field.name.clone(), field.sample(ends))).collect(),
    }
}

/// What this one may file of this shape, for the purpose for which it is most.
fn may_file<'w>(world: &'w World, who: Who, shape: &Shape) -> Option<(&'w str, BTreeSet<&'w str>)> {
    let standing = Standing { own: true, queued: false };
    let classes = world.oracle.classes(&shape.name);
    let for_purpose = |purpose: &'w str| {
        let may = |class: &&str| {
            let asked = ("create", purpose, *class);
            world.says(who, asked, shape, standing).given == Given::Whole
        };
        let may: BTreeSet<&str> = classes.iter().copied().filter(may).collect();
        let whole = classes.iter().all(|c| may.contains(c) || (*c != F0 && !shape.needs(c)));
        whole.then_some((purpose, may))
    };
    let found = world.oracle.purposes().into_iter().filter_map(for_purpose);
    found.max_by_key(|(_, may)| may.len())
}

/// Files one record of each shape for a role, and remembers the ends for links of others.
pub(super) async fn file_for(
    served: &Served<'_>,
    world: &World,
    who: Who,
    ends: &mut BTreeMap<&'static str, Ends>,
) -> Vec<Kept> {
    let mut all: Vec<Kept> = Vec::new();
    for shape in &world.shapes {
        let id = |name: &str| all.iter().find(|kept| kept.shape.name == name);
        if shape.name == "links" {
            let (case, contact) = (id("cases").unwrap(), id("contacts").unwrap());
            let known = |kept: &Kept| world.knows(who, "p2", &kept.shape, kept.standing);
            if known(case) && known(contact) {
                ends.insert(who.agent, (case.record.to_string(), contact.record.to_string()));
            }
        }
        all.push(file_one(served, world, (who, shape), ends).await);
    }
    all
}

async fn file_one(
    served: &Served<'_>,
    world: &World,
    (who, shape): (Who, &Shape),
    ends: &BTreeMap<&'static str, Ends>,
) -> Kept {
    let feed = if who.is_elsewhere() { "feed-971" } else { "feed-974" };
    let intake = Who { agent: feed, ..ALL.into_iter().find(|w| w.role == "intake").unwrap() };
    let near = ALL.into_iter().filter(|w| w.territory() == who.territory());
    let could = [who, intake].into_iter().chain(near);
    let mut found = could.filter_map(|by| {
        let (purpose, classes) = may_file(world, by, shape)?;
        let own_ends = ends.get(by.agent);
        (shape.name != "links" || own_ends.is_some()).then_some((by, purpose, classes, own_ends))
    });
    let (by, purpose, classes, ends) = found.next().unwrap();
    let new = new_record(shape, &classes, who.territory(), ends);
    let values = new.attributes.iter().chain(&new.fields).cloned().collect();
    // A link is filed for a purpose for which its filer knows both ends.
    let purpose = if shape.name == "links" { "p2" } else { purpose };
    let client = served.as_agent(by.agent).await;
    let created = client.create(&Intent::of(purpose), new).await;
    let created =
        created.unwrap_or_else(|e| panic!("{} files {} for {purpose}: {e}", by.agent, shape.name));
    let mut kept = Kept {
        shape: shape.clone(),
        record: created.record,
        version: created.version,
        standing: Standing { own: by.agent == who.agent, queued: false },
        values,
    };
    let queueable = matches!(shape.name.as_str(), "cases" | "contacts" | "links");
    if queueable && !who.unit.is_empty() {
        let (feed, to) = (served.as_agent(feed).await, Assignee::Unit(who.unit.to_owned()));
        kept.version =
            feed.assign(&Intent::of("p2"), kept.record, &to, None).await.unwrap().version;
        kept.standing.queued = true;
    }
    kept
}
