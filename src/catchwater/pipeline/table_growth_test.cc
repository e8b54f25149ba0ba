#include "catchwater/pipeline/table_growth.h"

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/lake_fixture_test.h"

namespace catchwater {
namespace {

class TableGrowthTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    fence_ = {.lease = "pipeline/p",
              .epoch = *ledger_->AcquireLease("pipeline/p", "me", 60'000).ValueOrDie()};
    spec_ = {.table_key = "t.t",
             .schema = arrow::schema({arrow::field("id", arrow::int64()),
                                      arrow::field("n", arrow::int32()),
                                      arrow::field("x", arrow::float32())})};
    Ensure(spec_);
  }

  std::shared_ptr<TableGrowth> MakeGrowth() {
    return std::make_shared<TableGrowth>(*lake_, spec_, "pipeline/p", fence_,
                                         lake_->LoadTable("t.t").ValueOrDie());
  }

  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const Event& event : ledger_->Feed(0, 1'000).ValueOrDie()) {
      if (event.kind == "schema_change") told.push_back(event.body_json);
    }
    return told;
  }

  static std::shared_ptr<arrow::RecordBatch> Rows(int64_t n, double x) {
    arrow::Int64Builder ns;
    arrow::DoubleBuilder xs;
    EXPECT_TRUE(ns.Append(n).ok() && ns.AppendNull().ok());
    EXPECT_TRUE(xs.Append(x).ok() && xs.AppendNull().ok());
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("n", arrow::int64()), arrow::field("x", arrow::float64())}), 2,
        {ns.Finish().ValueOrDie(), xs.Finish().ValueOrDie()});
  }

  Fence fence_;
  TableSpec spec_;
};

TEST_F(TableGrowthTest, AddsColumnsOnceAndTellsTheLedger) {
  const auto growth = MakeGrowth();
  const std::vector<WantedColumn> wanted = {{"room", arrow::utf8(), "a"},
                                            {"level", arrow::int64(), "7"}};
  ASSERT_EQ(growth->Add(wanted), arrow::Status::OK());
  ASSERT_EQ(growth->Add(wanted), arrow::Status::OK());
  EXPECT_EQ(growth->table()->schema->num_fields(), 5);
  EXPECT_EQ(lake_->LoadTable("t.t").ValueOrDie()->location, growth->table()->location);
  const auto told = Told();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told[0].find("\"room\""), std::string::npos) << told[0];
}

TEST_F(TableGrowthTest, ColumnsOfAnotherProcessStayAsTheyAre) {
  const auto mine = MakeGrowth();
  const auto other = MakeGrowth();
  ASSERT_EQ(other->Add({{"level", arrow::utf8(), "high"}}), arrow::Status::OK());
  ASSERT_EQ(mine->Add({{"level", arrow::int64(), "7"}}), arrow::Status::OK());
  EXPECT_EQ(mine->table()->schema->GetFieldByName("level")->type()->id(), arrow::Type::STRING);
  EXPECT_EQ(Told().size(), 1U);
}

TEST_F(TableGrowthTest, LanesThatWantTheSameMakeItOnce) {
  const auto growth = MakeGrowth();
  {
    std::vector<std::jthread> lanes;
    for (int i = 0; i < 4; ++i) {
      lanes.emplace_back([&] {
        EXPECT_EQ(growth->Add({{"room", arrow::utf8(), ""}}), arrow::Status::OK());
      });
    }
  }
  EXPECT_EQ(Told().size(), 1U);
}

TEST_F(TableGrowthTest, NamesFollowRules) {
  const auto growth = MakeGrowth();
  for (const char* good : {"a", "_a1", "Room", "id"}) EXPECT_EQ(growth->Refusal(good), "") << good;
  for (const char* bad : {"", "1a", "a-b", "a.b", "\xC3\xA9", "ID"}) {
    EXPECT_NE(growth->Refusal(bad), "") << bad;
  }
  EXPECT_NE(growth->Refusal(std::string(64, 'a')), "");
}

TEST_F(TableGrowthTest, NewColumnsAreBounded) {
  const auto growth = MakeGrowth();
  std::vector<WantedColumn> wanted;
  for (size_t i = 0; i < kNewColumnsMax + 5; ++i) {
    wanted.push_back({"c" + std::to_string(i), arrow::int64(), ""});
  }
  ASSERT_EQ(growth->Add(wanted), arrow::Status::OK());
  EXPECT_EQ(growth->table()->schema->num_fields(), 3 + 100);
  EXPECT_NE(growth->Refusal("more").find("100"), std::string::npos);
  EXPECT_EQ(growth->Refusal("c5"), "");  // It is there.
}

TEST_F(TableGrowthTest, ValuesThatFitAreNarrowedOthersWidenTheColumn) {
  const auto growth = MakeGrowth();
  const auto narrow = growth->Fit(Rows(std::numeric_limits<int32_t>::max(), 3e38)).ValueOrDie();
  EXPECT_EQ(narrow->column(0)->type_id(), arrow::Type::INT32);
  EXPECT_EQ(narrow->column(1)->type_id(), arrow::Type::FLOAT);
  EXPECT_EQ(narrow->column(0)->null_count(), 1);
  EXPECT_EQ(Told().size(), 0U);

  const auto wide = growth->Fit(Rows(int64_t{1} << 31, 1.0)).ValueOrDie();
  EXPECT_EQ(wide->column(0)->type_id(), arrow::Type::INT64);
  EXPECT_EQ(wide->column(1)->type_id(), arrow::Type::FLOAT);
  EXPECT_EQ(growth->table()->schema->GetFieldByName("n")->type()->id(), arrow::Type::INT64);
  ASSERT_EQ(growth->Fit(Rows(1, 1e39)).ValueOrDie()->column(1)->type_id(), arrow::Type::DOUBLE);
  EXPECT_EQ(Told().size(), 2U);
}

TEST_F(TableGrowthTest, WithoutItsLeaseNothingChanges) {
  const auto growth = MakeGrowth();
  ASSERT_EQ(ledger_->ReleaseLease(fence_.lease, fence_.epoch), arrow::Status::OK());
  ASSERT_TRUE(ledger_->AcquireLease("pipeline/p", "other", 60'000).ValueOrDie().has_value());
  const auto before = lake_->LoadTable("t.t").ValueOrDie()->location;
  const arrow::Status status = growth->Add({{"room", arrow::utf8(), ""}});
  EXPECT_EQ(KindOf(status), ErrorKind::kConflict) << status;
  EXPECT_EQ(lake_->LoadTable("t.t").ValueOrDie()->location, before);
}

TEST_F(TableGrowthTest, OlderBatchesComeToTheNewestSchema) {
  const auto schema =
      arrow::schema({arrow::field("x", arrow::float64()), arrow::field("n", arrow::int64()),
                     arrow::field("room", arrow::utf8())});
  const auto old = MakeGrowth()->Fit(Rows(1, 0.5)).ValueOrDie();
  const auto rows = ToSchema(old, *schema).ValueOrDie();
  EXPECT_TRUE(rows->schema()->Equals(*schema)) << rows->schema()->ToString();
  EXPECT_EQ(rows->column(2)->null_count(), 2);
}

}  // namespace
}  // namespace catchwater
