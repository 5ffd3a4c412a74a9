//! `demo --hostile`: a commune's node that was taken over, a stolen laptop and a hostile relay try what
//! [threats](../../../../../docs/threats.md) says they cannot, against real nodes.
//!
//! ```text
//! setting   a province, a district, two communes and two offices at work
//! scene     an attempt: what was tried, what its victim says stopped it, and whether a total moved
//! commune   who has the key of a commune's main node
//! laptop    who has an office's machine, open or encrypted
//! relay     who stands between a commune and its superiors, or carries its stick
//! http      requests that no program of ours makes
//! ```
//! What stopped an attempt is read from its victim: the answer to a push, the lists of what is void, parked or refused,
//! a close code, a status. A control does honestly what an attempt did, so that nothing can hold because nothing works.

mod commune;
mod http;
mod laptop;
mod relay;
mod scene;
mod setting;
mod words;

use self::scene::Scene;
pub(super) use self::words::title;
use super::stage::Stage;
use super::words::Broken;

/// Plays all of it. What was not stopped is claimed as such; an error ends it early.
pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let mut scene = Scene::new(stage);
    setting::play(&mut scene).await?;
    commune::play(&mut scene).await?;
    let stolen = laptop::play(&mut scene).await?;
    relay::play(&mut scene, &stolen).await
}
