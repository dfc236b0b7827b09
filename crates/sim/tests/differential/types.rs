//! Every type, alone and all together: what each region shows is what the set of its records says.

use halcyon_sim::workload::diet::Diet;

use crate::observer::Truthful;
use crate::runner::check;

fn show_what_the_set_of_records_says(diet: Diet) {
    check(diet, 300, Truthful::default);
}

macro_rules! each {
    ($($name:ident: $diet:ident,)*) => { $(
        #[test]
        fn $name() {
            show_what_the_set_of_records_says(Diet::$diet);
        }
    )* };
}

each! {
    registers_show_what_the_set_of_records_says: Registers,
    multi_value_registers_show_what_the_set_of_records_says: Values,
    counters_show_what_the_set_of_records_says: Counters,
    flags_and_sets_show_what_the_set_of_records_says: Sets,
    maps_show_what_the_set_of_records_says: Maps,
    sorted_sets_show_what_the_set_of_records_says: SortedSets,
    lists_show_what_the_set_of_records_says: Lists,
    hyperloglogs_show_what_the_set_of_records_says: HyperLogLogs,
    bounded_counters_show_what_the_set_of_records_says: BoundedCounters,
    keys_that_end_show_what_the_set_of_records_says: Deadlines,
    all_types_together_show_what_the_set_of_records_says: Mixed,
}
