//! PHP's dates in UTC: reading them as `strtotime` does, writing them as `date` does.

/// A moment, taken apart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// The latest moment that is read, in seconds: after the year 30,000.
const LATEST: i64 = 1_000_000_000_000;

/// The day since 1970 of a date; months and days may be too many or too few.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    // Years begin in March here, so that a leap day is the last of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 + (day - 1)
}

impl Civil {
    /// Midnight of a date.
    pub(crate) fn date(year: i64, month: i64, day: i64) -> Self {
        Self { year, month, day, ..Self::default() }
    }

    /// Seconds since 1970; what is too much in one part goes over into the next.
    pub(crate) fn timestamp(self) -> i64 {
        days(self.year, self.month, self.day) * DAY + self.hour * 3600 + self.minute * 60 + self.second
    }

    pub(crate) fn from_timestamp(timestamp: i64) -> Self {
        let (days, seconds) = (timestamp.div_euclid(DAY), timestamp.rem_euclid(DAY));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }

    /// 0 for Sunday to 6 for Saturday.
    pub(crate) fn weekday(self) -> i64 {
        (days(self.year, self.month, self.day) + 4).rem_euclid(7)
    }

    /// Monday to Friday.
    pub(crate) fn is_workday(self) -> bool {
        (1..=5).contains(&self.weekday())
    }

    fn is_leap(self) -> bool {
        self.days_of_year() == 366
    }

    fn days_of_year(self) -> i64 {
        days(self.year + 1, 1, 1) - days(self.year, 1, 1)
    }

    fn day_of_year(self) -> i64 {
        days(self.year, self.month, self.day) - days(self.year, 1, 1)
    }

    /// The year and number of the ISO week.
    fn iso_week(self) -> (i64, i64) {
        let monday_based = (self.weekday() + 6).rem_euclid(7);
        let thursday = days(self.year, self.month, self.day) - monday_based + 3;
        let year = Self::from_timestamp(thursday * DAY).year;
        (year, (thursday - days(year, 1, 1)) / 7 + 1)
    }
}

/// `YYYY-MM-DD`, with as many digits as the year needs.
pub(crate) fn iso_date(timestamp: i64) -> String {
    format(timestamp, "Y-m-d")
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn name_at(names: &[&'static str], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

/// PHP's `date`, in UTC.
pub(crate) fn format(timestamp: i64, pattern: &str) -> String {
    let at = Civil::from_timestamp(timestamp);
    let mut out = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            other => out.push_str(&part(at, timestamp, other)),
        }
    }
    out
}

fn year(at: Civil) -> String {
    if at.year < 0 { format!("-{:04}", -at.year) } else { format!("{:04}", at.year) }
}

fn part(at: Civil, timestamp: i64, letter: char) -> String {
    let twelve = if at.hour % 12 == 0 { 12 } else { at.hour % 12 };
    let month = name_at(&MONTHS, at.month - 1);
    let weekday = name_at(&WEEKDAYS, at.weekday());
    let short = |name: &str| name.get(..3).unwrap_or_default().to_owned();
    match letter {
        'd' => format!("{:02}", at.day),
        'D' => short(weekday),
        'j' => at.day.to_string(),
        'l' => weekday.to_owned(),
        'N' => (if at.weekday() == 0 { 7 } else { at.weekday() }).to_string(),
        'S' => match at.day {
            1 | 21 | 31 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        }
        .to_owned(),
        'w' => at.weekday().to_string(),
        'z' => at.day_of_year().to_string(),
        'W' => format!("{:02}", at.iso_week().1),
        'F' => month.to_owned(),
        'm' => format!("{:02}", at.month),
        'M' => short(month),
        'n' => at.month.to_string(),
        't' => (days(at.year, at.month + 1, 1) - days(at.year, at.month, 1)).to_string(),
        'L' => i64::from(at.is_leap()).to_string(),
        'o' => at.iso_week().0.to_string(),
        'Y' => year(at),
        'y' => format!("{:02}", at.year.rem_euclid(100)),
        'a' => (if at.hour < 12 { "am" } else { "pm" }).to_owned(),
        'A' => (if at.hour < 12 { "AM" } else { "PM" }).to_owned(),
        'B' => {
            // Swatch time counts a thousandth of a day, in UTC+1.
            let beat = (timestamp.rem_euclid(DAY) + 3600).rem_euclid(DAY) * 10 / 864;
            format!("{beat:03}")
        }
        'g' => twelve.to_string(),
        'G' => at.hour.to_string(),
        'h' => format!("{twelve:02}"),
        'H' => format!("{:02}", at.hour),
        'i' => format!("{:02}", at.minute),
        's' => format!("{:02}", at.second),
        'u' => "000000".to_owned(),
        'v' => "000".to_owned(),
        'e' | 'T' => "UTC".to_owned(),
        'I' | 'Z' => "0".to_owned(),
        'O' => "+0000".to_owned(),
        'P' => "+00:00".to_owned(),
        'p' => "Z".to_owned(),
        'c' => format(timestamp, "Y-m-d\\TH:i:sP"),
        'r' => format(timestamp, "D, d M Y H:i:s O"),
        'U' => timestamp.to_string(),
        other => other.to_string(),
    }
}

/// Reads a date, a time or both, as PHP's `strtotime` in UTC reads the usual notations.
///
/// A time alone is of the day given. Words like `next monday` are not read.
pub(crate) fn parse(text: &str, today: i64) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(timestamp) = text.strip_prefix('@') {
        return timestamp.parse().ok().filter(|at: &i64| (-LATEST..LATEST).contains(at));
    }
    if text.is_empty() {
        return None;
    }
    let (date, rest) = match parse_date(&text) {
        Some((date, rest)) => (Some(date), rest),
        None => (None, text.as_str()),
    };
    let time_text = rest.trim_start_matches([' ', 't', ',']);
    let has_time = time_text.starts_with(|first: char| first.is_ascii_digit());
    if date.is_some() && has_time && rest.len() == time_text.len() {
        return None;
    }
    let (time, rest) = if time_text.is_empty() {
        ((0, 0, 0), "")
    } else if date.is_some() && !has_time {
        // A time zone alone.
        ((0, 0, 0), rest)
    } else {
        parse_time(time_text, date.is_some())?
    };
    let shift = parse_zone(rest)?;
    let (hour, minute, second) = time;
    let day = date.map_or(today.div_euclid(DAY) * DAY, Civil::timestamp);
    Some(day + hour * 3600 + minute * 60 + second - shift)
}

/// Numbers of a text between single separators: as many as given, and what follows them.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<([(i64, usize); N], &str)> {
    let mut found = [(0, 0); N];
    let mut rest = text;
    for (position, slot) in found.iter_mut().enumerate() {
        if position > 0 {
            rest = rest.strip_prefix(separator)?;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        *slot = (rest.get(..digits)?.parse().ok()?, digits);
        rest = rest.get(digits..)?;
    }
    Some((found, rest))
}

fn parse_date(text: &str) -> Option<(Civil, &str)> {
    let valid = |year, month, day, rest| {
        let valid = (0..=12).contains(&month) && (0..=31).contains(&day);
        valid.then_some((Civil::date(year, month, day), rest))
    };
    let short = |digits: usize| digits == 1 || digits == 2;
    if let Some(([(first, a), (second, b), (third, c)], rest)) = numbers::<3>(text, '-')
        && short(b)
    {
        return match (a, c) {
            (4, 1 | 2) => valid(first, second, third, rest),
            (1 | 2, 4) => valid(third, second, first, rest),
            (1..=3, 1 | 2) => {
                let century = if first < 70 { 2000 } else { 1900 };
                valid(if first < 100 { century + first } else { first }, second, third, rest)
            }
            _ => None,
        };
    }
    if let Some(([(first, a), (second, b), (third, c)], rest)) = numbers::<3>(text, '/')
        && short(b)
    {
        return match (a, c) {
            (4, 1 | 2) => valid(first, second, third, rest),
            (1 | 2, 4) => valid(third, first, second, rest),
            _ => None,
        };
    }
    if let Some(([(first, 1 | 2), (second, 1 | 2), (third, 4)], rest)) = numbers::<3>(text, '.') {
        return valid(third, second, first, rest);
    }
    if let Some(([(number, 8)], rest)) = numbers::<1>(text, '-') {
        return valid(number / 10_000, number / 100 % 100, number % 100, rest);
    }
    parse_worded_date(text)
}

/// `29 Feb 2024`, `Feb 29, 2024`, both also behind a weekday.
fn parse_worded_date(text: &str) -> Option<(Civil, &str)> {
    let text = match text.split_once([' ', ',']) {
        Some((word, rest)) if word.len() >= 3 && WEEKDAYS.iter().any(|day| is_short_for(word, day)) => {
            rest.trim_start_matches([' ', ','])
        }
        _ => text,
    };
    let mut rest = text;
    let (mut day, mut month, mut year) = (None, None, None);
    for _ in 0..3 {
        let word: usize = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (token, after) = (rest.get(..word)?, rest.get(word..)?);
        let digits = token.bytes().take_while(u8::is_ascii_digit).count();
        match (digits, token.len()) {
            (4, 4) => year = token.parse().ok(),
            (1 | 2, _) if matches!(token.get(digits..), Some("" | "st" | "nd" | "rd" | "th")) => {
                day = token.get(..digits)?.parse().ok();
            }
            (0, 3..) => {
                let at = MONTHS.iter().position(|month| is_short_for(token, month))?;
                month = i64::try_from(at + 1).ok();
            }
            _ => return None,
        }
        rest = if year.is_some() && day.is_some() && month.is_some() {
            after
        } else {
            after.trim_start_matches([' ', ',', '-'])
        };
    }
    Some((Civil::date(year?, month?, day?), rest))
}

fn is_short_for(word: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    word == name || Some(word) == name.get(..3)
}

type Time = (i64, i64, i64);

fn parse_time(text: &str, behind_date: bool) -> Option<(Time, &str)> {
    let (([(hour, hour_digits)], mut rest), mut minute, mut second) = (numbers::<1>(text, ':')?, 0, 0);
    let mut parts = 1;
    while parts < 3 {
        let Some((([(value, digits)], after), slot)) = rest
            .strip_prefix(':')
            .and_then(|rest| numbers::<1>(rest, ':'))
            .map(|found| (found, if parts == 1 { &mut minute } else { &mut second }))
        else {
            break;
        };
        if digits > 2 || value > 59 {
            return None;
        }
        *slot = value;
        rest = after;
        parts += 1;
    }
    if parts == 3
        && let Some(fraction) = rest.strip_prefix(['.', ','])
    {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        rest = fraction.get(digits..)?;
    }
    let after = rest.trim_start();
    let meridian = [("a.m.", 0), ("p.m.", 12), ("am", 0), ("pm", 12)]
        .into_iter()
        .find_map(|(word, add)| after.strip_prefix(word).map(|rest| (add, rest)));
    if let Some((add, rest)) = meridian {
        let valid = (1..=12).contains(&hour);
        return valid.then_some(((hour % 12 + add, minute, second), rest));
    }
    let valid = hour_digits <= 2 && hour <= 24 && (parts > 1 || behind_date);
    valid.then_some(((hour, minute, second), rest))
}

/// The shift of a time zone in seconds; UTC by its names, others by their numbers or military letters.
fn parse_zone(text: &str) -> Option<i64> {
    let text = text.trim();
    if matches!(text, "" | "z" | "utc" | "gmt") {
        return Some(0);
    }
    if let [letter] = text.as_bytes() {
        let hours = match letter {
            b'a'..=b'i' => letter - b'a' + 1,
            b'k'..=b'm' => letter - b'k' + 10,
            b'n'..=b'y' => letter - b'n' + 1,
            _ => return None,
        };
        let shift = i64::from(hours) * 3600;
        return Some(if *letter < b'n' { shift } else { -shift });
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|character| *character != ':').collect();
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_strtotime_reads_them() {
        for (text, expected) in [
            ("2024-01-31", "2024-01-31 00:00:00"),
            ("31-01-2024", "2024-01-31 00:00:00"),
            ("2024-02-30", "2024-03-01 00:00:00"),
            ("24-1-5", "2024-01-05 00:00:00"),
            ("0000-00-00", "-0001-11-30 00:00:00"),
            ("2024-01-31T10:20:30Z", "2024-01-31 10:20:30"),
            ("2024-01-31 10:20:30+02:00", "2024-01-31 08:20:30"),
            ("Thu, 29 Feb 2024 15:04:05 +0000", "2024-02-29 15:04:05"),
            ("Feb 29, 2024", "2024-02-29 00:00:00"),
            ("1/31/2024", "2024-01-31 00:00:00"),
            ("@86400", "1970-01-02 00:00:00"),
            ("10:00 pm", "1970-01-01 22:00:00"),
            ("2024-01-31a", "2024-01-30 23:00:00"),
            ("10:00 z", "1970-01-01 10:00:00"),
        ] {
            let found = parse(text, 0).map(|timestamp| format(timestamp, "Y-m-d H:i:s"));
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "garbage", "2024-13-01", "01-31-2024", "25:00", "10:61", "10", "2024-1c2-15"] {
            assert_eq!(parse(text, 0), None, "{text}");
        }
    }
}
