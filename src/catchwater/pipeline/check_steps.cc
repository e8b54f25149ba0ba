#include "catchwater/pipeline/check_steps.h"

#include <memory>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/text.h"
#include "catchwater/component/bind_pipeline.h"
#include "catchwater/config/scalar_place.h"
#include "catchwater/pipeline/step_chain.h"
#include "catchwater/sql/sql_fault.h"

namespace catchwater {
namespace {

/// Remembers that a table could not be read: that is no fault of the file.
class WatchedTables final : public TableReader {
 public:
  explicit WatchedTables(TableReader& tables) : tables_(tables) {}

  arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& columns) override {
    return Seen(tables_.ReadTable(table_key, columns));
  }
  arrow::Result<std::string> Version(const std::string& table_key) override {
    return Seen(tables_.Version(table_key));
  }
  bool has_failed() const { return has_failed_; }

 private:
  template <class T>
  arrow::Result<T> Seen(arrow::Result<T> result) {
    has_failed_ |= !result.ok();
    return result;
  }

  TableReader& tables_;
  bool has_failed_ = false;
};

/// The text in which the rule's SQL stands.
ConfigNode TextOf(const ConfigNode& config, const SqlRule& rule) {
  if (config.is_scalar()) return config;
  const ConfigNode named = config.At(rule.column);
  if (!rule.column.empty() && named.is_scalar()) return named;
  for (const ConfigEntry& entry : config.entries()) {
    if (entry.value.is_scalar() && entry.value.text() == rule.expression) return entry.value;
  }
  return config;
}

void AddNearest(const std::string& word, const std::vector<std::string>& known,
                Diagnostic& diagnostic) {
  const std::string_view near = Nearest(word, known);
  if (!near.empty()) diagnostic.label = "did you mean `" + std::string(near) + "`?";
}

void ReportSqlFault(const ChosenStep& step, const SqlFault& fault, Diagnostics& diagnostics) {
  const ConfigNode text = TextOf(step.config, fault.rule);
  Place place = text.place();
  if (fault.offset) {
    place = PlaceInScalar(text, *fault.offset, fault.word.size()).value_or(place);
  }
  const std::string who = "step `" + step.name + "`";
  const std::string whose = fault.rule.is_select()
                                ? "condition of " + who
                                : "value of column `" + fault.rule.column + "` in " + who;
  const auto wrong = [&](const std::string& what) -> Diagnostic& {
    return diagnostics.Error("E1313", place, what);
  };
  switch (fault.reason) {
    case SqlFault::Reason::kUnknownColumn: {
      Diagnostic& error =
          diagnostics.Error("E1302", place, "unknown column `" + fault.word + "` in " + who);
      AddNearest(fault.word, fault.columns, error);
      error.notes.push_back("columns here: " + JoinWords(fault.columns));
      return;
    }
    case SqlFault::Reason::kNotOneRow:
      wrong("the " + whose + " asks for more than the row at hand")
          .helps.emplace_back(
              "sums and the like over many rows are `streams`, rows of a table or file come by "
              "`enrich`; `random()` would change what is read twice");
      return;
    case SqlFault::Reason::kNotABoolean:
      wrong("the " + whose + " is not true or false")
          .helps.emplace_back("compare it: `" + fault.rule.expression +
                              " > 0`, or `... IS NOT NULL`");
      return;
    case SqlFault::Reason::kNotAColumn:
      wrong("the " + whose + " has a type that a table cannot hold")
          .helps.emplace_back("lists, structs and intervals need a `CAST(... AS VARCHAR)`");
      return;
    case SqlFault::Reason::kEmpty:
      wrong("the " + whose + " is empty").helps.emplace_back("write a SQL expression");
      return;
    case SqlFault::Reason::kOther:
      break;
  }
  if (fault.offset == fault.rule.expression.size()) {
    wrong("the " + whose + " ends too early").label = "something is missing here";
    return;
  }
  Diagnostic& error = wrong("the " + whose + " is not valid SQL");
  if (!fault.near.empty()) AddNearest(fault.word, {fault.near}, error);
  error.notes.push_back("DuckDB says: " + fault.engine_words);
}

/// The setting that the message names in backticks, else the step.
ConfigNode NamedIn(const std::string& message, const ConfigNode& config) {
  for (const ConfigEntry& entry : config.entries()) {
    if (message.find("`" + entry.key + "`") != message.npos) return entry.value;
  }
  return config;
}

}  // namespace

void ReportStepFailure(const ChosenStep& step, const arrow::Status& failure,
                       Diagnostics& diagnostics) {
  if (const SqlFault* fault = SqlFaultOf(failure)) {
    ReportSqlFault(step, *fault, diagnostics);
    return;
  }
  ReportMakeFailure("step `" + step.name + "`", NamedIn(failure.message(), step.config), failure,
                    diagnostics);
}

arrow::Status CheckSteps(const PipelinePlan& plan, const StepSurroundings& surroundings,
                         Diagnostics& diagnostics) {
  std::unique_ptr<WatchedTables> tables;
  if (surroundings.table_reader != nullptr) {
    tables = std::make_unique<WatchedTables>(*surroundings.table_reader);
  }
  auto schema = ArrowSchema(plan.columns);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const auto made =
        BuildStep(plan, i, schema, surroundings.files, surroundings.clock, tables.get());
    if (made.ok()) {
      schema = (*made)->output_schema();
      continue;
    }
    const arrow::Status& failure = made.status();
    const ErrorKind kind = KindOf(failure);
    if ((tables && tables->has_failed()) || kind == ErrorKind::kUnavailable ||
        kind == ErrorKind::kThrottled) {
      return WithContext(failure, "step `" + plan.steps[i].name + "`");
    }
    ReportStepFailure(plan.steps[i], failure, diagnostics);
    break;
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
