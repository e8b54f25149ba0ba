#include "catchwater/sink/postgres/time_partitions.h"

#include <gtest/gtest.h>

#include "catchwater/sink/postgres/postgres_sink.h"

namespace catchwater {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;
constexpr int64_t kNewYear2026 = 1'767'225'600'000'000;

TEST(TimePartitions, NamesTellTheStart) {
  EXPECT_EQ(TimePartitions::NameOf("readings", kNewYear2026 + 90 * 60'000'000LL),
            "readings_p202601010130");
  EXPECT_EQ(TimePartitions::NameOf("readings", -kDayUs), "readings_p196912310000");
  EXPECT_EQ(TimePartitions::StartOf("readings", "readings_p202601010130"),
            kNewYear2026 + 90 * 60'000'000LL);
  EXPECT_EQ(TimePartitions::StartOf("readings", "readings_p196912310000"), -kDayUs);
}

TEST(TimePartitions, OtherTablesAreNotOurs) {
  EXPECT_FALSE(TimePartitions::StartOf("readings", "readings_old").has_value());
  EXPECT_FALSE(TimePartitions::StartOf("readings", "readings_p202613010130").has_value());
  EXPECT_FALSE(TimePartitions::StartOf("other", "readings_p202601010130").has_value());
}

TEST(TimePartitions, FindsTheStartsThatRowsNeed) {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                arrow::default_memory_pool());
  for (const int64_t us : {kNewYear2026, kNewYear2026 + 5, kNewYear2026 + kDayUs, int64_t{-1}}) {
    ASSERT_TRUE(times.Append(us).ok());
  }
  ASSERT_TRUE(times.AppendNull().ok());
  const auto array = times.Finish().ValueOrDie();
  const TimePartitions partitions(PgTableName::Parse("readings"), kDayUs);
  EXPECT_EQ(partitions.Missing(static_cast<const arrow::TimestampArray&>(*array)),
            (std::set<int64_t>{-kDayUs, kNewYear2026, kNewYear2026 + kDayUs}));
}

TEST(PostgresSinkConfig, RefusesWhatDoesNotGoTogether) {
  PostgresSinkConfig config;
  config.url = Secret("postgres://localhost");
  config.table = "t";
  EXPECT_TRUE(config.Check().ok());
  config.retain = Duration::Days(1);
  EXPECT_FALSE(config.Check().ok()) << "no time column";
  config.hypertable = "ts";
  EXPECT_TRUE(config.Check().ok());
  config.key = {"id"};
  EXPECT_FALSE(config.Check().ok()) << "the key lacks the time";
  config.key = {"id", "ts"};
  EXPECT_TRUE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
