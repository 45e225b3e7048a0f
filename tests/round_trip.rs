//! What is printed reads back to the same: random local types, sets of them, global types, sorts.

use crate::strategies;
use crate::strategies::Size;
use antiphon::types::{GlobalType, LocalType, LocalTypes};
use proptest::prelude::*;

proptest! {
    #![proptest_config(strategies::cases(256))]

    #[test]
    fn local_types_read_back(local in strategies::local(Size::SMALL)) {
        let text = local.to_string();
        let again: LocalType = text.parse().map_err(|e| TestCaseError::fail(format!("{text}\n{e}")))?;
        prop_assert_eq!(again, local, "{}", text);
    }

    #[test]
    fn the_dual_of_the_dual_is_the_type(local in strategies::local(Size::SMALL)) {
        prop_assert_eq!(local.dual().dual(), local);
    }

    #[test]
    fn sets_of_local_types_read_back(locals in strategies::locals(Size::SMALL)) {
        let text = locals.to_string();
        let again: LocalTypes = text.parse().map_err(|e| TestCaseError::fail(format!("{text}\n{e}")))?;
        prop_assert_eq!(again, locals, "{}", text);
    }

    #[test]
    fn global_types_read_back_as_the_same_protocol(global in strategies::global(Size::SMALL)) {
        let text = global.to_string();
        let again: GlobalType = text.parse().map_err(|e| TestCaseError::fail(format!("{text}\n{e}")))?;
        prop_assert_eq!(again, global, "{}", text);
    }
}
