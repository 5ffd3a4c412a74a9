//! Certificates for tests, good and bad ones.

use hopluu_model::{NodeId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};

use crate::{ORGANISATION, Signer};

pub(crate) struct Key {
    pub(crate) signer: Signer,
    public: NodeId,
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.signer.sign(message).0.to_vec())
    }
}

pub(crate) fn key(seed: u8) -> Key {
    let signer = Signer::from_seed(&[seed; 32]);
    let public = signer.node_id();
    Key { signer, public }
}

/// The last day of every certificate here: 2040-01-01.
pub(crate) const NOT_AFTER: Timestamp = Timestamp(2_208_988_800_000);

/// What a good certificate says; tests bend it.
pub(crate) fn params(unit: &str, office: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params.serial_number = Some(SerialNumber::from(1u64));
    params.distinguished_name = name(unit, office);
    if office.is_none() {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
        ];
    }
    params
}

pub(crate) fn name(unit: &str, office: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANISATION);
    if let Some(office) = office {
        name.push(DnType::OrganizationalUnitName, office);
    }
    name.push(DnType::CommonName, unit);
    name
}

pub(crate) fn self_signed(params: &CertificateParams, key: &Key) -> Vec<u8> {
    params.self_signed(key).unwrap().der().to_vec()
}

pub(crate) fn issued(
    params: &CertificateParams,
    of: &Key,
    issuer: &CertificateParams,
    by: &Key,
) -> Vec<u8> {
    let issuer = Issuer::from_params(issuer, by);
    params.signed_by(of, &issuer).unwrap().der().to_vec()
}

pub(crate) fn extension(critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555], vec![5, 0]);
    extension.set_criticality(critical);
    extension
}

/// Office, commune, district, province; leaf first.
pub(crate) fn good_chain() -> Vec<Vec<u8>> {
    let province = params("45@2020-01-01", None);
    let district = params("465@2020-01-01", None);
    let commune = params("19429@2020-02-01", None);
    let office = params("19429@2020-02-01", Some("police"));
    vec![
        issued(&office, &key(4), &commune, &key(3)),
        issued(&commune, &key(3), &district, &key(2)),
        issued(&district, &key(2), &province, &key(1)),
        self_signed(&province, &key(1)),
    ]
}
