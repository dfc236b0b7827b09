//! The skeleton's process, for the benches to start: `skeleton DIR`.

/// As the node's process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("skeleton: which directory? The benches start this program: cargo bench -p halcyon-benches");
        std::process::exit(2);
    };
    halcyon_benches::skeleton::serve(dir.as_ref());
}
