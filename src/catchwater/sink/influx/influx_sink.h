/// \file
/// Sink `influx`: points in line protocol over HTTP, to InfluxDB 1 and 2 and what speaks as they
/// do.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

enum class InfluxApi { kV1, kV2 };
constexpr auto EnumWords(InfluxApi) {
  using Pair = std::pair<InfluxApi, std::string_view>;
  return std::array{Pair{InfluxApi::kV1, "v1"}, Pair{InfluxApi::kV2, "v2"}};
}

struct InfluxSinkConfig {
  std::string url;
  InfluxApi api = InfluxApi::kV2;
  std::string database;
  std::string user;
  Secret password;
  std::string org;
  std::string bucket;
  Secret token;
  std::string measurement;
  std::string time;
  std::vector<std::string> tags;
  std::vector<std::string> fields;
  int64_t batch_points = 5'000;
  Duration timeout = Duration::Seconds(30);
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is, without a path.", Example{"http://localhost:8086"});
    field.Optional("api", api, "`v1`: `/write`; `v2`: `/api/v2/write`.");
    field.Optional("database", database, "v1: database, `name` or `name/retention_policy`.");
    field.Optional("user", user, "v1: user.");
    field.Optional("password", password, "v1: password.");
    field.Optional("org", org, "v2: organisation.");
    field.Optional("bucket", bucket, "v2: bucket.");
    field.Optional("token", token, "v2: token.");
    field.Required("measurement", measurement, "Measurement of the points.", Example{"readings"});
    field.Required("time", time, "Timestamp column.", Example{"ts"});
    field.Optional("tags", tags,
                   "Columns that are tags: with the time they are the key of a point.",
                   Count{0, 64}, Example{"[sensor_id]"});
    field.Optional("fields", fields, "Columns that are fields. Default: all others.");
    field.Optional("batch_points", batch_points, "Points in one request.", Bounds{1, 100'000});
    field.Optional("timeout", timeout, "Of one request.",
                   Bounds{Duration::Seconds(1), Duration::Minutes(10)});
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterInfluxSink(Registry& registry);

}  // namespace catchwater
