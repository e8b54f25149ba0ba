#include "catchwater/sql/sql_batch_program.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/sql/engine_message.h"
#include "catchwater/sql/rule_compiler_internal.h"
#include "catchwater/sql/sql_fault.h"
#include "catchwater/sql/sql_state_internal.h"

namespace catchwater {

using duckdb_internal::TypedRule;

struct SqlBatchProgram::State {
  ~State() {
    if (connection != nullptr) connection->database->slots->Remove(slot_id);
  }

  std::shared_ptr<duckdb_internal::ConnectionState> connection;
  std::shared_ptr<duckdb_internal::RowSlot> slot;
  int64_t slot_id = 0;
  std::vector<SqlRule> rules;
  std::vector<TypedRule> typed;  // The same rules with their types.
  bool has_selects = false;
  std::shared_ptr<arrow::Schema> output_schema;
  std::shared_ptr<arrow::Schema> derived_schema;
  duckdb_internal::Prepared run;
  duckdb_internal::Prepared explain;  // Prepared at the first failure.
};

namespace {

std::string LowerCase(std::string text) {
  for (char& character : text) {
    character = static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  }
  return text;
}

/// SQL does not tell `Temp` from `temp`, our tables do.
arrow::Status CheckNames(const arrow::Schema& schema, const std::vector<SqlRule>& rules) {
  std::vector<std::string> names = schema.field_names();
  for (const SqlRule& rule : rules) {
    if (!rule.is_select()) names.push_back(rule.column);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (std::string& name : names) name = LowerCase(name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return arrow::Status::OK();
  return ConfigError("SQL does not tell names apart by case; rename one of: ", *twice);
}

std::string FirstLine(std::string_view message) {
  const size_t end = message.find("\n\nLINE ");
  std::string line(message.substr(0, end));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

/// What the expression sees: the input and what the rules before it derived.
std::vector<std::string> ColumnsBefore(const arrow::Schema& input,
                                       const std::vector<TypedRule>& rules) {
  std::vector<std::string> columns = input.field_names();
  for (size_t i = 0; i + 1 < rules.size(); ++i) {
    const std::string& name = rules[i].rule.column;
    if (name.empty() || std::find(columns.begin(), columns.end(), name) != columns.end()) continue;
    columns.push_back(name);
  }
  return columns;
}

SqlFault::Reason ReasonOf(const EngineMessage& message) {
  if (!UnknownColumnOf(message).empty()) return SqlFault::Reason::kUnknownColumn;
  // Expressions are checked inside of TRY() (CheckStatement), which sees one row.
  for (const char* words : {"the TRY expression", "TRY can not be used",
                            "expression class in "
                            "ExpressionBinder::BindExpression: WINDOW"}) {
    if (message.first.find(words) != std::string::npos) return SqlFault::Reason::kNotOneRow;
  }
  return SqlFault::Reason::kOther;
}

/// What the engine has against the last rule; its expression stands alone behind the first line of
/// the statement.
arrow::Status ExpressionError(const arrow::Schema& input, const std::vector<TypedRule>& rules,
                              const std::string& statement, const arrow::Status& status) {
  if (KindOf(status) != ErrorKind::kBadData) return status;
  const SqlRule& rule = rules.back().rule;
  const EngineMessage message = ReadEngineMessage(status.message(), statement);
  SqlFault fault{.rule = rule, .reason = ReasonOf(message), .columns = ColumnsBefore(input, rules)};
  fault.engine_words = message.first;
  const size_t begin = statement.find('\n') + 1;
  if (message.offset && *message.offset >= begin) {
    // What stands behind the expression is ours: the expression ended too early.
    fault.offset = std::min(*message.offset - begin, rule.expression.size());
    fault.word = rule.expression.substr(*fault.offset, WordLength(rule.expression, *fault.offset));
  }
  if (fault.reason == SqlFault::Reason::kUnknownColumn) {
    fault.word = UnknownColumnOf(message);
  } else if (message.rest.starts_with("Did you mean")) {
    const auto names = QuotedNames(message.rest);
    if (!names.empty()) fault.near = names.front();
  }
  const std::string words = message.first;
  return MakeErrorWith(
      std::make_shared<SqlFaultDetail>(std::move(fault)),
      "SQL expression of " + rule.name + " is not valid: " + words + ": " + rule.expression);
}

arrow::Status FaultyRule(SqlFault::Reason reason, const arrow::Schema& input,
                         const std::vector<TypedRule>& rules, std::string_view what) {
  const SqlRule& rule = rules.back().rule;
  SqlFault fault{.rule = rule, .reason = reason, .columns = ColumnsBefore(input, rules)};
  return MakeErrorWith(
      std::make_shared<SqlFaultDetail>(std::move(fault)),
      "SQL expression of " + rule.name + std::string(what) + ": " + rule.expression);
}

/// The type that a derived value gets in the table.
struct ValueType {
  std::string sql;
  std::shared_ptr<arrow::DataType> arrow;
};

std::optional<ValueType> TableType(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return ValueType{"BOOLEAN", arrow::boolean()};
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_INTEGER:
      return ValueType{"INTEGER", arrow::int32()};
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_BIGINT:
      return ValueType{"BIGINT", arrow::int64()};
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
      return ValueType{"DECIMAL(38,0)", arrow::decimal128(38, 0)};
    case DUCKDB_TYPE_FLOAT:
      return ValueType{"FLOAT", arrow::float32()};
    case DUCKDB_TYPE_DOUBLE:
      return ValueType{"DOUBLE", arrow::float64()};
    case DUCKDB_TYPE_DECIMAL: {
      const int precision = duckdb_decimal_width(type);
      const int scale = duckdb_decimal_scale(type);
      return ValueType{"DECIMAL(" + std::to_string(precision) + "," + std::to_string(scale) + ")",
                       arrow::decimal128(precision, scale)};
    }
    case DUCKDB_TYPE_DATE:
      return ValueType{"DATE", arrow::date32()};
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return ValueType{"TIMESTAMPTZ", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")};
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_UUID:
      return ValueType{"VARCHAR", arrow::utf8()};
    default:
      return std::nullopt;
  }
}

/// Checks the last rule and, if it derives, fills in its type and returns Arrow's.
arrow::Result<std::shared_ptr<arrow::DataType>> CheckLastRule(duckdb_connection connection,
                                                              const std::string& source,
                                                              const arrow::Schema& input,
                                                              std::vector<TypedRule>& rules) {
  const SqlRule& rule = rules.back().rule;
  const auto fails = [&](SqlFault::Reason reason, std::string_view what) {
    return FaultyRule(reason, input, rules, what);
  };
  if (rule.expression.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fails(SqlFault::Reason::kEmpty, " is empty");
  }
  // Brackets that close what the expression did not open would let it change the statement.
  const std::string alone = "SELECT\n" + rule.expression + "\nFROM " + source;
  const arrow::Status parsed = duckdb_internal::PrepareOne(connection, alone).status();
  if (!parsed.ok() && parsed.message().find("Parser Error") != std::string::npos) {
    return ExpressionError(input, rules, alone, parsed);
  }
  const std::string check = duckdb_internal::CheckStatement(source, input, rules);
  const arrow::Status checked = duckdb_internal::PrepareOne(connection, check).status();
  if (!checked.ok()) return ExpressionError(input, rules, check, checked);
  const std::string type_statement = duckdb_internal::TypeStatement(source, input, rules);
  auto typed = duckdb_internal::PrepareOne(connection, type_statement);
  if (!typed.ok()) return ExpressionError(input, rules, type_statement, typed.status());
  const duckdb_internal::LogicalType type(
      duckdb_prepared_statement_column_logical_type(typed->get(), 0));
  const std::optional<ValueType> value_type = TableType(type.get());
  if (rule.is_select()) {
    if (duckdb_get_type_id(type.get()) == DUCKDB_TYPE_BOOLEAN) return arrow::boolean();
    return fails(SqlFault::Reason::kNotABoolean, " is not true or false");
  }
  if (!value_type.has_value() || duckdb_nparams(typed->get()) > 0) {
    return fails(SqlFault::Reason::kNotAColumn, " has a type that a table cannot hold; CAST it");
  }
  rules.back().sql_type = value_type->sql;
  return value_type->arrow;
}

std::shared_ptr<arrow::Schema> WithField(const std::shared_ptr<arrow::Schema>& schema,
                                         const std::shared_ptr<arrow::Field>& field) {
  const int index = schema->GetFieldIndex(field->name());
  return (index >= 0 ? schema->SetField(index, field)
                     : schema->AddField(schema->num_fields(), field))
      .ValueOrDie();  // The index is in range.
}

}  // namespace

arrow::Result<std::shared_ptr<SqlDatabase>> OpenProgramDatabase() {
  return SqlDatabase::Open(
      {.threads = 1, .memory_bytes_max = 96 << 20, .temp_directory = "", .allow_files = false});
}

SqlBatchProgram::SqlBatchProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlBatchProgram::~SqlBatchProgram() = default;

arrow::Result<std::unique_ptr<SqlBatchProgram>> SqlBatchProgram::Make(
    std::shared_ptr<SqlDatabase> database, std::shared_ptr<arrow::Schema> input_schema,
    std::vector<SqlRule> rules) {
  CATCHWATER_CHECK(!rules.empty() && rules.size() <= kRuleCountMax, "1 to kRuleCountMax rules");
  ARROW_RETURN_NOT_OK(duckdb_internal::CheckReadable(*input_schema));
  ARROW_RETURN_NOT_OK(CheckNames(*input_schema, rules));
  auto state = std::make_unique<State>();
  ARROW_ASSIGN_OR_RAISE(auto connection, database->Connect());
  state->connection = connection->state_;
  state->slot = std::make_shared<duckdb_internal::RowSlot>(input_schema);
  state->slot_id = state->connection->database->slots->Add(state->slot);
  duckdb_connection raw = state->connection->connection.get();
  const std::string source = duckdb_internal::ArrowRowsCall(state->slot_id);

  state->output_schema = input_schema;
  state->derived_schema = arrow::schema({});
  for (const SqlRule& rule : rules) {
    state->typed.push_back({rule, ""});
    ARROW_ASSIGN_OR_RAISE(auto type, CheckLastRule(raw, source, *input_schema, state->typed));
    state->has_selects = state->has_selects || rule.is_select();
    if (rule.is_select()) continue;
    const auto field = arrow::field(rule.column, std::move(type));
    state->output_schema = WithField(state->output_schema, field);
    state->derived_schema = WithField(state->derived_schema, field);
  }
  ARROW_ASSIGN_OR_RAISE(
      state->run, duckdb_internal::PrepareOne(
                      raw, duckdb_internal::RunStatement(source, *input_schema, state->typed,
                                                         state->derived_schema->field_names())));
  state->rules = std::move(rules);
  return std::unique_ptr<SqlBatchProgram>(new SqlBatchProgram(std::move(state)));  // NOLINT
}

namespace {

/// Runs a statement over the rows; the result has one row for each, in their order.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Execute(
    duckdb_prepared_statement statement, duckdb_internal::RowSlot& slot,
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  CATCHWATER_CHECK(rows->schema() == slot.schema() ||
                       rows->schema()->Equals(*slot.schema(), /*check_metadata=*/false),
                   "rows have the schema that the program was made for");
  slot.Set(std::make_shared<duckdb_internal::RowBatches>(duckdb_internal::RowBatches{rows}));
  duckdb_internal::Result result;
  const duckdb_state executed = duckdb_execute_prepared_streaming(statement, &result.raw);
  slot.Set(std::make_shared<duckdb_internal::RowBatches>());  // The execution keeps its own.
  if (executed != DuckDBSuccess) return duckdb_internal::ErrorOf(result.raw);
  ARROW_ASSIGN_OR_RAISE(auto collector, duckdb_internal::ChunkCollector::Make(result.raw));
  bool is_at_end = false;
  ARROW_RETURN_NOT_OK(duckdb_internal::FetchRows(result.raw, std::numeric_limits<int64_t>::max(),
                                                 *collector, &is_at_end));
  ARROW_ASSIGN_OR_RAISE(auto out, collector->Finish());
  CATCHWATER_CHECK(out->num_rows() == rows->num_rows(), "a program gives one row for each");
  return out;
}

}  // namespace

arrow::Result<SqlBatchProgram::Outcome> SqlBatchProgram::Run(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  ARROW_ASSIGN_OR_RAISE(auto out, Execute(state_->run.get(), *state_->slot, rows));
  Outcome outcome;
  arrow::ArrayVector columns = out->columns();
  if (state_->has_selects) {
    outcome.verdicts = std::static_pointer_cast<arrow::UInt8Array>(columns.front());
    columns.erase(columns.begin());
  }
  outcome.derived =
      arrow::RecordBatch::Make(state_->derived_schema, rows->num_rows(), std::move(columns));
  return outcome;
}

arrow::Result<std::vector<SqlBatchProgram::Failure>> SqlBatchProgram::Explain(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (state_->explain == nullptr) {
    ARROW_ASSIGN_OR_RAISE(state_->explain, duckdb_internal::PrepareOne(
                                               state_->connection->connection.get(),
                                               duckdb_internal::ExplainStatement(
                                                   duckdb_internal::ArrowRowsCall(state_->slot_id),
                                                   *state_->slot->schema(), state_->typed)));
  }
  ARROW_ASSIGN_OR_RAISE(auto out, Execute(state_->explain.get(), *state_->slot, rows));
  const auto& numbers = static_cast<const arrow::UInt8Array&>(*out->column(0));
  std::vector<Failure> failures;
  for (int64_t row = 0; row < numbers.length(); ++row) {
    if (numbers.Value(row) == 0) continue;
    Failure failure{.row = row, .rule = numbers.Value(row) - size_t{1}, .message = ""};
    if (failures.size() < kExplainedMax) {
      const arrow::Status status = Run(rows->Slice(row, 1)).status();
      if (!status.ok()) failure.message = FirstLine(status.message());
    }
    if (failure.message.empty()) failure.message = "The expression has no value for this row";
    failures.push_back(std::move(failure));
  }
  return failures;
}

const std::shared_ptr<arrow::Schema>& SqlBatchProgram::input_schema() const {
  return state_->slot->schema();
}
const std::shared_ptr<arrow::Schema>& SqlBatchProgram::output_schema() const {
  return state_->output_schema;
}
const std::shared_ptr<arrow::Schema>& SqlBatchProgram::derived_schema() const {
  return state_->derived_schema;
}
const std::vector<SqlRule>& SqlBatchProgram::rules() const { return state_->rules; }

}  // namespace catchwater
