#include "catchwater/sink/postgres/time_partitions.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <vector>

#include "catchwater/base/civil.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kStampDigits = 12;

std::string TimeSql(int64_t us) {
  return "to_timestamp(" + std::to_string(us / kMicrosPerSecond) + ")";
}

}  // namespace

std::string TimePartitions::NameOf(const std::string& table, int64_t start_us) {
  const int64_t day_us = FloorTo(start_us, kMicrosPerDay);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(day_us / kMicrosPerDay))};
  const int64_t minute = (start_us - day_us) / (60 * kMicrosPerSecond);
  char stamp[40];
  std::snprintf(stamp, sizeof(stamp), "_p%04d%02u%02u%02d%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(minute / 60), static_cast<int>(minute % 60));
  return table + stamp;
}

std::optional<int64_t> TimePartitions::StartOf(const std::string& table,
                                               const std::string& partition) {
  const std::string prefix = table + "_p";
  if (!partition.starts_with(prefix) || partition.size() != prefix.size() + kStampDigits) {
    return std::nullopt;
  }
  const auto number = [&](size_t at, size_t digits) {
    int value = -1;
    const char* begin = partition.data() + prefix.size() + at;
    const auto [end, error] = std::from_chars(begin, begin + digits, value);
    return error == std::errc() && end == begin + digits ? value : -1;
  };
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  const int hour = number(8, 2);
  const int minute = number(10, 2);
  if (!date.ok() || hour < 0 || minute < 0) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kMicrosPerDay +
         (hour * 60 + minute) * 60 * kMicrosPerSecond;
}

std::set<int64_t> TimePartitions::Missing(const arrow::TimestampArray& times_us) const {
  std::set<int64_t> missing;
  std::optional<int64_t> last;  // Rows come in runs of one partition.
  for (int64_t row = 0; row < times_us.length(); ++row) {
    if (times_us.IsNull(row)) continue;
    const int64_t start_us = FloorTo(times_us.Value(row), chunk_us_);
    if (last == start_us) continue;
    last = start_us;
    if (!known_.contains(start_us)) missing.insert(start_us);
  }
  return missing;
}

arrow::Status TimePartitions::Make(PgConnection& connection, const std::set<int64_t>& starts_us) {
  for (const int64_t start_us : starts_us) {
    const PgTableName name = table_.Sibling(NameOf(table_.table, start_us));
    ARROW_RETURN_NOT_OK(connection.Execute(
        "CREATE TABLE IF NOT EXISTS " + name.Sql() + " PARTITION OF " + table_.Sql() +
        " FOR VALUES FROM (" + TimeSql(start_us) + ") TO (" + TimeSql(start_us + chunk_us_) + ")"));
    known_.insert(start_us);
  }
  return arrow::Status::OK();
}

arrow::Result<int64_t> TimePartitions::DropBefore(PgConnection& connection, int64_t before_us) {
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection.Query("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                       "WHERE i.inhparent = to_regclass(" +
                       QuoteLiteral(table_.Sql()) + ") ORDER BY 1"));
  int64_t dropped = 0;
  for (const PgRow& row : rows) {
    const std::string name = row[0].value_or("");
    const auto start_us = StartOf(table_.table, name);
    if (!start_us || *start_us + chunk_us_ > before_us) continue;
    ARROW_RETURN_NOT_OK(connection.Execute("DROP TABLE " + table_.Sibling(name).Sql()));
    known_.erase(*start_us);
    ++dropped;
  }
  return dropped;
}

}  // namespace catchwater
