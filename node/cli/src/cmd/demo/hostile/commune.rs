//! Who has taken a commune's main node over has its key, its certificate and everything that it holds, and speaks the
//! protocol as it likes.

use std::net::SocketAddr;

use hopluu_api::shape::ReportQuery;
use hopluu_doc::{Attachment, Edit, LifecycleEvent, MediaType};
use hopluu_model::{Place, Timestamp};
use hopluu_rogue::frames::{CHANGE, Object, RECEIPT, RECORD, hello};
use hopluu_rogue::{Forger, LATE, RefusalCode, Rogue, Talk, certificate_by, nobody, now, own_root};
use hopluu_trust::{Grant, Reach, Receipt, Record, RecordKind, Signer, encode_chain, fingerprint};

use super::super::stage::{FORM, PERIOD};
use super::super::words::{self as frame, Broken};
use super::super::world::Who;
use super::scene::{Attacker, Attempt, HONEST, Scene, Seen, TAKEN, WATCHED, answered, figure};
use super::words;

/// Before anybody here had a certificate.
const LONG_AGO: Timestamp = Timestamp(1_609_459_200_000);

/// A line that the commune has not set yet.
const NEW_LINE: &str = "II.1.1.b";

/// The last part of a name that is a path.
const PLAIN: &str = "escaped.pdf";

struct Commune {
    rogue: Rogue,
    talk: Talk,
    district: SocketAddr,
    /// Its own report, made up from nothing.
    own: Forger,
}

pub(super) async fn play(scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
    scene.stage.step(&words::commune()).await;
    scene.stage.world.stop(&[TAKEN]).await;
    let rogue = Rogue::of_home(scene.stage.world.dir(TAKEN))?;
    let district = scene.address(Who::District).await?;
    let mut commune = Commune {
        talk: rogue.say(district, hello()).await?,
        rogue,
        district,
        own: scene.forger(TAKEN)?,
    };
    commune.writes(scene).await?;
    commune.certifies(scene).await?;
    commune.decides(scene).await?;
    commune.misnames(scene).await?;
    commune.steps(scene).await?;
    scene.goes_on().await
}

fn attempt(line: u8, tried: hopluu_api::text::Both, stoppers: &'static [&'static str]) -> Attempt {
    Attempt {
        line,
        by: Attacker::Commune,
        tried,
        stoppers,
    }
}

impl Commune {
    /// Changes under other keys, and of other units. The same with its own seal, in its own report, counts.
    async fn writes(&mut self, scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
        let change = self
            .own
            .save(&[Edit::Event(LifecycleEvent::Opened), figure(NEW_LINE, "7")?])?;
        let mut borrowed = change.seal(&self.rogue.signer, &change.key)?;
        borrowed.author = scene.status(HONEST).await?.node;
        let talk = &mut self.talk;
        let tried = attempt(1, words::borrowed_name(), &["signature"]);
        scene
            .attempt(tried, async |_| {
                let body = change.with_seal(&borrowed);
                Ok(answered(talk.offer(change.object(), CHANGE, body).await?))
            })
            .await?;
        let (stranger, _) = own_root(&scene.unit(TAKEN))?;
        let tried = attempt(1, words::strange_key(), &["parked/author"]);
        scene
            .attempt(tried, async |scene| {
                let body = change.sealed(&stranger)?;
                let said = talk.offer(change.object(), CHANGE, body).await?;
                let from = self.rogue.signer.node_id();
                scene.parked(Who::District, from, said).await
            })
            .await?;
        let others = scene.forger(HONEST)?.save(&[figure(WATCHED, "666")?])?;
        let tried = attempt(5, words::others_report(), &["scope"]);
        scene
            .attempt(tried, async |_| {
                let body = others.sealed(&self.rogue.signer)?;
                Ok(answered(talk.offer(others.object(), CHANGE, body).await?))
            })
            .await?;
        let body = change.sealed(&self.rogue.signer)?;
        let said = talk.offer(change.object(), CHANGE, body).await?;
        let mut counts = said.is_none();
        // Wherever the next attempt is held against the totals.
        for who in [Who::District, Who::Province] {
            counts &= scene.comes_to(who, NEW_LINE, "7").await?;
        }
        scene.control(Some(Attacker::Commune), counts, &words::own_change());
        Ok(())
    }

    /// Chains that lead nowhere.
    async fn certifies(&mut self, scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
        let unit = scene.unit(TAKEN);
        let office = Some("police".parse().map_err(|_| frame::no_units())?);
        // Below itself again, by somebody whom it has certified: every signature of it holds.
        let (below, longer) = self.rogue.certifies(&unit, None, LATE)?;
        let again = certificate_by(&below, &unit, &self.rogue.signer, &unit)?;
        let circle = [vec![again], longer].concat();
        let tried = attempt(7, words::chain_loop(), &["chain/loop"]);
        self.shows(scene, tried, circle, &self.rogue.signer).await?;
        // An office may certify nobody.
        let (clerk, of_office) = self.rogue.certifies(&unit, office.clone(), LATE)?;
        let (friend, _) = own_root(&unit)?;
        let by_office = certificate_by(&clerk, &unit, &friend, &unit)?;
        let tried = attempt(8, words::wrong_usage(), &["chain/may-not-issue"]);
        let misused = [vec![by_office], of_office.clone()].concat();
        self.shows(scene, tried, misused, &friend).await?;
        let (root, foreign) = own_root(&scene.unit(Who::Province))?;
        let tried = attempt(9, words::foreign_root(), &["chain/foreign-root"]);
        self.shows(scene, tried, foreign, &root).await?;
        let (ended, expired) = self.rogue.certifies(&unit, office, LONG_AGO)?;
        let tried = attempt(3, words::expired(), &["chain/expired"]);
        self.shows(scene, tried, expired, &ended).await?;
        // Handshakes know no tree: this one comes as far as the first word.
        let (beside, astray) = self.rogue.certifies(&scene.unit(HONEST), None, LATE)?;
        let astray = Rogue::new(beside, astray, self.rogue.root)?;
        let district = self.district;
        let tried = attempt(10, words::outside_parent(), &["link/not-enrolled"]);
        scene
            .attempt(tried, async |scene| {
                let before = scene.refused(Who::District).await?;
                astray.say(district, hello()).await?.closed().await?;
                scene.refused_since(Who::District, &before).await
            })
            .await?;
        // What it may certify, a clerk of its own, is heard.
        let clerk = Rogue::new(clerk, of_office, self.rogue.root)?;
        let heard = clerk.say(district, hello()).await?.frame().await;
        scene.control(Some(Attacker::Commune), heard.is_ok(), &words::own_office());
        Ok(())
    }

    /// Calls the district with a chain.
    async fn shows(
        &self,
        scene: &mut Scene<'_, '_>,
        tried: Attempt,
        chain: Vec<Vec<u8>>,
        signer: &Signer,
    ) -> Result<(), Broken> {
        let district = self.district;
        scene
            .attempt(tried, async |scene| {
                let before = scene.refused(Who::District).await?;
                let heard = nobody::heard(district, Some((chain, signer))).await?;
                if heard.is_empty() {
                    scene.refused_since(Who::District, &before).await
                } else {
                    Ok("heard".into())
                }
            })
            .await
    }

    /// Grants and receipts that are not its own to give.
    async fn decides(&mut self, scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
        let (own, district) = (scene.unit(TAKEN), scene.unit(Who::District));
        let office = "police".parse().map_err(|_| frame::no_units())?;
        let mut wide = Grant::of_office(own.clone(), office);
        wide.below = true;
        wide.lines = Reach::All;
        let narrow = Grant {
            below: false,
            ..wide.clone()
        };
        let wide = wide
            .sign(&self.rogue.signer, district.clone())
            .map_err(words::unsigned)?;
        let narrow = narrow
            .sign(&self.rogue.signer, own)
            .map_err(words::unsigned)?;
        let (talk, signer) = (&mut self.talk, &self.rogue.signer);
        let tried = attempt(11, words::wide_grant(), &["scope"]);
        scene
            .attempt(tried, async |scene| says(talk, scene, RECORD, &wide).await)
            .await?;
        let said = says(talk, scene, RECORD, &narrow).await?;
        let counts = said.said.contains("counts");
        scene.control(Some(Attacker::Commune), counts, &words::own_grant());
        let receipt = Receipt {
            doc: scene.report(HONEST)?.id(),
            heads: Vec::new(),
            by: Place {
                node: signer.node_id(),
                unit: district,
                office: None,
            },
            at: now(),
        };
        let receipt = receipt
            .sign(signer, scene.unit(HONEST))
            .map_err(words::unsigned)?;
        let tried = attempt(12, words::forged_receipt(), &["scope"]);
        scene
            .attempt(tried, async |scene| {
                says(talk, scene, RECEIPT, &receipt).await
            })
            .await
    }

    /// Names a scan that the district holds by a path.
    async fn misnames(&mut self, scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
        let scan = scene.stage.world.folder().join("scan.pdf");
        let bytes = std::fs::read(scan).map_err(|error| frame::no_folder(&error))?;
        let name = into_home(scene).ok_or_else(frame::no_units)?;
        let mut another = scene.another(TAKEN)?;
        let named = another.save(&[Edit::Attach(Attachment {
            hash: fingerprint(&bytes),
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            media: MediaType::Pdf,
            name,
            caption: String::new(),
        })])?;
        let tried = attempt(20, words::path_name(), &["plain-name"]);
        let (talk, signer) = (&mut self.talk, &self.rogue.signer);
        scene
            .attempt(tried, async |scene| {
                let body = named.sealed(signer)?;
                if let Some(code) = talk.offer(named.object(), CHANGE, body).await? {
                    return Ok(answered(Some(code)));
                }
                saved(scene, &bytes).await
            })
            .await
    }

    /// Steps that are not their writer's to take.
    async fn steps(&mut self, scene: &mut Scene<'_, '_>) -> Result<(), Broken> {
        let office = Some("police".parse().map_err(|_| frame::no_units())?);
        let (clerk, chain) = self.rogue.certifies(&scene.unit(TAKEN), office, LATE)?;
        let known = encode_chain(&chain).map_err(words::unsigned)?;
        let (signer, unit) = (&self.rogue.signer, scene.unit(TAKEN));
        let known = Record::sign(signer, RecordKind::Certificate, unit, known);
        let known = known.map_err(words::unsigned)?;
        offered(&mut self.talk, RECORD, &known).await?;
        let tried = attempt(13, words::step_of_office(), &["void/no-grant"]);
        self.takes(scene, tried, &clerk, LifecycleEvent::Submitted)
            .await?;
        let own = self.rogue.signer.clone();
        let tried = attempt(13, words::step_of_superior(), &["void/not-superior"]);
        self.takes(scene, tried, &own, LifecycleEvent::Accepted)
            .await?;
        let tried = attempt(13, words::step_out_of_order(), &["void/out-of-order"]);
        self.takes(scene, tried, &own, LifecycleEvent::Submitted)
            .await
    }

    /// Brings a step that somebody has signed, in the commune's own report.
    async fn takes(
        &mut self,
        scene: &mut Scene<'_, '_>,
        tried: Attempt,
        signer: &Signer,
        step: LifecycleEvent,
    ) -> Result<(), Broken> {
        let step = scene.forger(TAKEN)?.save(&[Edit::Event(step)])?;
        let before = scene.state(Who::District, TAKEN).await?;
        let talk = &mut self.talk;
        scene
            .attempt(tried, async |scene| {
                let body = step.sealed(signer)?;
                if let Some(code) = talk.offer(step.object(), CHANGE, body).await? {
                    return Ok(answered(Some(code)));
                }
                let mut seen = scene.void(Who::District, step.hash).await?;
                let after = scene.state(Who::District, TAKEN).await?;
                if after != before {
                    seen.said.insert(format!("state/{after}"));
                }
                Ok(seen)
            })
            .await
    }
}

/// Offers a record.
pub(super) async fn offered(
    talk: &mut Talk,
    kind: u8,
    record: &Record,
) -> Result<Option<RefusalCode>, Broken> {
    let id = *record.hash().0.first_chunk().ok_or_else(frame::no_units)?;
    let descriptor = Vec::new();
    let object = Object::New { id, descriptor };
    Ok(talk.offer(object, kind, record.encode()).await?)
}

/// Offers a record, and says whether the district counts it where it was taken.
async fn says(
    talk: &mut Talk,
    scene: &Scene<'_, '_>,
    kind: u8,
    record: &Record,
) -> Result<Seen, Broken> {
    let said = offered(talk, kind, record).await?;
    let hash = record.hash();
    if said.is_some() || kind != RECORD {
        return Ok(answered(said));
    }
    let counts = scene.look(Who::District, async |client| {
        let grants = client.grant_list().await?;
        let grant = grants.into_iter().find(|grant| grant.grant == hash);
        Ok(grant.map(|grant| grant.counts))
    });
    Ok(match counts.await? {
        Some(true) => "counts".into(),
        Some(false) => "counts-not".into(),
        None => "nothing".into(),
    })
}

/// Where it would lie if a name were a path: out of the folder that everything here is in, and into the district's.
fn into_home(scene: &Scene<'_, '_>) -> Option<String> {
    let folder = scene.stage.world.folder().file_name()?.to_str()?;
    let home = scene.stage.world.dir(Who::District).file_name()?.to_str()?;
    Some(format!("../{folder}/{home}/{PLAIN}"))
}

/// Saves the scan at the district by the name that it goes by now, and says where that came to lie.
async fn saved(scene: &Scene<'_, '_>, bytes: &[u8]) -> Result<Seen, Broken> {
    let folder = scene.stage.world.folder();
    let unit = scene.unit(TAKEN).to_string();
    let which = [FORM, PERIOD, "1", "--unit", &unit, "--instance", "1"];
    let save = [&["report", "save-attachment"], &which[..]].concat();
    let told = scene.stage.world.run(Who::District, &save, None).await;
    let inside = folder.join(PLAIN);
    let outside = scene.stage.world.dir(Who::District).join(PLAIN);
    let is_inside = std::fs::read(&inside).is_ok_and(|read| read == bytes);
    Ok(match (told, outside.exists()) {
        (_, true) => "escaped".into(),
        (Ok(_), false) if is_inside => "plain-name".into(),
        (Ok(_), false) => "nothing".into(),
        (Err(broken), false) => broken.what.en.into(),
    })
}

impl Scene<'_, '_> {
    /// The state of a unit's report at a node.
    async fn state(&self, at: Who, of: Who) -> Result<String, Broken> {
        let client = self.stage.world.client(at).await?;
        let rows = client.report_list(&ReportQuery::default()).await;
        let rows = rows.map_err(|error| frame::asked(&error))?;
        let unit = self.unit(of);
        let row = rows.into_iter().find(|row| row.report.unit == unit);
        Ok(row.map_or_else(String::new, |row| row.state.to_string()))
    }
}
