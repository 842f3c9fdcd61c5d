//! The statement of a certificate, in English and French: what is proven for each class.
//!
//! DESIGN section 4, "say exactly what is proven": never claim more. The quoted words are the design's.

use super::{Bilingual, ERASURE, RESEAL};
use crate::keyring::PlaceClass;

/// A purge as far as every class proves it.
const PROVEN_EN: &str = "The fields of the cohorts named above are unreadable to anyone, the root key included, who has no copy of the generation key from before the scrub.";
const PROVEN_FR: &str = "Les champs des cohortes nommées ci-dessus sont illisibles pour quiconque, clé racine comprise, ne détient pas de copie de la clé de génération d'avant l'effacement de l'ancre.";

/// The same of an erasure of single records.
const ERASED_EN: &str = "The fields of the records counted above, which lay in the cohorts named above, are unreadable to anyone, the root key included, who has no copy of the generation key from before the scrub.";
const ERASED_FR: &str = "Les champs des fiches dénombrées ci-dessus, qui appartenaient aux cohortes nommées ci-dessus, sont illisibles pour quiconque, clé racine comprise, ne détient pas de copie de la clé de génération d'avant l'effacement de l'ancre.";

/// The same of former versions, whose records live on under other keys.
const RESEALED_EN: &str = "What was sealed under the former keys of the records counted above, which lay in the cohorts named above, is unreadable to anyone, the root key included, who has no copy of the generation key from before the scrub. The records live on under other keys.";
const RESEALED_FR: &str = "Ce qui était scellé sous les anciennes clés des fiches dénombrées ci-dessus, qui appartenaient aux cohortes nommées ci-dessus, est illisible pour quiconque, clé racine comprise, ne détient pas de copie de la clé de génération d'avant l'effacement de l'ancre. Les fiches subsistent sous d'autres clés.";

/// What is proven when the weakest place is of this class.
pub(in super::super) fn statement(what: &str, class: PlaceClass) -> Bilingual {
    let (proven_en, proven_fr) = match what {
        ERASURE => (ERASED_EN, ERASED_FR),
        RESEAL => (RESEALED_EN, RESEALED_FR),
        _ => (PROVEN_EN, PROVEN_FR),
    };
    let (en, fr) = match class {
        PlaceClass::L0 => (
            "Class L0: the old generation key was overwritten in a file and read back, on a flash, copy-on-write, virtual, network or mapped disk, or one whose nature is unknown: the old slot may physically survive there.",
            "Classe L0 : l'ancienne clé de génération a été réécrite dans un fichier puis relue, sur un disque à mémoire flash, à copie sur écriture, virtuel, en réseau ou indirect, ou de nature inconnue : l'ancien emplacement peut y subsister physiquement.",
        ),
        PlaceClass::L1 => (
            "Class L1: the old generation key was overwritten in place on a raw magnetic disk and read back past the page cache.",
            "Classe L1 : l'ancienne clé de génération a été réécrite sur place sur un disque magnétique brut, puis relue hors du cache.",
        ),
        PlaceClass::L2 => (
            "Class L2: the old generation key was replaced in the non-volatile memory of a TPM.",
            "Classe L2 : l'ancienne clé de génération a été remplacée dans la mémoire non volatile d'un TPM.",
        ),
        PlaceClass::L3 => (
            "Class L3: the old generation key was destroyed by a key service in another administrative domain.",
            "Classe L3 : l'ancienne clé de génération a été détruite par un service de clés d'un autre domaine d'administration.",
        ),
    };
    Bilingual { en: format!("{proven_en} {en}"), fr: format!("{proven_fr} {fr}") }
}
