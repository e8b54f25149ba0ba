/// \file
/// What a tenant may ask about its own stream apps of one pipeline, and the answers. JSON in, JSON
/// out.
///
///   {"app": "hot", "do": "disable"}   -> {"ok": true, "app": "hot", "state": "disabled"}
///   {"do": "metrics"}                 -> {"ok": true, "apps": [{"app": "hot", ...}]}
///   {"app": "of-another"}             -> {"ok": false, "error": "..."}
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/app_meter.h"

namespace catchwater {

struct TenantControlContext {
  std::string pipeline;
  std::vector<std::string> apps;  ///< That the tenant may ask about.
  Ledger& ledger;
  std::function<std::string()> new_uuid;
  std::function<void(const std::string& app)>
      hold_app;                                  ///< Until take_switches nothing more is sent.
  std::function<arrow::Status()> take_switches;  ///< When it returns the switch has its effect.
  std::function<std::vector<AppReport>()> reports;
};

struct TenantAnswer {
  std::string text;
  bool is_refused = false;
};

/// One thread at a time.
class TenantControl {
 public:
  static constexpr size_t kRequestBytesMax = 64 << 10;

  explicit TenantControl(TenantControlContext context) : context_(std::move(context)) {}

  /// Doing the same again changes nothing. \return a failure only if it cannot be done or told now
  arrow::Result<TenantAnswer> Answer(std::string_view request) const;

 private:
  arrow::Result<nlohmann::ordered_json> Do(std::string_view request) const;
  arrow::Result<nlohmann::ordered_json> Switch(const std::string& app, bool is_on) const;
  arrow::Result<nlohmann::ordered_json> Tell(const std::vector<std::string>& apps,
                                             bool with_metrics) const;

  const TenantControlContext context_;
};

}  // namespace catchwater
