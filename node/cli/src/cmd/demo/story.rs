//! The story, scene by scene.

mod compare;
pub(super) mod enrol;
mod finish;
mod kill;
mod offices;
mod reports;
mod secure;
mod totals;

use super::stage::Stage;
use super::words::Broken;

/// Plays all of it. What must be so is claimed on the way; an error ends it early.
pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    enrol::play(stage).await?;
    reports::enter(stage).await?;
    secure::play(stage).await?;
    reports::cut(stage).await?;
    offices::play(stage).await?;
    kill::play(stage).await?;
    finish::silence(stage).await?;
    finish::window(stage).await?;
    compare::annex(stage).await?;
    compare::explain(stage).await
}
