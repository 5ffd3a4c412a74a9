//! Who plays which part: the units of the story, their real codes and names, and what becomes of them.

use std::ops::Range;

use hopluu_model::tree::UnitTree;
use hopluu_model::{Date, UnitId};

/// The province and the district.
pub(super) const PROVINCE: &str = "45";
pub(super) const DISTRICT: &str = "465";
/// The day whose tree the period 2016-2020 counts by.
pub(super) const TREE_DAY: Date = Date::constant(2020, 12, 14);

/// The offices with a machine of their own, in the township of Lao Bảo.
pub(super) const OFFICES: [&str; 3] = ["police", "health", "culture"];

/// Lao Bảo: its offices write one report apart.
pub(super) const OFFICE_COMMUNE: usize = 1;
/// Hướng Lập, on the border: silent until the last window.
pub(super) const SILENT: usize = 2;
/// Thanh: killed while it writes.
pub(super) const KILLED: usize = 17;
/// Hướng Việt: its folder is encrypted.
pub(super) const ENCRYPTED: usize = 3;
/// Hướng Phùng: its people have accounts.
pub(super) const STAFFED: usize = 4;
/// Tân Lập, Tân Liên, Húc, Thuận: their link is cut.
pub(super) const CUT: Range<usize> = 11..15;

/// A unit of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Player {
    pub(super) unit: UnitId,
    pub(super) name: String,
}

/// Everybody who has a node of their unit.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) province: Player,
    pub(super) district: Player,
    /// In the order of their codes.
    pub(super) communes: Vec<Player>,
}

impl Cast {
    /// The real units of the tree that comes with the program.
    pub(super) fn of(tree: &UnitTree) -> Option<Self> {
        let player = |unit: &UnitId| {
            let name = tree.unit(unit)?.name_on(TREE_DAY).to_owned();
            Some(Player {
                unit: unit.clone(),
                name,
            })
        };
        let find = |code: &str| player(&tree.resolve(code, Some(TREE_DAY)).ok()?);
        let district = find(DISTRICT)?;
        let communes = tree
            .children(&district.unit, TREE_DAY)
            .into_iter()
            .map(player);
        let communes = communes.collect::<Option<Vec<_>>>()?;
        Some(Self {
            province: find(PROVINCE)?,
            district,
            communes,
        })
    }

    /// A commune's name.
    pub(super) fn name(&self, commune: usize) -> &str {
        self.communes
            .get(commune)
            .map_or("", |player| player.name.as_str())
    }

    /// Communes that report in the ordinary way.
    pub(super) fn ordinary(&self) -> Vec<usize> {
        let is_ordinary =
            |at: &usize| ![OFFICE_COMMUNE, SILENT, KILLED].contains(at) && !CUT.contains(at);
        (0..self.communes.len()).filter(is_ordinary).collect()
    }
}

/// How much of the figures a commune gets: the two townships most of it, the others a little in turn.
pub(super) fn weight(commune: usize) -> u64 {
    match commune {
        0 => 8,
        OFFICE_COMMUNE => 9,
        _ => [2, 1, 3, 1, 2].get(commune % 5).copied().unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_played_by_the_real_communes_of_huong_hoa() {
        let cast = Cast::of(&crate::shipped::tree().unwrap()).unwrap();
        assert_eq!(cast.communes.len(), 21);
        assert_eq!(
            (cast.province.name.as_str(), cast.district.name.as_str()),
            ("Tỉnh Quảng Trị", "Huyện Hướng Hóa")
        );
        let names = [OFFICE_COMMUNE, SILENT, KILLED].map(|at| cast.name(at));
        assert_eq!(names, ["Thị trấn Lao Bảo", "Xã Hướng Lập", "Xã Thanh"]);
        let names = [ENCRYPTED, STAFFED].map(|at| cast.name(at));
        assert_eq!(names, ["Xã Hướng Việt", "Xã Hướng Phùng"]);
        let cut: Vec<_> = CUT.map(|at| cast.name(at)).collect();
        assert_eq!(cut, ["Xã Tân Lập", "Xã Tân Liên", "Xã Húc", "Xã Thuận"]);
        assert_eq!(cast.ordinary().len(), 14);
    }
}
