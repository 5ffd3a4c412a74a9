use super::*;

#[test]
fn a_home_is_whole_or_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("node");
    assert!(matches!(Home::open(&dir), Err(HomeError::Missing(_))));
    let home = Home::create(&dir).unwrap();
    home.write_key(&Signer::from_seed(&[7; 32])).unwrap();
    assert!(matches!(Home::create(&dir), Err(HomeError::Locked(_))));
    drop(home);
    let error = Home::open(&dir).unwrap_err();
    assert!(
        matches!(error, HomeError::HalfWritten { missing, .. } if missing == FILE_NAME),
        "{error}"
    );
    // A beginning that was cut short goes on with the key that it had.
    let home = Home::create(&dir).unwrap();
    let key = home.begin_key().unwrap();
    assert_eq!(key.node_id(), Signer::from_seed(&[7; 32]).node_id());
    // So does one that was cut short in its database, which holds nothing that was typed.
    home.begin_settings(&NodeSettings::default()).unwrap();
    fs::write(home.database(), "half").unwrap();
    let log = dir.join("store.db-wal");
    fs::write(&log, "half").unwrap();
    drop(home);
    let error = Home::open(&dir).unwrap_err();
    assert!(
        matches!(error, HomeError::HalfWritten { missing, .. } if missing == SETTINGS),
        "{error}"
    );
    let home = Home::create(&dir).unwrap();
    assert!(home.has_key() && !home.database().exists() && !log.exists());
    // A database that lost its settings is somebody's reports.
    fs::write(home.database(), "").unwrap();
    fs::remove_file(dir.join(SETTINGS_BEGUN)).unwrap();
    drop(home);
    assert!(matches!(Home::create(&dir), Err(HomeError::Occupied(_))));
}

#[test]
fn an_address_that_nobody_answers_at_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::create(dir.path()).unwrap();
    let read = |key: &str, value: &str| {
        // A dotted key is a table to TOML.
        let text = format!("{key} = [\"127.0.0.1:7710\", \"{value}\"]\n");
        fs::write(dir.path().join("node.toml"), text).unwrap();
        home.settings()
    };
    for key in ["upstream", "standby", "neighbours.addresses"] {
        for wrong in [
            "",
            "x",
            "127.0.0.1",
            "nowhere.invalid:99999",
            "host:0",
            "wss://",
            "ws://",
        ] {
            let error = read(key, wrong).unwrap_err();
            let told = error.to_string();
            let start = format!("`{wrong}` under `{key}` in ");
            assert!(told.starts_with(&start), "{told}");
            assert_eq!(error.fault(), Fault::Config);
        }
        for right in [
            "[::1]:7710",
            "huyen.example:7710",
            "wss://465.example.vn/hopluu",
        ] {
            assert!(read(key, right).is_ok(), "{key} {right}");
        }
    }
}

#[test]
fn settings_and_key_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::create(dir.path()).unwrap();
    home.write_key(&Signer::from_seed(&[7; 32])).unwrap();
    let settings = NodeSettings {
        listen: None,
        upstream: vec!["127.0.0.1:7710".into()],
        standby: vec!["127.0.0.1:7711".into()],
        udp_only: true,
        proxy: Some("http://xa:bí@10.0.0.1:3128".parse().unwrap()),
        neighbours: Some(NeighbourSettings::default()),
        link: BTreeMap::new(),
    };
    home.write_settings(&settings).unwrap();
    assert_eq!(home.settings().unwrap(), settings);
    assert_eq!(
        home.signer().unwrap().node_id(),
        Signer::from_seed(&[7; 32]).node_id()
    );
    let mode = fs::metadata(dir.path().join("key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
