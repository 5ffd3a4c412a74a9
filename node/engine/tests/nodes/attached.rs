//! Files that go with reports, over real links.

use hopluu_engine::view::{AttachRequest, AttachmentView, EditRequest, WroteView};
use hopluu_engine::{CommandError, Handle, Running};

use crate::common::{join_below, offline, province, save, selector, set, start_node, until};

/// A scan of so many bytes in which nothing repeats.
fn scan(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut scan = b"%PDF-1.7\n".to_vec();
    while scan.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        scan.extend(state.to_le_bytes());
    }
    scan.truncate(bytes);
    scan
}

fn request(name: &str) -> AttachRequest {
    AttachRequest {
        report: selector(None),
        office: None,
        name: name.to_owned(),
        caption: "Báo cáo đã ký".to_owned(),
        create: true,
    }
}

async fn list(node: &Running, unit: Option<&str>) -> Vec<AttachmentView> {
    let listed = node.handle().attachments(selector(unit)).await;
    listed.unwrap_or_default()
}

async fn content(node: &Handle, unit: Option<&str>, name: &str) -> Vec<u8> {
    let (mut content, mut from) = (Vec::new(), 0);
    loop {
        let part = node
            .attachment_part(selector(unit), name.to_owned(), from)
            .await;
        let part = part.expect("a stretch");
        if part.content.is_empty() {
            return content;
        }
        content.extend(part.content);
        from = part.next;
    }
}

#[tokio::test]
async fn a_scan_goes_up_the_line_and_can_be_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let province = province(&dir.path().join("45"), &[]);
    let district = join_below(&province, &dir.path().join("465"), "465", None).await;
    let commune = join_below(&district, &dir.path().join("19429"), "19429", None).await;
    until("the form came down", async || {
        let forms = commune.handle().form_list().await;
        forms.is_ok_and(|forms| !forms.is_empty())
    })
    .await;
    let scan = scan(5_000_000);
    let home = commune.handle();
    let attached = home.attach(request("../Bản ký.PDF"), scan.clone());
    assert!(attached.await.unwrap().change.is_some());
    for node in [&district, &province] {
        until("the scan is there", async || {
            let listed = list(node, Some("19429")).await;
            listed.iter().any(|one| one.held == one.bytes)
        })
        .await;
        let came = content(&node.handle(), Some("19429"), "Bản ký.pdf").await;
        assert!(came == scan);
    }
    until("the commune hears that the district has it", async || {
        let listed = list(&commune, None).await;
        listed.iter().any(|one| !one.holders.is_empty())
    })
    .await;
    let listed = list(&commune, None).await;
    let one = listed.first().unwrap();
    assert_eq!(
        one.holders.first().unwrap().unit.to_string(),
        "465@2024-05-01"
    );
    assert_eq!(
        (one.caption.as_str(), one.bytes),
        ("Báo cáo đã ký", 5_000_000)
    );

    let gone = EditRequest::Detach {
        attachment: "1".to_owned(),
    };
    save(&commune, None, vec![gone]).await.unwrap();
    until("it is gone above", async || {
        list(&province, Some("19429")).await.is_empty()
    })
    .await;
    let history = commune
        .handle()
        .report_history(selector(None))
        .await
        .unwrap();
    let wrote: Vec<_> = history.iter().flat_map(|row| &row.wrote).collect();
    let is_named = |wrote: &&WroteView| match wrote {
        WroteView::Attached { name, .. } | WroteView::Detached { name, .. } => name == "Bản ký.pdf",
        _ => false,
    };
    assert_eq!(wrote.into_iter().filter(is_named).count(), 2);
    // What nobody names is not given out any more, and naming it again needs no link.
    let home = commune.handle();
    let attached = home.attach(request("Bản ký.pdf"), scan);
    assert!(attached.await.unwrap().change.is_some());
    until("it is there again", async || {
        let listed = list(&province, Some("19429")).await;
        listed.iter().any(|one| one.held == one.bytes)
    })
    .await;
    for node in [commune, district, province] {
        node.stop().await;
    }
}

/// The superior stops again and again while a scan is on its way, and has it in the end.
#[tokio::test]
async fn a_scan_goes_on_where_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let district_dir = dir.path().join("465");
    let district = crate::common::root_of(&district_dir, "465@2024-05-01", &[]);
    let commune = join_below(&district, &dir.path().join("19429"), "19429", None).await;
    until("the form came down", async || {
        let forms = commune.handle().form_list().await;
        forms.is_ok_and(|forms| !forms.is_empty())
    })
    .await;
    commune.stop().await;
    let alone = offline(&dir.path().join("19429"));
    let scan = scan(20_000_000);
    alone
        .handle()
        .attach(request("x.pdf"), scan.clone())
        .await
        .unwrap();
    save(&alone, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    alone.stop().await;
    let mut seen = 0;
    let mut commune = start_node(&dir.path().join("19429"));
    for _ in 0..3 {
        until("some of it is there", async || {
            let listed = list(&district, Some("19429")).await;
            listed.iter().any(|one| one.held > seen)
        })
        .await;
        commune.stop().await;
        let held = list(&district, Some("19429")).await.first().unwrap().held;
        assert!(held >= seen, "what was there stays");
        seen = held;
        commune = start_node(&dir.path().join("19429"));
        if held == 20_000_000 {
            break;
        }
    }
    until("all of it is there", async || {
        let listed = list(&district, Some("19429")).await;
        listed.iter().any(|one| one.held == one.bytes)
    })
    .await;
    assert!(content(&district.handle(), Some("19429"), "x.pdf").await == scan);
    commune.stop().await;
    district.stop().await;
}

#[tokio::test]
async fn what_may_not_be_attached_is_refused_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let node = crate::common::root_of(dir.path(), "19429@2024-05-01", &[]);
    let handle = node.handle();
    let code = async |request: AttachRequest, content: Vec<u8>| {
        let refused = handle.attach(request, content).await;
        refused.map_err(|error| error.code()).err()
    };
    assert_eq!(
        code(request("a.pdf"), b"MZ no paper".to_vec()).await,
        Some("M-1213")
    );
    assert_eq!(code(request("a.pdf"), Vec::new()).await, Some("M-1213"));
    assert_eq!(
        code(request("a.pdf"), scan((50 << 20) + 1)).await,
        Some("M-1213")
    );
    let closed = AttachRequest {
        create: false,
        ..request("a.pdf")
    };
    assert_eq!(code(closed, scan(100)).await, Some("M-1201"));
    assert_eq!(code(request("a.pdf"), scan(100)).await, None);
    // The same again is no change, and no second file.
    let again = handle.attach(request("a.pdf"), scan(100)).await.unwrap();
    assert_eq!(again.change, None);
    assert_eq!(list(&node, None).await.len(), 1);
    let unknown = handle
        .attachment_part(selector(None), "b.pdf".to_owned(), 0)
        .await;
    assert!(matches!(unknown, Err(CommandError::NoAttachment { .. })));
    node.stop().await;
}
