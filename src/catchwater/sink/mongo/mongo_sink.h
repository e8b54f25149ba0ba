/// \file
/// Sink `mongo`: a collection of MongoDB with one document for each key: upserts by a deterministic
/// `_id`, so that a delivery that comes again changes nothing.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

/// `indexes: [{key: [site, -ts]}, {key: [ts], expire_after: 30d}]`
struct MongoIndexConfig {
  std::vector<std::string> key;
  bool is_unique = false;
  std::optional<Duration> expire_after;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("key", key, "Columns, descending with `-` before the name.", Count{1, 16},
                   Example{"[site, -ts]"});
    field.Optional("unique", is_unique, "Two documents may not have the same values.");
    field.Optional("expire_after", expire_after,
                   "Documents are removed at this age of the one column of the key, a time.",
                   Example{"30d"});
  }
};

struct MongoSinkConfig {
  Secret url;
  std::string database;
  std::string collection;
  std::vector<std::string> key;
  std::vector<std::string> columns;
  std::vector<MongoIndexConfig> indexes;
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is: `mongodb://user:password@host:27017`.",
                   Example{"\"${MONGO_URL}\""});
    field.Required("database", database, "Database.", Example{"sensors"});
    field.Required("collection", collection, "Collection, made if it is not there.",
                   Example{"readings"});
    field.Required("key", key,
                   "Columns that make the `_id`: one document for each of their values.",
                   Count{1, 16}, Example{"[sensor_id, ts]"});
    field.Optional("columns", columns, "Columns to write, in order. Default: all.");
    field.Optional("indexes", indexes, "Indexes that are made if they are not there.",
                   Count{0, 32});
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterMongoSink(Registry& registry);

}  // namespace catchwater
