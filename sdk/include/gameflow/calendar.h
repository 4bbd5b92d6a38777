// Dates and times of day of the proleptic Gregorian calendar, as numbers and as they are written.
#pragma once

#include <utility>

#include <gameflow/types.h>

namespace gameflow::detail {

constexpr bool digits(const char* text, int count, int& value) {
  value = 0;
  for (int i = 0; i < count; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    if (digit > 9) return false;
    value = value * 10 + static_cast<int>(digit);
  }
  return true;
}

// Days from 1970-01-01 to a date of year 1 or later. Years begin in March here, so that a leap day
// is the last one.
constexpr i64 days_from_civil(int year, int month, int day) {
  const unsigned years = static_cast<unsigned>(month <= 2 ? year - 1 : year);
  const unsigned months = static_cast<unsigned>(month <= 2 ? month + 9 : month - 3);
  const unsigned leap_days = years / 4 - years / 100 + years / 400;
  const unsigned days = years * 365 + leap_days + (153 * months + 2) / 5;
  return i64{days} + day - 719469;  // since 0000-03-00
}

// The opposite of days_from_civil, of year 1 to 9999; after Howard Hinnant's civil_from_days
// (howardhinnant.github.io/date_algorithms.html).
constexpr void civil_from_days(i64 days, int& year, int& month, int& day) {
  days += 719468;
  const i64 era = (days >= 0 ? days : days - 146096) / 146097;
  const int day_of_era = static_cast<int>(days - era * 146097);
  const int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int shifted = (5 * day_of_year + 2) / 153;
  day = day_of_year - (153 * shifted + 2) / 5 + 1;
  month = shifted + (shifted < 10 ? 3 : -9);
  year = static_cast<int>(era * 400) + year_of_era + (month <= 2 ? 1 : 0);
}

constexpr int days_in_month(int year, int month) {
  if (month == 2) return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
  return (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31;
}

struct Civil {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;  // :60 is a leap second

  constexpr bool is_valid() const {
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           (day <= 28 || day <= days_in_month(year, month)) && hour <= 23 && minute <= 59 &&
           second <= 60;
  }
  // Since 1970.
  constexpr i64 seconds() const {
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  }
};

// Eight bytes of a text; the first one is the lowest.
constexpr u64 eight_bytes(const char* text) {
  const auto at = [text]<std::size_t... I>(std::index_sequence<I...>) {
    return ((u64{static_cast<unsigned char>(text[I])} << (8 * I)) | ...);  // one load
  };
  return at(std::make_index_sequence<8>());
}

// Where eight bytes have digits, which are 0 here, and what else they have.
struct DigitForm {
  u64 text;
  u64 room = 0;  // what each byte may grow by, once `text` is taken from it, before it is over 127

  consteval DigitForm(const char* form) : text(eight_bytes(form)) {
    for (int i = 8; i-- > 0;) room = room << 8 | (form[i] == '0' ? 127U - 9 : 127U);
  }
};

// Up to eight digits between other characters, read at once.
class SpacedDigits {
 public:
  constexpr SpacedDigits(const char* text, DigitForm form)
      : digits_(eight_bytes(text) ^ form.text),
        is_read_((((digits_ + form.room) | digits_) & 0x8080808080808080U) == 0) {}

  // They are of that form.
  constexpr bool is_read() const { return is_read_; }
  // Two of them, the first at `place`.
  constexpr int pair(int place) const {
    return static_cast<int>((digits_ * 10 + (digits_ >> 8)) >> (8 * place) & 0xff);
  }

 private:
  u64 digits_;
  bool is_read_;
};

// Reads the first 19 characters of a text that has them: "2024-11-12T10:15:30". False where they
// are anything else. (A timestamp takes 7.6 ns with it, and 14.6 digit by digit.)
constexpr bool read_usual(const char* text, Civil& civil) {
  const SpacedDigits date(text, "0000-00-"), clock(text + 8, "00T00:00"),
      end(text + 11, "00:00:00");
  if (!date.is_read() || !clock.is_read() || !end.is_read()) return false;
  civil = {.year = date.pair(0) * 100 + date.pair(2),
           .month = date.pair(5),
           .day = clock.pair(0),
           .hour = clock.pair(3),
           .minute = clock.pair(6),
           .second = end.pair(6)};
  return true;
}

}  // namespace gameflow::detail
