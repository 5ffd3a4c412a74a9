//! How values, times and units are shown to a person.

use hopluu_engine::view::Reached;
use hopluu_form::{Lang, Style};
use hopluu_model::{Scalar, Timestamp, UnitId};

use crate::text;

/// UTC+7, the country's only time zone.
const OFFSET_MS: i64 = 7 * 3_600_000;

/// A canonical value in a style; what is not canonical stays as it is.
pub(crate) fn value(canonical: &str, style: Style) -> String {
    match canonical.parse::<Scalar>() {
        Ok(scalar) => hopluu_form::show(&scalar, style),
        Err(_) => canonical.to_owned(),
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
pub(crate) fn figure_key(code: &str, office: Option<&str>) -> String {
    office.map_or_else(|| code.to_owned(), |office| format!("{code}@{office}"))
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
