//! Views of the compiled policies that only tests need, and the splitting of files.

use std::collections::BTreeSet;

use super::*;

impl Engine {
    /// The same engine with every policy in every slice.
    pub(in crate::policy) fn unsliced(mut self) -> Self {
        let mut all = PolicySet::new();
        let mut seen = BTreeSet::new();
        let own = self.slots().flat_map(|slot| slot.by_role.values()).map(|slice| &slice.policies);
        let shared = self.collections.values().flat_map(|slots| slots.shared.values());
        for policy in own.chain(shared.flat_map(HashMap::values)).flat_map(PolicySet::policies) {
            if seen.insert(policy.id().to_string()) {
                all.add(policy.clone()).unwrap();
            }
        }
        assert_eq!(seen.len(), self.refs.len(), "a policy that is in no slice can never decide");
        self.collections.values_mut().for_each(|slots| slots.shared.clear());
        let collections = self.collections.values_mut();
        let data = collections.flat_map(|slots| {
            let classes = slots.classes.values_mut();
            let classes =
                classes.flat_map(|c| [&mut c.reveal, &mut c.mask, &mut c.matching, &mut c.write]);
            classes.chain([
                &mut slots.create,
                &mut slots.assign,
                &mut slots.erase,
                &mut slots.hold,
                &mut slots.derive,
                &mut slots.restrict,
            ])
        });
        for slot in data.chain(self.vault.values_mut()) {
            for slice in slot.by_role.values_mut() {
                *slice = Slice { policies: all.clone(), permits: Purposes::Any };
            }
        }
        self
    }

    /// How many policies each slice holds.
    pub(in crate::policy) fn slice_sizes(&self) -> Vec<usize> {
        let slices = self.slots().flat_map(|slot| slot.by_role.values());
        slices.map(|slice| slice.policies.num_of_policies()).collect()
    }

    /// Every policy's id.
    pub(in crate::policy) fn policy_ids(&self) -> Vec<String> {
        self.refs.values().map(|policy| policy.id.clone()).collect()
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        let data = self.collections.values().flat_map(|slots| {
            let classes = slots.classes.values();
            let classes = classes.flat_map(|c| [&c.reveal, &c.mask, &c.matching, &c.write]);
            classes.chain([
                &slots.create,
                &slots.assign,
                &slots.erase,
                &slots.hold,
                &slots.derive,
                &slots.restrict,
            ])
        });
        data.chain(self.vault.values())
    }
}

#[test]
fn statements_end_at_semicolons_that_are_neither_in_strings_nor_in_comments() {
    let text = "// a; comment\npermit (\"a;\\\"b;\") // x;\n;\n\n  forbid; // y;\nrest";
    let found: Vec<_> = super::compile::statements(text);
    let starts: Vec<usize> = found.iter().map(|(offset, _)| *offset).collect();
    let texts: Vec<&str> = found.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["permit (\"a;\\\"b;\") // x;\n;", "forbid;", "rest"]);
    assert_eq!(starts, [14, text.find("forbid").unwrap(), text.find("rest").unwrap()]);
}

#[test]
fn a_pack_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<crate::policy::Pack>();
}
