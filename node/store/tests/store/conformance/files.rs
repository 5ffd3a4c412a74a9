use std::collections::BTreeSet;

use hopluu_model::Digest;
use hopluu_store::{AppendError, DbError, FilePiece, FileRow, PieceKept, Store, WriteTx};

use crate::sample::{doc, doc_id, unit};

const HASH: Digest = Digest([6; 32]);

fn named(files: &[(Digest, u64)]) -> BTreeSet<(Digest, u64)> {
    files.iter().copied().collect()
}

fn begin(store: &Store) {
    let put = store.write(|tx| {
        tx.put_doc(&doc(1))?;
        tx.put_doc(&doc(2))?;
        tx.name_files(doc_id(1), &named(&[(HASH, 25)]))
    });
    assert!(put.unwrap(), "it is wanted");
}

fn piece(number: u16, bytes: usize) -> FilePiece {
    FilePiece {
        number,
        mark: vec![9; 32],
        body: vec![number as u8; bytes],
    }
}

fn keep(tx: &mut WriteTx<'_>, number: u16, bytes: usize) -> Result<PieceKept, DbError> {
    tx.put_file_piece((HASH, 25), &piece(number, bytes))
}

fn file(store: &Store) -> Option<FileRow> {
    store.read().unwrap().file(HASH, 25).unwrap()
}

pub(crate) fn pieces_are_the_map_of_what_is_here(store: &Store) {
    begin(store);
    let put = store.write(|tx| {
        keep(tx, 1, 10)?;
        let again = keep(tx, 1, 10)?;
        let first = keep(tx, 0, 10)?;
        let too_much = keep(tx, 2, 6)?;
        Ok::<_, DbError>((again, first, too_much))
    });
    let row = |held| FileRow {
        held,
        ..file(store).unwrap()
    };
    let expected = (
        PieceKept::Kept(row(10)),
        PieceKept::Kept(row(20)),
        PieceKept::Unwanted,
    );
    assert_eq!(put.unwrap(), expected);
    {
        let read = store.read().unwrap();
        let file = read.files_of(doc_id(1)).unwrap()[0];
        let marks = read.file_marks(&file).unwrap();
        assert_eq!(marks.iter().map(|mark| mark.0).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(read.file_piece(&file, 1).unwrap(), Some(vec![1; 10]));
        assert_eq!(read.file_piece(&file, 2).unwrap(), None);
        let wanted = (vec![(file, unit(1))], true);
        assert_eq!(read.wanted_files(0, 9).unwrap(), wanted);
        assert_eq!(read.wanted_files(file.number, 9).unwrap().0, []);
        assert_eq!(read.file_bytes_of_unit(&unit(1)).unwrap(), 25);
        assert_eq!(read.file_bytes_of_unit(&unit(2)).unwrap(), 0);
        let units = read.units_of_file(&file).unwrap();
        assert_eq!(units, BTreeSet::from([unit(1)]));
    }
    store.write(|tx| keep(tx, 2, 5)).unwrap();
    let read = store.read().unwrap();
    assert!(read.file(HASH, 25).unwrap().unwrap().is_whole());
    assert_eq!(read.wanted_files(0, 9).unwrap().0, []);
    assert_eq!(read.file_bytes().unwrap(), 25);
}

pub(crate) fn nothing_is_kept_that_no_document_names(store: &Store) {
    begin(store);
    let other = (Digest([7; 32]), 25);
    let put = store.write(move |tx| tx.put_file_piece(other, &piece(0, 10)));
    assert_eq!(put.unwrap(), PieceKept::Unwanted);
    // The same bytes said to be of another length are another file.
    let put = store.write(|tx| tx.put_file_piece((HASH, 24), &piece(0, 10)));
    assert_eq!(put.unwrap(), PieceKept::Unwanted);
    // Of a file that is no longer named, no more is taken.
    let put = store.write(|tx| {
        keep(tx, 0, 10)?;
        tx.name_files(doc_id(1), &named(&[]))?;
        keep(tx, 1, 10)
    });
    assert_eq!(put.unwrap(), PieceKept::Unwanted);
    let large = store.write(|tx| keep(tx, 0, 70_000));
    assert!(large.is_err());
}

pub(crate) fn a_file_goes_only_when_nobody_names_it_and_room_is_wanted(store: &Store) {
    begin(store);
    let put = store.write(|tx| {
        tx.name_files(doc_id(2), &named(&[(HASH, 25), (Digest([8; 32]), 5)]))?;
        keep(tx, 0, 10)?;
        tx.name_files(doc_id(1), &named(&[]))?;
        let freed = tx.drop_unnamed_files(1)?;
        tx.name_files(doc_id(2), &named(&[]))?;
        Ok::<_, AppendError>(freed)
    });
    assert_eq!(put.unwrap(), 0, "the other document names it");
    // What never came needs no room; what did is there if it is named again.
    let none = store.read().unwrap().file(Digest([8; 32]), 5).unwrap();
    assert_eq!(none, None);
    let again = store.write(|tx| tx.name_files(doc_id(1), &named(&[(HASH, 25)])));
    assert!(again.unwrap());
    assert_eq!(file(store).unwrap().held, 10);
    let freed = store.write(|tx| {
        tx.name_files(doc_id(1), &named(&[]))?;
        tx.drop_unnamed_files(1)
    });
    assert_eq!((freed.unwrap(), file(store)), (10, None));
}
