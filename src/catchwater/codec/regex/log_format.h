/// \file
/// A web server's format string -> the pattern of its lines.
///
/// Sources: Apache HTTP Server 2.4, mod_log_config, "Custom Log Formats"; nginx,
/// ngx_http_log_module, `log_format`.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// Immutable.
struct LogPattern {
  std::string pattern;  ///< Named groups are the fields.
  std::map<std::string, std::string> time_formats{};
  std::set<std::string> escaped_groups{};  ///< Fields in quotes.
};

/// Reads `common`, `combined`, or a format string with Apache's `%` directives or nginx's `$`
/// variables.
/// \retval kConfig if it is none, names a field twice, or has two fields with nothing in between
arrow::Result<LogPattern> ParseLogFormat(std::string_view format);

}  // namespace catchwater
