//! What remains readable after a purge or an erasure: one item for each thing, with a stable code and a
//! sentence in both languages.
//!
//! It must leave nothing out that this program knows of, and must not call gone what is only out of use.
//! A code never changes its meaning; new ones are added.

use super::{
    PURGE, RESEAL,
    parts::{Bilingual, Readable},
};

/// What decides which items a certificate has.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Forgotten<'a> {
    /// [`PURGE`], [`super::ERASURE`] or [`RESEAL`].
    pub(in super::super) what: &'a str,
    /// T2 is reached: the index keys that the searchable values lay under are destroyed.
    pub(in super::super) unsearchable: bool,
    /// Holds are in force.
    pub(in super::super) holds: bool,
    /// A place was removed without having been scrubbed.
    pub(in super::super) unscrubbed: bool,
}

/// One item: code, English, French.
type Item = (&'static str, &'static str, &'static str);

const IDS: Item = (
    "ids",
    "in copies of the data folder from before: random ids of records, cohorts and segments",
    "dans les copies antérieures du dossier de données : identifiants aléatoires de fiches, de cohortes et de segments",
);
const SHAPE: Item = (
    "shape",
    "in copies of the data folder from before: how many records a cohort had, which classes each had, their versions, and the size of each sealed section to the next 64 bytes",
    "dans les copies antérieures du dossier de données : le nombre de fiches d'une cohorte, les classes de chacune, leurs versions, et la taille de chaque section scellée aux 64 octets supérieurs",
);
const DATES: Item = (
    "dates",
    "in copies of the data folder from before, and in this certificate: collection, expiry date and zone of the cohorts",
    "dans les copies antérieures du dossier de données et dans ce certificat : collection, date d'expiration et fuseau des cohortes",
);
const REQUESTS: Item = (
    "requests",
    "in copies of the data folder from before: the random ids of requests, each with the record it wrote",
    "dans les copies antérieures du dossier de données : les identifiants aléatoires de requêtes, chacun avec la fiche écrite",
);
const TOKENS_DEAD: Item = (
    "tokens",
    "in copies of the data folder from before: keyed tokens of searchable values; since t2 their key is destroyed like the section keys, so that they confirm no guess, but equal values within a cohort still show as equal",
    "dans les copies antérieures du dossier de données : jetons à clé des valeurs recherchables ; depuis t2 leur clé est détruite comme celles des sections, ils ne confirment plus aucune valeur devinée, mais des valeurs égales d'une même cohorte y restent visiblement égales",
);
const TOKENS_ALIVE: Item = (
    "tokens-confirmable",
    "until t2, in copies of the data folder from before: keyed tokens of searchable values, with which who holds the cohort's index key can confirm a guessed value",
    "jusqu'à t2, dans les copies antérieures du dossier de données : jetons à clé des valeurs recherchables, avec lesquels le détenteur de la clé d'index de la cohorte peut confirmer une valeur devinée",
);
const LEAVES: Item = (
    "log-leaves",
    "for ever: the leaves of the audit log (number, time, kind, hash of a sealed detail); nothing personal is in them",
    "pour toujours : les feuilles du journal (numéro, heure, nature, empreinte d'un détail scellé) ; rien de personnel n'y figure",
);
const EVENTS: Item = (
    "log-events",
    "to who may read the log, until the events' own expiry: who did what to these records, by random record id, field name and reason; never a value",
    "pour qui peut lire le journal, jusqu'à l'expiration propre des événements : qui a fait quoi sur ces fiches, par identifiant aléatoire, nom de champ et motif ; jamais une valeur",
);
const SIBLINGS: Item = (
    "neighbours",
    "all other records of the cohorts named above, until their date",
    "toutes les autres fiches des cohortes nommées ci-dessus, jusqu'à leur date",
);
const PLACES: Item = (
    "place-copies",
    "to who kept a copy of a key place from before the scrub, and holds the root secret of that time and a copy of the data folder: everything that place could open",
    "pour qui a gardé une copie d'un emplacement de clés d'avant l'effacement, détient le secret racine d'alors et une copie du dossier de données : tout ce que cet emplacement pouvait ouvrir",
);
const UNSCRUBBED: Item = (
    "unscrubbed-places",
    "to who holds a place named under removed_places, with the root secret of that time and a copy of the data folder: everything that the generation before its removal could open",
    "pour qui détient un emplacement cité sous removed_places, le secret racine d'alors et une copie du dossier de données : tout ce que la génération d'avant son retrait pouvait ouvrir",
);
const HELD: Item = (
    "held",
    "records under the holds listed above: a hold keeps its records from every purge and erasure until it is released",
    "les fiches sous les gels énumérés ci-dessus : un gel soustrait ses fiches à toute purge et à tout effacement jusqu'à sa levée",
);
const MOVED: Item = (
    "moved-records",
    "the records counted above as they are now, under other keys, until their date",
    "les fiches dénombrées ci-dessus dans leur état actuel, sous d'autres clés, jusqu'à leur date",
);
const GIVEN: Item = (
    "given-out",
    "whatever the vault answered or exported before: it cannot reach what has left it",
    "tout ce que le coffre a communiqué ou exporté auparavant : il n'atteint pas ce qui l'a quitté",
);

/// The items that are true of this run.
pub(in super::super) fn readable(of: Forgotten<'_>) -> Vec<Readable> {
    let tokens = if of.unsearchable { TOKENS_DEAD } else { TOKENS_ALIVE };
    let always = [IDS, SHAPE, DATES, REQUESTS, tokens, LEAVES, EVENTS, PLACES, GIVEN];
    let sometimes = [
        (SIBLINGS, of.what != PURGE),
        (MOVED, of.what == RESEAL),
        (HELD, of.holds),
        (UNSCRUBBED, of.unscrubbed),
    ];
    let sometimes = sometimes.into_iter().filter(|(_, holds)| *holds).map(|(item, _)| item);
    let item = |(code, en, fr): Item| Readable {
        code: code.to_owned(),
        text: Bilingual { en: en.to_owned(), fr: fr.to_owned() },
    };
    always.into_iter().chain(sometimes).map(item).collect()
}
