//! A refusal as JSON: a stable code, who has to act, what is wrong and what to do, in both languages.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hopluu_engine::{BundleError, CommandError, PeopleError};
use hopluu_model::Fault;
use serde::{Deserialize, Serialize};

use crate::text::{self, Both};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The engine refused it or failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The request itself is not understood.
    #[error("the request is not understood: {detail}")]
    Request {
        /// What is wrong with it.
        detail: String,
    },
    /// A line of an import is not the JSON of a save.
    #[error("the request is not understood: {0}")]
    Json(#[source] serde_json::Error),
    /// There is nothing under this path.
    #[error("there is no `{path}` here")]
    Path {
        /// What was asked for.
        path: String,
    },
    /// This path is not asked for in this way.
    #[error("`{path}` does not take {method}")]
    Method {
        /// The way it was asked for.
        method: String,
        /// What was asked for.
        path: String,
    },
    /// A page in a browser asked.
    #[error("a page of `{origin}` asked, and nobody answers pages here")]
    Origin {
        /// Whose page.
        origin: String,
    },
    /// The body or a line of it is longer than any request.
    #[error("a request has at most {most} bytes")]
    TooLarge {
        /// The bound.
        most: usize,
    },
    /// It took longer than any request should.
    #[error("there was no answer within {seconds} seconds")]
    TooSlow {
        /// The bound.
        seconds: u64,
    },
    /// A line of an import says that its figure was unsettled where it comes from.
    #[error("`{code}` was unsettled where it was exported, an import settles nothing")]
    Unsettled {
        /// The line of the form.
        code: String,
    },
}

impl ApiError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Command(error) => error.fault(),
            Self::TooSlow { .. } => Fault::Local,
            Self::Request { .. }
            | Self::Json(_)
            | Self::Path { .. }
            | Self::Method { .. }
            | Self::Origin { .. }
            | Self::TooLarge { .. }
            | Self::Unsettled { .. } => Fault::Config,
        }
    }

    /// The stable code that messages to people carry.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Command(error) => error.code(),
            Self::Request { .. } | Self::Json(_) => "M-1501",
            Self::Path { .. } => "M-1502",
            Self::TooLarge { .. } => "M-1503",
            Self::TooSlow { .. } => "M-1504",
            Self::Unsettled { .. } => "M-1505",
            Self::Method { .. } => "M-1506",
            Self::Origin { .. } => "M-1507",
        }
    }

    /// What the asker is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let en = self.to_string();
        let (message, hint) = match self {
            Self::Command(error) => (text::message(error), text::hint(error)),
            Self::Request { detail } => {
                let vi = format!("không hiểu yêu cầu {}", text::technical(detail));
                (Both::new(vi, en), None)
            }
            Self::Json(error) => (Both::new(text::json_vi(error), en), None),
            Self::Path { path } => (Both::new(format!("ở đây không có `{path}`"), en), None),
            Self::Method { method, path } => {
                (Both::new(format!("`{path}` không nhận {method}"), en), None)
            }
            Self::Origin { origin } => (
                Both::new(format!("ở đây không trả lời trang của `{origin}`"), en),
                None,
            ),
            Self::TooLarge { most } => (
                Both::new(format!("một yêu cầu dài tối đa {most} byte"), en),
                Some(Both::new("chia nhỏ rồi làm lại", "split it and repeat")),
            ),
            Self::TooSlow { seconds } => (
                Both::new(format!("sau {seconds} giây vẫn chưa có trả lời"), en),
                Some(Both::new(
                    "kiểm tra ổ đĩa bằng `hopluu doctor`; việc đang làm có thể vẫn xong",
                    "look at the disk with `hopluu doctor`; what was asked may still get done",
                )),
            ),
            Self::Unsettled { code } => (
                Both::new(
                    format!("`{code}` còn số liệu trái nhau ở nơi xuất ra, khi nhập không tự chọn"),
                    en,
                ),
                Some(Both::new(
                    "chọn một số rồi nhập bằng `hopluu report set`",
                    "choose a value and enter it with `hopluu report set`",
                )),
            ),
        };
        let fault = fault_word(self.fault()).to_owned();
        Problem {
            code: self.code().to_owned(),
            fault,
            message,
            hint,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Command(error) => command_status(error),
            Self::Request { .. } | Self::Json(_) | Self::Unsettled { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Path { .. } => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Origin { .. } => StatusCode::FORBIDDEN,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

fn command_status(error: &CommandError) -> StatusCode {
    match error {
        CommandError::UnknownUnit { .. }
        | CommandError::NoAttachment { .. }
        | CommandError::UnknownForm { .. }
        | CommandError::NoReport { .. }
        | CommandError::NoPrevious { .. } => StatusCode::NOT_FOUND,
        CommandError::UnknownPeriod { .. }
        | CommandError::UnknownLine { .. }
        | CommandError::UnknownSection { .. }
        | CommandError::UnknownOffice { .. }
        | CommandError::TextTooLong { .. }
        | CommandError::Value { .. }
        | CommandError::NoReason
        | CommandError::Attachment(_)
        | CommandError::NoRoom { .. }
        | CommandError::Form(_)
        | CommandError::NoAddress
        | CommandError::TicketHours { .. }
        | CommandError::BadAddress { .. }
        | CommandError::TimeOutside
        | CommandError::WrongBefore { .. }
        | CommandError::UnknownName { .. }
        | CommandError::Refused { .. } => StatusCode::BAD_REQUEST,
        CommandError::AmbiguousUnit { .. }
        | CommandError::ReportExists { .. }
        | CommandError::NotReporting { .. }
        | CommandError::NotOurs { .. }
        | CommandError::NotTold { .. }
        | CommandError::OtherOffice { .. }
        | CommandError::NotThen { .. }
        | CommandError::Withdrawn { .. }
        | CommandError::NoConflict { .. }
        | CommandError::NothingToUndo { .. }
        | CommandError::NoCompartment { .. }
        | CommandError::NotBelow { .. }
        | CommandError::GrantOutside { .. }
        | CommandError::OneMainNode { .. }
        | CommandError::Backup(_)
        | CommandError::FormNotNewer { .. }
        | CommandError::GivenAway { .. }
        | CommandError::MayNotIssue { .. } => StatusCode::CONFLICT,
        CommandError::NotGranted { .. } => StatusCode::FORBIDDEN,
        CommandError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        CommandError::Store(_)
        | CommandError::TooMuch { .. }
        | CommandError::Overloaded
        | CommandError::NotSynced { .. }
        | CommandError::NotHereYet { .. }
        | CommandError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        CommandError::Damaged { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        CommandError::Bundle(BundleError::NobodyThere { .. } | BundleError::NobodyInLine) => {
            StatusCode::NOT_FOUND
        }
        CommandError::Bundle(_) => StatusCode::BAD_REQUEST,
        CommandError::People(error) => people_status(error),
    }
}

fn people_status(error: &PeopleError) -> StatusCode {
    match error {
        PeopleError::LoginNeeded | PeopleError::SessionEnded | PeopleError::LoginRefused => {
            StatusCode::UNAUTHORIZED
        }
        PeopleError::LoginWait { .. } => StatusCode::TOO_MANY_REQUESTS,
        PeopleError::NotYourRole { .. } | PeopleError::Revoked { .. } => StatusCode::FORBIDDEN,
        PeopleError::WeakPassphrase { .. } | PeopleError::BadName(_) | PeopleError::NoRole => {
            StatusCode::BAD_REQUEST
        }
        PeopleError::Unknown(_) => StatusCode::NOT_FOUND,
        PeopleError::Exists(_) | PeopleError::NoAdministrator => StatusCode::CONFLICT,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(), Json(self.problem())).into_response()
    }
}

/// A refusal as it stands in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable code, for example `M-1001`.
    pub code: String,
    /// Who has to act: `config` whoever asked, `local` this machine, `peer` another node, `bug` us.
    pub fault: String,
    /// What is wrong.
    pub message: Both,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<Both>,
}

impl Problem {
    /// Whether whoever asked can cure it by asking otherwise.
    #[must_use]
    pub fn is_askers(&self) -> bool {
        self.fault == fault_word(Fault::Config)
    }
}

fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::Peer => "peer",
        Fault::Local => "local",
        Fault::Config => "config",
        Fault::Bug => "bug",
    }
}

#[cfg(test)]
mod tests {
    use hopluu_engine::UndoBar;
    use hopluu_form::Lang;

    use super::*;

    #[test]
    fn a_refusal_says_what_and_what_to_do_in_both_languages() {
        let error = CommandError::UnknownPeriod {
            text: "2026-H3".to_owned(),
            form: "pcmd-review".to_owned(),
            takes: vec!["half-year".to_owned(), "years".to_owned()],
        };
        expect_test::expect![[r#"
            {
              "code": "M-1004",
              "fault": "config",
              "message": {
                "vi": "`2026-H3` không phải kỳ báo cáo của biểu mẫu `pcmd-review`",
                "en": "`2026-H3` is not a period of form `pcmd-review`, it takes: half-year, years"
              },
              "hint": {
                "vi": "loại kỳ báo cáo được nhận: 2026-H1, 2016-2020",
                "en": "it takes: 2026-H1, 2016-2020"
              }
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&ApiError::from(error).problem()).unwrap());
    }

    #[test]
    fn statuses_follow_the_kind_of_refusal() {
        let status = |error: CommandError| ApiError::from(error).status().as_u16();
        assert_eq!(status(CommandError::DiskFull), 507);
        assert_eq!(status(CommandError::Stopping), 503);
        assert_eq!(
            status(CommandError::NothingToUndo {
                why: UndoBar::NoSave
            }),
            409
        );
        assert_eq!(
            status(CommandError::UnknownForm {
                text: "x".into(),
                known: vec![]
            }),
            404
        );
        assert_eq!(
            status(CommandError::TextTooLong { length: 2, most: 1 }),
            400
        );
    }

    #[test]
    fn a_list_of_none_is_not_announced() {
        let message = |error: CommandError| ApiError::from(error).problem().message;
        let nobody = message(CommandError::UnknownOffice {
            office: "navy".to_owned(),
            known: vec![],
        });
        assert_eq!(nobody.en, "office `navy` has no part here");
        let nothing = message(CommandError::UnknownPeriod {
            text: "nope".to_owned(),
            form: String::new(),
            takes: vec![],
        });
        assert_eq!(nothing.en, "`nope` is not a period");
        let nowhere = message(CommandError::UnknownUnit {
            text: "nope".to_owned(),
            on: hopluu_model::Date::MAX.to_string(),
        });
        assert_eq!(nowhere.en, "no unit `nope` in the tree");
    }

    #[test]
    fn why_something_was_refused_is_said_in_vietnamese() {
        let message = |detail: &str| {
            let error = CommandError::Refused {
                what: "the tree event",
                detail: detail.to_owned(),
            };
            ApiError::from(error).problem().message.vi
        };
        assert_eq!(
            message("19429@2024-05-01 began already, with other facts"),
            "thay đổi cây đơn vị không được chấp nhận: 19429@2024-05-01 đã có rồi, với thông tin khác"
        );
        assert_eq!(
            message("it is odd"),
            "thay đổi cây đơn vị không được chấp nhận (chi tiết kỹ thuật: it is odd)"
        );
    }

    #[test]
    fn an_office_that_is_missing_is_told_from_one_that_is_wrong() {
        let problem = |office: &str| {
            let error = CommandError::UnknownOffice {
                office: office.into(),
                known: vec![],
            };
            ApiError::from(error)
                .problem()
                .message
                .in_lang(Lang::Vi)
                .to_owned()
        };
        assert_ne!(problem(""), problem("navy").replace("navy", ""));
    }
}
