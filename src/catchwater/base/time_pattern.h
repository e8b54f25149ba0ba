/// \file
/// Dates and times by a pattern in the manner of strptime, without locale.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/timestamp.h"

namespace catchwater {

/// Immutable; any thread. Directives:
///   %Y year (4 digits)   %y year (2 digits: 69-99 are 19xx)   %m month   %d %e day   %j day of
///   year %b %B %h English month name, short or whole   %a %A English weekday name (read, not used)
///   %H hour   %I hour 1-12   %p AM or PM   %M minute   %S second   %f fraction, 1-9 digits
///   %z offset: Z, +hh, +hhmm, +hh:mm   %Z the words UTC, GMT, Z   %s seconds since 1970 UTC
///   %F = %Y-%m-%d   %T = %H:%M:%S   %R = %H:%M   %D = %m/%d/%y   %% a percent sign
/// Numbers may lack leading zeros, except in %Y. A blank stands for any number of blanks.
class TimePattern {
 public:
  /// \retval kConfig for an unknown directive, or a pattern that does not give a date
  static arrow::Result<TimePattern> Make(std::string_view pattern);

  LocalTime Parse(std::string_view text) const;

 private:
  // A directive's letter, or a literal character.
  struct Part {
    char directive = '\0';
    char literal = '\0';
  };
  std::vector<Part> parts_;
};

}  // namespace catchwater
