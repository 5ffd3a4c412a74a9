//! How values, times and units are shown to a person.

use std::collections::BTreeMap;

use hopluu_api::shape::{FormView, OfficeView};
use hopluu_api::text::Both;
use hopluu_engine::view::{Reached, ReportRef};
use hopluu_form::{Form, Lang, Style};
use hopluu_model::{Decimal, IndicatorCode, OfficeId, Qualifier, Scalar, Timestamp, UnitId};

use crate::text;

/// UTC+7, the country's only time zone.
const OFFSET_MS: i64 = 7 * 3_600_000;

/// A canonical value in a style; what is not canonical stays as it is.
pub(crate) fn value(canonical: &str, style: Style) -> String {
    let scalar = canonical.parse().ok().or_else(|| sum(canonical));
    scalar.map_or_else(
        || canonical.to_owned(),
        |scalar| hopluu_form::show(&scalar, style),
    )
}

/// A total may have more digits than anything that is entered.
fn sum(canonical: &str) -> Option<Scalar> {
    let prefixes = [
        ("~>", Qualifier::AtLeast),
        ("~<", Qualifier::AtMost),
        ("~", Qualifier::About),
    ];
    let qualified = prefixes
        .into_iter()
        .find_map(|(prefix, qualifier)| Some((canonical.strip_prefix(prefix)?, qualifier)));
    let (digits, qualifier) = qualified.unwrap_or((canonical, Qualifier::Exact));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let units = format!("{whole}{fraction}").parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    Some(Scalar::Number(Decimal::new(units, scale), qualifier))
}

/// The values from the lowest to the highest that an unsettled figure allows.
pub(crate) fn range(low: &str, high: &str, style: Style, lang: Lang) -> String {
    let (low, high) = (value(low, style), value(high, style));
    match lang {
        Lang::Vi => format!("từ {low} đến {high}"),
        Lang::En => format!("{low} to {high}"),
    }
}

/// Where a report stands, and why.
pub(crate) fn state(state: &str, reason: Option<&str>, lang: Lang) -> String {
    let state = text::state_of(lang, state);
    reason.map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}"))
}

/// A report's period, and which of several reports it is.
pub(crate) fn period(report: &ReportRef) -> String {
    match report.instance {
        0 => report.period.to_string(),
        instance => format!("{} #{instance}", report.period),
    }
}

/// What offices are called: forms name them, everything else only has their ids.
#[derive(Debug, Default)]
pub(crate) struct Offices(BTreeMap<OfficeId, Both>);

impl Offices {
    /// The offices of forms; of two names the first is taken.
    pub(crate) fn of(views: impl IntoIterator<Item = OfficeView>) -> Self {
        let mut names = BTreeMap::new();
        for view in views {
            names.entry(view.office).or_insert(view.name);
        }
        Self(names)
    }

    /// An office by its name; by its id where no form names it.
    pub(crate) fn name(&self, office: &OfficeId, lang: Lang) -> String {
        let name = self.0.get(office).map(|name| name.in_lang(lang));
        name.unwrap_or(office.as_str()).to_owned()
    }

    /// Whose node it is: an office's, or the unit's main one.
    pub(crate) fn node(&self, office: Option<&OfficeId>, lang: Lang) -> String {
        office.map_or_else(
            || text::main_node(lang).to_owned(),
            |office| self.name(office, lang),
        )
    }
}

impl From<&Form> for Offices {
    fn from(form: &Form) -> Self {
        Self::of(FormView::from(form).offices)
    }
}

/// A value that may be absent.
pub(crate) fn some_value(canonical: Option<&str>, style: Style) -> String {
    canonical.map(|text| value(text, style)).unwrap_or_default()
}

/// An instant as a clock in Viet Nam shows it.
pub(crate) fn time(at: Timestamp, lang: Lang) -> String {
    let format = text::word(lang, "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M");
    match jiff::Timestamp::from_millisecond(at.0.saturating_add(OFFSET_MS)) {
        Ok(instant) => instant
            .to_zoned(jiff::tz::TimeZone::UTC)
            .strftime(format)
            .to_string(),
        Err(_) => at.to_string(),
    }
}

/// A unit with its code, so that it can be typed.
pub(crate) fn unit(name: &str, id: &UnitId) -> String {
    format!("{name} ({})", id.code)
}

/// Here, and every superior that has it.
pub(crate) fn reached(places: &[Reached], lang: Lang) -> String {
    let mut words = vec![text::here(lang).to_owned()];
    for place in places {
        if place.is_current {
            words.push(place.unit_name.clone());
        } else {
            words.push(format!("{} ({})", place.unit_name, text::older(lang)));
        }
    }
    words.join(" · ")
}

/// The key of a figure, as it is typed.
pub(crate) fn figure_key(code: &IndicatorCode, office: Option<&OfficeId>) -> String {
    office.map_or_else(|| code.to_string(), |office| format!("{code}@{office}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_the_vietnamese_way() {
        assert_eq!(value("1500", Style::Vietnamese), "1.500");
        assert_eq!(value("90.5", Style::Vietnamese), "90,5");
        assert_eq!(value("1500", Style::Plain), "1500");
        assert_eq!(value("19/21", Style::Vietnamese), "19/21 (90,5%)");
        let sum = "1000000000000000000";
        assert_eq!(value(sum, Style::Vietnamese), "1.000.000.000.000.000.000");
        assert_eq!(
            value("~>1000000000000000000.5", Style::Vietnamese),
            "ít nhất 1.000.000.000.000.000.000,5"
        );
        assert_eq!(value("x.y", Style::Vietnamese), "x.y");
        assert_eq!(
            range("1", "1500", Style::Vietnamese, Lang::Vi),
            "từ 1 đến 1.500"
        );
    }

    #[test]
    fn times_are_those_of_the_country() {
        let at = Timestamp(1_795_322_400_000);
        assert_eq!(time(at, Lang::En), "2026-11-22 11:40");
        assert_eq!(time(at, Lang::Vi), "22/11/2026 11:40");
        assert_eq!(
            time(Timestamp(i64::MAX), Lang::En),
            format!("{}ms", i64::MAX)
        );
    }
}
