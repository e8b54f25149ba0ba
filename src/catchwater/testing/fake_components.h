/// \file
/// Components that can be configured and do nothing: for tests of reading, binding and references.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/component/registry.h"

namespace catchwater::testing {

struct FakeTake {
  int32_t min_files = 1;
  Duration max_age = Duration::Minutes(10);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("min_files", min_files, "Take files when so many wait.", Bounds{1, 1'000});
    field.Optional("max_age", max_age, "Take them when the oldest is older.",
                   Bounds{Duration::Seconds(1), Duration::Days(1)});
  }
};

struct FakeFileConfig {
  static constexpr std::string_view kShortFor = "path";

  std::string path;
  bool is_followed = false;
  FakeTake take;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("path", path, "File to read.", Example{"data/*.csv"});
    field.Optional("follow", is_followed, "Wait for more.");
    field.Optional("take", take, "When files are taken.");
  }
};

struct FakeEmptyConfig {
  template <class Visitor>
  void Describe(Visitor&) {}
};

struct FakeCsvConfig {
  std::string delimiter = ",";
  bool has_header = true;
  std::vector<std::string> null_tokens = {"", "NA"};

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("delimiter", delimiter, "Character between fields.");
    field.Optional("header", has_header, "The first line names the columns.");
    field.Optional("null_tokens", null_tokens, "Texts that mean null.", Count{0, 3});
  }
  arrow::Status Check() const {
    if (delimiter.size() == 1) return arrow::Status::OK();
    return ConfigError("`delimiter` must be one character");
  }
};

struct FakeSelectConfig {
  static constexpr std::string_view kShortFor = "condition";
  std::string condition;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("condition", condition, "SQL condition.", Example{"a > 1"});
  }
};

enum class FakeOnFail { kDeadLetter, kNull, kDrop };
constexpr auto EnumWords(FakeOnFail) {
  using Pair = std::pair<FakeOnFail, std::string_view>;
  return std::array{Pair{FakeOnFail::kDeadLetter, "dead_letter"}, Pair{FakeOnFail::kNull, "null"},
                    Pair{FakeOnFail::kDrop, "drop"}};
}

struct FakeRule {
  std::optional<std::vector<double>> range;
  bool is_not_null = false;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("range", range, "Least and greatest value.", Count{2, 2});
    field.Optional("not_null", is_not_null, "There must be a value.");
  }
};

struct FakeValidateConfig {
  FakeOnFail on_fail = FakeOnFail::kDeadLetter;
  std::vector<std::pair<std::string, FakeRule>> rules;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("on_fail", on_fail, "What happens to a row that fails.");
    field.Rest("column", rules, "Rules of the column.");
  }
  std::vector<std::string> ColumnsRead() const {
    std::vector<std::string> columns;
    for (const auto& [column, rule] : rules) columns.push_back(column);
    return columns;
  }
};

struct FakeEnrichConfig {
  std::string with;
  std::string key;
  std::vector<std::string> add;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("with", with, "The other file.", Example{"sites.csv"});
    field.Required("key", key, "Column that both have.");
    field.Optional("add", add, "Columns to add. Default: all.");
  }
  std::vector<std::string> ColumnsRead() const { return {key}; }
  std::vector<std::string> ColumnsAdded() const { return add; }
  bool AddsUnknownColumns() const { return add.empty(); }
};

enum class FakeMode { kInsert, kUpsert };
constexpr auto EnumWords(FakeMode) {
  using Pair = std::pair<FakeMode, std::string_view>;
  return std::array{Pair{FakeMode::kInsert, "insert"}, Pair{FakeMode::kUpsert, "upsert"}};
}

struct FakePostgresConfig {
  Secret url;
  std::string table;
  int64_t batch_rows = 1'000;
  double ratio = 0.5;
  FakeMode mode = FakeMode::kInsert;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is.");
    field.Required("table", table, "Table to write.");
    field.Optional("batch_rows", batch_rows, "Rows a transaction.", Bounds{1, 1'000'000});
    field.Optional("ratio", ratio, "How full a batch must be.", Bounds{0, 1});
    field.Optional("mode", mode, "How rows are written.");
  }
};

/// A codec that names what it was configured with; it makes nothing.
class FakeCodec final : public Codec {
 public:
  explicit FakeCodec(FakeCsvConfig config) : config_(std::move(config)) {}
  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions&) const override {
    return ConfigError("Fake codec frames nothing: ", config_.delimiter);
  }
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions&) const override {
    return ConfigError("Fake codec decodes nothing: ", config_.delimiter);
  }
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>&) const override {
    return ConfigError("Fake codec encodes nothing: ", config_.delimiter);
  }

 private:
  const FakeCsvConfig config_;
};

/// Registers file, simulate; csv, json; select, validate, enrich; console, postgres.
arrow::Status RegisterFakes(Registry& registry);

}  // namespace catchwater::testing
