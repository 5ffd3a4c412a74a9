//! One method a request, so that paths and shapes meet in one place.

use hopluu_engine::view::{
    AccountChange, AccountRequest, AccountView, AuditView, ClockRequest, ClockView, ExplainView,
    FormRow, GrantRequest, GrantView, HistoryRow, InviteView, LinkView, LoginRequest, LoginView,
    ParkedView, PassphraseRequest, PublicView, PublishedView, ReadView, ReadsQuery, RecomputeView,
    RefusedView, ReportRow, ReportView, RevocationView, RevokeRequest, SaveRequest, Saved,
    Selector, SessionView, StatusView, TotalView, UnitView, UpstreamView, VoidQuery, VoidView,
};
use hopluu_model::tree::TreeEvent;

use super::{Client, ClientError, Exported, Lines};
use crate::client::wire::with_query;
use crate::limits::REQUEST_TIME_MAX;
use crate::shape::{
    AuditQuery, BackupDone, BackupRequest, Done, DossierFile, DossierRequest, FormQuery,
    FormRequest, FormView, NewRequest, ParkedRequest, ReportQuery, TicketRequest, TotalQuery,
    UndoRequest, UnitQuery, VoidRequest, WITHDRAWN_HEADER,
};

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident: $how:ident $path:literal, $asked:ty => $answer:ty;)+) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// When the node refuses, or does not answer.
                pub async fn $name(&self, asked: &$asked) -> Result<$answer, ClientError> {
                    calls!(@$how self, $path, asked)
                }
            )+
        }
    };
    (@get $self:ident, $path:literal, $asked:ident) => { $self.get($path, $asked).await };
    (@post $self:ident, $path:literal, $asked:ident) => {
        $self.post($path, $asked, REQUEST_TIME_MAX).await
    };
    (@long $self:ident, $path:literal, $asked:ident) => {
        $self.post($path, $asked, Self::long()).await
    };
}

calls! {
    /// Reports, with how far each got.
    report_list: get "/v1/reports", ReportQuery => Vec<ReportRow>;
    /// One report.
    report_show: get "/v1/reports/show", Selector => ReportView;
    /// Who changed a report.
    report_history: get "/v1/reports/history", Selector => Vec<HistoryRow>;
    /// Opens a report.
    report_new: post "/v1/reports/new", NewRequest => Saved;
    /// Saves edits as one change.
    report_save: post "/v1/reports/save", SaveRequest => Saved;
    /// Takes the last save back.
    report_undo: post "/v1/reports/undo", UndoRequest => Saved;
    /// The total of a unit.
    rollup_show: get "/v1/rollup", TotalQuery => TotalView;
    /// What a total was made of.
    rollup_explain: get "/v1/rollup/explain", TotalQuery => ExplainView;
    /// A total from freshly loaded documents, against the one that is kept.
    rollup_recompute: long "/v1/rollup/recompute", TotalQuery => RecomputeView;
    /// One form.
    form_show: get "/v1/forms/show", FormQuery => FormView;
    /// Hands a form down.
    form_add: post "/v1/forms", FormRequest => FormRow;
    /// One unit.
    unit_show: get "/v1/units", UnitQuery => UnitView;
    /// A unit and everything below it.
    unit_tree: get "/v1/units/tree", UnitQuery => Vec<UnitView>;
    /// Hands a change of the tree down.
    units_add: post "/v1/units", TreeEvent => Done;
    /// Issues a ticket.
    invite: post "/v1/invite", TicketRequest => InviteView;
    /// Says what time it is.
    clock_set: post "/v1/clock", ClockRequest => ClockView;
    /// Gives an office rights.
    grant_give: post "/v1/grants", GrantRequest => GrantView;
    /// Takes a node, an account or a grant back.
    revoke: post "/v1/revocations", RevokeRequest => RevocationView;
    /// Gives up something that waits.
    parked_drop: post "/v1/parked/drop", ParkedRequest => Done;
    /// What somebody wrote who may not.
    void_list: get "/v1/voids", VoidQuery => Vec<VoidView>;
    /// Writes it in one's own name.
    void_adopt: post "/v1/voids/adopt", VoidRequest => Saved;
    /// Says that it stays void.
    void_dismiss: post "/v1/voids/dismiss", VoidRequest => Saved;
    /// Opens a session.
    login: post "/v1/login", LoginRequest => LoginView;
    /// Gives somebody an account.
    account_add: post "/v1/accounts", AccountRequest => AccountView;
    /// Changes what somebody may do, or closes the account.
    account_change: post "/v1/accounts/change", AccountChange => AccountView;
    /// Puts a passphrase in the place of another.
    passphrase: post "/v1/accounts/passphrase", PassphraseRequest => AccountView;
    /// Everything that was ever written in a report.
    audit_report: get "/v1/audit/report", AuditQuery => AuditView;
    /// Who was shown what is private.
    audit_reads: get "/v1/audit/reads", ReadsQuery => Vec<ReadView>;
    /// A report as a file that others can verify.
    audit_dossier: long "/v1/audit/dossier", DossierRequest => DossierFile;
    /// A table for the public.
    publish: long "/v1/exports/public", TotalQuery => PublicView;
    /// Copies the database.
    backup: long "/v1/backup", BackupRequest => BackupDone;
}

impl Client {
    /// The node as a whole.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        self.get("/v1/status", &ReportQuery::default()).await
    }

    /// Ends this session.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn logout(&self) -> Result<(), ClientError> {
        let Done {} = self.post("/v1/logout", &(), REQUEST_TIME_MAX).await?;
        Ok(())
    }

    /// Who asks, and what they may.
    ///
    /// # Errors
    /// When the node does not answer, or nobody is logged in.
    pub async fn session(&self) -> Result<SessionView, ClientError> {
        self.get("/v1/session", &ReportQuery::default()).await
    }

    /// Everybody who works here.
    ///
    /// # Errors
    /// When the node refuses, or does not answer.
    pub async fn account_list(&self) -> Result<Vec<AccountView>, ClientError> {
        self.get("/v1/accounts", &ReportQuery::default()).await
    }

    /// What other nodes are owed, and what links to them carry and have cost.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn link_list(&self) -> Result<Vec<LinkView>, ClientError> {
        self.get("/v1/links", &ReportQuery::default()).await
    }

    /// Calls the addresses of the settings now, on new links even where links stand; gives all of them.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn link_call(&self) -> Result<Vec<UpstreamView>, ClientError> {
        self.post("/v1/links/call", &(), REQUEST_TIME_MAX).await
    }

    /// What time it is there, and by whose word.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn clock_show(&self) -> Result<ClockView, ClientError> {
        self.get("/v1/clock", &ReportQuery::default()).await
    }

    /// Every grant that is known there.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn grant_list(&self) -> Result<Vec<GrantView>, ClientError> {
        self.get("/v1/grants", &ReportQuery::default()).await
    }

    /// What was refused.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn audit_refused(&self) -> Result<Vec<RefusedView>, ClientError> {
        self.get("/v1/audit/refused", &ReportQuery::default()).await
    }

    /// What was published.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn audit_published(&self) -> Result<Vec<PublishedView>, ClientError> {
        self.get("/v1/audit/published", &ReportQuery::default())
            .await
    }

    /// Everything that waits for something before it can come in.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn parked_list(&self) -> Result<Vec<ParkedView>, ClientError> {
        self.get("/v1/parked", &ReportQuery::default()).await
    }

    /// What holds no longer.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn revocation_list(&self) -> Result<Vec<RevocationView>, ClientError> {
        self.get("/v1/revocations", &ReportQuery::default()).await
    }

    /// The forms known there.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn form_list(&self) -> Result<Vec<FormRow>, ClientError> {
        self.get("/v1/forms", &ReportQuery::default()).await
    }

    /// What happens from now on.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn watch(&self) -> Result<Lines, ClientError> {
        Ok(self.stream("/v1/watch").await?.lines())
    }

    /// Reports as saves, one a line.
    ///
    /// # Errors
    /// When the node refuses, or does not answer.
    pub async fn export(&self, asked: &ReportQuery) -> Result<Exported, ClientError> {
        let path = with_query("/v1/reports/export", asked);
        let answer = self.stream(&path).await?;
        Ok(Exported {
            withdrawn: answer.count(WITHDRAWN_HEADER),
            lines: answer.lines(),
        })
    }
}
