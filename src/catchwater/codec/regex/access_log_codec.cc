#include "catchwater/codec/regex/access_log_codec.h"

#include <utility>

#include "catchwater/codec/regex/log_format.h"
#include "catchwater/codec/regex/regex_codec.h"

namespace catchwater {
namespace {

arrow::Result<LinePattern> MakePattern(const AccessLogConfig& config) {
  ARROW_ASSIGN_OR_RAISE(LogPattern format, ParseLogFormat(config.format));
  LinePattern pattern{.format = "access_log",
                      .skip_empty = true,
                      .null_tokens = config.null_tokens,
                      .time_formats = std::move(format.time_formats),
                      .escaped_groups = std::move(format.escaped_groups)};
  // Clients send any bytes: only the column that takes them is to blame.
  ARROW_ASSIGN_OR_RAISE(pattern.regex, CompilePattern(format.pattern, /*is_latin1=*/true));
  return pattern;
}

}  // namespace

arrow::Status AccessLogConfig::Check() const { return MakePattern(*this).status(); }

arrow::Result<std::unique_ptr<Codec>> MakeAccessLogCodec(const AccessLogConfig& config) {
  ARROW_ASSIGN_OR_RAISE(LinePattern pattern, MakePattern(config));
  return std::make_unique<PatternCodec>(std::move(pattern));
}

arrow::Status RegisterAccessLogCodec(Registry& registry) {
  return registry.AddCodec<AccessLogConfig>(
      {.name = "access_log",
       .summary = "Access logs of web servers: common, combined, or by the server's format string.",
       .details =
           "Fields have one name, whichever server wrote them: `remote_host`, `ident`, `user`, "
           "`time`, `request` with its parts `method`, `path`, `protocol`, `status`, `bytes`, "
           "`bytes_in`, `bytes_out`, `duration_s`, `duration_us`, `server_name`, `port`; request "
           "headers are named after themselves, `referer`, `user_agent`, `x_forwarded_for`; other "
           "headers of Apache are `response_...`, `cookie_...`, `env_...`, `note_...`; other "
           "variables of nginx keep their name. A column reads the field of its `from` or of its "
           "own name, or `line`, the whole line. `-` is null. A timestamp column that reads `time` "
           "needs no `format`; the offset in the log counts. What a client sent that is no request "
           "is a row whose `request` has no parts. In quoted fields `\\\"`, `\\\\` and `\\xHH` are "
           "taken back. A line of another form is a dead letter (`access_log.match`)."},
      MakeAccessLogCodec);
}

}  // namespace catchwater
