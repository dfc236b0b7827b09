//! The table of concurrent pairs of DESIGN §4, one test per pair: as the scenario says, and, where no clock decides, with
//! every other cast of regions.

use halcyon_sim::kernel::Kernel;
use halcyon_sim::scenario::{Region, Regions, Scenario, StepKind, Verdict, parse, run};

const PAIRS: &str = include_str!("../scenarios/pairs.txt");

/// Every cast of three regions.
const CASTS: [[Region; 3]; 6] = [
    [Region::A, Region::B, Region::C],
    [Region::A, Region::C, Region::B],
    [Region::B, Region::A, Region::C],
    [Region::B, Region::C, Region::A],
    [Region::C, Region::A, Region::B],
    [Region::C, Region::B, Region::A],
];

#[cfg(test)]
fn cast(scenario: &Scenario, cast: [Region; 3]) -> Scenario {
    let mut scenario = scenario.clone();
    for step in scenario.steps.iter_mut().flatten() {
        match &mut step.kind {
            StepKind::Write { region, .. }
            | StepKind::Fails { region, .. }
            | StepKind::Expect { regions: Regions::One(region), .. } => *region = cast[region.index()],
            StepKind::Pull { from, to, .. } => (*from, *to) = (cast[from.index()], cast[to.index()]),
            StepKind::Sync | StepKind::Advance(_) | StepKind::Expect { .. } => {}
            other => panic!("a pair needs no `{other}`"),
        }
    }
    scenario
}

#[cfg(test)]
fn comes_out_as_it_says(name: &str) {
    let scenario = parse("pairs.txt", PAIRS).unwrap().into_iter().find(|scenario| scenario.name == name).unwrap();
    assert_eq!(run(&scenario, &mut Kernel::default()), Verdict::Passed);
    let clocks = scenario.steps.iter().flatten().any(|step| matches!(step.kind, StepKind::Clock { .. }));
    for regions in CASTS.into_iter().filter(|_| !clocks) {
        assert_eq!(run(&cast(&scenario, regions), &mut Kernel::default()), Verdict::Passed, "cast {regions:?}");
    }
}

macro_rules! pairs {
    ($($name:ident: $scenario:literal,)*) => {
        $(
            #[test]
            fn $name() {
                comes_out_as_it_says($scenario);
            }
        )*

        #[test]
        fn every_pair_has_its_test() {
            let tested = [$($scenario),*];
            let all: Vec<_> = parse("pairs.txt", PAIRS).unwrap().into_iter().map(|scenario| scenario.name).collect();
            assert_eq!(all, tested);
        }
    };
}

pairs! {
    set_and_set_the_higher_stamp_wins_whoever_is_heard_first: "set ‖ set: the higher stamp wins, whoever is heard first",
    set_and_set_of_equal_stamps_the_higher_region_wins: "set ‖ set: of equal stamps the higher region wins",
    set_and_delete_the_set_survives: "set ‖ delete: the set survives",
    inc_and_reset_only_the_increment: "inc ‖ reset: only the increment",
    reset_and_reset_one_reset: "reset ‖ reset: one reset",
    add_and_remove_in: "add ‖ remove: in",
    enable_and_disable_enabled: "enable ‖ disable: enabled",
    update_and_remove_field_only_the_leaves_of_the_update: "update ‖ remove field: only the leaves of the update",
    remove_parent_and_nested_add_only_the_addition: "remove parent ‖ nested add: only the addition",
    zadd_and_zincr_the_new_score_and_the_increment: "zadd ‖ zincr: the new score and the increment",
    zrem_and_zincr_the_increment_alone: "zrem ‖ zincr: the increment alone",
    insert_and_remove_of_its_neighbour_it_stays_in_place: "insert ‖ remove of its neighbour: it stays in place",
    set_element_and_remove_it_the_set_survives_in_its_place: "set element ‖ remove it: the set survives, in its place",
    any_op_and_delete_key_only_that_ops_own_contribution: "any op ‖ delete key: only that op's own contribution",
    pfadd_and_delete_deleted_the_generation_died: "pfadd ‖ delete: deleted, the generation died",
    escrow_top_up_and_delete_deleted_the_generation_died: "escrow top-up ‖ delete: deleted, the generation died",
    expire_and_expire_the_later_deadline: "expire ‖ expire: the later deadline",
    persist_and_expire_persist: "persist ‖ expire: persist",
    mvset_and_mvset_both_until_a_write_has_seen_both: "mvset ‖ mvset: both, until a write has seen both",
    mvset_and_delete_the_write_survives: "mvset ‖ delete: the write survives",
    remove_and_remove_of_one_list_element_one_removal: "remove ‖ remove of one list element: one removal",
    move_and_move_of_one_list_element_both_copies_stand_where_they_went: "move ‖ move of one list element: both copies stand where they went",
    insert_and_insert_into_one_gap_both_stay_between_in_one_order_everywhere: "insert ‖ insert into one gap: both stay between, in one order everywhere",
    zadd_and_zrem_the_zadd_survives: "zadd ‖ zrem: the zadd survives",
    zadd_and_zadd_the_higher_stamp_wins_and_each_drops_only_the_increments_it_saw: "zadd ‖ zadd: the higher stamp wins, and each drops only the increments it saw",
}
