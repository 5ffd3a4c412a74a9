use hopluu_model::Place;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyUsagePurpose};

use super::*;
use crate::limits::CERT_BYTES_MAX;
use crate::read_certificate;
use crate::testing::{NOT_AFTER, extension, good_chain, issued, key, name, params, self_signed};

const COMMUNE: &str = "19429@2020-02-01";

fn root_of(chain: &[Vec<u8>]) -> Digest {
    fingerprint(chain.last().unwrap())
}

/// The verdict on a commune whose certificate, or whose superior's, was bent.
fn verdict(
    commune: impl FnOnce(&mut CertificateParams),
    province: impl FnOnce(&mut CertificateParams),
) -> Result<Identity, ChainError> {
    let (mut lower, mut upper) = (params(COMMUNE, None), params("45@2020-01-01", None));
    province(&mut upper);
    commune(&mut lower);
    let chain = vec![
        issued(&lower, &key(3), &upper, &key(1)),
        self_signed(&upper, &key(1)),
    ];
    verify_chain(&chain, &root_of(&chain), None)
}

fn bent(commune: impl FnOnce(&mut CertificateParams)) -> CertificateError {
    match verdict(commune, |_| ()) {
        Err(ChainError::Certificate { at: 0, source }) => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn good_chain_names_the_node_its_unit_and_its_office() {
    let chain = good_chain();
    let line = verify_line(&chain, &root_of(&chain), Some(NOT_AFTER)).unwrap();
    assert_eq!(
        line[0].place,
        Place {
            node: key(4).signer.node_id(),
            unit: COMMUNE.parse().unwrap(),
            office: Some("police".parse().unwrap()),
        }
    );
    assert!(!line[0].may_issue && line[1].may_issue);
    assert_eq!(line[0].not_after, NOT_AFTER);
    assert_eq!(line.len(), 4);
    // Every part of it that still ends at the root holds too, down to the root alone.
    for from in 1..4 {
        let identity = verify_chain(&chain[from..], &root_of(&chain), None).unwrap();
        assert_eq!(identity, line[from]);
    }
    let bytes: usize = chain.iter().map(Vec::len).sum();
    assert!(
        bytes < 1400,
        "{bytes}: four certificates fit one flight of the handshake"
    );
}

#[test]
fn chain_to_another_root_is_foreign() {
    let chain = good_chain();
    let theirs = self_signed(&params("45@2020-01-01", None), &key(9));
    assert_eq!(
        verify_chain(&chain, &fingerprint(&theirs), None),
        Err(ChainError::ForeignRoot {
            found: root_of(&chain)
        })
    );
    // Putting our root on top of their chain does not help them.
    let forged = vec![
        issued(
            &params(COMMUNE, None),
            &key(3),
            &params("45@2020-01-01", None),
            &key(9),
        ),
        chain[3].clone(),
    ];
    assert!(matches!(
        verify_chain(&forged, &root_of(&chain), None),
        Err(ChainError::Signature { at: 0, .. })
    ));
    // Neither does a root that did not sign itself.
    let unsigned = vec![issued(
        &params("45@2020-01-01", None),
        &key(1),
        &params("45@2020-01-01", None),
        &key(9),
    )];
    assert!(matches!(
        verify_chain(&unsigned, &root_of(&unsigned), None),
        Err(ChainError::Signature { at: 0, .. })
    ));
}

#[test]
fn who_may_not_issue_does_not() {
    let root = good_chain()[3].clone();
    let (province, office) = (
        params("45@2020-01-01", None),
        params(COMMUNE, Some("police")),
    );
    let by_office = vec![
        issued(&params(COMMUNE, Some("health")), &key(5), &office, &key(4)),
        issued(&office, &key(4), &province, &key(1)),
        root.clone(),
    ];
    assert_eq!(
        verify_chain(&by_office, &fingerprint(&root), None),
        Err(ChainError::MayNotIssue { at: 1 })
    );
    let mut claims = params(COMMUNE, Some("police"));
    claims.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let claiming = vec![issued(&claims, &key(4), &province, &key(1)), root];
    assert!(matches!(
        verify_chain(&claiming, &fingerprint(&claiming[1]), None),
        Err(ChainError::Certificate {
            at: 0,
            source: CertificateError::OfficeIssues { .. }
        })
    ));
    // A key usage without certificate signing takes the right away again.
    assert_eq!(
        verdict(
            |_| (),
            |upper| upper.key_usages = vec![KeyUsagePurpose::DigitalSignature]
        ),
        Err(ChainError::MayNotIssue { at: 1 })
    );
}

#[test]
fn issuer_by_name_and_allowed_depth_are_kept() {
    let chain = good_chain();
    let other = issued(
        &params(COMMUNE, None),
        &key(3),
        &params("46@2020-01-01", None),
        &key(1),
    );
    assert_eq!(
        verify_chain(&[other, chain[3].clone()], &root_of(&chain), None),
        Err(ChainError::OtherIssuer { at: 0 })
    );
    let mut flat = params("45@2020-01-01", None);
    flat.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let district = params("465@2020-01-01", None);
    let deep = vec![
        issued(&params(COMMUNE, None), &key(3), &district, &key(2)),
        issued(&district, &key(2), &flat, &key(1)),
        self_signed(&flat, &key(1)),
    ];
    let root = root_of(&deep);
    assert_eq!(
        verify_chain(&deep, &root, None),
        Err(ChainError::TooDeep { at: 2 })
    );
    assert!(verify_chain(&deep[1..], &root, None).is_ok());
}

#[test]
fn loops_and_lengths_are_bounded() {
    let chain = good_chain();
    let root = root_of(&chain);
    let circle = vec![
        chain[1].clone(),
        chain[2].clone(),
        chain[1].clone(),
        chain[3].clone(),
    ];
    assert_eq!(
        verify_chain(&circle, &root, None),
        Err(ChainError::Loop { at: 0 })
    );
    let doubled = vec![chain[3].clone(), chain[3].clone()];
    assert_eq!(
        verify_chain(&doubled, &root, None),
        Err(ChainError::Loop { at: 0 })
    );
    assert_eq!(verify_chain(&[], &root, None), Err(ChainError::Empty));

    let names: Vec<_> = (1..=9)
        .map(|n| params(&format!("{n}@2020-01-01"), None))
        .collect();
    let deep = |certs: u8| -> Vec<Vec<u8>> {
        let mut chain = vec![self_signed(&names[0], &key(1))];
        for n in 1..certs {
            let (of, by) = (usize::from(n), usize::from(n - 1));
            chain.insert(0, issued(&names[of], &key(n + 1), &names[by], &key(n)));
        }
        chain
    };
    let longest = deep(8);
    assert!(verify_chain(&longest, &root_of(&longest), None).is_ok());
    assert!(encode_chain(&longest).is_ok());
    let longer = deep(9);
    assert_eq!(
        verify_chain(&longer, &root_of(&longer), None),
        Err(ChainError::TooLong { certs: 9 })
    );
    assert!(matches!(
        encode_chain(&longer),
        Err(SignError::OverBound { .. })
    ));
    let heavy = vec![vec![0; CERT_BYTES_MAX]; 4];
    assert_eq!(
        verify_chain(&heavy, &root, None),
        Err(ChainError::TooLarge { bytes: 4096 })
    );
    assert!(matches!(
        encode_chain(&heavy),
        Err(SignError::TooLarge { .. })
    ));
}

#[test]
fn expiry_counts_only_with_evidence_of_the_time_and_the_beginning_never() {
    let chain = good_chain();
    let root = root_of(&chain);
    assert!(verify_chain(&chain, &root, None).is_ok());
    // A dead clock battery says 2009, eleven years before these certificates begin.
    assert!(verify_chain(&chain, &root, Some(Timestamp(1_230_768_000_000))).is_ok());
    assert!(verify_chain(&chain, &root, Some(NOT_AFTER)).is_ok());
    assert_eq!(
        verify_chain(&chain, &root, Some(NOT_AFTER.plus_ms(1))),
        Err(ChainError::Expired {
            at: 0,
            unit: COMMUNE.parse().unwrap(),
            not_after: NOT_AFTER,
        })
    );
}

#[test]
fn unknown_critical_extensions_are_refused_and_others_skipped() {
    assert!(
        verdict(
            |lower| lower.custom_extensions = vec![extension(false)],
            |_| ()
        )
        .is_ok()
    );
    let refused = CertificateError::Extension {
        oid: "1.3.6.1.4.1.55555".to_owned(),
    };
    assert_eq!(
        bent(|lower| lower.custom_extensions = vec![extension(true)]),
        refused
    );
    assert_eq!(
        bent(|lower| lower.custom_extensions = vec![extension(false), extension(false)]),
        refused
    );
    assert!(matches!(
        verdict(
            |_| (),
            |upper| upper.custom_extensions = vec![extension(true)]
        ),
        Err(ChainError::Certificate { at: 1, .. })
    ));
}

#[test]
fn subject_has_one_meaning() {
    assert_eq!(
        bent(|lower| lower.distinguished_name = name("19429", None)),
        CertificateError::Subject { part: "unit" }
    );
    assert_eq!(
        bent(|lower| lower.distinguished_name = name(COMMUNE, Some("Công an"))),
        CertificateError::Subject { part: "office" }
    );
    assert_eq!(
        bent(|lower| lower
            .distinguished_name
            .push(DnType::OrganizationName, "Acme")),
        CertificateError::Subject {
            part: "organisation"
        }
    );
    assert_eq!(
        bent(|lower| lower.distinguished_name.push(DnType::CountryName, "VN")),
        CertificateError::Subject { part: "name" }
    );
    assert_eq!(
        bent(|lower| lower.custom_extensions = vec![{
            let content = vec![0; CERT_BYTES_MAX];
            rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555], content)
        }]),
        CertificateError::TooLarge { bytes: 1378 }
    );
}

#[test]
fn unit_speaks_for_those_below_it_only() {
    let chain = good_chain();
    let line = verify_line(&chain, &root_of(&chain), None).unwrap();
    let code = |unit: &UnitId| unit.code.as_str().len();
    assert!(check_line(&line, |unit, above| code(unit) >= code(above)).is_ok());
    assert_eq!(
        check_line(&line, |unit, above| unit == above || code(above) < 3),
        Err(ChainError::OutOfLine {
            unit: COMMUNE.parse().unwrap(),
            issuer: "465@2020-01-01".parse().unwrap(),
        })
    );
}

#[test]
fn chain_round_trips_as_a_record_body() {
    let chain = good_chain();
    let bytes = encode_chain(&chain).unwrap();
    assert_eq!(decode_chain(&bytes).unwrap(), chain);
    assert!(decode_chain(&bytes[..bytes.len() - 1]).is_err());
    let nine = LAYOUT.encode(&vec![vec![1u8]; 9]);
    assert!(matches!(
        decode_chain(&nine),
        Err(DecodeError::OverBound { .. })
    ));
}

#[test]
fn every_damaged_bit_is_noticed() {
    let chain = good_chain();
    let root = root_of(&chain);
    for at in 0..chain.len() {
        for index in 0..chain[at].len() {
            let mut damaged = chain.clone();
            damaged[at][index] ^= 1 << (index % 8);
            assert!(verify_chain(&damaged, &root, None).is_err(), "{at} {index}");
        }
    }
}

proptest! {
    #[test]
    fn damaged_chain_is_refused_and_never_panics(at in 0usize..4, index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut chain = good_chain();
        let root = root_of(&chain);
        let index = index.index(chain[at].len());
        chain[at][index] ^= 1 << bit;
        prop_assert!(verify_chain(&chain, &root, None).is_err());
    }

    #[test]
    fn garbage_is_no_certificate(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read_certificate(&bytes).is_err());
        let _ = decode_chain(&bytes);
    }

    #[test]
    fn cut_certificate_is_refused(index in any::<prop::sample::Index>(), tail in prop::collection::vec(any::<u8>(), 1..40)) {
        let der = good_chain().swap_remove(0);
        prop_assert!(read_certificate(&der[..index.index(der.len())]).is_err());
        let longer = [der, tail].concat();
        prop_assert!(read_certificate(&longer).is_err());
    }
}
