//! What a process had done and not yet noted when it died.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::power::journal::{Change, Dir, Ino, Model, entries};

impl Model {
    /// Adds what was done and not yet noted when the process died, at most one change, as changes are made one by one; and
    /// says so as the journal would have.
    ///
    /// # Panics
    /// There is more, so journal and files do not belong together.
    pub(crate) fn compare(&mut self, root: &Path) -> Option<String> {
        let mut unnoted = Vec::new();
        self.compare_dir(self.root, root, &mut unnoted);
        assert!(unnoted.len() <= 1, "journal and files of {} disagree: {unnoted:?}", root.display());
        unnoted.pop()
    }

    fn compare_dir(&mut self, ino: Ino, path: &Path, unnoted: &mut Vec<String>) {
        let (there, expected) = (entries(path), self.dirs.get(&ino).map(Dir::current).unwrap_or_default());
        let mut gone: BTreeMap<Ino, &String> =
            expected.iter().filter(|(name, _)| !there.contains_key(*name)).map(|(name, ino)| (*ino, name)).collect();
        let mut changes = Vec::new();
        for (name, ino) in there.iter().filter(|(name, ino)| expected.get(*name) != Some(*ino)) {
            changes.push(match gone.remove(ino) {
                Some(from) => Change::Rename { from: from.clone(), to: name.clone(), ino: *ino },
                None => Change::Set { name: name.clone(), ino: *ino },
            });
        }
        changes.extend(gone.into_values().map(|name| Change::Remove { name: name.clone() }));
        for change in changes {
            let line = match &change {
                Change::Set { name, ino: new } if path.join(name).is_dir() => format!("M {ino} {name} {new}"),
                Change::Set { name, ino: new } => format!("C {ino} {name} {new}"),
                Change::Remove { name } => format!("U {ino} {name}"),
                Change::Rename { from, to, ino: moved } => format!("R {ino} {from} {to} {moved}"),
            };
            self.event(&line).expect("an event as the library notes it");
            unnoted.push(line);
        }
        for (name, ino) in there {
            let path = path.join(name);
            if path.is_dir() {
                self.compare_dir(ino, &path, unnoted);
                continue;
            }
            let len = fs::symlink_metadata(&path).expect("a file's data").len();
            if self.files.get(&ino).is_some_and(|file| len < file.durable) {
                let line = format!("T {ino} {len}");
                self.event(&line).expect("an event as the library notes it");
                unnoted.push(line);
            }
        }
    }
}
