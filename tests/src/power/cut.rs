//! The power cut itself: a disk is cut back to what is durable, and the rest is drawn.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::dice::Dice;
use crate::power::disk::Disk;
use crate::power::journal::{self, Contents, Dir, Ino, Model};

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing.
    Nothing,
    /// Drawn for each file and directory: nothing, a part, all of it, or a part in disorder.
    Drawn,
    /// The same, but of each unsynced tail there is a part, and that in disorder.
    Disorder,
}

/// What a power cut has done to a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cut {
    /// Per file with an unsynced tail: what became of it.
    pub tails: Vec<String>,
    /// Of those, how many hold bytes that nobody wrote there.
    pub garbled: u64,
    /// Changes to directories that were undone.
    pub undone: Vec<String>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tails, undone, .. } = self;
        if tails.is_empty() && undone.is_empty() {
            return write!(f, "nothing was unsynced");
        }
        write!(f, "{}", tails.join("; "))?;
        if !undone.is_empty() {
            write!(f, "{}undone: {}", if tails.is_empty() { "" } else { "; " }, undone.join(", "))?;
        }
        Ok(())
    }
}

impl Disk {
    /// Cuts the power. No process uses the disk. Afterwards all that is left is durable, as after a start of the machine.
    pub fn cut(&self, dice: &mut Dice, leaves: Leaves) -> Cut {
        let model = self.settle();
        let mut held = BTreeMap::new();
        hold(&self.files, &mut held);
        hold(&self.aside, &mut held);
        let after = self.files.with_extension("after");
        let mut power = Power { model, held, aside: &self.aside, dice, leaves, cut: Cut::default() };
        power.directory(power.model.root, &after);
        let cut = power.cut;
        fs::remove_dir_all(&self.files).expect("the files before");
        fs::rename(&after, &self.files).expect("the files after");
        fs::remove_dir_all(&self.aside).expect("what was put aside");
        fs::create_dir(&self.aside).expect("a directory aside");
        self.all_durable();
        cut
    }
}

/// Where each file is.
fn hold(dir: &Path, held: &mut BTreeMap<Ino, PathBuf>) {
    for (name, ino) in journal::entries(dir) {
        let path = dir.join(name);
        if path.is_dir() {
            hold(&path, held);
        } else {
            held.insert(ino, path);
        }
    }
}

struct Power<'a> {
    model: Model,
    held: BTreeMap<Ino, PathBuf>,
    aside: &'a Path,
    dice: &'a mut Dice,
    leaves: Leaves,
    cut: Cut,
}

impl Power<'_> {
    /// Makes `path` what is left of a directory.
    fn directory(&mut self, ino: Ino, path: &Path) {
        fs::create_dir(path).expect("a new directory");
        let dir = self.model.dirs.get(&ino).cloned().unwrap_or_default();
        for (name, ino) in self.entries(&dir) {
            let path = path.join(&name);
            if self.model.dirs.contains_key(&ino) {
                assert!(!self.held.contains_key(&ino), "{name}, inode {ino}, is a file, and known as a directory");
                self.directory(ino, &path);
                continue;
            }
            let held = self.held.get(&ino).unwrap_or_else(|| panic!("{name}, inode {ino}, was not put aside"));
            fs::hard_link(held, &path).expect("a link");
            let contents = self.model.files.get(&ino).cloned().unwrap_or_default();
            self.contents(&name, contents, &path);
        }
    }

    /// Which of the unsynced changes came through. A file system may keep their order, or make each when it likes.
    fn entries(&mut self, dir: &Dir) -> BTreeMap<String, Ino> {
        let count = dir.pending.len() as u64;
        let style = if self.leaves == Leaves::Nothing || count == 0 { 0 } else { self.dice.below(4) };
        let upto = if style == 2 { self.dice.below(count + 1) } else { 0 };
        let mut entries = dir.durable.clone();
        for ((_, change), at) in dir.pending.iter().zip(0_u64..) {
            let kept = match style {
                0 => false,
                1 => true,
                2 => at < upto,
                _ => self.dice.below(2) == 0,
            };
            if kept {
                change.apply(&mut entries);
            } else {
                self.cut.undone.push(change.to_string());
            }
        }
        entries
    }

    /// Cuts a file back to what is durable of it, and draws what is left of the rest.
    fn contents(&mut self, name: &str, mut contents: Contents, path: &Path) {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("a file");
        self.replaced(name, &contents.replaced, &file);
        self.longer(name, &mut contents, &file);
        let (durable, len) = (contents.durable, file.metadata().expect("its data").len());
        assert!(durable <= len, "{name} has {len} bytes, of which {durable} were synced");
        let left = if durable < len { self.tail(name, &file, durable, len) } else { len };
        file.set_len(left).expect("a shorter file");
        for (from, upto) in &contents.lost {
            let upto = (*upto).min(left);
            if *from < upto {
                fill(&file, *from, upto, |bytes| bytes.fill(0));
                self.cut.tails.push(format!("{name}: bytes {from}..{upto}, whose sync failed, are zeros"));
            }
        }
    }

    /// Which of the unsynced writes over older bytes came through: so many of the first.
    fn replaced(&mut self, name: &str, replaced: &[(u64, Vec<u8>)], file: &File) {
        let writes = replaced.len() as u64;
        let kept = if self.leaves == Leaves::Nothing { 0 } else { self.dice.below(writes + 1) };
        for (at, old) in replaced.iter().skip(usize::try_from(kept).expect("few writes")).rev() {
            file.write_all_at(old, *at).expect("bytes written");
        }
        if kept < writes && !is_diary(name) {
            self.cut.tails.push(format!("{name}: {kept} of {writes} writes in place"));
        }
    }

    /// Which of the unsynced cut-offs came through: so many of the first. Of those that did not, the end is there again,
    /// and what was written since is not.
    fn longer(&mut self, name: &str, contents: &mut Contents, file: &File) {
        let cuts = contents.longer.len() as u64;
        let kept = if self.leaves == Leaves::Nothing || cuts == 0 { 0 } else { self.dice.below(cuts + 1) };
        for longer in contents.longer.drain(usize::try_from(kept).expect("few cut-offs")..).rev() {
            let end = fs::read(self.aside.join(&longer.end)).expect("an end that was put aside");
            file.set_len(longer.left).expect("a shorter file");
            file.write_all_at(&end, longer.left).expect("bytes written");
            self.cut.undone.push(format!("{name} cut to {}", longer.left));
            (contents.durable, contents.lost) = (longer.durable, longer.lost);
        }
    }

    /// What becomes of the bytes that no sync covered. Says how long the file is then.
    fn tail(&mut self, name: &str, file: &File, durable: u64, len: u64) -> u64 {
        let tail = len - durable;
        let style = match self.leaves {
            Leaves::Nothing => 0,
            Leaves::Drawn => self.dice.below(8),
            Leaves::Disorder => 4 + self.dice.below(4),
        };
        let left = match style {
            0 | 1 => durable,
            2 => len,
            _ => durable + 1 + self.dice.below(tail),
        };
        let (from, upto) = self.somewhere(durable, left);
        let mut garbled = style >= 4;
        let what = match style {
            0 | 1 => "gone".to_owned(),
            2 => "kept".to_owned(),
            3 => format!("cut to {}", left - durable),
            4 => {
                let dice = &mut *self.dice;
                fill(file, from, left, |bytes| bytes.iter_mut().for_each(|byte| *byte = dice.roll().to_le_bytes()[0]));
                format!("cut to {}, noise from {}", left - durable, from - durable)
            }
            5 => {
                fill(file, from, left, |bytes| bytes.fill(0));
                format!("cut to {}, zeros from {}", left - durable, from - durable)
            }
            6 => {
                fill(file, from, upto, |bytes| bytes.fill(0));
                format!("cut to {}, zeros in {}..{}", left - durable, from - durable, upto - durable)
            }
            _ => {
                let sector = if self.dice.below(2) == 0 { 512 } else { 4096 };
                let torn = self.tear(file, durable, left, sector);
                garbled = torn > 0;
                format!("cut to {}, {torn} sectors of {sector} never written", left - durable)
            }
        };
        if !is_diary(name) {
            self.cut.garbled += u64::from(garbled);
            self.cut.tails.push(format!("{name} ({tail} unsynced): {what}"));
        }
        left
    }

    /// A range that is not empty, if the one given is not.
    fn somewhere(&mut self, from: u64, upto: u64) -> (u64, u64) {
        if from == upto {
            return (from, upto);
        }
        let start = from + self.dice.below(upto - from);
        (start, start + 1 + self.dice.below(upto - start))
    }

    /// Writes half of the sectors back to what they held before there was anything: zeros.
    fn tear(&mut self, file: &File, durable: u64, left: u64, sector: u64) -> u64 {
        let mut torn = 0;
        for number in durable / sector..left.div_ceil(sector) {
            if self.dice.below(2) == 0 {
                fill(file, (number * sector).max(durable), ((number + 1) * sector).min(left), |bytes| bytes.fill(0));
                torn += 1;
            }
        }
        torn
    }
}

/// Whether it is what the database tells about itself, which nothing depends on and nothing is told about.
fn is_diary(name: &str) -> bool {
    name.starts_with("LOG")
}

/// Overwrites a range of a file.
fn fill(file: &File, from: u64, upto: u64, with: impl FnOnce(&mut [u8])) {
    let mut bytes = vec![0; usize::try_from(upto - from).expect("a tail that fits into memory")];
    with(&mut bytes);
    file.write_all_at(&bytes, from).expect("bytes written");
}
