//! `/hora`: the official time of the sede, and its calendar of non-working days (Ley 39/2015 art. 30.7 and 31).

use super::layout::Page;
use axum::response::Response;
use jiff::civil::Date;
use maud::html;

pub(super) async fn show(page: Page) -> Response {
    let now = page.service.parts.clock.now();
    let zone = &page.service.config().sede.zone;
    let local = now.in_zone(zone).unwrap_or_else(|_| now.in_utc());
    let year = local.year();
    let holidays: Vec<(&Date, &String)> = (page.service.parts.calendar.holidays.iter())
        .filter(|(day, _)| day.year() == year)
        .collect();
    let body = html! {
        div.narrow {
            h1 { (page.t("time.title")) }
            p.lead { (page.t("time.lead")) }
            div.clock {
                p.clock-time { time datetime=(local.strftime("%Y-%m-%dT%H:%M:%S%:z")) { (local.strftime("%H:%M:%S")) } }
                p.clock-date { (page.date(local.date())) }
                p.clock-zone {
                    (page.fill("time.zone", &[("zone", zone), ("offset", &local.strftime("%:z").to_string())]))
                }
            }
            p { (page.t("time.still")) }
            p { a.button.quiet href=(page.link("/hora")) { (page.t("time.again")) } }
            h2 { (page.t("time.why_title")) }
            p { (page.t("time.why")) }
            @if !holidays.is_empty() {
                h2 { (page.fill("time.holidays", &[("year", &year.to_string())])) }
                p { (page.t("time.holidays_text")) }
                table {
                    caption.hidden { (page.fill("time.holidays", &[("year", &year.to_string())])) }
                    thead { tr { th scope="col" { (page.t("time.day")) } th scope="col" { (page.t("time.reason")) } } }
                    tbody {
                        @for (day, name) in &holidays {
                            tr { td { (page.date(**day)) } td lang="es" { (name) } }
                        }
                    }
                }
            }
        }
    };
    page.show("time.title", &body)
}
