/// \file
/// Codec `access_log`: the access logs of web servers, by their format string.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

struct AccessLogConfig {
  std::string format = "combined";
  std::vector<std::string> null_tokens = {"-"};

  static constexpr std::string_view kShortFor = "format";

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("format", format,
                   "`common`, `combined`, or the server's own format string: Apache's LogFormat or "
                   "nginx's log_format.",
                   Example{R"('$remote_addr [$time_local] "$request" $status $request_time')"});
    field.Optional("null_tokens", null_tokens, "Texts that mean null.", Count{0, 100});
  }
  /// \retval kConfig if the format string cannot be read
  arrow::Status Check() const;
};

/// \retval kConfig if the format string cannot be read
arrow::Result<std::unique_ptr<Codec>> MakeAccessLogCodec(const AccessLogConfig& config);

arrow::Status RegisterAccessLogCodec(Registry& registry);

}  // namespace catchwater
